"""How the telling stands: channels, deliveries and attempts as people read them.

Lists are of one tenant, newest first; a page is bounded by a delivery and not by a count of rows,
so that what is announced while somebody reads moves nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import NotFound

Kind = Literal["webhook", "email"]
Status = Literal["waiting", "sending", "delivered", "exhausted", "failed", "cancelled"]

_CHANNELS = """
    SELECT c.channel_id, c.kind::text, c.name,
           CASE c.kind WHEN 'webhook' THEN regexp_replace(c.address, '[?#].*', '?…')
                       ELSE c.address END AS address,
           c.event_types, c.status::text, c.disabled_at, c.disabled_by, c.disabled_reason,
           c.failures, c.secret_made_at, c.both_until, c.created_at, c.created_by,
           count(d.*) FILTER (WHERE d.status IN ('waiting', 'sending')) AS waiting,
           min(d.created_at) FILTER (WHERE d.status IN ('waiting', 'sending')) AS waiting_since,
           max(d.finished_at) FILTER (WHERE d.status = 'delivered') AS last_delivered_at
    FROM ops.channels c LEFT JOIN ops.deliveries d USING (channel_id)
    WHERE c.tenant_id = %(tenant)s AND c.kind = %(kind)s
      AND (%(channel)s::uuid IS NULL OR c.channel_id = %(channel)s)
    GROUP BY c.channel_id ORDER BY c.name
"""
_DELIVERIES = """
    SELECT d.delivery_id, d.event_id, e.event_type, d.channel_id, c.kind::text, c.name AS channel,
           d.status::text, d.tries, d.due_at, d.reason, d.created_at, d.finished_at,
           coalesce(a.number, 0) AS attempts, a.started_at AS tried_at, a.duration_ms,
           a.status_code, a.error, a.fault::text
    FROM ops.deliveries d
    JOIN ops.events e USING (event_id) JOIN ops.channels c USING (channel_id)
    LEFT JOIN LATERAL (SELECT * FROM ops.delivery_attempts a WHERE a.delivery_id = d.delivery_id
                       ORDER BY number DESC LIMIT 1) a ON true
    WHERE d.tenant_id = %(tenant)s
"""
FITTING = """
      AND (%(status)s::text IS NULL OR d.status::text = %(status)s)
      AND (%(channel)s::uuid IS NULL OR d.channel_id = %(channel)s)
      AND (%(event)s::uuid IS NULL OR d.event_id = %(event)s)
      AND (%(event_type)s::text IS NULL OR e.event_type = %(event_type)s)
      AND (%(since)s::timestamptz IS NULL OR d.created_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR d.created_at < %(until)s)
"""
_PAGE = """
      AND (%(before)s::uuid IS NULL OR (d.created_at, d.delivery_id) <
          (SELECT created_at, delivery_id FROM ops.deliveries WHERE delivery_id = %(before)s))
    ORDER BY d.created_at DESC, d.delivery_id DESC LIMIT %(take)s
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries: all that fit everything given. `since` is the first moment of announcement
    wanted and `until` the first one not."""

    tenant: str
    status: Status | None = None
    channel: UUID | None = None
    event: UUID | None = None
    event_type: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def channels(connection: Connection, tenant: str, kind: Kind) -> list[dict[str, Any]]:
    """The channels of a tenant, by name. Of a URL, what follows the path is not shown: it may be
    what lets one in."""
    return connection.execute(
        _CHANNELS, {"tenant": tenant, "kind": kind, "channel": None}
    ).fetchall()


def channel(connection: Connection, tenant: str, kind: Kind, channel_id: UUID) -> dict[str, Any]:
    """One of them. Raises NotFound."""
    asked = {"tenant": tenant, "kind": kind, "channel": channel_id}
    found = connection.execute(_CHANNELS, asked).fetchone()
    if found is None:
        raise no_channel(channel_id)
    return found


def no_channel(channel_id: UUID) -> NotFound:
    """That there is no such channel."""
    return NotFound(
        f"Não há o canal {channel_id}. Nada foi mudado.",
        todo="'atalaia webhook list' e 'atalaia mailbox list' mostram os que há.",
    )


def deliveries(
    connection: Connection, wanted: Wanted, *, limit: int, before: UUID | None = None
) -> dict[str, Any]:
    """A page, newest first: `items`, and `older`, from which to go on (None at the end). It begins
    after the delivery `before`. Raises NotFound when there is no such delivery."""
    if before:
        _require(connection, wanted.tenant, before)
    found = connection.execute(
        _DELIVERIES + FITTING + _PAGE,
        {**asdict(wanted), "before": before, "take": limit + 1},
    ).fetchall()
    items = found[:limit]
    older = items[-1]["delivery_id"] if len(found) > limit else None
    return {"items": items, "count": len(items), "older": older}


def delivery(connection: Connection, tenant: str, delivery_id: UUID) -> dict[str, Any]:
    """One delivery with its event's `data` and its `history`: every attempt, oldest first. Raises
    NotFound."""
    asked = {"tenant": tenant, "id": delivery_id}
    found = connection.execute(_DELIVERIES + " AND d.delivery_id = %(id)s", asked).fetchone()
    if found is None:
        raise no_delivery(delivery_id)
    event = connection.execute(
        "SELECT data, trace_id FROM ops.events WHERE event_id = %s", (found["event_id"],)
    ).fetchone()
    history = connection.execute(
        """SELECT number, started_at, duration_ms, delivered, status_code, error, fault::text,
                  answer
           FROM ops.delivery_attempts WHERE delivery_id = %s ORDER BY number""",
        (delivery_id,),
    ).fetchall()
    return {**found, **(event or {}), "history": history}


def _require(connection: Connection, tenant: str, delivery_id: UUID) -> None:
    found = connection.execute(
        "SELECT FROM ops.deliveries WHERE delivery_id = %s AND tenant_id = %s",
        (delivery_id, tenant),
    )
    if not found.rowcount:
        raise no_delivery(delivery_id)


def no_delivery(delivery_id: UUID) -> NotFound:
    """That there is no such delivery."""
    return NotFound(
        f"Não há a entrega {delivery_id}. Nada foi mudado.",
        todo="'atalaia delivery list' mostra as que há.",
    )
