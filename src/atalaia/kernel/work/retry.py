"""What is worth another try, and after how long. stamina keeps the loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import psycopg
import stamina

from atalaia.kernel.base.errors import AtalaiaError, SourceError
from atalaia.kernel.base.trace import log
from atalaia.kernel.work.job import Run

T = TypeVar("T")
Verdict = bool | float  # try again? or: after that many seconds


def source_may_recover(error: Exception) -> Verdict:
    """For one request to a source: transient failures, after Retry-After when it was sent."""
    if not isinstance(error, SourceError) or not error.retryable:
        return False
    return True if error.retry_after is None else error.retry_after


def ground_may_recover(error: Exception) -> Verdict:
    """For a whole body: what we stand on was away. A source had its tries already."""
    if isinstance(error, SourceError):
        return False
    if isinstance(error, AtalaiaError):
        return error.retryable
    lasting = psycopg.errors.DiskFull | psycopg.errors.QueryCanceled
    return isinstance(error, psycopg.OperationalError) and not isinstance(error, lasting)


def attempted(run: Run, may_recover: Callable[[Exception], Verdict], act: Callable[[int], T]) -> T:
    """`act(attempt)` until it succeeds, at most `run.max_retries` times in all and never past the
    run's deadline; the last error is raised. Waits 0.2 s, doubling, with jitter."""

    def decide(error: Exception) -> Verdict:
        verdict = may_recover(error)
        if verdict is not False:
            run.warnings.append(str(error))
            log(
                "WARNING",
                "attempt failed",
                run_id=run.run_id,
                job=run.job.name,
                error_type=type(error).__name__,
            )
        waits = isinstance(verdict, float) and verdict >= run.deadline.remaining
        return False if waits else verdict

    for attempt in stamina.retry_context(
        on=decide,
        attempts=run.max_retries,
        timeout=run.deadline.remaining,
        wait_initial=0.2,
        wait_max=30,
        wait_jitter=0.2,
    ):
        with attempt:
            run.checkpoint()
            return act(attempt.num)
    raise AssertionError("stamina ends by returning or raising")
