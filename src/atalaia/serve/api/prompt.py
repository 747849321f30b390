"""HTTP/1.1 as uvicorn speaks it, with kept answers written where their requests are read.

An answer that is ready needs nobody to wait for: no task, no coroutine, one write. Everything else
goes uvicorn's own way, the unusual included: the last answer of a connection, a reader who is
slower than we are, and requests that wait for one another.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from atalaia.serve.api.cache import CacheHeaderMiddleware

if TYPE_CHECKING:
    from starlette.types import Scope
    from uvicorn._types import ASGI3Application


# Where, in its scope, an answer without an end leaves what to call when the server stops.
AT_SHUTDOWN = "atalaia.at_shutdown"


class PromptProtocol(HttpToolsProtocol):
    """Serves a `CacheHeaderMiddleware`, any other application just as uvicorn would.

    `_start_asgi_task` is where uvicorn turns a request whose headers have come, and whose turn it
    is, into a task. That is no promise of uvicorn's: `requirements.lock` pins the version, and the
    tests of the layer run under this class and under uvicorn's own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._layer = self.app if isinstance(self.app, CacheHeaderMiddleware) else None

    def shutdown(self) -> None:
        """Stop: uvicorn waits for answers in hand, and one of them may have no end of its own."""
        super().shutdown()
        if self.cycle and not self.cycle.response_complete:
            for end in cast("dict[str, Any]", self.cycle.scope).get(AT_SHUTDOWN, ()):
                end()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        began, found = perf_counter(), None
        layer = self._layer if app is self.app else None
        waited = cycle is not self.cycle  # its turn came from the answer before: answers would nest
        if layer and not waited and cycle.keep_alive and not self.flow.write_paused:
            found = layer.kept(cast("Scope", cycle.scope), began)
        if not layer or found is None:
            super()._start_asgi_task(cycle, app)
            return
        answer, own = found
        lines = [STATUS_LINE[answer.status]]
        for name, value in (*cycle.default_headers, *own):
            lines += (name, b": ", value, b"\r\n")
        self.transport.writelines((*lines, answer.lines, b"\r\n", answer.body))
        cycle.response_started = cycle.response_complete = True
        cycle.on_response()
        layer.given(answer, own, began)
