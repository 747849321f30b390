"""The scheduler: asks PostgreSQL what is due and has a worker do it. It keeps nothing in memory,
so it may die and come back at any moment without anything being lost or done twice.

It also verifies what is new in the audit log and anchors it outside the database.

Due today: the jobs of DAILY whose newest run began more than a day ago, on the database's clock.
"""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import AtalaiaError, UnknownJob
from atalaia.kernel.base.settings import settings, state_dir
from atalaia.kernel.base.trace import configure, log
from atalaia.kernel.keep.anchor import has_key, seconds_since_written
from atalaia.kernel.keep.verify import anchor
from atalaia.kernel.work.job import Job
from atalaia.kernel.work.reconcile import reconcile
from atalaia.serve import catalog, worker

DAILY = ("quality_suite",)
_TICK_SECONDS = 5.0
_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def heartbeat_file() -> Path:
    """Its modification time is when the scheduler last went round."""
    return state_dir() / "run" / "scheduler.heartbeat"


def due(job_name: str) -> datetime | None:
    """Since when a daily job is due; None when it is not. One that never ran always was."""
    with transaction() as connection:
        found = connection.execute(
            """SELECT max(started_at_utc) + interval '1 day' AS due_at,
                      coalesce(max(started_at_utc) < clock_timestamp() - interval '1 day', true)
                          AS is_due
               FROM ops.pipeline_runs WHERE job_name = %s""",
            (job_name,),
        ).fetchone()
    assert found is not None  # noqa: S101  an aggregate gives its row
    return (found["due_at"] or _ALWAYS) if found["is_due"] else None


def tick() -> list[str]:
    """Go round once: give back what dead workers held, ask for every daily job that is due, wake
    a worker when anything waits. Returns the names asked for now."""
    found = reconcile()
    if found.given_back or found.dead:
        log("WARNING", "workers died", given_back=found.given_back, dead=found.dead)
    asked = _ask_for_daily()
    if found.due and not asked:
        worker.wake()
    return asked


def _ask_for_daily() -> list[str]:
    asked = []
    for name in DAILY:
        try:
            job = catalog.job(name)
        except UnknownJob:
            continue  # no domain brings it
        since = due(name)
        if since and _ask(job, since):
            asked.append(name)
    return asked


def _ask(job: Job, since: datetime) -> bool:
    """One request an hour at most for what is due since then, whoever else asks."""
    periods = job.default_periods() if job.default_periods else ()
    accepted = worker.request_run(
        job.name,
        key=f"{job.name} {since:%Y-%m-%dT%H:%M} {now():%Y-%m-%dT%H}",
        reference_period=periods[-1] if periods else f"{now():%Y}",
        actor="scheduler",
        trigger="schedule",
        reason="diário",
    )
    return not accepted.again


def _go_round() -> None:
    for name in tick():
        log("INFO", "asked for a daily run", job=name)


def keep_anchored() -> None:
    """Verify and anchor what is new in the audit log, every AUDIT_ANCHOR_SECONDS. Raises Tampered
    when a chain does not hold."""
    if has_key() and seconds_since_written() >= settings().audit_anchor_seconds:
        anchor()


def main() -> None:
    """Go round until told to stop. What is away is told once per absence, and asked again."""
    configure("scheduler", settings().log_level)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    heartbeat_file().parent.mkdir(parents=True, exist_ok=True)
    absent: dict[str, str] = {}
    while not stopped.is_set():
        for part in (_go_round, keep_anchored):
            name = part.__name__
            try:
                part()
                absent.pop(name, None)
            except AtalaiaError as error:
                if type(error).__name__ != absent.get(name):
                    absent[name] = type(error).__name__
                    log("ERROR", "cannot go round", part=name, why=absent[name])
        heartbeat_file().touch()
        stopped.wait(_TICK_SECONDS)
