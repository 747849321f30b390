"""Load: rows into a table, in one transaction, so that the table then says what the payload says.

1. When the payload's scope of the table is empty, rows are COPYed straight into the table. A row
   that comes twice breaks the key; the transaction is undone and the slow path taken.
2. Otherwise rows are COPYed to a temporary table; doubles are set aside (identical ones are
   duplicates, contradicting ones are rejected); one hash join finds the rows that are new, changed
   or gone; only those are written. A row that did not change keeps its run_id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import polars as pl
from psycopg import sql
from psycopg.errors import UniqueViolation

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.ingest.connector import Scope, Table
from atalaia.kernel.work.job import Run

Batches = Callable[[], Iterator[pl.DataFrame]]  # can be asked for twice
_SHRINK_LIMIT = 0.5  # a payload that would remove more than this share of its scope is refused


@dataclass(slots=True)
class Loaded:
    """What a load did to the table, and the contradicting doubles it set aside."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    duplicate: int = 0
    contradicting: list[dict[str, object]] | None = None


def load(
    connection: Connection, table: Table, scope: Scope | None, batches: Batches, run: Run
) -> Loaded:
    """Bring `table` to what `batches` say, inside the caller's transaction."""
    _limit_statements(connection, run)
    if scope and _is_empty(connection, table, scope):
        try:
            with connection.transaction():
                return Loaded(inserted=_copy(connection, table, table.name, batches(), run))
        except UniqueViolation:
            pass  # a double: the savepoint is undone, the merge below tells which rows
    return _merge(connection, table, scope, batches, run)


def _limit_statements(connection: Connection, run: Run) -> None:
    connection.execute(
        "SELECT set_config('statement_timeout', %s, true)",
        (str(max(1, int(run.deadline.remaining * 1000))),),
    )


def _name(table: str) -> sql.Composed:
    return sql.SQL(".").join(map(sql.Identifier, table.split(".")))


def _list(columns: Iterable[str], prefix: str = "") -> sql.Composed:
    parts = (sql.SQL(prefix) + sql.Identifier(c) for c in columns)
    return sql.SQL(", ").join(parts)


def _within(scope: Scope | None) -> sql.Composed:
    if scope is None:
        return sql.SQL("true").format()
    return sql.SQL(" AND ").join(
        sql.SQL("{} = ANY({})").format(sql.Identifier(column), sql.Literal(list(values)))
        for column, values in scope.among.items()
    )


def _is_empty(connection: Connection, table: Table, scope: Scope) -> bool:
    found = connection.execute(
        sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {}) AS some").format(
            _name(table.name), _within(scope)
        )
    ).fetchone()
    return not (found and found["some"])


def _copy(
    connection: Connection, table: Table, target: str, frames: Iterator[pl.DataFrame], run: Run
) -> int:
    """COPY every frame, in the table's column order, with this run's id; returns the rows."""
    columns = (*table.columns, "run_id")
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
        _name(target), _list(columns)
    )
    count, run_id = 0, pl.lit(str(run.run_id)).alias("run_id")
    with connection.cursor().copy(statement) as copy:
        for frame in frames:
            run.checkpoint()
            copy.write(
                frame.select(*table.columns, run_id).write_csv(include_header=False).encode()
            )
            count += frame.height
            run.progress.rows(count, None)
    return count


def _merge(
    connection: Connection, table: Table, scope: Scope | None, batches: Batches, run: Run
) -> Loaded:
    connection.execute(
        sql.SQL(
            "DROP TABLE IF EXISTS pg_temp.incoming, pg_temp.difference; "
            "CREATE TEMP TABLE incoming ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA"
        ).format(_list((*table.columns, "run_id")), _name(table.name))
    )
    total = _copy(connection, table, "incoming", batches(), run)
    result = Loaded()
    _set_doubles_aside(connection, table, result)
    connection.execute("ANALYZE incoming")
    _find_difference(connection, table, scope)
    _count_difference(connection, result)
    _refuse_shrinking(connection, table, scope, result, run)
    _write_difference(connection, table)
    distinct = total - result.duplicate - len(result.contradicting or [])
    result.unchanged = distinct - result.inserted - result.updated
    return result


