"""A backup: all of a platform at one moment, in one file that is whole or not there.

One transaction exports its snapshot; the census, the heads of the audit log, the list of files and
pg_dump all look through it, so that what writers do meanwhile is either in all of them or in none.
Files of holdings never change, so that copying them takes no moment at all.
"""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, LiteralString, Protocol

import psycopg
from psycopg import IsolationLevel
from psycopg.rows import TupleRow, tuple_row

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.disk import full_disk_is_told, sha256_of
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.base.settings import database_url, settings
from atalaia.kernel.keep import archive, census, dump
from atalaia.kernel.keep.audit import append, heads
from atalaia.kernel.keep.census import Census
from atalaia.kernel.keep.holdings import registered

STREAM = "backups"  # of the audit log
_ROLES = """
    SELECT DISTINCT pg_get_userbyid(acl.grantee)::text
    FROM (SELECT relacl AS acls FROM pg_class UNION ALL SELECT proacl FROM pg_proc
          UNION ALL SELECT nspacl FROM pg_namespace) AS granted,
         LATERAL aclexplode(acls) AS acl
    WHERE acl.grantee <> 0 AND pg_get_userbyid(acl.grantee) NOT LIKE 'pg\\_%'
    ORDER BY 1
"""
_SETTINGS = """
    SELECT unnest(setconfig) FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase
    WHERE setrole = 0 AND datname = current_database()
"""


class Watcher(Protocol):
    """Who is told how far long work is."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins; `total` bytes are to come, when that is known."""

    def advance(self, count: int) -> None:
        """So many more bytes of the stage are through."""


class Unwatched:
    """Nobody looks."""

    def stage(self, name: str, total: int | None = None) -> None:
        """Nothing."""

    def advance(self, count: int) -> None:
        """Nothing."""


def create(
    out: Path,
    *,
    actor: str,
    trigger: str,
    reason: str | None,
    watcher: Watcher | None = None,
) -> dict[str, Any]:
    """Write a backup to `out` and `<out>.checksum`, both of mode 0600, and record it. Returns its
    row of `ops.backups`. Raises UsageError when `out` is there already, NoSpace when it does not
    fit; nothing stands under the name `out` then."""
    out, watcher, began = out.absolute(), watcher or Unwatched(), time.monotonic()
    _require_place(out)
    anchors = _anchors()  # before the snapshot: no anchor may be newer than the log
    with connect(row_factory=tuple_row) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        watcher.stage("contando o banco")
        head = _head(connection)
        sources = _sources(head)
        with (
            full_disk_is_told(),
            archive.writing(out, head, watcher.advance) as (writer, made),
        ):
            if anchors:
                writer.put("anchors.ndjson", anchors)
            watcher.stage("copiando o banco", head["database_bytes"])
            snapshot = str(_one(connection, "SELECT pg_export_snapshot()"))
            with dump.dumping(database_url(), snapshot) as stream:
                writer.put_stream("database", stream)
            watcher.stage("copiando os arquivos", sum(f.stat().st_size for f in sources.values()))
            for sha256, path in sources.items():
                writer.put_file(f"files/{sha256}", path)
    counted = Census.of(head["census"])
    row = {
        "backup_id": head["backup_id"], "file": str(out), "sha256": made.sha256,
        "size": made.size, "created_at_utc": head["created_at"],
        "seconds": round(time.monotonic() - began, 3), "row_count": counted.rows,
        "data_hash": counted.hash, "missing_files": len(head["missing"]),
        "actor": actor, "trigger": trigger, "reason": reason,
    }  # fmt: skip
    return remember(row, action="backup.created")


