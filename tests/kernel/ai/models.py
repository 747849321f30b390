"""The stand-ins of the model services on real ports, told over HTTP how to behave."""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType
from typing import Self

import httpx
import uvicorn
from starlette.applications import Starlette


class Served:
    """One app on a free port of this machine."""

    def __init__(self, app: Starlette) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],))

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    def behave(self, mode: str, seconds: float = 60.0) -> None:
        """Misbehave in that way from now on; "" is good manners."""
        said = httpx.post(f"{self.url}/misbehave", json={"mode": mode, "seconds": seconds})
        assert said.status_code == 200, said.text

    def asked(self) -> list[str]:
        """The bodies of the latest questions."""
        return list(httpx.get(f"{self.url}/asked").json())
