"""The worker: waits for Redis to say which work is due, and does it in a process of its own.

Redis only wakes it. What a run did is in `ops.pipeline_runs`, and the run's lock and ledger row
decide whether it may start, so a request that comes twice or gets lost does no harm.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from redis import Redis
from rq import Queue, Worker
from rq.exceptions import DuplicateJobError
from rq.serializers import JSONSerializer

from atalaia.kernel.base.errors import AlreadyRunning, UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.trace import configure, log
from atalaia.kernel.work.runner import run_job
from atalaia.serve import catalog

QUEUE = "atalaia"
_SILENT_SECONDS = 60  # RQ tells Redis that the worker lives at least this often
_RUN_SECONDS = 3600  # a run ends by its own timeout_seconds; this only ends what ignores it


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


def enqueue(job_name: str, *, request: str, **arguments: Any) -> bool:
    """Ask for a run; False when the same `request` is already waiting. `arguments` are those of
    `run_job`. Raises UnknownJob before anything is queued."""
    catalog.job(job_name)
    queue = Queue(QUEUE, connection=redis(), serializer=JSONSerializer)
    try:
        queue.enqueue(
            execute,
            kwargs={"job_name": job_name, **arguments},
            job_id=request,
            unique=True,
            job_timeout=_RUN_SECONDS,
            result_ttl=0,
            failure_ttl=0,
        )
    except DuplicateJobError:
        return False
    return True


def execute(job_name: str, **arguments: Any) -> None:
    """Do one run, in the worker. How it ended is in the ledger; another one in progress is fine."""
    try:
        run_job(catalog.job(job_name), **arguments)
    except AlreadyRunning as error:
        log("INFO", "request dropped: the same run is in progress", job=job_name, why=str(error))


def main() -> None:
    """Work until told to stop. SIGTERM lets the run in hand finish."""
    configure("worker", settings().log_level)
    Worker(
        [QUEUE],
        name=worker_name(os.getpid()),
        connection=redis(),
        serializer=JSONSerializer,
        worker_ttl=_SILENT_SECONDS,
    ).work(logging_level="WARNING")
