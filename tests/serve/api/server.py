"""The API as a process of its own, on a free port, as `atalaia serve` starts it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.database import transaction
from atalaia.kernel.keep import keys
from atalaia.kernel.keep.keys import Role
from atalaia.serve.local.process import free_port

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 180.0  # a machine with other work imports slowly
# Tests ask as nobody else does; those of the limits set their own.
_PLENTY = {
    "RATE_LIMIT_PER_MINUTE": "1000000",
    "RATE_LIMIT_ROUTE_PER_MINUTE": "1000000",
    "RATE_LIMIT_BURST": "1000000",
    "FAILED_KEYS_PER_MINUTE": "1000000",
}


def eventually(question: Callable[[], Any], seconds: float, what: str) -> Any:
    """Ask until the answer is true; fails the test when it is not within `seconds`."""
    deadline = Deadline(seconds)
    while True:
        found = question()
        if found:
            return found
        assert not deadline.passed, f"{what}: not within {seconds:g} s"
        time.sleep(0.05)


class _Client(httpx.Client):
    """Reads answers to their end; of a stream, which has none, how it begins."""

    def request(self, method: str, url: httpx.URL | str, **rest: Any) -> httpx.Response:
        with self.stream(method, url, **rest) as answer:
            if not answer.headers.get("content-type", "").startswith("text/event-stream"):
                answer.read()
            return answer


class Api:
    """A running API. `get` asks it over HTTP and never follows redirects."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port, self._log = process, port, log
        self.url = f"http://127.0.0.1:{port}"
        self.client = _Client(base_url=self.url, timeout=30)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """GET with headers given as `If_None_Match="…"`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.get(path, headers=named)

    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines written so far; a line that is no JSON fails the test."""
        text = self._log.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1].splitlines()
        return [json.loads(line) for line in whole if line]

    def raw_log(self) -> str:
        """Everything written so far."""
        return self._log.read_text(encoding="utf-8")

    def line_of(self, trace_id: str) -> dict[str, Any]:
        """The access line of one request; it is written within about a second."""

        def found() -> dict[str, Any] | None:
            return next(
                (x for x in self.lines() if x.get("trace_id") == trace_id and "status" in x), None
            )

        line: dict[str, Any] = eventually(found, 5, f"access line of {trace_id}")
        return line

    def stop(self) -> None:
        """Ask it to stop, as `make down` does, and wait."""
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)


@contextlib.contextmanager
def running(folder: Path, **environment: str) -> Iterator[Api]:
    """An API on a free port, with its log in `folder`; it is up when this yields."""
    port, log = free_port(0), folder / f"api-{secrets.token_hex(3)}.log"
    command = [sys.executable, "-m", "atalaia.serve.cli", "serve", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **_PLENTY, **environment},
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    api = Api(process, port, log)
    try:
        eventually(lambda: is_up(api), START_SECONDS, f"the API; its log: {api.raw_log()}")
        yield api
    finally:
        api.stop()


@contextlib.contextmanager
def serving(app: ASGIApp, http: str | type[asyncio.Protocol] = "auto") -> Iterator[str]:
    """An application of the test's own, served by uvicorn in a thread; yields its address."""
    port = free_port(0)
    server = uvicorn.Server(
        uvicorn.Config(
            app, port=port, log_level="error", lifespan="off", http=http, proxy_headers=False
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        eventually(lambda: server.started, 20, "uvicorn")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def is_up(api: Api) -> bool:
    """Whether the process answers anything at all."""
    assert api.process.poll() is None, f"the API ended by itself: {api.raw_log()}"
    try:
        return api.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


def knows_the_data(api: Api) -> bool:
    """Whether it has heard which version the data is of: before that it keeps no answer."""
    parts = {part["name"]: part["status"] for part in api.get("/readyz").json()["parts"]}
    return parts.get("data_version") == "ok"


def new_key(role: Role, tenant: str = "default", *, revoked: bool = False) -> str:
    """A key of that role, made as any other is, in the database of DATABASE_URL."""
    who = keys.Who("test", "python", "test")
    with transaction() as connection:
        connection.execute(
            "INSERT INTO tenants (tenant_id, name) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (tenant, tenant),
        )
        made = keys.create(connection, name="test", role=role, tenant_id=tenant, who=who)
        if revoked:
            keys.revoke(connection, made.key.prefix, who=who)
    return made.secret
