"""PromptProtocol over raw connections: what it writes is what uvicorn writes, in whatever order."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive, Scope, Send
from tests.serve.api.server import eventually, serving
from tests.serve.api.test_cache import World

from atalaia.serve.api import CacheHeaderMiddleware
from atalaia.serve.api.prompt import PromptProtocol

KEPT, OTHER = "/v1/geo/kept?x=1", "/v1/other"
LAST = "Connection: close\r\n"


class Watched(CacheHeaderMiddleware):
    """The layer, and how often uvicorn made a task to call it."""

    called = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        type(self).called += 1
        await super().__call__(scope, receive, send)


class Wire:
    """Requests as bytes to an application that has kept its answer to `KEPT`."""

    def __init__(self, url: str) -> None:
        self.address = (urlsplit(url).hostname, urlsplit(url).port)

    def send(self, *requests: str) -> bytes:
        """Everything the server says to these, sent at once, until it closes."""
        with socket.create_connection(self.address, timeout=20) as connection:
            connection.sendall("".join(requests).encode())
            return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def get(path: str, more: str = "", *, version: str = "1.1") -> str:
    return f"GET {path} HTTP/{version}\r\nHost: here\r\n{more}\r\n"


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    with _wired(tmp_path, PromptProtocol) as found:
        yield found


@contextmanager
def _wired(folder: Path, http: str | type[PromptProtocol]) -> Iterator[Wire]:
    world = World(folder / "access.log")
    world.layer.__class__ = Watched
    with serving(world.layer, http=http) as url:
        found = Wire(url)
        assert found.send(get(KEPT, LAST)).startswith(b"HTTP/1.1 200")
        Watched.called = 0
        yield found
    world.journal.stop()


def numbers(said: bytes) -> list[bytes]:
    """The paths that the answers are to, in their order."""
    return re.findall(rb'"path": "([^"]+)"', said)


def plain(said: bytes) -> list[bytes]:
    """An answer without what differs from one to the next, its headers in order."""
    head, _, body = said.partition(b"\r\n\r\n")
    lines = [
        line for line in head.lower().split(b"\r\n") if not line.startswith((b"date", b"x-trace"))
    ]
    return [*sorted(lines), body]


def test_a_kept_answer_needs_no_task(wire: Wire) -> None:
    said = wire.send(get(KEPT), get(KEPT), get(OTHER, LAST))
    assert numbers(said) == [b"/v1/geo/kept", b"/v1/geo/kept", b"/v1/other"]
    assert Watched.called == 1, "only the one that was not kept"


@pytest.mark.parametrize("tag", [False, True], ids=["200", "304"])
def test_it_writes_what_uvicorn_writes(tmp_path: Path, tag: bool) -> None:
    said = []
    for http in ("auto", PromptProtocol):
        with _wired(tmp_path, http) as wire:
            more = "If-None-Match: *\r\n" if tag else ""
            both = wire.send(get(KEPT, more), get("/v1/other", LAST))
            first = both[: both.index(b"HTTP/1.1 200", 20)]
            said.append(plain(first))
            assert re.search(rb"(?i)\r\ndate: .+ GMT\r\n", first)
            assert re.search(rb"(?i)\r\nx-trace-id: [0-9a-f]{32}\r\n", first)
    assert said[0] == said[1]


def test_answers_keep_the_order_of_their_requests(wire: Wire) -> None:
    paths = [KEPT if at % 3 else f"{OTHER}/{at}" for at in range(60)]
    said = wire.send(*map(get, paths), get(OTHER, LAST))
    asked = [path.partition("?")[0].encode() for path in (*paths, OTHER)]
    assert numbers(said) == asked


def test_the_last_answer_of_a_connection_says_so_and_closes(wire: Wire) -> None:
    for last in (get(KEPT, LAST), get(KEPT, version="1.0")):
        said = wire.send(last)
        assert re.search(rb"(?i)\r\nconnection: close\r\n", said)
        assert numbers(said) == [b"/v1/geo/kept"]


def test_a_body_nobody_asked_for_is_not_taken_for_the_next_request(wire: Wire) -> None:
    body = get("/v1/smuggled")
    said = wire.send(get(KEPT, f"Content-Length: {len(body)}\r\n"), body, get(OTHER, LAST))
    assert numbers(said) == [b"/v1/geo/kept", b"/v1/other"]


def test_a_slow_reader_gets_every_byte(wire: Wire) -> None:
    many = 2_000  # ten megabytes of answers: far more than the sockets hold
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        connection.settimeout(20)
        connection.connect(wire.address)
        connection.sendall((get(KEPT) * many).encode())
        eventually(lambda: Watched.called, 20, "uvicorn waiting for who does not read")
        connection.sendall(get(OTHER, LAST).encode())
        said = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    assert said.count(b'"path": "/v1/geo/kept"') == many
    assert numbers(said)[-1] == b"/v1/other"
