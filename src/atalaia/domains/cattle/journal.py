"""What happened to the files, brought from the tables into the log files.

The tables are the truth; a line is written before its row is marked, so that a process that dies in
between writes it again rather than never. The audit log's own records follow, by their place in
their chain: removing audit.log removes no record.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from atalaia.domains.cattle.logfiles import CLASSES, LogFiles
from atalaia.kernel.base.database import transaction

STREAMS = ("cattle", "dead_letters", "alerts", "incidents", "maintenance", "schedule")
_MOST = 1000
_ENDED_WELL = ("loaded", "partly_loaded")
_ENDED_BADLY = ("refused", "failed")
_EVENTS = """
    WITH next AS (
        SELECT event_id FROM etl.etl_file_event WHERE logged_at IS NULL
        ORDER BY event_id LIMIT %s FOR UPDATE SKIP LOCKED),
    marked AS (
        UPDATE etl.etl_file_event AS e SET logged_at = clock_timestamp()
        FROM next WHERE e.event_id = next.event_id RETURNING e.*)
    SELECT m.event_id, m.file_id::text, m.state::text, m.at, m.actor, m.reason, m.error,
           m.run_id::text, f.error_class, f.layout, f.rows_read,
           round(extract(epoch FROM m.at - (
               SELECT max(p.at) FROM etl.etl_file_event p
               WHERE p.file_id = m.file_id AND p.event_id < m.event_id
                 AND p.state = 'processing')) * 1000)::bigint AS milliseconds
    FROM marked m JOIN etl.etl_file f ON f.id = m.file_id
    ORDER BY m.event_id
"""
_RECORDS = """
    SELECT l.stream, l.seq, l.at, l.actor, l.action, l.subject, l.reason
    FROM ops.audit_log AS l LEFT JOIN etl.audit_logged AS w USING (stream)
    WHERE l.stream = ANY (%s) AND l.seq > coalesce(w.seq, 0)
    ORDER BY l.stream, l.seq LIMIT %s
"""


def write(files: LogFiles) -> int:
    """Write what is new, up to some thousand lines; returns how many rows that was."""
    with transaction() as connection:
        events = connection.execute(_EVENTS, (_MOST,)).fetchall()
        for one in events:
            _event(files, one)
        connection.execute("LOCK TABLE etl.audit_logged IN SHARE ROW EXCLUSIVE MODE")
        records = connection.execute(_RECORDS, (list(STREAMS), _MOST)).fetchall()
        for one in records:
            files.audit(
                one["at"], one["actor"], one["action"], one["subject"],
                reason=one["reason"], record=f"{one['stream']}:{one['seq']}",
            )  # fmt: skip
        for stream, seq in {one["stream"]: one["seq"] for one in records}.items():
            connection.execute(
                """INSERT INTO etl.audit_logged (stream, seq) VALUES (%s, %s)
                   ON CONFLICT (stream) DO UPDATE SET seq = excluded.seq""",
                (stream, seq),
            )
    return len(events) + len(records)


def _event(files: LogFiles, one: Mapping[str, Any]) -> None:
    at, file_id, state = one["at"], one["file_id"], one["state"]
    files.audit(at, one["actor"], f"file.{state}", file_id, reason=one["reason"])
    if state in _ENDED_WELL and one["milliseconds"] is not None:
        files.processed(
            at, file_id, one["milliseconds"], layout=one["layout"], rows=one["rows_read"]
        )
    elif state in _ENDED_BADLY:
        kind = CLASSES.get(one["error_class"] or "", "UnclassifiedError")
        files.error(at, kind, one["error"] or "sem mensagem", file_id, run=one["run_id"])
    else:
        files.said(at, "INFO", f"file {state}", file=file_id, run=one["run_id"])
