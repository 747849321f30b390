"""The texts of an incident in the runbook's own words (its templates are in English), filled with
the figures of the moment; and its contacts, from the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from atalaia.domains.cattle import sla
from atalaia.domains.cattle.config import config
from atalaia.kernel.base.database import Connection, clock_of
from atalaia.kernel.watch.contacts import Level
from atalaia.kernel.watch.severity import NAMES, Severity
from atalaia.kernel.watch.voices import Voice

STATUSES = {
    "investigating": "Investigating",
    "identified": "Identified",
    "monitoring": "Monitoring",
    "resolved": "Resolved",
}
Row = Mapping[str, Any]  # of ops.incidents


def declaration(connection: Connection, row: Row) -> str:
    """The text of INCIDENT DECLARED."""
    impact = f"{_line(row['title'])}: {_line(row['impact']) or 'under investigation'}"
    return "\n".join(
        [
            f"🚨 INCIDENT DECLARED: {config().incidents.issue}",
            "",
            f"Severity: {NAMES[Severity(row['severity'])].p}",
            f"Start Time: {_when(row['started_at'])}",
            f"Affected Services: {_line(', '.join(row['affected'])) or 'under investigation'}",
            f"Impact: {impact} ({figures(connection)})",
            f"Incident Commander: {_line(row['commander'])}",
            "",
            "Updates will be provided every 30 minutes.",
            f"Incident Channel: {channel(row['declared_at'])}",
        ]
    )


def news(connection: Connection, row: Row, done: str, next_steps: str, eta: str) -> str:
    """The text of INCIDENT UPDATE."""
    return "\n".join(
        [
            f"📊 INCIDENT UPDATE: {config().incidents.issue}",
            "",
            f"Time: {_when(clock_of(connection))}",
            f"Status: {STATUSES[row['status']]}",
            f"Actions Taken: {_line(done)} ({figures(connection)})",
            f"Next Steps: {_line(next_steps) or 'to be defined'}",
            f"ETA: {_line(eta) or 'unknown'}",
            "",
            "Next update in 30 minutes unless resolved.",
        ]
    )


def end(row: Row) -> str:
    """The text of INCIDENT RESOLVED."""
    return "\n".join(
        [
            f"✅ INCIDENT RESOLVED: {config().incidents.issue}",
            "",
            f"Resolution Time: {_when(row['resolved_at'])}",
            f"Total Duration: {duration(row['resolved_at'] - row['started_at'])}",
            f"Root Cause: {_line(row['root_cause'])}",
            f"Resolution: {_line(row['resolution'])}",
            f"Prevention: {_line(row['prevention'] or '') or 'to be defined in the post-mortem'}",
            "",
            "Post-mortem will be conducted within 24 hours.",
        ]
    )


def channel(declared_at: datetime) -> str:
    """#incident-etl-YYYYMMDD, of the day it was declared, in UTC as the texts are."""
    return f"{config().incidents.channel}{declared_at:%Y%m%d}"


def duration(length: timedelta) -> str:
    """X hours Y minutes, whole."""
    hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    return f"{hours} hours {minutes} minutes"


def figures(connection: Connection) -> str:
    """How the files stand at this moment."""
    found = sla.uploaded(connection, config(), clock_of(connection))
    row = connection.execute(
        """SELECT (SELECT count(*) FROM etl.etl_file
                   WHERE status IN ('uploaded', 'processing')) AS waiting,
                  (SELECT count(*) FROM etl.etl_dead_letter_queue WHERE NOT resolved) AS letters,
                  (SELECT count(*) FROM etl.etl_alert_history WHERE NOT resolved) AS alerts"""
    ).fetchone()
    assert row is not None  # noqa: S101  a SELECT without FROM gives its row
    return (
        f"{found.loaded} of {found.total} files of the last 24 hours loaded, {row['waiting']} "
        f"waiting, {row['letters']} in the DLQ, {row['alerts']} open alerts"
    )


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _line(text: str) -> str:
    return " ".join(text.split())


def levels() -> Sequence[Level]:
    """Who is called, and when."""
    return config().contacts.levels


VOICE = Voice(declaration, news, end, levels)
