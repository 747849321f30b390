"""Load: after it the table says what the payload says, and each row knows the run that changed it.

A small model in Python says what must come out; hypothesis looks for a table and a payload for
which PostgreSQL says otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import polars as pl
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernel.work.test_job import a_run

from atalaia.kernel.base.database import statements, transaction
from atalaia.kernel.base.errors import ContractBroken, TimedOut
from atalaia.kernel.ingest.connector import Scope, Table
from atalaia.kernel.ingest.load import load
from atalaia.kernel.ingest.merge import Loaded
from atalaia.kernel.work.job import Run

pytestmark = pytest.mark.usefixtures("database_of_module")

Key = tuple[str, str]  # place, year
Values = tuple[int | None, str | None]
Rows = dict[Key, Values]

TABLE = Table(
    name="silver.loaded",
    types={"place": "text", "year": "text", "amount": "bigint", "note": "text"},
    key=("place", "year"),
)
_SCHEMA = {"place": pl.String, "year": pl.String, "amount": pl.Int64, "note": pl.String}
YEAR = Scope({"year": ["2024"]})


@pytest.fixture(autouse=True, scope="module")
def _table(database_of_module: str) -> None:
    with statements() as connection:
        connection.execute(
            """CREATE TABLE silver.loaded (place text, year text, amount bigint, note text,
               run_id uuid NOT NULL, PRIMARY KEY (place, year))"""
        )


@dataclass
class Kept:
    """The table as it is: values and run of every row."""

    values: Rows = field(default_factory=dict)
    runs: dict[Key, UUID] = field(default_factory=dict)


def table() -> Kept:
    kept = Kept()
    with transaction() as connection:
        for row in connection.execute("SELECT * FROM silver.loaded"):
            key = (row["place"], row["year"])
            kept.values[key] = (row["amount"], row["note"])
            kept.runs[key] = row["run_id"]
    return kept


def fill(rows: Rows) -> UUID:
    """Make the table hold exactly `rows`, all of one earlier run."""
    earlier = uuid4()
    with statements() as connection:
        connection.execute("TRUNCATE silver.loaded")
        for (place, year), (amount, note) in rows.items():
            connection.execute(
                "INSERT INTO silver.loaded VALUES (%s, %s, %s, %s, %s)",
                (place, year, amount, note, earlier),
            )
    return earlier


def bring(
    payload: list[tuple[Key, Values]],
    scope: Scope | None = YEAR,
    *,
    force: bool = True,
    batch: int = 3,
    run: Run | None = None,
    made: set[str] | None = None,
) -> tuple[Loaded, Run]:
    """Load the payload, in batches. `made` is told which temporary tables that took."""
    run = run or a_run()
    run.force = force
    rows = [(*key, *values) for key, values in payload]
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")

    def batches() -> Iterator[pl.DataFrame]:
        for start in range(0, frame.height, batch):
            yield frame.slice(start, batch)

    with transaction() as connection:
        loaded = load(connection, TABLE, scope, batches, run)
        if made is not None:
            made |= {
                one["relname"]
                for one in connection.execute(
                    "SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() "
                    "AND relkind = 'r'"
                )
            }
        return loaded, run


def expected(before: Rows, payload: list[tuple[Key, Values]], scoped: bool) -> tuple[Rows, Loaded]:
    """The model."""
    versions: dict[Key, list[Values]] = defaultdict(list)
    for key, values in payload:
        versions[key].append(values)
    agreed = {key: said[0] for key, said in versions.items() if len(set(said)) == 1}
    contradicting = [key for key, said in versions.items() if len(set(said)) > 1]
    gone = [key for key in before if scoped and key[1] == "2024" and key not in agreed]
    after = {key: values for key, values in before.items() if key not in gone} | agreed
    return after, Loaded(
        inserted=sum(key not in before for key in agreed),
        updated=sum(key in before and before[key] != values for key, values in agreed.items()),
        unchanged=sum(key in before and before[key] == values for key, values in agreed.items()),
        deleted=len(gone),
        duplicate=sum(len(versions[key]) - 1 for key in agreed),
        contradicting=[{"n": len(versions[key])} for key in contradicting for _ in versions[key]],
    )


_PLACES = st.sampled_from("abcde")
_VALUES = st.tuples(
    st.one_of(st.none(), st.integers(0, 2), st.just(2**62)),
    st.one_of(st.none(), st.sampled_from(["", "x", " ", "\\N", 'a,"b"', "á\nb", "NULL"])),
)
_KEYS = st.tuples(_PLACES, st.just("2024"))
_OTHERS = st.tuples(_PLACES, st.just("2023"))
_TABLES = st.builds(
    lambda own, other: own | other,
    st.dictionaries(_KEYS, _VALUES, max_size=5),
    st.dictionaries(_OTHERS, _VALUES, max_size=2),
)


@pytest.mark.row("T-026", "R-032")
@settings(max_examples=60, deadline=None)
@given(_TABLES, st.lists(st.tuples(_KEYS, _VALUES), max_size=9), st.booleans())
def test_the_table_says_what_the_payload_says(
    before: Rows, payload: list[tuple[Key, Values]], scoped: bool
) -> None:
    earlier = fill(before)
    loaded, run = bring(payload, YEAR if scoped else None)
    after, counts = expected(before, payload, scoped)
    kept = table()
    assert kept.values == after
    assert (loaded.inserted, loaded.updated, loaded.unchanged) == (
        counts.inserted,
        counts.updated,
        counts.unchanged,
    )
    assert (loaded.deleted, loaded.duplicate) == (counts.deleted, counts.duplicate)
    assert len(loaded.contradicting) == len(counts.contradicting)
    for key, run_id in kept.runs.items():
        same = key in before and before[key] == after[key]
        assert run_id == (earlier if same else run.run_id)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(_KEYS, _VALUES), max_size=9))
def test_loading_twice_is_loading_once(payload: list[tuple[Key, Values]]) -> None:
    fill({})
    bring(payload)
    once = table()
    again, _ = bring(payload)
    assert table() == once
    assert (again.inserted, again.updated, again.deleted) == (0, 0, 0)


def many(count: int) -> dict[Key, Values]:
    return {(f"p{n:04}", "2024"): (n, None) for n in range(count)}


@pytest.mark.row("T-026")
def test_one_row_in_a_hundred_changed_gets_the_new_run_and_no_other() -> None:
    rows = many(1000)
    earlier = fill(rows)
    changed = {key: (-1, None) for n, key in enumerate(rows) if n % 100 == 7}
    loaded, run = bring(list((rows | changed).items()), batch=300)
    assert (loaded.updated, loaded.unchanged) == (10, 990)
    runs = table().runs
    assert {key for key, run_id in runs.items() if run_id == run.run_id} == set(changed)
    assert set(runs.values()) == {earlier, run.run_id}


def test_an_empty_table_is_copied_into_straight() -> None:
    fill({})
    rows, made = many(500), set[str]()
    loaded, _ = bring(list(rows.items()), batch=100, made=made)
    assert loaded == Loaded(inserted=500)
    assert table().values == rows
    assert made == set()


def test_what_meets_no_row_goes_in_as_it_is_staged() -> None:
    """A payload that bounds nothing: with doubles and contradictions, and no difference written."""
    fill({})
    rows, made = many(500), set[str]()
    (one, same), (other, _), *_rest = rows.items()
    loaded, _ = bring([*rows.items(), (one, same), (other, (-5, "other"))], None, made=made)
    assert (loaded.inserted, loaded.duplicate, len(loaded.contradicting)) == (499, 1, 2)
    assert table().values == {key: values for key, values in rows.items() if key != other}
    assert made == {"incoming"}
    again, _ = bring(list(rows.items()), None, made=made)
    assert (again.inserted, again.unchanged) == (1, 499)
    assert made == {"incoming", "difference"}


@pytest.mark.parametrize("double_at", [0, 250, 499])
def test_a_double_in_the_straight_path_takes_the_slow_one(double_at: int) -> None:
    fill({})
    rows = list(many(500).items())
    loaded, _ = bring([*rows, rows[double_at]], batch=50)
    assert (loaded.inserted, loaded.duplicate, loaded.contradicting) == (500, 1, [])
    key, _ = rows[double_at]
    loaded, _ = bring([*rows, (key, (-5, "other"))], batch=50)
    assert len(loaded.contradicting) == 2
    assert key not in table().values


def test_one_null_among_doubles_is_a_contradiction() -> None:
    """With a single value column, counting distinct values would not count the null."""
    narrow = Table(
        "silver.loaded", {"place": "text", "year": "text", "amount": "bigint"}, ("place", "year")
    )
    fill({("z", "2024"): (1, None)})
    frame = pl.DataFrame(
        [("a", "2024", 5), ("a", "2024", None)],
        schema={"place": pl.String, "year": pl.String, "amount": pl.Int64},
        orient="row",
    )
    run = a_run()
    run.force = True
    with transaction() as connection:
        loaded = load(connection, narrow, YEAR, lambda: iter([frame]), run)
    assert (loaded.duplicate, len(loaded.contradicting)) == (0, 2)
    assert table().values == {}


def test_constants_are_written_and_bound_the_scope() -> None:
    """A connector with a constant year never touches another's rows."""
    fixed = Table(TABLE.name, TABLE.types, TABLE.key, constants={"year": "2024", "note": "n"})
    earlier = fill({("a", "2023"): (1, None), ("a", "2024"): (1, "n"), ("b", "2024"): (1, "n")})
    frame = pl.DataFrame([("a", 2)], schema={"place": pl.String, "amount": pl.Int64}, orient="row")
    run = a_run()
    run.force = True
    for _ in range(2):
        with transaction() as connection:
            load(connection, fixed, Scope({}), lambda: iter([frame]), run)
    kept = table()
    assert kept.values == {("a", "2023"): (1, None), ("a", "2024"): (2, "n")}
    assert kept.runs[("a", "2023")] == earlier


