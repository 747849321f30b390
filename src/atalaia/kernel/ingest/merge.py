"""Merge: staged rows into a table that may have some of them.

When they can meet no row of the table, they go in as they are staged. Else one hash join with the
scope finds the rows that are new, changed or gone; only those are written, so a row that did not
change keeps its run_id. Rows of one key that say the same are duplicates; rows of one key that
contradict each other are all refused, for none can be trusted. A row that a later payload brought
stays as it is, and the earlier one's is superseded: a duplicate that says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg import sql

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.ingest.connector import Scope, Table
from atalaia.kernel.ingest.partition import identifier
from atalaia.kernel.work.job import Run

_SHRINK_LIMIT = 0.5  # a payload that would remove more than this share of its scope is refused


@dataclass(slots=True)
class Loaded:
    """What a load did to the table, and the contradicting rows it refused."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    duplicate: int = 0
    superseded: int = 0  # of the duplicates, those a later payload had said otherwise
    contradicting: list[dict[str, Any]] = field(default_factory=list)


def listed(columns: Iterable[str], prefix: str = "") -> sql.Composed:
    """Their names, quoted, with commas between."""
    return sql.SQL(", ").join(sql.SQL(prefix) + sql.Identifier(c) for c in columns)


def _all(template: LiteralString, columns: Iterable[str]) -> sql.Composed:
    """`template` for every column, joined by AND; true when there is none."""
    parts = [sql.SQL(template).format(sql.Identifier(c)) for c in columns]
    return sql.SQL(" AND ").join(parts or [sql.SQL("true").format()])


def _within(table: Table, scope: Scope | None) -> sql.Composed:
    """The rows of the table this payload speaks about: its constants and its scope."""
    parts = [
        sql.SQL("{} IS NOT DISTINCT FROM {}").format(sql.Identifier(c), sql.Literal(v))
        if v is None
        else sql.SQL("{} = {}").format(sql.Identifier(c), sql.Literal(v))
        for c, v in table.constants.items()
        if c in table.key
    ]
    if scope:
        parts.append(_among(scope))
    return sql.SQL(" AND ").join(parts or [sql.SQL("true").format()])


def _among(scope: Scope) -> sql.Composed:
    parts = [
        sql.SQL("{} = ANY({})").format(sql.Identifier(c), sql.Literal(list(values)))
        for c, values in scope.among.items()
    ]
    return sql.SQL(" AND ").join(parts or [sql.SQL("true").format()])


def count_of(connection: Connection, table: Table, scope: Scope | None, limit: int = 0) -> int:
    """How many rows of the table the payload speaks about; counting stops at `limit`, if given."""
    statement = sql.SQL("SELECT count(*) AS n FROM (SELECT FROM {} WHERE {} {}) AS rows").format(
        identifier(table.name),
        _within(table, scope),
        sql.SQL("LIMIT {}").format(limit) if limit else sql.SQL(""),
    )
    found = connection.execute(statement).fetchone()
    return int(found["n"]) if found else 0


def merge(
    connection: Connection, table: Table, scope: Scope | None, total: int, run: Run
) -> Loaded:
    """Bring `table` to what the `total` rows of the temporary table `incoming` say.

    Raises ContractBroken when they would empty more than half their scope (see --force)."""
    if not _is_bounded(scope) and not _meets_any(connection, table, scope):
        return _insert_all(connection, table, total, run)
    there = count_of(connection, table, scope)
    result = _find_difference(connection, table, scope)
    if _has_doubles(connection, table, scope, total, there, result):
        result = _without_doubles(connection, table, scope)
    result.duplicate += result.superseded
    result.unchanged = (
        total - result.duplicate - len(result.contradicting) - result.inserted - result.updated
    )
    _refuse_shrinking(table, result.deleted, there, run)
    _write_difference(connection, table, run)
    return result


def _is_bounded(scope: Scope | None) -> bool:
    """Does the scope bound what the payload speaks about?"""
    return scope is not None and not scope.only_removes


def _meets_any(connection: Connection, table: Table, scope: Scope | None) -> bool:
    """Is there any row of the table that the payload could meet, or that is of its scope?"""
    found = connection.execute(
        sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {}) AS some").format(
            identifier(table.name), _reach(connection, table, scope)
        )
    ).fetchone()
    return bool(found and found["some"])


