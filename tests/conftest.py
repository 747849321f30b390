"""What tests stand on: real servers, private to the session, and a fresh database for each test.

`database` and `database_of_module` are clones of one migrated template (about 0.05 s each).
With DATABASE_URL_TEST / REDIS_URL_TEST set, those servers are used and none is started.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from atalaia.kernel.base import database as database_module
from atalaia.kernel.base.kept import kept
from atalaia.kernel.base.migrate import upgrade
from atalaia.kernel.base.settings import settings
from atalaia.serve.local.loading import load_bundled
from atalaia.serve.local.postgres import USER, PrivatePostgres
from atalaia.serve.local.redis import PrivateRedis

_SERVER_BYTES = 2_000_000_000  # what the server of a session may come to, all bundled data in it

PEPPER = "the pepper of the tests, long enough"

pytest_plugins = ["tests.conformance.plugin", "tests.night", "tests.workers"]


def pytest_configure() -> None:
    """Let SIGTERM end the session as Ctrl-C does: with the servers it started stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def forget_settings() -> None:
    """Make the next use of settings and pool read the environment again."""
    kept.forget()
    if database_module.pool.cache_info().currsize:
        database_module.pool().close()
    database_module.pool.cache_clear()
    settings.cache_clear()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server where databases may be created."""
    given = os.environ.get("DATABASE_URL_TEST")
    if given:
        yield given
        return
    with _quick_folder(tmp_path_factory) as folder:
        server = PrivatePostgres(folder)
        server.start()
        try:
            _hurry(server)
            yield server.url("postgres")
        finally:
            server.stop()


@contextmanager
def _quick_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in memory where there is plenty of it: each test's database is some 350 files."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    memory = Path("/dev/shm")  # noqa: S108
    if not memory.is_dir() or _free_bytes(memory) < workers * _SERVER_BYTES:
        yield tmp_path_factory.mktemp("postgres")
        return
    for left in memory.glob("atalaia-tests-*"):  # of a session that was killed
        if not Path(f"/proc/{left.name.rpartition('-')[2]}").exists():
            PrivatePostgres(left).stop()
            shutil.rmtree(left, ignore_errors=True)
    folder = memory / f"atalaia-tests-{os.getpid()}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_bytes(memory: Path) -> int:
    """What may be written there: its own limit, and what the machine has left."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    (available,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return min(shutil.disk_usage(memory).free, int(available) * 1024)


def _hurry(server: PrivatePostgres) -> None:
    """Nothing here outlives the session: do not wait for the disk, keep the log short, and ask for
    the password in the cheap way, or a quarter of a connection is its hash. Tests of all these
    start a server of their own."""
    rules = server.data / "pg_hba.conf"
    rules.write_text(rules.read_text("utf-8").replace("scram-sha-256", "md5"), encoding="utf-8")
    off = ("fsync", "full_page_writes", "synchronous_commit")
    with psycopg.connect(server.socket_url("postgres"), autocommit=True) as connection:
        for line in (*(f"{name} = off" for name in off), "max_wal_size = '256MB'"):
            connection.execute(f"ALTER SYSTEM SET {line}".encode())
        connection.execute("SET password_encryption = 'md5'")
        connection.execute(
            sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(USER), server.password)
        )
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Redis server."""
    given = os.environ.get("REDIS_URL_TEST")
    if given:
        yield _of_this_worker(given)
        return
    server = PrivateRedis(tmp_path_factory.mktemp("redis"))
    server.start()
    try:
        yield server.url()
    finally:
        server.stop()


def _of_this_worker(url: str) -> str:
    """The same Redis with a database number for each worker of the session."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    parts = urlsplit(url)
    return parts._replace(path=f"/{int(parts.path.strip('/') or 0) + worker}").geturl()


