"""A snapshot: what everything looked like at a moment, in one file with a hash for each part.

One read-only transaction sees the tables, so that they agree with each other. Logs are redacted
again on the way; a part that cannot be had is named with its reason and stops no other.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, LiteralString
from zipfile import ZIP_DEFLATED, ZipFile

from psycopg import IsolationLevel

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.disk import full_disk_is_told, renamed_when_whole, sha256_of
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.base.redact import place_of, redact, redacted
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import audit
from atalaia.kernel.watch import incident_texts, readiness
from atalaia.kernel.watch.incidents import STREAM

_LINES = 500  # of each log
_TABLES: dict[str, LiteralString] = {
    "alerts.json": "SELECT * FROM ops.alerts_now WHERE resolved_at IS NULL OR "
    "resolved_at > now() - interval '1 day' ORDER BY alert_id",
    "watched.json": "SELECT * FROM ops.watched ORDER BY rule, subject",
    "runs.json": "SELECT * FROM ops.pipeline_runs ORDER BY started_at_utc DESC LIMIT 100",
    "checks.json": "SELECT * FROM ops.pipeline_checks WHERE status <> 'pass' "
    "ORDER BY check_id DESC LIMIT 100",
    "queue.json": "SELECT kind, status::text, count(*), min(due_at) AS oldest_due_at "
    "FROM ops.work_items GROUP BY kind, status ORDER BY kind, status",
    "workers.json": "SELECT * FROM ops.workers ORDER BY started_at DESC LIMIT 50",
    "dead_letters.json": "SELECT domain, entity_type, error_type, count(*) FROM ops.dead_letters "
    "WHERE NOT resolved GROUP BY domain, entity_type, error_type ORDER BY 4 DESC",
    "backups.json": "SELECT backup_id, created_at_utc, verified_at_utc, problem FROM ops.backups "
    "ORDER BY created_at_utc DESC LIMIT 10",
    "maintenance.json": "SELECT * FROM ops.maintenance_windows ORDER BY starts_at DESC LIMIT 20",
}


def take(
    *, actor: str, reason: str, incident_id: int | None = None, trigger: str = "python"
) -> dict[str, Any]:
    """Write one below DATA_DIR/incidents and remember it, of an incident or of no one in
    particular. Returns its row. Raises NotFound for an incident there is not, NoSpace."""
    at = now()
    folder = settings().data_dir / "incidents"
    path = folder / f"{incident_id or 'geral'}-{at:%Y%m%dT%H%M%S%fZ}.zip"
    _require(incident_id)
    with full_disk_is_told():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with renamed_when_whole(path) as file, ZipFile(file, "w", ZIP_DEFLATED) as archive:
            _fill(archive, incident_id, at)
    row = {
        "incident_id": incident_id, "path": path.relative_to(settings().data_dir).as_posix(),
        "sha256": sha256_of(path), "size": path.stat().st_size, "actor": actor,
        "reason": redact(reason),
    }  # fmt: skip
    with transaction() as connection:
        made = connection.execute(
            """INSERT INTO ops.incident_snapshots (incident_id, path, sha256, size, actor, reason)
               VALUES (%(incident_id)s, %(path)s, %(sha256)s, %(size)s, %(actor)s, %(reason)s)
               RETURNING *""",
            row,
        ).fetchone()
        connection.execute(
            """INSERT INTO ops.incident_events (incident_id, kind, actor, says, details)
               SELECT %(incident_id)s, 'snapshot', %(actor)s, %(reason)s,
                      jsonb_build_object('path', %(path)s::text, 'sha256', %(sha256)s::text)
               WHERE %(incident_id)s::bigint IS NOT NULL""",
            row,
        )
        audit.append(
            connection, stream=STREAM, action="incident.snapshot", actor=actor, trigger=trigger,
            subject=str(incident_id or ""), reason=reason,
            details={"path": row["path"], "sha256": row["sha256"]},
        )  # fmt: skip
    assert made is not None  # noqa: S101  INSERT … RETURNING gives its row
    return made


def _require(incident_id: int | None) -> None:
    if incident_id is None:
        return
    with transaction() as connection:
        found = connection.execute(
            "SELECT 1 AS there FROM ops.incidents WHERE incident_id = %s", (incident_id,)
        ).fetchone()
    if found is None:
        raise NotFound("Não há esse incidente.", todo="'atalaia incident list' mostra os que há.")


def _fill(archive: ZipFile, incident_id: int | None, at: datetime) -> None:
    sums, missing = [], []
    for name, make in _parts(incident_id):
        try:
            content = make()
        except Exception as error:  # the other parts are worth having without it
            missing.append({"part": name, "why": place_of(error)})
            continue
        archive.writestr(name, content)
        sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}\n")
    head = {"taken_at": at.isoformat(), "incident_id": incident_id, "missing": missing}
    archive.writestr("snapshot.json", _json(head))
    archive.writestr("SHA256SUMS", "".join(sums))


def _parts(incident_id: int | None) -> Iterator[tuple[str, Callable[[], bytes]]]:
    with connect() as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        for name, query in _TABLES.items():
            found = connection.execute(query).fetchall()
            yield name, lambda found=found: _json(redacted(found))  # type: ignore[misc]
        if incident_id is not None:
            text = incident_texts.postmortem(connection, incident_id)
            yield "incidente.md", lambda: text.encode()
    yield "status.json", lambda: _json(readiness.assess().as_dict())
    for log in sorted(settings().log_dir.glob("*.log")):
        yield f"logs/{log.name}", lambda log=log: _tail(log)  # type: ignore[misc]


def _tail(log: Path) -> bytes:
    with log.open(encoding="utf-8", errors="replace") as file:
        return "".join(redact(line.rstrip("\n")) + "\n" for line in deque(file, _LINES)).encode()


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n").encode()
