"""Feeding files as a test says they are, straight into the table: `file(status=…, ago=…)`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from atalaia.kernel.base.database import connect

NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def rows(statement: str, *values: Any) -> list[dict[str, Any]]:
    """What a query answers."""
    with connect(autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def times_as_written() -> Iterator[Any]:
    """A connection on which the table's own triggers do not set its times."""
    with connect(autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def file(
    status: str = "loaded",
    *,
    uploaded: timedelta = HOUR,
    began: timedelta | None = None,
    ended: timedelta | None = None,
    at: datetime = NOW,
    state: str | None = None,
    many: int = 1,
    **more: Any,
) -> None:
    """One file or `many`, its moments so long before `at`. A file that ended did so at once unless
    `ended` says otherwise."""
    final = status in ("loaded", "error")
    usual = {"uploaded": "received", "processing": "processing", "loaded": "loaded"}
    values: dict[str, Any] = {
        "filename": "a.csv",
        "status": status,
        "state": state or usual.get(status, "failed"),
        "uploaded_at": at - uploaded,
        "processing_started_at": at - (began if began is not None else uploaded)
        if status != "uploaded"
        else None,
        "completed_at": at - (ended if ended is not None else uploaded) if final else None,
        "updated_at": at - (ended if ended is not None else uploaded),
        "error_message": "x" if status == "error" else None,
        "layout": "trato_curral",
        **more,
    }
    names = ", ".join(values)
    holes = ", ".join(f"%({name})s" for name in values)
    with times_as_written() as connection:
        connection.execute(
            f"INSERT INTO etl.etl_file ({names}) SELECT {holes} FROM generate_series(1, %(n)s)",
            values | {"n": many},
        )


def letter(resolved: bool = False, *, many: int = 1, error_type: str = "permanent") -> None:
    """Dead letters of cattle, as the work of a file leaves them."""
    rows(
        """WITH b AS (
               INSERT INTO ops.batches (tenant_id, kind, request_sha256, total, actor, trigger,
                                        trace_id)
               SELECT 'default', 'cattle.file', '', 1, 't', 'python', 't'
               FROM generate_series(1, %(n)s) RETURNING batch_id),
           i AS (
               INSERT INTO ops.work_items (batch_id, position, kind, payload, status, attempt,
                                           max_attempts, finished_at)
               SELECT batch_id, 0, 'cattle.file', '{}', 'dead', 3, 3, now() FROM b
               RETURNING item_id)
           INSERT INTO ops.dead_letters (domain, entity_type, entity_id, error_type, reason,
                                         payload, item_id, resolved, resolved_at)
           SELECT 'cattle', 'cattle.file', item_id::text, %(type)s, 'x', '{}', item_id, %(done)s,
                  CASE WHEN %(done)s THEN now() END
           FROM i""".replace("%(n)s", str(int(many)))
        .replace("%(type)s", f"'{error_type}'")
        .replace("%(done)s", str(resolved).lower())
    )
