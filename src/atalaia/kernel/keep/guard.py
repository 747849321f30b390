"""The guard before what destroys: no verified backup of the last day, no deed.

A backup counts when it was restored and found equal, is younger than a day, and its file is on this
machine with the bytes it had. Who goes on without one says so, and why; that is recorded.
"""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.disk import sha256_of
from atalaia.kernel.base.errors import NotGuarded, UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep.audit import append

MAX_AGE_HOURS = 24
OVERRIDE = "OVERRIDE_WITHOUT_BACKUP"  # for commands that take no options of ours: alembic, up
_NEWEST = """
    SELECT backup_id, file, sha256, created_at_utc FROM ops.backups
    WHERE verified_at_utc IS NOT NULL AND problem IS NULL AND removed_at_utc IS NULL
      AND created_at_utc > clock_timestamp() - %s * interval '1 hour'
    ORDER BY created_at_utc DESC
"""


def newest(connection: psycopg.Connection[Any]) -> dict[str, Any] | None:
    """The newest backup that counts; None when there is none."""
    cursor = connection.cursor(row_factory=dict_row)
    there = cursor.execute("SELECT to_regclass('ops.backups') IS NOT NULL AS there").fetchone()
    if not there or not there["there"]:
        return None
    for found in cursor.execute(_NEWEST, (MAX_AGE_HOURS,)).fetchall():
        file = Path(found["file"])
        if file.is_file() and sha256_of(file) == found["sha256"]:
            return found
    return None


def require_backup(action: str, *, override: bool, actor: str, trigger: str, reason: str) -> None:
    """Let `action` pass when there is such a backup or, with `override`, record that there is
    none. Raises NotGuarded else. An installation that never ran a job has nothing to lose."""
    with transaction() as connection:
        if newest(connection) or not _has_something(connection):
            return
        if not override:
            raise _refused(action)
        if not reason.strip():
            raise UsageError("--override-without-backup pede um --reason. Nada foi feito.")
        append(
            connection,
            stream="backups",
            action="guard.overridden",
            actor=actor,
            trigger=trigger,
            subject=action,
            reason=reason,
        )


def require_for_migration(what: str) -> None:
    """`require_backup` for what changes the schema, in production only: elsewhere it passes. The
    way on without a backup is a reason in OVERRIDE_WITHOUT_BACKUP."""
    if settings().env == "production":
        reason = os.environ.get(OVERRIDE, "").strip()
        require_backup(
            what,
            override=bool(reason),
            actor=os.environ.get("ATALAIA_ACTOR") or getpass.getuser(),
            trigger="cli",
            reason=reason,
        )


def _has_something(connection: psycopg.Connection[Any]) -> bool:
    cursor = connection.cursor(row_factory=dict_row)
    there = cursor.execute("SELECT to_regclass('ops.pipeline_runs') IS NOT NULL AS t").fetchone()
    if not there or not there["t"]:
        return False
    found = cursor.execute("SELECT EXISTS (SELECT FROM ops.pipeline_runs) AS any").fetchone()
    return bool(found and found["any"])


def _refused(action: str) -> NotGuarded:
    return NotGuarded(
        f"Não há backup verificado com menos de {MAX_AGE_HOURS} horas, e sem ele não se faz isto: "
        f"{action}. Nada foi tocado.",
        todo="Faça um: atalaia backup create --verify --out backup-$(date -u +%Y%m%dT%H%M%SZ).atl. "
        "Para seguir sem ele, e isso fica na auditoria: --override-without-backup --reason …, ou "
        f"{OVERRIDE}='motivo' para migrações.",
    )
