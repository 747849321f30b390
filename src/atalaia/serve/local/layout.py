"""The state folder (`.atalaia/`): what is kept where, who may write it, and which servers are ours.

.atalaia/env        settings for commands (DATABASE_URL, ATALAIA_TOKEN …), mode 0600
.atalaia/postgres   the private PostgreSQL      .atalaia/redis   the private Redis
.atalaia/run        pid files                   .atalaia/logs    what processes say
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from atalaia.kernel.base.errors import AlreadyRunning
from atalaia.kernel.base.settings import project_dir, settings, state_dir
from atalaia.serve.local import wal
from atalaia.serve.local.postgres import PrivatePostgres
from atalaia.serve.local.redis import PrivateRedis


@dataclass(frozen=True, slots=True)
class Layout:
    """One state folder."""

    folder: Path

    @property
    def env_file(self) -> Path:
        """Settings that commands read when the environment does not have them."""
        return self.folder / "env"

    @property
    def logs(self) -> Path:
        """Where processes write what they have to say."""
        return settings().log_dir

    @property
    def postgres(self) -> PrivatePostgres:
        """The private PostgreSQL, running or not."""
        return PrivatePostgres(self.folder / "postgres", extra=wal.configured)

    @property
    def redis(self) -> PrivateRedis:
        """The private Redis, running or not."""
        return PrivateRedis(self.folder / "redis")

    def pid_file(self, part: str) -> Path:
        """Where the process of a part is remembered."""
        return self.folder / "run" / f"{part}.pid"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder's lock: two `up` or `down` at once would undo each other's work."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise AlreadyRunning(
                    "Outro 'atalaia up' ou 'atalaia down' está em andamento nesta pasta.",
                    todo="Espere que termine e tente de novo.",
                ) from error
            yield


def layout() -> Layout:
    """The state folder of this process's settings."""
    return Layout(state_dir())


def read_env(path: Path) -> dict[str, str]:
    """The NAME=value lines of a file; nothing when there is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {name: value for name, _, value in pairs if name}


def write_env(path: Path, values: Mapping[str, str]) -> None:
    """Replace the file, readable by its owner only, and let this process see the new values."""
    temporary = path.with_name(f".{path.name}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("# Escrito por 'atalaia up'. O ambiente e .env valem mais.\n")
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    temporary.rename(path)
    os.environ.update(values)
    settings.cache_clear()


def keep_secrets(home: Layout, folder: Path) -> None:
    """Give the state folder `folder` the secrets of `home`, without its addresses: an instance on
    the same data knows the same keys and anchors."""
    known = read_env(home.env_file)
    secret = {k: v for k, v in known.items() if not k.endswith("_URL")}
    descriptor = os.open(folder / "env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in secret.items())


def given(name: str) -> str:
    """A setting someone made for us: in the environment, in NAME_FILE or in .env, in that order.
    What `up` itself wrote does not count. Set but empty means: none, whatever .env says."""
    if name in os.environ:
        return os.environ[name]
    file = os.environ.get(f"{name}_FILE")
    if file:
        return Path(file).read_text(encoding="utf-8").strip()
    return dotenv_values(project_dir() / ".env").get(name) or ""


def given_database_url(home: Layout) -> str:
    """The DATABASE_URL someone set for us; '' when the private server is to be used."""
    url = given("DATABASE_URL")
    return "" if home.postgres.owns(url) else url


def given_redis_url(home: Layout) -> str:
    """The REDIS_URL someone set for us; '' when the private server is to be used."""
    url = given("REDIS_URL")
    return "" if home.redis.owns(url) else url