# Half a file looks like a whole one.


@pytest.mark.parametrize(
    ("brought", "force", "refused"),
    [
        (100, False, False),
        (50, False, False),  # half of it is the most that may go
        (49, False, True),
        (1, False, True),
        (1, True, False),
    ],
)
def test_a_payload_that_takes_too_much_away_is_refused(
    brought: int, force: bool, refused: bool
) -> None:
    rows = many(100)
    fill(rows)
    before = table()
    payload = list(rows.items())[:brought]
    stopped = pytest.raises(ContractBroken, match="--force") if refused else nullcontext()
    with stopped:
        bring(payload, force=force)
    assert table() == before if refused else table().values == dict(payload)


def test_the_other_years_are_no_part_of_the_share() -> None:
    rows = many(10)
    others = {(f"p{n}", "2023"): (n, None) for n in range(1000)}
    fill(rows | others)
    with pytest.raises(ContractBroken):
        bring(list(rows.items())[:4], force=False)


# What goes wrong on the way.


def test_an_error_on_the_way_leaves_the_table_as_it_was() -> None:
    fill(many(10))
    before = table()

    def broken() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame([("q", "2024", 1, None)], schema=_SCHEMA, orient="row")
        raise ContractBroken("the second half is not there")

    with pytest.raises(ContractBroken, match="second half"), transaction() as connection:
        load(connection, TABLE, YEAR, broken, a_run())
    assert table() == before


