"""Politeness: a source is asked by so many at once and so often, whoever asks and whoever dies."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from tests.forks import Forks
from tests.kernel.toy import Toy
from tests.kernel.work import toys
from tests.sources.server import Answer, Asked

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import TimedOut
from atalaia.kernel.ingest.pace import Pace, Place, at_source
from atalaia.kernel.work.job import Job, Run


def a_run(seconds: float = 30) -> Run:
    job = Job(name="j", domain="d", title="t", body=lambda _r: None, plan=lambda _r: {})
    return Run(
        job=job, reference_period="2024", force=False, deadline=Deadline(seconds), actor="a",
        trigger="python", reason=None, trace_id="-",
    )  # fmt: skip


def hold(source: str, told: str) -> None:
    """Take a place and keep it until killed."""
    with at_source(source, Pace(at_once=1), a_run()):
        Path(told).touch()
        threading.Event().wait()


@pytest.mark.usefixtures("database")
def test_so_many_at_once_and_no_more() -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def visit(number: int) -> None:
        nonlocal inside, most
        with at_source(f"s{number % 2}", Pace(at_once=2), a_run()):
            with lock:
                inside += number % 2
                most = max(most, inside)
            time.sleep(0.1)
            with lock:
                inside -= number % 2

    with ThreadPoolExecutor(10) as threads:
        list(threads.map(visit, range(10)))
    assert (inside, most) == (0, 2)


@pytest.mark.usefixtures("database")
def test_a_place_goes_with_the_process_that_held_it(tmp_path: Path) -> None:
    told = tmp_path / "held"
    with Forks("tests.kernel.ingest.test_pace", log=tmp_path / "log") as forks:
        pid = forks.start("tests.kernel.ingest.test_pace:hold", "s", str(told))
        while not told.exists():
            time.sleep(0.01)
        with pytest.raises(TimedOut), at_source("s", Pace(at_once=1), a_run(0.5)):
            pass
        with at_source("another", Pace(at_once=1), a_run(0.5)):
            pass
        forks.kill(pid)
    with at_source("s", Pace(at_once=1), a_run(5)):
        pass


@pytest.mark.usefixtures("database")
def test_turns_are_apart_for_all_together() -> None:
    pace, begun = Pace(at_once=9, seconds_between=0.1), list[float]()

    def visit(_: int) -> None:
        with at_source("s", pace, a_run()) as place:
            for _turn in range(2):
                place.wait_for_turn(a_run())
                begun.append(time.monotonic())

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(visit, range(4)))
    assert len(begun) == 8
    assert max(begun) - min(begun) >= 0.1 * 7 - 0.05


@pytest.mark.row("R-017")
@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("written", ["1 day", "-1 day", "301 seconds"])
def test_a_turn_written_by_a_wrong_clock_makes_nobody_wait(written: str) -> None:
    with connect(autocommit=True) as connection:
        connection.execute(
            "INSERT INTO ops.source_pace VALUES ('s', clock_timestamp() + %s::interval)", (written,)
        )
        began = time.monotonic()
        Place(connection, "s", Pace(seconds_between=0.1)).wait_for_turn(a_run(5))
        assert time.monotonic() - began < 1
        (row,) = toys.rows(
            "SELECT next_at < clock_timestamp() + interval '1 s' AS ok FROM ops.source_pace"
        )
    assert row["ok"]


def test_who_waits_for_a_turn_stops_in_time(toy: Toy) -> None:
    toy.change(pace=Pace(seconds_between=100))
    assert toy.run("2023")["run_status"] == "success"
    began = time.monotonic()
    done = toy.run("2024", timeout_seconds=1)
    assert (done["run_status"], len(toy.server.hits)) == ("failed", 1)
    assert time.monotonic() - began < 10


def test_every_try_of_a_request_waits_for_its_turn(toy: Toy) -> None:
    toy.change(pace=Pace(seconds_between=0.6))
    times: list[float] = []
    answer = toy.answer

    def flaky(asked: Asked) -> Answer | None:
        times.append(time.monotonic())
        return answer(asked) if len(times) > 2 else Answer(b"", status=503)

    toy.answer = flaky  # type: ignore[method-assign]
    assert toy.run()["run_status"] == "success"
    assert [late - early > 0.5 for early, late in pairwise(times)] == [
        True,
        True,
    ]
