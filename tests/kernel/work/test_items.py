"""Work items: accepted with their cause or not at all, in one hand at a time, settled once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from tests.kernel.work import toys

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.errors import Conflict, LeaseLost
from atalaia.kernel.work.drain import leased
from atalaia.kernel.work.items import Item, accept, claim, give_back, release
from atalaia.kernel.work.reconcile import reconcile


@pytest.fixture(autouse=True)
def _table(database: str) -> None:
    toys.make_table()


def take(worker: UUID, limit: int = 10) -> list[Item]:
    with connect(autocommit=True) as connection:
        return claim(connection, toys.TOY, worker, limit)


def test_work_is_accepted_with_its_cause_or_not_at_all() -> None:
    with pytest.raises(KeyError), transaction() as connection:  # noqa: PT012
        accept(connection, toys.TOY, [{}], actor="a", trigger="api")
        raise KeyError
    assert toys.rows("SELECT FROM ops.batches") == toys.rows("SELECT FROM ops.work_items") == []
    batch = toys.ask([{"n": 1}, {"n": 2}], reason="porque sim")
    assert [row["payload"] for row in toys.rows("SELECT payload FROM ops.work_items")] == [
        {"n": 1},
        {"n": 2},
    ]
    (kept,) = toys.rows("SELECT * FROM ops.batches")
    assert (kept["batch_id"], kept["actor"], kept["reason"]) == (batch, "test", "porque sim")


@pytest.mark.row("R-004")
def test_the_same_key_is_the_same_batch_however_often_and_at_once_it_comes() -> None:
    with ThreadPoolExecutor(8) as threads:
        batches = list(threads.map(lambda _: toys.ask([{"n": 1}], key="k"), range(20)))
    assert len(set(batches)) == 1
    assert len(toys.rows("SELECT FROM ops.work_items")) == 1
    assert toys.ask([{"n": 1}], key="other") != batches[0]
    assert toys.ask([{"n": 1}], key=None) != toys.ask([{"n": 1}], key=None)


@pytest.mark.row("R-004")
def test_a_key_that_comes_back_with_another_request_is_a_conflict() -> None:
    toys.ask([{"n": 1}], key="k")
    with pytest.raises(Conflict):
        toys.ask([{"n": 2}], key="k")
    assert [row["payload"] for row in toys.rows("SELECT payload FROM ops.work_items")] == [{"n": 1}]


def test_a_key_is_of_its_tenant() -> None:
    with transaction() as connection:
        connection.execute("INSERT INTO tenants VALUES ('other', 'Other')")
    mine = toys.ask([{"n": 1}], key="k")
    assert toys.ask([{"n": 2}], key="k", tenant_id="other") != mine


def test_an_item_is_in_one_hand_at_a_time() -> None:
    toys.ask([{"n": n} for n in range(200)])
    with leased(30) as one, leased(30) as two, ThreadPoolExecutor(4) as threads:
        hands = list(threads.map(lambda n: take((one, two)[n % 2]), range(30)))
    held = [item.item_id for hand in hands for item in hand]
    assert len(held) == len(set(held)) == 200
    assert {len(hand) for hand in hands} <= set(range(11))


def test_items_are_taken_in_the_order_they_became_due() -> None:
    toys.ask([{"n": n} for n in range(5)])
    with transaction() as connection:
        connection.execute(
            """UPDATE ops.work_items SET due_at = clock_timestamp() +
                   CASE position WHEN 4 THEN interval '-1 hour' ELSE interval '1 hour' END
               WHERE position IN (2, 4)"""
        )
    with leased(30) as worker:
        assert [item.position for item in take(worker, 2)] == [0, 4]
        assert [item.position for item in take(worker)] == [1, 3]


@pytest.mark.row("R-010")
def test_a_worker_taken_for_dead_changes_nothing_when_it_comes_back() -> None:
    toys.ask([{"n": 1}])
    with leased(30) as zombie, leased(30) as heir, connect(autocommit=True) as connection:
        (old,) = take(zombie)
        toys.expire_leases(zombie)
        assert reconcile().given_back == 1
        (new,) = take(heir)
        with pytest.raises(LeaseLost):
            toys.apply(old, connection)
        assert not give_back(connection, old, "x", "permanent", 0)
        assert toys.states() == {"running": 1}
        toys.apply(new, connection)
        with pytest.raises(LeaseLost):
            toys.apply(old, connection)
    assert toys.rows("SELECT fence FROM public.applied") == [{"fence": new.fence}]
    assert new.fence > old.fence
    assert toys.states() == {"done": 1}


def test_a_failed_effect_leaves_the_item_in_hand_and_no_trace() -> None:
    toys.ask([{"n": 1}])
    with leased(30) as worker, connect(autocommit=True) as connection:
        (item,) = take(worker)
        with pytest.raises(ZeroDivisionError), item.effect(connection):  # noqa: PT012
            connection.execute("INSERT INTO public.applied VALUES (1, 1)")
            1 / 0  # noqa: B018
        assert not item.settled
    assert toys.applied() == [0]
    assert toys.states() == {"running": 1}


def test_after_its_worker_died_an_item_is_taken_alone() -> None:
    toys.ask([{"n": n} for n in range(6)])
    with leased(30) as worker:
        lost = take(worker, 3)
        toys.expire_leases()
    reconcile()
    with leased(30) as worker:
        hands = [[item.position for item in take(worker)] for _ in range(5)]
    assert sorted(position for hand in hands[:4] for position in hand) == list(range(6))
    alone = [hand for hand in hands if hand and hand[0] in {item.position for item in lost}]
    assert [len(hand) for hand in alone] == [1, 1, 1]
    assert hands[4] == []


@pytest.mark.parametrize("error_type", ["transient", "permanent"])
def test_a_failure_is_tried_again_until_it_cannot_pass_or_was_the_last(error_type: str) -> None:
    toys.ask([{"n": 7}], max_attempts=3)
    attempts = 0
    with leased(30) as worker, connect(autocommit=True) as connection:
        while items := take(worker):
            attempts += 1
            assert items[0].attempt == attempts
            give_back(connection, items[0], "não deu", error_type, 0)  # type: ignore[arg-type]
    assert attempts == (3 if error_type == "transient" else 1)
    assert toys.states() == {"dead": 1}
    (letter,) = toys.rows("SELECT * FROM ops.dead_letters")
    assert (letter["reason"], letter["error_type"], letter["payload"]) == (
        "não deu",
        error_type,
        {"n": 7},
    )
    assert letter["run_id"] is None


def test_a_failed_item_waits_before_it_is_due_again() -> None:
    toys.ask([{"n": 1}])
    with leased(30) as worker, connect(autocommit=True) as connection:
        (item,) = take(worker)
        give_back(connection, item, "x", "transient", 60)
        assert take(worker) == []
    (row,) = toys.rows(
        "SELECT extract(epoch FROM due_at - clock_timestamp())::float AS s FROM ops.work_items"
    )
    assert 50 < row["s"] <= 60


def test_what_was_not_begun_goes_back_without_an_attempt() -> None:
    toys.ask([{"n": n} for n in range(3)])
    with leased(30) as worker, connect(autocommit=True) as connection:
        first, *rest = take(worker)
        release(connection, rest)
        assert toys.states() == {"queued": 2, "running": 1}
        assert [item.attempt for item in take(worker)] == [1, 1]
        release(connection, rest)  # of an older claim: nothing of it is ours
        assert toys.states() == {"running": 3}
        assert first.attempt == 1


def test_a_worker_without_a_lease_gets_nothing() -> None:
    toys.ask([{"n": 1}])
    assert take(uuid4()) == []
    with leased(30) as worker:
        toys.expire_leases()
        assert take(worker) == []
    assert toys.states() == {"queued": 1}
