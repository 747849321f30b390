"""The handover of a watch: what stands open, in one page of Markdown, from what the tables say.

Every line names its id, so that who comes next finds it; nothing here is kept by hand. It is the
`HANDOFF.md` in which a failing check has its corrective action (T-059).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import IsolationLevel

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.redact import redact


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, the rows under it (each a `line` in words), and what to do with them."""

    title: str
    query: LiteralString
    todo: str


SECTIONS = (
    Section(
        "Incidentes em aberto",
        """SELECT format('incidente %s · %s · %s · comandante: %s · desde %s', incident_id,
                   severity, title, commander,
                   to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')) AS line
           FROM ops.incidents WHERE resolved_at IS NULL ORDER BY severity DESC, incident_id""",
        "atalaia incident show ID",
    ),
    Section(
        "Alertas em aberto",
        """SELECT format('alerta %s · %s · %s: %s · runbook %s%s', alert_id, severity, title, says,
                   runbook, CASE WHEN acknowledged_by IS NULL THEN ' · ninguém assumiu'
                                 ELSE ' · com ' || acknowledged_by END) AS line
           FROM ops.alerts WHERE resolved_at IS NULL ORDER BY severity DESC, alert_id""",
        "atalaia alerts show ID",
    ),
    Section(
        "Ações corretivas em aberto",
        """SELECT format('ação %s · check %s (%s) %s · %s · desde %s', a.action_id, c.check_id,
                   a.check_name, a.subject, a.action,
                   to_char(a.opened_at_utc AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')) AS line
           FROM ops.corrective_actions a JOIN ops.pipeline_checks c ON c.check_id = a.opened_by
           WHERE a.closed_at_utc IS NULL ORDER BY a.action_id""",
        "corrija, e rode 'atalaia quality' de novo: a ação fecha quando a verificação passa",
    ),
    Section(
        "Fontes cuja última execução não terminou bem",
        """SELECT format('%s %s · %s%s · execução %s', job_name, reference_period, run_status,
                   coalesce(' · ' || verdict, ''), run_id) AS line
           FROM (SELECT DISTINCT ON (job_name, reference_period) * FROM ops.pipeline_runs
                 ORDER BY job_name, reference_period, started_at_utc DESC) AS last
           WHERE run_status IN ('failed', 'blocked', 'manual_required') ORDER BY job_name""",
        "atalaia runs --job JOB, depois platform/source-failed",
    ),
    Section(
        "Mortos que esperam decisão",
        """SELECT format('%s · %s · %s: %s, o mais velho de %s', domain, entity_type, error_type,
                   count(*), to_char(min(created_at_utc) AT TIME ZONE 'UTC', 'YYYY-MM-DD')) AS line
           FROM ops.dead_letters WHERE NOT resolved
           GROUP BY domain, entity_type, error_type ORDER BY count(*) DESC""",
        "atalaia dlq list",
    ),
    Section(
        "Em pausa ou em manutenção",
        """SELECT format('agenda %s em pausa por %s: %s', name, paused_by, pause_reason) AS line
           FROM ops.schedule WHERE paused_at IS NOT NULL
           UNION ALL
           SELECT format('manutenção %s até %s: %s', window_id,
                   to_char(ends_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'), reason)
           FROM ops.maintenance_windows
           WHERE ends_at > clock_timestamp() AND cancelled_at IS NULL ORDER BY 1""",
        "atalaia schedule resume NOME; atalaia maintenance list",
    ),
)
_BACKUP: LiteralString = """
    SELECT coalesce((SELECT format('backup verificado mais novo: %s, de %s', backup_id,
               to_char(created_at_utc AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"'))
           FROM ops.backups WHERE verified_at_utc IS NOT NULL AND problem IS NULL
             AND removed_at_utc IS NULL ORDER BY created_at_utc DESC LIMIT 1),
           'não há backup verificado') AS line,
           to_char(transaction_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') AS moment
"""


def gather() -> dict[str, Any]:
    """What stands open, all of it seen at one moment: {moment, backup, sections: [{title, lines,
    todo}]}. Raises DatabaseUnavailable."""
    with connect() as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        head = connection.execute(_BACKUP).fetchall()[0]
        sections = [
            {
                "title": one.title,
                "lines": [redact(row["line"]) for row in connection.execute(one.query).fetchall()],
                "todo": one.todo,
            }
            for one in SECTIONS
        ]
    return {"moment": head["moment"], "backup": head["line"], "sections": sections}


def as_markdown(found: dict[str, Any]) -> str:
    """The page: a section for all that stands open, and one line for what does not."""
    parts = [f"# Passagem de plantão, {found['moment']}", f"{found['backup']}."]
    quiet = []
    for section in found["sections"]:
        if section["lines"]:
            lines = [f"- [ ] {' '.join(line.split())}" for line in section["lines"]]
            parts.append("\n".join([f"## {section['title']}", "", *lines, "", section["todo"]]))
        else:
            quiet.append(section["title"].lower())
    if quiet:
        parts.append(f"Nada em: {'; '.join(quiet)}.")
    return "\n\n".join(parts) + "\n"
