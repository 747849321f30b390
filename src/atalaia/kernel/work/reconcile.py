"""Reconcile: give back what dead workers had in hand, and say whether anything is due.

It keeps nothing in memory and may run in any number of processes at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from atalaia.kernel.base.database import transaction
from atalaia.kernel.work.items import bury

_WORKERS_KEPT = "7 days"  # how long the rows of workers that ended are kept


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What was found: items given back, items that died with their last attempt, kinds that have
    items waiting and due."""

    given_back: int
    dead: int
    due: tuple[str, ...]


def reconcile() -> Reconciled:
    """Items whose worker's lease ran out are due again at once, alone, or dead when that was their
    last attempt. Raises DatabaseUnavailable."""
    with transaction() as connection:
        rows = connection.execute(
            """WITH lost AS MATERIALIZED (
                   SELECT i.item_id, i.batch_id
                   FROM ops.work_items i JOIN ops.workers w USING (worker_id)
                   WHERE i.status = 'running' AND w.leased_until <= clock_timestamp()
                   FOR UPDATE OF i SKIP LOCKED),
               fate AS MATERIALIZED (  -- locked, as in items.give_back
                   SELECT batch_id, cancelled_at IS NOT NULL AS called_off
                   FROM ops.batches WHERE batch_id IN (SELECT batch_id FROM lost)
                   FOR KEY SHARE)
               UPDATE ops.work_items i
               SET status = CASE WHEN called_off THEN 'cancelled'
                                 WHEN attempt < max_attempts THEN 'queued' ELSE 'dead' END
                            ::ops.work_status,
                   finished_at = CASE WHEN called_off OR attempt >= max_attempts
                                      THEN clock_timestamp() END,
                   worker_id = NULL, alone = true, due_at = clock_timestamp(),
                   error = 'o processo que o fazia terminou no meio'
               FROM lost JOIN fate USING (batch_id) WHERE i.item_id = lost.item_id
               RETURNING i.item_id, i.status"""
        ).fetchall()
        dead = [row["item_id"] for row in rows if row["status"] == "dead"]
        if dead:
            bury(connection, dead, "resource")
        connection.execute(
            """DELETE FROM ops.workers w
               WHERE leased_until < clock_timestamp() - %s::interval
                 AND NOT EXISTS (SELECT FROM ops.work_items i WHERE i.worker_id = w.worker_id)""",
            (_WORKERS_KEPT,),
        )
        due = connection.execute(
            """SELECT DISTINCT kind FROM ops.work_items
               WHERE status = 'queued' AND due_at <= clock_timestamp() ORDER BY kind"""
        ).fetchall()
    given_back = sum(row["status"] == "queued" for row in rows)
    return Reconciled(given_back, len(dead), tuple(row["kind"] for row in due))
