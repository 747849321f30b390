"""What the runbook's scenarios do about trouble: try again what may pass, see who holds a table up,
and let go of it. Each leaves its record in the audit log."""

from __future__ import annotations

from typing import Any

from psycopg import sql

from atalaia.domains.cattle.sla import LAYOUTS
from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.keep import audit
from atalaia.kernel.work import letters

_STREAM = "cattle"
_HELD_SECONDS = 5  # a session that blocks others for so long is let go of
_HOLDING = """
    SELECT DISTINCT a.pid, a.state, a.application_name,
           extract(epoch FROM clock_timestamp() - a.xact_start)::int AS seconds,
           EXISTS (SELECT FROM pg_stat_activity w WHERE a.pid = ANY (pg_blocking_pids(w.pid)))
               AS blocks
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.relation = %s::regclass AND l.granted AND a.pid <> pg_backend_pid()
      AND a.datname = current_database()
    ORDER BY seconds DESC NULLS LAST, a.pid
"""


def retry_passing(connection: Connection, *, actor: str, reason: str, trigger: str) -> int:
    """Ask again for every dead letter whose error may pass; the permanent ones wait for a person.
    Returns how many letters there were."""
    found = connection.execute(
        """SELECT dead_letter_id FROM ops.dead_letters
           WHERE domain = 'cattle' AND NOT resolved AND error_type <> 'permanent'
           ORDER BY dead_letter_id"""
    ).fetchall()
    numbers = [one["dead_letter_id"] for one in found]
    if numbers:
        letters.replay_all(connection, numbers, actor=actor, reason=reason, trigger=trigger)
    return len(numbers)


def holding(connection: Connection, layout: str) -> list[dict[str, Any]]:
    """The sessions that hold the table of a layout, the oldest transaction first. Raises
    NotFound."""
    return connection.execute(_HOLDING, (_table(layout),)).fetchall()


def release(
    connection: Connection, layout: str, *, actor: str, reason: str, trigger: str
) -> list[int]:
    """End the sessions that hold the layout's table and have others wait for more than some
    seconds; what they did is undone as a whole. Returns their processes."""
    ended = [
        one["pid"]
        for one in holding(connection, layout)
        if one["blocks"] and (one["seconds"] or 0) >= _HELD_SECONDS
    ]
    for pid in ended:
        connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
    if ended:
        audit.append(
            connection, stream=_STREAM, action="table.released", actor=actor, trigger=trigger,
            subject=layout, reason=reason, details={"ended": ended},
        )  # fmt: skip
    return ended


def slow_queries(connection: Connection) -> list[dict[str, Any]]:
    """The ten statements with the longest mean, as the runbook's query has them."""
    return connection.execute(
        sql.SQL(
            """SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 120) AS query,
                      mean_time::float8, calls
               FROM compat.pg_stat_statements ORDER BY mean_time DESC LIMIT 10"""
        )
    ).fetchall()


def _table(layout: str) -> str:
    if layout not in LAYOUTS:
        raise NotFound(f"Não há o layout '{layout}'.", todo=f"Há: {', '.join(LAYOUTS)}.")
    return f"etl.{layout}"
