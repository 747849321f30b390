"""Deliveries sent again by people, one or many, under the same id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import AlreadySo, UsageError
from atalaia.kernel.keep import audit
from atalaia.kernel.keep.keys import Who
from atalaia.kernel.tell.channels import STREAM
from atalaia.kernel.tell.events import WAKE
from atalaia.kernel.tell.standing import FITTING, Wanted, no_delivery

MOST = 10_000  # of one replay: more is a mistake, or is asked for twice

_AGAIN = """
    UPDATE ops.deliveries AS again
    SET status = 'waiting', due_at = clock_timestamp(), tries = 0, reason = NULL, finished_at = NULL
    FROM ops.channels c
    WHERE c.channel_id = again.channel_id AND c.status = 'active' AND again.tenant_id = %(tenant)s
      AND again.status IN ('delivered', 'exhausted', 'failed', 'cancelled')
      AND again.delivery_id = ANY(%(ids)s)
    RETURNING again.delivery_id
"""
_FITTING = """
    SELECT d.delivery_id FROM ops.deliveries d
    JOIN ops.events e USING (event_id) JOIN ops.channels c USING (channel_id)
    WHERE d.tenant_id = %(tenant)s AND c.status = 'active'
      AND d.status IN ('delivered', 'exhausted', 'failed', 'cancelled')
"""


def replay(connection: Connection, delivery_ids: Sequence[UUID], *, tenant: str, who: Who) -> int:
    """Have these sent again from the first attempt on, all of them or none; returns how many.
    Raises NotFound for one that is not there, AlreadySo for one that is still on its way or whose
    channel is disabled."""
    wanted = list(dict.fromkeys(delivery_ids))
    done = connection.execute(_AGAIN, {"tenant": tenant, "ids": wanted}).fetchall()
    missing = set(wanted) - {row["delivery_id"] for row in done}
    if missing:
        raise _not_again(connection, tenant, min(missing))
    _record(connection, tenant, who, len(done), {"deliveries": [str(one) for one in wanted][:100]})
    return len(done)


def replay_fitting(connection: Connection, wanted: Wanted, *, who: Who) -> int:
    """Have all that ended and fit sent again, the oldest MOST of them; returns how many. Those of
    disabled channels stay as they are."""
    if wanted.status is None:
        raise UsageError("Diga em que estado estão as que devem seguir de novo.")
    found = connection.execute(
        _FITTING + FITTING + " ORDER BY d.created_at LIMIT %(most)s",
        {**asdict(wanted), "most": MOST},
    ).fetchall()
    ids = [row["delivery_id"] for row in found]
    done = connection.execute(_AGAIN, {"tenant": wanted.tenant, "ids": ids}).rowcount
    asked = {name: str(value) for name, value in asdict(wanted).items() if value is not None}
    _record(connection, wanted.tenant, who, done, {"wanted": asked})
    return done


def _not_again(connection: Connection, tenant: str, delivery_id: UUID) -> Exception:
    found = connection.execute(
        """SELECT c.status::text AS channel FROM ops.deliveries d JOIN ops.channels c
           USING (channel_id) WHERE d.delivery_id = %s AND d.tenant_id = %s""",
        (delivery_id, tenant),
    ).fetchone()
    if found is None:
        return no_delivery(delivery_id)
    if found["channel"] == "disabled":
        return AlreadySo(f"O canal da entrega {delivery_id} está desligado. Nada foi mudado.")
    return AlreadySo(f"A entrega {delivery_id} ainda está a caminho. Nada foi mudado.")


def _record(
    connection: Connection, tenant: str, who: Who, count: int, details: dict[str, Any]
) -> None:
    connection.execute("SELECT pg_notify(%s, '')", (WAKE,))
    audit.append(
        connection,
        stream=STREAM,
        action="delivery.replayed",
        actor=who.actor,
        trigger=who.trigger,
        subject=details["deliveries"][0] if count == 1 and "deliveries" in details else "many",
        reason=who.reason,
        tenant_id=tenant,
        details={"count": count, **details},
    )
