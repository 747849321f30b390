"""Which schema files the database has, against those of this program and of the domains installed
beside it; without loading Alembic."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
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


@cache
def folders() -> dict[str, Path]:
    """The folders that hold a `db`: this package's, under '', and each installed domain's, by name.
    Nothing of a domain is imported but the package it stands in: one that does not load still has
    its tables."""
    found = {"": Path(atalaia.__file__).resolve().parent}
    for entry in entry_points(group="atalaia.domains"):
        try:
            spec = find_spec(entry.module.rpartition(".")[0] or entry.module)
        except ImportError:
            continue
        if spec and spec.submodule_search_locations:
            found[entry.name] = Path(spec.submodule_search_locations[0]).resolve()
    return found


def name_of(path: Path) -> str:
    """How a file stands in `ops.schema_files`, wherever it is installed: `db/sql/001_base.sql`, or
    `@rain/db/sql/rain_001.sql` for a domain that is not part of this package."""
    path = path.resolve()
    for domain, folder in folders().items():
        if path.is_relative_to(folder):
            inside = path.relative_to(folder).as_posix()
            return f"@{domain}/{inside}" if domain else inside
    raise ValueError(f"{path} is in no installed domain")


def file_of(name: str) -> Path | None:
    """The file of that name; None when its domain is not installed."""
    if not name.startswith("@"):
        return folders()[""] / name
    domain, _, inside = name.removeprefix("@").partition("/")
    folder = folders().get(domain)
    return folder and folder / inside


def sha256_of(path: Path) -> str:
    """Of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_on_disk() -> dict[str, str]:
    """Path → SHA-256 of every schema file of this program and of the installed domains."""
    here, *others = folders().values()
    found = [*here.rglob("db/sql/*.sql"), *(f for one in others for f in one.glob("db/sql/*.sql"))]
    return {name_of(path): sha256_of(path) for path in found}


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
