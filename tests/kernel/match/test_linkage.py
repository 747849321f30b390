"""Linkage: found without labels, told from what only looks alike, and dependent on nothing else."""

from __future__ import annotations

import random
import tracemalloc

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernel.match.people import FIELDS, columns, people, slipped

from atalaia.kernel.match import linkage
from atalaia.kernel.match.linkage import Field, Linkage, clusters, dedupe, link

MADE = people(400, seed=1)


def _pairs(found: Linkage) -> set[tuple[int, int]]:
    return set(found.matches.select("left", "right").iter_rows())


def _shuffled(table: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, list[int]]:
    order = random.Random(seed).sample(range(table.height), table.height)  # noqa: S311
    return table[order], order


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_people_are_found_and_no_others(seed: int) -> None:
    left = people(600, seed)
    right, order = _shuffled(slipped(left, seed), seed)
    # strangers on both sides: who is on one side only must stay alone
    left = pl.concat([left, people(200, seed + 50)])
    right = pl.concat([right, people(200, seed + 70)])
    truth = {(row, place) for place, row in enumerate(order)}
    found = _pairs(link(left, right, FIELDS))
    assert not found - truth
    assert len(found & truth) >= 0.98 * len(truth)


def test_strangers_are_not_matched_when_there_is_nobody_to_find() -> None:
    assert not _pairs(link(people(500, 11), people(500, 12), FIELDS))
    # 125,000 pairs: one of them may well have all names and the address in common
    assert len(_pairs(dedupe(people(500, 13), FIELDS))) <= 1


def test_copies_in_one_table_are_found_and_come_together() -> None:
    table = pl.concat([MADE, slipped(MADE, 5), slipped(MADE, 6)])
    found = dedupe(table, FIELDS)
    assert all(left < right for left, right in _pairs(found))
    assert all(left % 400 == right % 400 for left, right in _pairs(found))
    heads = clusters(table.height, found.matches)
    together = sum(heads[n] == heads[n + 400] == heads[n + 800] for n in range(400))
    assert together >= 0.98 * 400


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_neither_the_order_of_rows_nor_which_table_is_first_matters(seed: int) -> None:
    left, right = MADE[:150], slipped(MADE, seed)[50:200]
    told = {(p[0], p[1]): p[2:] for p in link(left, right, FIELDS).pairs.iter_rows()}
    mixed_left, left_order = _shuffled(left, seed)
    mixed_right, right_order = _shuffled(right, seed + 1)
    mixed = link(mixed_left, mixed_right, FIELDS).pairs
    assert {(left_order[p[0]], right_order[p[1]]): p[2:] for p in mixed.iter_rows()} == told
    turned = link(right, left, FIELDS).pairs
    assert {(p[1], p[0]): p[2:] for p in turned.iter_rows()} == told
    table = pl.concat([left, right])
    once = {frozenset(p[:2]): p[2:] for p in dedupe(table, FIELDS).pairs.iter_rows()}
    mixed_table, order = _shuffled(table, seed)
    again = dedupe(mixed_table, FIELDS).pairs.iter_rows()
    assert {frozenset((order[p[0]], order[p[1]])): p[2:] for p in again} == once


def test_a_missing_value_counts_neither_for_nor_against() -> None:
    right = slipped(MADE, 3)
    empty = pl.lit(None, dtype=pl.String).alias("more")
    told = link(MADE, right, FIELDS).pairs
    fields = [*FIELDS, Field("more", "name")]
    assert link(MADE.with_columns(empty), right.with_columns(empty), fields).pairs.equals(told)
    blank = pl.lit(" - ").alias("more")  # nothing is left of it when folded
    assert link(MADE.with_columns(blank), right.with_columns(blank), fields).pairs.equals(told)
    # a value on one side alone says nothing either
    filled = MADE.with_columns(MADE["document"].alias("more"))
    assert link(filled, right.with_columns(empty), fields).pairs.equals(told)


