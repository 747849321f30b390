"""What people decide about an alert: that they are at it, or that nobody is to be told for a while.

Each decision has a reason and is one record of the audit log, in its own transaction. An alert
opens and resolves by itself (`evaluation.py`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import AlreadySo, NotFound, UsageError
from atalaia.kernel.base.redact import redact
from atalaia.kernel.keep import audit

STREAM = "alerts"


def acknowledge(
    connection: Connection,
    alert_id: int,
    *,
    actor: str,
    reason: str,
    trigger: str = "python",
    until: datetime | None = None,
) -> dict[str, Any]:
    """Say that somebody is at it, until it is resolved or, when given, `until`: nobody is reminded
    meanwhile. Raises NotFound, AlreadySo for one that is resolved, UsageError for a moment past."""
    _require_future(until)
    return _decide(
        connection, alert_id, "acknowledged",
        """UPDATE ops.alerts SET acknowledged_at = clock_timestamp(), acknowledged_by = %(actor)s,
               acknowledge_reason = %(reason)s, acknowledged_until = %(until)s
           WHERE alert_id = %(id)s AND resolved_at IS NULL RETURNING *""",
        actor=actor, reason=reason, trigger=trigger, until=until,
    )  # fmt: skip


def silence(
    connection: Connection,
    alert_id: int,
    *,
    actor: str,
    reason: str,
    until: datetime,
    trigger: str = "python",
) -> dict[str, Any]:
    """Tell nobody about it until then; it is still asked and shown. Raises as `acknowledge`."""
    _require_future(until)
    return _decide(
        connection, alert_id, "silenced",
        """UPDATE ops.alerts SET silenced_by = %(actor)s, silence_reason = %(reason)s,
               silenced_until = %(until)s
           WHERE alert_id = %(id)s AND resolved_at IS NULL RETURNING *""",
        actor=actor, reason=reason, trigger=trigger, until=until,
    )  # fmt: skip


def _require_future(until: datetime | None) -> None:
    if until is not None and until <= now():
        raise UsageError("'until' já passou. Nada foi mudado.", todo="Dê um momento por vir.")


def _decide(
    connection: Connection,
    alert_id: int,
    what: str,
    statement: LiteralString,
    *,
    actor: str,
    reason: str,
    trigger: str,
    until: datetime | None,
) -> dict[str, Any]:
    values = {"id": alert_id, "actor": actor, "reason": redact(reason), "until": until}
    row = connection.execute(statement, values).fetchone()
    if row is None:
        there = connection.execute(
            "SELECT 1 AS there FROM ops.alerts WHERE alert_id = %s", (alert_id,)
        ).fetchone()
        if there:
            raise AlreadySo(f"O alerta {alert_id} já foi resolvido. Nada foi mudado.")
        raise NotFound("Não há esse alerta.", todo="'atalaia alerts list' mostra os abertos.")
    audit.append(
        connection, stream=STREAM, action=f"alert.{what}", actor=actor, trigger=trigger,
        subject=str(alert_id), reason=reason,
        details={"rule": row["rule"], "until": until.isoformat() if until else None},
    )  # fmt: skip
    return row
