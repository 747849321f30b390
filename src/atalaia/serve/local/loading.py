"""Loading what is bundled: seed bronze, run the jobs that have it, build gold, ask the checks.

A job is run for a period only when it has not succeeded yet with these very data and this very
code: the fingerprint of both is written into the reason of its run, so PostgreSQL remembers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import atalaia
from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.settings import project_dir
from atalaia.kernel.work.job import Job
from atalaia.kernel.work.progress import Progress, silent
from atalaia.kernel.work.runner import run_job
from atalaia.serve import catalog

_CODE = (".py", ".sql", ".yml")
_TIMEOUT_SECONDS = 1800  # a first load on a slow machine


@dataclass(slots=True)
class Loaded:
    """What was run, and what the newest quality suite says."""

    runs: list[dict[str, Any]] = field(default_factory=list)
    tally: dict[str, int] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)  # fail before warn; no pass

    @property
    def good(self) -> bool:
        """True when no run failed and no check of the suite is fail."""
        failed = any(run["run_status"] == "failed" for run in self.runs)
        return not failed and not self.tally.get("fail")


def code_version(*rooms: str) -> str:
    """A fingerprint of the source files in these packages of ours (default: all of them)."""
    package = Path(atalaia.__file__).parent
    folders = [package / room for room in rooms] or [package]
    return _digest(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in _CODE and not {"target", "logs", "dbt_packages"} & set(path.parts)
    )


def data_version() -> str:
    """A fingerprint of the bundled data and of the code that turns it into answers."""
    described = project_dir() / "data" / "bundle" / "datapackage.json"
    bundle = _digest([described] if described.exists() else [])
    return hashlib.sha256((bundle + code_version("kernel", "domains")).encode()).hexdigest()[:16]


def _digest(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(str(path).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def load_bundled(
    *, force: bool = False, progress: Progress = silent, tell: Callable[[str], None]
) -> Loaded:
    """Bring the database to the bundled data. What was loaded already is not loaded again, and
    with nothing loaded, gold and the checks are left as they are too."""
    version = data_version()
    reason = f"dados embarcados e código {version}"
    for domain in catalog.domains():
        if domain.seed is not None:
            domain.seed()
    loaded = Loaded()
    jobs = [job for job in catalog.in_order(catalog.jobs()) if job.default_periods]
    done = set() if force else _done(reason)
    for job in jobs:
        for period in (job.default_periods or tuple)():
            after = job.name in catalog.AFTER_LOAD and bool(loaded.runs)
            if (job.name, period) in done and not after:
                continue
            tell(f"{job.name} · {period}")
            loaded.runs.append(_run(job, period, reason, progress))
    _read_tally(loaded)
    return loaded


def _run(job: Job, period: str, reason: str, progress: Progress) -> dict[str, Any]:
    return run_job(
        job,
        reference_period=period,
        timeout_seconds=_TIMEOUT_SECONDS,
        trigger="up",
        reason=reason,
        progress=progress,
    )


def _done(reason: str) -> set[tuple[str, str]]:
    """Jobs and periods that need no run: they succeeded with this reason, or their source had
    nothing for them less than a day ago."""
    with transaction() as connection:
        found = connection.execute(
            """SELECT DISTINCT job_name, reference_period FROM ops.pipeline_runs
               WHERE trigger = 'up' AND reason = %s AND (run_status = 'success'
                   OR run_status IN ('blocked', 'manual_required')
                      AND finished_at_utc > clock_timestamp() - interval '1 day')""",
            (reason,),
        ).fetchall()
    return {(row["job_name"], row["reference_period"]) for row in found}


def _read_tally(loaded: Loaded) -> None:
    """What the newest quality suite found: how many of each status, and each reason once with all
    it was said of."""
    with transaction() as connection:
        found = connection.execute(
            """SELECT status::text AS status, check_name,
                      coalesce(nullif(details->>'reason', ''),
                               concat(observed, ' (limite ', threshold, ')')) AS reason,
                      count(*) AS answers,
                      array_agg(subject ORDER BY subject) FILTER (WHERE subject <> '') AS subjects
               FROM ops.pipeline_checks
               WHERE run_id = (SELECT run_id FROM ops.pipeline_runs
                               WHERE job_name = 'quality_suite' AND run_status = 'success'
                               ORDER BY started_at_utc DESC LIMIT 1)
                 AND check_name <> 'run_outcome'
               GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3"""
        ).fetchall()
    for status in ("pass", "warn", "fail"):
        loaded.tally[status] = sum(one["answers"] for one in found if one["status"] == status)
    told = [one for one in found if one["status"] != "pass"]
    loaded.answers = sorted(told, key=lambda one: one["status"] != "fail")
