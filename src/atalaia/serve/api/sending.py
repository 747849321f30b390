"""Pieces of ASGI: a request as the outermost layer knows it, and `send` in different coats."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter

from starlette.types import ASGIApp, Message, Scope, Send

from atalaia.kernel.base.telemetry import Span
from atalaia.serve.api.journal import Header


@dataclass(slots=True)
class Captured:
    """What the application answered, before any of it is sent."""

    status: int = 500
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""


@dataclass(slots=True)
class Asked:
    """A request: its headers by name, the header that names it, when it came, and its span."""

    scope: Scope
    headers: dict[bytes, bytes]
    trace: Header
    began: float
    span: Span


class Counted:
    """A `send` that adds the headers every answer has, and remembers status and size."""

    def __init__(self, send: Send, request: Asked) -> None:
        self.status, self.size = 0, 0
        self.opened: float | None = None  # when a stream, which takes as long as it lasts, began
        self._send, self._request = send, request

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = dict(message.get("headers", ()))
            if given.get(b"content-type", b"").startswith(b"text/event-stream"):
                self.opened = perf_counter()
            added = [
                (name, value)
                for name, value in (
                    (b"x-content-type-options", b"nosniff"),
                    (b"cache-control", b"no-store"),
                    self._request.trace,
                )
                if name not in given
            ]
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        elif message["type"] == "http.response.body":
            self.size += len(message.get("body", b""))
        await self._send(message)


async def captured(app: ASGIApp, scope: Scope) -> Captured:
    """Run `app` on a request without a body and keep what it sends."""
    found, parts = Captured(), []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            found.status, found.headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    found.body = b"".join(parts)
    return found


def without_body(send: Send) -> Send:
    """A `send` that keeps the headers and drops the body, as HEAD wants it."""

    async def headers_only(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    return headers_only
