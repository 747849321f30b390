"""What changed, told to the screens that are open: server-sent events, topics and no data.

A screen asks anew for what it shows when its topic is named, so nothing here depends on who listens
and a lost event costs nothing: who comes back with `Last-Event-ID` is told that all may have
changed. One question a second is asked of the database, by the process and not by the listener, and
only while there is one; with it goes the question whether everybody who listens still may.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from contextlib import suppress
from typing import Annotated

import psycopg
from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from atalaia.kernel.base.database import pooled
from atalaia.kernel.base.errors import AtalaiaError, Busy, TooMany
from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.trace import log
from atalaia.kernel.keep import keys, sessions
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.watch import pulse
from atalaia.serve.api.access import needs
from atalaia.serve.api.prompt import AT_SHUTDOWN

PACE_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0
_ANEW = 30  # beats between two looks at which topics this database has
_SEND_SECONDS = 15.0  # a reader who takes nothing for so long is let go
_RETRY_MS = 2000  # after which a browser that lost the stream comes back
_FULL_SECONDS = 10.0

router = APIRouter(prefix="/v1/ops", tags=["operação"])


class Listener:
    """One open stream: the topics it has not been told yet, never more than there are topics."""

    def __init__(self, caller: Caller) -> None:
        self.subject = caller.subject
        self.session_id = caller.session.session_id if caller.session else None
        self.ended = False
        self._waiting: set[str] = set()
        self._wake = asyncio.Event()

    def tell(self, topics: Iterable[str]) -> None:
        """Have these topics told at the next chance."""
        self._waiting.update(topics)
        if self._waiting:
            self._wake.set()

    def end(self) -> None:
        """Close the stream."""
        self.ended = True
        self._wake.set()

    async def next(self) -> list[str]:
        """The topics to tell, in their order; none when a heartbeat is due, or the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await self._wake.wait()
        self._wake.clear()
        told = [topic for topic in pulse.TOPICS if topic in self._waiting]
        self._waiting.clear()
        return told


class Hub:
    """The listeners of this process. All of it happens in the event loop, the question aside."""

    def __init__(self) -> None:
        self.told = 0  # how often something had changed
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._beats: tuple[pulse.Beat, ...] = ()
        self._last: dict[str, str] = {}
        self._age, self._away = 0, False

    def __len__(self) -> int:
        return len(self._listeners)

    async def join(self, caller: Caller, *, missed: bool) -> Listener:
        """Listen; what changes from now on is told, and when it `missed` some, all at once. Raises
        TooMany for a key that has too many streams, Busy when the process has."""
        own = sum(one.subject == caller.subject for one in self._listeners)
        if own >= settings().live_listeners_per_key:
            raise TooMany(retry_after=_FULL_SECONDS)
        if len(self._listeners) >= settings().live_listeners:
            raise Busy()
        listener = Listener(caller)
        self._listeners.add(listener)
        try:
            if self._task is None:
                self._ready.clear()
                self._task = asyncio.create_task(self._follow(), name="live")
            await self._ready.wait()
        except BaseException:
            self.leave(listener)
            raise
        if missed:
            listener.tell(pulse.TOPICS)
        return listener

    def leave(self, listener: Listener) -> None:
        """Listen no more; after the last one nobody is asked."""
        self._listeners.discard(listener)
        if not self._listeners and self._task:
            self._task.cancel()
            self._task, self._last, self._age = None, {}, 0

    def close(self) -> None:
        """End every stream."""
        for listener in self._listeners:
            listener.end()

    async def _follow(self) -> None:
        while True:
            await self._ask()
            self._ready.set()
            await asyncio.sleep(PACE_SECONDS)

    async def _ask(self) -> None:
        listeners = tuple(self._listeners)
        try:
            found, gone = await asyncio.to_thread(self._look, listeners)
        except (AtalaiaError, psycopg.Error) as error:
            if not self._away:  # whoever listens is told when it is back
                log("WARNING", "what changed cannot be asked", error=type(error).__name__)
            self._away = True
            return
        changed = {t for t, value in found.items() if self._last.get(t, value) != value}
        if self._away:
            changed, self._away = set(found), False
        self._last = found
        self.told += bool(changed)
        for listener in listeners:
            listener.tell(changed)
        for listener in gone:
            listener.end()

    def _look(self, listeners: tuple[Listener, ...]) -> tuple[dict[str, str], list[Listener]]:
        """The pulse now, and the listeners whose key or session is good no more."""
        with pooled() as connection:
            if self._age % _ANEW == 0:
                self._beats = pulse.present(connection)
            self._age += 1
            found = pulse.take(connection, self._beats)
            ids = [one.session_id for one in listeners if one.session_id is not None]
            prefixes = [one.subject for one in listeners if one.session_id is None]
            good: set[str | int] = set()
            if ids:
                good |= sessions.still_open(connection, ids)
            if prefixes:
                good |= keys.still_good(connection, prefixes)
        return found, [one for one in listeners if (one.session_id or one.subject) not in good]


class _Stream(Response):
    """A stream of `changed` events, until either side ends it."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, listener: Listener) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._hub, self._listener = hub, listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        listener = self._listener
        scope.setdefault(AT_SHUTDOWN, []).append(listener.end)
        watching = asyncio.create_task(self._until_gone(receive))
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            text = f"retry: {_RETRY_MS}\n\n"
            while not listener.ended:
                async with asyncio.timeout(_SEND_SECONDS):
                    await send(_piece(text))
                text = self._text(await listener.next())
            await send(_piece("", last=True))
        except TimeoutError:
            return  # the server closes what was not ended
        finally:
            watching.cancel()
            self._hub.leave(listener)

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._listener.end()

    def _text(self, topics: list[str]) -> str:
        if not topics:
            return ": ok\n\n"
        data = json.dumps({"topics": topics})
        return f"event: changed\nid: {self._hub.told}\ndata: {data}\n\n"


def _piece(text: str, *, last: bool = False) -> dict[str, object]:
    return {"type": "http.response.body", "body": text.encode(), "more_body": not last}


@router.get(
    "/live",
    summary="O que mudou, enquanto se olha (server-sent events)",
    status_code=200,
    response_class=_Stream,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def live(
    request: Request,
    caller: Annotated[Caller, Depends(needs("viewer"))],
    last_event_id: Annotated[str | None, Header()] = None,
) -> Response:
    """Events `changed` with `{"topics": […]}`: ask anew for what is shown of them."""
    hub: Hub = request.app.state.live
    return _Stream(hub, await hub.join(caller, missed=last_event_id is not None))
