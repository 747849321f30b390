"""The ledger: one row of `ops.pipeline_runs` per run, opened before work and closed after it.

Each change of a run's state is one record of the audit log, committed with it or not at all."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection, statements, transaction
from atalaia.kernel.base.errors import Cancelled
from atalaia.kernel.keep import audit
from atalaia.kernel.work.job import Run

_CANCEL_POLL_SECONDS = 1.0
_STREAM = "runs"
_DIED = "o processo que a rodava terminou sem fechá-la"


def open_run(run: Run) -> None:
    """Write the run as `running`. Call it while holding the job's lock: older rows still `running`
    whose lock is free, or is ours now, belong to processes that died and are closed as failed."""
    with transaction() as connection:
        dead = connection.execute(
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
                   finished_at_utc = greatest(clock_timestamp(), started_at_utc), error = %s
               WHERE run_id IN (SELECT run_id FROM dead)
               RETURNING run_id""",
            (run.job.name, run.reference_period, _DIED),
        ).fetchall()
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
                   trigger, reason, trace_id, started_at_utc, tenant_id)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
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
                run.tenant_id,
            ),
        )
        run.job.noted(connection, run)
        for row in dead:
            ended = {"status": "failed", "verdict": "we_failed"}
            _record(connection, run, "run.closed", str(row["run_id"]), _DIED, ended)
        asked = {
            "job": run.job.name,
            "domain": run.job.domain,
            "reference_period": run.reference_period,
            "force": run.force,
        }
        _record(connection, run, "run.opened", str(run.run_id), run.reason, asked)


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
                   finished_at_utc = greatest(clock_timestamp(), started_at_utc), error = %s,
                   steps = %s, details = %s
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
        if closed:
            run.job.noted(connection, run)
            ended = {
                "status": run.status,
                "verdict": run.verdict,
                "source_type": run.source_type,
                "attempt": run.attempt,
                "rows": asdict(run.counts),
            }
            _record(connection, run, "run.closed", str(run.run_id), run.reason, ended)
    run.finished_at = closed["finished_at_utc"] if closed else None


def _record(
    connection: Connection,
    run: Run,
    action: str,
    subject: str,
    reason: str | None,
    details: dict[str, Any],
) -> None:
    """One record of what `run` did to the run `subject`."""
    audit.append(
        connection,
        stream=_STREAM,
        action=action,
        actor=run.actor,
        trigger=run.trigger,
        subject=subject,
        reason=reason,
        tenant_id=run.tenant_id,
        details=details,
    )


def request_cancel(
    run_id: str, actor: str, *, reason: str | None = None, trigger: str = "python"
) -> bool:
    """Ask a running run to stop; False when it is not running. It stops at its next checkpoint."""
    told = f"{actor}: {reason}" if reason else actor
    with transaction() as connection:
        asked = connection.execute(
            """UPDATE ops.pipeline_runs SET cancel_requested_at = clock_timestamp(), reason = %s
               WHERE run_id = %s AND run_status = 'running'""",
            (f"cancelled by {told}", run_id),
        ).rowcount
        if asked:
            audit.append(
                connection,
                stream=_STREAM,
                action="run.cancel_requested",
                actor=actor,
                trigger=trigger,
                subject=run_id,
                reason=reason,
            )
    return asked == 1


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

    with statements() as connection:
        run.cancelled = look
        yield
