"""API, worker and scheduler as one service in the foreground, for systemd and containers.

A part that dies is begun anew after a moment; one that dies again and again ends the service, for
whoever started it to see. Told to stop, it lets the parts end what they have in hand.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from atalaia.kernel.base.trace import log

PARTS: Mapping[str, tuple[str, ...]] = {
    "api": ("serve",),
    "worker": ("worker",),
    "scheduler": ("scheduler",),
}
_POLL_SECONDS = 0.2
_AGAIN_SECONDS = 1.0  # before a part that died is begun anew
_STOP_SECONDS = 45.0
_DEATHS, _WITHIN_SECONDS = 5, 60.0  # so many in so long are too many


@dataclass(slots=True)
class _Part:
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    begin_at: float = 0.0
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=_DEATHS))


class Service:
    """The parts of one service. `run` returns when it was told to stop (True), or gave up."""

    def __init__(self, commands: Mapping[str, Sequence[str]]) -> None:
        self._parts = {name: _Part(command) for name, command in commands.items()}
        self._told = threading.Event()

    def stop(self, *_signal: object) -> None:
        """Have `run` end; safe in a signal's handler."""
        self._told.set()

    def run(self) -> bool:
        """Keep every part running."""
        try:
            while not self._told.is_set():
                if not all(self._kept(name, part) for name, part in self._parts.items()):
                    return False
                self._told.wait(_POLL_SECONDS)
        finally:
            self._end()
        return True

    def _kept(self, name: str, part: _Part) -> bool:
        """Begin it when it is time. False when it died too often."""
        now = time.monotonic()
        if part.process is not None and part.process.poll() is not None:
            log("ERROR", "a part died", part=name, code=part.process.returncode)
            part.process, part.begin_at = None, now + _AGAIN_SECONDS
            part.deaths.append(now)
            if len(part.deaths) == _DEATHS and now - part.deaths[0] < _WITHIN_SECONDS:
                log("ERROR", "a part dies again and again; giving up", part=name)
                return False
        if part.process is None and now >= part.begin_at:
            part.process = subprocess.Popen(part.command, stdin=subprocess.DEVNULL)
            log("INFO", "a part was begun", part=name, pid=part.process.pid)
        return True

    def _end(self) -> None:
        living = [part.process for part in self._parts.values() if part.process is not None]
        for process in living:
            process.terminate()
        until = time.monotonic() + _STOP_SECONDS
        for process in living:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def run() -> bool:
    """The three parts, until SIGTERM or SIGINT. False when one could not be kept running."""
    service = Service(
        {name: [sys.executable, "-m", "atalaia.serve.cli", *words] for name, words in PARTS.items()}
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, service.stop)
    return service.run()
