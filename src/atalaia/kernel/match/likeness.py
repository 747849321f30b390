"""How likely a topic of the destination is taught by the origins: a judgement of each topic beside
all the others, because what is left over says more than a likeness alone.

Topics of both sides are paired, each at most once, the likest first. Of a topic and its partner are
looked at: the vectors, the rare words and the letters they share, the concepts both name, how far
the next best is behind, whether the partner fits the destination at all. A logistic model weighs
it. Its weights were fitted on labelled pairs (`benchmarks/equivalence_fit.py`), subjects left out
in turn, and stand in `calibration`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from atalaia.kernel.match.stems import STOPWORDS, stem
from atalaia.kernel.match.subjects import Taxonomy
from atalaia.kernel.match.text import fold
from atalaia.kernel.match.topics import Topic

Numbers = NDArray[np.float64]
FEATURES = (
    "vectors",  # cosine with the partner
    "words",  # share of the weight of words that both have
    "letters",  # share of runs of four letters that both have
    "points",  # share of its points that the partner names
    "points_back",  # share of the partner's points that it names
    "concept",  # whether they name a concept in common
    "anywhere",  # share of its points that any topic of the origins names
    "named",  # whether it names a concept at all
    "elsewhere",  # whether the partner names concepts, and none of the destination's
    "ahead",  # how far its next best is behind
    "partner_ahead",  # how far the partner's next best is behind
    "fits",  # how near the partner is to the rest of the destination
    "paired",  # whether it got a partner of its own
    "best",  # the greatest likeness of all
    "usual",  # how near everything of the origins is to it
)
_RUN = 4
_USUAL_FIT = 0.3  # where there are too few topics to tell


class Rarity:
    """How rare words are among the concepts of a taxonomy: what a shared word is worth."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._concepts = len(taxonomy.concepts)
        self._in: Counter[str] = Counter()
        for concept in taxonomy.concepts:
            written = {w for term in (concept.label, *concept.terms) for w in fold(term).split()}
            self._in.update({stem(word) for word in written if word not in STOPWORDS})

        self._weights: dict[str, float] = {}

    def weight(self, stems: frozenset[str]) -> float:
        """The weight of some words together."""
        return sum(self._of(one) for one in sorted(stems))

    def _of(self, word: str) -> float:
        if word not in self._weights:
            self._weights[word] = math.log((1 + self._concepts) / (1 + self._in[word]))
        return self._weights[word]


class _Read:
    """What of a topic is compared with each of the others, told once."""

    __slots__ = ("codes", "points", "runs", "stems", "weight")

    def __init__(self, topic: Topic, rare: Rarity) -> None:
        self.stems, self.codes, self.points = topic.stems, topic.codes, topic.points
        self.weight = rare.weight(self.stems)
        self.runs = _runs(topic)


