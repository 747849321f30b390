"""What must hold after any fault, whatever died: I1, I2, I3, I5, I8 and I9 of the reliability plan.

`broken()` asks the database and the disk, and says every breach in words; a test asserts that it
says nothing. `Outside` is what a client knows by itself, kept where no fault of ours reaches.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from psycopg import sql

from atalaia.kernel.base.database import Connection, connect
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest.connector import Table
from atalaia.kernel.keep.verify import verify

_ORPHAN_SECONDS = 3600

_QUESTIONS = {
    "I1: rows of a finished run do not balance": """
        SELECT run_id::text FROM ops.pipeline_runs
        WHERE run_status = 'success'
          AND rows_read <> rows_loaded + rows_rejected + rows_duplicate""",
    "I1: a rejected row has no reason": """
        SELECT dead_letter_id::text FROM ops.dead_letters WHERE btrim(reason) = ''""",
    "I2: a batch does not have the items it was accepted with": """
        SELECT b.batch_id::text FROM ops.batches b LEFT JOIN ops.work_items i USING (batch_id)
        GROUP BY b.batch_id HAVING count(i.item_id) <> b.total
            OR min(i.position) <> 0 OR max(i.position) <> b.total - 1""",
    "I2: a dead item has no letter, or no reason": """
        SELECT i.item_id::text FROM ops.work_items i WHERE i.status = 'dead'
        AND NOT EXISTS (SELECT FROM ops.dead_letters d
                        WHERE d.item_id = i.item_id AND btrim(d.reason) <> '')""",
    "I2: a letter is of an item that is not dead": """
        SELECT d.dead_letter_id::text FROM ops.dead_letters d JOIN ops.work_items i USING (item_id)
        WHERE i.status <> 'dead'""",
    "I2: a batch that was called off goes on": """
        SELECT i.item_id::text FROM ops.work_items i JOIN ops.batches b USING (batch_id)
        WHERE b.cancelled_at IS NOT NULL AND i.status = 'queued'""",
    "I5: a run's beginning or end is not recorded exactly once": """
        SELECT r.run_id::text FROM ops.pipeline_runs r
        LEFT JOIN ops.audit_log a ON a.stream = 'runs' AND a.subject = r.run_id::text
        GROUP BY r.run_id
        HAVING count(*) FILTER (WHERE a.action = 'run.opened') <> 1
            OR count(*) FILTER (WHERE a.action = 'run.closed')
               <> CASE WHEN r.run_status = 'running' THEN 0 ELSE 1 END""",
    "I5: a letter that a person decided is not recorded exactly once": """
        SELECT d.dead_letter_id::text FROM ops.dead_letters d
        LEFT JOIN ops.audit_log a
            ON a.stream = 'dead_letters' AND a.subject = d.dead_letter_id::text
        GROUP BY d.dead_letter_id
        HAVING count(a.seq) <> CASE WHEN d.resolved AND d.notes NOT LIKE 'a later run%'
                                THEN 1 ELSE 0 END""",
    "I5: a batch that was called off is not recorded exactly once": """
        SELECT b.batch_id::text FROM ops.batches b
        LEFT JOIN ops.audit_log a ON a.stream = 'work' AND a.subject = b.batch_id::text
            AND a.action = 'work.cancelled'
        GROUP BY b.batch_id
        HAVING count(a.seq) <> CASE WHEN b.cancelled_at IS NULL THEN 0 ELSE 1 END""",
    "I8: a run that succeeded has no check": """
        SELECT run_id::text FROM ops.pipeline_runs r WHERE run_status = 'success'
        AND NOT EXISTS (SELECT FROM ops.pipeline_checks c WHERE c.run_id = r.run_id)""",
    "I9: an item is in the hand of nobody alive": """
        SELECT i.item_id::text FROM ops.work_items i LEFT JOIN ops.workers w USING (worker_id)
        WHERE i.status = 'running'
          AND coalesce(w.leased_until, '-infinity') < clock_timestamp() - interval '60 seconds'""",
    "I9: a worker holds a lease it does not keep": """
        SELECT worker_id::text FROM ops.workers
        WHERE ended_at IS NULL AND leased_until > clock_timestamp() + interval '1 hour'""",
}
# Only once nothing is going on.
_AT_REST = {
    "I2: an item is not over": """
        SELECT item_id::text FROM ops.work_items WHERE finished_at IS NULL""",
    "I9: a run is open": """
        SELECT run_id::text FROM ops.pipeline_runs WHERE run_status = 'running'""",
    "I9: an advisory lock is held": """
        SELECT classid || '/' || objid FROM pg_locks
        WHERE locktype = 'advisory' AND database = (
            SELECT oid FROM pg_database WHERE datname = current_database())""",
}


def broken(*, at_rest: bool = True, tables: Iterable[Table] = ()) -> list[str]:
    """Every breach found: what, and up to five of which. `tables` are looked into for I3."""
    found = []
    with connect(autocommit=True) as connection:
        for what, question in (_QUESTIONS | (_AT_REST if at_rest else {})).items():
            rows = connection.execute(question.encode()).fetchall()
            if rows:
                some = [next(iter(row.values())) for row in rows[:5]]
                found.append(f"{what}: {len(rows)}, {some}")
        found += [line for table in tables if (line := _twice(connection, table))]
    found += [f"I5: the chain of {one.stream}: {one}" for one in verify() if one.status == "fail"]
    return found + _left_behind(settings().data_dir)


def _twice(connection: Connection, table: Table) -> str:
    """I3: no two rows of one natural key."""
    keys = sql.SQL(", ").join(map(sql.Identifier, table.key))
    row = connection.execute(
        sql.SQL("SELECT count(*) AS n FROM (SELECT 1 FROM {} GROUP BY {} HAVING count(*) > 1) t")
        .format(sql.Identifier(*table.name.split(".")), keys)
    ).fetchone()  # fmt: skip
    return f"I3: {table.name} has {row['n']} keys twice" if row and row["n"] else ""


def _left_behind(folder: Path) -> list[str]:
    """I9: temporary files nobody has touched for an hour."""
    limit = time.time() - _ORPHAN_SECONDS
    marks = (".tmp", ".part", ".partial")
    return [
        f"I9: {path} was left behind"
        for path in (folder.rglob("*") if folder.is_dir() else ())
        if path.is_file()
        and (path.suffix in marks or ".scratch" in path.parts)
        and path.stat().st_mtime < limit
    ]


class Outside:
    """A client's own log: a line is on the disk before `note` returns."""

    def __init__(self, file: Path) -> None:
        self._file, self._lock = file, threading.Lock()
        self._out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, **what: Any) -> None:
        """Write one line down."""
        with self._lock:
            os.write(self._out, json.dumps(what).encode() + b"\n")
            os.fsync(self._out)

    def lines(self) -> list[dict[str, Any]]:
        """All that was written down."""
        return [json.loads(line) for line in self._file.read_text("utf-8").splitlines()]

    def close(self) -> None:
        """No more is written."""
        os.close(self._out)
