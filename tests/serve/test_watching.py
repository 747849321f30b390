"""The scheduler's part that watches: with a real Redis and database, away and back again."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis
from rq import Worker
from tests.kernel.watch.scripted import rows
from tests.sources.server import Answer, Asked, SourceServer

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import AtalaiaError, DatabaseUnavailable
from atalaia.kernel.base.settings import settings
from atalaia.kernel.watch import heartbeat
from atalaia.serve import catalog, scheduler, watching, worker
from atalaia.serve.cli import watchdog
from atalaia.serve.watching import Watch


@pytest.fixture
def ground(
    database: str, redis: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Redis]:
    """A state folder, a Redis of its own, and an API at an address where a server says it lives."""
    own = redis.rpartition("/")[0] + "/8"
    monkeypatch.setenv("REDIS_URL", own)
    monkeypatch.setenv("ATALAIA_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("WATCH_SECONDS", "0.001")
    with SourceServer(lambda asked: Answer(b"# EOF\n", "text/plain")) as api:
        monkeypatch.setenv("ATALAIA_URL", api.url)
        settings.cache_clear()
        connection = Redis.from_url(own, decode_responses=True)
        connection.flushdb()
        scheduler.heartbeat_file().parent.mkdir(parents=True)
        yield connection
    settings.cache_clear()


def states() -> dict[tuple[str, str], str]:
    found = rows("SELECT rule, subject, state::text FROM ops.watched")
    return {(row["rule"], row["subject"]): row["state"] for row in found}


def test_every_rule_is_asked_of_what_is_really_there(ground: Redis) -> None:
    found = Watch().keep_watch()
    assert found is not None
    assert found.unasked == ()
    asked = states()
    for rule in ("redis-lost", "api-down", "api-slow", "api-errors", "database-restarted"):
        assert asked[rule, ""] == "ok", rule
    assert any(rule == "disk-full" for rule, _ in asked)
    sign = heartbeat.read(watching.sign_file())
    assert sign is not None
    assert sign.problem == ""


def test_a_worker_whose_process_is_gone_is_told_from_one_that_lives(ground: Redis) -> None:
    def listed(pid: int) -> None:
        key = f"{Worker.redis_worker_namespace_prefix}{worker.worker_name(pid)}"
        ground.sadd(Worker.redis_workers_keys, key)
        ground.hset(key, "last_heartbeat", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}")

    listed(os.getpid())
    (one,) = watching.surroundings().workers()
    assert (one.gone, one.silent_seconds < 30) == (False, True)
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    ground.flushdb()
    listed(process.pid)
    (one,) = watching.surroundings().workers()
    assert one.gone is True
    assert socket.gethostname() in one.name


def test_a_redis_that_is_away_is_found_and_what_hangs_on_it_is_unknown(
    ground: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch()
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    began, deadline = time.monotonic(), Deadline(60)
    while states().get(("redis-lost", "")) != "failed":
        watch.keep_watch()
        assert not deadline.passed, "not within a minute"
        time.sleep(0.5)
    assert time.monotonic() - began < 60
    assert states()["worker-dead", ""] == "unknown"
    (alert,) = rows("SELECT severity::text, runbook, state::text FROM ops.alerts"
                    " WHERE rule = 'redis-lost'")  # fmt: skip
    assert alert == {"severity": "high", "runbook": "platform/redis-lost", "state": "failed"}


def test_a_database_that_was_away_is_said_so_meanwhile_and_told_afterwards(
    ground: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch, there = Watch(), settings().database_url
    watch.keep_watch()
    monkeypatch.setenv("DATABASE_URL", "postgresql://a@127.0.0.1:1/a")
    settings.cache_clear()
    with pytest.raises(DatabaseUnavailable):
        watch.keep_watch()
    sign = heartbeat.read(watching.sign_file())
    assert sign is not None
    assert "não atende" in sign.problem
    scheduler.heartbeat_file().touch()
    assert ran_watchdog().returncode == 2, "and the database is not needed to know it"
    monkeypatch.setenv("DATABASE_URL", there)
    settings.cache_clear()
    watch.keep_watch()
    (alert,) = rows("SELECT says, told FROM ops.alerts WHERE rule = 'database-restarted'")
    assert alert["told"] == "opened"
    assert "fora desde" in alert["says"]
    assert ran_watchdog().returncode == 0


def ran_watchdog() -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, whose database is nowhere."""
    command = [sys.executable, "-m", "atalaia.serve.cli", "watchdog"]
    known = {**os.environ, "DATABASE_URL": "postgresql://a@127.0.0.1:1/a", "REDIS_URL": ""}
    return subprocess.run(command, env=known, capture_output=True, text=True, check=False)


