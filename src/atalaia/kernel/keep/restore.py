"""Restoring: an archive becomes a database of its own, is compared, and only then takes the place
of the one in use, which is kept under a dated name.

Until the swap nothing of what is in use has been touched; a process killed at any moment leaves at
most a scratch database, which the next restore removes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from psycopg import IsolationLevel, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import tuple_row

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.disk import full_disk_is_told, sha256_of, sync
from atalaia.kernel.base.errors import AlreadyRunning, AtalaiaError, NoSpace, Tampered
from atalaia.kernel.base.settings import database_url, settings
from atalaia.kernel.keep import archive, audit, census, dump
from atalaia.kernel.keep.audit import Head
from atalaia.kernel.keep.backup import Unwatched, Watcher
from atalaia.kernel.keep.census import Census
from atalaia.kernel.keep.chain import Chain

_MAINTENANCE = "postgres"
_NAME_MAX = 63
_LOCK = 1650549611  # 'back': one restore of a database at a time
_SCRATCH = ".restoring-"
_JOBS = min(4, os.cpu_count() or 1)


@dataclass(slots=True)
class Filled:
    """A scratch database with all of an archive in it; what took how long, what is not equal."""

    url: str
    name: str
    head: dict[str, Any]
    restore_seconds: float = 0.0
    compare_seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def maintenance_url(url: str = "") -> str:
    """The address of the database that is there to manage the others from."""
    return make_conninfo(url or database_url(), dbname=_MAINTENANCE)


def live_name() -> str:
    """The name of the database in use."""
    return str(conninfo_to_dict(database_url())["dbname"])


def named(word: str, suffix: str) -> str:
    """`<database>_<word>_<suffix>`, within what PostgreSQL allows."""
    tail = f"_{word}_{suffix}"
    return live_name()[: _NAME_MAX - len(tail)] + tail


@contextmanager
def alone() -> Iterator[psycopg.Connection[Any]]:
    """A connection to manage databases with, no other restore being on its way; what dead ones
    left is removed. Raises AlreadyRunning."""
    with connect(url=maintenance_url(), autocommit=True, row_factory=tuple_row) as control:
        taken = control.execute(
            "SELECT pg_try_advisory_lock(%s, hashtext(%s))", (_LOCK, live_name())
        ).fetchone()
        if not taken or not taken[0]:
            raise AlreadyRunning(
                "Outra restauração deste banco está em andamento. Nada foi tocado.",
                todo="Espere que termine e tente de novo.",
            )
        for name in databases(control, "restoring"):
            drop(control, name)
        for left in settings().data_dir.glob(f"{_SCRATCH}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield control


def databases(control: psycopg.Connection[Any], word: str) -> list[str]:
    """The databases that `named` made with this word, by name: the newest last."""
    like = named(word, "").replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%") + "%"
    found = control.execute(
        "SELECT datname::text FROM pg_database WHERE datname LIKE %s ORDER BY 1", (like,)
    )
    return [name for (name,) in found.fetchall()]


def drop(control: psycopg.Connection[Any], name: str) -> None:
    """Remove a database, whoever is connected to it."""
    control.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def filled(
    control: psycopg.Connection[Any],
    file: Path,
    *,
    keep_files: bool,
    watcher: Watcher | None = None,
) -> Iterator[Filled]:
    """A scratch database with all of `file` in it, compared. It is gone after the `with`, unless
    it was given another name inside. With `keep_files`, the files of holdings that are not on this
    disk are put there. Raises Tampered, NoSpace, and AtalaiaError when it does not go in."""
    watcher = watcher or Unwatched()
    head = archive.head_of(file)
    _require_room(head)
    name = named("restoring", str(head["backup_id"]).replace("-", "")[:12])
    made = Filled(make_conninfo(database_url(), dbname=name), name, head)
    began = time.monotonic()
    control.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        settings().data_dir.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=settings().data_dir, prefix=_SCRATCH) as folder:
            dumped = Path(folder, "dump")
            watcher.stage("lendo o arquivo", int(head["database_bytes"]))
            with full_disk_is_told():
                made.problems += _unpack(file, head, dumped, keep_files, watcher)
            watcher.stage("enchendo um banco à parte")
            dump.restore(made.url, dumped, jobs=_JOBS)
        _apply_settings(control, name, head["settings"])
        made.restore_seconds = time.monotonic() - began
        watcher.stage("comparando tudo")
        made.problems += _compare(made.url, head)
        made.compare_seconds = time.monotonic() - began - made.restore_seconds
        yield made
    finally:
        drop(control, name)


def require_equal(made: Filled) -> None:
    """Raise Tampered when the database is not what was backed up."""
    if made.problems:
        some = "; ".join(made.problems[:5]) + (" …" if len(made.problems) > 5 else "")
        raise Tampered(
            f"O que saiu do backup não é o que entrou: {some}. O banco no ar não foi tocado.",
            todo="Use outro backup: 'atalaia backup list'.",
        )


def _require_room(head: dict[str, Any]) -> None:
    folder = settings().data_dir
    folder.mkdir(parents=True, exist_ok=True)
    files = sum(file["size"] for files in head["holdings"].values() for file in files)
    needed = 2 * int(head["database_bytes"]) + files
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NoSpace(
            f"Há {free / 1e9:.1f} GB livres em {folder}; restaurar este backup pode pedir "
            f"{needed / 1e9:.1f} GB. Nada foi tocado.",
            todo="Libere espaço e rode de novo.",
        )


def _unpack(
    file: Path, head: dict[str, Any], dumped: Path, keep_files: bool, watcher: Watcher
) -> list[str]:
    """The dump in one piece, and the files of holdings in their places."""
    places: dict[str, list[Path]] = {}
    for kept in (one for files in head["holdings"].values() for one in files):
        places.setdefault(kept["sha256"], []).append(_place(kept["path"]))
    missing, problems = set(head["missing"]), []
    with archive.reading(file) as (_head, members), dumped.open("wb") as whole:
        for name, member in members:
            folder, _, key = name.partition("/")
            if folder == "database":
                archive.copied(member, whole, watcher.advance)
            elif folder == "files":
                own = dumped.with_name("file")
                with own.open("wb") as copy:
                    if archive.copied(member, copy, watcher.advance) != key:
                        problems.append(f"o arquivo {key[:12]}… tem outros bytes")
                if keep_files:
                    _put_back(own, key, places.get(key, []))
                places.pop(key, None)
    lost = {str(path) for paths in places.values() for path in paths}
    lost -= {str(_place(path)) for path in missing}
    return problems + [f"falta o arquivo {Path(path).name}" for path in sorted(lost)]


def _place(path: str) -> Path:
    """Where a file of the data folder goes. Raises Tampered for a path that leads out of it."""
    root = settings().data_dir.resolve()
    place = (root / path).resolve()
    if not place.is_relative_to(root):
        raise Tampered("O backup quer escrever fora da pasta de dados. Nada foi tocado.")
    return place


def _put_back(own: Path, sha256: str, places: list[Path]) -> None:
    """Give a file its names, where they are not taken by these very bytes. Other bytes under such
    a name are damage: they are set aside, not removed."""
    source = own
    for place in places:
        if place.exists():
            if sha256_of(place) == sha256:
                continue
            place.rename(place.with_name(f"{place.name}.damaged-{int(time.time())}"))
        place.parent.mkdir(parents=True, exist_ok=True)
        scratch = place.with_name(f".{place.name}.restored")
        scratch.unlink(missing_ok=True)
        _copy(source, scratch, link=source is not own)
        scratch.rename(place)
        sync(place.parent)
        source = place


def _copy(source: Path, target: Path, *, link: bool) -> None:
    """The same bytes under a second name take no second place, where the disk knows how."""
    if link:
        with suppress(OSError):
            os.link(source, target)
            return
    shutil.copyfile(source, target)
    sync(target)
    target.chmod(0o444)


def _apply_settings(control: psycopg.Connection[Any], name: str, lines: list[str]) -> None:
    """ALTER DATABASE … SET lines are not in a dump. A list (search_path) is written as one."""
    for line in lines:
        setting, _, value = line.partition("=")
        values = value.split(", ") if setting == "search_path" else [value]
        control.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                sql.Identifier(name),
                sql.Identifier(setting),
                sql.SQL(", ").join(sql.Literal(one.strip('"')) for one in values),
            )
        )


def _compare(url: str, head: dict[str, Any]) -> list[str]:
    """Every table, sequence and audit chain against what the head says they were."""
    with connect(url=url, row_factory=tuple_row) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        problems = census.differences(Census.of(head["census"]), census.take(connection))
        expected = [Head(*one) for one in head["audit"]]
        if audit.heads(connection) != expected:
            problems.append("a auditoria não termina onde terminava")
        for one in expected:
            chain = Chain(one.stream)
            for record in audit.records(connection, one.stream):
                if not chain.follow(record):
                    break
            found = chain.end(one)
            if found.problem:
                problems.append(f"auditoria, {one.stream}, linha {found.bad_seq}: {found.problem}")
    return problems


def migrate(url: str) -> None:
    """Bring a scratch database to this program's schema, in a process of its own."""
    code = "from atalaia.kernel.base.migrate import upgrade; upgrade()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DATABASE_URL": url, "ENV": "development"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["…"])[-1]
        raise AtalaiaError(f"O backup não pôde ser migrado: {last}. O banco no ar não foi tocado.")
