"""The pulse: one cheap question per topic, whose answer differs when something changed.

A screen that is open wants to know that the queue moved, not how: it asks for what it shows. A
trigger that notifies would make the commits of the busiest tables wait for one another, so what
changed is found by asking, about once a second and only while somebody listens. Each question
reads the ends of indexes or a small table, never a whole one.
"""

# ruff: noqa: S608  every question is made of constants of this file
from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

from atalaia.kernel.base.database import Connection


@dataclass(frozen=True, slots=True)
class Beat:
    """A topic, the tables it is about, and the question: SQL for one text. A topic
    whose tables are not there yet has no beat."""

    topic: str
    tables: tuple[str, ...]
    question: LiteralString


def _newest(table: LiteralString, what: LiteralString, order: LiteralString) -> LiteralString:
    """The newest rows of a table, not only the last: rows are not committed in order."""
    return (
        f"(SELECT string_agg(({what})::text, ',') FROM"
        f" (SELECT * FROM {table} ORDER BY {order} DESC LIMIT 20) AS newest)"
    )


# What a person sees of an alert; when it was last seen moves on by itself.
_ALERT: LiteralString = """concat(alert_id, state, severity, count, follows, told, acknowledged_at,
    acknowledged_until, silenced_until, silenced_until > now())"""

_BEATS = (
    Beat(
        "runs",
        ("ops.pipeline_runs",),
        "SELECT concat_ws('|', "
        + _newest("ops.pipeline_runs", "run_id || status", "started_at_utc")
        + """, (SELECT string_agg(run_id || coalesce(cancel_requested_at::text, ''), ',' ORDER BY
                   run_id) FROM ops.pipeline_runs WHERE run_status = 'running'))""",
    ),
    Beat(
        "queue",
        ("ops.work_items", "ops.workers", "ops.batches", "ops.schedule"),
        """SELECT concat_ws('|',
               (SELECT max(item_id) FROM ops.work_items),
               (SELECT count(*) FROM (
                   SELECT FROM ops.work_items WHERE status = 'queued' LIMIT 2000) AS first),
               (SELECT sum(item_id + fence) FROM ops.work_items WHERE status = 'running'),
               (SELECT count(*) FROM ops.workers
                WHERE ended_at IS NULL AND leased_until > clock_timestamp()),
               (SELECT string_agg(concat(name, next_due_at, paused_at), ',' ORDER BY name)
                FROM ops.schedule),"""
        + _newest("ops.batches", "concat(batch_id, cancelled_at)", "created_at")
        + ")",
    ),
    Beat(
        "letters",
        ("ops.dead_letters", "ops.corrections"),
        """SELECT concat_ws('|',
               (SELECT count(*) FROM (
                   SELECT FROM ops.dead_letters WHERE NOT resolved LIMIT 20000) AS first),
               (SELECT max(created_at) FROM ops.corrections),"""
        + _newest("ops.dead_letters", "concat(dead_letter_id, resolved)", "dead_letter_id")
        + ")",
    ),
    Beat(
        "alerts",
        ("ops.alerts", "ops.maintenance"),
        "SELECT concat_ws('|', "
        + _newest("ops.alerts", _ALERT, "alert_id")
        + f", (SELECT string_agg(({_ALERT})::text, ',' ORDER BY alert_id)"
        + """ FROM ops.alerts WHERE resolved_at IS NULL),
               (SELECT string_agg(window_id::text, ',' ORDER BY window_id) FROM ops.maintenance
                WHERE until > now()),
               (SELECT count(*) FROM ops.maintenance
                WHERE starts_at <= now() AND now() < until))""",
    ),
    Beat(
        "incidents",
        ("ops.incidents", "ops.incident_events"),
        "SELECT concat_ws('|', "
        + _newest("ops.incidents", "concat(incident_id, status, severity)", "incident_id")
        + ", "
        + _newest("ops.incident_events", "event_id", "event_id")
        + ")",
    ),
    Beat(
        "deliveries",
        ("ops.deliveries", "ops.channels"),
        """SELECT concat_ws('|',
               (SELECT string_agg(concat(delivery_id, status, tries), ',')
                FROM tenants AS t, LATERAL (
                    SELECT * FROM ops.deliveries AS d WHERE d.tenant_id = t.tenant_id
                    ORDER BY created_at DESC, delivery_id LIMIT 20) AS newest),
               (SELECT count(*) FROM (
                   SELECT FROM ops.deliveries WHERE status = 'waiting' LIMIT 2000) AS first),
               (SELECT string_agg(delivery_id::text, ',' ORDER BY delivery_id)
                FROM ops.deliveries WHERE status = 'sending'),
               (SELECT string_agg(concat(channel_id, status, failures, secret_number), ','
                                  ORDER BY channel_id) FROM ops.channels))""",
    ),
    Beat(
        "checks",
        ("ops.pipeline_checks", "ops.corrective_actions"),
        "SELECT concat_ws('|', "
        + _newest("ops.pipeline_checks", "check_id", "check_id")
        + ", (SELECT count(*) FROM ops.corrective_actions WHERE closed_at_utc IS NULL))",
    ),
    Beat(
        "runbooks",
        ("ops.runbook_runs", "ops.runbook_cells", "ops.runbook_approvals"),
        """SELECT concat_ws('|',
               (SELECT string_agg(concat(newest.runbook_run_id, newest.status, cells.told), ',')
                FROM (SELECT runbook_run_id, status FROM ops.runbook_runs
                      ORDER BY started_at DESC LIMIT 20) AS newest,
                     LATERAL (SELECT string_agg(concat(position, status, attempts), ',') AS told
                              FROM ops.runbook_cells AS c
                              WHERE c.runbook_run_id = newest.runbook_run_id) AS cells),
               (SELECT max(approval_id) FROM ops.runbook_approvals))""",
    ),
    Beat("audit", ("ops.audit_log",), "SELECT " + _newest("ops.audit_log", "stream || seq", "at")),
    Beat(
        "sources",
        ("bronze.manifest", "ops.connector_registry", "ops.source_schema_contracts"),
        "SELECT concat_ws('|', "
        + _newest("bronze.manifest", "bronze_id", "bronze_id")
        + """, (SELECT max(updated_at_utc) FROM ops.connector_registry)
             , (SELECT concat(count(*), max(created_at_utc))
                FROM ops.source_schema_contracts WHERE active))""",
    ),
)
TOPICS = tuple(beat.topic for beat in _BEATS)


def present(connection: Connection) -> tuple[Beat, ...]:
    """The beats whose tables this database has."""
    wanted = sorted({table for beat in _BEATS for table in beat.tables})
    found = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NOT NULL", (wanted,)
    )
    known = {row["name"] for row in found}
    return tuple(beat for beat in _BEATS if known.issuperset(beat.tables))


def take(connection: Connection, beats: tuple[Beat, ...]) -> dict[str, str]:
    """The answer of each beat now, by topic; all of them in one question."""
    if not beats:
        return {}
    asked: LiteralString = ", ".join(f"({beat.question})" for beat in beats)
    row = connection.execute(f"SELECT ARRAY[{asked}] AS told").fetchone()
    told = row["told"] if row else []
    return {beat.topic: str(one) for beat, one in zip(beats, told, strict=True)}
