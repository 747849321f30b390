"""Workers killed over and over: nothing is lost, nothing applied twice, all of it ends in time.

Each is there twice: a sample in `make test`, and at its full size in `make test-night SET=durable`.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.forks import Forks
from tests.invariants import Outside, broken
from tests.kernel.work import toys
from tests.kernel.work.harness import Fleet, seeded

from atalaia.kernel.work.drain import drain
from atalaia.kernel.work.reconcile import reconcile

STEPS = ("before claim", "after claim", "in effect", "after effect", "after done")
PATIENT = 200  # attempts: an item is killed under its worker as often as the dice say
RECOVERY_SECONDS = 60.0
NIGHT = [pytest.mark.night("durable"), pytest.mark.timeout(1200)]


@pytest.fixture(autouse=True)
def _table(database: str) -> None:
    toys.make_table()


def accepted(outside: Outside, count: int, seconds: float = 0.0) -> None:
    """Items of all kinds, in batches of many sizes, noted outside once they are committed."""
    dice, left = seeded(count), count
    while left:
        size = min(left, dice.choice((1, 1, 2, 5, 20, 60)))
        payloads = [{"n": n, "seconds": seconds} for n in range(size)]
        batch = toys.ask(payloads, dice.choice(toys.KINDS), max_attempts=PATIENT)
        outside.note(batch=str(batch), size=size)
        left -= size


def assert_as_noted(outside: Outside) -> None:
    """Every batch the client knows of is there whole, and each of its items was applied once."""
    found = {
        str(row["batch_id"]): (row["n"], row["once"])
        for row in toys.rows(
            """SELECT batch_id, count(*) AS n, count(*) FILTER (WHERE times = 1) AS once
               FROM (SELECT i.batch_id, (SELECT count(*) FROM public.applied a
                                         WHERE a.item_id = i.item_id) AS times
                     FROM ops.work_items i WHERE i.status = 'done') AS counted
               GROUP BY batch_id"""
        )
    }
    noted = {line["batch"]: (line["size"], line["size"]) for line in outside.lines()}
    assert found == noted
    assert broken() == []


@pytest.mark.row("R-001", "R-030", "R-031")
@pytest.mark.parametrize(
    ("items", "kills"), [(300, 12), pytest.param(5000, 500, marks=NIGHT)], ids=["sample", "whole"]
)
def test_killed_at_random_moments(tmp_path: Path, items: int, kills: int) -> None:
    outside, dice = Outside(tmp_path / "outside.ndjson"), seeded(1)
    accepted(outside, items, seconds=0.005)
    with Fleet(tmp_path, workers=2) as fleet:
        while fleet.kills < kills:
            time.sleep(dice.uniform(0.0, 0.25))
            fleet.kill_one()
            if toys.states()["queued"] < items // 10 and fleet.kills < kills:
                accepted(outside, items // 10, seconds=0.005)
        assert fleet.wait_until_settled(RECOVERY_SECONDS) < RECOVERY_SECONDS
        assert fleet.kills == kills
        assert fleet.given_back > 0, "no kill met a worker at work"
    assert_as_noted(outside)


@pytest.mark.row("R-002")
@pytest.mark.parametrize(
    "times", [1, pytest.param(40, marks=NIGHT)], ids=["sample", "whole"]
)  # fmt: skip
def test_killed_at_each_step(tmp_path: Path, times: int) -> None:
    outside, dice = Outside(tmp_path / "outside.ndjson"), seeded(2)
    with Fleet(tmp_path, workers=0) as fleet:
        for step in STEPS * times:
            accepted(outside, 13)
            nth = 1 if "claim" in step else dice.randint(1, 12)
            fleet.dies_of_itself(fleet.start_worker(step, nth))
        assert fleet.kills == len(STEPS) * times
        fleet.start_worker()
        fleet.wait_until_settled(RECOVERY_SECONDS)
    assert_as_noted(outside)


@pytest.mark.row("R-010")
@pytest.mark.parametrize(
    "rounds", [1, pytest.param(10, marks=NIGHT)], ids=["sample", "whole"]
)  # fmt: skip
def test_asleep_past_the_lease_and_awake_again(tmp_path: Path, rounds: int) -> None:
    zombies = 10
    with Forks("tests.kernel.work.toys", log=tmp_path / "workers.log") as forks:
        for turn in range(rounds):
            awake = tmp_path / f"{turn}-awake"
            toys.ask([{"until": str(awake)}] * zombies, "toy_alone")
            told = [tmp_path / f"{turn}-{n}.json" for n in range(zombies)]
            pids = [forks.start("tests.kernel.work.toys:work_once", 1.0, str(f)) for f in told]
            while toys.states()["running"] < zombies:
                time.sleep(0.01)
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            back = 0
            while back < zombies:
                back += reconcile().given_back
                time.sleep(0.05)
            awake.touch()
            assert drain(toys.HANDLERS).done == zombies
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
            assert [forks.ended(pid) for pid in pids] == [0] * zombies
            said = sum((Counter(json.loads(f.read_text())) for f in told), Counter[str]())
            assert (said["lost"], said["done"]) == (zombies, 0), "each late write was refused"
            assert set(toys.applied()) == {1}
    assert broken() == []


def limited_worker(lease: float, megabytes: int) -> None:
    """A worker that may have so much more memory than it has, as `ulimit -v` would have it."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    toys.work("never", 1, lease)


@pytest.mark.row("R-011")
@pytest.mark.parametrize(
    ("poison", "good"), [(4, 60), pytest.param(20, 500, marks=NIGHT)], ids=["sample", "whole"]
)
def test_an_item_that_needs_too_much_memory_takes_nobody_with_it(
    tmp_path: Path, poison: int, good: int
) -> None:
    places = set(seeded(3).sample(range(poison + good), poison))
    toys.ask(
        [{"megabytes": 4096 if n in places else 1} for n in range(poison + good)], max_attempts=3
    )
    with Forks("tests.kernel.work.test_faults", log=tmp_path / "workers.log") as forks:
        pid = forks.start("tests.kernel.work.test_faults:limited_worker", 30.0, 256)
        began = time.monotonic()
        while toys.rows("SELECT FROM ops.work_items WHERE finished_at IS NULL LIMIT 1"):
            assert time.monotonic() - began < RECOVERY_SECONDS
            time.sleep(0.1)
        forks.kill(pid)  # it is still the same process: that is asserted here
    assert toys.states() == {"done": good, "dead": poison}
    assert toys.applied() == [0 if n in places else 1 for n in range(poison + good)]
    letters = toys.rows(
        "SELECT d.error_type, d.reason, i.attempt FROM ops.dead_letters d JOIN ops.work_items i "
        "USING (item_id)"
    )
    assert {(one["error_type"], one["reason"], one["attempt"]) for one in letters} == {
        ("resource", "MemoryError", 3)
    }
    assert broken() == []
