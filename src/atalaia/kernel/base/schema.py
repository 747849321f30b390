"""Which schema files the database has, against those of this program; without loading Alembic."""

from __future__ import annotations

import hashlib
from pathlib import Path

import atalaia
from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import DatabaseUnavailable, SchemaIncomplete


def applied_files() -> dict[str, str]:
    """Path → SHA-256 of every schema file that was applied. Raises DatabaseUnavailable."""
    with transaction() as connection:
        known = connection.execute("SELECT to_regclass('ops.schema_files') AS files").fetchone()
        if not known or not known["files"]:
            return {}
        files = connection.execute("SELECT path, sha256 FROM ops.schema_files").fetchall()
    return {row["path"]: row["sha256"] for row in files}


def files_on_disk() -> dict[str, str]:
    """Path → SHA-256 of every schema file of this program and its domains."""
    package = Path(atalaia.__file__).parent
    return {
        path.relative_to(package).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in package.rglob("db/sql/*.sql")
    }


def require_complete() -> None:
    """Raise SchemaIncomplete when the database lacks a file that this program was written for: it
    must not begin to work on a migration that failed. A newer schema is fine, and a database that
    is away is its business who waits for it."""
    try:
        missing = sorted(files_on_disk().keys() - applied_files().keys())
    except DatabaseUnavailable:
        return
    if missing:
        raise SchemaIncomplete(
            f"Falta aplicar ao banco: {', '.join(Path(one).stem for one in missing)}. Nada foi "
            "iniciado.",
            todo="Rode 'alembic upgrade heads' (ou 'make up') e veja por que parou.",
        )
