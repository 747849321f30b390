"""Runs of runbooks as they are read: a list, and one with what its cells said."""

from __future__ import annotations

from typing import Any

from atalaia.kernel.base.database import Connection
from atalaia.kernel.watch.runbook_evidence import LOCK

# One that says it is running while nobody holds its lock was interrupted.
_RUNS = """
    SELECT runbook_run_id, runbook, sha256, arguments,
           CASE WHEN status = 'running' AND NOT EXISTS (
                    SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
                      AND classid::bigint = %(lock)s
                      AND objid::bigint = hashtext(runbook_run_id::text)::bigint & 4294967295)
                THEN 'interrupted' ELSE status::text END AS status,
           error, actor, trigger, reason, trace_id, started_at, finished_at, recorded_at
    FROM ops.runbook_runs
"""
_ORDER = "ORDER BY started_at DESC, runbook_run_id LIMIT %(limit)s OFFSET %(skip)s"


def listed(
    connection: Connection, limit: int, skip: int = 0, runbook: str | None = None
) -> list[dict[str, Any]]:
    """Runs, the newest first; of one runbook only, when one is named."""
    asked = {"lock": LOCK, "limit": limit, "skip": skip, "runbook": runbook}
    of_it = "WHERE %(runbook)s::text IS NULL OR runbook = %(runbook)s "
    return connection.execute(_RUNS + of_it + _ORDER, asked).fetchall()


def one(connection: Connection, run_id: str) -> dict[str, Any] | None:
    """A run with its text, its cells and who approved what; None when there is none."""
    found = connection.execute(
        _RUNS + "WHERE runbook_run_id = %(run)s", {"lock": LOCK, "run": run_id}
    ).fetchone()
    if found is None:
        return None
    found |= connection.execute(
        "SELECT text FROM ops.runbook_runs WHERE runbook_run_id = %s", (run_id,)
    ).fetchall()[0]
    found["cells"] = connection.execute(
        """SELECT position, name, status::text AS status, attempts, exit_code, why, output,
                  output_sha256, output_bytes, approved_by, started_at, finished_at
           FROM ops.runbook_cells WHERE runbook_run_id = %s ORDER BY position""",
        (run_id,),
    ).fetchall()
    found["approvals"] = connection.execute(
        """SELECT position, actor, reason, approved_at, spent_at FROM ops.runbook_approvals
           WHERE runbook_run_id = %s ORDER BY approval_id""",
        (run_id,),
    ).fetchall()
    return found
