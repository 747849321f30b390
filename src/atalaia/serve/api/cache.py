"""The outermost layer: answers public reads from kept bytes, and counts, logs and traces all.

A question asked before, of data that has not changed since, costs a dictionary lookup: no routing,
no query, no compression. A new question is asked of the application once, however many ask it at
the same moment. What is public is decided by the route, never by the caller: an answer that
depends on a key is passed through untouched and never kept.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterable
from operator import itemgetter
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Receive, Scope, Send

from atalaia.kernel.base.errors import DatabaseUnavailable
from atalaia.kernel.base.telemetry import span
from atalaia.kernel.base.trace import trace
from atalaia.kernel.watch.metrics import Answers
from atalaia.serve.api.encoding import best_coding
from atalaia.serve.api.follower import DataVersion
from atalaia.serve.api.journal import Header, Journal, Kind, LineMaker
from atalaia.serve.api.problems import of_any
from atalaia.serve.api.sending import Asked, Captured, Counted, captured, without_body
from atalaia.serve.api.shelf import Entry, Prepared, Shelf

PUBLIC = b"public, max-age=300"
DEGRADED: Header = (b"x-atalaia-degraded", b"database")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_NO_TRACE = b"0" * 32
_NOWHERE = "(unknown)"
_TRACES_AT_ONCE = 256


class CacheHeaderMiddleware:
    """Weak ETag, 304 and `Cache-Control: public, max-age=300` on the public reads of `app`, from
    bytes kept per path, query and data version; trace id, metrics and access log on everything.

    `is_public` says whether a path is a public read. Nothing is kept before the data version is
    known. With the database away, kept bytes are still given, marked `X-Atalaia-Degraded:
    database`, and new questions are refused at once."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        is_public: Callable[[str], bool],
        shelf: Shelf,
        data: DataVersion,
        journal: Journal,
        answers: Answers,
    ) -> None:
        self.app = app
        self._is_public = is_public
        self._shelf, self._addresses = shelf, shelf.addresses
        self._data, self._answers, self._take = data, answers, journal.take
        self._flights: dict[object, asyncio.Future[Any]] = {}
        self._prefix, self._traced = os.urandom(8).hex().encode(), 0
        self._traces: list[Header] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. What is kept is the hot path: every microsecond counts. Under
        `PromptProtocol` it is sent before it comes here."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = perf_counter()
        found = self.kept(scope, began)
        if found is None:
            await self._ask(scope, receive, send, began)
            return
        answer, own = found
        headers = [*answer.headers, *own]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        self.given(answer, own, began)

    def kept(self, scope: Scope, began: float) -> tuple[Prepared, list[Header]] | None:
        """What is ready to be sent to this request, with the headers that are this request's own,
        its trace first; None when it has to be asked. Who sends it says so with `given`."""
        entry = self._addresses.get((scope["raw_path"], scope["query_string"]))
        if entry is None or entry.generation != self._shelf.generation or scope["method"] != "GET":
            return None
        asked = dict(scope["headers"])
        given = asked.get(b"if-none-match")
        if given is not None and (given == entry.etag or _names(given, entry.etag)):
            answer: Prepared | None = entry.not_modified
        else:
            answer = entry.ready.get(asked.get(b"accept-encoding"))
        if answer is None:
            return None
        entry.used = began
        own = self._traces and b"traceparent" not in asked
        trace = self._traces.pop() if own else self._trace(asked)
        return answer, [trace, DEGRADED] if self._data.away else [trace]

    def given(self, answer: Prepared, own: list[Header], began: float) -> None:
        """Count and log an answer that was sent; `began` by `time.perf_counter`."""
        self._take((answer.kind, own[0], began, perf_counter()))

    def _trace(self, asked: dict[bytes, bytes]) -> Header:
        """The header that names the request: by the caller's W3C trace id, else by one of our own,
        random per process and then a count. Ours are made many at a time."""
        parent = asked.get(b"traceparent")
        if parent is not None:
            found = _TRACEPARENT.fullmatch(parent)
            if found and found[1] != _NO_TRACE:
                return (b"x-trace-id", found[1])
        if not self._traces:
            last = self._traced + _TRACES_AT_ONCE
            numbers = range(last, self._traced, -1)  # given out from the end
            self._traces = [(b"x-trace-id", b"%b%016x" % (self._prefix, n)) for n in numbers]
            self._traced = last
        return self._traces.pop()

    async def _ask(self, scope: Scope, receive: Receive, send: Send, began: float) -> None:
        headers = dict(scope["headers"])
        header = self._trace(headers)
        parent = headers.get(b"traceparent", b"").decode("latin-1")
        method = scope["method"]
        with trace(header[1].decode()), span(method, "server", parent) as piece:
            request = Asked(scope, headers, header, began, piece)
            if scope["method"] in ("GET", "HEAD") and self._is_public(scope["path"]):
                await self._public(request, send)
            else:
                await self._private(request, receive, send)

    async def _public(self, request: Asked, send: Send) -> None:
        """A public read that was not ready to be sent: render it, or only code it anew."""
        scope = request.scope
        key = (scope["path"], _in_order(scope["query_string"]))
        entry = self._shelf.get(key)
        cache = "miss" if entry is None else "hit"
        if entry is None:
            found = await self._rendered(key, scope)
            if isinstance(found, Captured):
                await self._sendcaptured(found, request, send)
                return
            entry = found
        self._shelf.remember((scope["raw_path"], scope["query_string"]), entry)
        coding = best_coding(request.headers.get(b"accept-encoding"))
        given = request.headers.get(b"if-none-match")
        if given is not None and _names(given, entry.etag):
            answer = entry.not_modified
        else:
            answer = await self._variant(entry, coding)
            entry.accept(request.headers.get(b"accept-encoding"), answer)
        scope["route"] = entry.route
        counted = Counted(without_body(send) if scope["method"] == "HEAD" else send, request)
        entry.used = request.began
        sent = [*answer.headers, DEGRADED] if self._data.away else answer.headers
        await counted({"type": "http.response.start", "status": answer.status, "headers": sent})
        await counted({"type": "http.response.body", "body": answer.body})
        self._record(counted, request, cache)

    async def _rendered(self, key: tuple[str, str], scope: Scope) -> Entry | Captured:
        """The answer to a new question. All who ask it meanwhile wait for the same one; a refusal
        is not shared, because it carries the trace id of the request it refuses."""
        generation = self._shelf.generation
        found: Entry | Captured
        first, found = await self._once((generation, key), lambda: self._render(key, scope))
        if isinstance(found, Entry) or first:
            return found
        return await self._capture(scope)

    async def _once(self, name: object, work: Callable[[], Awaitable[Any]]) -> tuple[bool, Any]:
        """Do `work` unless it is being done under that name already; wait for it either way.
        Also says whether this call began it. A caller who goes away does not stop it."""
        flight = self._flights.get(name)
        first = flight is None
        if flight is None:
            flight = asyncio.ensure_future(work())
            self._flights[name] = flight
            flight.add_done_callback(lambda _done: self._flights.pop(name, None))
        return first, await asyncio.shield(flight)

    async def _render(self, key: tuple[str, str], scope: Scope) -> Entry | Captured:
        # The generation is taken before the question is asked: an answer made from data that
        # changed meanwhile then belongs to the past and is not kept.
        generation, known = self._shelf.generation, self._data.version is not None
        found = await self._capture(scope)
        headers = dict(found.headers)
        control = headers.get(b"cache-control", PUBLIC)
        if found.status != 200 or not control.startswith(b"public"):
            return found
        entry = Entry(
            key,
            generation if known else -1,
            found.body,
            {**headers, b"cache-control": control},
            scope["route"],
            lambda status: self._answers.tally(_label(scope), status, "hit"),
        )
        return self._shelf.put(entry)

    async def _variant(self, entry: Entry, coding: str) -> Prepared:
        answer = entry.variants.get(coding)
        if answer is None:
            await self._once((id(entry), coding), lambda: self._encode(entry, coding))
            answer = entry.variants[coding]
        return answer

    async def _encode(self, entry: Entry, coding: str) -> None:
        body = await asyncio.to_thread(entry.encode, coding)
        self._shelf.add_variant(entry, coding, body)

    async def _capture(self, scope: Scope) -> Captured:
        """Ask the application and keep what it says; a fault of ours becomes a problem."""
        if self._data.away:
            return await captured(of_any(DatabaseUnavailable()).response(scope["path"]), scope)
        inner = {**scope, "method": "GET"}
        try:
            return await captured(self.app, inner)
        except Exception as error:
            return await captured(of_any(error).response(scope["path"]), scope)
        finally:
            scope["route"] = inner.get("route")

    async def _sendcaptured(self, found: Captured, request: Asked, send: Send) -> None:
        counted = Counted(send, request)
        start = {"type": "http.response.start", "status": found.status, "headers": found.headers}
        await counted(start)
        await counted({"type": "http.response.body", "body": found.body})
        self._record(counted, request)

    async def _private(self, request: Asked, receive: Receive, send: Send) -> None:
        """Anything else: passed through, with a trace id, counted and logged. HEAD is asked as GET
        and answered without the body, wherever GET is answered."""
        scope, counted = request.scope, Counted(send, request)
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
            counted = Counted(without_body(send), request)
        try:
            await self.app(scope, receive, counted)
        except Exception as error:
            response = of_any(error).response(scope["path"])
            if counted.status:
                raise  # half an answer is out: only closing the connection tells the caller
            await response(scope, receive, counted)
        finally:
            request.scope["route"] = scope.get("route")
            self._record(counted, request)

    def _record(self, counted: Counted, request: Asked, cache: str = "none") -> None:
        scope, status = request.scope, counted.status or 500
        label = _label(scope)
        # Only a path that an API route took holds nothing but what the route checked; any other may
        # be whatever a person typed, and the template stands for it.
        path = scope["path"] if status < 400 and label.startswith("/") else label
        level = "WARNING" if status >= 500 else "INFO"  # a fault of ours has its own ERROR line
        kind = Kind(
            self._answers.tally(label, status, cache),
            counted.size,
            LineMaker(scope["method"], path, status, counted.size, cache=cache, level=level),
        )
        self._take((kind, request.trace, request.began, counted.opened or perf_counter()))
        # Named by the route too: see above what a path may be.
        request.span.named(f"{scope['method']} {label}")
        request.span.note(
            http__request__method=scope["method"],
            http__route=label,
            http__response__status_code=status,
        )


def _names(if_none_match: bytes, etag: bytes) -> bool:
    """Whether an If-None-Match header names `etag` (weak comparison) or anything at all."""
    bare = etag.removeprefix(b"W/")
    given: Iterable[bytes] = (one.strip() for one in if_none_match.split(b","))
    return any(one == b"*" or one.removeprefix(b"W/") == bare for one in given)


def _in_order(query: bytes) -> str:
    """A query with its parameters sorted: the same question however it is written."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return urlencode(sorted(pairs, key=itemgetter(0)))  # of a repeated name the last one counts


def _label(scope: Scope) -> str:
    """The template of the route that answered, for logs and metrics."""
    return getattr(scope.get("route"), "path", _NOWHERE)
