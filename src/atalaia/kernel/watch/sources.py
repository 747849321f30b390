"""Sources as they were measured: late, failed, silent, changed; day by day and period by period.

A source is a connector of the registry. Whether it failed is the runs' own verdict (`falhamos`, `a
fonte falhou`, `a fonte não publicou`); whether it is late is decided by what its connector says of
how old its data may be. That we could not leave the house says nothing of a source: such a day is
unknown, and what was loaded well before still stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any, Literal

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import NotFound

DAYS = 90
WORDS = {
    "we_failed": "falhamos",
    "source_failed": "a fonte falhou",
    "not_published": "a fonte não publicou",
}
State = Literal["ok", "late", "failed", "not_published", "unknown"]
_WORST: tuple[State, ...] = ("failed", "not_published", "late", "ok", "unknown")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a connector says of itself: its folder in bronze, and the age in hours at which its data
    is fetched again; None for what is bundled and fetched nowhere."""

    folder: str
    datasets: tuple[str, ...]
    refresh_hours: int | None


def state_of(run: Mapping[str, Any]) -> State:
    """What one ended run says of its source."""
    if run["verdict"] in ("source_failed", "not_published"):
        return "failed" if run["verdict"] == "source_failed" else "not_published"
    if run["run_status"] == "success":
        return "ok"
    if run["run_status"] == "failed":
        return "failed"
    return "unknown"  # blocked with no way out of the house, called off, or waiting for a person


def standing(run: Mapping[str, Any] | None, good: datetime | None) -> str:
    """How a source stands, in words: its last verdict, and what is valid in spite of it."""
    if run is None:
        return "nunca executado"
    if run["verdict"] is None:
        return "" if run["run_status"] == "success" else f"a última execução: {run['run_status']}"
    could_not_ask = run["run_status"] in ("success", "blocked") and run["verdict"] == "we_failed"
    said = "não se chegou à fonte daqui" if could_not_ask else WORDS[run["verdict"]]
    return f"{said}; vale a carga de {good:%d/%m/%Y}" if good else said


def strip(
    runs: Sequence[Mapping[str, Any]], expected: Expected | None, today: date
) -> list[dict[str, Any]]:
    """The last 90 days, the oldest first: each the worst that its runs said, and without any what
    the age of the last good data says. `runs` are all that ended, the oldest first, with `day`."""
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    by_day: dict[date, list[State]] = {}
    for run in runs:
        by_day.setdefault(run["day"], []).append(state_of(run))
    good = [run["day"] for run in runs if run["run_status"] == "success"]
    limit = expected.refresh_hours if expected else None
    return [
        {
            "day": day.isoformat(),
            "state": _of_day(by_day.get(day, []), [d for d in good if d <= day], day, limit),
            "runs": len(by_day.get(day, [])),
        }
        for day in days
    ]


def _of_day(said: list[State], good: list[date], day: date, limit: int | None) -> State:
    worst = next((state for state in _WORST if state in said), None)
    if worst and worst != "unknown":
        return worst
    if not good:
        return "unknown"
    if limit is not None and (day - good[-1]) > timedelta(hours=limit):
        return "late"
    return "unknown" if worst else "ok"


def delays(taken: Sequence[datetime], limit: int | None) -> list[float]:
    """By how many hours each extraction came after its turn, 0 for one in time."""
    if limit is None:
        return []
    gaps = ((after - before).total_seconds() / 3600 for before, after in pairwise(taken))
    return [max(0.0, gap - limit) for gap in gaps]


def listed(connection: Connection, expected: Mapping[str, Expected]) -> list[dict[str, Any]]:
    """Every source with its figures of 90 days and its strip, in the registry's order."""
    names = connection.execute(
        """SELECT connector, job_name, domain, wave, source, status::text
           FROM ops.connector_registry ORDER BY wave, connector"""
    ).fetchall()
    return [_measured(connection, row, expected.get(row["connector"])) for row in names]


def one(connection: Connection, name: str, expected: Mapping[str, Expected]) -> dict[str, Any]:
    """One source: its figures, its strip, its contracts, certificates and last runs. Raises
    NotFound."""
    row = _registered(connection, name)
    found = _measured(connection, row, expected.get(name))
    found["contracts"] = connection.execute(
        """SELECT version, table_name, active, created_at_utc
           FROM ops.source_schema_contracts WHERE connector = %s ORDER BY version DESC""",
        (name,),
    ).fetchall()
    found["certificates"] = _certificates(connection, expected.get(name))
    found["last_runs"] = connection.execute(
        """SELECT run_id, reference_period, run_status::text, verdict::text, source_type::text,
                  rows_read, rows_loaded, rows_rejected, rows_duplicate, started_at_utc,
                  finished_at_utc, error
           FROM ops.pipeline_runs WHERE job_name = %s ORDER BY started_at_utc DESC LIMIT 10""",
        (row["job_name"],),
    ).fetchall()
    return found


