"""Workers killed, Redis emptied, all of it at once: each accepted item is evaluated once.

A sample here; 10,000 items with 50 kills and 10 flushes in `make test-night SET=equivalence`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from tests.domains.equivalence.conftest import asked, furnish
from tests.domains.equivalence.test_batch import accepted
from tests.domains.equivalence.test_evaluate import rows
from tests.invariants import broken
from tests.kernel.work.harness import Fleet, seeded
from tests.serve.api.server import eventually

NIGHT = [pytest.mark.night("equivalence"), pytest.mark.timeout(1400)]
SEED = 20261130


def requests(count: int, mark: str) -> list[dict[str, Any]]:
    return [asked(f"{mark}-{n}", destino__carga_horaria=40 + n % 50) for n in range(count)]


def assert_each_once(batch_id: str, count: int) -> None:
    """N of N: done, with one result and one record each, and nothing else broken."""
    states = Counter(row["status"] for row in rows(
        "SELECT status::text FROM ops.work_items WHERE batch_id = %s", batch_id))  # fmt: skip
    assert states == {"done": count}
    (found,) = rows(
        """SELECT count(*) AS results, count(DISTINCT request_id) AS requests,
                  (SELECT count(*) FROM ops.audit_log
                   WHERE stream = 'equivalence' AND action = 'evaluation.decided'
                     AND details ->> 'batch_id' = %(batch)s) AS records,
                  (SELECT count(*) FROM ops.work_items i JOIN equivalence.equivalence_results r
                       ON r.answer::jsonb = i.result
                   WHERE i.batch_id = %(batch)s::uuid AND r.batch_id = i.batch_id) AS told
           FROM equivalence.equivalence_results WHERE batch_id = %(batch)s::uuid""".replace(
            "%(batch)s", f"'{batch_id}'"
        )
    )
    assert set(found.values()) == {count}, found
    assert broken() == []


@pytest.mark.row("E-020", "R-001")
def test_a_worker_killed_mid_batch_leaves_nothing_undone_or_done_twice(
    database: str, tmp_path: Path
) -> None:
    furnish()
    made, dice = accepted(requests(600, "kill")), seeded(SEED)
    with Fleet(tmp_path, seed=SEED, work="tests.domains.equivalence.workers:work") as fleet:
        while fleet.kills < 8 and rows(
            "SELECT FROM ops.work_items WHERE finished_at IS NULL LIMIT 1"
        ):
            time.sleep(dice.uniform(0.05, 0.4))
            fleet.kill_one()
        fleet.wait_until_settled(120)
    assert fleet.kills >= 3
    assert_each_once(made, 600)


@contextmanager
def crew(folder: Path, redis: str, workers: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many real workers, and the scheduler last; each a process group of its own."""
    environment = {**os.environ, "REDIS_URL": redis, "ATALAIA_STATE_DIR": str(folder / "state")}
    log = (folder / "crew.log").open("ab")
    started = [start(name, environment, log) for name in (*["worker"] * workers, "scheduler")]
    try:
        yield started
    finally:
        for one in started:
            kill(one)
        log.close()


def start(name: str, environment: dict[str, str], log: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "atalaia.serve.cli", name],
        env=environment, stdout=log, stderr=log, start_new_session=True,
    )  # fmt: skip


def kill(one: subprocess.Popen[bytes]) -> None:
    """The process and the one it forked to work in."""
    if one.poll() is None:
        os.killpg(one.pid, signal.SIGKILL)
    one.wait(20)


@pytest.mark.row("E-016", "E-020", "E-021", "E-022", "R-008")
@pytest.mark.parametrize(
    ("items", "kills", "flushes"),
    [pytest.param(10_000, 50, 10, marks=NIGHT)],
    ids=["whole"],
)
def test_workers_killed_and_redis_emptied_mid_batch(
    database: str, redis: str, tmp_path: Path, items: int, kills: int, flushes: int,
    record_property: Any,
) -> None:  # fmt: skip
    """The real worker and scheduler, with real wakes; what does the work is killed with it."""
    record_property("seed", SEED)
    furnish()
    dice = seeded(SEED)
    made = accepted(requests(items, "whole"))
    acts = dice.sample(["kill"] * kills + ["flush"] * flushes, kills + flushes)
    environment = {**os.environ, "REDIS_URL": redis,
                   "ATALAIA_STATE_DIR": str(tmp_path / "state")}  # fmt: skip
    began = time.monotonic()
    with crew(tmp_path, redis, 2) as started, (tmp_path / "more.log").open("ab") as log:
        for act in acts:
            time.sleep(dice.uniform(0.5, 4))
            if act == "flush":
                with Redis.from_url(redis) as client:
                    client.flushall()
                continue
            place = dice.randrange(2)
            kill(started[place])
            started[place] = start("worker", environment, log)
        eventually(
            lambda: not rows("SELECT FROM ops.work_items WHERE finished_at IS NULL LIMIT 1"),
            600, "every item over",
        )  # fmt: skip
    record_property("seconds", round(time.monotonic() - began, 1))
    assert_each_once(made, items)
