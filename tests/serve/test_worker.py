"""The worker as a process: killed, and Redis emptied under it, it loses no accepted run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from tests.serve.api.server import eventually

from atalaia.kernel.base.database import Connection, connect
from atalaia.kernel.base.settings import settings
from atalaia.kernel.domain import Domain
from atalaia.kernel.work.drain import Handler
from atalaia.kernel.work.items import Item
from atalaia.kernel.work.schedule import Scheduled
from atalaia.serve import scheduler, worker

PERIODS = ("2001", "2002", "2003")


@pytest.fixture
def flushable(database: str, redis: str, monkeypatch: pytest.MonkeyPatch) -> Redis:
    """A Redis database of this test's own."""
    own = redis.rpartition("/")[0] + "/8"
    monkeypatch.setenv("REDIS_URL", own)
    monkeypatch.setattr(scheduler, "SCHEDULE", ())
    settings.cache_clear()
    connection = Redis.from_url(own)
    connection.flushdb()
    return connection


@contextmanager
def process(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`atalaia worker`, in a session of its own."""
    with (folder / "worker.log").open("ab") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "atalaia.serve.cli", "worker"],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield started
    finally:
        kill_all_of(started)


def kill_all_of(started: subprocess.Popen[bytes]) -> None:
    """SIGKILL for the worker and what it forked, which is of its session but not of its group."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(ProcessLookupError):
                if os.getsid(int(entry.name)) == started.pid:
                    os.kill(int(entry.name), signal.SIGKILL)
    started.wait(20)


def rows(statement: str) -> list[dict[str, Any]]:
    with connect(autocommit=True) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[arg-type]


def items(status: str) -> int:
    return len(rows(f"SELECT FROM ops.work_items WHERE status = '{status}'"))


@pytest.mark.row("R-001", "R-008")
@pytest.mark.timeout(240)
def test_runs_accepted_before_everything_died_are_done_once(
    flushable: Redis, tmp_path: Path
) -> None:
    for period in PERIODS:
        accepted = worker.request_run(
            "quality_suite", key=period, actor="a", trigger="cli", reference_period=period
        )
        assert not accepted.again
    with process(tmp_path) as first:
        eventually(lambda: items("running"), 60, "a run in the worker's hand")
        kill_all_of(first)
        assert first.returncode == -signal.SIGKILL
    flushable.flushdb()
    assert items("done") < len(PERIODS)
    with connect(autocommit=True) as connection:
        connection.execute("UPDATE ops.workers SET leased_until = clock_timestamp()")
    with process(tmp_path):

        def all_done() -> bool:
            scheduler.tick()
            return items("done") == len(PERIODS)

        eventually(all_done, 90, "all runs")
    assert not rows("SELECT FROM ops.dead_letters")
    found = rows(
        """SELECT reference_period, count(*) FILTER (WHERE run_status = 'success') AS n
           FROM ops.pipeline_runs GROUP BY 1 ORDER BY 1"""
    )
    assert [(row["reference_period"], row["n"]) for row in found] == [(p, 1) for p in PERIODS]
    assert {row["result"]["run_status"] for row in rows("SELECT result FROM ops.work_items")} == {
        "success"
    }


def _bring(monkeypatch: pytest.MonkeyPatch, **brought: Any) -> None:
    """Let one more domain be installed, which brings this."""
    more = Domain(
        name="more", title="Mais", folder=Path(), jobs=(), connectors=(), registry=(), **brought
    )
    installed = worker.catalog.domains()
    monkeypatch.setattr(worker.catalog, "domains", lambda: (*installed, more))


def _greet(item: Item, connection: Connection) -> None:
    with item.effect(connection, {"greeted": item.payload["name"]}):
        pass


BROUGHT = {"more.greet": Handler(_greet)}


def test_a_domain_brings_work_that_comes_round_and_how_it_is_done(
    flushable: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    daily = Scheduled("greeting", "more.greet", "daily 06:00", {"name": "Ana"})
    _bring(monkeypatch, work=f"{__name__}:BROUGHT", schedule=(daily,))
    scheduler.tick()
    with connect(autocommit=True) as connection:
        connection.execute(
            "UPDATE ops.schedule SET next_due_at = clock_timestamp() WHERE name = 'greeting'"
        )
    assert [one.name for one in scheduler.tick()] == ["greeting"]
    worker.drain(worker.handlers())
    assert rows("SELECT status::text, result FROM ops.work_items") == [
        {"status": "done", "result": {"greeted": "Ana"}}
    ]


def test_work_of_a_domain_that_cannot_be_imported_waits(
    flushable: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = worker.handlers()
    _bring(monkeypatch, work="nowhere.to.be:FOUND")
    assert worker.handlers() == before
