"""The runner: a job's body inside wrappers, in this order, outermost first:

    traced → locked → recorded → cancellable → retried → body

so the lock is held before the ledger has a row, the row sees every outcome, a cancelled or
timed-out run is still recorded, and only what may succeed the next time is tried again.
"""

from __future__ import annotations

import errno
import getpass
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import psycopg

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.database import Connection, statements
from atalaia.kernel.base.errors import (
    AlreadyRunning,
    AtalaiaError,
    Cancelled,
    NoSpace,
    SourceError,
    TimedOut,
    UsageError,
)
from atalaia.kernel.base.redact import place_of, redact
from atalaia.kernel.base.telemetry import span
from atalaia.kernel.base.trace import log, trace
from atalaia.kernel.keep.audit import DEFAULT_TENANT
from atalaia.kernel.work.job import Job, Run, checked_period
from atalaia.kernel.work.ledger import close_run, open_run, watching_for_cancel
from atalaia.kernel.work.progress import Progress, silent
from atalaia.kernel.work.retry import attempted, ground_may_recover

Body = Callable[[Run], None]
Wrapper = Callable[[Body], Body]


def run_job(
    job: Job,
    *,
    reference_period: str,
    force: bool = False,
    dry_run: bool = False,
    max_retries: int = 3,
    timeout_seconds: float = 300,
    actor: str = "",
    trigger: str = "python",
    reason: str | None = None,
    tenant_id: str = DEFAULT_TENANT,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Run `job` for one period and return the run's columns plus bronze, checks and warnings.

    A source that is away ends the run as `blocked`, not as an exception. A dry run writes nothing
    anywhere, reads no source, and adds `plan`. Raises UsageError for a bad period,
    DatabaseUnavailable and AlreadyRunning; every other failure is in the returned `run_status`.
    """
    if max_retries < 1 or timeout_seconds <= 0:
        raise UsageError("max_retries deve ser pelo menos 1, e timeout_seconds mais que 0.")
    with trace() as trace_id:
        run = Run(
            job=job,
            reference_period=checked_period(reference_period, job.period_kind),
            force=force,
            deadline=Deadline(timeout_seconds),
            max_retries=max_retries,
            actor=actor or whoami(),
            trigger=trigger,
            reason=reason and redact(reason),
            trace_id=trace_id,
            tenant_id=tenant_id,
            progress=progress,
        )
        if dry_run:
            return {
                **as_dict(run),
                "run_status": "dry_run",
                "status": "dry_run",
                "plan": job.plan(run),
            }
        with span(
            f"run {job.name}",
            atalaia__run_id=run.run_id,
            atalaia__reference_period=run.reference_period,
        ) as piece:
            compose([locked, recorded, cancellable, retried], job.body)(run)
            piece.note(atalaia__run_status=run.status, atalaia__rows_loaded=run.counts.loaded)
        return as_dict(run)


class RunFunction(Protocol):
    """How a job is called in Python."""

    def __call__(
        self,
        *,
        reference_period: str,
        force: bool = False,
        dry_run: bool = False,
        max_retries: int = 3,
        timeout_seconds: int = 300,
    ) -> dict[str, Any]: ...


def as_function(job: Job) -> RunFunction:
    """`run` of a job's module: run_job with the arguments the runbook names, and no others."""

    def run(
        *,
        reference_period: str,
        force: bool = False,
        dry_run: bool = False,
        max_retries: int = 3,
        timeout_seconds: int = 300,
    ) -> dict[str, Any]:
        return run_job(
            job,
            reference_period=reference_period,
            force=force,
            dry_run=dry_run,
            max_retries=max_retries,
            timeout_seconds=timeout_seconds,
        )

    run.__doc__ = f"Run the job {job.name} for one period. See `run_job`."
    run.__annotations__ = {  # as the runbook prints them; types, not their names
        "reference_period": str,
        "force": bool,
        "dry_run": bool,
        "max_retries": int,
        "timeout_seconds": int,
        "return": dict,
    }
    return run


def compose(wrappers: list[Wrapper], body: Body) -> Body:
    """`body` inside `wrappers`, the first outermost."""
    for wrapper in reversed(wrappers):
        body = wrapper(body)
    return body


def locked(body: Body) -> Body:
    """Hold the job's advisory lock, which PostgreSQL lets go of even when this process dies."""

    def wrapped(run: Run) -> None:
        key = (f"{run.job.name}:{run.reference_period}",)
        with statements() as connection:
            got = connection.execute(
                "SELECT pg_try_advisory_lock(hashtextextended(%s, 0)) AS got", key
            ).fetchone()
            if not got or not got["got"]:
                raise AlreadyRunning(
                    f"{run.job.name} de {run.reference_period} já está rodando.",
                    todo="'atalaia runs' a mostra; espere, ou use 'atalaia cancel'.",
                )
            try:
                body(run)
            finally:
                _unlock(connection, key)

    return wrapped


def _unlock(connection: Connection, key: tuple[str]) -> None:
    """Closing the connection would unlock too, but a moment later: the next run might not wait."""
    with suppress(psycopg.OperationalError):
        connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", key)


def recorded(body: Body) -> Body:
    """Open the run in the ledger and close it with whatever happened."""

    def wrapped(run: Run) -> None:
        open_run(run)
        log("INFO", "run started", run_id=run.run_id, job=run.job.name, period=run.reference_period)
        try:
            body(run)
            _refuse_unbalanced(run)
            run.status = "success"
        except Exception as error:
            _conclude(run, error)
        except BaseException:
            run.status, run.error = "cancelled", "interrupted"
            close_run(run)
            raise
        close_run(run)
        log(
            "INFO" if run.status == "success" else "ERROR",
            f"run ended {run.status}",
            run_id=run.run_id,
            job=run.job.name,
            error=run.error,
        )

    return wrapped


def cancellable(body: Body) -> Body:
    """Let checkpoints see a request to cancel."""

    def wrapped(run: Run) -> None:
        with watching_for_cancel(run):
            body(run)

    return wrapped


def retried(body: Body) -> Body:
    """Try the body again when the ground it stands on was away for a moment."""

    def wrapped(run: Run) -> None:
        def once(attempt: int) -> None:
            run.begin_attempt(attempt)
            body(run)

        attempted(run, ground_may_recover, once)

    return wrapped


def _refuse_unbalanced(run: Run) -> None:
    if not run.counts.balance:
        counts = run.counts
        raise AtalaiaError(
            f"As linhas não fecham: {counts.read} lidas, {counts.loaded} carregadas, "
            f"{counts.rejected} rejeitadas, {counts.duplicate} repetidas. O bruto está guardado.",
            todo="É um defeito do conector: não confie nas linhas desta execução.",
        )


def _conclude(run: Run, error: Exception) -> None:
    run.error, run.failure = redact(str(error)), error
    if isinstance(error, Cancelled):
        run.status = "cancelled"
    elif isinstance(error, SourceError):
        run.status, run.verdict = "blocked", error.verdict
    elif isinstance(error, TimedOut):
        run.status, run.verdict = "failed", error.verdict
    elif isinstance(error, AtalaiaError):
        run.status, run.verdict = "failed", "we_failed"
    else:
        run.status, run.verdict = "failed", "we_failed"
        run.error = str(_named(error))
        log("ERROR", "run failed", run_id=run.run_id, error_type=type(error).__name__)


def _named(error: Exception) -> AtalaiaError:
    """What an error of the ground means in our words."""
    if isinstance(error, psycopg.errors.DiskFull) or getattr(error, "errno", None) == 28:
        return NoSpace()
    if isinstance(error, psycopg.errors.QueryCanceled):
        return TimedOut()
    if isinstance(error, OSError) and error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return AtalaiaError(
            f"{error.filename or 'Uma pasta de dados'} não pode ser escrito. Nada foi carregado.",
            todo="Dê permissão de escrita a quem roda o Atalaia e rode de novo.",
        )
    return AtalaiaError(f"Um defeito nosso interrompeu a execução ({place_of(error)}).")


def whoami() -> str:
    """Who acts when nobody is named: ATALAIA_ACTOR, else the user of the system."""
    return os.environ.get("ATALAIA_ACTOR") or getpass.getuser()


def as_dict(run: Run) -> dict[str, Any]:
    """The run as `run()` returns it: JSON-ready, the ledger's columns and what was found."""
    counts = run.counts
    return {
        "run_id": str(run.run_id),
        "job_name": run.job.name,
        "domain": run.job.domain,
        "reference_period": run.reference_period,
        "run_status": run.status,
        "status": run.status,
        "source_type": run.source_type,
        "verdict": run.verdict,
        "rows_read": counts.read,
        "rows_loaded": counts.loaded,
        "rows_rejected": counts.rejected,
        "rows_duplicate": counts.duplicate,
        "rows_inserted": counts.inserted,
        "rows_updated": counts.updated,
        "rows_unchanged": counts.unchanged,
        "rows_deleted": counts.deleted,
        "attempt": run.attempt,
        "started_at_utc": run.started_at.isoformat(),
        "finished_at_utc": run.finished_at.isoformat() if run.finished_at else None,
        "actor": run.actor,
        "trigger": run.trigger,
        "reason": run.reason,
        "trace_id": run.trace_id,
        "error": run.error,
        "bronze": run.bronze,
        "checks": run.checks,
        "warnings": run.warnings,
        "steps": run.steps,
    }
