"""Which pairs are worth comparing: blocking, with keys chosen from the data.

Two rows are a candidate pair when they agree on some key. Every field is a key, and where one
field alone names too many pairs, two such fields together are. Of each key the rarest values are
used first, until its share of pairs is spent: a common surname is no reason to compare, and the
work grows with the rows, not with their square.

Values come as numbers, equal ones for equal values, NONE for no value, which agrees with nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
NONE = -1
_PAIRS_A_ROW = 1  # of one key, for each row of both tables: what a key may cost


class Key(NamedTuple):
    """A field of both tables; without `second` it is of one table, compared with itself."""

    first: Numbers
    second: Numbers | None

    @property
    def other(self) -> Numbers:
        """The field where it is compared with."""
        return self.first if self.second is None else self.second

    def beside(self, key: Key) -> Key:
        """Both fields as one: it has a value where both have."""
        width = max(key.first.max(initial=0), key.other.max(initial=0)) + 1
        second = None if self.second is None else _both(self.second, key.other, width)
        return Key(_both(self.first, key.first, width), second)


def candidates(keys: Sequence[Key]) -> tuple[Numbers, Numbers]:
    """The row numbers of the pairs that agree on a key, each pair once, in order; with itself, the
    smaller row first. Which pairs depends on values alone, not on the order of rows."""
    width = max((len(key.other) for key in keys), default=0)
    found, crowded = [np.empty(0, np.int64)], []
    for key in keys:
        pairs, complete = _agreeing(key)
        found.append(pairs)
        if not complete:
            crowded.append(key)
    found += [_agreeing(one.beside(other))[0] for one, other in combinations(crowded, 2)]
    pairs = np.sort(np.concatenate(found))
    pairs = pairs[np.append(True, pairs[1:] != pairs[:-1])[: len(pairs)]]
    first, second = np.divmod(pairs, max(width, 1))
    return first, second


def agreement_by_chance(key: Key) -> float:
    """How often two rows drawn at random have the same value, among those that have one; never
    quite 0 nor 1, and less sure of itself where there are few rows."""
    known = [values[values != NONE] for values in (key.first, key.other)]
    size = 1 + max((int(values.max(initial=0)) for values in known), default=0)
    one, two = (np.bincount(values, minlength=size).astype(float) for values in known)
    if key.second is None:
        agreeing, pairs = one @ (one - 1) / 2, one.sum() * (one.sum() - 1) / 2
    else:
        agreeing, pairs = one @ two, one.sum() * two.sum()
    return float((agreeing + 0.5) / (pairs + 1))


def _agreeing(key: Key) -> tuple[Numbers, bool]:
    """The pairs of the key's rarest values, each as one number, and whether those are all."""
    first, other, itself = key.first, key.other, key.second is None
    most = _PAIRS_A_ROW * (len(first) + len(other))
    order = np.argsort(other, kind="stable")
    begins, partners = _met(first, other[order])
    cost = partners * _met(first, np.sort(first))[1]  # pairs of the row's value
    by_cost = np.argsort(cost, kind="stable")
    # Values that name equally many pairs are taken together or not at all: none goes first.
    spent = np.cumsum(partners[by_cost])
    ends = np.searchsorted(cost[by_cost], cost[by_cost], side="right") - 1
    taken = np.sort(by_cost[spent[ends] <= most * (2 if itself else 1)]) if len(first) else by_cost
    many = partners[taken]
    rows = np.repeat(taken, many)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many)
    others = order[np.repeat(begins[taken], many) + within]
    pairs = rows * len(other) + others
    return (pairs[rows < others] if itself else pairs), len(taken) == len(first)


def _met(values: Numbers, ordered: Numbers) -> tuple[Numbers, Numbers]:
    """Where in `ordered` each value begins, and how often it is there."""
    begins = np.searchsorted(ordered, values, side="left")
    many = np.searchsorted(ordered, values, side="right") - begins
    return begins, np.where(values == NONE, 0, many)


def _both(one: Numbers, two: Numbers, width: int) -> Numbers:
    return np.where((one == NONE) | (two == NONE), NONE, one * width + two)