def test_a_value_the_table_refuses_leaves_it_as_it_was() -> None:
    fill(many(10))
    before = table()
    frame = pl.DataFrame({"place": ["q"], "year": ["2024"], "amount": ["x"], "note": [None]})
    with pytest.raises(psycopg.errors.InvalidTextRepresentation), transaction() as connection:
        load(connection, TABLE, YEAR, lambda: iter([frame]), a_run())
    assert table() == before


@pytest.mark.row("T-025")
def test_a_load_stops_at_the_deadline() -> None:
    fill({})
    run = a_run(seconds=0.2)

    def endless() -> Iterator[pl.DataFrame]:
        for n in range(1_000_000):
            yield pl.DataFrame([(f"p{n}", "2024", n, None)], schema=_SCHEMA, orient="row")

    with pytest.raises((TimedOut, psycopg.errors.QueryCanceled)), transaction() as connection:
        load(connection, TABLE, YEAR, endless, run)
    assert table().values == {}


def test_progress_is_told_in_rows() -> None:
    fill({})
    told: list[int] = []

    class Watch:
        def step(self, job: str, name: str) -> None: ...

        def rows(self, done: int, total: int | None) -> None:
            told.append(done)

    run: Any = a_run()
    run.progress = Watch()
    bring(list(many(10).items()), batch=4, run=run)
    assert told == [4, 8, 10]
