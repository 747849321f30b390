"""How the feeding files fare, over HTTP: figures, colours, what is to be done, by which rule."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import APIRouter

from atalaia.domains.cattle import sla
from atalaia.domains.cattle.colours import (
    SLA_WORDS,
    WORDS,
    judge,
    sla_status,
    target_met,
)
from atalaia.domains.cattle.config import Config, config
from atalaia.domains.cattle.incident import channel
from atalaia.kernel.base.database import Connection, clock_of, pooled
from atalaia.kernel.keep.doors import asks

router = APIRouter(prefix="/v1/cattle", tags=["conecta boi"])
NO_DATA = "sem dados"


@router.get(
    "/dashboard", summary="Figuras, cor, ação e SLA dos arquivos", openapi_extra=asks("operator")
)
def dashboard() -> dict[str, Any]:
    """All of it at one moment. The colour and the service level are two rules with limits of their
    own; each is given with its rule, and without files both say that there are no data. Figures
    are of the whole installation, whosever the files are."""
    known = config()
    with pooled() as connection, connection.transaction():
        at = clock_of(connection)
        return {
            "at": at,
            "window_hours": known.dashboard.window_hours,
            "colour": _colour(connection, known, at),
            "sla": _sla(connection, known, at),
            "targets": targets(connection, known, at),
            "pipelines": sla.pipelines(connection, at),
            "queue": _queue(connection),
            "slowest": sla.slowest(connection, known, at),
            "errors": sla.errors(connection, known, at),
            "alerts": _alerts(connection),
            "last_daily_check": _last_check(connection),
            "incident_channel": channel(at),
        }


def _colour(connection: Connection, known: Config, at: datetime) -> dict[str, Any]:
    found = sla.figures(connection, known, at)
    judged = judge(found, known.dashboard, known.sla)
    limits, rate = known.dashboard, found.success_percent
    return {
        "colour": judged.colour,
        "word": WORDS[judged.colour],
        "reasons": judged.reasons,
        "action": judged.action,
        "loaded": found.loaded,
        "failed": found.failed,
        "success_percent": None if rate is None else round(float(rate), 2),
        "minutes": found.minutes,
        "rule": f"verde acima de {limits.green_above_percent:g} % e dentro do SLA de tempo; "
        f"vermelho abaixo de {limits.red_below_percent:g} %, acima do SLA de tempo ou com erro "
        "crítico; dos arquivos que terminaram",
    }


def _sla(connection: Connection, known: Config, at: datetime) -> dict[str, Any]:
    found = sla.uploaded(connection, known, at)
    status = sla_status(found.loaded, found.total, known.sla)
    return {
        "status": status,
        "sla_status": SLA_WORDS[status],
        "total_files": found.total,
        "successful_files": found.loaded,
        "success_rate_percent": _percent(found.loaded, found.total),
        "avg_processing_minutes": found.average_minutes,
        "rule": f"OK a partir de {known.sla.success_percent:g} %, Warning a partir de "
        f"{known.sla.success_warning_percent:g} %; dos arquivos recebidos, em andamento também",
    }


def targets(connection: Connection, known: Config, at: datetime) -> list[dict[str, Any]]:
    """The four promises: what was measured, and whether it holds; None where nothing was."""
    ended, month = sla.figures(connection, known, at), sla.month(connection, at)
    rate = ended.success_percent
    percent, whole = month.percent, known.sla
    return [
        _target("availability", "Disponibilidade no mês", percent, whole.availability_percent,
                "%", None if percent is None else percent >= whole.availability_percent,
                measured_percent=month.measured_percent, down_minutes=month.down),
        _target("processing", f"Tempo de {whole.processing_share_percent:g} % dos arquivos",
                ended.minutes, whole.processing_minutes, "min",
                target_met(ended.minutes, whole.processing_minutes, above=False)),
        _target("success", "Taxa de sucesso", None if rate is None else float(rate),
                whole.success_percent, "%", target_met(rate, whole.success_percent, above=True)),
        _target("recovery", "Parada mais longa do mês",
                month.longest if month.outages else None, whole.recovery_minutes, "min",
                target_met(month.longest, whole.recovery_minutes, above=False)
                if month.outages else None, outages=month.outages),
    ]  # fmt: skip


def _target(
    name: str, title: str, value: float | None, target: float, unit: str, met: bool | None,
    **more: Any,
) -> dict[str, Any]:  # fmt: skip
    told = NO_DATA if value is None else f"{value:.2f} {unit}"
    return {
        "name": name, "title": title, "value": value, "told": told, "target": target,
        "unit": unit, "met": met, **more,
    }  # fmt: skip


def _percent(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


def _queue(connection: Connection) -> dict[str, Any]:
    row = connection.execute(
        """SELECT count(*) FILTER (WHERE status = 'uploaded')::int AS uploaded,
                  count(*) FILTER (WHERE status = 'processing')::int AS processing,
                  min(uploaded_at) FILTER (WHERE status IN ('uploaded', 'processing')) AS oldest,
                  (SELECT count(*)::int FROM etl.etl_dead_letter_queue WHERE NOT resolved)
                      AS dead_letters
           FROM etl.etl_file"""
    ).fetchone()
    return row or {}


def _alerts(connection: Connection) -> list[dict[str, Any]]:
    return connection.execute(
        """SELECT id, alert_type, subject, severity, title, message, triggered_at, runbook
           FROM etl.etl_alert_history WHERE NOT resolved ORDER BY triggered_at DESC, id"""
    ).fetchall()


def _last_check(connection: Connection) -> dict[str, Any] | None:
    return connection.execute(
        """SELECT run_id::text, started_at_utc, run_status::text, steps->0 AS judged
           FROM ops.pipeline_runs WHERE job_name = 'etl_daily_check' AND run_status <> 'running'
           ORDER BY started_at_utc DESC LIMIT 1"""
    ).fetchone()
