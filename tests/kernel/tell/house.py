"""Channels to sinks, a sender in a thread, and what the tables say."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString
from uuid import UUID

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.keep.keys import Who
from atalaia.kernel.tell import channels
from atalaia.kernel.tell.channels import Made
from atalaia.kernel.tell.events import announce
from atalaia.kernel.tell.schedule import Policy
from atalaia.kernel.tell.sender import Sender
from atalaia.kernel.tell.standing import Kind

WHO = Who("ana", "python", "teste")
QUICK = Policy(delays=(0.05,) * 9, lease_seconds=2.0, poll_seconds=0.2)


def made(
    name: str, address: str, *event_types: str, kind: Kind = "webhook", tenant: str = "default"
) -> Made:
    """A channel that hears of those types, or of all."""
    with transaction() as connection:
        return channels.create(
            connection, kind, tenant=tenant, name=name, address=address,
            event_types=list(event_types) or ["*"], who=WHO,
        )  # fmt: skip


def happened(event_type: str = "toy.made", **data: Any) -> UUID:
    """An event, announced and committed."""
    with transaction() as connection:
        return announce(connection, event_type, data)


@contextmanager
def sending(policy: Policy = QUICK, **options: Any) -> Iterator[Sender]:
    """A sender that works while the block runs."""
    sender = Sender(policy, **options)
    thread = threading.Thread(target=sender.run, daemon=True)
    thread.start()
    try:
        yield sender
    finally:
        sender.stop()
        thread.join(20)
        assert not thread.is_alive()


def rows(sql: LiteralString, *params: Any) -> list[dict[str, Any]]:
    """What the database has."""
    with connect(autocommit=True) as connection:
        return connection.execute(sql, params).fetchall()


def do(sql: LiteralString, *params: Any) -> int:
    """Change what the database has; how many rows."""
    with connect(autocommit=True) as connection:
        return connection.execute(sql, params).rowcount


def until(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Wait until it is so; fail when it never is."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, f"not so within {seconds:g} s"
        time.sleep(0.02)
    return found


def settled() -> bool:
    """Whether nothing waits and nothing is in hand."""
    return not rows("SELECT FROM ops.deliveries WHERE status IN ('waiting', 'sending') LIMIT 1")


def statuses() -> dict[str, int]:
    """How many deliveries stand how."""
    found = rows("SELECT status::text AS s, count(*) AS n FROM ops.deliveries GROUP BY status")
    return {row["s"]: row["n"] for row in found}


def attempts() -> list[dict[str, Any]]:
    """Every attempt, delivery by delivery, oldest first."""
    return rows(
        """SELECT a.*, d.status::text AS now FROM ops.delivery_attempts a
           JOIN ops.deliveries d USING (delivery_id) ORDER BY d.created_at, delivery_id, number"""
    )
