"""A private PostgreSQL in a folder: made, started, stopped, and never in anyone's way.

PostgreSQL refuses to run as root. As root it therefore runs in a user namespace, where it is
another user and its files stay ours; where namespaces are not allowed, as the system's user
`postgres`.
fsync, synchronous_commit and full_page_writes stay on: what was committed is there after a crash.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import Unavailable
from atalaia.serve.local.process import (
    POLL_SECONDS,
    Identity,
    free_port,
    living_in,
    port_in,
    stop,
)

USER = "atalaia"
_SOCKET_PATH_MAX = 107  # bytes of sockaddr_un.sun_path, the ending NUL not counted
_ORPHAN_SECONDS = 10
_START_TRIES = 3  # a port that was free may be taken before the server gets there
_SETTINGS = """\
# Written at every start; edit postgresql.conf instead, which is read before this.
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{socket_dir}'
unix_socket_permissions = 0700
shared_preload_libraries = 'pg_stat_statements'
fsync = on
synchronous_commit = on
full_page_writes = on
max_connections = 60
shared_buffers = 256MB
max_wal_size = 2GB
max_locks_per_transaction = 128
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%a '
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs: who it is, where it listens, since when (seconds since the epoch)."""

    identity: Identity
    port: int
    socket_dir: Path
    since: float


class PrivatePostgres:
    """The PostgreSQL whose home is `folder`. Nothing outside it is written, but a socket's folder
    in /tmp when the path would be too long for a socket."""

    def __init__(self, folder: Path, *, extra: Callable[[Path], str] | None = None) -> None:
        self.folder = folder.resolve()
        self._extra = extra  # more lines of settings
        self.data = self.folder / "data"
        self.log = self.folder / "postgres.log"

    @property
    def password(self) -> str:
        """The password of USER over TCP. The socket needs none: its folder is the owner's only."""
        return (self.folder / "password").read_text(encoding="utf-8").strip()

    def running(self) -> Running | None:
        """The server, if it runs."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            pid, since, port, socket_dir = int(lines[0]), float(lines[2]), int(lines[3]), lines[4]
        except (OSError, ValueError, IndexError):
            return None
        ours = [one for one in living_in(self.data, "postgres") if one.pid == pid]
        return Running(ours[0], port, Path(socket_dir), since) if ours else None

    def url(self, database: str = USER) -> str:
        """libpq address over TCP, as psql and every driver take it. The server must run."""
        return f"postgresql://{USER}:{self.password}@127.0.0.1:{self._server().port}/{database}"

    def owns(self, url: str) -> bool:
        """True when `url` is an address of this server, now or before it moved to another port."""
        try:
            return f":{self.password}@" in url
        except OSError:
            return False

    def socket_url(self, database: str = USER) -> str:
        """libpq address over the socket. The server must run."""
        server = self._server()
        return f"postgresql://{USER}@/{database}?host={server.socket_dir}&port={server.port}"

    @property
    def last_port(self) -> int:
        """The port it listened on last, 0 before the first start."""
        return port_in(self.data / "atalaia.conf", "port = ")

    def _server(self) -> Running:
        server = self.running()
        if server is None:
            raise Unavailable(f"O PostgreSQL de {self.folder} não está no ar.")
        return server

    def start(self, *, port: int = 0) -> Running:
        """Make the cluster if there is none, start it if it does not run, and have the database
        there. `port` is only a wish; without one it keeps the port it had. Raises Unavailable
        with the server's last words."""
        already = self.running()
        if already:
            return already
        self._create()
        self._forget_a_dead_server()
        for attempt in range(1, _START_TRIES + 1):
            socket_dir = self._socket_dir()
            chosen = free_port(port or self.last_port)
            more = self._extra(self.folder) if self._extra else ""
            (self.data / "atalaia.conf").write_text(
                _SETTINGS.format(port=chosen, socket_dir=socket_dir) + more, encoding="utf-8"
            )
            self.give(self.data / "atalaia.conf")
            done = self._run("pg_ctl", "start", "-w", "-t", "60", "-s", "-l", str(self.log))
            if done.returncode == 0:
                self._have_database()
                return self._server()
            if attempt == _START_TRIES or "could not bind" not in self._last_words():
                break
        raise Unavailable(
            f"O PostgreSQL privado não subiu: {self._last_words() or done.stderr.strip()}",
            todo=f"O registro completo está em {self.log}.",
        )

    def stop(self) -> bool:
        """Stop the server if it runs; its sessions are rolled back. True when it was running."""
        server = self.running()
        if server is None:
            return False
        done = self._run("pg_ctl", "stop", "-w", "-t", "60", "-m", "fast", "-s")
        if done.returncode != 0:
            stop(server.identity)  # asked again by id; what was committed stays
        if server.socket_dir.name.startswith("atalaia-"):
            shutil.rmtree(server.socket_dir, ignore_errors=True)
        return True

    def _create(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        password = self.folder / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_hex(16), encoding="utf-8")
        self.give(self.folder, draft, password)
        done = self._run(
            *("initdb", "--username", USER, "--pwfile", str(password), "--encoding", "UTF8"),
            # C.UTF-8 sorts alike, but code by code: keys are compared at twice the time
            *("--locale", "C.UTF-8", "--lc-collate", "C", "--data-checksums"),
            *("--auth-local", "trust", "--auth-host", "scram-sha-256"),
            data=draft,
        )
        if done.returncode != 0:
            raise Unavailable(f"initdb não conseguiu criar o banco privado: {done.stderr.strip()}")
        with (draft / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("\ninclude_if_exists 'atalaia.conf'\n")
        draft.rename(self.data)

    def _forget_a_dead_server(self) -> None:
        """Remove lock files that would stop the start for no reason: their process was killed, its
        id may belong to another program now, and nothing of the old server lives in this folder."""
        deadline = Deadline(_ORPHAN_SECONDS)
        while living_in(self.data, "postgres"):  # what a killed server left, on its way out
            if deadline.passed:
                return
            time.sleep(POLL_SECONDS)
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        for left in (self.folder / "run").glob(".s.PGSQL.*"):
            left.unlink()

    def _have_database(self) -> None:
        with psycopg.connect(self.socket_url("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (USER,))
            if not known.fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(USER)))

    def _socket_dir(self) -> Path:
        usual = self.folder / "run"
        if len(os.fsencode(usual / ".s.PGSQL.65535")) <= _SOCKET_PATH_MAX:
            usual.mkdir(exist_ok=True, mode=0o700)
            self.give(usual)
            return usual
        short = Path(tempfile.mkdtemp(prefix="atalaia-", dir="/tmp"))
        self.give(short)
        return short

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return " · ".join(line for line in lines[-8:] if "FATAL" in line or "PANIC" in line)

    def _run(
        self, program: str, *args: str, data: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        target = data or self.data
        command = [*_as_unprivileged(target), str(programs() / program), "-D", str(target), *args]
        # Not pipes: the server would inherit them and keep the reader waiting for ever.
        with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
            code = subprocess.call(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=self.folder
            )
            said.seek(0)
            return subprocess.CompletedProcess(command, code, stderr=said.read())

    def give(self, *paths: Path) -> None:
        """Hand files of ours to the user the server runs as."""
        if os.geteuid() == 0 and not namespaces_allowed():
            for path in paths:
                os.chown(path, _system_user().pw_uid, _system_user().pw_gid)


@cache
def programs() -> Path:
    """Where initdb, pg_ctl and postgres of the newest PostgreSQL with PostGIS are."""
    found = [
        path
        for path in Path("/usr/lib/postgresql").glob("*/bin")
        if (path / "initdb").exists() and _postgis(path.parent.name).exists()
    ]
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    elsewhere = shutil.which("initdb")
    if elsewhere:
        return Path(elsewhere).resolve().parent
    raise Unavailable(
        "Não há PostgreSQL com PostGIS nesta máquina.",
        todo="'make up' instala os dois (Debian/Ubuntu); ou aponte DATABASE_URL para um servidor.",
    )


def _postgis(version: str) -> Path:
    return Path(f"/usr/share/postgresql/{version}/extension/postgis.control")


@cache
def namespaces_allowed() -> bool:
    """True when root may put a process into a user namespace here."""
    return subprocess.call([*_in_namespace(), "true"], stderr=subprocess.DEVNULL) == 0


def _in_namespace() -> Sequence[str]:
    """What to put before a command so that root is another user to it. initdb looks its user up
    by number, so it must be one that this system knows."""
    known = next(user for user in pwd.getpwall() if user.pw_uid != 0)
    ids = (f"--map-user={known.pw_uid}", f"--map-group={known.pw_gid}")
    return ("unshare", "--user", *ids, "--")


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError as error:
        raise Unavailable(
            "Aqui o root não pode usar namespaces, e não há o usuário 'postgres'.",
            todo="Rode como um usuário comum, ou instale o pacote postgresql.",
        ) from error


def _as_unprivileged(data: Path) -> Sequence[str]:
    """What to put before a command so that PostgreSQL, which refuses root, accepts to run."""
    if os.geteuid() != 0:
        return ()
    if namespaces_allowed():
        return _in_namespace()
    user = _system_user()
    prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    if not all(parent.stat().st_mode & stat.S_IXOTH for parent in data.parents[1:]):
        # A home of mode 0700 (root's) lies above: let the server pass through it.
        prefix += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [*prefix, "--"]
