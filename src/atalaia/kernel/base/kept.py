"""Connections a transaction is done with, kept for the next one.

A new connection is a new process of the server, whose first question reads the catalogues anew:
some 10 ms on a small machine, ten times a run. One that is kept costs a question: is it still
there; and what was SET on it, and the trace it worked for, are forgotten on the way.
"""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import suppress
from time import monotonic

import psycopg
from psycopg import sql
from psycopg.rows import DictRow

_MOST, _IDLE_SECONDS = 4, 30.0  # per process; older ones are not used again

_Connection = psycopg.Connection[DictRow]


class Kept:
    """What a process keeps; a fork begins with nothing, and leaves its parent's alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[str, float, _Connection]] = []
        self._parents: list[object] = []
        os.register_at_fork(after_in_child=self._begin_anew)
        atexit.register(self.forget)

    def take(self, url: str, name: str) -> _Connection | None:
        """One to `url` that answers, called `name` from now on; None when there is none."""
        while (found := self._newest(url)) is not None:
            try:
                found.autocommit = True
                found.execute(
                    sql.SQL("RESET ALL; SET application_name = {}").format(name), prepare=False
                )
                found.autocommit = False
            except psycopg.Error:
                found.close()
            else:
                return found
        return None

    def give(self, url: str, connection: _Connection) -> None:
        """Keep one whose transaction is committed, in place of the oldest when there are enough."""
        with self._lock:
            self._idle.append((url, monotonic(), connection))
            too_many, self._idle = self._idle[:-_MOST], self._idle[-_MOST:]
        for _, _, old in too_many:
            old.close()

    def forget(self) -> None:
        """Close all of them: what a database is set to is read when a connection begins."""
        with self._lock:
            known, self._idle = self._idle, []
        for _, _, old in known:
            old.close()

    def _newest(self, url: str) -> _Connection | None:
        with self._lock:
            fresh = monotonic() - _IDLE_SECONDS
            old = [one for _, at, one in self._idle if at < fresh]
            self._idle = [one for one in self._idle if one[1] >= fresh]
            place = next((n for n, one in enumerate(self._idle) if one[0] == url), None)
            found = None if place is None else self._idle.pop(place)[2]
        for one in old:
            with suppress(psycopg.Error):
                one.close()
        return found

    def _begin_anew(self) -> None:
        self._parents.append(self._idle)  # not closed: that would be told to the parent's server
        self._lock, self._idle = threading.Lock(), []


kept = Kept()
