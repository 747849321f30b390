"""The watched folder: data/incoming/{organisation}/. A file in it is taken when it is whole, and is
removed from there only when its bytes are in bronze and its work is accepted.

Whole is what nobody wrote to for SETTLE_SECONDS, is no longer growing, and has no name of a copy in
progress. One that is refused is moved to `recusados/`, with the reason beside it.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from atalaia.domains.cattle import tus
from atalaia.domains.cattle.service import Bringer, bury_dead, receive
from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import AtalaiaError, FileRefused
from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.trace import log
from atalaia.kernel.ingest import bronze
from atalaia.kernel.ingest.names import shown

SETTLE_SECONDS = 10.0
_IN_PROGRESS = (".part", ".tmp", ".partial", ".crdownload", ".filepart", ".swp")
_AT_ONCE = 50
REFUSED = "recusados"


def incoming() -> Path:
    """The folder, with a folder for each organisation in it."""
    return settings().data_dir / "incoming"


def look_round() -> int:
    """What the domain looks after every few seconds: the folder, uploads whose process died, and
    files whose work did. Returns how much there is for a worker to do."""
    with transaction() as connection:
        bury_dead(connection)
    return pick_up() + tus.finish_left()


def pick_up(settle_seconds: float = SETTLE_SECONDS) -> int:
    """Take the whole files, the oldest first; returns how many were accepted."""
    taken = 0
    for tenant_id in _tenants():
        for path in _whole(incoming() / tenant_id, settle_seconds)[:_AT_ONCE]:
            try:
                taken += _take(path, tenant_id)
            except AtalaiaError as error:
                log("ERROR", "a file stays in its folder", why=type(error).__name__)
    return taken


def _tenants() -> list[str]:
    if not incoming().is_dir():
        return []
    there = sorted(p.name for p in incoming().iterdir() if p.is_dir() and not p.is_symlink())
    with transaction() as connection:
        known = connection.execute(
            "SELECT tenant_id FROM tenants WHERE tenant_id = ANY(%s)", (there,)
        ).fetchall()
    return sorted(row["tenant_id"] for row in known)


def _whole(folder: Path, settle_seconds: float) -> list[Path]:
    found = []
    for path in folder.iterdir():
        in_progress = path.name.startswith((".", "~")) or path.name.lower().endswith(_IN_PROGRESS)
        if in_progress or path.is_symlink() or not path.is_file():
            continue
        modified = path.stat().st_mtime
        if time.time() - modified >= settle_seconds:
            found.append((modified, path.name, path))
    return [path for _, _, path in sorted(found)]


def _take(path: Path, tenant_id: str) -> bool:
    """One file. It is copied, and left alone when it grew meanwhile."""
    before = path.stat()
    by = Bringer(tenant_id, "pasta", "folder", "schedule", "posto na pasta vigiada")
    with bronze.scratch() as copy:
        shutil.copyfile(path, copy, follow_symlinks=False)
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            return False
        try:
            receive(copy, path.name, by)
        except FileRefused as error:
            _put_aside(path, f"{error}")
            return False
    path.unlink()
    return True


def _put_aside(path: Path, why: str) -> None:
    folder = path.parent / REFUSED
    folder.mkdir(exist_ok=True)
    name = f"{time.time_ns()}-{shown(path.name)}"
    os.replace(path, folder / name)
    (folder / f"{name}.motivo.txt").write_text(f"{why}\n", encoding="utf-8")