def _insert_all(connection: Connection, table: Table, total: int, run: Run) -> Loaded:
    """What meets no row is new, all but its doubles: it goes in as it is staged, with no difference
    written between."""
    result = _settle_doubles(connection, table)
    result.inserted = total - result.duplicate - len(result.contradicting)
    run.checkpoint()
    _insert(connection, table, sql.SQL("incoming d"), run)
    return result


def _find_difference(connection: Connection, table: Table, scope: Scope | None) -> Loaded:
    """Rows of the payload that are new or changed and, in a scope, rows of the table now gone."""
    key = [c for c in table.key if c in table.varying]
    later = _later(table)
    connection.execute(
        sql.SQL(
            "CREATE TEMP TABLE difference ON COMMIT DROP AS "
            "SELECT i.*, t.ctid AS old, i.{first} IS NULL AS gone, "
            "i.{first} IS NOT NULL AND coalesce(t.later, false) AS late "
            "FROM incoming i {how} JOIN "
            "(SELECT ctid, {columns}, {later} AS later, {removable} AS removable "
            "FROM {table} WHERE {reach}) t ON {same_key} "
            "WHERE t.{first} IS NULL OR (i.{first} IS NULL AND t.removable) "
            "OR (i.{first} IS NOT NULL AND NOT ({same_values}))"
        ).format(
            first=sql.Identifier(key[0]),
            how=sql.SQL("FULL" if scope else "LEFT"),
            columns=listed(table.varying),
            later=later,
            removable=_among(scope) if scope and scope.only_removes else sql.SQL("true"),
            table=identifier(table.name),
            reach=_reach(connection, table, scope),
            same_key=_all("t.{0} = i.{0}", key),
            same_values=_all("t.{0} IS NOT DISTINCT FROM i.{0}", table.compared),
        )
    )
    found = connection.execute(
        "SELECT count(*) FILTER (WHERE old IS NULL) AS inserted, "
        "count(*) FILTER (WHERE old IS NOT NULL AND NOT gone AND NOT late) AS updated, "
        "count(*) FILTER (WHERE late) AS superseded, "
        "count(*) FILTER (WHERE gone) AS deleted FROM difference"
    ).fetchone()
    return Loaded(**(found or {}))


def _later(table: Table) -> sql.Composable:
    """Was a row of the table brought by a later payload?"""
    if table.newest_by is None:
        return sql.SQL("false")
    ours = sql.Literal(table.constants[table.newest_by])
    return sql.SQL("{} > {}::bigint").format(sql.Identifier(table.newest_by), ours)


def _reach(connection: Connection, table: Table, scope: Scope | None) -> sql.Composable:
    """The rows of the table that the payload can meet, and those of its scope."""
    if scope and not scope.only_removes:
        return _within(table, scope)
    parts = [_within(table, None)]
    if table.near:
        column = sql.Identifier(table.near)
        bounds = connection.execute(
            sql.SQL("SELECT min({0})::text AS least, max({0})::text AS most FROM incoming").format(
                column
            )
        ).fetchone() or {"least": None, "most": None}
        near = sql.SQL("{} BETWEEN {} AND {}").format(
            column, sql.Literal(bounds["least"]), sql.Literal(bounds["most"])
        )
        own = _among(scope) if scope else sql.SQL("false")
        parts.append(sql.SQL("({} OR {})").format(near, own))
    return sql.SQL(" AND ").join(parts)


def _has_doubles(
    connection: Connection,
    table: Table,
    scope: Scope | None,
    total: int,
    there: int,
    result: Loaded,
) -> bool:
    """Does a key come twice? The table's keys are unique, so where a scope bounds the payload every
    row of it is met exactly once or gone: any other sum means doubles among the old, the rest are
    among the new."""
    bounded = _is_bounded(scope)
    if bounded and total - result.inserted + result.deleted != there:
        return True
    suspects = sql.SQL("difference WHERE NOT gone") if bounded else sql.SQL("incoming")
    found = connection.execute(
        sql.SQL("SELECT EXISTS (SELECT FROM {} GROUP BY {} HAVING count(*) > 1) AS some").format(
            suspects,
            listed(c for c in table.key if c in table.varying),
        )
    ).fetchone()
    return bool(found and found["some"])


