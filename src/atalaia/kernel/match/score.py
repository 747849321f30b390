"""How alike two values are, by kind of field, and what a likeness is worth.

A comparison is one of a few levels, from DIFFERENT to SAME; where a value is missing there is no
comparison. The worth of a level is a weight in bits: the logarithm of how much more often the
same thing shows it than two things at random. Both shares are estimated from the data itself, by
expectation maximisation over all pairs, with no labels (Fellegi and Sunter's model).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA, Indel, JaroWinkler

Kind = Literal["name", "text", "date", "code"]
Levels = NDArray[np.int8]  # pairs × fields
Shares = NDArray[np.float64]  # fields × levels

MISSING, DIFFERENT, ALIKE, NEAR, SAME = -1, 0, 1, 2, 3
LEVELS = 4
_WORKERS = 2
_ALIKE: dict[
    str, tuple[Any, float, float]
] = {  # the scorer of a kind, and from where on two values are near, and alike
    "name": (JaroWinkler.similarity, 0.92, 0.8),
    "text": (Indel.normalized_similarity, 0.88, 0.7),
}
_EXPECTED = np.array([0.10, 0.04, 0.08, 0.78])  # of one thing twice, before any is seen
_TRUST_IN_EXPECTED = 0.01  # of the smaller table's rows: what is seen soon outweighs it
_LEAST_SHARE = 1e-9
_ROUNDS = 100
_SETTLED = 1e-7


def levels_of(kind: Kind, first: Sequence[str], second: Sequence[str]) -> Levels:
    """The level of each pair of unequal values; those of `text` with their words in order."""
    if kind in ("date", "code"):
        away = process.cpdist(first, second, scorer=OSA.distance, score_cutoff=2, workers=_WORKERS)
        levels = np.select([away <= 1, away <= 2], [NEAR, ALIKE], DIFFERENT)
    else:
        scorer, near, alike = _ALIKE[kind]
        like = process.cpdist(first, second, scorer=scorer, score_cutoff=alike, workers=_WORKERS)
        levels = np.select([like >= near, like >= alike], [NEAR, ALIKE], DIFFERENT)
    return levels.astype(np.int8)


@dataclass(frozen=True, slots=True)
class Model:
    """What each level of each field is worth, and how likely a pair is before it is compared."""

    weights: Shares  # bits; a missing comparison is worth nothing
    same_thing: Shares  # how often one thing twice shows the level
    by_chance: Shares  # how often two things do
    prior: float  # share of all pairs that are one thing twice

    def bits(self, levels: Levels) -> NDArray[np.float64]:
        """The weight of each pair, the prior left out."""
        total = np.zeros(len(levels))
        for field, weights in enumerate(self.weights):
            total += np.append(weights, 0.0)[levels[:, field]]  # MISSING is the last
        return total

    def probability(self, bits: NDArray[np.float64]) -> NDArray[np.float64]:
        """How likely each pair is one thing twice."""
        return _probability(bits, self.prior)


def estimate(levels: Levels, by_chance: Shares, rows: int, all_pairs: float) -> Model:
    """The model under which the compared pairs are most likely.

    `rows` of the smaller table; `all_pairs` counts those never compared too: they are taken for
    different things, so that what a blocking key brings together is not mistaken for a match."""
    patterns, counts = _patterns(levels)
    trust = 2 + _TRUST_IN_EXPECTED * rows
    same_thing = np.tile(_EXPECTED, (levels.shape[1], 1))
    prior = 0.5 * rows / all_pairs
    for _ in range(_ROUNDS):
        weights = _weights(same_thing, by_chance)
        model = Model(weights, same_thing, by_chance, prior)
        likely = counts * model.probability(model.bits(patterns))
        seen = np.stack([((patterns == level) * likely[:, None]).sum(0) for level in range(LEVELS)])
        new = seen.T + trust * _EXPECTED
        new /= new.sum(1, keepdims=True)
        moved = np.abs(new - same_thing).max(initial=0.0)
        same_thing, prior = new, max(likely.sum(), _LEAST_SHARE) / all_pairs
        if moved < _SETTLED:
            break
    return Model(_weights(same_thing, by_chance), same_thing, by_chance, prior)


def chance(levels: Levels, same: Sequence[float], all_pairs: float) -> Shares:
    """How often two things show each level: of SAME the share given, of the others by `levels`, a
    sample of random pairs, which of a small table has each pair many times."""
    shares = np.empty((levels.shape[1], LEVELS))
    unseen = 0.5 * max(1.0, len(levels) / all_pairs)
    for field, exact in enumerate(same):
        counts = np.array([(levels[:, field] == level).sum() for level in range(SAME)]) + unseen
        shares[field, :SAME] = (1 - exact) * counts / counts.sum()
        shares[field, SAME] = exact
    return shares


def _weights(same_thing: Shares, by_chance: Shares) -> Shares:
    """A difference never speaks for a match, nor the same value against one; less alike is never
    worth more."""
    weights = np.log2(same_thing / by_chance)
    weights[:, DIFFERENT] = np.minimum(weights[:, DIFFERENT], 0)
    weights[:, SAME] = np.maximum(weights[:, SAME], 0)
    lowered: Shares = np.minimum.accumulate(weights[:, ::-1], axis=1)[:, ::-1]
    return lowered


def _probability(bits: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
    prior = min(max(prior, 1e-300), 0.5)
    odds = bits + np.log2(prior) - np.log2(1 - prior)
    result: NDArray[np.float64] = 1 / (1 + np.exp2(-np.clip(odds, -1000, 1000)))
    return result


def _patterns(levels: Levels) -> tuple[Levels, NDArray[np.int64]]:
    """The distinct rows of levels and how many pairs have each, in a fixed order."""
    base = LEVELS + 1
    powers = base ** np.arange(levels.shape[1], dtype=np.int64)
    packed, counts = np.unique((levels.astype(np.int64) + 1) @ powers, return_counts=True)
    return ((packed[:, None] // powers) % base - 1).astype(np.int8), counts
