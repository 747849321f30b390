"""Service levels of the runs: SLO-1, at least 95 % of them succeed over 7 days, and SLO-3, every
one of them has a check. Decisions are pure functions of counts; the SQL only counts.

The 7 days end at a moment that is told with every figure; runs that began in a maintenance window
of theirs are left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from atalaia.kernel.base.database import Connection

SLO_1_MIN_SUCCESS_PCT = 95.0
SLO_3_MIN_CHECKED_PCT = 100.0
WINDOW_DAYS = 7

State = Literal["met", "missed", "unknown"]


@dataclass(frozen=True, slots=True)
class JobRuns:
    """How the runs of one job ended in the window; `running` ones have not ended yet."""

    job_name: str
    success: int = 0
    blocked: int = 0
    other: int = 0  # failed, manual_required, cancelled
    running: int = 0
    unchecked: int = 0  # ended, and no check was ever asked about it

    @property
    def ended(self) -> int:
        """Runs that are over."""
        return self.success + self.blocked + self.other


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a service level is met. `pct` is null, and the state unknown, without any run."""

    slo: str
    state: State
    pct: float | None
    target_pct: float
    worst: tuple[tuple[str, float], ...] = ()  # (job, pct) below the target, worst first

    def as_dict(self) -> dict[str, Any]:
        """The verdict, JSON-ready."""
        return {
            "slo": self.slo,
            "state": self.state,
            "pct": self.pct,
            "target_pct": self.target_pct,
            "window_days": WINDOW_DAYS,
            "worst": [{"job_name": job, "pct": pct} for job, pct in self.worst],
        }


def success_pct(job: JobRuns, *, include_blocked_as_success: bool = False) -> float | None:
    """Share of a job's ended runs that succeeded, in %; None when none has ended.

    A run still going on is neither a success nor a failure. The runbook's own SQL (10.5) counts
    it as not yet successful, so the two agree whenever nothing is running."""
    good = job.success + (job.blocked if include_blocked_as_success else 0)
    return 100.0 * good / job.ended if job.ended else None


def slo_1(jobs: Sequence[JobRuns], *, include_blocked_as_success: bool = False) -> Verdict:
    """SLO-1 over all jobs together, and the jobs that are below it by themselves.

    `include_blocked_as_success` forgives sources known to be away (runbook 10.5)."""
    together = _sum(jobs)
    pct = success_pct(together, include_blocked_as_success=include_blocked_as_success)
    each = [
        (job.job_name, success_pct(job, include_blocked_as_success=include_blocked_as_success))
        for job in jobs
    ]
    return _judge("SLO-1", pct, SLO_1_MIN_SUCCESS_PCT, each)


def slo_3(jobs: Sequence[JobRuns]) -> Verdict:
    """SLO-3: every ended run has at least one check."""

    def checked(job: JobRuns) -> float | None:
        return 100.0 * (job.ended - job.unchecked) / job.ended if job.ended else None

    each = [(job.job_name, checked(job)) for job in jobs]
    return _judge("SLO-3", checked(_sum(jobs)), SLO_3_MIN_CHECKED_PCT, each)


def _judge(
    slo: str, pct: float | None, target: float, each: Sequence[tuple[str, float | None]]
) -> Verdict:
    if pct is None:
        return Verdict(slo, "unknown", None, target)
    below = sorted(
        ((job, value) for job, value in each if value is not None and value < target),
        key=lambda pair: (pair[1], pair[0]),
    )
    return Verdict(slo, "met" if pct >= target else "missed", pct, target, tuple(below))


def _sum(jobs: Sequence[JobRuns]) -> JobRuns:
    return JobRuns(
        "",
        success=sum(job.success for job in jobs),
        blocked=sum(job.blocked for job in jobs),
        other=sum(job.other for job in jobs),
        running=sum(job.running for job in jobs),
        unchecked=sum(job.unchecked for job in jobs),
    )


