"""The access log and the counts of answers, settled in batches.

An answer leaves behind one small tuple. A thread makes lines and counts of what has gathered, every
half second, which costs a fraction of doing it one request at a time, and writes the rest when the
API stops. It never waits for the place the lines go to: when that takes no more, lines are dropped
and counted rather than memory filled, for an answer is worth more than its line.
"""

from __future__ import annotations

import os
import select
import stat
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from json import dumps

from atalaia.kernel.watch.metrics import Tally

FLUSH_SECONDS = 0.5
_STOP_SECONDS = 2.0  # how long the last lines may take
_MOST_BYTES = 32_000_000  # of lines that wait because nobody takes them
_PIPE_BYTES = select.PIPE_BUF  # what a pipe that says it is ready takes without waiting
_FILE_BYTES = 1 << 20
_AT_ONCE = 200  # lines between two chances for the event loop to run

Header = tuple[bytes, bytes]


class LineMaker:
    """Makes the lines of answers that differ only in time, trace id and duration."""

    __slots__ = ("_head", "_tail")

    def __init__(
        self, method: str, path: str, status: int, size: int, *, cache: str, level: str = "INFO"
    ) -> None:
        message = dumps(f"{method} {path} {status}", ensure_ascii=False)
        head = f'","level":"{level}","service":"api","message":{message},"trace_id":"'
        tail = (
            f'","method":"{method}","path":{dumps(path, ensure_ascii=False)},"status":{status},'
            f'"bytes":{size},"cache":"{cache}","seconds":'
        )
        self._head, self._tail = head.encode(), tail.encode()

    def pieces(self, moment: bytes, trace_id: bytes, seconds: float) -> tuple[bytes, ...]:
        """One line, in the pieces it is joined of, its end included."""
        return (b'{"ts":"', moment, self._head, trace_id, self._tail, b"%.6f}\n" % seconds)


@dataclass(frozen=True, slots=True)
class Kind:
    """What answers of one kind have in common: where they count, their size, their line."""

    tally: Tally
    size: int
    line: LineMaker


class Journal:
    """Takes what answers leave behind: `take((kind, trace header, began, ended))`, the moments by
    `time.perf_counter`. Lines go to a file descriptor from a thread of the journal's own."""

    def __init__(self, descriptor: int = 2) -> None:
        self.dropped = 0
        self._gathered: deque[tuple[Kind, Header, float, float]] = deque()
        self.take = self._gathered.append
        self._descriptor, self._pending = descriptor, bytearray()
        self._settling, self._stopping = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._second, self._second_text = -1, b""
        self._millisecond, self._millisecond_text = -1, b""

    def moment(self, now: float) -> bytes:
        """`now` (seconds since 1970) in ISO 8601, UTC, to the millisecond."""
        millisecond = int(now * 1000)
        if millisecond != self._millisecond:
            second, rest = divmod(millisecond, 1000)
            if second != self._second:
                moment = datetime.fromtimestamp(second, UTC)
                self._second = second
                self._second_text = moment.strftime("%Y-%m-%dT%H:%M:%S").encode()
            self._millisecond = millisecond
            self._millisecond_text = b"%b.%03d+00:00" % (self._second_text, rest)
        return self._millisecond_text

    def start(self) -> None:
        """Begin to settle and write."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is left and end; what nobody takes within two seconds is dropped."""
        self._stopping.set()
        if self._thread:
            self._thread.join()
            self._thread = None
        self.settle()
        until = time.monotonic() + _STOP_SECONDS
        while self._pending and time.monotonic() < until:
            self._write()
        self.dropped += self._pending.count(b"\n")
        self._pending.clear()

    def settle(self) -> None:
        """Count everything that was answered so far, and make its lines."""
        with self._settling:
            to_wall = time.time() - time.perf_counter()
            while self._gathered:
                self._settle(to_wall)
                time.sleep(0)  # the event loop may run

    def _settle(self, to_wall: float) -> None:
        take, made = self._gathered.popleft, 0
        pieces: list[bytes] = []
        while self._gathered and made < _AT_ONCE:
            kind, trace, began, ended = take()
            seconds, made = ended - began, made + 1
            kind.tally.add(seconds, kind.size)
            pieces += kind.line.pieces(self.moment(ended + to_wall), trace[1], seconds)
        if len(self._pending) > _MOST_BYTES:
            self.dropped += made
        else:
            self._pending += b"".join(pieces)

    def _run(self) -> None:
        while not self._stopping.wait(FLUSH_SECONDS):
            self.settle()
            self._write()

    def _write(self) -> None:
        """Write what waits, as far as it is taken now."""
        regular = stat.S_ISREG(os.fstat(self._descriptor).st_mode)
        piece = _FILE_BYTES if regular else _PIPE_BYTES
        while self._pending and select.select([], [self._descriptor], [], 0.1)[1]:
            try:
                written = os.write(self._descriptor, self._pending[:piece])
            except OSError:  # full or closed: these lines are lost, later ones may not be
                self.dropped += self._pending.count(b"\n")
                written = len(self._pending)
            with self._settling:
                del self._pending[:written]
