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

# Fields 6 and 22 of /proc/PID/stat, counted after the parenthesis that ends field 2.
_SESSION, _START_TIME = 3, 19
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
        lines = Path("/proc/stat").read_text().splitlines()
        booted = next(int(line.split()[1]) for line in lines if line.startswith("btime"))
        return booted + self.started_ticks / os.sysconf("SC_CLK_TCK")


def _identify(pid: int) -> Identity | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in ("Z", "X") and not _has_threads(pid):
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return Identity(pid, int(fields[_START_TIME]), boot)


def _has_threads(pid: int) -> bool:
    """Whether threads of a process are left after its first one ended: until they have too, what
    it had open, a port it listens at first of all, is open."""
    try:
        return len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


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


def remember(identity: Identity, path: Path, note: str = "") -> None:
    """Write a pid file, whole or not at all. `note` is kept with it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps({**asdict(identity), "note": note}), encoding="utf-8")
    temporary.rename(path)


def remembered(path: Path, note: str | None = None) -> Identity | None:
    """The process of a pid file if it still runs (and was remembered with that note)."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
        kept = entry.pop("note")
        identity = Identity(**entry)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return identity if identity.alive and note in (None, kept) else None


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


def stop(identity: Identity, *, seconds: float = 10) -> bool:
    """Ask a process to end, wait, and kill it with all of its session when it does not.
    True when it had to be killed."""
    if not identity.alive:
        return False
    family = _session(identity.pid)
    os.kill(identity.pid, signal.SIGTERM)
    deadline = Deadline(seconds)
    while identity.alive and not deadline.passed:
        _reap(identity.pid)
        time.sleep(POLL_SECONDS)
    if not identity.alive:
        return False
    for member in [identity, *family, *_session(identity.pid)]:
        if member.alive:
            os.kill(member.pid, signal.SIGKILL)
    while identity.alive:
        _reap(identity.pid)
        time.sleep(POLL_SECONDS)
    return True


def _session(leader: int) -> list[Identity]:
    """The processes of the session that `leader` opened: itself and what it started."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # gone meanwhile
        identity = _identify(int(entry.name)) if int(fields[_SESSION]) == leader else None
        if identity:
            found.append(identity)
    return found


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


def port_in(conf: Path, key: str) -> int:
    """The port a configuration file names in the line that begins with `key`; 0 without one."""
    try:
        lines = conf.read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return next((int(line.removeprefix(key)) for line in lines if line.startswith(key)), 0)
