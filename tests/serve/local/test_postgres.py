"""The private PostgreSQL: durable, alone in its folder, back after a crash, nobody else touched."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from atalaia.serve.local.postgres import PrivatePostgres


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    """A server of this module's own, to be broken."""
    server = PrivatePostgres(tmp_path_factory.mktemp("own"))
    server.start()
    yield server
    server.stop()


def ask(url: str, statement: str) -> object:
    """The single value a query answers."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def test_durability_is_on(server: PrivatePostgres) -> None:
    for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert ask(server.url(), f"SHOW {name}") == "on", name
    assert "pg_stat_statements" in str(ask(server.url(), "SHOW shared_preload_libraries"))


def test_a_test_database_is_migrated_fresh_and_resolves_unqualified_names(database: str) -> None:
    assert ask(database, "SELECT count(*) FROM pipeline_runs") == 0
    assert str(ask(database, "SHOW search_path")).startswith("ops, silver, gold")


def test_it_runs_as_no_root(server: PrivatePostgres) -> None:
    assert ask(server.url(), "SELECT current_setting('is_superuser')") == "on"
    running = server.running()
    assert running is not None
    uid_map = Path(f"/proc/{running.identity.pid}/uid_map").read_text().split()
    owner = Path(f"/proc/{running.identity.pid}").stat().st_uid
    assert owner != 0 or uid_map[0] != "0", "neither another user nor a user namespace"


def test_starting_again_changes_nothing(server: PrivatePostgres) -> None:
    before = server.running()
    assert server.start() == before


def test_tcp_asks_for_the_password_and_the_socket_is_the_owners(server: PrivatePostgres) -> None:
    url = server.url()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url.replace(server.password, "wrong"))
    running = server.running()
    assert running is not None
    assert running.socket_dir.stat().st_mode & 0o077 == 0
    assert ask(server.socket_url(), "SELECT 1") == 1
    assert (server.folder / "password").stat().st_mode & 0o077 == 0


def test_after_a_kill_it_comes_back_with_what_was_committed(server: PrivatePostgres) -> None:
    ask(server.url(), "CREATE TABLE kept AS SELECT 42 AS value")
    running = server.running()
    assert running is not None
    port = running.port
    os.kill(running.identity.pid, signal.SIGKILL)
    while running.identity.alive:
        time.sleep(0.01)
    assert server.running() is None
    again = server.start()
    assert again.identity != running.identity
    assert again.port == port
    assert ask(server.url(), "SELECT value FROM kept") == 42


def test_a_pid_file_whose_number_is_another_programs_now(server: PrivatePostgres) -> None:
    server.stop()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        lines = [str(stranger.pid), str(server.data), "1", "5432", "/", "", "", "ready"]
        (server.data / "postmaster.pid").write_text("\n".join(lines) + "\n", encoding="utf-8")
        assert server.running() is None
        assert server.stop() is False
        server.start()
        assert stranger.poll() is None, "a stranger was stopped"
    finally:
        stranger.kill()
        stranger.wait()
    assert ask(server.url(), "SELECT 1") == 1


def test_its_old_port_being_taken_it_takes_another(server: PrivatePostgres) -> None:
    port = server.last_port
    server.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        old = f"postgresql://atalaia:{server.password}@127.0.0.1:{port}/atalaia"
        assert server.start().port != port
    assert server.owns(old)
    assert server.owns(server.url())
    assert not server.owns("postgresql://atalaia:other@127.0.0.1/atalaia")


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    server = PrivatePostgres(tmp_path / ("x" * 90))
    running = server.start()
    try:
        assert len(os.fsencode(running.socket_dir / f".s.PGSQL.{running.port}")) <= 107
        assert ask(server.socket_url(), "SELECT 1") == 1
    finally:
        server.stop()
    assert not running.socket_dir.exists()
