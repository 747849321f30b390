"""What is worth another try, and after how long. stamina keeps the loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import psycopg
import stamina

from atalaia.kernel.base.errors import AtalaiaError, SourceError
from atalaia.kernel.base.trace import log
from atalaia.kernel.work.job import Run

stamina.instrumentation.set_on_retry_hooks([])  # `attempted` tells of each try itself

T = TypeVar("T")
Verdict = bool | float  # try again? or: after that many seconds

_FIRST_WAIT, _LONGEST_WAIT, _JITTER = 0.2, 30.0, 0.2  # seconds
# A request that is wrong stays wrong; 403 and the like are also what overloaded firewalls say.
_FINAL = {400, 401, 405, 406, 410, 411, 413, 414, 415, 422, 501, 505}


def source_may_recover(error: Exception) -> Verdict:
    """For one request to a source: transient failures, after Retry-After when it was sent."""
    if not isinstance(error, SourceError) or not error.retryable or error.status in _FINAL:
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


def next_wait(verdict: Verdict, attempt: int) -> float:
    """The longest the wait after `attempt` may be, in seconds."""
    if isinstance(verdict, bool):
        return min(_FIRST_WAIT * 2.0 ** (attempt - 1), _LONGEST_WAIT) + _JITTER
    return verdict


def attempted(run: Run, may_recover: Callable[[Exception], Verdict], act: Callable[[int], T]) -> T:
    """`act(attempt)` until it succeeds, at most `run.max_retries` times in all; the last error is
    raised. Waits 0.2 s, doubling, with jitter, but never past the run's deadline."""
    number = 0

    def decide(error: Exception) -> Verdict:
        verdict = may_recover(error)
        if verdict is False:
            return False
        in_vain = next_wait(verdict, number) >= run.deadline.remaining
        if in_vain or number >= run.max_retries:
            return False  # the caller tells of the last error
        run.warnings.append(f"{error} (tentativa {number} de {run.max_retries})")
        log(
            "WARNING",
            f"attempt {number} failed",
            run_id=run.run_id,
            job=run.job.name,
            error_type=type(error).__name__,
        )
        return verdict

    for attempt in stamina.retry_context(
        on=decide,
        attempts=run.max_retries,
        timeout=None,
        wait_initial=_FIRST_WAIT,
        wait_max=_LONGEST_WAIT,
        wait_jitter=_JITTER,
    ):
        with attempt:
            number = attempt.num
            run.checkpoint()
            return act(number)
    raise AssertionError("stamina ends by returning or raising")
