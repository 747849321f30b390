"""Going back to a second: base backups of the private server, and every WAL segment since.

postgres/archive/base/<moment>/   a base backup: base.tar.gz, pg_wal.tar.gz, backup_manifest
postgres/archive/wal/*.gz         segments, as the server finished them

A segment is finished after a minute at most (archive_timeout), so that is what is lost with the
disk. Nothing is archived before there is a base backup to replay it onto: the first load of all
data would fill the disk for nothing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.disk import sync
from atalaia.kernel.base.errors import NotFound, Unavailable, UsageError
from atalaia.serve.local.postgres import PrivatePostgres, programs

_KEPT_BASES = 2
_WAIT_SECONDS = 60
_BASE_SECONDS = 24 * 3600
_SETTLED_SECONDS = 600
_SEGMENT_BYTES = 16 * 1024 * 1024
# $1 the segment, $2 its name. Only a whole file gets its name; one that has it is never written
# over: after a crash the server may ask again, and is told yes when the bytes are the same.
_SCRIPT = """\
#!/bin/sh
set -eu
archive=$(dirname "$0")/archive
[ -d "$archive/base" ] || exit 0
to=$archive/wal/$2.gz
if [ -e "$to" ]; then gzip -dc "$to" | cmp -s - "$1"; exit; fi
gzip -1 -c "$1" > "$to.part"
sync "$to.part"
mv "$to.part" "$to"
sync "$archive/wal"
"""
_RECOVERY = """
restore_command = 'gzip -dc "{wal}/%f.gz" > "%p" 2>/dev/null || cp "{live}/pg_wal/%f" "%p"'
recovery_target_time = '{target}'
recovery_target_action = 'promote'
archive_mode = 'off'
"""


def configured(folder: Path) -> str:
    """The lines of a server whose WAL is archived; the script they name is written."""
    script = folder / "archive.sh"
    script.write_text(_SCRIPT, encoding="utf-8")
    script.chmod(0o755)
    return f'archive_mode = on\narchive_timeout = 60\narchive_command = \'"{script}" "%p" "%f"\'\n'


def bases(server: PrivatePostgres) -> list[Path]:
    """The base backups, the oldest first."""
    return sorted((server.folder / "archive" / "base").glob("*Z"))


def base_is_due(server: PrivatePostgres) -> bool:
    """Whether the newest base backup is a day old; not in the server's first minutes, when all
    data are being loaded, nor right after one was tried."""
    running = server.running()
    if running is None or time.time() - running.since < _SETTLED_SECONDS:
        return False
    made = [_moment(one).timestamp() for one in bases(server)[-1:]]
    drafts = (server.folder / "archive" / "base").glob("*.part")
    tried = [draft.stat().st_mtime for draft in drafts]
    return not any(time.time() - at < _BASE_SECONDS for at in made) and not any(
        time.time() - at < _SETTLED_SECONDS for at in tried
    )


def take_base(server: PrivatePostgres) -> dict[str, Any]:
    """A base backup; afterwards only the newest two are kept, and the WAL since the older of them.
    The server must run."""
    began = time.monotonic()
    archive = server.folder / "archive"
    (archive / "wal").mkdir(parents=True, exist_ok=True, mode=0o700)
    (archive / "base").mkdir(exist_ok=True, mode=0o700)  # from here on segments are archived
    server.give(archive, archive / "wal", archive / "base")
    for left in (archive / "base").glob("*.part"):
        shutil.rmtree(left)
    draft = archive / "base" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}.part"
    address = ("--dbname", server.socket_url("postgres"), "--pgdata", str(draft))
    done = subprocess.run(
        [
            *(str(programs() / "pg_basebackup"), *address, "--format=tar", "--gzip"),
            *("--compress=1", "--wal-method=stream", "--checkpoint=fast"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        draft.mkdir(exist_ok=True)  # what tells `base_is_due` that it was tried just now
        raise Unavailable(f"O pg_basebackup não terminou: {done.stderr.strip()[-300:]}")
    # Its name is the first second one can go back to with it.
    made = draft.with_name(f"{datetime.now(UTC):%Y%m%dT%H%M%S}Z")
    draft.rename(made)
    sync(made.parent)
    removed = _prune(server)
    size = sum(path.stat().st_size for path in made.iterdir())
    return {
        "base": str(made), "size": size, "seconds": round(time.monotonic() - began, 2),
        "bases_removed": removed,
    }  # fmt: skip


def _prune(server: PrivatePostgres) -> int:
    old = bases(server)[:-_KEPT_BASES]
    for base in old:
        shutil.rmtree(base)
    manifest = json.loads((bases(server)[0] / "backup_manifest").read_text(encoding="utf-8"))
    first = manifest["WAL-Ranges"][0]
    high, low = (int(part, 16) for part in first["Start-LSN"].split("/"))
    oldest = f"{first['Timeline']:08X}{high:08X}{low // _SEGMENT_BYTES:08X}"
    for segment in (server.folder / "archive" / "wal").iterdir():
        # By what is after the timeline: a later timeline begins again at no lower place.
        if len(segment.name) >= 24 and segment.name[8:24] < oldest[8:]:
            segment.unlink()
    return len(old)


def restore_to(server: PrivatePostgres, target: datetime, out: Path) -> PrivatePostgres:
    """The server as it was at `target`, in the new state folder `out`; it is recovered, then
    stopped. Raises UsageError for a folder that is there, NotFound when no base backup is that
    old, Unavailable when the WAL does not reach that far."""
    if target.tzinfo is None:
        raise UsageError("O momento precisa do fuso: 2026-11-23T02:00:00Z. Nada foi escrito.")
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} não está vazia. Nada foi escrito.", todo="Dê uma pasta nova.")
    base = next(
        (one for one in reversed(bases(server)) if _moment(one) <= target.astimezone(UTC)), None
    )
    if base is None:
        known = ", ".join(one.name for one in bases(server)) or "nenhuma"
        raise NotFound(
            f"Nenhuma cópia base é de antes de {target.isoformat()}. Nada foi escrito.",
            todo=f"Há: {known}. 'atalaia backup base' faz uma agora.",
        )
    if server.running():
        _flush(server, target)
    made = PrivatePostgres(out / "postgres")
    _unpack(base, server, made)
    (made.data / "recovery.signal").touch()
    with (made.data / "postgresql.auto.conf").open("a", encoding="utf-8") as conf:
        conf.write(
            _RECOVERY.format(
                wal=server.folder / "archive" / "wal", live=server.data, target=target.isoformat()
            )
        )
    made.give(*made.folder.rglob("*"), made.folder)
    try:
        made.start()
        _wait_until_recovered(made)
    except (Unavailable, psycopg.OperationalError) as error:
        made.stop()
        raise Unavailable(
            f"O arquivo de WAL não chega a {target.isoformat()}. O banco no ar não foi tocado; "
            f"{out} pode ser apagada.",
            todo=f"O registro está em {made.log}.",
        ) from error
    with psycopg.connect(made.socket_url("postgres"), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM RESET ALL")
    made.stop()
    return made


def _moment(base: Path) -> datetime:
    return datetime.strptime(base.name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _flush(server: PrivatePostgres, target: datetime) -> None:
    """Have everything up to now in the archive, and after it a commit: recovery to a second ends
    at the first commit that is later."""
    with psycopg.connect(server.socket_url("postgres"), autocommit=True) as connection:
        (now,) = connection.execute("SELECT clock_timestamp()").fetchone() or (target,)
        if target >= now:
            raise UsageError(f"{target.isoformat()} ainda não passou. Nada foi escrito.")
        connection.execute("SELECT pg_logical_emit_message(true, 'atalaia', 'restore-to')")
        (segment,) = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone() or (
            "",
        )
        archived = server.folder / "archive" / "wal" / f"{segment}.gz"
        deadline = Deadline(_WAIT_SECONDS)
        while not archived.exists():
            if deadline.passed:
                raise Unavailable("O servidor não arquiva o WAL. Nada foi escrito.")
            time.sleep(0.1)


def _unpack(base: Path, server: PrivatePostgres, made: PrivatePostgres) -> None:
    made.data.mkdir(parents=True, mode=0o700)
    for name, folder in (("base", made.data), ("pg_wal", made.data / "pg_wal")):
        with tarfile.open(base / f"{name}.tar.gz") as tar:
            tar.extractall(folder, filter="data")
    made.data.chmod(0o700)
    shutil.copy(server.folder / "password", made.folder / "password")


def _wait_until_recovered(made: PrivatePostgres) -> None:
    deadline = Deadline(_WAIT_SECONDS * 10)
    while True:
        with psycopg.connect(made.socket_url("postgres"), autocommit=True) as connection:
            found = connection.execute("SELECT pg_is_in_recovery()").fetchone()
        if found == (False,):
            return
        if deadline.passed:
            raise Unavailable("A recuperação não terminou.")
        time.sleep(0.1)
