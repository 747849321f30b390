"""A private Redis in a folder. It only wakes workers: nothing in it is worth keeping."""

from __future__ import annotations

import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import Unavailable
from atalaia.serve.local.process import (
    POLL_SECONDS,
    Identity,
    free_port,
    port_in,
    remember,
    remembered,
    spawn,
    stop,
)

_SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}
save ""
appendonly no
daemonize no
"""
_START_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs: who it is, where it listens, since when (seconds since the epoch)."""

    identity: Identity
    port: int
    since: float


class PrivateRedis:
    """The Redis whose home is `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / "redis.log"
        self._pid = self.folder / "redis.pid"
        self._conf = self.folder / "redis.conf"

    def running(self) -> Running | None:
        """The server, if it runs."""
        identity = remembered(self._pid)
        return Running(identity, int(self._setting("port")), identity.since) if identity else None

    def url(self, database: int = 0) -> str:
        """Address with password. The server must run."""
        server = self.running()
        if server is None:
            raise Unavailable(f"O Redis de {self.folder} não está no ar.")
        return f"redis://default:{self._setting('requirepass')}@127.0.0.1:{server.port}/{database}"

    def owns(self, url: str) -> bool:
        """True when `url` is an address of this server, now or before it moved to another port."""
        return self._conf.exists() and f":{self._setting('requirepass')}@" in url

    def start(self, *, port: int = 0) -> Running:
        """Start it if it does not run and wait until it answers. `port` is only a wish; without
        one it keeps the port it had, and it always keeps its password."""
        already = self.running()
        if already:
            return already
        program = shutil.which("redis-server")
        if program is None:
            raise Unavailable(
                "Não há redis-server nesta máquina.",
                todo="'make up' o instala (Debian/Ubuntu); ou aponte REDIS_URL para um servidor.",
            )
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        known = self._conf.exists()
        password = self._setting("requirepass") if known else secrets.token_hex(16)
        chosen = free_port(port or port_in(self._conf, "port "))
        self._conf.touch(mode=0o600)
        self._conf.write_text(
            _SETTINGS.format(port=chosen, password=password, folder=self.folder), encoding="utf-8"
        )
        remember(spawn([program, str(self._conf)], log=self.log, cwd=self.folder), self._pid)
        return self._answering()

    def _answering(self) -> Running:
        deadline = Deadline(_START_SECONDS)
        while (server := self.running()) and not deadline.passed:
            try:
                with Redis.from_url(self.url()) as client:
                    client.ping()
                return server
            except RedisError:
                time.sleep(POLL_SECONDS)  # still opening its port
        raise Unavailable("O Redis privado não subiu.", todo=f"O registro está em {self.log}.")

    def stop(self) -> bool:
        """Stop the server if it runs. True when it was running."""
        server = self.running()
        if server is None:
            return False
        stop(server.identity)
        self._pid.unlink(missing_ok=True)
        return True

    def _setting(self, name: str) -> str:
        for line in self._conf.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return value
        raise Unavailable(f"{self._conf} não diz '{name}'.")
