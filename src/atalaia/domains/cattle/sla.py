"""Figures of the feeding files: how many went well, how long they took, was the service there.

All of them from the tables, at a moment; nothing of nothing is None, shown as 'sem dados'.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from atalaia.domains.cattle.colours import Figures
from atalaia.domains.cattle.config import Config
from atalaia.kernel.base.database import Connection

LAYOUTS = (
    "historico_consumo",
    "desvio_carregamento",
    "desvio_distribuicao",
    "itens_trato",
    "trato_curral",
)


def figures(connection: Connection, known: Config, moment: datetime) -> Figures:
    """What the colour is judged by: files that ended in the window."""
    row = connection.execute(
        """SELECT count(*) FILTER (WHERE status = 'loaded') AS loaded,
                  count(*) FILTER (WHERE status = 'error') AS failed,
                  percentile_disc(%(share)s) WITHIN GROUP (ORDER BY
                      extract(epoch FROM completed_at - uploaded_at) / 60)::float8 AS minutes,
                  array_agg(DISTINCT error_class) FILTER (
                      WHERE status = 'error' AND error_class = ANY (%(critical)s)) AS critical
           FROM etl.etl_file
           WHERE status IN ('loaded', 'error')
             AND completed_at > %(now)s - %(window)s AND completed_at <= %(now)s""",
        {
            "now": moment,
            "window": timedelta(hours=known.dashboard.window_hours),
            "share": known.sla.processing_share_percent / 100,
            "critical": list(known.dashboard.critical_error_classes),
        },
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate gives its row
    alerts = connection.execute(
        """SELECT title FROM etl.etl_alert_history
           WHERE NOT resolved AND severity = 'critical' ORDER BY id"""
    ).fetchall()
    critical = [f"arquivos com erro de {name}" for name in row["critical"] or ()]
    critical += [one["title"] for one in alerts]
    return Figures(row["loaded"], row["failed"], row["minutes"], tuple(critical))


@dataclass(frozen=True, slots=True)
class Uploaded:
    """Files uploaded in the window, and how many of them are loaded: the runbook's SLA query."""

    total: int
    loaded: int
    average_minutes: float | None


