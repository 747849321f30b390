"""The five parts of an instance: PostgreSQL, Redis, API, worker, scheduler; started and stopped."""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import PortTaken, Unavailable
from atalaia.kernel.base.settings import project_dir
from atalaia.serve.local import process
from atalaia.serve.local.layout import Layout

PROGRAMS = ("api", "worker", "scheduler")
PARTS = ("postgres", "redis", *PROGRAMS)
_COMMANDS = {
    "api": ("serve", "--port", "{port}"),
    "worker": ("worker",),
    "scheduler": ("scheduler",),
}
_ALSO = {"web": "api"}  # what a runbook calls it
_API_SECONDS = 60
_STOP_SECONDS = 20  # a worker in the middle of a run gets this long to reach its next checkpoint


def named(part: str) -> str:
    """The part of that name, or of another one that a runbook gives it."""
    return _ALSO.get(part, part)


@dataclass(frozen=True, slots=True)
class Started:
    """A program after `start_program`: whether it was started now, or ran already."""

    name: str
    identity: process.Identity
    fresh: bool


def start_program(home: Layout, name: str, *, version: str, port: int = 0) -> Started:
    """Have one of PROGRAMS running with this version of code and settings; an older one ends."""
    pid_file = home.pid_file(name)
    running = process.remembered(pid_file, note=version)
    if running:
        return Started(name, running, fresh=False)
    stop_program(home, name)
    arguments = [part.format(port=port) for part in _COMMANDS[name]]
    identity = process.spawn(
        [sys.executable, "-m", "atalaia.serve.cli", *arguments],
        log=home.logs / f"{name}.log",
        cwd=project_dir(),
        env=os.environ,
    )
    process.remember(identity, pid_file, note=version)
    return Started(name, identity, fresh=True)


def stop_program(home: Layout, name: str) -> bool:
    """Stop one of PROGRAMS if it runs. True when it was running."""
    identity = process.remembered(home.pid_file(name))
    if identity:
        process.stop(identity, seconds=_STOP_SECONDS)
    home.pid_file(name).unlink(missing_ok=True)
    return identity is not None


def api_port(home: Layout, wanted: int) -> int:
    """The port for the API: `wanted` (0: the one it has, else any free one). Raises PortTaken when
    another program listens there; nothing has been touched then."""
    running = process.remembered(home.pid_file("api"))
    current = process.port_in(home.folder / "run" / "api.port", "") if running else 0
    if current and wanted in (0, current):
        return current
    port = wanted or process.free_port()
    if not process.port_is_free(port):
        raise PortTaken(
            f"Outro programa escuta na {port}. Nada foi iniciado nem alterado.",
            todo="Escolha outra: ATALAIA_PORT=8001 make up.",
        )
    return port


def remember_port(home: Layout, port: int) -> None:
    """Keep the API's port beside its pid file."""
    (home.folder / "run").mkdir(parents=True, exist_ok=True)
    (home.folder / "run" / "api.port").write_text(f"{port}\n", encoding="utf-8")


def answers(url: str, seconds: float = 2) -> tuple[int, bytes]:
    """Status and body of a GET, (0, b'') when nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=seconds) as response:  # noqa: S310  our own address
            return int(response.status), response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError:
        return 0, b""


def wait_for_api(home: Layout, url: str) -> None:
    """Until the API answers on /livez. Raises Unavailable with its last words when it does not."""
    deadline = Deadline(_API_SECONDS)
    while not deadline.passed and process.remembered(home.pid_file("api")):
        if answers(f"{url}/livez")[0] == 200:
            return
        time.sleep(process.POLL_SECONDS)
    log = home.logs / "api.log"
    raise Unavailable(
        f"A API não respondeu em {url}: {last_words(log)}", todo=f"O registro está em {log}."
    )


def last_words(log: Path, lines: int = 3) -> str:
    """The end of a log, on one line."""
    try:
        found = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    except OSError:
        return "sem registro"
    return " · ".join(line.strip() for line in found if line.strip()) or "sem registro"
