"""Work items: accepted with their cause, claimed in groups, settled once.

    accept → queued → claim → running → settle → done
                        ↑        └─ it failed, or its worker died ─→ queued again, or dead

An item's effect and its `done` are one transaction (`Item.effect`; `together` for many small ones),
which the fence decides: it goes up with every claim, so a worker that was taken for dead and comes
back changes nothing.
What an item does outside the database must therefore bear being done twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import Conflict, LeaseLost
from atalaia.kernel.base.redact import redact
from atalaia.kernel.base.trace import new_trace_id, trace_id
from atalaia.kernel.keep.audit import DEFAULT_TENANT

ErrorType = Literal["transient", "rate_limited", "resource", "permanent"]
MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Accepted:
    """The batch that was accepted; `again` when the same request had been accepted before."""

    batch_id: UUID
    again: bool = False


@dataclass(frozen=True, slots=True)
class Lines:
    """Many payloads that need not be in memory: `each` gives them as JSON texts, `total` of them,
    and by `sha256` the same request is known again."""

    each: Iterable[str]
    total: int
    sha256: bytes


@dataclass(slots=True)
class Item:
    """An item in a worker's hand."""

    item_id: int
    batch_id: UUID
    tenant_id: str
    position: int
    kind: str
    payload: Any
    attempt: int
    max_attempts: int
    fence: int
    actor: str
    trigger: str
    reason: str | None
    trace_id: str
    settled: bool = field(default=False, init=False)

    @contextmanager
    def effect(self, connection: Connection, result: Any = None) -> Iterator[Connection]:
        """What is written inside is committed together with the item being done, or not at all.

        Raises LeaseLost, and undoes what was written, when the item is no longer this worker's."""
        with connection.transaction():
            yield connection
            done = connection.execute(
                """UPDATE ops.work_items
                   SET status = 'done', finished_at = clock_timestamp(), worker_id = NULL,
                       result = %s, error = NULL
                   WHERE item_id = %s AND fence = %s AND status = 'running'""",
                (None if result is None else Jsonb(result), self.item_id, self.fence),
            )
            if done.rowcount != 1:
                raise LeaseLost
        self.settled = True


_BATCH = """
    INSERT INTO ops.batches (tenant_id, kind, idempotency_key, request_sha256, total,
                             actor, trigger, reason, trace_id)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (tenant_id, kind, idempotency_key) WHERE idempotency_key IS NOT NULL
    DO NOTHING RETURNING batch_id"""
_ITEMS = "INSERT INTO ops.work_items (batch_id, position, kind, payload, max_attempts)"
# Two texts of ours put together; every value is a parameter.
_ONE = f"""
    WITH batch AS ({_BATCH})
    {_ITEMS} SELECT batch_id, 0, %s, %s::jsonb, %s FROM batch RETURNING batch_id"""  # noqa: S608
_MANY = f"""
    WITH batch AS ({_BATCH}),
    items AS ({_ITEMS} SELECT batch_id, position - 1, %s, payload, %s FROM batch,
        jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS asked (payload, position))
    SELECT batch_id FROM batch"""  # noqa: S608


