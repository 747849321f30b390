"""What people ask for: verify a backup, restore it, go back to the database before, drill.

`restore` does, in this order: 1. the archive is intact, ours, and of a schema this program knows;
2. the guard; 3. a scratch database is filled and compared; 4. the swap; 5. the record.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo

from atalaia.kernel.base.database import Connection, connect, transaction
from atalaia.kernel.base.disk import renamed_when_whole
from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.base.settings import database_url, settings
from atalaia.kernel.keep import archive, backup, guard
from atalaia.kernel.keep import swap as swapping
from atalaia.kernel.keep.audit import append, heads
from atalaia.kernel.keep.backup import STREAM, Unwatched, Watcher
from atalaia.kernel.keep.holdings import registered
from atalaia.kernel.keep.restore import (
    Filled,
    alone,
    databases,
    filled,
    migrate,
    named,
    require_equal,
)

_PACKAGE = Path(__file__).resolve().parents[2]


def verify(
    file: Path, *, actor: str, trigger: str, reason: str | None, watcher: Watcher | None = None
) -> dict[str, Any]:
    """Restore an archive into a scratch database, compare everything and record what was found.
    Raises Tampered when it is not equal, or not intact."""
    began = time.monotonic()
    archive.require_intact(file)
    with alone() as control, filled(control, file, keep_files=False, watcher=watcher) as made:
        seconds = round(time.monotonic() - began, 3)
        _remember_verified(made, seconds, actor, trigger, reason)
        require_equal(made)
    return {
        "file": str(file), "backup_id": made.head["backup_id"], "equal": True,
        "tables": len(made.head["census"]["tables"]), "seconds": seconds,
        "restore_seconds": round(made.restore_seconds, 3),
        "missing_files": len(made.head["missing"]),
    }  # fmt: skip


def restore(
    file: Path,
    *,
    actor: str,
    trigger: str,
    reason: str,
    override: bool = False,
    adopt: bool = False,
    older: bool = False,
    watcher: Watcher | None = None,
) -> dict[str, Any]:
    """Put the platform back to what it was at the backup. `adopt`: a backup of another
    installation; `older`: one of an older schema, migrated before the swap. Raises UsageError for
    what it will not restore, NotGuarded, Tampered: in all of them nothing was touched."""
    file = file.absolute()
    sha256 = archive.require_intact(file)
    head = archive.head_of(file)
    pending = _require_known_schema(head, older)
    _require_known_parts(head)
    if not adopt:
        _require_own_history(head)
    guard.require_backup(
        "backup restore", override=override, actor=actor, trigger=trigger, reason=reason
    )
    with alone() as control, filled(control, file, keep_files=True, watcher=watcher) as made:
        require_equal(made)
        if pending:
            (watcher or Unwatched()).stage("migrando")
            migrate(made.url)
        kept = named("before", f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z")

        def record(connection: Connection, carried: int) -> None:
            details = {"file": file.name, "sha256": sha256, "kept": kept, "carried": carried}
            details |= {"adopted": adopt, "created_at": head["created_at"]}
            _record(
                connection, "backup.restored", head["backup_id"], actor, trigger, reason, details
            )

        (watcher or Unwatched()).stage("trocando")
        carried = swapping.swap(made.name, kept, continues=not adopt, record=record)
    if adopt:
        _adopt_anchors(file)
    return {
        "restored": head["backup_id"], "created_at": head["created_at"], "kept": kept,
        "carried_audit_records": carried, "restore_seconds": round(made.restore_seconds, 3),
        "compare_seconds": round(made.compare_seconds, 3), "migrated": bool(pending),
    }  # fmt: skip


def rollback(*, actor: str, trigger: str, reason: str, override: bool = False) -> dict[str, Any]:
    """Take back the last swap: the database that was kept is the one in use again, and the one in
    use is kept. Raises NotFound when none was kept."""
    guard.require_backup(
        "backup rollback", override=override, actor=actor, trigger=trigger, reason=reason
    )
    with alone() as control:
        found = databases(control, "before")
        if not found:
            raise NotFound("Nenhum banco foi guardado por uma restauração. Nada foi tocado.")
        coming = found[-1]
        kept = named("before", f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z")

        def record(connection: Connection, carried: int) -> None:
            details = {"from": coming, "kept": kept, "carried": carried}
            _record(connection, "backup.rolled_back", coming, actor, trigger, reason, details)

        carried = swapping.swap(coming, kept, continues=_same_history(coming), record=record)
    return {"in_use": coming, "kept": kept, "carried_audit_records": carried}


def drill(
    folder: Path, *, actor: str, trigger: str, reason: str | None, watcher: Watcher | None = None
) -> dict[str, Any]:
    """Backup → restore to a scratch database → compare all of it; what it took and found is a row
    of `ops.restore_drills`. The backup stays in `folder`, verified."""
    moment = datetime.now(UTC)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = backup.create(
        folder / f"backup-{moment:%Y%m%dT%H%M%S%f}Z.atl",
        actor=actor, trigger=trigger, reason=reason, watcher=watcher,
    )  # fmt: skip
    began = time.monotonic()
    archive.require_intact(Path(made["file"]))
    with (
        alone() as control,
        filled(control, Path(made["file"]), keep_files=False, watcher=watcher) as scratch,
    ):
        _remember_verified(scratch, round(time.monotonic() - began, 3), actor, trigger, reason)
    row = {
        "drill_id": uuid.uuid4(), "backup_id": made["backup_id"], "started_at_utc": moment,
        "backup_seconds": made["seconds"],
        "restore_seconds": round(scratch.restore_seconds, 3),
        "compare_seconds": round(scratch.compare_seconds, 3),
        "database_bytes": scratch.head["database_bytes"], "row_count": made["row_count"],
        "passed": not scratch.problems, "problem": "; ".join(scratch.problems[:20]) or None,
    }  # fmt: skip
    with transaction() as connection:
        connection.execute(
            """INSERT INTO ops.restore_drills VALUES (%(drill_id)s, %(backup_id)s,
                   %(started_at_utc)s, %(backup_seconds)s, %(restore_seconds)s,
                   %(compare_seconds)s, %(database_bytes)s, %(row_count)s, %(passed)s,
                   %(problem)s)""",
            row,
        )
    return {**row, "file": made["file"]}


def _remember_verified(
    made: Filled, seconds: float, actor: str, trigger: str, reason: str | None
) -> None:
    """What was found, in the row of the backup, when this installation knows it, and in the log."""
    problem = "; ".join(made.problems[:20]) or None
    with transaction() as connection:
        connection.execute(
            """UPDATE ops.backups SET problem = %(problem)s, verify_seconds = %(seconds)s,
                   verified_at_utc = CASE WHEN %(problem)s::text IS NULL THEN clock_timestamp() END
               WHERE backup_id = %(id)s""",
            {"problem": problem, "seconds": seconds, "id": made.head["backup_id"]},
        )
        details = {"seconds": seconds, "problem": problem}
        action = "backup.refuted" if problem else "backup.verified"
        _record(connection, action, made.head["backup_id"], actor, trigger, reason, details)


def _record(
    connection: Connection,
    action: str,
    subject: str,
    actor: str,
    trigger: str,
    reason: str | None,
    details: dict[str, Any],
) -> None:
    append(
        connection, stream=STREAM, action=action, actor=actor, trigger=trigger,
        subject=subject, reason=reason, details=details,
    )  # fmt: skip


def _require_known_schema(head: dict[str, Any], older: bool) -> list[str]:
    """The numbered files this program has and the backup does not. Raises UsageError when the
    backup has one that this program has not, or has with other bytes."""
    own = {
        path.relative_to(_PACKAGE).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in _PACKAGE.rglob("db/sql/*.sql")
    }
    unknown = sorted(path for path, sha256 in head["schema"].items() if own.get(path) != sha256)
    if unknown:
        raise UsageError(
            f"O backup é de um esquema que este programa não conhece ({', '.join(unknown[:3])}): "
            "é de uma versão mais nova, ou de outro programa. Nada foi tocado.",
            todo="Restaure com a versão do Atalaia que o fez.",
        )
    pending = sorted(own.keys() - head["schema"].keys())
    if pending and not older:
        names = ", ".join(Path(path).name for path in pending[:3])
        raise UsageError(
            f"O backup é de um esquema mais velho: faltam {names}. Nada foi tocado.",
            todo="Com --older ele é migrado antes de entrar em uso.",
        )
    return pending


def _require_known_parts(head: dict[str, Any]) -> None:
    strange = sorted(head["holdings"].keys() - {holding.name for holding in registered()})
    if strange:
        raise UsageError(
            f"O backup traz o que nenhum domínio instalado aqui guarda: {', '.join(strange)}. "
            "Nada foi tocado.",
            todo="Instale o domínio que falta; 'atalaia domains' mostra os que há.",
        )
    with connect() as connection:
        missing = connection.execute(
            """SELECT name FROM unnest(%s::text[]) AS name
               WHERE to_regrole(quote_ident(name)) IS NULL""",
            (head["roles"],),
        ).fetchall()
        version = connection.info.server_version
    if missing:
        names = ", ".join(row["name"] for row in missing)
        raise UsageError(
            f"O backup dá direitos a papéis que este servidor não tem: {names}. Nada foi tocado.",
            todo="Crie-os: CREATE ROLE …",
        )
    if head["server_version"] // 10000 > version // 10000:
        raise UsageError(
            f"O backup é do PostgreSQL {head['server_version'] // 10000}, mais novo que este "
            f"servidor ({version // 10000}). Nada foi tocado."
        )


def _require_own_history(head: dict[str, Any]) -> None:
    with connect() as connection:
        if not swapping.continues(connection, head["audit"]):
            raise UsageError(
                "A auditoria deste backup não é o começo da que está em uso: ele é de outra "
                "instalação, ou a auditoria foi alterada. Nada foi tocado.",
                todo="Se é isso que se quer (uma máquina nova, ou 'atalaia audit verify' falha): "
                "--adopt. O banco de agora fica guardado como está.",
            )


def _same_history(name: str) -> bool:
    """Whether the log in use is a continuation of the one in the database `name`."""
    with connect(url=make_conninfo(database_url(), dbname=name)) as kept, connect() as current:
        ends: list[list[Any]] = [[one.stream, one.seq, one.hash] for one in heads(kept)]
        return swapping.continues(current, ends)


def _adopt_anchors(file: Path) -> None:
    """The anchors of the history that came, in place of those of the one that left."""
    own = settings().audit_anchor_file
    if own.exists():
        own.rename(own.with_name(f"{own.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}Z"))
    with archive.reading(file) as (_head, members):
        for name, member in members:
            if name == "anchors.ndjson":
                own.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with renamed_when_whole(own) as target:
                    archive.copied(member, target, lambda _count: None)
                return
