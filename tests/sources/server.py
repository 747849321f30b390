"""An outside source, at home: answers in the official formats, and misbehaves on command.

    with SourceServer(answers) as server:
        server.misbehave(status(500), times=2)   # twice wrong, then right again
        ...                                      # point SOURCE_<NAME>_BASE_URL at server.url
        assert len(server.hits) == 3

A fault takes the place of one answer. Faults act on the wire: bytes late, missing, wrong or none.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request, as the source sees it."""

    path: str
    query: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What the source would answer when it is well."""

    body: bytes
    content_type: str = "application/json; charset=UTF-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Any, status: int = 200) -> Answer:
        """A JSON answer as IBGE sends it: UTF-8, letters not escaped, no blanks."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return cls(text.encode(), status=status)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: _Http

    def do_GET(self) -> None:
        """Answer, or misbehave."""
        self.server.source._serve(self)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""

    def head(self, status: int, headers: dict[str, str]) -> None:
        """Status line and headers."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def whole(self, answer: Answer) -> None:
        """The answer as it should be."""
        self.head(
            answer.status,
            {
                "Content-Type": answer.content_type,
                "Content-Length": str(len(answer.body)),
                **answer.headers,
            },
        )
        self.wfile.write(answer.body)

    def hang_up(self) -> None:
        """Close the connection after this answer."""
        self.close_connection = True


Fault = Callable[[Handler, Answer], None]


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    source: SourceServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away in the middle is what many tests are about."""


class SourceServer:
    """A source on a port of its own. `hits` are all requests it has seen, in order."""

    def __init__(self, answer: Callable[[Asked], Answer | None]) -> None:
        self._answer = answer
        self._faults: list[Fault] = []
        self._always: Fault | None = None
        self._lock = threading.Lock()
        self.hits: list[Asked] = []
        self._http = _Http(("127.0.0.1", 0), Handler)
        self._http.source = self
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> SourceServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def secure(self, certificate: Path, key: Path) -> None:
        """Speak TLS with this certificate. Call before entering."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.url = self.url.replace("http://", "https://")

    def misbehave(self, fault: Fault, times: int | None = None) -> None:
        """Do `fault` instead of the next `times` answers; of every one when None."""
        if times is None:
            self._always = fault
        else:
            self._faults += [fault] * times

    def behave(self) -> None:
        """Be well again."""
        self._always, self._faults = None, []

    def _serve(self, handler: Handler) -> None:
        parts = urlsplit(handler.path)
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        asked = Asked(parts.path, query)
        with self._lock:
            self.hits.append(asked)
            fault = self._faults.pop(0) if self._faults else self._always
        answer = self._answer(asked) or Answer(b"", "text/plain", 404)
        if fault is None:
            handler.whole(answer)
        else:
            fault(handler, answer)


# Faults.


def status(code: int, *, retry_after: str = "", body: bytes = b"") -> Fault:
    """An error status, with Retry-After if given."""

    def act(handler: Handler, _answer: Answer) -> None:
        headers = {"Retry-After": retry_after} if retry_after else {}
        handler.whole(Answer(body, "text/plain", code, headers))

    return act


def half_body(handler: Handler, answer: Answer) -> None:
    """The announced length, half the bytes, end of connection."""
    handler.head(200, {"Content-Length": str(len(answer.body))})
    handler.wfile.write(answer.body[: len(answer.body) // 2])
    handler.hang_up()


def half_body_unannounced(handler: Handler, answer: Answer) -> None:
    """Half the bytes and no length: to HTTP a whole answer."""
    handler.head(200, {"Content-Type": answer.content_type, "Connection": "close"})
    handler.wfile.write(answer.body[: len(answer.body) // 2])
    handler.hang_up()


def short_length(handler: Handler, answer: Answer) -> None:
    """A length smaller than the body: what follows is cut off."""
    handler.head(200, {"Content-Length": str(len(answer.body) - 10), "Connection": "close"})
    handler.wfile.write(answer.body)
    handler.hang_up()


def reset(handler: Handler, answer: Answer) -> None:
    """The connection is reset in the middle of the body."""
    handler.head(200, {"Content-Length": str(len(answer.body))})
    handler.wfile.write(answer.body[: len(answer.body) // 2])
    handler.wfile.flush()
    linger = struct.pack("ii", 1, 0)  # close() then sends RST instead of FIN
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    handler.connection.close()
    handler.hang_up()


def silence(seconds: float) -> Fault:
    """Nothing at all for that long, then the right answer."""

    def act(handler: Handler, answer: Answer) -> None:
        time.sleep(seconds)
        handler.whole(answer)

    return act


def drip(seconds_per_byte: float) -> Fault:
    """The right answer, a byte at a time."""

    def act(handler: Handler, answer: Answer) -> None:
        handler.head(200, {"Content-Length": str(len(answer.body))})
        for byte in answer.body:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(seconds_per_byte)

    return act


def drip_headers(seconds_per_byte: float) -> Fault:
    """A header that never ends: no read takes long, no answer ever begins."""

    def act(handler: Handler, _answer: Answer) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        for _ in range(10_000):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(seconds_per_byte)

    return act


def html(handler: Handler, _answer: Answer) -> None:
    """A firewall's page, with status 200."""
    page = b"<!DOCTYPE html>\n<html><body>Request Rejected. Support ID: 1</body></html>"
    handler.whole(Answer(page, "text/html"))


def empty(handler: Handler, answer: Answer) -> None:
    """Status 200 and no body."""
    handler.whole(Answer(b"", answer.content_type))


def redirect_loop(handler: Handler, _answer: Answer) -> None:
    """To itself, for ever."""
    handler.whole(Answer(b"", "text/plain", 301, {"Location": handler.path}))


def broken_gzip(handler: Handler, answer: Answer) -> None:
    """Says gzip and is not."""
    handler.whole(Answer(answer.body, answer.content_type, 200, {"Content-Encoding": "gzip"}))


def encoded(encoding: str) -> Fault:
    """The right text in another encoding."""

    def act(handler: Handler, answer: Answer) -> None:
        handler.whole(Answer(answer.body.decode().encode(encoding), answer.content_type))

    return act


def edited(edit: Callable[[bytes], bytes]) -> Fault:
    """Another body: a renamed column, a missing one, a row more."""

    def act(handler: Handler, answer: Answer) -> None:
        handler.whole(Answer(edit(answer.body), answer.content_type))

    return act


@contextmanager
def nobody() -> Iterator[str]:
    """An address where nobody listens: the connection is refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening
        yield f"http://127.0.0.1:{held.getsockname()[1]}"
