"""SLO-1 and SLO-3 as tables of decisions, and their counts against the runbook's own SQL."""

from __future__ import annotations

import re
from datetime import timedelta
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


def _insert(connection: object, job: str, status: str, *, age: timedelta) -> str:
    run_id, started = str(uuid4()), now() - age
    connection.execute(  # type: ignore[attr-defined]
        """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, run_status,
               started_at_utc, finished_at_utc, actor, trigger, trace_id)
           VALUES (%s, %s, 'd', '2025', %s, %s, %s, 't', 'python', 't')""",
        (run_id, job, status, started, started),
    )
    return run_id
