"""The labelled pairs: as composed, of enough kinds, never from the taxonomy's lists; the tuner sees
only its half; and the engine holds its bars."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import benchmarks.equivalence as measured
import pytest
from benchmarks.equivalence_fit import Material
from benchmarks.equivalence_pairs import DATA, HALVES, composed, courses, halves, read_half

from atalaia.domains.equivalence.data import taxonomies
from atalaia.kernel.match.mappers import Mappers
from atalaia.kernel.match.text import fold


def test_the_pairs_are_those_the_material_gives() -> None:
    for (half, area), lines in composed().items():
        assert (DATA / half / f"{area}.jsonl").read_bytes() == lines


def test_there_are_enough_of_every_kind_and_no_subject_is_in_both_halves() -> None:
    pairs = {half: read_half(half) for half in HALVES}
    assert sum(map(len, pairs.values())) >= 1200
    assert pairs["tuning"]
    for said in filter(None, pairs.values()):
        assert set(Counter(p["area"] for p in said)) == set(taxonomies())
        kinds = Counter(p["kind"] for p in said)
        assert len(kinds) >= 12
        assert min(kinds.values()) >= 20
    names = [{c.name for c in halves(courses())[half]} for half in HALVES]
    assert not names[0] & names[1]


def test_most_of_the_language_is_not_the_taxonomys() -> None:
    """A phrase may be the common name of its topic; the whole must not be the list."""
    terms = {
        area: {fold(term) for c in one.concepts for term in (c.label, *c.terms)}
        for area, one in taxonomies().items()
    }
    ways = [(c.area, fold(way)) for c in courses() for t in c.topics for way in t.ways]
    same = sum(way in terms[area] for area, way in ways)
    assert same / len(ways) < 0.25


def test_the_tuner_opens_only_the_tuning_half(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = Path.read_bytes

    def noted(path: Path) -> bytes:
        opened.append(str(path))
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", noted)
    monkeypatch.setattr(sys, "argv", ["equivalence", "--tune", "--lexical"])
    monkeypatch.setattr(measured, "judge", lambda pairs, mappers: list(pairs)[:0])
    monkeypatch.setattr(measured, "bars", lambda judged: ([], {}))
    measured.tune()
    assert len(opened) == len(taxonomies())
    assert all("/tuning/" in path for path in opened)


def test_a_sample_of_the_tuning_half_is_approved_rightly() -> None:
    """Every fifteenth pair: enough to see an engine that approves what it should not."""
    pairs, ahead = read_half("tuning")[::15], measured.Ahead()
    measured.judge(pairs, Mappers([ahead]))
    ahead.learn()
    lines, _ = measured.bars(measured.judge(pairs, Mappers([ahead])))
    found = {line.name: line.ours for line in lines}
    assert found["precision of DEFERIDO"] >= 0.95
    assert found["recall of DEFERIDO"] >= 0.6
    assert found["precision of INDEFERIDO"] >= 0.9


@pytest.mark.night("equivalence")
@pytest.mark.timeout(1400)
def test_what_is_decided_on_subjects_left_out_of_the_fit_is_right() -> None:
    """Precision, which is what is promised to who is not asked; how much is decided at all is in
    docs/equivalence-engine.md, and short of its bar."""
    for judged in Material().left_out().values():
        found = {line.name: line.ours for line in measured.bars(judged)[0]}
        assert found["precision of DEFERIDO"] >= 0.98
        assert found["precision of INDEFERIDO"] >= 0.95
