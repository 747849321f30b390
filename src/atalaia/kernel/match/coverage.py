"""What the destination teaches, and how much of it the origins cover: certainly, or perhaps.

An item of the destination is a concept it names, or a topic that no concept names. It is `coberto`
when an origin names it or says nearly the same, `duvidoso` when a passage of an origin that nothing
else explains comes near it, and `faltante` otherwise. What is named is `duvidoso` all the same when
fewer topics of the origins name it than the destination asks (`crowding`), or when an origin says
that it leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.match.calibration import Calibration
from atalaia.kernel.match.crowding import crowded
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
    unseen: tuple[str, ...] = ()  # critical of its typical subject, and perhaps what is not covered
    blind: bool = False  # the embeddings that the syllabi were read with went away meanwhile

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
    codes = list(dict.fromkeys(find.code for find in destination.finds))
    subject = typical(name, codes, taxonomy)
    critical = set(subject.critical) if subject else set()
    topics = _topics(destination)
    near = _Nearness(destination, origins, taxonomy, codes, topics, mappers, deadline)
    concepts = [near.concept(code, code in critical) for code in codes]
    free = [near.free(topic) for topic in topics]
    total = sum(item.peso for item in (*concepts, *free))
    unknown = sum(item.peso for item in free) / total if total else 1.0
    items = (*concepts, *free)
    seen = set(codes)
    if all(item.situacao == "coberto" for item in items):
        seen |= {find.code for origin in origins.values() for find in origin.finds}
    unseen = tuple(code for code in subject.critical if code not in seen) if subject else ()
    return Coverage(items, subject, unknown, unseen, near.blind)


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
    """The judgement of one destination's items against its origins. What is not named by an origin
    is embedded, all of it at once."""

    def __init__(
        self,
        destination: Syllabus,
        origins: Mapping[int, Syllabus],
        taxonomy: Taxonomy,
        codes: Sequence[str],
        topics: Sequence[Clause],
        mappers: Mappers,
        deadline: Deadline,
    ) -> None:
        self._destination, self._origins, self._taxonomy = destination, origins, taxonomy
        self._limits: Calibration = mappers.calibration(destination.mapper)
        self._shown = {code: self._find(code) for code in codes}
        self._unsure = crowded(destination, origins.values()) | self._contradicted()
        sought = [code for code in codes if not self._named(code)]
        texts = [text for code in sought for text in self._likes(code)]
        texts += [destination.reading.quote(topic.start, topic.end) for topic in topics]
        able = mappers.sees(destination.mapper)
        vectors = mappers.embed(texts, destination.mapper, deadline) if able and texts else None
        self.blind = able and bool(texts) and vectors is None
        self._known = {} if vectors is None else dict(zip(texts, vectors, strict=True))

    def concept(self, code: str, critical: bool) -> Item:
        """The item of a concept that the destination names."""
        concept = self._taxonomy.by_code[code]
        shown = self._shown[code]
        state: State = "coberto"
        seen = self._named(code) or self._claimed(code)
        if not seen:
            state, seen = self._near(self._likes(code))
        alike = any(evidence.metodo == "embedding" for evidence in seen)  # and not named
        if state == "coberto" and (code in self._unsure or (critical and alike)):
            state = "duvidoso"
        return Item(code, concept.label, concept.weight, critical, state, (shown, *seen))

    def free(self, topic: Clause) -> Item:
        """The item of a topic that no concept names."""
        shown = _evidence("destino", 0, self._destination, topic.start, topic.end)
        state: State = "coberto"
        seen = self._same_words(topic)
        if not seen:
            state, seen = self._near([shown.trecho])
        return Item(None, shown.trecho, FREE_WEIGHT, False, state, (shown, *seen))

    def _contradicted(self) -> frozenset[str]:
        """What an origin says it leaves out, and no other one names."""
        origins = self._origins.values()
        sure = {f.code for origin in origins for f in origin.finds if f.code not in origin.excluded}
        return frozenset(code for origin in origins for code in origin.excluded) - sure

    def _find(self, code: str) -> Evidence:
        """Where the destination names it first."""
        find = next(f for f in self._destination.finds if f.code == code)
        return _evidence("destino", 0, self._destination, find.start, find.end)

    def _likes(self, code: str) -> list[str]:
        """What a passage on this concept is like: its label, and how the destination puts it."""
        shown, reading = self._shown[code], self._destination.reading
        clause = next(c for c in reading.clauses if c.start < shown.fim and shown.inicio < c.end)
        return [self._taxonomy.by_code[code].label, reading.quote(clause.start, clause.end)]

    def _named(self, code: str) -> tuple[Evidence, ...]:
        return tuple(
            _evidence("origem", number, origin, find.start, find.end)
            for number, origin in self._origins.items()
            for find in origin.finds
            if find.code == code
        )[:3]

    def _claimed(self, code: str) -> tuple[Evidence, ...]:
        """A model's claims on it that the embeddings half see too, in a passage not explained."""
        seen = []
        for number, origin in self._origins.items():
            for claim in origin.claims:
                likes = self._likes(code) if claim.code == code else []
                best = max(
                    (
                        self._similar(origin, row, likes)
                        for row, c in enumerate(origin.loose)
                        if c.start < claim.end and claim.start < c.end
                    ),
                    default=0.0,
                )
                if likes and best >= self._limits.support:
                    place = (claim.start, claim.end)
                    seen.append(_evidence("origem", number, origin, *place, "llm", best))
        return tuple(seen[:3])

    def _near(self, likes: Sequence[str]) -> tuple[State, tuple[Evidence, ...]]:
        """How near the unexplained passages of the origins come to it."""
        loose = [(n, o, row) for n, o in self._origins.items() for row in range(len(o.loose))]
        if not self._known or any(o.vectors is None for o in self._origins.values()):
            return ("duvidoso" if loose else "faltante"), ()
        if not loose:
            return "faltante", ()
        score, at = max((self._similar(o, row, likes), -i) for i, (_, o, row) in enumerate(loose))
        if score < self._limits.doubt:
            return "faltante", ()
        number, origin, row = loose[-at]
        clause = origin.loose[row]
        place = (clause.start, clause.end)
        seen = _evidence("origem", number, origin, *place, "embedding", score)
        return ("coberto" if score >= self._limits.cover else "duvidoso"), (seen,)

    def _similar(self, origin: Syllabus, row: int, likes: Sequence[str]) -> float:
        if origin.vectors is None:
            return 0.0
        known = [self._known[like] for like in likes if like in self._known]
        return round(max((float(np.dot(origin.vectors[row], v)) for v in known), default=0.0), 3)

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
