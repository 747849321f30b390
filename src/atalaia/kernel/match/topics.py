"""The topics of a syllabus: the stretches that are taught, tested and compared as one.

A sentence is a topic. A list is as many as it has parts: four or more of them, or fewer that each
name a concept of their own. What a topic names is told by `points`: finds that share words are two
views of one point, and those that do not are two points.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from atalaia.kernel.match.concepts import Find
from atalaia.kernel.match.stems import FILLER
from atalaia.kernel.match.syllabus import Clause, Reading, Word

_DETAILS = re.compile(r"[:(\[–—]")  # what follows tells of what was named before
_LIST = 4  # clauses from which a sentence without details is a list of topics


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `points` are the sets of concepts that its words name; `weight` is its share of
    a sentence."""

    start: int
    end: int
    words: tuple[Word, ...]
    points: tuple[frozenset[str], ...]
    weight: float = 1.0

    @property
    def codes(self) -> frozenset[str]:
        """Every concept that it names."""
        return frozenset().union(*self.points)

    @property
    def stems(self) -> frozenset[str]:
        """The stems of its words that carry meaning."""
        return frozenset(word.stem for word in self.words) - FILLER


def topics(reading: Reading, finds: Sequence[Find]) -> tuple[Topic, ...]:
    """The topics of a syllabus, in the order of the text; filling words alone are none."""
    by_sentence: dict[int, list[Clause]] = {}
    for clause in reading.clauses:
        by_sentence.setdefault(clause.sentence, []).append(clause)
    found = [t for clauses in by_sentence.values() for t in _of(reading, clauses, finds)]
    return tuple(topic for topic in found if topic.stems or topic.points)


def _of(reading: Reading, clauses: Sequence[Clause], finds: Sequence[Find]) -> list[Topic]:
    parts = [_topic([clause], finds) for clause in clauses]
    if len(parts) == 1 or _DETAILS.search(reading.quote(clauses[0].start, clauses[-1].end)):
        return [_topic(clauses, finds)]
    if len(parts) >= _LIST:
        return parts
    named = [part.codes for part in parts]
    if all(named) and len(frozenset().union(*named)) == sum(map(len, named)):
        share = 1 / len(parts)
        return [Topic(p.start, p.end, p.words, p.points, share) for p in parts]
    return [_topic(clauses, finds)]


def _topic(clauses: Sequence[Clause], finds: Sequence[Find]) -> Topic:
    start, end = clauses[0].start, clauses[-1].end
    words = tuple(word for clause in clauses for word in clause.words)
    return Topic(start, end, words, _points(f for f in finds if start <= f.start < end))


def _points(finds: Iterable[Find]) -> tuple[frozenset[str], ...]:
    """The concepts, those whose finds share a word together."""
    groups: list[tuple[set[str], set[int]]] = []
    for find in finds:
        codes, words = {find.code}, set(find.words)
        for group in [g for g in groups if g[1] & words]:
            codes |= group[0]
            words |= group[1]
            groups.remove(group)
        groups.append((codes, words))
    return tuple(frozenset(codes) for codes, _ in groups)
