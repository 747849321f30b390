"""Service levels of the runs: SLO-1, at least 95 % of them succeed over 7 days, and SLO-3, every
one of them has a check. Decisions are pure functions of counts; the SQL only counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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


def counted(connection: Connection) -> list[JobRuns]:
    """How the runs of the last 7 days ended, job by job."""
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
           WHERE started_at_utc > now() - make_interval(days => %s)
           GROUP BY job_name ORDER BY job_name""",
        (WINDOW_DAYS,),
    )
    return [JobRuns(**row) for row in found]
