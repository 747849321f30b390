"""up and down: everything stands, nothing is done twice, nothing of anybody else is touched."""

from __future__ import annotations

import hmac
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import psycopg
import pytest
from tests.serve.local.conftest import Instance

from atalaia.serve.local.layout import read_env
from atalaia.serve.local.process import identify

_KEYS = ("ATALAIA_TOKEN", "AUDIT_ANCHOR_KEY", "KEY_PEPPER")  # `up` makes them once


def get(url: str, key: str = "") -> tuple[int, bytes]:
    """Status and body; (0, b'') when nothing answers."""
    try:
        response = httpx.get(url, headers={"X-API-Key": key} if key else {}, timeout=10)
    except httpx.TransportError:
        return 0, b""
    return response.status_code, response.content


def answers(url: str, wanted: tuple[int, bytes], seconds: float = 30) -> bool:
    """Ask until the answer is the wanted one."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if get(url) == wanted:
            return True
        time.sleep(0.2)
    return False


def gone(pid: int, seconds: float = 10) -> bool:
    """True once no such process runs; one that its parent has not waited for runs no more."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            identify(pid)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_every_part_stands_and_a_second_up_starts_nothing(instance: Instance) -> None:
    before = instance.parts()
    assert {part["state"] for part in before.values()} == {"up"}
    assert set(before) == {"postgres", "redis", "api", "worker", "scheduler"}
    assert all(part["since"] and part["pid"] for part in before.values())
    assert instance.up()["started"] == []
    after = instance.parts()
    assert [after[name]["pid"] for name in after] == [before[name]["pid"] for name in before]
    assert get(f"{before['api']['address']}/v1/health") == (200, b'{"api":"ok","db":"ok"}')


