"""The runbook's own command lines (6.1), from the runbook's folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest
from tests.serve.api.server import ROOT, eventually

from atalaia.serve.local.process import free_port

FOLDER = ROOT / "runbooks" / "territory"
START_SECONDS = 90.0


@contextmanager
def uvicorn(line: str, log: Path) -> Iterator[tuple[int, str]]:
    """Run a printed line with its port replaced by a free one; yields its pid and address."""
    port = free_port(0)
    program, *words = line.replace("8000", str(port)).split()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, *words],
            cwd=FOLDER,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        eventually(lambda: alive(process, url, log), START_SECONDS, f"{line}: {log.read_text()}")
        yield process.pid, url
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)


def alive(process: subprocess.Popen[bytes], url: str, log: Path) -> bool:
    assert process.poll() is None, log.read_text(encoding="utf-8")
    try:
        return httpx.get(f"{url}/v1/health", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def children(pid: int) -> set[int]:
    """The process ids that a process started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return {int(one) for one in found.split()}


def is_worker(pid: int) -> bool:
    """A worker process of uvicorn, not multiprocessing's own tracker of resources."""
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    return b"spawn_main" in command


@pytest.mark.row("T-074", "T-077")
@pytest.mark.timeout(180)
def test_the_line_with_reload(database: str, tmp_path: Path) -> None:
    line = "uvicorn app.main:app --reload --host 0.0.0.0 --port 8000"
    with uvicorn(line, tmp_path / "log") as (_, url):
        assert httpx.get(f"{url}/v1/health", timeout=10).text == '{"api":"ok","db":"ok"}'


@pytest.mark.row("T-075")
@pytest.mark.timeout(240)
def test_the_line_with_four_workers(database: str, tmp_path: Path) -> None:
    line = "uvicorn app.main:app --host 0.0.0.0 --port 8000 --workers 4"
    with uvicorn(line, tmp_path / "log") as (pid, url):

        def workers() -> set[int]:
            return {child for child in children(pid) if is_worker(child)}

        eventually(lambda: len(workers()) == 4, 20, "four workers")

        def ask(_: int) -> tuple[int, str]:
            # A connection of its own each time, so that the kernel may choose any worker.
            connection = HTTPConnection(url.removeprefix("http://"), timeout=30)
            connection.request("GET", "/v1/health")
            answer = connection.getresponse()
            answer.read()
            connection.close()
            return answer.status, str(answer.headers["x-trace-id"])[:16]

        with ThreadPoolExecutor(16) as many:
            found = list(many.map(ask, range(1000)))
        assert {status for status, _ in found} == {200}
        assert len({prefix for _, prefix in found}) > 1, "only one worker answered"
        assert len(workers()) == 4, "a worker died meanwhile"
