"""The same question has the same bytes: again, in another process, with caches or without."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
_SAID = """
import hashlib, sys
from benchmarks.equivalence import judge
from benchmarks.equivalence_pairs import read_half
from atalaia.kernel.ai.embedding import LocalEmbedder, Remembered
from atalaia.kernel.match.mappers import Mappers

many, runs, backwards = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "backwards"
pairs = read_half("tuning")[:: 624 // many][:many]
for _ in range(runs):
    judged = judge(pairs[::-1] if backwards else pairs, Mappers([Remembered(LocalEmbedder())]))
    bytes_ = sorted(verdict.canonical() for _, verdict in judged)
    print(len(bytes_), hashlib.sha256(b"".join(bytes_)).hexdigest())
"""


def _digests(many: int, runs: int, order: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _SAID, str(many), str(runs), order],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\n")[:-1]


def test_a_dozen_evaluations_have_the_same_bytes_in_two_processes() -> None:
    said = {*_digests(12, 1, "forwards"), *_digests(12, 1, "backwards")}
    assert len(said) == 1
    assert said.pop().startswith("12 ")
    assert hashlib.sha256(b"").hexdigest() not in said


@pytest.mark.night("equivalence")
@pytest.mark.timeout(1400)
def test_two_hundred_evaluations_three_times_in_two_processes() -> None:
    said = {*_digests(200, 3, "forwards"), *_digests(200, 3, "backwards")}
    assert len(said) == 1
    assert said.pop().startswith("200 ")
