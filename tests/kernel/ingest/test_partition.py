"""Partitions: a source's first load makes its own, and leaves it as a slow load would have."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernel.work.test_job import a_run

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.ingest import partition
from atalaia.kernel.ingest.connector import Scope, Table
from atalaia.kernel.ingest.load import load
from atalaia.kernel.ingest.merge import Loaded
from atalaia.kernel.work.job import Run

pytestmark = pytest.mark.usefixtures("database_of_module")

Row = tuple[str, str | None, int | None]
_SCHEMA = {"place": pl.String, "note": pl.String, "amount": pl.Int64}
_TYPES = {"origin": "text", "place": "text", "kind": "text", "note": "text", "amount": "bigint"}
WHOLE = Scope({})


def a_table(name: str, origin: str = "Uma Fonte", parted: bool = True) -> Table:
    return Table(
        name,
        _TYPES,
        ("place", "origin"),
        {"origin": origin, "kind": None},
        partitioned_by="origin" if parted else None,
    )


@pytest.fixture(autouse=True)
def _tables(database_of_module: str) -> None:
    make()


def make() -> None:
    columns = """origin text NOT NULL, place text, kind text DEFAULT 'x', note text,
        amount bigint CHECK (amount >= 0), run_id uuid NOT NULL, PRIMARY KEY (place, origin)"""
    with connect(autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS silver.parted, silver.plain CASCADE")
        connection.execute(f"CREATE TABLE silver.parted ({columns}) PARTITION BY LIST (origin)")
        connection.execute(f"CREATE TABLE silver.plain ({columns})")


def frames(rows: list[Row], size: int = 3) -> Iterator[pl.DataFrame]:
    frame = pl.DataFrame(rows, schema=_SCHEMA, orient="row")
    return (frame.slice(start, size) for start in range(0, frame.height, size))


def bring(table: Table, rows: list[Row]) -> tuple[Loaded, Run]:
    run = a_run()
    run.force = True
    with transaction() as connection:
        return load(connection, table, WHOLE, lambda: frames(rows), run), run


def kept(name: str) -> set[tuple[object, ...]]:
    with connect() as connection:
        found = connection.execute(f"SELECT origin, place, kind, note, amount FROM {name}")
        return {tuple(row.values()) for row in found}


def runs(origin: str) -> set[UUID]:
    with connect() as connection:
        found = connection.execute(
            "SELECT DISTINCT run_id FROM silver.parted WHERE origin = %s", (origin,)
        )
        return {row["run_id"] for row in found}


def structure(name: str) -> dict[str, set[str]]:
    """Columns with what they default to, constraints and indexes, without the table's own name."""
    with connect() as connection:
        columns = connection.execute(
            """SELECT attname || ' ' || format_type(atttypid, atttypmod) || attnotnull AS said
               FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0""",
            (name,),
        ).fetchall()
        rules = connection.execute(
            """SELECT pg_get_constraintdef(oid) AS said FROM pg_constraint
               WHERE conrelid = %s::regclass""",
            (name,),
        ).fetchall()
        indexes = connection.execute(
            """SELECT indisprimary || pg_get_indexdef(indexrelid) AS said FROM pg_index
               WHERE indrelid = %s::regclass""",
            (name,),
        ).fetchall()
    return {
        "columns": {row["said"] for row in columns},
        "rules": {row["said"] for row in rules},
        "indexes": {row["said"].partition(" USING ")[2] for row in indexes},
    }


_ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcd"),
        st.one_of(st.none(), st.sampled_from(["", "x", 'a,"b"', "NULL"])),
        st.one_of(st.none(), st.integers(0, 2)),
    ),
    max_size=7,
)


@settings(max_examples=40, deadline=None)
@given(_ROWS)
def test_a_first_load_says_what_a_load_into_a_plain_table_says(rows: list[Row]) -> None:
    make()
    plain, _ = bring(a_table("silver.plain", parted=False), rows)
    parted, _ = bring(a_table("silver.parted"), rows)
    assert (parted.inserted, parted.duplicate, len(parted.contradicting)) == (
        plain.inserted,
        plain.duplicate,
        len(plain.contradicting),
    )
    assert kept("silver.parted") == kept("silver.plain")


@pytest.mark.parametrize("doubled", [False, True])
def test_the_partition_is_like_one_made_empty(doubled: bool) -> None:
    """Whichever way it was filled: same columns, constraints and key, and no default left."""
    bring(a_table("silver.parted"), [("a", "x", 1), ("b", None, 2), *[("a", "x", 1)] * doubled])
    with connect(autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE silver.parted_other PARTITION OF silver.parted FOR VALUES IN ('Outra')"
        )
        defaults = connection.execute(
            """SELECT pg_get_expr(adbin, adrelid) AS said FROM pg_attrdef
               WHERE adrelid = 'silver.parted_uma_fonte'::regclass"""
        ).fetchall()
    assert structure("silver.parted_uma_fonte") == structure("silver.parted_other")
    assert defaults == []


def test_later_loads_write_what_changed_and_leave_other_sources_alone() -> None:
    _, first = bring(a_table("silver.parted"), [("a", "x", 1), ("b", "y", 2)])
    _, other = bring(a_table("silver.parted", "Outra"), [("a", "z", 9)])
    again, _ = bring(a_table("silver.parted"), [("a", "x", 1), ("b", "y", 2)])
    assert (again.unchanged, again.inserted, again.updated, again.deleted) == (2, 0, 0, 0)
    changed, second = bring(a_table("silver.parted"), [("a", "x", 5), ("c", "y", 2)])
    assert (changed.updated, changed.inserted, changed.deleted) == (1, 1, 1)
    assert runs("Uma Fonte") == {second.run_id}
    assert runs("Outra") == {other.run_id}
    assert first.run_id != second.run_id


def test_a_first_load_that_breaks_leaves_no_partition() -> None:
    def broken() -> Iterator[pl.DataFrame]:
        yield from frames([("a", "x", 1)])
        raise OSError("no disk")

    table = a_table("silver.parted")
    with pytest.raises(OSError, match="no disk"), transaction() as connection:
        load(connection, table, WHOLE, broken, a_run())
    with connect() as connection:
        assert not partition.exists(connection, partition.of(table))
    assert bring(table, [("a", "x", 1)])[0].inserted == 1


def test_readers_of_the_whole_table_do_not_wait_for_a_first_load() -> None:
    bring(a_table("silver.parted", "Outra"), [("a", "z", 9)])
    seen: list[int] = []

    def watched() -> Iterator[pl.DataFrame]:
        for frame in frames([(f"p{n}", None, n) for n in range(9)]):
            with connect(autocommit=True) as reader:
                reader.execute("SET lock_timeout = '2s'")
                row = reader.execute("SELECT count(*) AS n FROM silver.parted").fetchone()
                seen.append(row["n"] if row else -1)
            yield frame

    with connect() as connection, connection.transaction():
        load(connection, a_table("silver.parted"), WHOLE, watched, a_run())
        with connect(autocommit=True) as reader:  # attached, not committed: still nobody waits
            reader.execute("SET lock_timeout = '2s'")
            row = reader.execute("SELECT count(*) AS n FROM silver.parted").fetchone()
            seen.append(row["n"] if row else -1)
    assert seen == [1, 1, 1, 1]


def test_a_table_is_partitioned_by_a_constant_only() -> None:
    table = Table("silver.parted", _TYPES, ("place", "origin"), {}, partitioned_by="origin")
    with pytest.raises(ValueError, match="constant"):
        partition.of(table)