@pytest.fixture(scope="session")
def template(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a migrated, empty database that others are cloned from."""
    with (
        _created(postgres) as name,
        _environment(_url_of(postgres, name), tmp_path_factory.mktemp("data")),
    ):
        upgrade()
        yield name


@pytest.fixture
def database(postgres: str, template: str, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh migrated database, exported with a data folder of its own."""
    with _cloned(postgres, template, tmp_path) as url:
        yield url


@pytest.fixture(scope="module")
def database_of_module(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """`database` for a whole module: tests see what earlier ones left."""
    with _cloned(postgres, template, tmp_path_factory.mktemp("module")) as url:
        yield url


@pytest.fixture
def empty_database(postgres: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database with nothing in it, exported: for tests of the migrations."""
    with _created(postgres) as name, _environment(_url_of(postgres, name), tmp_path):
        yield _url_of(postgres, name)


@pytest.fixture(scope="session")
def bundled_template(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """(name, data folder) of a database that holds the whole bundle, as `make up` loads it with no
    internet. It takes a while: whoever asks for it needs `@pytest.mark.timeout(600)`."""
    folder = tmp_path_factory.mktemp("bundled")
    with _created(postgres, template) as name:
        with (
            pytest.MonkeyPatch.context() as patch,
            _environment(_url_of(postgres, name), folder),
        ):
            patch.setenv("SOURCE_IBGE_BASE_URL", "http://127.0.0.1:9")  # nobody answers there
            loaded = load_bundled(tell=lambda _line: None)
            failed = [run for run in loaded.runs if run["run_status"] == "failed"]
            assert not failed, failed
        yield name, folder


@pytest.fixture(scope="module")
def bundled_database(postgres: str, bundled_template: tuple[str, Path]) -> Iterator[str]:
    """The address of a copy of that database, exported; tests of a module share it."""
    template, folder = bundled_template
    with _created(postgres, template) as name, _environment(_url_of(postgres, name), folder):
        yield _url_of(postgres, name)


def _url_of(server: str, name: str) -> str:
    parts = conninfo_to_dict(server)
    host, port = parts.get("host", "127.0.0.1"), parts.get("port", "5432")
    password = f":{parts['password']}" if parts.get("password") else ""
    return f"postgresql://{parts.get('user', 'atalaia')}{password}@{host}:{port}/{name}"


@contextmanager
def _created(server: str, template: str = "template1") -> Iterator[str]:
    name = f"atalaia_test_{secrets.token_hex(5)}"
    with psycopg.connect(server, autocommit=True) as connection:
        # Page by page through the log, as PostgreSQL copies since 15, takes twice the processor.
        copied = " STRATEGY FILE_COPY" if connection.info.server_version >= 150000 else ""
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}" + copied).format(
                *map(sql.Identifier, (name, template))
            )
        )
        _copy_database_settings(connection, template, name)
        try:
            yield name
        finally:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )


def _copy_database_settings(connection: psycopg.Connection, source: str, target: str) -> None:
    """ALTER DATABASE … SET lines are not part of what CREATE DATABASE … TEMPLATE copies."""
    lines = connection.execute(
        """SELECT unnest(setconfig) FROM pg_db_role_setting
           JOIN pg_database ON pg_database.oid = setdatabase
           WHERE datname = %s AND setrole = 0""",
        (source,),
    ).fetchall()
    for (line,) in lines:
        name, _, value = line.partition("=")
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                sql.Identifier(target), sql.Identifier(name), sql.SQL(value)
            )
        )


@contextmanager
def _environment(url: str, folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        patch.setenv("DATA_DIR", str(folder / "data"))
        patch.setenv("LOG_DIR", str(folder / "logs"))
        patch.setenv("KEY_PEPPER", PEPPER)
        forget_settings()
        yield
        forget_settings()
    settings.cache_clear()


@contextmanager
def _cloned(server: str, template: str, folder: Path) -> Iterator[str]:
    with _created(server, template) as name, _environment(_url_of(server, name), folder):
        yield _url_of(server, name)
