"""What the destination teaches, and how much of it the origins cover: certainly, or perhaps.

An item is a topic of the destination. It is `coberto` when the origins teach it as good as
certainly (`likeness`), `faltante` when they hardly do, and `duvidoso` in between. A critical topic
is covered only where a concept it names is named too, or words say so themselves: what is merely
like it is `duvidoso`, and so is what an origin says that it leaves out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from atalaia.kernel.match.calibration import UNMEASURED, Calibration
from atalaia.kernel.match.crowding import crowded
from atalaia.kernel.match.likeness import Beside, Numbers, Rarity
from atalaia.kernel.match.mappers import Mappers, Syllabus
from atalaia.kernel.match.stems import IN_NAMES, STOPWORDS, stem
from atalaia.kernel.match.subjects import Taxonomy, TypicalSubject
from atalaia.kernel.match.text import fold
from atalaia.kernel.match.topics import Topic
from atalaia.kernel.match.verdict import Evidence, Item, Side, State

SAME_WORDS = 0.75  # a topic so many of whose words stand in its partner is named by it
_STRANGE = 0.5  # as likely, and it is a question although all there has other names
_SHOWN = 3  # quotations of the origins for one item


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

    def lacks_critical(self, *, doubts: bool) -> bool:
        """Whether something critical is not covered. Several topics may name one critical concept:
        all of them are to be covered; with `doubts`, it is enough that one is not missing."""
        by_code: dict[str | None, list[State]] = {}
        for item in self.items:
            if item.critico:
                by_code.setdefault(item.conceito, []).append(item.situacao)
        if doubts:
            return any(set(states) == {"faltante"} for states in by_code.values())
        return any(set(states) != {"coberto"} for states in by_code.values())


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
) -> Coverage:
    """Judge every topic of the destination called `name` against `origins`, by their numbers."""
    codes = list(dict.fromkeys(find.code for find in destination.finds))
    subject = typical(name, codes, taxonomy)
    critical = set(subject.critical) if subject else set()
    judged = _Judgement(destination, origins, taxonomy, critical, mappers)
    items = tuple(judged.item(row) for row in range(len(destination.topics)))
    total = sum(item.peso for item in items)
    unknown = sum(i.peso for i in items if i.conceito is None) / total if total else 1.0
    seen = set(codes)
    if judged.certain:
        seen |= {find.code for origin in origins.values() for find in origin.finds}
    unseen = tuple(code for code in subject.critical if code not in seen) if subject else ()
    return Coverage(items, subject, unknown, unseen, judged.blind)


def typical(name: str, codes: Iterable[str], taxonomy: Taxonomy) -> TypicalSubject | None:
    """The typical subject that a destination is: the one whose very name it bears, else the one
    whose name it bears but for numerals and the like, else the one whose critical concepts it
    teaches at least two of, and all of them; the most, then the first."""
    exact = [s for s in taxonomy.subjects if any(_plain(n) == _plain(name) for n in s.names)]
    if exact:
        return exact[0]
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


@lru_cache(maxsize=8192)
def _plain(name: str) -> tuple[str, ...]:
    return tuple(word for word in fold(name).split() if word not in STOPWORDS)


@lru_cache(maxsize=8192)
def _name_words(name: str) -> frozenset[str]:
    words = _plain(name)
    return frozenset(stem(w) for w in words if w not in IN_NAMES) or frozenset(map(stem, words))


@lru_cache(maxsize=32)
def _rarity(taxonomy: _Known) -> Rarity:
    return Rarity(taxonomy.taxonomy)


@dataclass(frozen=True, eq=False)
class _Known:
    """A taxonomy that a cache may be keyed by."""

    taxonomy: Taxonomy

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and other.taxonomy.digest == self.taxonomy.digest

    def __hash__(self) -> int:
        return hash(self.taxonomy.digest)


def beside(
    destination: Syllabus, origins: Mapping[int, Syllabus], taxonomy: Taxonomy, *, vectors: bool
) -> Beside:
    """The topics of a destination beside all those of its origins, in the origins' order."""
    there = [topic for origin in origins.values() for topic in origin.topics]
    cosines = _cosines(destination, origins) if vectors else None
    return Beside(destination.topics, there, cosines, _rarity(_Known(taxonomy)))


def _cosines(destination: Syllabus, origins: Mapping[int, Syllabus]) -> Numbers | None:
    every = [destination.vectors, *(origin.vectors for origin in origins.values())]
    known = [rows for rows in every if rows is not None]
    if len(known) < len(every) or not len(known[0]):
        return None
    other = np.concatenate(known[1:])
    # Each pair by itself: a matrix product of another height rounds another way.
    found = [[round(float(np.dot(one, two)), 3) for two in other] for one in known[0]]
    return np.array(found, dtype=np.float64)


