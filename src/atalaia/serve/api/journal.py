"""The access log: one JSON line per answer, written in batches.

A line costs the request one string; a thread writes what has gathered, at least every half second,
and the rest when the API stops. When the place they go to takes no more, lines are dropped and
counted rather than memory filled: an answer is worth more than its log line.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from json import dumps

FLUSH_SECONDS = 0.5
_BATCH_LINES = 5_000  # this many wake the writer before its time
_MOST_LINES = 200_000  # about 60 MB of a writer that is stuck


class LineMaker:
    """Makes the lines of answers that differ only in time, trace id and duration."""

    __slots__ = ("_head", "_tail")

    def __init__(
        self, method: str, path: str, status: int, size: int, *, cache: str, level: str = "INFO"
    ) -> None:
        message = dumps(f"{method} {path} {status}", ensure_ascii=False)
        self._head = f'","level":"{level}","service":"api","message":{message},"trace_id":"'
        self._tail = (
            f'","method":"{method}","path":{dumps(path, ensure_ascii=False)},"status":{status},'
            f'"bytes":{size},"cache":"{cache}","seconds":'
        )

    def line(self, moment: str, trace_id: str, seconds: float) -> str:
        """One line, its end included."""
        return f'{{"ts":"{moment}{self._head}{trace_id}{self._tail}{seconds:.6f}}}\n'


class Journal:
    """Gathers lines and writes them to a file descriptor from a thread of its own."""

    def __init__(self, descriptor: int = 2) -> None:
        self.dropped = 0
        self._descriptor = descriptor
        self._lines: list[str] = []
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._second, self._second_text = -1, ""
        self._millisecond, self._millisecond_text = -1, ""

    def moment(self, now: float) -> str:
        """`now` (seconds since 1970) in ISO 8601, UTC, to the millisecond."""
        millisecond = int(now * 1000)
        if millisecond != self._millisecond:
            second, rest = divmod(millisecond, 1000)
            if second != self._second:
                moment = datetime.fromtimestamp(second, UTC)
                self._second, self._second_text = second, f"{moment:%Y-%m-%dT%H:%M:%S}"
            self._millisecond = millisecond
            self._millisecond_text = f"{self._second_text}.{rest:03d}+00:00"
        return self._millisecond_text

    def add(self, maker: LineMaker, trace_id: str, seconds: float) -> None:
        """Take one line of an answer that has just been given."""
        lines = self._lines
        if len(lines) >= _BATCH_LINES:
            self._wake.set()
            if len(lines) >= _MOST_LINES:
                self.dropped += 1
                return
        lines.append(maker.line(self.moment(time.time()), trace_id, seconds))

    def start(self) -> None:
        """Begin to write."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is left and end."""
        self._stopping.set()
        self._wake.set()
        if self._thread:
            self._thread.join(timeout=5)
            self._thread = None

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(FLUSH_SECONDS)
            self._wake.clear()
            self._write()
        self._write()

    def _write(self) -> None:
        lines, self._lines = self._lines, []
        data = memoryview("".join(lines).encode())
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            self.dropped += len(lines)
