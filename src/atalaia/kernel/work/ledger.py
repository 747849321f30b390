"""The ledger: one row of `ops.pipeline_runs` per run, opened before work and closed after it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import psycopg
from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.errors import Cancelled
from atalaia.kernel.work.job import Run

_CANCEL_POLL_SECONDS = 1.0


def open_run(run: Run) -> None:
    """Write the run as `running`. Call it while holding the job's lock: older rows still `running`
    whose lock is free, or is ours now, belong to processes that died and are closed as failed."""
    with transaction() as connection:
        connection.execute(
            """WITH running AS MATERIALIZED (
                   SELECT run_id, job_name, reference_period FROM ops.pipeline_runs
                   WHERE run_status = 'running'),
               dead AS MATERIALIZED (
                   SELECT run_id FROM running
                   WHERE (job_name, reference_period) = (%s, %s)
                      OR pg_try_advisory_xact_lock(
                             hashtextextended(job_name || ':' || reference_period, 0)))
               UPDATE ops.pipeline_runs
               SET run_status = 'failed', verdict = 'we_failed',
                   finished_at_utc = clock_timestamp(),
                   error = 'o processo que a rodava terminou sem fechá-la'
               WHERE run_id IN (SELECT run_id FROM dead)""",
            (run.job.name, run.reference_period),
        )
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
                   trigger, reason, trace_id, started_at_utc)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            (
                run.run_id,
                run.job.name,
                run.job.domain,
                run.reference_period,
                run.actor,
                run.trigger,
                run.reason,
                run.trace_id,
                run.started_at,
            ),
        )


def close_run(run: Run) -> None:
    """Write how the run ended, once: a row that is no longer `running` is left as it is."""
    details = {
        "bronze": run.bronze,
        "warnings": run.warnings,
        "rows": {
            k: v
            for k, v in asdict(run.counts).items()
            if k in ("inserted", "updated", "unchanged", "deleted")
        },
    }
    with transaction() as connection:
        closed = connection.execute(
            """UPDATE ops.pipeline_runs
               SET run_status = %s, source_type = %s, verdict = %s, rows_read = %s,
                   rows_loaded = %s, rows_rejected = %s, rows_duplicate = %s, attempt = %s,
                   finished_at_utc = clock_timestamp(), error = %s, steps = %s, details = %s
               WHERE run_id = %s AND run_status = 'running'
               RETURNING finished_at_utc""",
            (
                run.status,
                run.source_type,
                run.verdict,
                run.counts.read,
                run.counts.loaded,
                run.counts.rejected,
                run.counts.duplicate,
                run.attempt,
                run.error,
                Jsonb(run.steps),
                Jsonb(details, dumps=lambda o: json.dumps(o, default=str)),
                run.run_id,
            ),
        ).fetchone()
    run.finished_at = closed["finished_at_utc"] if closed else None


def request_cancel(run_id: str, actor: str) -> bool:
    """Ask a running run to stop; False when it is not running. It stops at its next checkpoint."""
    with transaction() as connection:
        return (
            connection.execute(
                """UPDATE ops.pipeline_runs SET cancel_requested_at = clock_timestamp(), reason = %s
               WHERE run_id = %s AND run_status = 'running'""",
                (f"cancelled by {actor}", run_id),
            ).rowcount
            == 1
        )


@contextmanager
def watching_for_cancel(run: Run) -> Iterator[None]:
    """Make the run's checkpoints raise Cancelled once someone asked this run to stop.

    They look at the ledger at most once a second, on a connection of their own."""
    last = time.monotonic()

    def look() -> None:
        nonlocal last
        if time.monotonic() - last < _CANCEL_POLL_SECONDS:
            return
        last = time.monotonic()
        try:
            found = connection.execute(
                "SELECT cancel_requested_at FROM ops.pipeline_runs WHERE run_id = %s", (run.run_id,)
            ).fetchone()
        except psycopg.OperationalError:
            return  # the load itself will meet the same outage and say so
        if found and found["cancel_requested_at"]:
            raise Cancelled("Cancelada a pedido. O que veio está guardado no bronze.")

    with connect(autocommit=True) as connection:
        run.cancelled = look
        yield
