"""The API by the book: `uvicorn app.main:app …` from the runbook's folder."""

from __future__ import annotations

import importlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest
from tests.runbooks.territory.conftest import FOLDER, Shell, blocks
from tests.serve.api.server import eventually

_PATIENCE_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(block: str, environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """The block's line running, on a free port instead of 8000: (its address, its process)."""
    line, port = blocks()[block].text, free_port()
    assert line.endswith("8000") or "--port 8000 " in line
    programs = Path(sys.executable).parent
    process = subprocess.Popen(
        ["bash", "-c", f"exec {line.replace('--port 8000', f'--port {port}')}"],
        cwd=FOLDER,
        env=environment | {"PATH": f"{programs}:{environment['PATH']}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def health(address: str) -> httpx.Response:
    """The first answer of /v1/health."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return httpx.get(f"{address}/v1/health", timeout=10)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the API did not come up"
            time.sleep(0.1)


@pytest.mark.row("T-074", "T-077")
@pytest.mark.timeout(240)
def test_the_development_line_starts_the_api(database: str) -> None:
    line = "uvicorn app.main:app --reload --host 0.0.0.0 --port 8000"
    assert blocks()["api-desenvolvimento"].text == line
    with started("api-desenvolvimento", dict(os.environ)) as (address, _):
        answer = health(address)
    assert (answer.status_code, answer.text) == (200, '{"api":"ok","db":"ok"}')


def workers_of(pid: int) -> set[int]:
    """uvicorn's worker processes, without multiprocessing's own tracker of resources."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return {int(c) for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()}


def ask(address: str) -> tuple[int, str]:
    """Health over a connection of its own, so that the kernel may choose any worker: the status
    and what the trace ids of one process begin with."""
    connection = HTTPConnection(address.removeprefix("http://"), timeout=30)
    connection.request("GET", "/v1/health")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, str(answer.headers["x-trace-id"])[:16]


@pytest.mark.row("T-015", "T-075")
@pytest.mark.timeout(240)
def test_the_production_line_serves_with_four_workers_and_the_env_file_alone(
    database: str, tmp_path: Path
) -> None:
    line = "uvicorn app.main:app --host 0.0.0.0 --port 8000 --workers 4"
    assert blocks()["api-producao"].text == line
    (tmp_path / ".env").write_text(f"DATABASE_URL={database}\n")
    environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
    with started("api-producao", environment | {"ATALAIA_HOME": str(tmp_path)}) as (address, pid):
        assert health(address).json() == {"api": "ok", "db": "ok"}
        before = eventually(lambda: _four(workers_of(pid)), 20, "four workers")
        with ThreadPoolExecutor(16) as many:
            found = list(many.map(ask, [address] * 1000))
        assert {status for status, _ in found} == {200}
        assert len({process for _, process in found}) > 1, "only one worker answered"
        assert workers_of(pid) == before, "a worker died meanwhile"


def _four(workers: set[int]) -> set[int] | None:
    return workers if len(workers) == 4 else None


@pytest.mark.row("T-015")
def test_without_database_url_the_api_does_not_start_and_names_it(
    shell: Shell, tmp_path: Path
) -> None:
    line = blocks()["api-producao"].text.replace("8000 --workers 4", str(free_port()))
    done = shell(line, unset=("DATABASE_URL",), ATALAIA_HOME=str(tmp_path))
    assert done.code == 64
    assert "DATABASE_URL não está definida" in done.err
    assert "Traceback" not in done.err


@pytest.mark.row("T-076")
def test_both_names_of_the_app_are_one_object(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    first = importlib.import_module("app.main").app
    assert importlib.import_module("app.api.main").app is first
