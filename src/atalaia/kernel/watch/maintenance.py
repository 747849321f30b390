"""Maintenance windows: work announced beforehand. Alerts of it are kept and not told, checks go on,
and the runs that begin in it are left out of the service levels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import AlreadySo, NotFound, UsageError
from atalaia.kernel.base.redact import redact
from atalaia.kernel.keep import audit

STREAM = "maintenance"


def add(
    connection: Connection,
    *,
    title: str,
    starts_at: datetime,
    ends_at: datetime,
    actor: str,
    reason: str,
    trigger: str = "python",
    rules: Sequence[str] = (),
    subjects: Sequence[str] = (),
) -> dict[str, Any]:
    """Announce a window; no `rules` or `subjects` means all of them. Raises UsageError for one that
    ends before it starts, or is over already: what happened is not excused afterwards."""
    if ends_at <= starts_at or ends_at <= now():
        raise UsageError(
            "A janela termina antes de começar, ou já terminou. Nada foi mudado.",
            todo="Uma janela é anunciada antes do trabalho.",
        )
    row = connection.execute(
        """INSERT INTO ops.maintenance_windows
               (title, rules, subjects, starts_at, ends_at, created_by, reason)
           VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING *""",
        (
            redact(title),
            list(rules),
            list(subjects),
            max(starts_at, now()),
            ends_at,
            actor,
            redact(reason),
        ),
    ).fetchone()
    assert row is not None  # noqa: S101  INSERT … RETURNING gives its row
    details = {
        "starts_at": row["starts_at"].isoformat(),
        "ends_at": ends_at.isoformat(),
        "rules": list(rules),
        "subjects": list(subjects),
    }
    _record(connection, "announced", row["window_id"], actor, trigger, reason, details)
    return row


def cancel(
    connection: Connection, window_id: int, *, actor: str, reason: str, trigger: str = "python"
) -> dict[str, Any]:
    """End a window now. Raises NotFound, and AlreadySo for one that is over."""
    row = connection.execute(
        """UPDATE ops.maintenance_windows
           SET cancelled_at = clock_timestamp(), cancelled_by = %s, cancel_reason = %s
           WHERE window_id = %s AND cancelled_at IS NULL AND ends_at > clock_timestamp()
           RETURNING *""",
        (actor, redact(reason), window_id),
    ).fetchone()
    if row is None:
        there = connection.execute(
            "SELECT 1 AS there FROM ops.maintenance_windows WHERE window_id = %s", (window_id,)
        ).fetchone()
        if there:
            raise AlreadySo(f"A janela {window_id} já terminou. Nada foi mudado.")
        raise NotFound("Não há essa janela.", todo="'atalaia maintenance list' mostra as que há.")
    _record(connection, "cancelled", window_id, actor, trigger, reason, {})
    return row


def _record(
    connection: Connection,
    what: str,
    window_id: int,
    actor: str,
    trigger: str,
    reason: str,
    details: dict[str, Any],
) -> None:
    audit.append(
        connection, stream=STREAM, action=f"maintenance.{what}", actor=actor, trigger=trigger,
        subject=str(window_id), reason=reason, details=details,
    )  # fmt: skip
