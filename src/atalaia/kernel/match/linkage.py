"""Which rows of two tables, or of one, are the same thing: decided without labels, and explained.

Values are folded, pairs chosen (`candidates`), compared level by level, and weighed by what the
data itself says a likeness is worth (`score`). A pair at least `accept` likely is a match; one at
least `review` likely, or one that is not the only best, is for a person. Nothing depends on the
order of rows, or on which table comes first; a missing value counts neither for nor against.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from atalaia.kernel.match.candidates import NONE, Key, Numbers, agreement_by_chance, candidates
from atalaia.kernel.match.score import (
    MISSING,
    NEAR,
    SAME,
    Kind,
    Levels,
    Model,
    chance,
    estimate,
    levels_of,
)
from atalaia.kernel.match.text import folded

Decision = Literal["match", "review"]
_SAMPLE = 20_000  # random pairs that tell how alike different things are
_AT_ONCE = 1 << 18  # pairs compared at a time: what bounds the memory of values
_ORDER = "_order"
_SCHEMA = {
    "left": pl.UInt32,
    "right": pl.UInt32,
    "probability": pl.Float64,
    "bits": pl.Float64,
    "decision": pl.String,
}
_WEIGHTS = {
    "field": pl.String,
    "level": pl.String,
    "bits": pl.Float64,
    "same_thing": pl.Float64,
    "by_chance": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class Field:
    """A column both tables have, and how its values are compared: `name` (of a person, a place),
    `text` (words in any order), `date`, `code` (a number, a postcode: one slip at most)."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Linkage:
    """Pairs of row numbers with what was decided, and what each field's likeness was worth.

    `pairs`: left, right, probability, bits (weight of the comparison), decision. `weights`: a row
    a field and level with its weight in bits. `compared`: how many pairs were looked at."""

    pairs: pl.DataFrame
    weights: pl.DataFrame
    compared: int

    @property
    def matches(self) -> pl.DataFrame:
        """The pairs decided to be the same thing."""
        return self.pairs.filter(pl.col("decision") == "match")


def link(
    left: pl.DataFrame,
    right: pl.DataFrame,
    fields: Sequence[Field],
    *,
    one_to_one: bool = True,
    accept: float = 0.9,
    review: float = 0.1,
) -> Linkage:
    """The rows of `left` that are rows of `right`. `one_to_one`: a row has at most one match, the
    strictly best of both rows; who is as good as another is for review."""
    first, second = _prepared(left, fields), _prepared(right, fields)
    fields = [f for f in fields if not any(t[f.name].is_null().all() for t in (first, second))]
    first, second = _in_order(first, fields), _in_order(second, fields)
    swapped = _fingerprint(second) < _fingerprint(first)
    if swapped:  # the answer must not depend on which table came first
        first, second = second, first
    found = _compared(first, second, fields)
    return found.decided(accept, review, one_to_one=one_to_one, swapped=swapped)


def dedupe(
    table: pl.DataFrame, fields: Sequence[Field], *, accept: float = 0.9, review: float = 0.1
) -> Linkage:
    """The rows of `table` that are the same thing: each pair once, `left` before `right`."""
    prepared = _prepared(table, fields)
    fields = [field for field in fields if not prepared[field.name].is_null().all()]
    found = _compared(_in_order(prepared, fields), None, fields)
    return found.decided(accept, review, one_to_one=False)


def clusters(rows: int, pairs: pl.DataFrame) -> list[int]:
    """For each of `rows` the smallest row it is joined to, over any number of `pairs`."""
    head = list(range(rows))

    def top(row: int) -> int:
        while head[row] != row:
            head[row] = head[head[row]]
            row = head[row]
        return row

    for one, other in pairs.select("left", "right").iter_rows():
        low, high = sorted((top(one), top(other)))
        head[high] = low
    return [top(row) for row in range(rows)]


def _prepared(table: pl.DataFrame, fields: Sequence[Field]) -> pl.DataFrame:
    """The fields folded, empty ones null, with the number of the row."""
    folded_fields = [_folded(table.schema[field.name], field) for field in fields]
    return table.select(folded_fields).with_row_index(_ORDER)


def _in_order(table: pl.DataFrame, fields: Sequence[Field]) -> pl.DataFrame:
    """In an order that depends on the values of `fields` alone."""
    names = [field.name for field in fields]
    kept = table.select(_ORDER, *names)
    return kept.sort(names, nulls_last=True, maintain_order=True) if names else kept


def _folded(dtype: pl.DataType, field: Field) -> pl.Expr:
    value = pl.col(field.name)
    value = value.dt.strftime("%Y%m%d") if dtype.is_temporal() else value.cast(pl.String)
    value = folded(value)
    if field.kind in ("date", "code"):
        value = value.str.replace_all(" ", "", literal=True)
    return pl.when(value != "").then(value).alias(field.name)


def _fingerprint(table: pl.DataFrame) -> tuple[int, int]:
    return table.height, int(table.drop(_ORDER).hash_rows(seed=1).sum() or 0)


