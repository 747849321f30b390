"""Numbered SQL files, applied once, in order, and remembered with their SHA-256.

Alembic keeps the order (`alembic upgrade heads`); `ops.schema_files` keeps the bytes: an applied
file that has changed since is refused, because the database no longer is what the file says.
"""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection, text

from atalaia.kernel.base.errors import Tampered
from atalaia.kernel.base.kept import kept
from atalaia.kernel.base.schema import file_of, folders, name_of, sha256_of
from atalaia.kernel.base.settings import project_dir

_LEDGER = """
CREATE SCHEMA IF NOT EXISTS ops;
CREATE TABLE IF NOT EXISTS ops.schema_files (
    path       text PRIMARY KEY,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)
"""


def apply_sql(path: Path) -> None:
    """Run one SQL file and record its hash, in the migration's own transaction."""
    from alembic import op

    bind = op.get_bind()
    bind.exec_driver_sql(_LEDGER)
    bind.exec_driver_sql(path.read_text(encoding="utf-8").replace("%", "%%"))
    bind.execute(
        text("INSERT INTO ops.schema_files (path, sha256) VALUES (:path, :sha256)"),
        {"path": name_of(path), "sha256": sha256_of(path)},
    )


def verify_applied_files(connection: Connection) -> None:
    """Refuse (Tampered) when a file that was applied has other bytes now."""
    if not connection.scalar(text("SELECT to_regclass('ops.schema_files')")):
        return
    applied = connection.execute(text("SELECT path, sha256 FROM ops.schema_files"))
    for path, sha256 in applied:
        file = file_of(str(path))
        if file and file.exists() and sha256_of(file) != sha256:
            raise Tampered(
                f"{path} was applied to this database with other contents. Nothing was changed.",
                todo="Put the file back as it was and write the change as a new numbered file.",
            )
    connection.rollback()


def upgrade() -> None:
    """Bring the database of DATABASE_URL to the newest schema, kernel and installed domains."""
    from alembic import command
    from alembic.config import Config

    config = Config(toml_file=str(project_dir() / "pyproject.toml"))
    places = [folder / "db" / "versions" for folder in folders().values()]
    found = os.pathsep.join(str(place) for place in places if place.is_dir())
    for option, value in (("path_separator", "os"), ("version_locations", found)):
        config.set_main_option(option, value.replace("%", "%%"))
    command.upgrade(config, "heads")
    kept.forget()  # what a migration sets for the database, connections have from their beginning
