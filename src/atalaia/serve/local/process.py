"""Processes of our own: who they are, whether they live, how they stop. Never by name: a process
is its id, the tick it was started at and the boot it belongs to, so a reused id is never ours."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import Unavailable

_START_TIME = 19  # field 22 of /proc/PID/stat, counted after the parenthesis that ends field 2
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Identity:
    """One process of one boot."""

    pid: int
    started_ticks: int
    boot: str

    @property
    def alive(self) -> bool:
        """True while this very process runs (a zombie does not)."""
        return _identify(self.pid) == self

    @property
    def since(self) -> float:
        """When it was started, in seconds since the epoch."""
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return time.time() - uptime + self.started_ticks / os.sysconf("SC_CLK_TCK")


def _identify(pid: int) -> Identity | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in ("Z", "X"):
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return Identity(pid, int(fields[_START_TIME]), boot)


def identify(pid: int) -> Identity:
    """Who the process `pid` is. Raises ProcessLookupError when there is none."""
    found = _identify(pid)
    if found is None:
        raise ProcessLookupError(pid)
    return found


def living_in(folder: Path, program: str) -> list[Identity]:
    """The processes of `program` whose working directory is `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            at_home = (entry / "cwd").readlink() == folder
            if at_home and (entry / "exe").readlink().name.removesuffix(" (deleted)") == program:
                found.append(identify(int(entry.name)))
        except OSError:
            continue  # gone meanwhile, or another user's
    return sorted(found, key=lambda one: one.pid)


def remember(identity: Identity, path: Path) -> None:
    """Write a pid file; it is whole or not there."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(asdict(identity)), encoding="utf-8")
    temporary.rename(path)


def remembered(path: Path) -> Identity | None:
    """The process of a pid file, if it still runs."""
    try:
        identity = Identity(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return identity if identity.alive else None


def spawn(
    command: Sequence[str], *, log: Path, cwd: Path, env: Mapping[str, str] | None = None
) -> Identity:
    """Start `command` in the background, in a session of its own, its output added to `log`.
    Raises Unavailable when it is gone at once."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=cwd,
            env=None if env is None else dict(env),
            start_new_session=True,
        )
    try:
        return identify(child.pid)
    except ProcessLookupError as error:
        raise Unavailable(f"{command[0]} terminou assim que começou; veja {log}.") from error


def stop(identity: Identity, *, seconds: float = 10, how: signal.Signals = signal.SIGTERM) -> bool:
    """Ask a process to end, wait, and kill it when it does not. True when it had to be killed."""
    deadline = Deadline(seconds)
    if identity.alive:
        os.kill(identity.pid, how)
    while identity.alive and not deadline.passed:
        _reap(identity.pid)
        time.sleep(POLL_SECONDS)
    if not identity.alive:
        return False
    os.kill(identity.pid, signal.SIGKILL)
    while identity.alive:
        _reap(identity.pid)
        time.sleep(POLL_SECONDS)
    return True


def _reap(pid: int) -> None:
    """Let a child of ours that ended go; one of another parent is not ours to wait for."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """True when a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(preferred: int = 0) -> int:
    """`preferred` when it is free, else a port the system says is free."""
    if preferred and port_is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