@pytest.mark.row("R-102")
def test_the_watchdog_raises_when_nobody_watches(
    ground: Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    raised = ran_watchdog()
    assert (raised.returncode, "nunca deu sinal" in raised.stdout) == (2, True)
    scheduler.heartbeat_file().touch()
    assert watchdog.watchdog() == 2, "it lives, and never asked a rule"
    Watch().keep_watch()
    assert watchdog.watchdog() == 0
    os.utime(scheduler.heartbeat_file(), (time.time() - 600,) * 2)
    assert (watchdog.watchdog(), watchdog.watchdog(max_seconds=900)) == (2, 0)
    scheduler.heartbeat_file().touch()
    old = {"at": "2020-01-01T00:00:00+00:00"}
    watching.sign_file().write_text(json.dumps(old))
    assert (watchdog.watchdog(), watchdog.watchdog(max_seconds=1e9)) == (2, 0)
    watching.sign_file().write_text("{half")
    assert watchdog.watchdog() == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("silent", [-1, 0, 90, 91, -91])
def test_a_sign_counts_for_so_long(silent: int) -> None:
    now = datetime(2027, 1, 1, tzinfo=UTC)
    at = datetime.fromtimestamp(now.timestamp() - silent, UTC)
    for alive, sign in (
        (at, heartbeat.Sign(now.isoformat())),
        (now, heartbeat.Sign(at.isoformat())),
    ):
        found = heartbeat.judge(alive, sign, now, watchdog.MAX_SECONDS)
        assert found.code == (0 if abs(silent) <= 90 else 2)


@pytest.mark.row("R-102")
def test_the_outside_address_is_asked_after_good_rounds_only(
    ground: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []

    def answer(asked: Asked) -> Answer | None:
        heard.append(asked.path)
        return Answer(b"OK", "text/plain")

    with SourceServer(answer) as outside:
        monkeypatch.setenv("HEARTBEAT_URL", f"{outside.url}/ping/abc")
        settings.cache_clear()
        watch = Watch()
        watch.keep_watch()
        assert heard == ["/ping/abc"]
        watch.keep_watch()
        assert heard == ["/ping/abc"], "once a minute is enough"
        monkeypatch.setenv("DATABASE_URL", "postgresql://a@127.0.0.1:1/a")
        settings.cache_clear()
        with pytest.raises(DatabaseUnavailable):
            Watch().keep_watch()
        assert heard == ["/ping/abc"]
    settings.cache_clear()


def test_nobody_at_the_outside_address_stops_no_round(
    ground: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARTBEAT_URL", "http://127.0.0.1:1/ping")
    settings.cache_clear()
    assert Watch().keep_watch() is not None


def test_a_round_that_fails_otherwise_ends_no_scheduler(ground: Redis) -> None:
    with psycopg.connect(settings().database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE ops.watched RENAME TO gone")
    with pytest.raises(AtalaiaError, match="não foram avaliadas"):
        Watch().keep_watch()


def test_a_domain_brings_rules_and_wrong_ones_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (domain, *_) = catalog.domains()
    mine: Any = replace(watching.RULES[0], id="mine", depends_on=("redis-lost",))
    wrong = replace(watching.RULES[0], id="wrong", depends_on=("nobody",))
    listed = [replace(domain, alerts=(mine,)), replace(domain, alerts=(wrong,))]
    monkeypatch.setattr(catalog, "domains", lambda: listed)
    ids = [rule.id for rule in watching.rules()]
    assert "mine" in ids
    assert "wrong" not in ids
    assert set(ids) == {rule.id for rule in watching.RULES} | {"mine"}
