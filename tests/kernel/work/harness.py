"""Workers that die: a fleet of worker processes of toys, killed and replaced, and what is left.

    with Fleet(tmp_path, workers=2) as fleet:
        fleet.kill_one()            # any of them, now; another takes its place
        fleet.wait_until_settled()  # nothing waits and nobody has anything in hand

The fleet reconciles by itself, as the scheduler does, and bears a database that goes away.
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from tests.forks import Forks
from tests.kernel.work import toys

from atalaia.kernel.base.errors import AtalaiaError
from atalaia.kernel.work.reconcile import reconcile

WORK = "tests.kernel.work.toys:work"
LEASE_SECONDS = 1.0
_ROUND_SECONDS = 0.1


def seeded(seed: int) -> random.Random:
    """Dice that fall the same way every time."""
    return random.Random(seed)  # noqa: S311  no secret


class Fleet:
    """So many workers, always. `kills` are those proven: the process was alive, and died of it."""

    def __init__(
        self,
        folder: Path,
        workers: int = 2,
        lease: float = LEASE_SECONDS,
        seed: int = 7,
        work: str = WORK,
    ) -> None:
        self._work = work
        self.kills, self.given_back = 0, 0
        self._random, self._lease, self._size = seeded(seed), lease, workers
        self._forks = Forks(work.partition(":")[0], log=folder / "workers.log")
        self._workers: list[int] = []
        self._stopped = threading.Event()
        self._reconciler = threading.Thread(target=self._go_round, daemon=True)

    def start_worker(self, step: str = "never", nth: int = 1) -> int:
        """A worker that works on and on, until it comes to `step` for the `nth` time."""
        return self._forks.start(self._work, step, nth, self._lease)

    def dies_of_itself(self, pid: int) -> None:
        """Wait for a worker that was to die at its step; proven."""
        code = self._forks.ended(pid)
        assert code == -9, f"the worker was to be killed at its step and ended with {code}"
        self.kills += 1

    def kill_one(self) -> None:
        """Kill one of the workers, whatever it is doing, and put another in its place."""
        place = self._random.randrange(len(self._workers))
        self._forks.kill(self._workers[place])
        self.kills += 1
        self._workers[place] = self.start_worker()

    def wait_until_settled(self, seconds: float = 60.0) -> float:
        """Seconds until nothing waits and nothing is in hand; fails the test when it takes more."""
        began = time.monotonic()
        while toys.rows("SELECT FROM ops.work_items WHERE finished_at IS NULL LIMIT 1"):
            assert time.monotonic() - began < seconds, dict(toys.states())
            time.sleep(_ROUND_SECONDS)
        return time.monotonic() - began

    def _go_round(self) -> None:
        while not self._stopped.wait(_ROUND_SECONDS):
            try:
                self.given_back += reconcile().given_back
            except (AtalaiaError, psycopg.Error):
                continue  # the database is away: that is what some tests are about

    def __enter__(self) -> Self:
        self._workers = [self.start_worker() for _ in range(self._size)]
        self._reconciler.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._reconciler.join()
        self._forks.__exit__(kind, error, at)
