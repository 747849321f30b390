"""A kind of work whose effect is a row, counted outside what it tests; also a worker process.

`python -m tests.kernel.work.toys STEP NTH LEASE` drains and kills itself with SIGKILL the NTH time
it comes to STEP ('never' for a worker that lives). It says what it did as JSON on its last line.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict
from typing import Any
from uuid import UUID

from atalaia.kernel.base.database import Connection, connect, transaction
from atalaia.kernel.keep.browse import Wanted, page
from atalaia.kernel.work.drain import Handler, drain
from atalaia.kernel.work.items import Item, accept

TOY = "toy"
_seen: Counter[str] = Counter()
_deadly: tuple[str, int] = ("never", 1)


def fault(step: str) -> None:
    """Die here when this is where this process is to die."""
    _seen[step] += 1
    if (step, _seen[step]) == _deadly:
        os.kill(os.getpid(), signal.SIGKILL)


def make_table() -> None:
    """Where effects are counted: nothing in it stops an effect from being applied twice."""
    with transaction() as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS public.applied (item_id bigint, fence bigint)"
        )


def ask(payloads: list[Any], **more: Any) -> UUID:
    """Accept a batch of toys."""
    with transaction() as connection:
        return accept(connection, TOY, payloads, actor="test", trigger="python", **more).batch_id


def apply(item: Item, connection: Connection) -> None:
    """The effect: one row. {"poison": true} kills the process, {"seconds": n} takes that long."""
    if item.payload.get("poison"):
        os.kill(os.getpid(), signal.SIGKILL)
    with item.effect(connection):
        connection.execute("INSERT INTO public.applied VALUES (%s, %s)", (item.item_id, item.fence))
        fault("in effect")
        time.sleep(item.payload.get("seconds", 0))


HANDLERS = {TOY: Handler(apply, group=10)}


def rows(statement: str, *params: Any) -> list[dict[str, Any]]:
    """What a query answers."""
    with connect(autocommit=True) as connection:
        return connection.execute(statement, params).fetchall()  # type: ignore[arg-type]


def recorded(stream: str) -> list[dict[str, Any]]:
    """The audit log's records of a stream, newest first."""
    return page(Wanted(stream=stream), limit=1000).items


def applied() -> list[int]:
    """How often each item's effect was applied, over all items."""
    return [
        row["n"]
        for row in rows(
            """SELECT count(a.item_id) AS n FROM ops.work_items i
               LEFT JOIN public.applied a USING (item_id) GROUP BY i.item_id ORDER BY i.item_id"""
        )
    ]


def states() -> Counter[str]:
    """How many items are in each state."""
    return Counter(row["status"] for row in rows("SELECT status::text FROM ops.work_items"))


def expire_leases(worker: UUID | None = None) -> None:
    """Let the time of one worker's lease be over, or of every one's."""
    with transaction() as connection:
        connection.execute(
            """UPDATE ops.workers SET leased_until = clock_timestamp() - interval '1 second'
               WHERE worker_id = coalesce(%s, worker_id)""",
            (worker,),
        )


def main(step: str, nth: int, lease: float) -> None:
    """Drain as a process of its own."""
    global _deadly
    _deadly = (step, nth)
    print(json.dumps(asdict(drain(HANDLERS, lease_seconds=lease, fault=fault))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
