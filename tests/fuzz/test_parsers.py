"""Our parsers under bytes nobody meant: by day a second of each, by night ten minutes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.fuzz.parsers import PARSERS, kept, watched

ROOT = Path(__file__).resolve().parents[2]
SEED = 20261130
RUNS, SECONDS, NIGHT_RUNS, NIGHT_SECONDS = 300, 0.5, 500_000, 600.0
_NAMES = sorted(PARSERS)
_PAIRS = [_NAMES[at : at + 4] for at in range(0, len(_NAMES), 4)]  # four to a set: two at a time


def started(name: str, folder: Path, runs: int, seconds: float) -> subprocess.Popen[str]:
    """A fuzzer in a process of its own: what it breaks may take the process along."""
    command = [sys.executable, "-m", "tests.fuzz.parsers", name, "--runs", str(runs)]
    return subprocess.Popen(
        [*command, "--seconds", str(seconds), "--seed", str(SEED), "--corpus", str(folder / name)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def ended(name: str, process: subprocess.Popen[str], folder: Path, seconds: float) -> int:
    """How often it ran. What broke it fails the test, with the bytes that did."""
    said, _ = process.communicate(timeout=seconds)
    broke = {file.name: file.read_bytes()[:300] for file in folder.glob("broke-*")}
    runs = re.search(r"RUNS (\d+)", said)
    assert process.returncode == 0, f"{name}: {broke} {said[-3000:]}"
    assert runs, f"{name}: {broke} {said[-3000:]}"
    return int(runs[1])


@pytest.mark.row("R-070")
@pytest.mark.parametrize("name", _NAMES)
def test_what_was_found_once_and_good_examples(name: str, tmp_path: Path) -> None:
    act = PARSERS[name].load(tmp_path)
    for data in [*PARSERS[name].seeds, *kept(name), b"", b"\x00", b"\xff" * 9, b"[" * 5000]:
        with watched():
            act(data)


@pytest.mark.row("R-070")
@pytest.mark.timeout(200)
def test_the_fuzzer_finds_what_is_wrong(tmp_path: Path) -> None:
    """The harness itself: a parser with a defect in it is broken by it, the others run on."""
    for name in ("period", "moment"):
        process = started(name, tmp_path, RUNS, SECONDS)
        assert ended(name, process, tmp_path, 150) >= RUNS
    program = (
        "import sys; from pathlib import Path; from tests.fuzz import parsers as p\n"
        "def bad(folder):\n"
        "    def act(data):\n"
        "        if data[:2] == b'20' and len(data) > 5: raise KeyError('x')\n"
        "    return act\n"
        "p.PARSERS['period'] = p.Parser(bad, (b'2024', b'2024-07'), ())\n"
        "p.fuzz('period', 1000, 1, 1, Path(sys.argv[1]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "bad")], cwd=ROOT, capture_output=True,
        text=True, check=False, timeout=150,
    )  # fmt: skip
    assert done.returncode != 0
    assert "KeyError" in done.stdout + done.stderr
    assert list(tmp_path.glob("broke-*"))


@pytest.mark.row("R-070")
@pytest.mark.timeout(1480)
@pytest.mark.parametrize(
    "names",
    [
        pytest.param(names, marks=pytest.mark.night(f"fuzz-parsers-{number}"), id="-".join(names))
        for number, names in enumerate(_PAIRS, 1)
    ],
)
def test_ten_minutes_of_each_parser(names: list[str], tmp_path: Path, record_property: Any) -> None:
    record_property("seed", SEED)
    runs = {}
    for two in (names[:2], names[2:]):
        for name in two:
            (tmp_path / name).mkdir()
        both = {name: started(name, tmp_path / name, NIGHT_RUNS, NIGHT_SECONDS) for name in two}
        for name, process in both.items():
            runs[name] = ended(name, process, tmp_path / name, 730)
    record_property("runs", runs)
    assert min(runs.values()) >= NIGHT_RUNS
