"""A whole batch: asked for and called off by people, each with one record of the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import AlreadySo, NotFound
from atalaia.kernel.base.redact import redact
from atalaia.kernel.keep import audit
from atalaia.kernel.keep.audit import DEFAULT_TENANT
from atalaia.kernel.work.items import Accepted, Lines, accept, accept_lines

RUN = "run"  # the kind of item that is a request for a run
_STREAM = "work"


def request(
    connection: Connection,
    kind: str,
    payloads: Sequence[Any],
    *,
    actor: str,
    trigger: str,
    reason: str | None = None,
    key: str | None = None,
    tenant_id: str = DEFAULT_TENANT,
    **details: Any,
) -> Accepted:
    """`accept`, as an act of somebody's: recorded, unless it had been accepted before."""
    who = {"actor": actor, "trigger": trigger, "reason": reason, "tenant_id": tenant_id}
    accepted = accept(connection, kind, payloads, key=key, **who)  # type: ignore[arg-type]
    if not accepted.again:
        found = {"kind": kind, "items": len(payloads), **details}
        _record(connection, "accepted", accepted.batch_id, found, who)
    return accepted


def request_lines(
    connection: Connection,
    kind: str,
    lines: Lines,
    *,
    actor: str,
    trigger: str,
    reason: str | None = None,
    key: str | None = None,
    tenant_id: str = DEFAULT_TENANT,
    **details: Any,
) -> Accepted:
    """`request` for a batch too large for memory."""
    who = {"actor": actor, "trigger": trigger, "reason": reason, "tenant_id": tenant_id}
    accepted = accept_lines(connection, kind, lines, key=key, **who)  # type: ignore[arg-type]
    if not accepted.again:
        found = {"kind": kind, "items": lines.total, **details}
        _record(connection, "accepted", accepted.batch_id, found, who)
    return accepted


def cancel(
    connection: Connection,
    batch_id: UUID,
    *,
    actor: str,
    reason: str,
    trigger: str = "python",
    tenant_id: str | None = None,
) -> int:
    """Call a batch off: what waits is cancelled now, a run in hand is asked to stop, and nothing of
    it is tried again. Returns how many items that cancelled at once.

    Raises NotFound for a batch that is not there (or not of `tenant_id`), and AlreadySo for one
    that ended or was called off before."""
    batch = connection.execute(
        """SELECT tenant_id, trace_id, cancelled_at,
                  EXISTS (SELECT FROM ops.work_items i
                          WHERE i.batch_id = b.batch_id AND i.finished_at IS NULL) AS goes_on
           FROM ops.batches b
           WHERE batch_id = %s AND tenant_id = coalesce(%s, tenant_id) FOR UPDATE""",
        (batch_id, tenant_id),
    ).fetchone()
    if batch is None:
        raise NotFound("Não há trabalho com esse identificador.")
    if batch["cancelled_at"] or not batch["goes_on"]:
        was = "já foi cancelado" if batch["cancelled_at"] else "já terminou"
        raise AlreadySo(f"Esse trabalho {was}. Nada foi mudado.")
    connection.execute(
        """UPDATE ops.batches SET cancelled_at = clock_timestamp(), cancelled_by = %s,
               cancel_reason = %s WHERE batch_id = %s""",
        (actor, redact(reason), batch_id),
    )
    cancelled = connection.execute(
        """UPDATE ops.work_items SET status = 'cancelled', finished_at = clock_timestamp()
           WHERE batch_id = %s AND status = 'queued'""",
        (batch_id,),
    ).rowcount
    connection.execute(
        """UPDATE ops.pipeline_runs SET cancel_requested_at = clock_timestamp()
           WHERE trace_id = %s AND run_status = 'running' AND cancel_requested_at IS NULL
             AND (job_name, reference_period) IN (
                 SELECT payload ->> 'job_name', payload ->> 'reference_period'
                 FROM ops.work_items WHERE batch_id = %s AND kind = %s AND status = 'running')""",
        (batch["trace_id"], batch_id, RUN),
    )
    who = {"actor": actor, "trigger": trigger, "reason": reason, "tenant_id": batch["tenant_id"]}
    _record(connection, "cancelled", batch_id, {"items": cancelled}, who)
    return cancelled


def _record(
    connection: Connection, what: str, batch_id: UUID, details: dict[str, Any], who: dict[str, Any]
) -> None:
    audit.append(
        connection,
        stream=_STREAM,
        action=f"work.{what}",
        subject=str(batch_id),
        details=details,
        **who,
    )