def remember(row: dict[str, Any], *, action: str) -> dict[str, Any]:
    """Have `ops.backups` know a backup, and the audit log what was done."""
    with transaction() as connection:
        connection.execute(
            """INSERT INTO ops.backups (backup_id, file, sha256, size, created_at_utc, seconds,
                   row_count, data_hash, missing_files, actor, trigger, reason)
               VALUES (%(backup_id)s, %(file)s, %(sha256)s, %(size)s, %(created_at_utc)s,
                   %(seconds)s, %(row_count)s, %(data_hash)s, %(missing_files)s, %(actor)s,
                   %(trigger)s, %(reason)s)
               ON CONFLICT (backup_id) DO UPDATE SET file = excluded.file, removed_at_utc = NULL""",
            row,
        )
        append(
            connection,
            stream=STREAM,
            action=action,
            actor=row["actor"],
            trigger=row["trigger"],
            subject=str(row["backup_id"]),
            reason=row["reason"],
            details={"file": Path(row["file"]).name, "sha256": row["sha256"], "size": row["size"]},
        )
    return row


def known() -> list[dict[str, Any]]:
    """Every backup, newest first; `present` says whether its file is still there."""
    with transaction() as connection:
        found = connection.execute(
            """SELECT *, extract(epoch FROM clock_timestamp() - created_at_utc)::bigint
                         AS age_seconds
               FROM ops.backups ORDER BY created_at_utc DESC"""
        ).fetchall()
    return [{**row, "present": Path(row["file"]).is_file()} for row in found]


def _require_place(out: Path) -> None:
    if not out.parent.is_dir():
        raise UsageError(f"A pasta {out.parent} não existe. Nada foi escrito.")
    if out.exists():
        raise UsageError(
            f"{out} já existe, e um backup nunca é sobrescrito. Nada foi escrito.",
            todo="Dê outro nome, com a data: backup-$(date -u +%Y%m%dT%H%M%SZ).atl",
        )


def _anchors() -> bytes:
    with suppress(FileNotFoundError):
        content = settings().audit_anchor_file.read_bytes()
        return content[: content.rfind(b"\n") + 1]
    return b""


def _one(connection: psycopg.Connection[TupleRow], query: LiteralString) -> Any:
    found = connection.execute(query).fetchone()
    return found[0] if found else None


def _column(connection: psycopg.Connection[TupleRow], query: LiteralString) -> list[Any]:
    return [value for (value,) in connection.execute(query)]


def _head(connection: psycopg.Connection[TupleRow]) -> dict[str, Any]:
    """What an archive says of itself, all of it seen at one moment."""
    if _one(connection, "SELECT to_regclass('ops.backups')") is None:
        raise UsageError(
            "O banco ainda não tem o esquema deste programa. Nada foi escrito.",
            todo="Aplique as migrações: alembic upgrade heads",
        )
    schema = connection.execute("SELECT path, sha256 FROM ops.schema_files").fetchall()
    return {
        "backup_id": str(uuid.uuid4()),
        "created_at": _one(connection, "SELECT transaction_timestamp()").isoformat(),
        "database": connection.info.dbname,
        "server_version": connection.info.server_version,
        "database_bytes": _one(connection, "SELECT pg_database_size(current_database())"),
        "schema": dict(schema),
        "settings": _column(connection, _SETTINGS),
        "roles": _column(connection, _ROLES),
        "audit": [[head.stream, head.seq, head.hash] for head in heads(connection)],
        "census": census.take(connection).as_dict(),
        "holdings": {h.name: [asdict(f) for f in h.files(connection)] for h in registered()},
    }


def _sources(head: dict[str, Any]) -> dict[str, Path]:
    """SHA-256 to where its bytes are on this disk: once each, however many names they have. What
    is not there, or has other bytes by now, is listed in the head as missing."""
    found: dict[str, Path] = {}
    for kept in (file for files in head["holdings"].values() for file in files):
        path = settings().data_dir / kept["path"]
        if kept["sha256"] not in found and path.is_file() and sha256_of(path) == kept["sha256"]:
            found[kept["sha256"]] = path
    head["missing"] = sorted(
        file["path"]
        for files in head["holdings"].values()
        for file in files
        if file["sha256"] not in found
    )
    return found
