"""Deliveries as durable work: claimed fairly, fenced, settled once, given back by the dead.

    waiting → claim → sending → settle → delivered | waiting | exhausted | failed | cancelled

As with work items (`work/items.py`), every claim raises the fence and stands on the lease of a row
of `ops.workers`. What differs, and why it is a queue of its own: docs/decisions/deliveries.md.
Whoever needs both locks the channel first, then its deliveries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import LeaseLost
from atalaia.kernel.base.redact import redact
from atalaia.kernel.tell.events import announce
from atalaia.kernel.tell.schedule import Outcome, Policy, wait_after

_CLAIMS = 1952803948  # 'tell': claims are made one after the other, so that limits are exact
_ANSWER_CHARACTERS = 500
_OWN_EVENTS = ("delivery.", "webhook.")  # of their failing nothing is announced


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery in a sender's hand."""

    delivery_id: UUID
    fence: int
    tries: int
    tenant_id: str
    event_id: UUID
    event_type: str
    data: dict[str, Any]
    happened_at: datetime
    trace_id: str
    channel_id: UUID
    kind: Literal["webhook", "email"]
    address: str
    secret_number: int
    both: bool  # the secret before signs as well


def claim(connection: Connection, worker_id: UUID, room: int, policy: Policy) -> list[Delivery]:
    """Take up to `room` deliveries that are due, each channel's oldest first, channels in turn.
    Raises LeaseLost when the lease of `worker_id` has run out."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_CLAIMS,))
        alive = connection.execute(
            "SELECT FROM ops.workers WHERE worker_id = %s AND leased_until > clock_timestamp()",
            (worker_id,),
        )
        if not alive.rowcount:
            raise LeaseLost
        found = connection.execute(
            _CLAIM,
            {
                "worker": worker_id,
                "room": room,
                "per_channel": policy.per_channel,
                "trouble_after": policy.trouble_after,
                "trouble_room": policy.slots // 2,
            },
        ).fetchall()
    return [Delivery(**row) for row in found]


_CLAIM = """
WITH channels AS MATERIALIZED (
    SELECT c.channel_id, c.failures >= %(trouble_after)s AS troubled,
           CASE WHEN c.failures >= %(trouble_after)s THEN 1 ELSE %(per_channel)s END - h.sending
               AS room, h.sending
    FROM ops.channels c CROSS JOIN LATERAL (
        SELECT count(*) AS sending FROM ops.deliveries d
        WHERE d.channel_id = c.channel_id AND d.status = 'sending') h
    WHERE c.status = 'active'),
due AS MATERIALIZED (
    SELECT d.delivery_id, c.troubled,
           row_number() OVER (PARTITION BY c.channel_id ORDER BY d.due_at, d.delivery_id) AS turn
    FROM channels c CROSS JOIN LATERAL (
        SELECT delivery_id, due_at FROM ops.deliveries
        WHERE channel_id = c.channel_id AND status = 'waiting' AND due_at <= clock_timestamp()
        ORDER BY due_at, delivery_id LIMIT greatest(c.room, 0)) d),
placed AS (
    SELECT delivery_id, troubled, turn,
           row_number() OVER (PARTITION BY troubled ORDER BY turn, delivery_id) AS place
    FROM due),
taken AS (
    SELECT delivery_id FROM placed
    WHERE NOT troubled OR place <= %(trouble_room)s
        - (SELECT coalesce(sum(sending), 0) FROM channels WHERE troubled)
    ORDER BY troubled, turn, delivery_id LIMIT %(room)s)
UPDATE ops.deliveries AS d
SET status = 'sending', fence = d.fence + 1, worker_id = %(worker)s
FROM taken, ops.events e, ops.channels c
WHERE d.delivery_id = taken.delivery_id AND d.status = 'waiting'
  AND e.event_id = d.event_id AND c.channel_id = d.channel_id
RETURNING d.delivery_id, d.fence, d.tries, d.tenant_id, e.event_id, e.event_type, e.data,
          e.created_at AS happened_at, e.trace_id, c.channel_id, c.kind::text, c.address,
          c.secret_number, coalesce(c.both_until > clock_timestamp(), false) AS both
