"""The scheduler asks for what PostgreSQL says is due; the worker does it; Redis only wakes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from tests.serve.api.server import eventually

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import Tampered, UnknownJob
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import anchor, audit
from atalaia.serve import scheduler, worker


@pytest.fixture
def queue(database: str, redis: str, monkeypatch: pytest.MonkeyPatch) -> Queue:
    """An empty queue, in a database of its own."""
    own = redis.rpartition("/")[0] + "/9"
    monkeypatch.setenv("REDIS_URL", own)
    settings.cache_clear()
    connection = Redis.from_url(own)
    connection.flushdb()
    return Queue(worker.QUEUE, connection=connection, serializer=JSONSerializer)


def work(queue: Queue) -> None:
    """Do all that waits, in this process."""
    SimpleWorker([queue], connection=queue.connection, serializer=JSONSerializer).work(burst=True)


def runs() -> list[dict[str, Any]]:
    """Runs of the quality suite, oldest first."""
    with connect(autocommit=True) as connection:
        return connection.execute(
            """SELECT run_status::text, trigger, actor, reason FROM ops.pipeline_runs
               WHERE job_name = 'quality_suite' ORDER BY started_at_utc"""
        ).fetchall()


def make_due(days: int = 0) -> None:
    """Let the suite have been due so many days ago, or this minute, and nobody have asked."""
    scheduler.schedule.sync(scheduler.SCHEDULE)
    with connect(autocommit=True) as connection:
        connection.execute(
            """UPDATE ops.schedule SET next_due_at =
                   date_trunc('minute', clock_timestamp()) - make_interval(days => %s)
               WHERE name = 'quality_suite'""",
            (days,),
        )


def names() -> list[str]:
    return [one.name for one in scheduler.tick()]


def test_new_in_the_schedule_it_is_due_the_next_time(queue: Queue) -> None:
    assert names() == []
    with connect(autocommit=True) as connection:
        (row,) = connection.execute(
            """SELECT next_due_at > clock_timestamp() AND
                      next_due_at <= clock_timestamp() + interval '1 day' AS soon,
                      to_char(next_due_at AT TIME ZONE 'America/Sao_Paulo', 'HH24:MI:SS') AS at
               FROM ops.schedule WHERE name = 'quality_suite'"""
        ).fetchall()
    assert (row["soon"], row["at"]) == (True, "06:00:00")


def test_what_is_due_is_asked_for_once_and_done(queue: Queue) -> None:
    make_due()
    assert names() == ["quality_suite"]
    assert names() == [], "the same request is already waiting"
    assert len(queue) == 1
    work(queue)
    (run,) = runs()
    assert (run["run_status"], run["trigger"]) == ("success", "schedule")
    assert (run["actor"], run["reason"]) == ("scheduler", "quality_suite: daily 06:00")
    assert names() == []


def test_days_that_were_missed_are_caught_up_by_one_run(queue: Queue) -> None:
    make_due(days=3)
    (asked,) = scheduler.tick()
    assert asked.missed in (2, 3)  # by the hour of the day this runs at
    work(queue)
    assert len(runs()) == 1


@pytest.mark.row("R-008")
def test_a_flushed_redis_loses_nothing(queue: Queue) -> None:
    make_due()
    assert names() == ["quality_suite"]
    queue.connection.flushdb()
    assert names() == [], "it was accepted already"
    assert len(queue) == 1, "and a worker is woken again for it"
    work(queue)
    assert len(runs()) == 1


def test_a_request_while_the_same_run_goes_on_does_no_harm(queue: Queue) -> None:
    make_due()
    payload = scheduler.payload_of(scheduler.scheduled("quality_suite"))
    names()
    with connect(autocommit=True) as holder:
        key = f"quality_suite:{payload['reference_period']}"
        holder.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (key,))
        work(queue)
    assert runs() == []
    assert names() == [], "it was asked for; how it ended is in its item"


def test_an_unknown_job_is_refused_before_it_is_queued(queue: Queue) -> None:
    with pytest.raises(UnknownJob):
        worker.request_run(
            "no_such_job", key="x", actor="a", trigger="cli", reference_period="2024"
        )
    assert len(queue) == 0


@pytest.mark.row("R-009")
def test_without_redis_work_is_accepted_and_done_once_it_is_there(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = settings().redis_url
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    make_due()
    assert names() == ["quality_suite"]
    monkeypatch.setenv("REDIS_URL", there)
    settings.cache_clear()
    assert len(queue) == 0
    scheduler.tick()
    work(queue)
    assert [run["run_status"] for run in runs()] == ["success"]


def test_one_wake_at_a_time_is_on_its_way(queue: Queue) -> None:
    assert [worker.wake() for _ in range(5)] == [True] * 5
    assert len(queue) == 1
    work(queue)
    worker.wake()
    assert len(queue) == 1, "the next one after it was answered"


def test_the_audit_log_is_anchored_every_so_often_and_only_while_it_holds(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def add() -> None:
        with connect() as connection:
            audit.append(connection, stream="a", action="a", actor="b", trigger="c")

    def anchored() -> list[int]:
        return [one.seq for one in anchor.anchors()]

    add()
    monkeypatch.delenv("AUDIT_ANCHOR_KEY", raising=False)
    settings.cache_clear()
    scheduler.keep_anchored()
    assert not settings().audit_anchor_file.exists(), "nothing can be signed without a key"
    monkeypatch.setenv("AUDIT_ANCHOR_KEY", "k" * 32)
    settings.cache_clear()
    scheduler.keep_anchored()
    assert anchored() == [1]
    add()
    scheduler.keep_anchored()
    assert anchored() == [1], "not due yet"
    long_ago = settings().audit_anchor_file.stat().st_mtime - settings().audit_anchor_seconds
    os.utime(settings().audit_anchor_file, (long_ago, long_ago))
    scheduler.keep_anchored()
    assert anchored() == [1, 2]
    with connect() as connection:
        connection.execute("ALTER TABLE ops.audit_log DISABLE TRIGGER audit_only_grows")
        connection.execute("DELETE FROM ops.audit_log WHERE seq = 2")
        connection.execute("ALTER TABLE ops.audit_log ENABLE ALWAYS TRIGGER audit_only_grows")
    os.utime(settings().audit_anchor_file, (long_ago, long_ago))
    with pytest.raises(Tampered, match="linha 2"):
        scheduler.keep_anchored()
    assert anchored() == [1, 2]


def test_the_program_goes_round_all_its_parts_and_stops_when_told(
    queue: Queue, tmp_path: Path
) -> None:
    """Each part leaves its trace: a run asked for, a round of the watch, an anchor, a sender with a
    lease, a line of lineage."""
    make_due()
    with connect() as connection:
        audit.append(connection, stream="a", action="a", actor="b", trigger="c")
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period,
                   run_status, finished_at_utc, actor, trigger, trace_id)
               VALUES (gen_random_uuid(), 'toy', 'toy', '2026', 'failed', clock_timestamp(),
                   'ana', 'cli', 't')"""
        )
    program = subprocess.Popen(
        [sys.executable, "-m", "atalaia.serve.cli", "scheduler"],
        env={
            **os.environ,
            "ATALAIA_STATE_DIR": str(tmp_path / "state"),
            "AUDIT_ANCHOR_KEY": "k" * 32,
            "AUDIT_ANCHOR_FILE": str(tmp_path / "anchors"),
            "OPENLINEAGE_FILE": str(tmp_path / "lineage"),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def done() -> set[str]:
        with connect(autocommit=True) as connection:
            found = connection.execute(
                """SELECT EXISTS (SELECT FROM ops.schedule_asked) AS asked,
                          EXISTS (SELECT FROM ops.watch_round) AS watched,
                          EXISTS (SELECT FROM ops.workers WHERE name LIKE '%% sender') AS sending"""
            ).fetchone()
        files = {name for name in ("anchors", "lineage") if (tmp_path / name).exists()}
        return files | {name for name, there in (found or {}).items() if there}

    try:
        wanted = {"asked", "watched", "sending", "anchors", "lineage"}
        eventually(lambda: done() == wanted, 60, "all parts")
        program.send_signal(signal.SIGTERM)
        assert program.wait(30) == 0
    finally:
        program.kill()
        program.wait()
