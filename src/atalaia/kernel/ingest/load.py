"""Load: rows into a table, in one transaction, so that the table then says what the payload says.

1. When the rows' partition is not there yet, it is made of them (`partition`).
2. When the payload's scope of the table is empty, rows are COPYed straight into the table. A row
   that comes twice breaks the key; the savepoint is undone and the slow path taken.
3. Otherwise the varying columns are COPYed to a temporary table and merged from there (`merge`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, cast

import polars as pl
from psycopg import sql
from psycopg.errors import UniqueViolation

from atalaia.kernel.base.database import Connection
from atalaia.kernel.ingest import partition
from atalaia.kernel.ingest.connector import Scope, Table
from atalaia.kernel.ingest.merge import Loaded, count_of, listed, merge
from atalaia.kernel.ingest.partition import identifier
from atalaia.kernel.work.job import Run

T = TypeVar("T")
Batches = Callable[[], Iterator[pl.DataFrame]]  # can be asked for twice


def load(
    connection: Connection, table: Table, scope: Scope | None, batches: Batches, run: Run
) -> Loaded:
    """Bring `table` to what `batches` say, inside the caller's transaction.

    Raises ContractBroken when the payload would empty more than half its scope (see --force)."""
    _prepare(connection, run)
    if table.partitioned_by:
        part = partition.of(table)
        if not partition.exists(connection, part):
            try:
                with connection.transaction(), partition.made(connection, table, part, run):
                    count = _copy(connection, part.name, table.varying, batches(), run, fresh=True)
                return Loaded(inserted=count)
            except UniqueViolation:
                with partition.made(connection, table, part, run):
                    pass
        table = part
    if scope and not scope.only_removes and count_of(connection, table, scope, limit=1) == 0:
        try:
            with connection.transaction():
                return Loaded(inserted=_copy_into_table(connection, table, batches(), run))
        except UniqueViolation:
            pass
    return merge(connection, table, scope, _stage(connection, table, batches, run), run)


def _prepare(connection: Connection, run: Run) -> None:
    """The run's time is the statements' time; the difference is always found by hash join."""
    connection.execute(
        "SELECT set_config('statement_timeout', %s, true), set_config('work_mem', '128MB', true), "
        "set_config('maintenance_work_mem', '256MB', true), "
        "set_config('enable_mergejoin', 'off', true), set_config('enable_nestloop', 'off', true)",
        (str(max(1, int(run.deadline.remaining * 1000))),),
    )


def _copy_into_table(
    connection: Connection, table: Table, frames: Iterator[pl.DataFrame], run: Run
) -> int:
    columns = (*table.columns, "run_id")
    fixed = [pl.lit(value, dtype=pl.String).alias(c) for c, value in table.constants.items()]
    fixed.append(pl.lit(str(run.run_id)).alias("run_id"))
    return _copy(connection, table.name, columns, (f.with_columns(fixed) for f in frames), run)


def _copy(
    connection: Connection,
    target: str,
    columns: tuple[str, ...],
    frames: Iterator[pl.DataFrame],
    run: Run,
    *,
    fresh: bool = False,
) -> int:
    """COPY every frame into `target`; returns the number of rows. Rows of a `fresh` table, made in
    this very savepoint, are written as they will stay: nobody touches them again for their age."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv{})").format(
        identifier(target), listed(columns), sql.SQL(", FREEZE" if fresh else "")
    )
    ready = ((f.height, f.select(columns).write_csv(include_header=False)) for f in frames)
    count = 0
    with connection.cursor().copy(statement) as copy:
        for rows, lines in _ahead(ready):
            run.checkpoint()
            copy.write(lines.encode())
            count += rows
            run.progress.rows(count, None)
    return count


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """The items, the next one being made in a thread while the server takes the one in hand."""
    end = object()
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, end)
        while (item := coming.result()) is not end:
            coming = thread.submit(next, items, end)
            yield cast(T, item)


def _stage(connection: Connection, table: Table, batches: Batches, run: Run) -> int:
    """The varying columns into the temporary table `incoming`; returns the number of rows."""
    connection.execute("DROP TABLE IF EXISTS pg_temp.incoming, pg_temp.difference")
    connection.execute(
        sql.SQL(
            "CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA"
        ).format(listed(table.varying), identifier(table.name))
    )
    total = _copy(connection, "incoming", table.varying, batches(), run)
    run.checkpoint()
    return total
