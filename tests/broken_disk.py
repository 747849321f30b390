"""A disk that fails at one chosen call: everything a piece of work asks of the files under some
folders is counted, and the n-th call is refused."""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_BY_PATH = ("rename", "replace", "link", "mkdir", "chmod")
_BY_DESCRIPTOR = ("fsync", "sendfile", "ftruncate")


@dataclass(slots=True)
class Disk:
    """What was asked of it so far, in order; it refuses call number `broken_at`, counted from 1."""

    roots: tuple[Path, ...]
    broken_at: int = 0
    code: int = errno.EIO
    calls: list[str] = field(default_factory=list)

    def ask(self, call: str, place: Any) -> None:
        """One call. Raises OSError when it is the one that fails."""
        if not any(Path(os.fsdecode(place)).is_relative_to(root) for root in self.roots):
            return
        self.calls.append(call)
        if len(self.calls) == self.broken_at:
            raise OSError(self.code, os.strerror(self.code))


@contextmanager
def breaking(roots: Sequence[Path], broken_at: int = 0, code: int = errno.EIO) -> Iterator[Disk]:
    """Inside, this process's calls go through a `Disk`."""
    disk = Disk(tuple(root.resolve() for root in roots), broken_at, code)
    with pytest.MonkeyPatch.context() as patch:
        for name in _BY_PATH:
            patch.setattr(os, name, _by_path(disk, name, getattr(os, name)))
        for name in _BY_DESCRIPTOR:
            patch.setattr(os, name, _by_descriptor(disk, name, getattr(os, name)))
        opened = _opened(disk, io.open)
        patch.setattr(io, "open", opened)  # pathlib and tempfile
        patch.setattr(builtins, "open", opened)
        yield disk


def _by_path(disk: Disk, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def act(*args: Any, **options: Any) -> Any:
        disk.ask(name, os.path.abspath(args[-1] if name in ("rename", "replace") else args[0]))
        return real(*args, **options)

    return act


def _by_descriptor(disk: Disk, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def act(descriptor: int, *args: Any, **options: Any) -> Any:
        with suppress(FileNotFoundError):
            place = os.readlink(f"/proc/self/fd/{descriptor}")
            disk.ask(name, place)
        return real(descriptor, *args, **options)

    return act


def _opened(disk: Disk, real: Callable[..., Any]) -> Callable[..., Any]:
    def act(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        made = real(file, mode, *args, **options)
        if isinstance(file, int) or not set(mode) & set("wxa+"):
            return made
        try:
            disk.ask("open", os.path.abspath(file))
        except OSError:
            made.close()
            raise
        write = made.write

        def written(data: Any) -> Any:
            disk.ask("write", os.path.abspath(file))
            return write(data)

        made.write = written
        return made

    return act
