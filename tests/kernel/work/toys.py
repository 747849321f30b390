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
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from atalaia.kernel.base.database import Connection, connect, transaction
from atalaia.kernel.base.errors import AtalaiaError
from atalaia.kernel.keep.browse import Wanted, page
from atalaia.kernel.work.drain import Handler, drain
from atalaia.kernel.work.items import Item, accept, together

TOY = "toy"
_REST_SECONDS = 0.02
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


def ask(payloads: list[Any], kind: str = TOY, **more: Any) -> UUID:
    """Accept a batch of toys."""
    with transaction() as connection:
        return accept(connection, kind, payloads, actor="test", trigger="python", **more).batch_id


def apply(item: Item, connection: Connection) -> None:
    """The effect: one row. {"poison": true} kills the process, {"seconds": n} takes that long,
    {"until": file} until that is there, {"megabytes": n} needs that much memory."""
    if item.payload.get("poison"):
        os.kill(os.getpid(), signal.SIGKILL)
    bytearray(item.payload.get("megabytes", 0) << 20)
    with item.effect(connection):
        connection.execute("INSERT INTO public.applied VALUES (%s, %s)", (item.item_id, item.fence))
        fault("in effect")
        time.sleep(item.payload.get("seconds", 0))
        while "until" in item.payload and not Path(item.payload["until"]).exists():
            time.sleep(0.01)


def apply_together(items: Sequence[Item], connection: Connection) -> None:
    """The same effect, for a whole group at once."""
    with together(connection, items) as group:
        for item in group.items:
            connection.execute(
                "INSERT INTO public.applied VALUES (%s, %s)", (item.item_id, item.fence)
            )
            fault("in effect")
            group.results[item.item_id] = None
        fault("before done")


# Five kinds, as five modules would bring them: alone, in small groups, in large ones.
KINDS = (TOY, "toy_alone", "toy_few", "toy_many", "toy_more")
HANDLERS = {
    kind: Handler(apply, group=group) for kind, group in zip(KINDS, (10, 1, 3, 50, 25), strict=True)
} | {"toy_together": Handler(apply, 10, apply_together)}


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


def work(step: str, nth: int, lease: float) -> None:
    """Drain again and again, as a worker that is woken does, whatever happens to the database."""
    global _deadly
    _deadly = (step, nth)
    while True:
        try:
            drain(HANDLERS, lease_seconds=lease, fault=fault)
        except (AtalaiaError, psycopg.Error):
            time.sleep(_REST_SECONDS)  # the database is away
        time.sleep(_REST_SECONDS)


def work_once(lease: float, told: str) -> None:
    """Drain until nothing is due, and write what that was."""
    drained = drain({"toy_alone": HANDLERS["toy_alone"]}, lease_seconds=lease)
    Path(told).write_text(json.dumps(asdict(drained)), encoding="utf-8")


def main(step: str, nth: int, lease: float) -> None:
    """Drain as a process of its own."""
    global _deadly
    _deadly = (step, nth)
    print(json.dumps(asdict(drain(HANDLERS, lease_seconds=lease, fault=fault))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
