"""Draining: whatever dies, and wherever, each item's effect is there once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.kernel.work import toys

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import ContractBroken, SourceFailed, Unavailable
from atalaia.kernel.work.drain import Drained, Handler, drain, kind_of, wait_after
from atalaia.kernel.work.items import Item, accept
from atalaia.kernel.work.reconcile import Reconciled, reconcile

ROOT = Path(__file__).resolve().parents[3]
STEPS = ("before claim", "after claim", "in effect", "after effect", "after done")
_PATIENCE = 30.0  # seconds; what is waited for takes a fraction of it


@pytest.fixture(autouse=True)
def _table(database: str) -> None:
    toys.make_table()


def worker(step: str = "never", nth: int = 1, lease: float = 30) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.kernel.work.toys", step, str(nth), str(lease)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path]))},
        stdout=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=60)
    return process.returncode


def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + _PATIENCE
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)


def settle() -> Reconciled:
    toys.expire_leases()
    return reconcile()


@pytest.mark.row("R-001", "R-002", "R-030", "R-031")
@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_any_step_loses_and_doubles_nothing(step: str) -> None:
    toys.ask([{"n": n} for n in range(25)])
    nth = {"before claim": 2, "after claim": 2}.get(step, 13)
    assert ended(worker(step, nth)) == -signal.SIGKILL
    assert sum(toys.applied()) < 25
    assert toys.states()["done"] >= 10
    settle()
    drain(toys.HANDLERS)
    assert toys.applied() == [1] * 25
    assert toys.states() == {"done": 25}


def test_an_item_that_only_returns_is_settled_for_it() -> None:
    batch = toys.ask([{"n": 1}, {"n": 2}])
    seen: list[str] = []

    def answer(item: Item, _connection: Connection) -> dict[str, int]:
        return {"twice": 2 * item.payload["n"]}

    drained = drain({toys.TOY: Handler(answer)}, fault=seen.append)
    assert drained == Drained(done=2)
    found = toys.rows("SELECT result FROM ops.work_items ORDER BY position")
    assert [row["result"] for row in found] == [{"twice": 2}, {"twice": 4}]
    assert seen == [
        "before claim",
        "after claim",
        *["after effect", "before done", "after done"] * 2,
        "before claim",
    ]
    (progress,) = toys.rows("SELECT * FROM ops.batch_progress WHERE batch_id = %s", batch)
    assert (progress["done"], progress["total"]) == (2, 2)
    assert progress["finished_at"] is not None


@pytest.mark.row("R-011")
@pytest.mark.timeout(240)
def test_an_item_that_kills_its_worker_is_buried_and_takes_nobody_with_it() -> None:
    toys.ask([{"poison": n in (3, 17)} for n in range(30)], max_attempts=3)
    deaths = 0
    while toys.states()["queued"]:
        deaths += ended(worker()) == -signal.SIGKILL
        settle()
        assert deaths <= 6
    assert toys.states() == {"done": 28, "dead": 2}
    assert toys.applied() == [0 if n in (3, 17) else 1 for n in range(30)]
    letters = toys.rows("SELECT error_type, reason, payload FROM ops.dead_letters")
    assert [letter["payload"] for letter in letters] == [{"poison": True}] * 2
    assert {letter["error_type"] for letter in letters} == {"resource"}
    assert all("terminou no meio" in letter["reason"] for letter in letters)


def test_a_lease_is_kept_as_long_as_the_work_takes() -> None:
    toys.ask([{"seconds": 2.5}])
    process = worker(lease=1)
    given_back = 0
    while process.poll() is None:
        given_back += reconcile().given_back
        time.sleep(0.05)
    said, _ = process.communicate()
    assert given_back == 0
    assert json.loads(said.splitlines()[-1])["done"] == 1
    (row,) = toys.rows("SELECT ended_at IS NOT NULL AS over FROM ops.workers")
    assert row["over"]


def test_stopping_gives_back_what_was_not_begun() -> None:
    toys.ask([{"n": n} for n in range(10)])
    begun: list[int] = []

    def note(item: Item, connection: Connection) -> None:
        begun.append(item.item_id)
        toys.apply(item, connection)

    drained = drain({toys.TOY: Handler(note, group=10)}, stopped=lambda: len(begun) >= 4)
    assert (drained.done, drained.more) == (4, True)
    assert toys.states() == {"done": 4, "queued": 6}
    assert {
        row["attempt"]
        for row in toys.rows("SELECT attempt FROM ops.work_items WHERE status = 'queued'")
    } == {0}


def test_one_kind_does_not_make_another_wait_for_its_end() -> None:
    toys.ask([{"n": n} for n in range(30)])
    with transaction() as connection:
        accept(connection, "other", [{}], actor="a", trigger="python")
    order: list[str] = []

    def note(item: Item, _connection: Connection) -> None:
        order.append(item.kind)

    drain({toys.TOY: Handler(note, group=10), "other": Handler(note, group=1)})
    assert order.index("other") == 10
    assert len(order) == 31


def test_others_are_called_when_a_whole_group_was_due() -> None:
    toys.ask([{"n": n} for n in range(15)])
    calls: list[None] = []
    drain(toys.HANDLERS, crowded=lambda: calls.append(None))
    assert len(calls) == 1


def test_what_an_error_says_is_kept_only_when_the_words_are_ours() -> None:
    toys.ask([{"n": 1}, {"n": 2}], max_attempts=1)

    def broken(item: Item, _connection: Connection) -> None:
        if item.position:
            raise ContractBroken("O arquivo não tem o formato combinado.")
        raise ValueError("CPF 123.456.789-09")

    assert drain({toys.TOY: Handler(broken)}).failed == 2
    found = toys.rows("SELECT error FROM ops.work_items ORDER BY position")
    assert [row["error"] for row in found] == [
        "ValueError",
        "O arquivo não tem o formato combinado.",
    ]
    assert "123" not in str(toys.rows("SELECT reason FROM ops.dead_letters"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (SourceFailed("429", status=429), "rate_limited"),
        (MemoryError(), "resource"),
        (ContractBroken(), "permanent"),
        (Unavailable(), "transient"),
        (ValueError(), "transient"),
    ],
)
def test_why_an_attempt_failed(error: Exception, kind: str) -> None:
    assert kind_of(error) == kind


def test_waits_double_up_to_five_minutes_and_a_source_is_obeyed() -> None:
    for attempt, middle in ((1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (40, 300)):
        waits = [wait_after(attempt, ValueError()) for _ in range(50)]
        assert all(0.8 * middle <= wait <= 1.2 * middle for wait in waits)
        assert len(set(waits)) > 1
    assert wait_after(1, SourceFailed("x", status=503, retry_after=77)) == 77
