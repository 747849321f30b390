"""The scheduler: asks PostgreSQL what is due and has a worker do it. It keeps nothing in memory,
so it may die and come back at any moment without anything being lost or done twice.

It goes round its parts every few seconds: what is due is asked for, alerts are judged, the audit
log is anchored outside the database, a base backup is taken each day, what a terminal kept while
the database was away is brought in; deliveries and lineage are sent by threads of their own.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from atalaia.kernel.base import telemetry
from atalaia.kernel.base.clock import now
from atalaia.kernel.base.errors import AtalaiaError, NotFound, Unavailable, UnknownJob
from atalaia.kernel.base.redact import place_of
from atalaia.kernel.base.settings import settings, state_dir
from atalaia.kernel.base.trace import configure, log
from atalaia.kernel.keep.anchor import has_key, seconds_since_written
from atalaia.kernel.keep.verify import anchor
from atalaia.kernel.tell.sender import Sender
from atalaia.kernel.watch import lineage
from atalaia.kernel.watch.runbook_evidence import catch_up
from atalaia.kernel.work import schedule
from atalaia.kernel.work.batches import RUN
from atalaia.kernel.work.reconcile import reconcile
from atalaia.kernel.work.recurrence import ZONE
from atalaia.kernel.work.schedule import Asked, Scheduled
from atalaia.serve import backups, catalog, worker
from atalaia.serve.local import wal
from atalaia.serve.local.layout import layout
from atalaia.serve.watching import Watch

# What comes round besides what the domains bring. A run whose job none of them brings is not asked
# for.
SCHEDULE = (
    Scheduled("quality_suite", RUN, "daily 06:00", {"job_name": "quality_suite"}),
    *backups.SCHEDULE,
)
_PERIODS = {"year": "%Y", "month": "%Y-%m", "day": "%Y-%m-%d"}
_TICK_SECONDS = 5.0
_LAST_SECONDS = 4.0  # for deliveries in hand when told to stop


def heartbeat_file() -> Path:
    """Its modification time is when the scheduler last went round."""
    return state_dir() / "run" / "scheduler.heartbeat"


def scheduled(name: str) -> Scheduled:
    """The entry of that name. Raises NotFound."""
    for one in _installed():
        if one.name == name:
            return one
    raise NotFound(
        f"Não há '{name}' na agenda. Nada foi mudado.",
        todo="'atalaia schedule list' mostra o que há.",
    )


def _installed() -> list[Scheduled]:
    listed = [*SCHEDULE, *(one for domain in catalog.domains() for one in domain.schedule)]
    return [one for one in listed if one.kind != RUN or _has_job(one.payload["job_name"])]


def _has_job(name: str) -> bool:
    try:
        catalog.job(name)
    except UnknownJob:
        return False
    return True


def payload_of(one: Scheduled) -> dict[str, Any]:
    """What the item is asked with: a run that names no period is for the newest its job has, or
    for the day, month or year there, as its job goes by."""
    payload = dict(one.payload)
    if one.kind == RUN and "reference_period" not in payload:
        job = catalog.job(payload["job_name"])
        usual = f"{now().astimezone(ZoneInfo(ZONE)):{_PERIODS[job.period_kind or 'year']}}"
        payload["reference_period"] = [usual, *(job.default_periods or tuple)()][-1]
    return payload


def tick() -> list[Asked]:
    """Go round once: give back what dead workers held, ask for what the schedule says is due, wake
    a worker when anything waits. Returns what was asked for now."""
    found = reconcile()
    if found.given_back or found.dead:
        log("WARNING", "workers died", given_back=found.given_back, dead=found.dead)
    installed = _installed()
    schedule.sync(installed)
    asked = schedule.ask_for_due(installed, complete=payload_of)
    if found.due or asked:
        worker.wake()
    return asked


def _go_round() -> None:
    for one in tick():
        log("INFO", "asked for what is due", schedule=one.name, missed=one.missed)


def keep_anchored() -> None:
    """Verify and anchor what is new in the audit log, every AUDIT_ANCHOR_SECONDS. Raises Tampered
    when a chain does not hold."""
    if has_key() and seconds_since_written() >= settings().audit_anchor_seconds:
        anchor()


def keep_based() -> None:
    """Have a base backup taken when one is due, by a process of its own: it takes a while, and
    what dead workers held must not wait for it."""
    for process in list(_taking):
        if process.poll() is not None:
            _taking.remove(process)
    if not _taking and wal.base_is_due(layout().postgres):
        command = [sys.executable, "-m", "atalaia.serve.cli", "backup", "base"]
        _taking.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))


_taking: list[subprocess.Popen[bytes]] = []


class _Sending:
    """The sender, in a thread of its own: nobody waits for a receiver. One that ended is begun
    anew."""

    def __init__(self) -> None:
        self._sender, self._thread = Sender(), threading.Thread()

    def keep_sending(self) -> None:
        """Have what was announced delivered."""
        if not self._thread.is_alive():
            self._thread = threading.Thread(target=self._sender.run, name="tell", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Let what is in hand end, for some seconds."""
        self._sender.stop()
        if self._thread.ident:
            self._thread.join(_LAST_SECONDS)


class _Lineage:
    """Lineage is told in a thread of its own too: its receiver may be slow."""

    def __init__(self) -> None:
        self._telling, self._thread = lineage.Telling(), threading.Thread()

    def keep_lineage(self) -> None:
        """Have what is due told."""
        if lineage.enabled() and not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._telling.keep_told, name="lineage", daemon=True
            )
            self._thread.start()


def _of_domains() -> list[Callable[[], object]]:
    """What each domain has done in every round. One that cannot be imported is said to be."""
    found: list[Callable[[], object]] = []
    for domain in catalog.domains():
        if domain.round:
            try:
                found.append(_kept_apart(catalog.brought(domain.round)))
            except Exception as error:
                log("ERROR", f"rounds of {domain.name} are left out", why=type(error).__name__)
    return found


def _kept_apart(part: Callable[[], object]) -> Callable[[], object]:
    """Whatever a domain's part raises, the others go round."""

    @wraps(part)
    def kept() -> None:
        try:
            part()
        except AtalaiaError:
            raise
        except Exception as error:
            raise Unavailable(f"{part.__module__}: {place_of(error)}.") from error

    return kept


def main() -> None:
    """Go round until told to stop. What is away is told once per absence, and asked again."""
    configure("scheduler", settings().log_level)
    catalog.begin("scheduler")
    telemetry.start("scheduler")
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    heartbeat_file().parent.mkdir(parents=True, exist_ok=True)
    absent: dict[str, str] = {}
    sending = _Sending()
    parts = (
        sending.keep_sending,
        _go_round,
        Watch().keep_watch,
        keep_anchored,
        keep_based,
        catch_up,
        _Lineage().keep_lineage,
        *_of_domains(),
    )
    while not stopped.is_set():
        for part in parts:
            name = f"{part.__module__}.{part.__name__}"
            try:
                part()
                absent.pop(name, None)
            except AtalaiaError as error:
                if type(error).__name__ != absent.get(name):
                    absent[name] = type(error).__name__
                    log("ERROR", "cannot go round", part=name, why=absent[name])
        heartbeat_file().touch()
        stopped.wait(_TICK_SECONDS)
    telemetry.stop()
    sending.stop()