def test_who_is_as_good_as_another_is_for_review_and_not_chosen_by_order() -> None:
    right = pl.concat([MADE, MADE[:1]])  # the first of them stands there twice, letter for letter
    found = link(MADE, right, FIELDS)
    mine = found.pairs.filter(pl.col("left") == 0)
    assert mine.filter(pl.col("right").is_in([0, 400]))["decision"].to_list() == ["review"] * 2
    assert _pairs(found) == {(n, n) for n in range(1, 400)}
    many = link(MADE, right, FIELDS, one_to_one=False)
    assert {(0, 0), (0, 400)} <= _pairs(many)


def test_no_row_has_two_matches_in_a_link_of_one_to_one() -> None:
    matches = link(MADE, pl.concat([slipped(MADE, 8), slipped(MADE, 9)]), FIELDS).matches
    assert matches["left"].is_unique().all()
    assert matches["right"].is_unique().all()
    assert matches.height > 100


def test_what_is_between_the_bars_is_for_review() -> None:
    right = slipped(MADE, 4, slips=5)
    found = link(MADE, right, FIELDS, accept=0.999, review=0.01)
    assert found.pairs["probability"].min() >= 0.01
    assert found.matches["probability"].min() >= 0.999
    unsure = found.pairs.filter(pl.col("probability") < 0.999)
    assert unsure.height
    assert set(unsure["decision"]) == {"review"}


def test_the_weights_are_learnt_from_the_data() -> None:
    weights = link(MADE, slipped(MADE, 2), FIELDS).weights
    worth = {(field, level): bits for field, level, bits, *_ in weights.iter_rows()}
    assert worth["document", "same"] > worth["surname", "same"] > 0
    assert worth["document", "different"] < -1
    for field in FIELDS:
        levels = [worth[field.name, level] for level in ("different", "alike", "near", "same")]
        assert levels == sorted(levels)
    flipped = MADE.with_columns(pl.lit("x").alias("document"))  # now it tells nobody apart
    same = link(flipped, flipped, FIELDS).weights.filter(
        (pl.col("field") == "document") & (pl.col("level") == "same")
    )
    assert same["bits"][0] < 0.5


def test_dates_and_numbers_are_compared_whatever_their_type() -> None:
    typed = MADE.with_columns(
        pl.col("born").str.to_date("%Y%m%d"), pl.col("document").cast(pl.Int64)
    )
    assert _pairs(link(typed, slipped(MADE, 2), FIELDS)) == _pairs(
        link(MADE, slipped(MADE, 2), FIELDS)
    )


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_tables_of_next_to_nothing_are_answered(rows: int) -> None:
    small = MADE[:rows]
    assert link(small, small.clear(), FIELDS).pairs.is_empty()
    assert link(small.clear(), small, FIELDS).pairs.is_empty()
    assert _pairs(link(small, small, FIELDS)) <= {(n, n) for n in range(rows)}
    assert dedupe(small, FIELDS).matches.is_empty()
    empty = pl.DataFrame([[None] * 6] * 3, schema=columns(), orient="row")
    assert link(empty, empty, FIELDS).pairs.is_empty()


def test_work_grows_with_the_rows_and_memory_with_them() -> None:
    """Twice the rows, at most about twice the pairs: not four times."""

    def cost(rows: int) -> tuple[int, int]:
        left, right = people(rows, 3), slipped(people(rows, 3), 4)
        tracemalloc.start()
        compared = link(left, right, FIELDS).compared
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return compared, peak

    cost(200)
    (small, low), (large, high) = cost(1500), cost(6000)
    assert large / small < 4 * 1.3
    assert high / low < 4 * 1.3


def test_pairs_are_compared_the_same_in_one_piece_or_in_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = slipped(MADE, 2)
    whole = link(MADE, right, FIELDS).pairs
    monkeypatch.setattr(linkage, "_AT_ONCE", 97)
    assert link(MADE, right, FIELDS).pairs.equals(whole)


def test_clusters_join_over_any_number_of_pairs() -> None:
    pairs = pl.DataFrame({"left": [0, 5, 2, 3], "right": [2, 6, 4, 4]})
    assert clusters(7, pairs) == [0, 1, 0, 0, 0, 5, 5]
