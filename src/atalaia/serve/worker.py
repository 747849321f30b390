"""The worker: woken by Redis, it does what PostgreSQL says is due.

Redis only wakes it: a wake that comes twice or gets lost does no harm, because every piece of work
is a row of `ops.work_items`, and the scheduler wakes again for what stays due.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from importlib import import_module
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker, worker_registration
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer

from atalaia.kernel.base import telemetry
from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import AlreadyRunning, AtalaiaError, Busy, UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.trace import configure, log
from atalaia.kernel.keep.audit import DEFAULT_TENANT
from atalaia.kernel.work.batches import RUN, request
from atalaia.kernel.work.drain import Handler, drain
from atalaia.kernel.work.items import Accepted, Item
from atalaia.kernel.work.runner import run_job
from atalaia.serve import backups, catalog, runbooks

QUEUE = "atalaia"
_AWAITED = f"{QUEUE}:awaited"  # there while a wake is on its way: one is enough
_AWAITED_SECONDS = 10  # after that another may be sent: the first may have died with its worker
_SILENT_SECONDS = 60  # RQ tells Redis that the worker lives at least this often
_RETRY_SECONDS = 2.0  # between two looks for a Redis that is away
_DRAIN_SECONDS = 300.0  # then the rest goes to a fresh process
_LONGEST_SECONDS = 3600  # RQ ends what ignores its own timeout


def worker_name(pid: int) -> str:
    """The name under which the worker process `pid` of this machine is known to Redis."""
    return f"{QUEUE}-{socket.gethostname()}-{pid}"


def redis() -> Redis:
    """A connection to the Redis of REDIS_URL."""
    url = settings().redis_url
    if not url:
        raise UsageError(
            "REDIS_URL não está definida, então não há como acordar um worker.",
            todo="Rode 'make up' para servidores privados, ou exporte REDIS_URL=redis://….",
        )
    return Redis.from_url(url)


def request_run(
    job_name: str,
    *,
    actor: str,
    trigger: str,
    reason: str | None = None,
    key: str,
    tenant_id: str = DEFAULT_TENANT,
    **asked: Any,
) -> Accepted:
    """Accept a request for a run, once per `key`; it will be done even if Redis is away now.
    `asked` are arguments of `run_job`. Raises UnknownJob before anything is written."""
    payload = {"job_name": catalog.job(job_name).name, **asked}
    with transaction() as connection:
        accepted = request(
            connection,
            RUN,
            [payload],
            actor=actor,
            trigger=trigger,
            reason=reason,
            key=key,
            tenant_id=tenant_id,
        )
    wake()
    return accepted


def wake() -> bool:
    """Have a worker look at what is due, unless one is about to. False when Redis is away or not
    set: what was accepted stays so, and the scheduler wakes again."""
    try:
        connection = redis()
        if connection.set(_AWAITED, "1", nx=True, ex=_AWAITED_SECONDS):
            Queue(QUEUE, connection=connection, serializer=JSONSerializer).enqueue(
                do_what_is_due, job_timeout=_LONGEST_SECONDS, result_ttl=0, failure_ttl=0
            )
    except (RedisError, UsageError) as error:
        log("ERROR", "cannot wake a worker", why=type(error).__name__)
        return False
    return True


def do_what_is_due() -> None:
    """What a woken worker does, in a process of its own."""
    with suppress(RedisError):  # away again: what is due is in PostgreSQL
        redis().delete(_AWAITED)  # who accepts work from here on wakes again
    try:
        drained = drain(handlers(), seconds=_DRAIN_SECONDS, crowded=wake)
    except AtalaiaError as error:
        log("ERROR", "work stopped; it goes on later", why=type(error).__name__)
        return
    finally:
        telemetry.flush()  # this process ends without a word
    if drained.more:
        wake()


def _run(item: Item, _connection: Connection) -> dict[str, Any]:
    """One run. How it ended is in the ledger; another one in progress is fine."""
    asked = dict(item.payload)
    job = catalog.job(asked.pop("job_name"))
    try:
        done = run_job(
            job,
            actor=item.actor,
            trigger=item.trigger,
            reason=item.reason,
            tenant_id=item.tenant_id,
            **asked,
        )
    except AlreadyRunning as error:
        if item.trigger == "replay":  # the one in progress may have passed what was corrected
            raise Busy(f"{error.message} O que foi pedido de novo espera por ela.") from error
        log("INFO", "request dropped: the same run is in progress", job=job.name, why=str(error))
        return {"dropped": str(error)}
    return {"run_id": done["run_id"], "run_status": done["run_status"]}


HANDLERS = {
    RUN: Handler(_run, group=1),
    runbooks.KIND: Handler(runbooks.execute, group=1),
    backups.KIND: Handler(backups.execute, group=1),
}


def handlers() -> dict[str, Handler]:
    """How items of each kind are done: the platform's kinds, and those the domains bring. Work of
    a domain whose handlers cannot be imported waits, and the log says so."""
    found = dict(HANDLERS)
    for domain in catalog.domains():
        if domain.work:
            module, _, name = domain.work.partition(":")
            try:
                found |= getattr(import_module(module), name)
            except Exception as error:
                log("ERROR", f"work of {domain.name} waits", why=type(error).__name__)
    return found


class _Steady(Worker):
    """RQ's worker, that asks again within seconds when Redis was away, and is listed again by a
    Redis that forgot everything."""

    max_connection_wait_time = 4.0
    told_to_stop = False

    def heartbeat(self, *args: Any, **named: Any) -> None:
        super().heartbeat(*args, **named)
        worker_registration.register(self)

    def request_stop(self, *signal_and_frame: Any) -> None:
        self.told_to_stop = True
        super().request_stop(*signal_and_frame)  # type: ignore[no-untyped-call]


def main() -> None:
    """Work until told to stop, whether Redis is there or not. SIGTERM lets the run in hand end."""
    configure("worker", settings().log_level)
    catalog.begin("worker")
    telemetry.start("worker")
    connection, away = redis(), False
    with suppress(StopRequested):
        while True:
            try:
                if _work(connection):
                    return
                away = False
            except RedisError as error:
                if not away:
                    away = True
                    log("WARNING", "Redis is away; trying again", why=type(error).__name__)
            time.sleep(_RETRY_SECONDS)


def _work(connection: Redis) -> bool:
    """Work as long as Redis is there. True when told to stop."""
    name = worker_name(os.getpid())
    connection.delete(f"{Worker.redis_worker_namespace_prefix}{name}")  # ours, of the last time
    worker = _Steady(
        [QUEUE],
        name=name,
        connection=connection,
        serializer=JSONSerializer,
        worker_ttl=_SILENT_SECONDS,
    )
    try:
        worker.work(logging_level="WARNING")
    except RedisError:
        if not worker.told_to_stop:
            raise
    return worker.told_to_stop
