"""SLO-1 and SLO-3 as tables of decisions, and their counts against the runbook's own SQL."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import connect
from atalaia.kernel.watch import slo
from atalaia.kernel.watch.slo import JobRuns

RUNBOOK = Path(__file__).parents[3] / "runbooks/territory/runbook.md"


@pytest.mark.parametrize(
    ("jobs", "forgive", "state", "pct"),
    [
        ([], False, "unknown", None),
        ([JobRuns("a", running=3)], False, "unknown", None),
        ([JobRuns("a", success=1)], False, "met", 100.0),
        ([JobRuns("a", success=19, other=1)], False, "met", 95.0),
        ([JobRuns("a", success=189, other=10)], False, "missed", 100 * 189 / 199),
        ([JobRuns("a", success=19, other=1, running=5)], False, "met", 95.0),
        ([JobRuns("a", success=50), JobRuns("b", other=2)], False, "met", 100 * 50 / 52),
        ([JobRuns("a", success=5), JobRuns("b", other=5)], False, "missed", 50.0),
        ([JobRuns("a", blocked=4)], False, "missed", 0.0),
        ([JobRuns("a", blocked=4)], True, "met", 100.0),
        ([JobRuns("a", blocked=4, other=4)], True, "missed", 50.0),
    ],
)
def test_slo_1_is_decided_on_counts(
    jobs: list[JobRuns], forgive: bool, state: str, pct: float | None
) -> None:
    verdict = slo.slo_1(jobs, include_blocked_as_success=forgive)
    assert (verdict.state, verdict.pct) == (state, pct)


def test_slo_1_names_the_jobs_below_it_worst_first() -> None:
    jobs = [
        JobRuns("good", success=90),
        JobRuns("bad", success=1, other=1),
        JobRuns("off", other=1),
    ]
    assert slo.slo_1(jobs).worst == (("off", 0.0), ("bad", 50.0))


@pytest.mark.parametrize(
    ("jobs", "state", "worst"),
    [
        ([], "unknown", ()),
        ([JobRuns("a", success=3, other=1)], "met", ()),
        ([JobRuns("a", success=3), JobRuns("b", success=4, unchecked=1)], "missed", (("b", 75.0),)),
    ],
)
def test_slo_3_wants_a_check_for_every_run(
    jobs: list[JobRuns], state: str, worst: tuple[tuple[str, float], ...]
) -> None:
    verdict = slo.slo_3(jobs)
    assert (verdict.state, verdict.worst) == (state, worst)


RUNS = {
    "steady": ["success"] * 3,
    "flaky": ["success", "success", "failed", "blocked"],
    "away": ["blocked", "blocked"],
    "odd": ["cancelled", "manual_required", "success"],
}


@pytest.mark.row("T-122")
def test_the_runbooks_success_pct_equals_a_recomputation_and_ours(database: str) -> None:
    block = re.search(r"SELECT job_name, COUNT\(\*\) FILTER.*?;", RUNBOOK.read_text("utf-8"), re.S)
    assert block, "runbook 10.5 prints the query"
    with connect(autocommit=True) as connection:
        for job, endings in RUNS.items():
            for status in endings:
                _insert(connection, job, status, age=timedelta(days=1))
            _insert(connection, job, "failed", age=timedelta(days=8))
        printed = connection.execute(block.group(0)).fetchall()
        ours = {job.job_name: slo.success_pct(job) for job in slo.counted(connection)}
    recomputed = {
        job: 100 * endings.count("success") / len(endings) for job, endings in RUNS.items()
    }
    assert {row["job_name"]: float(row["success_pct"]) for row in printed} == pytest.approx(
        recomputed
    )
    assert ours == pytest.approx(recomputed)
    pcts = [row["success_pct"] for row in printed]
    assert pcts == sorted(pcts)


@pytest.mark.row("T-129")
def test_blocked_only_goes_from_0_to_100_when_blocked_is_forgiven(database: str) -> None:
    with connect(autocommit=True) as connection:
        _insert(connection, "away", "blocked", age=timedelta(hours=1))
        jobs = slo.counted(connection)
    assert slo.slo_1(jobs).pct == 0.0
    assert slo.slo_1(jobs, include_blocked_as_success=True).pct == 100.0


def test_a_run_without_check_is_counted_and_one_with_is_not(database: str) -> None:
    with connect(autocommit=True) as connection:
        run_id = _insert(connection, "job", "success", age=timedelta(hours=1))
        _insert(connection, "job", "success", age=timedelta(hours=2))
        connection.execute(
            "INSERT INTO ops.pipeline_checks (run_id, check_name, status) VALUES (%s, 'x', 'pass')",
            (run_id,),
        )
        (job,) = slo.counted(connection)
    assert (job.success, job.unchecked) == (2, 1)


@pytest.mark.parametrize(
    ("ended", "bad", "target", "allowed", "left", "rate"),
    [
        (0, 0, 95.0, 0.0, 0.0, None),
        (100, 0, 95.0, 5.0, 5.0, 0.0),
        (100, 5, 95.0, 5.0, 0.0, 1.0),
        (100, 6, 95.0, 5.0, -1.0, 1.2),
        (10, 1, 95.0, 0.5, -0.5, 2.0),
        (10, 1, 100.0, 0.0, -1.0, None),
    ],
)
def test_the_error_budget_is_counted_in_runs(
    ended: int, bad: int, target: float, allowed: float, left: float, rate: float | None
) -> None:
    found = slo.budget(ended, bad, target)
    assert (found.allowed, found.left) == pytest.approx((allowed, left))
    assert found.burn_rate == (None if rate is None else pytest.approx(rate))


def test_the_level_is_missed_exactly_when_more_than_the_budget_is_spent() -> None:
    for ended in range(1, 120):
        for bad in range(ended + 1):
            jobs = [JobRuns("a", success=ended - bad, other=bad)]
            over = slo.budget_1(jobs).left < -1e-9
            assert (slo.slo_1(jobs).state == "missed") == over, (ended, bad)


def test_the_window_ends_when_it_is_told_to(database: str) -> None:
    at = now()
    with connect(autocommit=True) as connection:
        for days in (1, 6, 8, 13):
            _insert(connection, "job", "failed", age=timedelta(days=days))
        assert slo.report(connection)["reference"] == "now"
        found = slo.report(connection, at - timedelta(days=2))
        assert (found["reference"], found["items"][0]["budget"]["spent"]) == ("given", 2)
        assert found["window_end"] == (at - timedelta(days=2)).isoformat()
        connection.execute(
            "INSERT INTO ops.watch_round VALUES (true, %(at)s, %(at)s, 0, 0)",
            {"at": at - timedelta(days=7)},
        )
        found = slo.report(connection)
        assert found["reference"] == "last_evaluation"
        assert found["window_end"] == (at - timedelta(days=7)).isoformat()
        assert found["items"][0]["budget"]["spent"] == 2, "those of 8 and 13 days ago"


@pytest.mark.parametrize(
    ("subjects", "cancelled", "counted"),
    [([], False, 1), (["job"], False, 1), (["other"], False, 2), ([], True, 2)],
)
def test_what_began_in_maintenance_is_left_out(
    database: str, subjects: list[str], cancelled: bool, counted: int
) -> None:
    with connect(autocommit=True) as connection:
        _insert(connection, "job", "failed", age=timedelta(hours=2))
        _insert(connection, "job", "failed", age=timedelta(hours=4))
        connection.execute(
            """INSERT INTO ops.maintenance_windows (title, subjects, starts_at, ends_at, created_by,
                   reason, cancelled_at, cancelled_by)
               VALUES ('t', %s, now() - interval '3 hours', now() + interval '1 hour', 'a', 'r',
                       CASE WHEN %s THEN now() - interval '150 minutes' END,
                       CASE WHEN %s THEN 'a' END)""",
            (subjects, cancelled, cancelled),
        )
        (found,) = slo.counted(connection)
    assert found.other == counted


def test_a_window_holds_from_its_first_moment_and_not_at_its_last(database: str) -> None:
    begins = now().replace(microsecond=0) - timedelta(hours=3)
    ends = begins + timedelta(hours=1)
    with connect(autocommit=True) as connection:
        connection.execute(
            """INSERT INTO ops.maintenance_windows (title, starts_at, ends_at, created_by, reason)
               VALUES ('t', %s, %s, 'a', 'r')""",
            (begins, ends),
        )
        second = timedelta(seconds=1)
        for name, at in (
            ("before", begins - second), ("first", begins), ("last", ends - second), ("after", ends)
        ):  # fmt: skip
            _insert(connection, name, "failed", age=now() - at, at=at)
        assert {job.job_name for job in slo.counted(connection)} == {"before", "after"}


def _insert(
    connection: object, job: str, status: str, *, age: timedelta, at: datetime | None = None
) -> str:
    run_id, started = str(uuid4()), at or now() - age
    connection.execute(  # type: ignore[attr-defined]
        """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, run_status,
               started_at_utc, finished_at_utc, actor, trigger, trace_id)
           VALUES (%s, %s, 'd', '2025', %s, %s, %s, 't', 'python', 't')""",
        (run_id, job, status, started, started),
    )
    return run_id
