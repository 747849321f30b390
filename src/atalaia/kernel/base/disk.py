"""What the disk has been told to keep, and files that are whole or not there."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from atalaia.kernel.base.errors import NoSpace

_LEFT_SECONDS = 3600
# Also EFBIG: a limit on the size of files (ulimit -f) is met like a full disk.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def sync(path: Path) -> None:
    """Have the disk keep a file's bytes, or a folder's names, through a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def full_disk_is_told() -> Iterator[None]:
    """Raise NoSpace for a disk that takes no more, instead of the system's own error."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise NoSpace() from error
        raise


@contextmanager
def renamed_when_whole(out: Path) -> Iterator[IO[bytes]]:
    """A file under another name, mode 0600, that gets its own once all of it is on disk."""
    sweep(out.parent, f".{glob.escape(out.name)}.*")
    with NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", delete=False) as file:
        scratch = Path(file.name)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            scratch.rename(out)
        except BaseException:
            scratch.unlink(missing_ok=True)
            raise
    sync(out.parent)


def sweep(folder: Path, pattern: str, seconds: float = _LEFT_SECONDS) -> list[Path]:
    """Remove the files that killed processes left; one still being written is younger than this."""
    removed = []
    for left in folder.glob(pattern):
        with suppress(FileNotFoundError):
            if left.is_file() and time.time() - left.stat().st_mtime > seconds:
                left.unlink()
                removed.append(left)
    return removed
