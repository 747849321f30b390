"""Draining: whatever dies, and wherever, each item's effect is there once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from tests.kernel.work import toys

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import Conflict, ContractBroken, SourceFailed, Unavailable
from atalaia.kernel.work.drain import Drained, Handler, drain, kind_of, wait_after
from atalaia.kernel.work.items import Item, Lines, Together, accept, accept_lines, together
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


def handled_together(
    items: Sequence[Item], connection: Connection, *, but: Sequence[int] = ()
) -> None:
    with together(connection, items) as group:
        for item in group.items:
            if item.position not in but:
                connection.execute(
                    "INSERT INTO public.applied VALUES (%s, %s)", (item.item_id, item.fence)
                )
                group.results[item.item_id] = {"n": item.position}


def test_a_group_is_done_together_and_what_it_leaves_one_by_one() -> None:
    toys.ask([{"n": n} for n in range(12)])
    handler = Handler(toys.apply, 5, partial(handled_together, but=[3, 11]))
    assert drain({toys.TOY: handler}).done == 12
    assert set(toys.applied()) == {1}
    found = toys.rows("SELECT position, result FROM ops.work_items WHERE result IS NOT NULL")
    assert {row["position"]: row["result"]["n"] for row in found} == {
        n: n for n in range(12) if n not in (3, 11)
    }, "the two were done by `act`, which gives no result"


def test_a_group_that_fails_is_undone_and_each_is_done_by_itself() -> None:
    toys.ask([{"n": n} for n in range(6)])

    def fails_at_its_end(items: Sequence[Item], connection: Connection) -> None:
        with together(connection, items) as group:
            handled_in(group, connection)
            raise ValueError("after all of it was written")

    assert drain({toys.TOY: Handler(toys.apply, 6, fails_at_its_end)}).done == 6
    assert toys.applied() == [1] * 6


def handled_in(group: Together, connection: Connection) -> None:
    for item in group.items:
        connection.execute("INSERT INTO public.applied VALUES (%s, 0)", (item.item_id,))
        group.results[item.item_id] = None


def test_an_item_of_a_group_that_was_taken_over_is_left_alone() -> None:
    toys.ask([{"n": n} for n in range(4)])
    seen: list[int] = []

    def sleeps(items: Sequence[Item], connection: Connection) -> None:
        taken = items[1].item_id
        toys.rows("UPDATE ops.work_items SET fence = fence + 1 WHERE item_id = %s RETURNING 1",
                  taken)  # fmt: skip
        with together(connection, items) as group:
            seen.extend(item.position for item in group.items)
            handled_in(group, connection)

    drained = drain({toys.TOY: Handler(toys.apply, 4, sleeps)})
    assert (seen, drained.done, drained.lost) == ([0, 2, 3], 3, 1)
    assert sorted(toys.applied()) == [0, 1, 1, 1]


@pytest.mark.parametrize("step", ["before done", "in effect", "after done"])
def test_a_worker_that_dies_in_a_group_leaves_no_effect_twice(step: str) -> None:
    toys.ask([{"n": n} for n in range(20)], kind="toy_together")
    done = worker(step, 1, 1)
    assert done.wait(_PATIENCE) == -signal.SIGKILL
    toys.expire_leases()
    reconcile()
    assert drain(toys.HANDLERS).failed == 0
    assert toys.applied() == [1] * 20


def test_lines_are_accepted_like_payloads() -> None:
    made = Lines((json.dumps({"n": n, "t": "a\tb\\ñ\n"}) for n in range(500)), 500, b"x" * 32)
    with transaction() as connection:
        first = accept_lines(connection, toys.TOY, made, actor="a", trigger="python", key="k")
    found = toys.rows("SELECT payload FROM ops.work_items ORDER BY position")
    assert [row["payload"] for row in found] == [{"n": n, "t": "a\tb\\ñ\n"} for n in range(500)]
    again = Lines(iter(()), 500, b"x" * 32)
    with transaction() as connection:
        second = accept_lines(connection, toys.TOY, again, actor="a", trigger="python", key="k")
    assert (second.batch_id, second.again) == (first.batch_id, True)
    other = Lines(iter(()), 500, b"y" * 32)
    with transaction() as connection, pytest.raises(Conflict):
        accept_lines(connection, toys.TOY, other, actor="a", trigger="python", key="k")


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