class _Judgement:
    """The judgement of one destination's topics against its origins."""

    def __init__(
        self,
        destination: Syllabus,
        origins: Mapping[int, Syllabus],
        taxonomy: Taxonomy,
        critical: set[str],
        mappers: Mappers,
    ) -> None:
        self._destination, self._origins, self._taxonomy = destination, origins, taxonomy
        self._critical = critical
        readers = {one.mapper for one in (destination, *origins.values())}
        self.blind = len(readers) > 1
        known = mappers.calibration(destination.mapper)
        self._limits: Calibration = UNMEASURED if self.blind else known
        self._beside = beside(destination, origins, taxonomy, vectors=not self.blind)
        self._there = [(n, topic) for n, one in origins.items() for topic in one.topics]
        self._named = [topic.codes for _, topic in self._there]
        self._likely = self._probable()
        self._contradicted = self._left_out()
        self._unsure = crowded(destination, origins.values()) | self._contradicted
        self._backed = self._claimed()

    @property
    def certain(self) -> bool:
        """Whether every topic is covered as surely as a critical one has to be."""
        return bool((self._likely >= self._limits.cover_critical).all())

    def item(self, row: int) -> Item:
        """One topic of the destination, judged."""
        topic, limits = self._destination.topics[row], self._limits
        code = self._code(topic)
        critical = bool(topic.codes & self._critical)
        likely = float(self._likely[row])
        covers = limits.cover_critical if critical else limits.cover
        misses = limits.doubt_critical if critical else limits.doubt
        state = self._state(row, likely, covers, misses)
        strict = critical or not self._beside.named_by_own(row)
        doubted = topic.codes & (self._unsure if strict else self._contradicted)
        if state == "coberto" and (doubted or not self._said(row, critical)):
            state = "duvidoso"
        if self._backed.get(row):
            state = "coberto"
        shown = _evidence("destino", 0, self._destination, topic.start, topic.end)
        label = self._taxonomy.by_code[code].label if code else shown.trecho
        seen = () if state == "faltante" else self._seen(row, likely)
        return Item(code, label, self._weight(topic), critical, state, (shown, *seen))

    def _state(self, row: int, likely: float, covers: float, misses: float) -> State:
        """What the likeness says. Passages that name other things, and nothing of the topic, are
        explained: they do not cover it, and where there are no others it is missing."""
        codes = self._destination.topics[row].codes
        strange = [bool(codes and there and not codes & there) for there in self._named]
        if not strange or (all(strange) and likely < _STRANGE):
            return "faltante"
        if likely >= covers:
            return "duvidoso" if strange[self._beside.partner(row)] else "coberto"
        return "faltante" if likely < misses and not self._looks(row) else "duvidoso"

    def _probable(self) -> Numbers:
        limits = self._limits
        judged = self._beside
        if limits.blind:
            judged = beside(self._destination, self._origins, self._taxonomy, vectors=False)
        return limits.probable(judged.features())

    def _code(self, topic: Topic) -> str | None:
        """The concept that a topic goes by: a critical one, else the first that it names."""
        within = [f.code for f in self._destination.finds if topic.start <= f.start < topic.end]
        critical = [code for code in within if code in self._critical]
        return next(iter([*critical, *within]), None)

    def _weight(self, topic: Topic) -> float:
        """Its share of a sentence, times what the taxonomy makes of its weightiest concept."""
        weights = [self._taxonomy.by_code[code].weight for code in topic.codes]
        return topic.weight * max(weights, default=1.0)

    def _said(self, row: int, critical: bool) -> bool:
        """Whether more than a likeness stands for it; what is not critical needs no more."""
        topic = self._destination.topics[row]
        if not critical:
            return True
        if any(topic.codes & named for named in self._named):
            return True
        partner = self._there[self._beside.partner(row)][1]
        return len(topic.stems & partner.stems) >= SAME_WORDS * len(topic.stems)

    def _looks(self, row: int) -> bool:
        """Whether vectors that were not measured see what a person should look at."""
        cosines = self._beside.cosines
        return self._limits.blind and bool((cosines[row] >= self._limits.look).any())

    def _left_out(self) -> frozenset[str]:
        """What an origin says it leaves out, and no other one names."""
        origins = self._origins.values()
        sure = {f.code for origin in origins for f in origin.finds if f.code not in origin.excluded}
        return frozenset(code for origin in origins for code in origin.excluded) - sure

    def _claimed(self) -> dict[int, tuple[Evidence, ...]]:
        """A model's claims on topics that are in question, where the embeddings half see the same
        in a passage that nothing explains."""
        found: dict[int, tuple[Evidence, ...]] = {}
        for row, topic in enumerate(self._destination.topics):
            if self._likely[row] >= self._limits.cover_critical:
                continue
            seen = [
                _evidence("origem", number, origin, claim.start, claim.end, "llm", best)
                for number, origin in self._origins.items()
                for claim in origin.claims
                if claim.code in topic.codes
                and (best := self._support(row, number, claim.start, claim.end))
                >= self._limits.support
            ]
            if seen:
                found[row] = tuple(seen[:_SHOWN])
        return found

    def _support(self, row: int, number: int, start: int, end: int) -> float:
        """The likeness of the unexplained topic that a quotation stands in."""
        return max(
            (
                float(self._beside.cosines[row, at])
                for at, (n, topic) in enumerate(self._there)
                if n == number and not topic.codes and topic.start < end and start < topic.end
            ),
            default=0.0,
        )

    def _seen(self, row: int, likely: float) -> tuple[Evidence, ...]:
        """What the origins have on a topic: where they name its concepts, else its partner."""
        if self._backed.get(row):
            return self._backed[row]
        topic = self._destination.topics[row]
        named = [
            _evidence("origem", number, origin, find.start, find.end)
            for number, origin in self._origins.items()
            for find in origin.finds
            if find.code in topic.codes
        ]
        if named:
            return tuple(dict.fromkeys(named))[:_SHOWN]
        if not self._there:
            return ()
        number, partner = self._there[self._beside.partner(row)]
        place = (partner.start, partner.end)
        return (_evidence("origem", number, self._origins[number], *place, "embedding", likely),)


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
