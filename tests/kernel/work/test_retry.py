"""What is tried again, and after how long: tables, and the loop that follows them."""

from __future__ import annotations

import time

import psycopg
import pytest
from tests.kernel.work.test_job import a_run

from atalaia.kernel.base.errors import (
    AlreadyRunning,
    Cancelled,
    ContractBroken,
    DatabaseUnavailable,
    NoSpace,
    NotPublished,
    SourceFailed,
    SourceTooSlow,
    Tampered,
    TimedOut,
    TooMuchAsked,
    Unreachable,
)
from atalaia.kernel.work.retry import (
    Verdict,
    attempted,
    ground_may_recover,
    next_wait,
    source_may_recover,
)

ONCE_MORE = [
    SourceFailed(),
    SourceFailed(status=500),
    SourceFailed(status=502),
    SourceFailed(status=403),
    SourceFailed(status=408),
    SourceFailed(status=429),
    Unreachable(),
]
NEVER = [
    *(SourceFailed(status=code) for code in (400, 401, 405, 410, 413, 414, 422, 501)),
    *(kind() for kind in (NotPublished, TooMuchAsked, SourceTooSlow, TimedOut, Cancelled)),
    *(kind() for kind in (ContractBroken, Tampered, NoSpace, DatabaseUnavailable)),
    ValueError(),
    psycopg.OperationalError(),
]


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        *((error, True) for error in ONCE_MORE),
        *((error, False) for error in NEVER),
        (SourceFailed(status=429, retry_after=7), 7.0),
        (SourceFailed(status=503, retry_after=0), 0.0),
        (SourceFailed(status=400, retry_after=7), False),
    ],
    ids=repr,
)
def test_a_source_may_recover(error: Exception, verdict: Verdict) -> None:
    answer = source_may_recover(error)
    assert answer == verdict
    assert (answer is False) == (verdict is False)  # 0.0 is no refusal


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (DatabaseUnavailable(), True),
        (psycopg.OperationalError(), True),
        (psycopg.errors.DeadlockDetected(), True),
        (psycopg.errors.SerializationFailure(), True),
        (psycopg.errors.AdminShutdown(), True),
        (psycopg.errors.DiskFull(), False),
        (psycopg.errors.QueryCanceled(), False),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.errors.UndefinedTable(), False),
        *((kind(), False) for kind in (SourceFailed, Unreachable, NotPublished)),
        *((kind(), False) for kind in (ContractBroken, TimedOut, Cancelled, AlreadyRunning)),
        (OSError(28, "full"), False),
        (KeyError(), False),
    ],
    ids=repr,
)
def test_the_ground_may_recover(error: Exception, verdict: bool) -> None:
    assert ground_may_recover(error) is verdict


@pytest.mark.parametrize(
    ("verdict", "attempt", "longest"),
    [(True, 1, 0.4), (True, 2, 0.6), (True, 3, 1.0), (True, 9, 30.2), (7.5, 1, 7.5), (0.0, 5, 0.0)],
)
def test_the_longest_wait(verdict: Verdict, attempt: int, longest: float) -> None:
    assert next_wait(verdict, attempt) == pytest.approx(longest)


class Flaky:
    """Fails so many times, then succeeds."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures, self.error = failures, error
        self.attempts: list[int] = []

    def __call__(self, attempt: int) -> str:
        self.attempts.append(attempt)
        if len(self.attempts) <= self.failures:
            raise self.error
        return "done"


@pytest.mark.row("T-024")
@pytest.mark.parametrize("failures", [0, 1, 2])
def test_it_succeeds_within_the_tries_allowed(failures: int) -> None:
    act, run = Flaky(failures, SourceFailed("away")), a_run()
    assert attempted(run, source_may_recover, act) == "done"
    assert act.attempts == list(range(1, failures + 2))
    assert [w.split(" (")[0] for w in run.warnings] == ["away"] * failures


@pytest.mark.row("T-024")
@pytest.mark.parametrize("allowed", [1, 2, 3, 5])
def test_it_gives_up_after_exactly_the_tries_allowed(allowed: int) -> None:
    act, run = Flaky(99, SourceFailed("away", retry_after=0)), a_run(max_retries=allowed)
    with pytest.raises(SourceFailed, match="away"):
        attempted(run, source_may_recover, act)
    assert len(act.attempts) == allowed
    assert len(run.warnings) == allowed - 1  # the last error is the caller's to tell


def test_what_cannot_recover_is_tried_once() -> None:
    act, run = Flaky(99, ContractBroken("other columns")), a_run()
    with pytest.raises(ContractBroken):
        attempted(run, source_may_recover, act)
    assert (act.attempts, run.warnings) == ([1], [])


def test_a_wait_that_would_pass_the_deadline_is_not_begun() -> None:
    act, run = Flaky(99, SourceFailed(retry_after=60)), a_run(seconds=5)
    began = time.monotonic()
    with pytest.raises(SourceFailed):
        attempted(run, source_may_recover, act)
    assert time.monotonic() - began < 1
    assert act.attempts == [1]


@pytest.mark.row("T-025")
def test_many_tries_end_with_the_deadline() -> None:
    act, run = Flaky(10_000, SourceFailed()), a_run(seconds=2, max_retries=10_000)
    began = time.monotonic()
    with pytest.raises((SourceFailed, TimedOut)):
        attempted(run, source_may_recover, act)
    assert time.monotonic() - began < 2.5
    assert 2 <= len(act.attempts) < 10


def test_retry_after_is_the_wait() -> None:
    act = Flaky(1, SourceFailed(retry_after=1.5))
    began = time.monotonic()
    attempted(a_run(), source_may_recover, act)
    assert 1.5 <= time.monotonic() - began < 2.5
