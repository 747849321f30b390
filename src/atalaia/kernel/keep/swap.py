"""One database takes the place of another: at one moment, whoever is connected.

While PostgreSQL's own list of databases is locked nobody can connect to any of them; every other
connection to the one that leaves is ended, what must not go back in time is carried over, and both
are renamed in one transaction. A process killed before its commit has changed nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import tuple_row

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.database import Connection, connect
from atalaia.kernel.base.errors import AtalaiaError
from atalaia.kernel.base.settings import database_url
from atalaia.kernel.keep import audit
from atalaia.kernel.keep.holdings import registered
from atalaia.kernel.keep.restore import live_name, maintenance_url

_GONE_SECONDS = 10
_LOCK_LIST = """
    SET LOCAL lock_timeout = '30s';
    LOCK TABLE pg_catalog.pg_database IN ACCESS EXCLUSIVE MODE
"""
_END_OTHERS = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = %s AND pid <> ALL(%s)
"""
# What is about the installation rather than its data does not go back in time: the rows of each
# table, and what becomes of one that both have. A runbook's run that goes on writes itself anew.
_MERGED: dict[str, tuple[LiteralString, LiteralString]] = {
    "ops.backups": (
        "SELECT * FROM ops.backups",
        """ON CONFLICT (backup_id) DO UPDATE SET
            verified_at_utc = excluded.verified_at_utc, verify_seconds = excluded.verify_seconds,
            problem = excluded.problem, removed_at_utc = excluded.removed_at_utc""",
    ),
    "ops.restore_drills": (
        "SELECT * FROM ops.restore_drills",
        "ON CONFLICT (drill_id) DO NOTHING",
    ),
    "ops.runbook_runs": (
        "SELECT * FROM ops.runbook_runs WHERE status <> 'running'",
        """ON CONFLICT (runbook_run_id) DO UPDATE SET
            status = excluded.status, error = excluded.error, finished_at = excluded.finished_at""",
    ),
    "ops.runbook_cells": (
        """SELECT c.* FROM ops.runbook_cells AS c JOIN ops.runbook_runs AS r USING (runbook_run_id)
           WHERE r.status <> 'running'""",
        """ON CONFLICT (runbook_run_id, position) DO UPDATE SET
            status = excluded.status, attempts = excluded.attempts,
            exit_code = excluded.exit_code, why = excluded.why, output = excluded.output,
            output_sha256 = excluded.output_sha256, output_bytes = excluded.output_bytes,
            approved_by = excluded.approved_by, started_at = excluded.started_at,
            finished_at = excluded.finished_at""",
    ),
}


def swap(
    coming: str, kept: str, *, continues: bool, record: Callable[[Connection, int], None]
) -> int:
    """Give the database `coming` the name of the one in use, and that one the name `kept`. With
    `continues`, the log that leaves goes on in the one that comes: what was recorded since, and
    what must not go back in time, is carried over. `record` is called in the transaction of the
    database that comes, with how many audit records were carried. Returns that number."""
    url, live = database_url(), live_name()
    with ExitStack() as opened, connect(url=maintenance_url()) as control:
        after = opened.enter_context(connect(url=make_conninfo(url, dbname=coming)))
        before = opened.enter_context(connect()) if continues else None
        own = [one.info.backend_pid for one in (before, after) if one]
        control.execute(_LOCK_LIST)
        _end_others(control, live, own)
        carried = _carry(before, after) if before else 0
        _end_sessions(after)
        record(after, carried)
        after.commit()
        opened.close()
        for name, new in ((live, kept), (coming, live)):
            control.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(name), sql.Identifier(new)
                )
            )
        control.commit()
    return carried


def _end_others(control: Connection, name: str, own: list[int]) -> None:
    deadline = Deadline(_GONE_SECONDS)
    while True:
        found = control.execute(_END_OTHERS, (name, own)).fetchone()
        if not found or not found["count"]:
            return
        if deadline.passed:
            raise AtalaiaError(
                f"{found['count']} conexões com o banco não terminam. Nada foi trocado.",
                todo="Pare worker, agendador e API, e rode de novo.",
            )
        time.sleep(0.05)
        control.execute("SELECT pg_stat_clear_snapshot()")


def continues(connection: psycopg.Connection[Any], heads: list[list[Any]]) -> bool:
    """Whether the audit log that `connection` sees began as the one that ended at `heads`."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        for stream, seq, found in heads:
            cursor.execute(
                "SELECT encode(hash, 'hex') FROM ops.audit_log WHERE stream = %s AND seq = %s",
                (stream, seq),
            )
            if cursor.fetchone() != (found,):
                return False
    return True


def _carry(before: Connection, after: Connection) -> int:
    """Nothing here may ask for the list of databases: it is locked."""
    for connection in (before, after):
        connection.execute("SET LOCAL statement_timeout = '120s'")
    count = _carry_audit(before, after)
    for table, (rows, conflict) in _MERGED.items():
        _merge(before, after, table, rows, conflict)
    _carry_revocations(before, after)
    for holding in registered():
        holding.carry(before, after)
    return count


def _carry_audit(before: Connection, after: Connection) -> int:
    count = 0
    with (
        before.cursor(row_factory=tuple_row) as reading,
        after.cursor(row_factory=tuple_row) as writing,
    ):
        ends = {head.stream: head.seq for head in audit.heads(after)}
        for head in audit.heads(before):
            query = sql.SQL(
                "COPY (SELECT * FROM ops.audit_log WHERE stream = {} AND seq > {} ORDER BY seq) "
                "TO STDOUT"
            ).format(head.stream, ends.get(head.stream, 0))
            with (
                reading.copy(query) as source,
                writing.copy("COPY ops.audit_log FROM STDIN") as target,
            ):
                for piece in source:
                    target.write(piece)
            count += writing.rowcount
    return count


def _merge(
    before: Connection,
    after: Connection,
    table: str,
    rows: LiteralString,
    conflict: LiteralString,
) -> None:
    there = before.execute("SELECT to_regclass(%s) IS NOT NULL AS there", (table,)).fetchone()
    if not there or not there["there"]:
        return
    name = sql.Identifier(*table.split("."))
    query = sql.SQL("SELECT coalesce(json_agg(t), '[]')::text AS rows FROM ({}) AS t").format(
        sql.SQL(rows)
    )
    found = before.execute(query).fetchone()
    after.execute(
        sql.SQL(
            "INSERT INTO {} SELECT * FROM json_populate_recordset(NULL::{}, %s::json) {}"
        ).format(name, name, sql.SQL(conflict)),
        (found["rows"] if found else "[]",),
    )


def _carry_revocations(before: Connection, after: Connection) -> None:
    """A key that was revoked stays so."""
    revoked = before.execute(
        """SELECT encode(key_hmac, 'hex') AS key, revoked_at::text FROM api_keys
           WHERE revoked_at IS NOT NULL"""
    ).fetchall()
    after.execute(
        """UPDATE api_keys AS k SET revoked_at = r.revoked_at
           FROM json_to_recordset(%s::json) AS r (key text, revoked_at timestamptz)
           WHERE encode(k.key_hmac, 'hex') = r.key AND k.revoked_at IS NULL""",
        (json.dumps(revoked),),
    )


def _end_sessions(after: Connection) -> None:
    """Whoever was signed in at the backup may not be now; a link is not used a second time."""
    after.execute("UPDATE ops.sessions SET ended_at = clock_timestamp() WHERE ended_at IS NULL")
    after.execute("UPDATE ops.sign_in_links SET used_at = clock_timestamp() WHERE used_at IS NULL")