@dataclass(frozen=True, slots=True)
class Budget:
    """What may go wrong before a level is missed, in runs: `allowed` of those that ended, `spent`
    already. `burn_rate` 1 spends exactly what is allowed over the window; None when nothing is
    allowed (a target of 100 %) or nothing ended."""

    ended: int
    allowed: float
    spent: int

    @property
    def left(self) -> float:
        """What may still go wrong; negative once the level is missed."""
        return self.allowed - self.spent

    @property
    def burn_rate(self) -> float | None:
        """How fast it is spent."""
        return self.spent / self.allowed if self.allowed else None

    def as_dict(self) -> dict[str, Any]:
        """The budget, JSON-ready."""
        rate = self.burn_rate
        return {
            "ended": self.ended,
            "allowed": round(self.allowed, 4),
            "spent": self.spent,
            "left": round(self.left, 4),
            "burn_rate": None if rate is None else round(rate, 4),
        }


def budget(ended: int, bad: int, target_pct: float) -> Budget:
    """The error budget of `ended` runs, `bad` of which did not reach the level."""
    return Budget(ended, ended * (100.0 - target_pct) / 100.0, bad)


def budget_1(jobs: Sequence[JobRuns]) -> Budget:
    """SLO-1's: a run that ended and did not succeed spends of it."""
    total = _sum(jobs)
    return budget(total.ended, total.blocked + total.other, SLO_1_MIN_SUCCESS_PCT)


def budget_3(jobs: Sequence[JobRuns]) -> Budget:
    """SLO-3's: a run without a check spends of it, and none is allowed."""
    total = _sum(jobs)
    return budget(total.ended, total.unchecked, SLO_3_MIN_CHECKED_PCT)


def report(connection: Connection, at: datetime | None = None) -> dict[str, Any]:
    """Both levels and their budgets, JSON-ready, of the days before `at`: when not given, before
    the last completed evaluation (`reference` says which of the two, or that there was none)."""
    row = connection.execute(
        """SELECT finished_at, clock_timestamp() AS now
           FROM (VALUES (1)) AS one LEFT JOIN ops.watch_round ON true"""
    ).fetchone()
    known = row or {"finished_at": None, "now": at}
    reference = "given" if at else "last_evaluation" if known["finished_at"] else "now"
    end: datetime = at or known["finished_at"] or known["now"]
    jobs = counted(connection, end)
    return {
        "window_end": end.isoformat(),
        "window_days": WINDOW_DAYS,
        "reference": reference,
        "items": [
            {**slo_1(jobs).as_dict(), "budget": budget_1(jobs).as_dict()},
            {**slo_3(jobs).as_dict(), "budget": budget_3(jobs).as_dict()},
        ],
        "count": 2,
    }


def counted(connection: Connection, end: datetime | None = None) -> list[JobRuns]:
    """How the runs of the 7 days before `end` (now, when not given) ended, job by job. Those that
    began in a maintenance window that names their job, or no job at all, are not counted."""
    found = connection.execute(
        """SELECT job_name,
                  count(*) FILTER (WHERE run_status = 'success') AS success,
                  count(*) FILTER (WHERE run_status = 'blocked') AS blocked,
                  count(*) FILTER (WHERE run_status NOT IN ('success', 'blocked', 'running'))
                      AS other,
                  count(*) FILTER (WHERE run_status = 'running') AS running,
                  count(*) FILTER (WHERE run_status <> 'running' AND NOT EXISTS (
                      SELECT FROM ops.pipeline_checks c WHERE c.run_id = r.run_id)) AS unchecked
           FROM ops.pipeline_runs r
           WHERE started_at_utc > coalesce(%(end)s, now()) - make_interval(days => %(days)s)
             AND (%(end)s::timestamptz IS NULL OR started_at_utc <= %(end)s)
             AND NOT EXISTS (
                 SELECT FROM ops.maintenance m
                 WHERE m.starts_at <= r.started_at_utc AND r.started_at_utc < m.until
                   AND (m.subjects = '{}' OR r.job_name = ANY (m.subjects)))
           GROUP BY job_name ORDER BY job_name""",
        {"end": end, "days": WINDOW_DAYS},
    )
    return [JobRuns(**row) for row in found]
