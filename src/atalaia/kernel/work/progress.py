"""Progress of long work, told to whoever watches: nobody, a terminal, a log."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What a run reports while it works. Implementations must never raise."""

    def step(self, job: str, name: str) -> None:
        """A step of `job` begins."""

    def rows(self, done: int, total: int | None) -> None:
        """`done` rows of the step in hand are through (of `total`, when known)."""


class Silent:
    """Tells nobody."""

    def step(self, job: str, name: str) -> None: ...

    def rows(self, done: int, total: int | None) -> None: ...


silent = Silent()
