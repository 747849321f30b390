"""Durable work beside a bare queue table: items drained and accepted per second, one process.

The limit is a loop over the same table that claims one item a commit with SKIP LOCKED and marks it
done, with nothing of what makes ours durable (lease, fence, group, attempts). RQ alone, which keeps
nothing in PostgreSQL, stands beside. fsync and synchronous_commit are on.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from atalaia.kernel.base.database import Connection, connect, transaction
from atalaia.kernel.work.drain import Handler, drain
from atalaia.kernel.work.items import Item, accept
from rig import Line, private_database, report, side_by_side

N, SINGLE, RQ_JOBS = 5_000, 1_500, 500
KIND = "bench"


def nothing(*_: Any) -> None:
    """The work itself."""


def fill(count: int) -> None:
    """A batch of that many items, and nothing else."""
    with transaction() as connection:
        connection.execute("TRUNCATE ops.batches CASCADE")
        accept(connection, KIND, [{"n": n} for n in range(count)], actor="b", trigger="python")


def ours() -> float:
    """Items a second through `drain`."""
    fill(N)
    began = time.perf_counter()
    drained = drain({KIND: Handler(_act)})
    assert drained.done == N, drained
    return N / (time.perf_counter() - began)


def _act(item: Item, connection: Connection) -> None:
    with item.effect(connection):
        nothing()


def bare() -> float:
    """Items a second, one claimed and done per commit."""
    with connect() as connection:
        connection.execute(
            "DROP TABLE IF EXISTS bare; CREATE TABLE bare (id bigint PRIMARY KEY, "
            "payload jsonb NOT NULL, done boolean NOT NULL DEFAULT false); "
            "CREATE INDEX ON bare (id) WHERE NOT done; "
            f"INSERT INTO bare SELECT n, jsonb_build_object('n', n) FROM generate_series(1, {N}) n"
        )
        connection.commit()
        began = time.perf_counter()
        count = 0
        while True:
            row = connection.execute(
                "SELECT id, payload FROM bare WHERE NOT done ORDER BY id LIMIT 1 "
                "FOR UPDATE SKIP LOCKED"
            ).fetchone()
            if row is None:
                break
            nothing(row["payload"])
            connection.execute("UPDATE bare SET done = true WHERE id = %s", (row["id"],))
            connection.commit()
            count += 1
    assert count == N
    return N / (time.perf_counter() - began)


def accept_single() -> float:
    """Batches of one item accepted a second, one per commit, each with its key."""

    def one(connection: Connection, n: int) -> None:
        accept(connection, KIND, [{"n": n}], actor="b", trigger="python", key=f"{time.time()} {n}")

    return _committed(one)


def insert_single() -> float:
    """Bare rows inserted a second, one per commit."""
    with transaction() as connection:
        connection.execute(
            "DROP TABLE IF EXISTS bare_in; CREATE TABLE bare_in (id bigint GENERATED ALWAYS AS "
            "IDENTITY PRIMARY KEY, key text UNIQUE, payload jsonb NOT NULL)"
        )

    def one(connection: Connection, n: int) -> None:
        connection.execute(
            "INSERT INTO bare_in (key, payload) VALUES (%s, %s)", (f"{n}", f'{{"n": {n}}}')
        )

    return _committed(one)


def _committed(act: Callable[[Connection, int], None]) -> float:
    with connect() as connection:
        began = time.perf_counter()
        for n in range(SINGLE):
            act(connection, n)
            connection.commit()
        return SINGLE / (time.perf_counter() - began)


def rq_alone(url: str) -> float:
    """Jobs a second through RQ's own worker without forking."""
    connection = Redis.from_url(url)
    queue = Queue("bench", connection=connection, serializer=JSONSerializer)
    for n in range(RQ_JOBS):
        queue.enqueue(max, n, 0, result_ttl=0)
    began = time.perf_counter()
    SimpleWorker([queue], connection=connection, serializer=JSONSerializer).work(
        burst=True, logging_level="ERROR"
    )
    return RQ_JOBS / (time.perf_counter() - began)


def main() -> bool:
    """Measure and report."""
    from atalaia.serve.local.redis import PrivateRedis

    with private_database() as (_url, folder):
        server = PrivateRedis(folder / "redis")
        server.start()
        try:
            rq = rq_alone(server.url())
        finally:
            server.stop()
        drained = side_by_side(ours, bare)
        accepted = side_by_side(accept_single, insert_single)
    lines = [
        Line(name, a, b, "per s", a / b, 0.8, at_most=False)
        for name, (a, b) in (
            ("durable items / bare SKIP LOCKED, one per commit", drained),
            ("accepting one item / bare insert", accepted),
        )
    ]
    return report("durable", lines, {"RQ alone, no PostgreSQL": f"{rq:.0f} jobs/s"})


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
