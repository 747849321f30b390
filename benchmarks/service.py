"""The product as it runs, for benchmarks: API and workers as processes, on private servers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from rig import private_database


class Service:
    """Parts of the product, as processes; `key` is a caller's."""

    def __init__(self, folder: Path) -> None:
        from atalaia.serve.local.process import free_port

        self.port, self._folder = free_port(0), folder
        self._started: list[subprocess.Popen[bytes]] = []
        self.key = ""

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """One part, with its log in the folder."""
        with (self._folder / f"{command[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "atalaia.serve.cli", *command], stdout=log, stderr=log
            )
        self._started.append(process)
        return process

    def start_api(self) -> None:
        """The API, once it answers."""
        self.start("serve", "--port", str(self.port))
        with self.client() as client:
            until(lambda: _is_up(client), 120)

    def client(self) -> httpx.Client:
        """One that asks with the key."""
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"X-API-Key": self.key}, timeout=120
        )

    def stop(self) -> None:
        """Those that were started; one with a file in hand may take its time, but not for ever."""
        for process in self._started:
            process.terminate()
        for process in self._started:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def private_house() -> Iterator[Path]:
    """A migrated database and a Redis of their own, and a folder; nobody is held to a rate."""
    os.environ["KEY_PEPPER"] = "x" * 40
    os.environ["RATE_LIMIT_BURST"] = "1000000"
    from atalaia.serve.local.redis import PrivateRedis

    with private_database() as (_, folder):
        os.environ["ATALAIA_STATE_DIR"] = str(folder / "state")
        server = PrivateRedis(folder / "redis")
        server.start()
        os.environ["REDIS_URL"] = server.url()
        try:
            yield folder
        finally:
            server.stop()


def until(question: Callable[[], object], seconds: float) -> None:
    """Ask until the answer is true."""
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.2)


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


def p95(times: list[float]) -> float:
    """The time under which 95 of 100 stay."""
    return sorted(times)[int(len(times) * 0.95)]


def resident_mb(pid: int) -> float:
    """Megabytes of the process, or of one it forked, whichever ever had more."""
    most = 0.0
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            told = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
        except OSError:
            continue
        if int(path.parent.name) == pid or told["PPid"].strip() == str(pid):
            most = max(most, float(told.get("VmHWM", "0 kB").split()[0]) / 1024)
    return most