def coverage(connection: Connection, name: str) -> list[dict[str, Any]]:
    """Each period that was ever asked for: how its last run ended, and what stands of it. Raises
    NotFound."""
    found = connection.execute(
        """SELECT DISTINCT ON (run.reference_period) run.reference_period, run.run_id,
                  run.run_status::text, run.verdict::text, run.finished_at_utc,
                  good.run_id AS good_run_id, good.rows_loaded, good.at AS good_at, good.source_type
           FROM ops.pipeline_runs AS run
           LEFT JOIN LATERAL (
               SELECT g.run_id, g.rows_loaded, g.finished_at_utc AS at,
                      g.source_type::text AS source_type
               FROM ops.pipeline_runs AS g
               WHERE g.job_name = run.job_name AND g.reference_period = run.reference_period
                 AND g.run_status = 'success'
               ORDER BY g.started_at_utc DESC LIMIT 1) AS good ON true
           WHERE run.job_name = %s AND run.run_status <> 'running'
           ORDER BY run.reference_period, run.started_at_utc DESC""",
        (_registered(connection, name)["job_name"],),
    ).fetchall()
    return [{**row, "state": state_of(row), "says": standing(row, row["good_at"])} for row in found]


def _registered(connection: Connection, name: str) -> dict[str, Any]:
    row = connection.execute(
        """SELECT connector, job_name, domain, wave, source, status::text
           FROM ops.connector_registry WHERE connector = %s""",
        (name,),
    ).fetchone()
    if row is None:
        raise NotFound(
            "Não há fonte com esse nome.", todo="'atalaia sources list' mostra as que há."
        )
    return row


def _measured(
    connection: Connection, row: dict[str, Any], expected: Expected | None
) -> dict[str, Any]:
    runs = connection.execute(
        """SELECT run_id, run_status::text, verdict::text, finished_at_utc,
                  (finished_at_utc AT TIME ZONE 'America/Sao_Paulo')::date AS day
           FROM ops.pipeline_runs WHERE job_name = %s AND run_status <> 'running'
           ORDER BY started_at_utc""",
        (row["job_name"],),
    ).fetchall()
    known = connection.execute(
        """SELECT (clock_timestamp() AT TIME ZONE 'America/Sao_Paulo')::date AS today,
                  (SELECT count(*) FROM ops.source_schema_contracts WHERE connector = %s
                     AND version > 1 AND created_at_utc > clock_timestamp() - %s * interval '1 day')
                      AS changes""",
        (row["connector"], DAYS),
    ).fetchone()
    assert known is not None  # noqa: S101  a SELECT without FROM gives its row
    days = strip(runs, expected, known["today"])
    certificates = _certificates(connection, expected)
    return {
        **row,
        **_figures([run for run in runs if run["day"].isoformat() >= days[0]["day"]], days),
        **_now(runs, days),
        "refresh_hours": expected.refresh_hours if expected else None,
        "schema_changes": known["changes"],
        "certificate_changes": max(0, len(certificates) - 1),
        "certificate": certificates[0] if certificates else None,
        "median_delay_hours": _median_delay(connection, expected),
        "days": days,
    }


def _figures(runs: Sequence[dict[str, Any]], days: Sequence[dict[str, Any]]) -> dict[str, Any]:
    states = [state_of(run) for run in runs]
    return {
        "window_days": DAYS,
        "runs": len(runs),
        "failed": states.count("failed"),
        "not_published": states.count("not_published"),
        "unreachable": sum(run["verdict"] == "we_failed" for run in runs),
        "late_days": sum(day["state"] == "late" for day in days),
    }


def _now(runs: Sequence[dict[str, Any]], days: Sequence[dict[str, Any]]) -> dict[str, Any]:
    last = runs[-1] if runs else None
    good = max((r["finished_at_utc"] for r in runs if r["run_status"] == "success"), default=None)
    return {
        "state": days[-1]["state"],
        "last_run_id": last and last["run_id"],
        "last_verdict": last and last["verdict"],
        "last_good_at": good,
        "says": standing(last, good),
    }


def _extractions(connection: Connection, expected: Expected | None) -> list[dict[str, Any]]:
    if expected is None:
        return []
    return connection.execute(
        """SELECT extracted_at, exchange->'certificate' AS certificate FROM bronze.manifest
           WHERE source = %s AND dataset = ANY(%s) AND exchange IS NOT NULL
           ORDER BY extracted_at""",
        (expected.folder, list(expected.datasets)),
    ).fetchall()


def _median_delay(connection: Connection, expected: Expected | None) -> float | None:
    taken = sorted({row["extracted_at"] for row in _extractions(connection, expected)})
    late = delays(taken, expected.refresh_hours if expected else None)
    return round(median(late), 1) if late else None


def _certificates(connection: Connection, expected: Expected | None) -> list[dict[str, Any]]:
    """The certificates the source showed, the newest first, each with when it was first seen."""
    seen: dict[str, dict[str, Any]] = {}
    for row in _extractions(connection, expected):
        if row["certificate"]:
            shown = {**row["certificate"], "first_seen_at": row["extracted_at"]}
            seen.setdefault(shown["sha256"], shown)
    return list(reversed(seen.values()))
