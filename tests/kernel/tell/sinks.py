"""Receivers at home: real HTTP servers that keep what they were sent and misbehave on command.

with Sink() as sink:
    sink.answer = lambda hit: 500 if hit.nth == 1 else 204
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Hit:
    """One request as the receiver saw it; `nth` of its webhook-id, from 1."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes
    nth: int

    @property
    def message(self) -> str:
        """The id receivers know repetitions by."""
        return self.headers["webhook-id"]


@dataclass(frozen=True)
class Answer:
    """What is answered: after `wait` seconds; `reset` breaks the connection instead."""

    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    wait: float = 0.0
    reset: bool = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        """Keep it, then answer or misbehave."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.sink.took(self.path, dict(self.headers.lower_items()), body)
        if (held := self.server.sink.held) is not None:
            held.wait()
        time.sleep(answer.wait)
        if answer.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_POST

    def parse_request(self) -> bool:
        """Header names in lower case, as receivers compare them."""
        good = super().parse_request()
        if good:
            items = [(name.lower(), value) for name, value in self.headers.items()]
            self.headers.lower_items = lambda: items  # type: ignore[attr-defined]
        return good

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    sink: Sink

    def handle_error(self, request: object, client_address: object) -> None:
        """A sender that was killed in the middle is what some tests are about."""


class Sink:
    """A receiver on a port of its own. `hits` is all it was sent, in order; `taken` the ids of
    those it answered with 2xx. While `held` is an event that is not set, it answers nobody."""

    def __init__(self) -> None:
        self.answer: Callable[[Hit], Answer | int] = lambda _hit: 204
        self.hits: list[Hit] = []
        self.taken: list[str] = []
        self.arrived = threading.Semaphore(0)
        self.held: threading.Event | None = None
        self._count, self._lock = Counter[str](), threading.Lock()
        self._http = _Server(("127.0.0.1", 0), _Handler)
        self._http.sink = self
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._http.shutdown()
        self._http.server_close()

    def took(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Keep one request; what is answered."""
        message = headers.get("webhook-id", "")
        with self._lock:
            self._count[message] += 1
            hit = Hit(time.monotonic(), path, headers, body, self._count[message])
            self.hits.append(hit)
            found = self.answer(hit)
            answer = Answer(found) if isinstance(found, int) else found
            if 200 <= answer.status < 300 and not answer.reset:
                self.taken.append(message)
        self.arrived.release()
        return answer