@pytest.mark.row("T-016")
def test_env_is_what_psql_and_the_api_take(instance: Instance) -> None:
    """The printed line, in a shell that knows nothing else; and PGHOST alone, over the socket."""
    exports = instance.run("env").stdout
    clean = {"PATH": os.environ["PATH"]}

    def shell(command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", f"{exports}\n{command}"],
            env=clean,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert "+psycopg" not in exports
    assert shell('psql "$DATABASE_URL" -Atc "SELECT 1;"') == "1"
    local = "unset DATABASE_URL PGPASSWORD; psql -Atc 'SELECT inet_client_addr() IS NULL'"
    assert shell(local) == "t"
    assert shell('echo "$API_URL" "$API_TOKEN"') == shell('echo "$ATALAIA_URL" "$ATALAIA_TOKEN"')
    assert shell('redis-cli --no-auth-warning -u "$REDIS_URL" ping') == "PONG"


def test_the_operators_key_is_kept_as_a_hash_and_opens_the_ledger(instance: Instance) -> None:
    values = read_env(instance.state / "env")
    assert (instance.state / "env").stat().st_mode & 0o777 == 0o600
    key, url = values["ATALAIA_TOKEN"], values["ATALAIA_URL"]
    with psycopg.connect(values["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT role, key_hmac, prefix FROM api_keys").fetchall()
        text = str(connection.execute("SELECT api_keys::text FROM api_keys").fetchall())
        text += str(connection.execute("SELECT log::text FROM ops.audit_log AS log").fetchall())
        made = connection.execute(
            """SELECT subject, trigger, actor <> '', details->>'role' FROM ops.audit_log
               WHERE stream = 'access' AND action = 'key.created'"""
        ).fetchall()
    kept = hmac.digest(values["KEY_PEPPER"].encode(), f"key:{key}".encode(), "sha256")
    assert rows == [("operator", kept, key[:16])]
    assert made == [(key[:16], "up", True, "operator")]
    assert key not in text
    assert get(f"{url}/v1/ops/pipeline-runs")[0] == 401
    assert get(f"{url}/v1/ops/pipeline-runs", key)[0] == 200


@pytest.mark.row("T-130")
def test_the_api_survives_a_database_that_goes_and_comes_back(instance: Instance) -> None:
    before = instance.parts()
    health = f"{before['api']['address']}/v1/health"
    os.kill(before["postgres"]["pid"], signal.SIGINT)  # a fast shutdown
    assert answers(health, (503, b'{"api":"ok","db":"down"}'))
    assert gone(before["postgres"]["pid"], seconds=30)  # it refuses before it has gone
    during = instance.parts()
    assert during["postgres"]["state"] == "down"
    assert during["api"]["state"] == "up"
    assert "banco" in during["api"]["detail"]
    assert instance.run("restart", "postgres").returncode == 0
    assert answers(health, (200, b'{"api":"ok","db":"ok"}'), seconds=30)
    assert instance.parts()["api"]["pid"] == before["api"]["pid"]


def test_a_killed_part_is_told_and_put_up_again(instance: Instance) -> None:
    before = instance.parts()
    os.kill(before["worker"]["pid"], signal.SIGKILL)
    assert gone(before["worker"]["pid"])
    assert instance.run("status").returncode == 2
    assert instance.parts()["worker"]["state"] == "down"
    assert instance.up()["started"] == ["worker"]
    assert instance.parts()["api"]["pid"] == before["api"]["pid"]


def test_a_part_that_gives_no_sign_is_unknown_not_up(instance: Instance) -> None:
    scheduler = instance.parts()["scheduler"]
    os.kill(scheduler["pid"], signal.SIGSTOP)
    try:
        heartbeat = instance.state / "run" / "scheduler.heartbeat"
        past = time.time() - 1000
        os.utime(heartbeat, (past, past))
        done = instance.run("status", "--format", "json")
    finally:
        os.kill(scheduler["pid"], signal.SIGCONT)
    found = {part["part"]: part for part in json.loads(done.stdout)["parts"]}
    assert found["scheduler"]["state"] == "unknown"
    assert "não dá sinal há 100" in found["scheduler"]["detail"]
    assert done.returncode == 1


def test_a_taken_port_is_one_message_and_nothing_is_touched(tmp_path: Path) -> None:
    fresh = Instance(tmp_path / "state", tmp_path / "data")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = fresh.run("up", "--no-load", env={"ATALAIA_PORT": port})
    assert done.returncode == 2
    assert port in done.stderr
    assert "Nada foi iniciado" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "state" / "postgres").exists()
    assert not (tmp_path / "state" / "env").exists()


@pytest.mark.parametrize("port", ["http", "-1", "99999", "8000.5"])
def test_a_port_that_is_none(tmp_path: Path, port: str) -> None:
    fresh = Instance(tmp_path / "state", tmp_path / "data")
    done = fresh.run("up", "--no-load", env={"ATALAIA_PORT": port})
    assert done.returncode == 64
    assert port in done.stderr
    assert not (tmp_path / "state" / "postgres").exists()


def test_given_servers_are_used_and_none_is_started(
    postgres: str, redis: str, empty_database: str, tmp_path: Path
) -> None:
    guest = Instance(tmp_path / "state", tmp_path / "data")
    given = {"DATABASE_URL": empty_database, "REDIS_URL": redis}
    try:
        assert set(guest.up(given)["started"]) == {"api", "worker", "scheduler"}
        found = guest.parts(given)
        assert {part["state"] for part in found.values()} == {"up"}
        assert found["postgres"]["detail"].startswith("servidor de DATABASE_URL")
        assert found["postgres"]["pid"] is None
        assert not (guest.state / "postgres").exists()
        assert not (guest.state / "redis").exists()
        # Without exporting anything, later commands still know them.
        assert guest.parts()["postgres"]["state"] == "up"
    finally:
        done = guest.run("down")
    assert "postgres" not in done.stderr
    with psycopg.connect(postgres) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_down_stops_all_of_ours_and_nobody_else(instance: Instance, postgres: str) -> None:
    before = instance.parts()
    done = instance.run("down")
    assert done.returncode == 0
    for name, part in before.items():
        assert gone(part["pid"]), name
        assert name in done.stderr
    assert {part["state"] for part in instance.parts().values()} == {"down"}
    with psycopg.connect(postgres) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    again = instance.run("down")
    assert again.returncode == 0
    assert "Nada estava no ar" in again.stderr
    kept = {name: read_env(instance.state / "env")[name] for name in _KEYS}
    assert min(map(len, kept.values())) >= 32
    # A shell that took `atalaia env` while it was up must not be mistaken for somebody's server.
    stale = read_env(instance.state / "env")
    assert set(instance.up(stale)["started"]) == set(before)
    assert {name: read_env(instance.state / "env")[name] for name in _KEYS} == kept