def uploaded(connection: Connection, known: Config, moment: datetime) -> Uploaded:
    """As the SLA Dashboard Query counts; of no file there is no average, and no error."""
    row = connection.execute(
        """SELECT count(*) AS total, count(*) FILTER (WHERE status = 'loaded') AS loaded,
                  avg(extract(epoch FROM completed_at - processing_started_at) / 60)::float8
                      AS average
           FROM etl.etl_file WHERE uploaded_at > %(now)s - %(window)s AND uploaded_at <= %(now)s""",
        {"now": moment, "window": timedelta(hours=known.dashboard.window_hours)},
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate gives its row
    return Uploaded(row["total"], row["loaded"], row["average"])


@dataclass(frozen=True, slots=True)
class Month:
    """Minutes of a month up to a moment, without announced maintenance. `longest` and `outages`
    are of stretches that were down; `open` says that the last one goes on."""

    up: int
    down: int
    unknown: int
    longest: int
    outages: int

    @property
    def percent(self) -> float | None:
        """Of the minutes that were measured."""
        return 100 * self.up / (self.up + self.down) if self.up + self.down else None

    @property
    def measured_percent(self) -> float | None:
        """How much of it was measured at all."""
        whole = self.up + self.down + self.unknown
        return 100 * (self.up + self.down) / whole if whole else None


_MONTH = """
    WITH probed AS (
        SELECT minute, up FROM etl.availability AS a
        WHERE minute >= date_trunc('month', %(now)s::timestamptz, 'America/Sao_Paulo')
          AND minute <= %(now)s
          AND NOT EXISTS (SELECT FROM ops.maintenance AS m
                          WHERE m.rules = '{}' AND m.subjects = '{}'
                            AND m.starts_at <= a.minute AND a.minute < m.until)),
    down AS (
        SELECT minute - row_number() OVER (ORDER BY minute) * interval '1 minute' AS stretch
        FROM probed WHERE NOT up),
    stretches AS (SELECT count(*) AS minutes FROM down GROUP BY stretch)
    SELECT count(*) FILTER (WHERE up) AS up, count(*) FILTER (WHERE NOT up) AS down,
           greatest(0, extract(epoch FROM max(minute) - min(minute))::bigint / 60 + 1
                       - count(up)) AS unknown,
           coalesce((SELECT max(minutes) FROM stretches), 0) AS longest,
           (SELECT count(*) FROM stretches) AS outages
    FROM probed
"""


def month(connection: Connection, moment: datetime) -> Month:
    """Availability of the month that `moment` is in, from the first minute that was probed on."""
    row = connection.execute(_MONTH, {"now": moment}).fetchone()
    assert row is not None  # noqa: S101  an aggregate gives its row
    return Month(**{name: int(value or 0) for name, value in row.items()})


def slowest(connection: Connection, known: Config, moment: datetime) -> list[dict[str, Any]]:
    """The ten files of the window that took longest, and what is normal for their layout."""
    return connection.execute(
        """SELECT id, filename, layout, rows_read,
                  (extract(epoch FROM completed_at - processing_started_at) / 60)::float8
                      AS duration_minutes,
                  (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY
                       extract(epoch FROM n.completed_at - n.processing_started_at) / 60)::float8
                   FROM etl.etl_file n
                   WHERE n.layout = f.layout AND n.status = 'loaded'
                     AND n.processing_started_at IS NOT NULL
                     AND n.completed_at > %(now)s - %(days)s) AS usual_minutes
           FROM etl.etl_file f
           WHERE completed_at > %(now)s - %(window)s AND completed_at <= %(now)s
             AND processing_started_at IS NOT NULL
           ORDER BY duration_minutes DESC, id LIMIT 10""",
        {
            "now": moment,
            "window": timedelta(hours=known.dashboard.window_hours),
            "days": timedelta(days=known.alerts.slow_baseline_days),
        },
    ).fetchall()


# What the runbook says to look at, for each class of error (scenario 2).
ERROR_ACTIONS = {
    "validation": ("Validação", "Verificar o formato dos arquivos recentes."),
    "connection": ("Conexão", "Verificar a conectividade de rede."),
    "resource": ("Resource", "Verificar CPU, RAM e disco."),
    "data": ("Data", "Verificar a integridade dos dados de entrada."),
}


def errors(connection: Connection, known: Config, moment: datetime) -> list[dict[str, Any]]:
    """Files in error of the last hours by class and message, most first, each with what to do."""
    found = connection.execute(
        """SELECT error_class, error_message, count(*)::int AS count,
                  max(updated_at) AS last_occurrence
           FROM etl.etl_file
           WHERE status = 'error' AND updated_at > %(now)s - %(window)s
           GROUP BY error_class, error_message ORDER BY count DESC, error_message LIMIT 50""",
        {"now": moment, "window": timedelta(minutes=known.alerts.error_window_minutes)},
    ).fetchall()
    for one in found:
        word, action = ERROR_ACTIONS.get(one["error_class"], ("sem classe", "Ver o registro."))
        one["error_class_word"], one["action"] = word, action
    return found


# A worker is there when the watch, which looks every few seconds, last saw one.
_FRESH = timedelta(seconds=45)


def worker_there(connection: Connection, moment: datetime) -> bool | None:
    """Whether files would be processed now; None when the watch has not looked for a while."""
    row = connection.execute(
        """SELECT value, state::text, asked_at FROM ops.watched
           WHERE rule = 'worker-dead' ORDER BY asked_at DESC LIMIT 1"""
    ).fetchone()
    if row is None or moment - row["asked_at"] > _FRESH or row["value"] is None:
        return None
    return not row["value"] > 0


def pipelines(connection: Connection, moment: datetime) -> dict[str, dict[str, Any]]:
    """Layout → active, inactive or unknown, with what waits and when one last ended."""
    there = worker_there(connection, moment)
    state = "unknown" if there is None else "active" if there else "inactive"
    found = connection.execute(
        """SELECT layout, count(*) FILTER (WHERE status IN ('uploaded', 'processing'))::int
                      AS waiting,
                  count(*) FILTER (WHERE status = 'error')::int AS in_error,
                  max(completed_at) AS last_completed_at
           FROM etl.etl_file WHERE layout IS NOT NULL GROUP BY layout"""
    )
    by_layout = {one.pop("layout"): one for one in found}
    nothing = {"waiting": 0, "in_error": 0, "last_completed_at": None}
    return {
        name: {"status": state, **by_layout.get(name, nothing)}
        for name in (*LAYOUTS, *sorted(by_layout.keys() - set(LAYOUTS)))
    }