@dataclass(slots=True)
class _Found:
    """Compared pairs on the way to a decision, by the order numbers of `_prepared`."""

    first: Numbers
    second: Numbers
    bits: NDArray[np.float64]
    model: Model
    tables: tuple[pl.DataFrame, pl.DataFrame]
    itself: bool
    names: list[str]

    def decided(
        self, accept: float, review: float, *, one_to_one: bool, swapped: bool = False
    ) -> Linkage:
        """The answer, in the row numbers of the tables as they were given."""
        likely = self.model.probability(self.bits)
        kept = np.flatnonzero(likely >= review)
        match = likely[kept] >= accept
        if one_to_one:
            match &= self._only_best(kept)
        rows = [
            table[_ORDER].to_numpy()[order[kept]]
            for table, order in zip(self.tables, (self.first, self.second), strict=True)
        ]
        if swapped:
            rows.reverse()
        if self.itself:
            rows = [np.minimum(*rows), np.maximum(*rows)]
        pairs = pl.DataFrame(
            {
                "left": rows[0],
                "right": rows[1],
                "probability": likely[kept],
                "bits": self.bits[kept],
                "decision": np.where(match, "match", "review"),
            },
            schema_overrides=_SCHEMA,
        )
        return Linkage(pairs.sort("left", "right"), self._weights(), len(self.bits))

    def _only_best(self, kept: Numbers) -> NDArray[np.bool_]:
        """Which of the kept pairs beat every other pair of both their rows."""
        best = np.ones(len(kept), bool)
        bits = np.round(self.bits[kept], 9)
        for rows in (self.first[kept], self.second[kept]):
            order = np.lexsort((-bits, rows))
            same_row = np.append(rows[order][1:] == rows[order][:-1], False)
            tied = same_row & np.append(bits[order][1:] == bits[order][:-1], False)
            follows = np.append(False, same_row[:-1])[: len(kept)]
            best[order] &= ~follows & ~tied
        return best

    def _weights(self) -> pl.DataFrame:
        tables = (self.model.weights, self.model.same_thing, self.model.by_chance)
        rows = [
            (name, level, *(float(table[field, number]) for table in tables))
            for field, name in enumerate(self.names)
            for number, level in enumerate(("different", "alike", "near", "same"))
        ]
        return pl.DataFrame(rows, schema=_WEIGHTS, orient="row")


def _compared(first: pl.DataFrame, second: pl.DataFrame | None, fields: Sequence[Field]) -> _Found:
    other = first if second is None else second
    columns = [_Column(first, second, field) for field in fields]
    one, two = candidates([column.key for column in columns])
    levels = _levels(columns, one, two)
    at_random = _random_pairs(first.height, other.height, second is None)
    same = [agreement_by_chance(column.key) for column in columns]
    rows = min(first.height, other.height)
    everything = first.height * other.height if second is not None else rows * (rows - 1) / 2
    everything = max(everything, 1.0)
    by_chance = chance(_levels(columns, *at_random), same, everything)
    model = estimate(levels, by_chance, rows, everything)
    names = [field.name for field in fields]
    bits = model.bits(levels)
    return _Found(one, two, bits, model, (first, other), second is None, names)


def _random_pairs(rows: int, others: int, itself: bool) -> tuple[Numbers, Numbers]:
    """Pairs of different rows, the same ones each time."""
    if not rows or not others:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    draw = np.random.default_rng(0)
    one, two = draw.integers(rows, size=_SAMPLE), draw.integers(others, size=_SAMPLE)
    different = one != two if itself else np.ones(_SAMPLE, bool)
    return one[different], two[different]


class _Column:
    """One field of both tables, its values as numbers: equal numbers are equal values."""

    def __init__(self, first: pl.DataFrame, second: pl.DataFrame | None, field: Field) -> None:
        both = first[field.name]
        if second is not None:
            both = pl.concat([both, second[field.name]])
        known = both.unique().drop_nulls().sort()
        places = pl.DataFrame({"v": known, "n": np.arange(known.len(), dtype=np.int64)})
        coded = _numbers(both, places)
        self.key = Key(coded[: first.height], None if second is None else coded[first.height :])
        self._kind = field.kind
        self._values = known.to_numpy()
        self._exchanged: Numbers | None = None
        if field.kind == "text":  # words in any order: compared in alphabetical order
            self._values = known.str.split(" ").list.sort().list.join(" ").to_numpy()
        if field.kind == "date":  # YYYYMMDD: the number of the date with day and month exchanged
            exchanged = known.str.slice(0, 4) + known.str.slice(6, 2) + known.str.slice(4, 2)
            self._exchanged = _numbers(exchanged, places)

    def levels(self, rows: Numbers, others: Numbers) -> Levels:
        """The level of each pair of rows."""
        one, two = self.key.first[rows], self.key.other[others]
        levels = np.full(len(rows), SAME, np.int8)
        missing = (one == NONE) | (two == NONE)
        levels[missing] = MISSING
        unequal = np.flatnonzero((one != two) & ~missing)
        if len(unequal):
            one, two = one[unequal], two[unequal]
            levels[unequal] = levels_of(
                self._kind, self._values[one].tolist(), self._values[two].tolist()
            )
            if self._exchanged is not None:
                levels[unequal[self._exchanged[one] == two]] = NEAR
        return levels


def _numbers(values: pl.Series, places: pl.DataFrame) -> Numbers:
    found = values.to_frame("v").join(places, on="v", how="left", maintain_order="left")["n"]
    return found.fill_null(NONE).to_numpy()


def _levels(columns: Sequence[_Column], first: Numbers, second: Numbers) -> Levels:
    levels = np.empty((len(first), len(columns)), np.int8)
    for begin in range(0, len(first), _AT_ONCE):
        some = slice(begin, begin + _AT_ONCE)
        for number, column in enumerate(columns):
            levels[some, number] = column.levels(first[some], second[some])
    return levels