def _set_doubles_aside(connection: Connection, table: Table, result: Loaded) -> None:
    """Keep one row per key. Where rows of one key disagree, none can be trusted: all are refused."""
    key, values = _list(table.key), [c for c in table.columns if c not in table.key]
    agree = sql.SQL("count(DISTINCT ({}))").format(_list(values) if values else sql.SQL("1"))
    doubles = connection.execute(
        sql.SQL(
            "CREATE TEMP TABLE doubles ON COMMIT DROP AS "
            "SELECT {key}, count(*) AS times, {agree} AS versions FROM incoming "
            "GROUP BY {key} HAVING count(*) > 1"
        ).format(key=key, agree=agree)
    ).rowcount
    if doubles:
        same = sql.SQL(" AND ").join(
            sql.SQL("i.{0} = d.{0}").format(sql.Identifier(c)) for c in table.key
        )
        gone = connection.execute(
            sql.SQL(
                "DELETE FROM incoming i USING doubles d WHERE {} AND d.versions > 1 RETURNING i.*"
            ).format(same)
        ).fetchall()
        result.contradicting = [dict(row) for row in gone]
        result.duplicate = connection.execute(
            sql.SQL(
                "DELETE FROM incoming WHERE ctid IN (SELECT ctid FROM (SELECT i.ctid, row_number() "
                "OVER (PARTITION BY {key}) AS n FROM incoming i JOIN doubles d ON {same}) x "
                "WHERE n > 1)"
            ).format(key=_list(table.key, "i."), same=same)
        ).rowcount
    connection.execute("DROP TABLE doubles")


def _find_difference(connection: Connection, table: Table, scope: Scope | None) -> None:
    """Rows of the payload that are new (no old) or changed, and, in a scope, old rows that are gone."""
    values = [c for c in table.columns if c not in table.key]
    changed = (
        sql.SQL(" OR ").join(
            sql.SQL("t.{0} IS DISTINCT FROM i.{0}").format(sql.Identifier(c)) for c in values
        )
        if values
        else sql.SQL("false")
    )
    first = sql.Identifier(table.key[0])
    connection.execute(
        sql.SQL(
            "CREATE TEMP TABLE difference ON COMMIT DROP AS "
            "SELECT i.*, t.ctid AS old, i.{first} IS NULL AS gone FROM incoming i {join} JOIN "
            "(SELECT ctid, {columns} FROM {table} WHERE {within}) t ON {same} "
            "WHERE t.{first} IS NULL OR i.{first} IS NULL OR {changed}"
        ).format(
            first=first,
            join=sql.SQL("FULL" if scope else "LEFT"),
            columns=_list(table.columns),
            table=_name(table.name),
            within=_within(scope),
            same=sql.SQL(" AND ").join(
                sql.SQL("t.{0} = i.{0}").format(sql.Identifier(c)) for c in table.key
            ),
            changed=changed,
        )
    )


def _count_difference(connection: Connection, result: Loaded) -> None:
    found = connection.execute(
        "SELECT count(*) FILTER (WHERE old IS NULL) AS inserted, "
        "count(*) FILTER (WHERE old IS NOT NULL AND NOT gone) AS updated, "
        "count(*) FILTER (WHERE gone) AS deleted FROM difference"
    ).fetchone()
    if found:
        result.inserted, result.updated = found["inserted"], found["updated"]
        result.deleted = found["deleted"]


def _refuse_shrinking(
    connection: Connection, table: Table, scope: Scope | None, result: Loaded, run: Run
) -> None:
    """Half a file looks like a whole one; without --force it does not take rows away."""
    if not result.deleted or run.force:
        return
    found = connection.execute(
        sql.SQL("SELECT count(*) AS n FROM {} WHERE {}").format(_name(table.name), _within(scope))
    ).fetchone()
    if found and result.deleted > found["n"] * _SHRINK_LIMIT:
        raise ContractBroken(
            f"The payload would remove {result.deleted} of the {found['n']} rows {table.name} has "
            "for this period: it looks cut short. Nothing was changed; the raw file is kept.",
            todo="If it is right, run again with --force.",
        )


def _write_difference(connection: Connection, table: Table) -> None:
    columns = (*table.columns, "run_id")
    target = _name(table.name)
    connection.execute(
        sql.SQL("DELETE FROM {} t USING difference d WHERE t.ctid = d.old AND d.gone").format(
            target
        )
    )
    connection.execute(
        sql.SQL("UPDATE {} t SET {} FROM difference d WHERE t.ctid = d.old AND NOT d.gone").format(
            target,
            sql.SQL(", ").join(
                sql.SQL("{0} = d.{0}").format(sql.Identifier(c))
                for c in columns
                if c not in table.key
            ),
        )
    )
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM difference d WHERE d.old IS NULL").format(
            target, _list(columns), _list(columns, "d.")
        )
    )