def _without_doubles(connection: Connection, table: Table, scope: Scope | None) -> Loaded:
    """The difference again, of rows no two of which have one key."""
    connection.execute("DROP TABLE difference")
    settled = _settle_doubles(connection, table)
    result = _find_difference(connection, table, scope)
    result.duplicate, result.contradicting = settled.duplicate, settled.contradicting
    return result


def _settle_doubles(connection: Connection, table: Table) -> Loaded:
    """Of the staged rows, keep one of identical ones and none of contradicting ones."""
    key = [c for c in table.key if c in table.varying]
    # ROW(…), because count(DISTINCT x) of one column would not count a null among the versions
    versions = (
        sql.SQL("count(DISTINCT ROW({}))").format(listed(table.compared, "i."))
        if table.compared
        else sql.SQL("1")
    )
    same = _all("i.{0} = d.{0}", key)
    connection.execute(
        sql.SQL(
            "CREATE TEMP TABLE doubles ON COMMIT DROP AS "
            "WITH d AS MATERIALIZED "
            "(SELECT {key} FROM incoming GROUP BY {key} HAVING count(*) > 1) "
            "SELECT {keys}, {versions} AS versions FROM incoming i JOIN d ON {same} GROUP BY {keys}"
        ).format(key=listed(key), keys=listed(key, "i."), versions=versions, same=same)
    )
    refused = connection.execute(
        sql.SQL(
            "DELETE FROM incoming i USING doubles d WHERE {} AND d.versions > 1 RETURNING {}"
        ).format(same, listed([table.place] if table.place else table.varying, "i."))
    ).fetchall()
    first = sql.SQL("ORDER BY {}").format(listed([table.place], "i.")) if table.place else None
    duplicate = connection.execute(
        sql.SQL(
            "DELETE FROM incoming WHERE ctid IN (SELECT ctid FROM (SELECT i.ctid, row_number() "
            "OVER (PARTITION BY {key} {first}) AS n FROM incoming i JOIN doubles d ON {same}) x "
            "WHERE n > 1)"
        ).format(key=listed(key, "i."), first=first or sql.SQL(""), same=same)
    ).rowcount
    connection.execute("DROP TABLE doubles")
    return Loaded(duplicate=duplicate, contradicting=[dict(row) for row in refused])


def _refuse_shrinking(table: Table, deleted: int, there: int, run: Run) -> None:
    """Half a file looks like a whole one; without --force it does not take rows away."""
    if run.force or deleted <= there * _SHRINK_LIMIT:
        return
    raise ContractBroken(
        f"O arquivo tiraria {deleted} das {there} linhas que {table.name} tem neste período: "
        "parece cortado. Nada foi mudado; o bruto está guardado no bronze.",
        todo="Se estiver certo, rode de novo com --force.",
    )


def _write_difference(connection: Connection, table: Table, run: Run) -> None:
    target = identifier(table.name)
    fixed = {c: v for c, v in table.constants.items() if c not in table.key}
    places = [table.place] if table.place else []
    run_id = sql.Literal(str(run.run_id))
    connection.execute(
        sql.SQL("DELETE FROM {} t USING difference d WHERE t.ctid = d.old AND d.gone").format(
            target
        )
    )
    connection.execute(
        sql.SQL(
            "UPDATE {} t SET {} FROM difference d WHERE t.ctid = d.old AND NOT (d.gone OR d.late)"
        ).format(
            target,
            sql.SQL(", ").join(
                [sql.SQL("{0} = d.{0}").format(sql.Identifier(c)) for c in table.compared]
                + [sql.SQL("{0} = d.{0}").format(sql.Identifier(c)) for c in places]
                + [
                    sql.SQL("{} = {}").format(sql.Identifier(c), sql.Literal(v))
                    for c, v in fixed.items()
                ]
                + [sql.SQL("run_id = {}").format(run_id)]
            ),
        )
    )
    _insert(connection, table, sql.SQL("difference d WHERE d.old IS NULL"), run)


def _insert(connection: Connection, table: Table, rows: sql.SQL, run: Run) -> None:
    """Insert `rows` d, with the constants and the run's id."""
    constants = [sql.Literal(value) for value in table.constants.values()]
    values = [sql.SQL("d.") + sql.Identifier(c) for c in table.varying]
    connection.execute(
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(
            identifier(table.name),
            listed([*table.varying, *table.constants, "run_id"]),
            sql.SQL(", ").join([*values, *constants, sql.Literal(str(run.run_id))]),
            rows,
        )
    )