class Beside:
    """The topics of a destination beside those of its origins. `cosines` has a row for each of the
    former; None where no vectors are comparable."""

    def __init__(
        self, asked: Sequence[Topic], there: Sequence[Topic], cosines: Numbers | None, rare: Rarity
    ) -> None:
        self._asked, self._there, self._rare = asked, there, rare
        self._readings = [[_Read(topic, rare) for topic in side] for side in (asked, there)]
        shape = (len(asked), len(there))
        self.cosines = np.zeros(shape) if cosines is None else cosines.reshape(shape)

    def features(self) -> Numbers:
        """A row of FEATURES for each topic of the destination."""
        if not self._there:
            return np.zeros((len(self._asked), len(FEATURES)))
        return np.array([self._of(row) for row in range(len(self._asked))]).reshape(
            -1, len(FEATURES)
        )

    def partner(self, row: int) -> int:
        """The topic of the origins that a topic goes with: its own, else the likest."""
        return self._pairs.get(row, int(np.argmax(self._alike[row])))

    def named_by_own(self, row: int) -> bool:
        """Whether a topic has a partner to itself that names a concept of it."""
        return row in self._pairs and bool(self._points[row, self._pairs[row]] > 0)

    def _of(self, row: int) -> list[float]:
        at, alike = self.partner(row), self._alike
        points, partner = self._asked[row].points, self._there[at]
        fits = np.sort(np.delete(self.cosines[:, at], row))[-3:]
        return [
            self.cosines[row, at],
            self._words[row, at],
            self._letters[row, at],
            self._points[row, at],
            self._back[row, at],
            float(self._points[row, at] > 0),
            sum(bool(p & self._offered) for p in points) / len(points) if points else 0.0,
            float(bool(points)),
            float(bool(partner.codes) and not partner.codes & self._taught),
            alike[row, at] - np.delete(alike[row], at).max(initial=0.0),
            alike[row, at] - np.delete(alike[:, at], row).max(initial=0.0),
            float(fits.mean()) if len(self._asked) > 3 else _USUAL_FIT,
            float(row in self._pairs),
            alike[row].max(),
            self.cosines[row].mean(),
        ]

    @cached_property
    def _taught(self) -> frozenset[str]:
        """All that the destination names."""
        return frozenset().union(*(topic.codes for topic in self._asked))

    @cached_property
    def _offered(self) -> frozenset[str]:
        """All that the origins name."""
        return frozenset().union(*(topic.codes for topic in self._there))

    @cached_property
    def _words(self) -> Numbers:
        def share(one: _Read, two: _Read) -> float:
            both, least = one.stems & two.stems, min(one.weight, two.weight)
            return self._rare.weight(both) / least if both and least > 0 else 0.0

        asked, there = self._readings
        return np.array([[share(one, two) for two in there] for one in asked])

    @cached_property
    def _letters(self) -> Numbers:
        asked, there = ([one.runs for one in side] for side in self._readings)
        least = np.minimum.outer([len(one) for one in asked], [len(two) for two in there])
        shared: Numbers = _shared(asked, there) / np.maximum(1, least)
        return shared

    @cached_property
    def _points(self) -> Numbers:
        return _named(*self._readings)

    @cached_property
    def _back(self) -> Numbers:
        asked, there = self._readings
        return _named(there, asked).T

    @cached_property
    def _alike(self) -> Numbers:
        """One number for how alike two topics are, by which they are paired."""
        mutual = np.sqrt(self._points * self._back)
        concept = 0.6 * (mutual > 0) + 0.4 * mutual
        return np.round(self.cosines + 0.4 * self._words + 0.4 * self._letters + concept, 6)

    @cached_property
    def _pairs(self) -> dict[int, int]:
        """Each topic's own partner: the likest pair first, then the likest of what is left."""
        pairs: dict[int, int] = {}
        taken: set[int] = set()
        for flat in np.argsort(-self._alike.ravel(), kind="stable"):
            row, at = divmod(int(flat), len(self._there))
            if row not in pairs and at not in taken:
                pairs[row] = at
                taken.add(at)
        return pairs


def _shared(ones: Sequence[frozenset[str]], twos: Sequence[frozenset[str]]) -> Numbers:
    """How many members each of `ones` has in common with each of `twos`: whole numbers."""
    place = {member: at for at, member in enumerate(sorted(frozenset().union(*ones, *twos)))}

    def marked(sets: Sequence[frozenset[str]]) -> Numbers:
        marks = np.zeros((len(sets), len(place)))
        for row, one in enumerate(sets):
            marks[row, [place[member] for member in one]] = 1
        return marks

    return marked(ones) @ marked(twos).T


def _named(ones: Sequence[_Read], twos: Sequence[_Read]) -> Numbers:
    """The share of the points of each of `ones` that each of `twos` names."""
    points = [(row, point) for row, one in enumerate(ones) for point in one.points]
    found = np.zeros((len(ones), len(twos)))
    names = _shared([point for _, point in points], [two.codes for two in twos]) > 0
    for (row, _), named in zip(points, names, strict=True):
        found[row] += named
    shares: Numbers = found / np.array([[max(1, len(one.points))] for one in ones])
    return shares


def _runs(topic: Topic) -> frozenset[str]:
    said = " ".join(word.folded for word in topic.words)
    return frozenset(said[at : at + _RUN] for at in range(len(said) - _RUN + 1))