def accept(
    connection: Connection,
    kind: str,
    payloads: Sequence[Any],
    *,
    tenant_id: str = DEFAULT_TENANT,
    actor: str,
    trigger: str,
    reason: str | None = None,
    key: str | None = None,
    max_attempts: int = MAX_ATTEMPTS,
) -> Accepted:
    """Write a batch with one item per payload, inside the caller's transaction.

    The same `key` of a tenant and kind is the same batch; raises Conflict when it comes with other
    payloads. A batch is not woken for until the transaction is committed: see `bell`.
    """
    if not payloads:
        raise ValueError("a batch has at least one item")
    asked = json.dumps(payloads, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    sha256 = hashlib.sha256(asked.encode()).digest()
    batch = (tenant_id, kind, key, sha256, len(payloads), actor, trigger, reason and redact(reason),
             trace_id() or new_trace_id())  # fmt: skip
    if len(payloads) == 1:  # most are: there is no list to unpack
        items = (kind, asked[1:-1], max_attempts)
        row = connection.execute(_ONE, (*batch, *items)).fetchone()
    else:
        row = connection.execute(_MANY, (*batch, kind, max_attempts, asked)).fetchone()
    if row:
        return Accepted(row["batch_id"])
    return _accepted_before(connection, tenant_id, kind, key, sha256)


def accept_lines(
    connection: Connection,
    kind: str,
    lines: Lines,
    *,
    tenant_id: str = DEFAULT_TENANT,
    actor: str,
    trigger: str,
    reason: str | None = None,
    key: str | None = None,
    max_attempts: int = MAX_ATTEMPTS,
) -> Accepted:
    """`accept` for a batch too large for memory."""
    row = connection.execute(
        _BATCH,
        (tenant_id, kind, key, lines.sha256, lines.total, actor, trigger, reason,
         trace_id() or new_trace_id()),
    ).fetchone()  # fmt: skip
    if row is None:
        return _accepted_before(connection, tenant_id, kind, key, lines.sha256)
    columns = "batch_id, position, kind, payload, max_attempts"
    with connection.cursor().copy(f"COPY ops.work_items ({columns}) FROM STDIN") as copy:
        for position, payload in enumerate(lines.each):
            copy.write_row((row["batch_id"], position, kind, payload, max_attempts))
    return Accepted(row["batch_id"])


def _accepted_before(
    connection: Connection, tenant_id: str, kind: str, key: str | None, sha256: bytes
) -> Accepted:
    row = connection.execute(
        """SELECT batch_id, request_sha256 FROM ops.batches
           WHERE tenant_id = %s AND kind = %s AND idempotency_key = %s""",
        (tenant_id, kind, key),
    ).fetchone()
    if row is None or row["request_sha256"] != sha256:
        raise Conflict(
            "Essa chave de idempotência já foi usada para outro pedido. Nada foi aceito agora.",
            todo="Repita o pedido igual, ou use uma chave nova.",
        )
    return Accepted(row["batch_id"], again=True)


def claim(connection: Connection, kind: str, worker_id: UUID, limit: int) -> list[Item]:
    """Take up to `limit` items of a kind that are due, oldest first; each counts as an attempt. A
    worker whose lease ran out gets none.

    An item whose worker died is taken alone, so that one that kills its worker cannot use up the
    attempts of the others."""
    rows = connection.execute(
        """WITH due AS MATERIALIZED (
               SELECT item_id, alone, row_number() OVER (ORDER BY due_at, item_id) AS place
               FROM (SELECT item_id, alone, due_at FROM ops.work_items
                     WHERE status = 'queued' AND kind = %(kind)s AND due_at <= clock_timestamp()
                       AND (SELECT leased_until > clock_timestamp() FROM ops.workers
                            WHERE worker_id = %(worker)s)
                     ORDER BY due_at, item_id LIMIT %(limit)s
                     FOR UPDATE SKIP LOCKED) AS found),
           taken AS (
               SELECT item_id FROM due
               WHERE place = 1
                  OR place < ALL (SELECT place FROM due WHERE alone))
           UPDATE ops.work_items AS item
           SET status = 'running', attempt = attempt + 1, fence = fence + 1, worker_id = %(worker)s
           FROM taken, ops.batches AS batch
           WHERE item.item_id = taken.item_id AND batch.batch_id = item.batch_id
           RETURNING item.item_id, item.batch_id, batch.tenant_id, item.position, item.kind,
                     item.payload, item.attempt, item.max_attempts, item.fence, batch.actor,
                     batch.trigger, batch.reason, batch.trace_id""",
        {"kind": kind, "limit": limit, "worker": worker_id},
    ).fetchall()
    return sorted((Item(**row) for row in rows), key=lambda item: item.item_id)


def release(connection: Connection, items: Sequence[Item]) -> None:
    """Give back, untouched, what was claimed and not begun; no attempt is counted."""
    connection.execute(
        """WITH held AS MATERIALIZED (
               SELECT item_id, asked.fence, batch.cancelled_at IS NOT NULL AS called_off
               FROM unnest(%s::bigint[], %s::bigint[]) AS asked (item_id, fence)
               JOIN ops.work_items USING (item_id) JOIN ops.batches AS batch USING (batch_id)
               FOR KEY SHARE OF batch)
           UPDATE ops.work_items AS item
           SET status = CASE WHEN called_off THEN 'cancelled' ELSE 'queued' END::ops.work_status,
               finished_at = CASE WHEN called_off THEN clock_timestamp() END,
               worker_id = NULL, attempt = attempt - 1
           FROM held
           WHERE item.item_id = held.item_id AND item.fence = held.fence
             AND item.status = 'running'""",
        ([item.item_id for item in items], [item.fence for item in items]),
    )


@dataclass(slots=True)
class Together:
    """Items whose effects are committed at once: `items` are those still this worker's, which
    nobody takes meanwhile; those that get a result in `results`, by item_id, are done."""

    items: list[Item]
    results: dict[int, Any] = field(default_factory=dict)


@contextmanager
def together(connection: Connection, items: Sequence[Item]) -> Iterator[Together]:
    """`Item.effect` for many, in one transaction: what is written inside is committed together with
    every item that has a result being done, or none of it is."""
    with connection.transaction():
        found = connection.execute(
            """SELECT item.item_id FROM ops.work_items AS item
               JOIN unnest(%s::bigint[], %s::bigint[]) AS asked (item_id, fence)
                   USING (item_id, fence)
               WHERE item.status = 'running' ORDER BY item.item_id FOR UPDATE OF item""",
            ([item.item_id for item in items], [item.fence for item in items]),
        ).fetchall()
        kept = {row["item_id"] for row in found}
        group = Together([item for item in items if item.item_id in kept])
        yield group
        _all_done(connection, group.results)
    for item in group.items:
        item.settled = item.item_id in group.results


def _all_done(connection: Connection, results: Mapping[int, Any]) -> None:
    """Their rows are locked, so none of them was taken over."""
    texts = [None if one is None else json.dumps(one) for one in results.values()]
    connection.execute(
        """UPDATE ops.work_items AS item
           SET status = 'done', finished_at = clock_timestamp(), worker_id = NULL,
               result = asked.result::jsonb, error = NULL
           FROM unnest(%s::bigint[], %s::text[]) AS asked (item_id, result)
           WHERE item.item_id = asked.item_id""",
        (list(results), texts),
    )


def give_back(
    connection: Connection, item: Item, error: str, error_type: ErrorType, wait_seconds: float
) -> bool:
    """After a failed attempt: due again after `wait_seconds`, or dead when it cannot pass or was
    the last, or cancelled when its batch was called off. False when the item is no longer this
    worker's."""
    last = error_type == "permanent" or item.attempt >= item.max_attempts
    # The batch's row is locked: called off at this moment, its items are not put back in the queue.
    changed = connection.execute(
        """WITH fate AS MATERIALIZED (
               SELECT CASE WHEN cancelled_at IS NOT NULL THEN 'cancelled'
                           ELSE %(status)s END::ops.work_status AS status
               FROM ops.batches WHERE batch_id = %(batch)s FOR KEY SHARE)
           UPDATE ops.work_items AS item
           SET status = fate.status, worker_id = NULL, error = %(error)s,
               due_at = clock_timestamp() + make_interval(secs => %(wait)s),
               finished_at = CASE WHEN fate.status <> 'queued' THEN clock_timestamp() END
           FROM fate
           WHERE item_id = %(item)s AND fence = %(fence)s AND item.status = 'running'
           RETURNING item.status::text AS status""",
        {
            "status": "dead" if last else "queued",
            "error": error,
            "wait": wait_seconds,
            "item": item.item_id,
            "batch": item.batch_id,
            "fence": item.fence,
        },
    ).fetchone()
    if changed is None:
        return False
    if changed["status"] == "dead":
        bury(connection, [item.item_id], error_type)
    return True


def bury(connection: Connection, items: Sequence[int], error_type: ErrorType) -> None:
    """Write the dead letters of items that are dead."""
    connection.execute(
        """INSERT INTO ops.dead_letters
               (domain, entity_type, entity_id, error_type, reason, payload, item_id)
           SELECT split_part(i.kind, '.', 1), i.kind, b.batch_id || '/' || i.position, %s,
                  coalesce(i.error, ''), i.payload, i.item_id
           FROM ops.work_items i JOIN ops.batches b USING (batch_id)
           WHERE i.item_id = ANY(%s) AND i.status = 'dead'""",
        (error_type, list(items)),
    )
