"""Politeness: how many may be at a source at once, and how soon it may be asked again.

Both hold for all processes together, through PostgreSQL: a place at the source is an advisory lock,
which goes with the process that holds it, and the next free moment is a row of `ops.source_pace`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from atalaia.kernel.base.database import Connection, statements
from atalaia.kernel.work.job import Run

_LOOK_SECONDS = 0.2
_LOCKS = 1885430629  # 'pace'; the seed of these locks' numbers, apart from those of jobs
_FARTHEST_SECONDS = 300  # a moment further off was written by a clock that was wrong


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `at_once` runs at the source, and `seconds_between` the beginnings of requests."""

    at_once: int = 2
    seconds_between: float = 0.1


POLITE = Pace()


class Place:
    """A place at a source, held by one run."""

    def __init__(self, connection: Connection, source: str, pace: Pace) -> None:
        self._connection, self._source, self._pace = connection, source, pace

    def wait_for_turn(self, run: Run) -> None:
        """Wait until the source may be asked; call it before each request. Raises TimedOut or
        Cancelled when the run must not go on."""
        if not self._pace.seconds_between:
            return
        row = self._connection.execute(
            """INSERT INTO ops.source_pace AS p (source, next_at)
               VALUES (%(source)s, clock_timestamp() + make_interval(secs => %(between)s))
               ON CONFLICT (source) DO UPDATE
               SET next_at = make_interval(secs => %(between)s) + CASE
                   WHEN p.next_at BETWEEN clock_timestamp()
                        AND clock_timestamp() + make_interval(secs => %(farthest)s)
                   THEN p.next_at ELSE clock_timestamp() END
               RETURNING extract(epoch FROM next_at - clock_timestamp())::float8 - %(between)s
                   AS wait""",
            {
                "source": self._source,
                "between": self._pace.seconds_between,
                "farthest": _FARTHEST_SECONDS,
            },
        ).fetchone()
        until = time.monotonic() + (row["wait"] if row else 0.0)
        while (left := until - time.monotonic()) > 0:
            run.checkpoint()
            time.sleep(min(left, _LOOK_SECONDS))


@contextmanager
def at_source(source: str, pace: Pace, run: Run) -> Iterator[Place]:
    """Wait for one of the source's places and hold it while the block runs. Raises TimedOut or
    Cancelled when the run must not go on, DatabaseUnavailable."""
    with statements() as connection:
        while not _took_a_place(connection, source, pace.at_once):
            run.checkpoint()
            time.sleep(_LOOK_SECONDS)
        yield Place(connection, source, pace)


def _took_a_place(connection: Connection, source: str, at_once: int) -> bool:
    for number in range(at_once):
        row = connection.execute(
            "SELECT pg_try_advisory_lock(hashtextextended(%s, %s)) AS got",
            (f"{source} {number}", _LOCKS),
        ).fetchone()
        if row and row["got"]:
            return True
    return False
