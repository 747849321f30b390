"""Backups and restores killed at a random moment, in processes of their own."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

_BACKUP = """
import sys
from pathlib import Path
import atalaia.kernel.ingest.bronze
from atalaia.kernel.keep import backup
print("ready", flush=True)
backup.create(Path(sys.argv[1]), actor="ana", trigger="cli", reason="kill")
print("done", flush=True)
"""
_RESTORE = """
import sys
from pathlib import Path
import atalaia.kernel.ingest.bronze
from atalaia.kernel.keep import recovery
print("ready", flush=True)
recovery.restore(Path(sys.argv[1]), actor="ana", trigger="cli", reason="kill", override=True)
print("done", flush=True)
"""


class Victim:
    """A process at work. `kill_after` ends it hard; it says whether that was in time."""

    def __init__(self, code: str, file: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, env=os.environ
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"
        self.began = time.monotonic()

    @classmethod
    def backing_up(cls, file: Path) -> Victim:
        """A backup to `file`, about to begin."""
        return cls(_BACKUP, file)

    @classmethod
    def restoring(cls, file: Path) -> Victim:
        """A restore of `file`, about to begin."""
        return cls(_RESTORE, file)

    def finish(self) -> float:
        """Let it come to its end; the seconds it took."""
        assert self.process.stdout is not None
        assert self.process.stdout.read() == b"done\n"
        assert self.process.wait() == 0
        return time.monotonic() - self.began

    def kill_after(self, seconds: float) -> bool:
        """True when it was killed with the work in hand, which its exit code proves."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
        assert self.process.stdout is not None
        said = self.process.stdout.read()
        return self.process.wait() == -signal.SIGKILL and b"done" not in said


def moments(seed: int, longest: float, count: int) -> list[float]:
    """When to kill: anywhere in the time the work takes, as many early as late."""
    chance = random.Random(seed)  # noqa: S311  the same moments in every run
    return [longest * (n + chance.random()) / count for n in range(count)]
