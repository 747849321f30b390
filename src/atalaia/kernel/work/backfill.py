"""Backfill: a job's past, as a plan that is read first and then executed as it was read.

A plan is an object (JSON-ready): every period of a span, whether it is loaded already, whether its
run would go to the source, and what the runs so far let one expect. Executed, it is one batch of
runs; a plan that is no longer what would be planned now is refused.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from statistics import median
from typing import Any

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import BadPeriod, UsageError
from atalaia.kernel.work.batches import RUN, request
from atalaia.kernel.work.items import Accepted
from atalaia.kernel.work.job import Job, checked_period
from atalaia.kernel.work.runner import run_job

MOST_PERIODS = 1000
_AGREED = ("job_name", "from", "to", "force", "periods")  # what must still be so


def span(first: str, last: str) -> list[str]:
    """Every period from `first` to `last`, both included: years, months or days, as they are
    written. Raises BadPeriod for what is no span, or one of more than MOST_PERIODS."""
    if len(first) != len(last) or first > last:
        raise BadPeriod(
            f"De '{first}' a '{last}' não é um intervalo.",
            todo="O mais velho primeiro, os dois do mesmo jeito: --from 2020-01 --to 2020-12.",
        )
    found, day = [first], _first_day(first)
    while found[-1] != last and len(found) <= MOST_PERIODS:
        while (name := day.isoformat()[: len(first)]) == found[-1]:
            day += timedelta(days=1)
        found.append(name)
    if len(found) > MOST_PERIODS:
        raise BadPeriod(f"De {first} a {last} há mais de {MOST_PERIODS} períodos.")
    return found


def _first_day(period: str) -> date:
    return date.fromisoformat(period + "-01-01"[len(period) - 4 :])


def plan(job: Job, first: str, last: str, *, force: bool = False) -> dict[str, Any]:
    """The plan: nothing is written and no source is asked. Without `force`, periods that are loaded
    stay as they are. Raises BadPeriod."""
    if job.period_kind == "file":
        raise BadPeriod(f"{job.name} vai por arquivo: não há períodos entre um e outro.")
    periods = span(checked_period(first, job.period_kind), checked_period(last, job.period_kind))
    with transaction() as connection:
        loaded = _loaded(connection, job, periods)
        estimate = _experience(connection, job)
    planned = [_planned(job, period, loaded.get(period), force) for period in periods]
    runs = sum(one["run"] for one in planned)
    return {
        "plan": "backfill",
        "made_at": now().isoformat(timespec="seconds"),
        "job_name": job.name,
        "from": first,
        "to": last,
        "force": force,
        "periods": planned,
        "runs": runs,
        "estimate": {name: round(runs * each) for name, each in estimate.items()},
    }


def _loaded(connection: Connection, job: Job, periods: list[str]) -> dict[str, dict[str, Any]]:
    """The newest successful run of each period."""
    rows = connection.execute(
        """SELECT DISTINCT ON (reference_period) reference_period, run_id::text AS run_id,
                  finished_at_utc, rows_loaded
           FROM ops.pipeline_runs
           WHERE job_name = %s AND reference_period = ANY(%s) AND run_status = 'success'
           ORDER BY reference_period, started_at_utc DESC""",
        (job.name, periods),
    ).fetchall()
    return {row["reference_period"]: row for row in rows}


def _experience(connection: Connection, job: Job) -> dict[str, float]:
    """Rows and seconds of one run, by the middle of the last fifty; empty when there was none."""
    rows = connection.execute(
        """SELECT rows_loaded, extract(epoch FROM finished_at_utc - started_at_utc) AS seconds
           FROM ops.pipeline_runs WHERE job_name = %s AND run_status = 'success'
           ORDER BY started_at_utc DESC LIMIT 50""",
        (job.name,),
    ).fetchall()
    if not rows:
        return {}
    return {
        "rows": float(median(row["rows_loaded"] for row in rows)),
        "seconds": float(median(row["seconds"] for row in rows)),
    }


def _planned(job: Job, period: str, loaded: dict[str, Any] | None, force: bool) -> dict[str, Any]:
    wanted = force or loaded is None
    one = run_job(job, reference_period=period, force=force, dry_run=True)["plan"] if wanted else {}
    return {
        "reference_period": period,
        "loaded_by": loaded["run_id"] if loaded else None,
        "loaded_at": loaded["finished_at_utc"].isoformat() if loaded else None,
        "rows": loaded["rows_loaded"] if loaded else None,
        "run": wanted,
        "fetch": _goes_to_its_source(one),
    }


def _goes_to_its_source(found: Any) -> bool:
    """Whether any connector of a job's plan asks its source first."""
    if isinstance(found, dict):
        layers = found.get("layers")
        first = isinstance(layers, list) and layers[:1] == ["remote"]
        return first or any(_goes_to_its_source(one) for one in found.values())
    return isinstance(found, list) and any(_goes_to_its_source(one) for one in found)


def require_unchanged(agreed: Any, job: Job) -> None:
    """Raise UsageError unless `agreed` is a plan of `job`, and what would be planned now."""
    if not isinstance(agreed, dict) or agreed.get("plan") != "backfill":
        raise UsageError(
            "Isso não é um plano de backfill. Nada foi executado.",
            todo=f"Faça um: atalaia backfill {job.name} --from … --to … --dry-run > plano.json",
        )
    if agreed.get("job_name") != job.name:
        raise UsageError(
            f"O plano é do job {agreed.get('job_name')}, não de {job.name}. Nada foi executado."
        )
    today = plan(job, str(agreed["from"]), str(agreed["to"]), force=agreed["force"] is True)
    changed = [name for name in _AGREED if agreed.get(name) != today[name]]
    if changed:
        raise UsageError(
            f"O plano mudou desde que foi feito ({', '.join(changed)}). Nada foi executado.",
            todo="Faça outro com --dry-run, leia e execute-o.",
        )


def execute(
    agreed: dict[str, Any], *, actor: str, reason: str, trigger: str = "python"
) -> Accepted | None:
    """Accept the runs of a plan, as one batch; None when it has none. The same plan is the same
    batch, however often it is executed."""
    payloads = [
        {
            "job_name": agreed["job_name"],
            "reference_period": one["reference_period"],
            "force": agreed["force"],
        }
        for one in agreed["periods"]
        if one["run"]
    ]
    if not payloads:
        return None
    settled = json.dumps({name: agreed[name] for name in _AGREED}, sort_keys=True)
    with transaction() as connection:
        return request(
            connection,
            RUN,
            payloads,
            actor=actor,
            trigger=trigger,
            reason=reason,
            key=f"backfill {hashlib.sha256(settled.encode()).hexdigest()}",
            job=agreed["job_name"],
            periods=[agreed["from"], agreed["to"]],
        )
