"""Batches asked for and called off by people: recorded once, and nothing of them done after."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.kernel.work import toys

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import AlreadySo, NotFound
from atalaia.kernel.work import batches
from atalaia.kernel.work.drain import Handler, drain
from atalaia.kernel.work.items import Item
from atalaia.kernel.work.reconcile import reconcile


@pytest.fixture(autouse=True)
def _table(database: str) -> None:
    toys.make_table()


def cancel(batch: UUID, **more: Any) -> int:
    with transaction() as connection:
        return batches.cancel(connection, batch, actor="ana", reason="engano", **more)


def records() -> list[str]:
    return [one["action"] for one in toys.recorded("work")[::-1]]


@pytest.mark.row("R-034")
def test_a_request_is_recorded_once_however_often_it_comes() -> None:
    def ask(_: int) -> UUID:
        with transaction() as connection:
            return batches.request(
                connection, toys.TOY, [{"n": 1}], actor="ana", trigger="api", key="k"
            ).batch_id

    with ThreadPoolExecutor(6) as threads:
        assert len(set(threads.map(ask, range(6)))) == 1
    assert records() == ["work.accepted"]
    assert toys.states() == {"queued": 1}


@pytest.mark.row("R-031", "R-034")
def test_what_waits_is_cancelled_and_what_is_in_hand_is_finished() -> None:
    batch = toys.ask([{"n": n} for n in range(5)])
    counts: list[int] = []

    def act(item: Item, connection: Connection) -> None:
        if item.position == 1:
            counts.append(cancel(batch))
        toys.apply(item, connection)

    drain({toys.TOY: Handler(act, group=1)})
    assert counts == [3]
    assert toys.states() == {"done": 2, "cancelled": 3}
    assert sum(toys.applied()) == 2
    assert records() == ["work.cancelled"]


def test_a_group_in_hand_is_cancelled_when_it_is_given_back() -> None:
    batch = toys.ask([{"n": n} for n in range(5)])
    begun: list[int] = []

    def act(item: Item, connection: Connection) -> None:
        begun.append(item.position)
        cancel(batch)
        toys.apply(item, connection)

    drain({toys.TOY: Handler(act, group=5)}, stopped=lambda: bool(begun))
    assert toys.states() == {"done": 1, "cancelled": 4}


def test_what_fails_after_it_was_called_off_is_not_tried_again_and_is_no_dead_letter() -> None:
    batch = toys.ask([{"n": 1}], max_attempts=1)

    def act(_item: Item, _connection: Connection) -> None:
        cancel(batch)
        raise ValueError

    drain({toys.TOY: Handler(act)})
    assert toys.states() == {"cancelled": 1}
    assert toys.rows("SELECT FROM ops.dead_letters") == []


def test_what_a_dead_worker_held_is_not_done_after_it_was_called_off() -> None:
    batch = toys.ask([{"n": 1}])
    with transaction() as connection:
        connection.execute(
            "INSERT INTO ops.workers (worker_id, name, leased_until) VALUES (%s, 'x', now())",
            (worker := uuid4(),),
        )
        connection.execute(
            "UPDATE ops.work_items SET status = 'running', attempt = 1, worker_id = %s", (worker,)
        )
    cancel(batch)
    assert (reconcile().given_back, toys.states()) == (0, {"cancelled": 1})


def test_a_run_in_hand_is_asked_to_stop_and_nobody_elses_is() -> None:
    with transaction() as connection:
        batch = batches.request(
            connection,
            batches.RUN,
            [{"job_name": "j", "reference_period": "2024"}],
            actor="a",
            trigger="api",
        ).batch_id
    (row,) = toys.rows("SELECT trace_id FROM ops.batches")

    def act(_item: Item, connection: Connection) -> None:
        for period, trace in (("2024", row["trace_id"]), ("2025", row["trace_id"]), ("2026", "x")):
            connection.execute(
                """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period,
                       actor, trigger, trace_id) VALUES (%s, 'j', 'd', %s, 'a', 'cli', %s)""",
                (uuid4(), period, trace),
            )
        cancel(batch)

    drain({batches.RUN: Handler(act, group=1)})
    asked = toys.rows(
        """SELECT reference_period FROM ops.pipeline_runs WHERE cancel_requested_at IS NOT NULL"""
    )
    assert [one["reference_period"] for one in asked] == ["2024"]


def test_over_or_called_off_or_not_there_or_another_tenants() -> None:
    done, off, mine = (toys.ask([{"n": n}]) for n in range(3))
    cancel(off)
    cancel(mine, tenant_id="default")
    drain(toys.HANDLERS)
    for batch in (done, off):
        with pytest.raises(AlreadySo):
            cancel(batch)
    for batch, tenant in ((uuid4(), None), (done, "other")):
        with pytest.raises(NotFound):
            cancel(batch, tenant_id=tenant)
    assert records() == ["work.cancelled"] * 2


def test_of_two_who_call_off_at_once_one_does() -> None:
    batch = toys.ask([{"n": n} for n in range(50)])

    def attempt(_: int) -> int:
        try:
            return cancel(batch)
        except AlreadySo:
            return 0

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(attempt, range(4))) == [0, 0, 0, 50]
    assert len(records()) == 1
