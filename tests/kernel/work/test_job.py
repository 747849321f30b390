"""Periods, counts and steps: what a job and a run are."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import BadPeriod, Cancelled, TimedOut
from atalaia.kernel.work.job import Counts, Job, PeriodKind, Run, checked_period

JOB = Job("any", "kernel", "", body=lambda _run: None, plan=lambda _run: {})


def a_run(seconds: float = 60, max_retries: int = 3) -> Run:
    return Run(
        job=JOB,
        reference_period="2024",
        force=False,
        deadline=Deadline(seconds),
        actor="test",
        trigger="python",
        reason=None,
        trace_id="0",
        max_retries=max_retries,
    )


@pytest.mark.parametrize(
    ("period", "kind"),
    [("2024", "year"), ("1940", "year"), ("2024-07", "month"), ("2024-02-29", "day")],
)
def test_a_period_is_itself(period: str, kind: PeriodKind) -> None:
    assert checked_period(period) == checked_period(period, kind) == period


@pytest.mark.parametrize(
    "period",
    [
        *("", "24", "1899", "2100", "20244", "2024-", "2024-7", "2024-00", "2024-13"),
        *("2024-07-", "2024-07-32", "2024-02-30", "2023-02-29", "2024-7-31", "2024/07"),
        *("2024\n", " 2024", "2024-07-31T00", "202４", "2024-W07", "20240731", "-2024"),
        *("2024; DROP TABLE x", "../2024"),
    ],
)
def test_what_is_no_period_is_refused(period: str) -> None:
    with pytest.raises(BadPeriod, match="2024-07"):
        checked_period(period)


@pytest.mark.parametrize(
    ("period", "kind"),
    [("2024-07", "year"), ("2024-07-01", "year"), ("2024", "month"), ("2024-07-31", "month")],
)
def test_a_period_of_another_kind_is_refused(period: str, kind: PeriodKind) -> None:
    with pytest.raises(BadPeriod, match=period):
        checked_period(period, kind)


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_every_day_is_a_period_and_so_are_its_month_and_year(day: date) -> None:
    for length in (4, 7, 10):
        assert checked_period(day.isoformat()[:length])
    after_month = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    beyond = f"{day:%Y-%m}-{after_month.day + 1:02}"
    with pytest.raises(BadPeriod):
        checked_period(beyond)


@given(*(st.lists(st.integers(0, 10), min_size=8, max_size=8) for _ in range(2)))
def test_counts_add_up(one: list[int], other: list[int]) -> None:
    total = Counts(*one)
    total.add(Counts(*other))
    assert total == Counts(*(a + b for a, b in zip(one, other, strict=True)))


@pytest.mark.parametrize(
    ("counts", "balance"),
    [
        (Counts(), True),
        (Counts(read=6, loaded=3, rejected=2, duplicate=1), True),
        (Counts(read=6, loaded=6, inserted=2, unchanged=1), True),
        (Counts(read=6, loaded=5), False),
        (Counts(read=5, loaded=6), False),
        (Counts(read=3, loaded=3, rejected=1), False),
    ],
)
def test_rows_balance_when_each_is_accounted_for(counts: Counts, balance: bool) -> None:
    assert counts.balance is balance


def test_a_step_is_timed_and_kept_even_when_it_fails() -> None:
    run = a_run()
    with run.step("good", table="t") as detail:
        detail["rows"] = 3
    with pytest.raises(KeyError), run.step("bad"):
        raise KeyError
    good, bad = run.steps
    assert (good["name"], good["table"], good["rows"]) == ("good", "t", 3)
    assert good["seconds"] >= 0
    assert bad["name"] == "bad"
    assert "seconds" in bad


def test_no_step_begins_when_the_time_is_over_or_someone_cancelled() -> None:
    late = a_run(seconds=0)
    with pytest.raises(TimedOut), late.step("never"):
        raise AssertionError("the step began")
    asked = a_run()

    def cancelled() -> None:
        raise Cancelled

    asked.cancelled = cancelled
    with pytest.raises(Cancelled), asked.step("never"):
        raise AssertionError("the step began")
    assert late.steps == asked.steps == []


def test_a_new_attempt_forgets_what_the_last_one_found() -> None:
    run = a_run()
    run.counts.read, run.source_type, run.verdict = 5, "api", "source_failed"
    run.bronze, run.checks, run.warnings = [{"a": 1}], [{"b": 1}], ["w"]
    with run.step("fetch"):
        pass
    run.begin_attempt(2)
    assert (run.attempt, run.counts) == (2, Counts())
    assert (run.source_type, run.verdict, run.bronze, run.checks) == (None, None, [], [])
    assert (run.warnings, len(run.steps)) == (["w"], 1)
