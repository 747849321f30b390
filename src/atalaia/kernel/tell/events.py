"""What happened, announced to whoever wants to hear of it.

    with transaction() as connection:
        …                                               # what happened
        announce(connection, "alert.opened", {"title": "…"})

The event and its deliveries, one for each active channel that wants it, are rows of the same
transaction: nothing is sent of what was undone, and nothing that was committed is forgotten. Nobody
waits for a receiver; `sender.py` sends after the commit, which tells it by NOTIFY.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.base.trace import new_trace_id, trace_id
from atalaia.kernel.keep.audit import DEFAULT_TENANT

WAKE = "deliveries"  # the name NOTIFY goes by
MOST_BYTES = 20_000  # of an event's data, as JSON: receivers expect small messages
_TYPE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_WANTED = re.compile(r"\*|([a-z][a-z0-9_]*\.)+([a-z][a-z0-9_]*|\*)")

# Which channels of a tenant hear of an event: of this very type, of a family of types, or of all.
_HEARS = """
    channel.status = 'active' AND (
        '*' = ANY(channel.event_types) OR %(type)s = ANY(channel.event_types)
        OR EXISTS (SELECT FROM unnest(channel.event_types) AS wanted
                   WHERE right(wanted, 2) = '.*'
                     AND starts_with(%(type)s, left(wanted, length(wanted) - 1))))
"""


def announce(
    connection: Connection,
    event_type: str,
    data: Mapping[str, Any],
    *,
    tenant: str | None = None,
    key: str | None = None,
) -> UUID:
    """Write one event and its deliveries, in the transaction `connection` has open; returns its id.

    `event_type` is thing.happened: alert.opened, incident.declared. `data` is sent as it is; its
    `title` and `text`, in Portuguese, are what an e-mail begins with. The event is the house's
    unless `tenant` says whose. Announced again under the same `key` it is the same event, and
    nothing is sent anew. Raises UsageError for a type that is none, or too much data."""
    return _announced(connection, event_type, data, tenant, key, None)


def announce_to(
    connection: Connection,
    channel_id: UUID,
    event_type: str,
    data: Mapping[str, Any],
    *,
    tenant: str,
) -> UUID:
    """`announce` to one channel of `tenant`, whatever it wants to hear of."""
    return _announced(connection, event_type, data, tenant, None, channel_id)


def checked_wanted(event_types: list[str]) -> list[str]:
    """What a channel wants to hear of, without repetitions: types, families (`alert.*`) or `*`.
    Raises UsageError for what can be neither."""
    bad = [one for one in event_types if len(one) > 100 or not _WANTED.fullmatch(one)]
    if bad or not event_types:
        raise UsageError(
            f"Não é um tipo de evento: {bad[0]!r}." if bad else "Falta o tipo de evento.",
            todo="Assim: alert.opened, alert.* ou *.",
        )
    return list(dict.fromkeys(event_types))


def _announced(
    connection: Connection,
    event_type: str,
    data: Mapping[str, Any],
    tenant: str | None,
    key: str | None,
    only: UUID | None,
) -> UUID:
    if not _TYPE.fullmatch(event_type):
        raise UsageError(f"Não é um tipo de evento: {event_type!r}. Nada foi anunciado.")
    told = Jsonb(dict(data))
    asked = {
        "tenant": tenant or DEFAULT_TENANT,
        "type": event_type,
        "data": told,
        "key": key,
        "only": only,
        "trace": trace_id() or new_trace_id(),
        "wake": WAKE,
        "most": MOST_BYTES,
    }
    made = connection.execute(
        f"""WITH event AS (
               INSERT INTO ops.events (tenant_id, event_type, data, key, trace_id)
               SELECT %(tenant)s, %(type)s, %(data)s, %(key)s, %(trace)s
               WHERE octet_length((%(data)s::jsonb)::text) <= %(most)s
               ON CONFLICT (tenant_id, event_type, key) WHERE key IS NOT NULL
               DO NOTHING RETURNING event_id),
           deliveries AS (
               INSERT INTO ops.deliveries (tenant_id, event_id, channel_id)
               SELECT %(tenant)s, event_id, channel_id FROM event CROSS JOIN ops.channels AS channel
               WHERE channel.tenant_id = %(tenant)s
                 AND CASE WHEN %(only)s::uuid IS NULL THEN {_HEARS}
                          ELSE channel_id = %(only)s::uuid END
               RETURNING delivery_id),
           woken AS (SELECT pg_notify(%(wake)s, '') FROM deliveries LIMIT 1)
           SELECT event_id, (SELECT count(*) FROM woken) AS woken FROM event""",  # noqa: S608
        asked,
    ).fetchone()
    if made:
        return UUID(str(made["event_id"]))
    return _announced_before(connection, asked)


def _announced_before(connection: Connection, asked: dict[str, Any]) -> UUID:
    found = connection.execute(
        """SELECT event_id FROM ops.events
           WHERE tenant_id = %(tenant)s AND event_type = %(type)s AND key = %(key)s""",
        asked,
    ).fetchone()
    if found is None:
        raise UsageError(f"Um evento tem no máximo {MOST_BYTES} bytes. Nada foi anunciado.")
    return UUID(str(found["event_id"]))
