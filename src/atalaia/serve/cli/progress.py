"""Progress of long work on stderr: a moving line on a terminal, one line per step elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.trace import configure

_EVERY_SECONDS = 5.0  # how often a log gets a line about rows


class Steps:
    """Where work stands. It is the `Progress` of the kernel, and `tell` for what is around it."""

    def __init__(self, status: Any = None) -> None:
        self._status = status  # rich's, on a terminal
        self._began = time.monotonic()
        self._headline, self._step, self._told = "", "", 0.0

    def tell(self, text: str) -> None:
        """A new piece of work begins."""
        self._headline, self._step = text, ""
        self._show(text, always=True)

    def step(self, job: str, name: str) -> None:
        """A step of `job` begins."""
        self._step = f"{job} · {name}"
        self._show(self._step, always=False)

    def rows(self, done: int, total: int | None) -> None:
        """`done` rows of the step in hand are through."""
        of = f" de {total:,}" if total else ""
        self._show(f"{self._step} · {done:,}{of} linhas".replace(",", "."), always=False)

    def _show(self, text: str, *, always: bool) -> None:
        seconds = time.monotonic() - self._began
        if self._status is not None:
            self._status.update(text)
            if always:
                self._status.console.print(f"[dim]{seconds:5.1f} s[/dim]  {text}", highlight=False)
        elif always or seconds - self._told >= _EVERY_SECONDS:
            self._told = seconds
            print(f"{seconds:6.1f} s  {text}", file=sys.stderr, flush=True)


@contextmanager
def steps() -> Iterator[Steps]:
    """Progress for the work inside; what it logs goes to `.atalaia/logs/cli.log`."""
    log = settings().log_dir / "cli.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as lines:
        configure("cli", settings().log_level, lines)
        with _shown() as progress:
            yield progress


@contextmanager
def _shown() -> Iterator[Steps]:
    if not sys.stderr.isatty():
        yield Steps()
        return
    from rich.console import Console

    with Console(stderr=True).status("…") as status:
        yield Steps(status)
