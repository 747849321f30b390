"""A worker's loop: claim a group of due items, do each, until nothing is due.

While it works, a thread keeps its lease in `ops.workers`. When the process dies the lease runs
out and `reconcile` gives back what it had in hand; when it was only asleep, the fence refuses
whatever it still wants to write.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg

from atalaia.kernel.base.database import Connection, statements
from atalaia.kernel.base.errors import AtalaiaError, LeaseLost, NoSpace, SourceError
from atalaia.kernel.base.redact import place_of, redact
from atalaia.kernel.base.telemetry import span
from atalaia.kernel.base.trace import log, trace
from atalaia.kernel.work.items import ErrorType, Item, claim, give_back, release

LEASE_SECONDS = 30.0
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 300.0  # seconds between attempts, doubling

Fault = Callable[[str], None]  # told the name of each step; tests kill the process in it


@dataclass(frozen=True, slots=True)
class Handler:
    """How items of one kind are done. `act` gets the item and a connection in autocommit; what it
    writes with `item.effect(connection)` counts once. It may be called again for the same item.

    `group` items are claimed at once, with one commit for all of them: 1 where each takes long.

    `act_together`, where items are many and small, does a whole group with `items.together`. Those
    it gives no result, or all of them when it fails, are then done one by one by `act`: one that
    cannot be done costs nobody else anything."""

    act: Callable[[Item, Connection], Any]
    group: int = 50
    act_together: Callable[[Sequence[Item], Connection], None] | None = None


@dataclass(slots=True)
class Drained:
    """What one drain did."""

    done: int = 0
    failed: int = 0  # attempts, not items
    lost: int = 0  # items somebody else had taken meanwhile
    more: bool = False  # it stopped by its time or by order, not because nothing was due


def drain(
    handlers: Mapping[str, Handler],
    *,
    seconds: float = 300.0,
    lease_seconds: float = LEASE_SECONDS,
    stopped: Callable[[], bool] = lambda: False,
    crowded: Callable[[], object] = lambda: None,
    fault: Fault = lambda _step: None,
) -> Drained:
    """Do what is due, kind by kind in turn, for about `seconds` at most or until `stopped`.
    `crowded` is called when a whole group was due: others may help. Raises DatabaseUnavailable."""
    result, until = Drained(), time.monotonic() + seconds

    def enough() -> bool:
        result.more = stopped() or time.monotonic() >= until
        return result.more

    with leased(lease_seconds) as worker_id, statements() as connection:
        found = True
        while found:
            found = False
            for kind, handler in handlers.items():
                if enough():
                    return result
                fault("before claim")
                items = claim(connection, kind, worker_id, handler.group)
                if not items:
                    continue
                found = True
                if len(items) == handler.group:
                    crowded()
                fault("after claim")
                items = _do_together(items, handler, connection, result, fault)
                while items and not enough():
                    _do(items.pop(0), handler, connection, result, fault)
                if items:
                    release(connection, items)
    return result


def _do_together(
    items: list[Item], handler: Handler, connection: Connection, result: Drained, fault: Fault
) -> list[Item]:
    """Do a group at once where its kind can; returns those that are left to be done one by one."""
    if handler.act_together is None or len(items) == 1:
        return items
    try:
        handler.act_together(items, connection)
    except Exception as error:
        if connection.broken:
            raise
        log("WARNING", "a group is done one by one", kind=items[0].kind, why=place_of(error))
    fault("after done")
    left = [item for item in items if not item.settled]
    result.done += len(items) - len(left)
    return left


def _do(
    item: Item, handler: Handler, connection: Connection, result: Drained, fault: Fault
) -> None:
    told: dict[str, Any] = {"atalaia__item_id": item.item_id, "atalaia__attempt": item.attempt}
    with trace(item.trace_id), span(f"item {item.kind}", "consumer", **told) as piece:
        try:
            answer = handler.act(item, connection)
            fault("after effect")
            if not item.settled:
                with item.effect(connection, answer):
                    fault("before done")
            fault("after done")
            result.done += 1
        except LeaseLost:
            result.lost += 1
            log("WARNING", "an item was taken over by another worker", item=item.item_id)
        except Exception as error:  # whatever it was, the item must not be lost
            piece.failed(error)
            if connection.broken or item.settled:
                raise
            _fail(item, connection, error, result)


def _fail(item: Item, connection: Connection, error: Exception, result: Drained) -> None:
    error_type = kind_of(error)
    kept = give_back(connection, item, _told(error), error_type, wait_after(item.attempt, error))
    result.failed += kept
    result.lost += not kept
    log(
        "ERROR",
        "a work item failed",
        item=item.item_id,
        kind=item.kind,
        attempt=item.attempt,
        error=type(error).__name__,
        error_type=error_type,
    )


def kind_of(error: Exception) -> ErrorType:
    """Why an attempt failed, as dead letters name it. What is not known may pass."""
    if isinstance(error, SourceError) and error.status == 429:
        return "rate_limited"
    if isinstance(error, MemoryError | NoSpace | psycopg.errors.DiskFull):
        return "resource"
    if isinstance(error, AtalaiaError) and not error.retryable:
        return "permanent"
    return "transient"


def wait_after(attempt: int, error: Exception) -> float:
    """Seconds until the next attempt: what the source asked for, else 1 s doubling to 5 minutes,
    with jitter so that a group that failed together does not come back together."""
    asked = error.retry_after if isinstance(error, SourceError) else None
    if asked is not None:
        return float(asked)
    spread = random.uniform(0.8, 1.2)  # noqa: S311  no secret
    return float(min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_WAIT) * spread)


def _told(error: Exception) -> str:
    """What an item may keep of an error: our own words, else only its class (it may quote data)."""
    return redact(str(error)) if isinstance(error, AtalaiaError) else type(error).__name__


@contextmanager
def leased(seconds: float, what: str = "") -> Iterator[UUID]:
    """A worker id whose lease is kept while the block runs, and ended with it. `what` says what it
    is in its name, when it is no worker that claims items."""
    worker_id, stopping = uuid4(), threading.Event()
    with statements() as connection:
        connection.execute(
            """INSERT INTO ops.workers (worker_id, name, leased_until)
               VALUES (%s, %s, clock_timestamp() + make_interval(secs => %s))""",
            (worker_id, f"{socket.gethostname()}-{os.getpid()} {what}".strip(), seconds),
        )
        keeper = threading.Thread(
            target=_keep, args=(connection, worker_id, seconds, stopping), daemon=True
        )
        keeper.start()
        try:
            yield worker_id
        finally:
            stopping.set()
            keeper.join()
            with suppress(psycopg.OperationalError):  # then the lease runs out by itself
                connection.execute(
                    """UPDATE ops.workers
                       SET ended_at = clock_timestamp(), leased_until = clock_timestamp()
                       WHERE worker_id = %s""",
                    (worker_id,),
                )


def _keep(
    connection: Connection, worker_id: UUID, seconds: float, stopping: threading.Event
) -> None:
    """Renew the lease three times in its length. One that ran out is not revived: what it stood
    for may be in other hands."""
    while not stopping.wait(seconds / 3):
        try:
            connection.execute(
                """UPDATE ops.workers
                   SET leased_until = clock_timestamp() + make_interval(secs => %s)
                   WHERE worker_id = %s AND leased_until > clock_timestamp()""",
                (seconds, worker_id),
            )
        except psycopg.OperationalError as error:
            log("ERROR", "cannot keep the lease", why=type(error).__name__)
            return