"""


def settle(
    connection: Connection,
    delivery: Delivery,
    outcome: Outcome,
    *,
    began: datetime,
    duration_ms: int,
    policy: Policy,
) -> str:
    """Write what an attempt came to and what follows from it; returns the delivery's new status.

    Raises LeaseLost, and writes nothing, when the delivery is no longer this sender's."""
    tries = delivery.tries + (not outcome.delivered)
    wait = None if outcome.delivered else wait_after(tries, outcome, policy)
    with connection.transaction():
        channel = connection.execute(
            """UPDATE ops.channels SET failures = CASE WHEN %s THEN 0 ELSE failures + 1 END
               WHERE channel_id = %s RETURNING status = 'disabled' AS disabled, name""",
            (outcome.delivered, delivery.channel_id),
        ).fetchone()
        disabled = bool(channel and channel["disabled"])
        status = _status(outcome, wait, disabled=disabled)
        told = None if status in ("delivered", "waiting") else _why(status, outcome)
        done = connection.execute(
            """UPDATE ops.deliveries
               SET status = %(status)s::text::ops.delivery_status, worker_id = NULL,
                   tries = %(tries)s, reason = %(why)s,
                   due_at = CASE WHEN %(status)s::text = 'waiting' THEN clock_timestamp()
                                + make_interval(secs => %(wait)s) ELSE due_at END,
                   finished_at = CASE WHEN %(status)s::text <> 'waiting' THEN clock_timestamp() END
               WHERE delivery_id = %(id)s AND fence = %(fence)s AND status = 'sending'""",
            {
                "status": status,
                "tries": tries,
                "why": told,
                "wait": wait or 0.0,
                "id": delivery.delivery_id,
                "fence": delivery.fence,
            },
        )
        if done.rowcount != 1:
            raise LeaseLost
        _remember(connection, delivery, outcome, began, duration_ms)
        name = channel["name"] if channel else ""
        if outcome.gone and not disabled:
            _disable_gone(connection, delivery, name)
        if status in ("exhausted", "failed"):
            _tell_of(connection, f"delivery.{status}", delivery, name, told or "")
    return status


def _status(outcome: Outcome, wait: float | None, *, disabled: bool) -> str:
    if outcome.delivered:
        return "delivered"
    if outcome.final:
        return "failed"
    if disabled:
        return "cancelled"
    return "exhausted" if wait is None else "waiting"


def _why(status: str, outcome: Outcome) -> str:
    if status == "cancelled":
        return "canal desligado"
    return f"{'recusada de vez' if status == 'failed' else 'tentativas esgotadas'}: {outcome.error}"


def _remember(
    connection: Connection, delivery: Delivery, outcome: Outcome, began: datetime, duration_ms: int
) -> None:
    said = redact(outcome.answer.replace("\x00", ""))[:_ANSWER_CHARACTERS]
    connection.execute(
        """INSERT INTO ops.delivery_attempts (delivery_id, number, started_at, duration_ms,
               delivered, status_code, error, fault, answer)
           SELECT %(id)s, count(*) + 1, %(began)s, %(ms)s, %(delivered)s, %(code)s, %(error)s,
                  %(fault)s, nullif(%(answer)s, '')
           FROM ops.delivery_attempts WHERE delivery_id = %(id)s""",
        {
            "id": delivery.delivery_id,
            "began": began,
            "ms": duration_ms,
            "delivered": outcome.delivered,
            "code": outcome.status_code,
            "error": outcome.error,
            "fault": outcome.fault,
            "answer": said,
        },
    )


def _disable_gone(connection: Connection, delivery: Delivery, name: str) -> None:
    connection.execute(
        """UPDATE ops.channels
           SET status = 'disabled', disabled_at = clock_timestamp(), disabled_by = 'atalaia',
               disabled_reason = 'respondeu 410: não quer mais receber'
           WHERE channel_id = %s""",
        (delivery.channel_id,),
    )
    cancel_of_disabled(connection)
    _tell_of(connection, "webhook.disabled", delivery, name, "respondeu 410")


def _tell_of(
    connection: Connection, event_type: str, delivery: Delivery, name: str, why: str
) -> None:
    if delivery.event_type.startswith(_OWN_EVENTS):
        return
    what = "desligado" if event_type == "webhook.disabled" else "não recebeu um aviso"
    announce(
        connection,
        event_type,
        {
            "title": f"O canal '{name}' {what} ({why})",
            "channel_id": str(delivery.channel_id),
            "delivery_id": str(delivery.delivery_id),
            "event_type": delivery.event_type,
        },
        tenant=delivery.tenant_id,
    )


def cancel_of_disabled(connection: Connection) -> int:
    """Cancel what waits for a channel that was disabled, also what was announced at that moment."""
    return connection.execute(
        """UPDATE ops.deliveries d
           SET status = 'cancelled', finished_at = clock_timestamp(), reason = 'canal desligado'
           FROM ops.channels c
           WHERE c.channel_id = d.channel_id AND c.status = 'disabled' AND d.status = 'waiting'"""
    ).rowcount


def give_back(connection: Connection) -> int:
    """What dead senders had in hand is due again at once, under the same id; it is not counted as
    a try, because nobody knows whether it was one."""
    with connection.transaction():
        cancel_of_disabled(connection)
        return connection.execute(
            """UPDATE ops.deliveries d
               SET status = 'waiting', worker_id = NULL, due_at = clock_timestamp()
               WHERE d.status = 'sending' AND NOT EXISTS (
                   SELECT FROM ops.workers w
                   WHERE w.worker_id = d.worker_id AND w.leased_until > clock_timestamp())"""
        ).rowcount


def seconds_to_next(connection: Connection) -> float | None:
    """Until something more is due; None when nothing is to come."""
    found = connection.execute(
        """SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8 AS seconds
           FROM ops.deliveries WHERE status = 'waiting' AND due_at > clock_timestamp()"""
    ).fetchone()
    return found["seconds"] if found else None
