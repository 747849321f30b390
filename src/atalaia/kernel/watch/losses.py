"""What the platform's rules measure of what must not get lost: tables that were there at the newest
backup and are not any more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from atalaia.kernel.keep import archive
from atalaia.kernel.keep.census import Census
from atalaia.kernel.watch.rules import Ground, Measure

_NAMED = 3  # of what is gone; the rest is a number


def tables_gone(ground: Ground) -> Iterator[Measure]:
    """How many tables of the newest verified backup are not there, where the backup is of this very
    schema: it is what brings them back. Partitions come and go; that their table is gone is seen.
    Without such a backup nothing can be compared, and backup-late says so."""
    backup = ground.connection.execute(
        """SELECT backup_id, file FROM ops.backups
           WHERE verified_at_utc IS NOT NULL AND problem IS NULL AND removed_at_utc IS NULL
           ORDER BY created_at_utc DESC LIMIT 1"""
    ).fetchone()
    if backup is None or not Path(backup["file"]).is_file():
        return
    schema, tables = _known(ground, backup)
    applied = {
        row["path"]: row["sha256"]
        for row in ground.connection.execute("SELECT path, sha256 FROM ops.schema_files")
    }
    if schema != applied:
        return
    gone = _gone(ground, tables)
    some = ", ".join(gone[:_NAMED]) + (" …" if len(gone) > _NAMED else "")
    file = Path(backup["file"])
    told = f"{len(gone)} tabelas que o backup {file.name} tem não existem mais: {some}"
    says = told if gone else f"estão todas as {len(tables)} tabelas do backup {file.name}"
    yield Measure("", len(gone), 0, says, arguments={"file": str(file)})


def _known(ground: Ground, backup: dict[str, Any]) -> tuple[dict[str, str], list[str]]:
    """The schema files and tables of a backup; its head is read once."""
    if ground.memory.get("backup_id") != backup["backup_id"]:
        head = archive.head_of(Path(backup["file"]))
        tables = [table.name for table in Census.of(head["census"]).tables]
        ground.memory.update(backup_id=backup["backup_id"], known=(head["schema"], tables))
    known: tuple[dict[str, str], list[str]] = ground.memory["known"]
    return known


def _gone(ground: Ground, tables: list[str]) -> list[str]:
    """Those that are not there, nor a partition of one that is."""
    kinds = {
        row["name"]: row["kind"]
        for row in ground.connection.execute(
            """SELECT n.nspname || '.' || c.relname AS name, c.relkind::text AS kind
               FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
               WHERE c.relkind IN ('r', 'p')"""
        )
    }
    parents = tuple(f"{name}_" for name, kind in kinds.items() if kind == "p")
    return [name for name in tables if name not in kinds and not name.startswith(parents)]
