"""What the destination teaches, and how much of it the origins cover: certainly, or perhaps.

An item of the destination is a concept it names, or a topic that no concept names. It is `coberto`
when an origin names it or says nearly the same, `duvidoso` when a passage of an origin that nothing
else explains comes near it, and `faltante` otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.match.calibration import Calibration
from atalaia.kernel.match.mappers import Mappers, Syllabus
from atalaia.kernel.match.stems import FILLER, IN_NAMES, STOPWORDS, stem
from atalaia.kernel.match.subjects import Taxonomy, TypicalSubject
from atalaia.kernel.match.syllabus import Clause
from atalaia.kernel.match.text import fold
from atalaia.kernel.match.verdict import Evidence, Item, Side, State

FREE_WEIGHT = 1.0  # of a topic that no concept names, standing in a sentence of its own
SAME_WORDS = 0.75  # a topic so many of whose words stand in one clause of the origin is covered


@dataclass(frozen=True, slots=True)
class Coverage:
    """The items of the destination, judged."""

    items: tuple[Item, ...]
    subject: TypicalSubject | None
    unknown: float  # the share of the weight that no concept names

    def shares(self, *, doubts: bool) -> tuple[float, float]:
        """(coverage, critical coverage); with `doubts`, as if every doubt were covered."""
        good = {"coberto", "duvidoso"} if doubts else {"coberto"}
        whole = _share(self.items, good)
        critical = [item for item in self.items if item.critico]
        return whole, _share(critical, good) if critical else whole


def _share(items: Sequence[Item], good: set[str]) -> float:
    total = sum(item.peso for item in items)
    if not total:
        return 0.0
    return sum(item.peso for item in items if item.situacao in good) / total


def cover(
    name: str,
    destination: Syllabus,
    origins: Mapping[int, Syllabus],
    taxonomy: Taxonomy,
    mappers: Mappers,
    deadline: Deadline,
) -> Coverage:
    """Judge every item of the destination called `name` against `origins`, by their numbers."""
    near = _Nearness(destination, origins, taxonomy, mappers, deadline)
    codes = list(dict.fromkeys(find.code for find in destination.finds))
    subject = typical(name, codes, taxonomy)
    critical = set(subject.critical) if subject else set()
    concepts = [near.concept(code, code in critical) for code in codes]
    free = [near.free(clause) for clause in _topics(destination)]
    total = sum(item.peso for item in (*concepts, *free))
    unknown = sum(item.peso for item in free) / total if total else 1.0
    return Coverage((*concepts, *free), subject, unknown)


def typical(name: str, codes: Iterable[str], taxonomy: Taxonomy) -> TypicalSubject | None:
    """The typical subject that a destination is: the one whose name it bears, else the one whose
    critical concepts it teaches at least two of, and all of them; the most, then the first."""
    words = _name_words(name)
    bearing = [s for s in taxonomy.subjects if any(_name_words(n) == words for n in s.names)]
    if bearing:
        return bearing[0]
    inside = [
        (len(_name_words(n)), s)
        for s in taxonomy.subjects
        for n in s.names
        if _name_words(n) and _name_words(n) <= words
    ]
    if inside:
        return max(inside, key=lambda one: one[0])[1]
    taught = set(codes)
    whole = [s for s in taxonomy.subjects if len(s.critical) > 1 and set(s.critical) <= taught]
    return max(whole, key=lambda s: len(s.critical), default=None)


def _name_words(name: str) -> frozenset[str]:
    words = [w for w in fold(name).split() if w not in STOPWORDS]
    return frozenset(stem(w) for w in words if w not in IN_NAMES) or frozenset(map(stem, words))


def _topics(syllabus: Syllabus) -> list[Clause]:
    """The clauses that are topics of their own: in a sentence where no concept is named, and of
    more than filling words."""
    named = {
        clause.sentence
        for clause in syllabus.reading.clauses
        if any(f.start < clause.end and clause.start < f.end for f in syllabus.finds)
    }
    return [
        clause
        for clause in syllabus.loose
        if clause.sentence not in named and not clause.stems <= FILLER
    ]


class _Nearness:
    """The judgement of one destination's items against its origins."""

    def __init__(
        self,
        destination: Syllabus,
        origins: Mapping[int, Syllabus],
        taxonomy: Taxonomy,
        mappers: Mappers,
        deadline: Deadline,
    ) -> None:
        self._destination, self._origins, self._taxonomy = destination, origins, taxonomy
        self._found = mappers.prototypes(taxonomy, destination.mapper, deadline)
        self._limits: Calibration = mappers.calibration(destination.mapper)
        self._blind = self._found is None or any(o.vectors is None for o in origins.values())
        self._place = {c.code: i for i, c in enumerate(taxonomy.concepts)}

    def concept(self, code: str, critical: bool) -> Item:
        """The item of a concept that the destination names."""
        concept = self._taxonomy.by_code[code]
        shown = self._shown(code)
        found = self._named(code) or self._claimed(code, shown)
        state: State = "coberto"
        seen = found
        if not found:
            state, seen = self._near(self._like(code, shown))
        return Item(code, concept.label, concept.weight, critical, state, (*shown, *seen))

    def free(self, clause: Clause) -> Item:
        """The item of a topic that no concept names."""
        text = self._destination.reading.quote(clause.start, clause.end)
        shown = _evidence("destino", 0, self._destination, clause.start, clause.end)
        same = self._same_words(clause)
        vector = self._destination.vector(clause)
        likes = [] if vector is None else [vector]
        state: State = "coberto"
        seen = same
        if not same:
            state, seen = self._near(likes)
        return Item(None, text, FREE_WEIGHT, False, state, (shown, *seen))

    def _shown(self, code: str) -> tuple[Evidence, ...]:
        """Where the destination names it: once is enough."""
        find = next(f for f in self._destination.finds if f.code == code)
        return (_evidence("destino", 0, self._destination, find.start, find.end),)

    def _named(self, code: str) -> tuple[Evidence, ...]:
        return tuple(
            _evidence("origem", number, origin, find.start, find.end)
            for number, origin in self._origins.items()
            for find in origin.finds
            if find.code == code
        )[:3]

    def _claimed(self, code: str, shown: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
        """A model's claims on it that the embeddings half see too."""
        likes = self._like(code, shown)
        seen = []
        for number, origin in self._origins.items():
            for claim in origin.claims:
                if claim.code != code or not likes or origin.vectors is None:
                    continue
                rows = [
                    self._similar(row, likes)
                    for row, c in zip(origin.vectors, origin.reading.clauses, strict=True)
                    if c.start < claim.end and claim.start < c.end
                ]
                if rows and max(rows) >= self._limits.support:
                    seen.append(
                        _evidence(
                            "origem", number, origin, claim.start, claim.end, "llm", max(rows)
                        )
                    )
        return tuple(seen[:3])

    def _like(self, code: str, shown: tuple[Evidence, ...]) -> list[NDArray[np.float32]]:
        """What a passage on this concept is like: its terms, and how the destination puts it."""
        if self._found is None:
            return []
        vectors, of = self._found
        likes = list(vectors[of == self._place[code]])
        for clause in self._destination.reading.clauses:
            if any(clause.start < e.fim and e.inicio < clause.end for e in shown):
                own = self._destination.vector(clause)
                likes += [] if own is None else [own]
        return likes

    def _near(self, likes: list[NDArray[np.float32]]) -> tuple[State, tuple[Evidence, ...]]:
        """How near the unexplained passages of the origins come to it."""
        if self._blind:
            return ("duvidoso" if any(o.loose for o in self._origins.values()) else "faltante"), ()
        best: tuple[float, int, Clause] | None = None
        for number, origin in self._origins.items():
            for clause in origin.loose:
                row = origin.vector(clause)
                score = self._similar(row, likes) if row is not None else 0.0
                if best is None or score > best[0]:
                    best = score, number, clause
        if best is None or best[0] < self._limits.doubt:
            return "faltante", ()
        score, number, clause = best
        seen = _evidence(
            "origem", number, self._origins[number], clause.start, clause.end, "embedding", score
        )
        return ("coberto" if score >= self._limits.cover else "duvidoso"), (seen,)

    def _similar(self, row: NDArray[np.float32], likes: list[NDArray[np.float32]]) -> float:
        return round(max((float(np.dot(row, like)) for like in likes), default=0.0), 3)

    def _same_words(self, clause: Clause) -> tuple[Evidence, ...]:
        """A clause of an origin in nearly the same words."""
        wanted = clause.stems - FILLER
        for number, origin in self._origins.items():
            for other in origin.reading.clauses:
                common = wanted & other.stems
                if len(common) >= SAME_WORDS * len(wanted) and (
                    len(common) > 1 or len(wanted) == 1
                ):
                    return (_evidence("origem", number, origin, other.start, other.end),)
        return ()


def _evidence(
    side: Side,
    number: int,
    syllabus: Syllabus,
    start: int,
    end: int,
    method: str = "lexical",
    confidence: float = 1.0,
) -> Evidence:
    quote = syllabus.reading.quote(start, end)
    return Evidence(side, number, quote, start, end, method, confidence)
