"""Dead letters: decided once, by someone, with a reason; nothing replayed twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest
from tests.kernel.work import toys

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import ContractBroken, NotFound, UsageError
from atalaia.kernel.keep.browse import Wanted, page
from atalaia.kernel.work.drain import Handler, drain
from atalaia.kernel.work.items import Item
from atalaia.kernel.work.letters import correct, discard, replay


@pytest.fixture(autouse=True)
def _table(database: str) -> None:
    toys.make_table()


def strict(item: Item, connection: Connection) -> None:
    if item.payload["n"] < 0:
        raise ContractBroken("n é negativo.")
    toys.apply(item, connection)


def work() -> None:
    drain({toys.TOY: Handler(strict)})


def letters() -> list[dict[str, Any]]:
    return toys.rows("SELECT * FROM ops.dead_letters ORDER BY dead_letter_id")


def one_dead() -> int:
    toys.ask([{"n": -1}])
    work()
    (letter,) = letters()
    number: int = letter["dead_letter_id"]
    return number


def decide(number: int, payload: Any = None, tenant_id: str | None = None) -> object:
    who = {"actor": "ana", "reason": "corrigido na origem", "tenant_id": tenant_id}
    with transaction() as connection:
        if payload is None:
            return replay(connection, number, **who)
        return correct(connection, number, payload, **who)


def decisions() -> list[tuple[str, str, str]]:
    """What the audit log says was decided, and by whom."""
    found = page(Wanted(stream="dead_letters"), limit=100).items[::-1]
    assert all(one["reason"] for one in found)
    return [(one["action"], one["subject"], one["actor"]) for one in found]


@pytest.mark.row("R-034")
def test_corrected_replayed_and_accounted_for() -> None:
    batch = decide(one_dead(), payload={"n": 5})
    work()
    assert toys.states() == {"dead": 1, "done": 1}
    assert sum(toys.applied()) == 1
    (letter,) = letters()
    assert (letter["resolved"], letter["resolved_by"]) == (True, "ana")
    assert letter["payload"] == {"n": -1}, "what came stays as it came"
    assert str(batch) in letter["notes"]
    assert "corrigido na origem" in letter["notes"]
    assert decisions() == [("dead_letter.replayed", str(letter["dead_letter_id"]), "ana")]
    (again,) = toys.rows("SELECT * FROM ops.batches WHERE batch_id = %s", batch)
    assert (again["trigger"], again["actor"]) == ("replay", "ana")


def test_replayed_as_it_came_it_fails_as_before_and_waits_again() -> None:
    decide(one_dead())
    work()
    first, second = letters()
    assert (first["resolved"], second["resolved"]) == (True, False)
    assert second["payload"] == {"n": -1}


def test_of_two_who_decide_at_once_one_does() -> None:
    number = one_dead()

    def attempt(_: int) -> bool:
        try:
            decide(number, payload={"n": 1})
        except NotFound:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(attempt, range(6))) == 1
    work()
    assert sum(toys.applied()) == 1
    assert len(decisions()) == 1


@pytest.mark.row("R-034")
def test_discarded_is_not_done_and_keeps_its_reason() -> None:
    number = one_dead()
    with transaction() as connection:
        discard(connection, [number], actor="rui", reason="teste de carga")
    work()
    (letter,) = letters()
    assert (letter["resolved_by"], letter["notes"]) == ("rui", "discarded: teste de carga")
    assert toys.states() == {"dead": 1}
    with pytest.raises(NotFound):
        decide(number)
    assert decisions() == [("dead_letter.discarded", str(number), "rui")]


def test_all_of_several_or_none() -> None:
    number = one_dead()
    with pytest.raises(NotFound), transaction() as connection:
        discard(connection, [number, 10**9], actor="rui", reason="x")
    assert not letters()[0]["resolved"]
    assert decisions() == []


def test_another_tenants_letter_is_as_good_as_none() -> None:
    number = one_dead()
    for attempt in (
        lambda: decide(number, tenant_id="other"),
        lambda: decide(number, {"n": 1}, tenant_id="other"),
    ):
        with pytest.raises(NotFound):
            attempt()
    with pytest.raises(NotFound), transaction() as connection:
        discard(connection, [number], actor="rui", reason="x", tenant_id="other")
    assert not letters()[0]["resolved"]
    decide(number, {"n": 1}, tenant_id="default")


def row_of_a_file(place: str = "f:1") -> int:
    run = uuid4()
    with transaction() as connection:
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
                   trigger, trace_id) VALUES (%s, 'j', 'd', '2024', 'a', 'cli', '-')""",
            (run,),
        )
        connection.execute(
            """INSERT INTO ops.dead_letters (domain, entity_type, entity_id, error_type, reason,
                   payload, run_id, reference_period)
               VALUES ('d', 'c', %s, 'permanent', 'r', '{"a": "x", "b": "y"}', %s, '2024')""",
            (place, run),
        )
    number: int = letters()[-1]["dead_letter_id"]
    return number


def asked() -> list[Any]:
    return [one["payload"] for one in toys.rows("SELECT payload FROM ops.work_items")]


def test_a_row_of_a_file_is_replayed_by_its_run() -> None:
    number = row_of_a_file()
    batch = decide(number)
    assert asked() == [{"job_name": "j", "reference_period": "2024"}]
    assert str(batch) in letters()[0]["notes"]
    assert toys.rows("SELECT FROM ops.corrections") == []


def test_a_corrected_row_keeps_what_came_and_what_changes() -> None:
    number = row_of_a_file()
    decide(number, {"a": "z"})
    (kept,) = toys.rows("SELECT * FROM ops.corrections")
    assert (kept["was"], kept["becomes"]) == ({"a": "x", "b": "y"}, {"a": "z"})
    assert (kept["entity_id"], kept["actor"]) == ("f:1", "ana")
    assert asked() == [{"job_name": "j", "reference_period": "2024"}]
    assert decisions() == [("dead_letter.replayed", str(number), "ana")]


@pytest.mark.parametrize("payload", [{}, {"c": "z"}, {"a": "z", "c": "z"}, ["a"]])
def test_what_a_row_does_not_have_cannot_be_corrected(payload: Any) -> None:
    number = row_of_a_file()
    with pytest.raises(UsageError):
        decide(number, payload)
    assert not letters()[0]["resolved"]
    assert asked() == []


def test_a_row_whose_place_is_not_known_cannot_be_corrected() -> None:
    number = row_of_a_file("f:None")
    with pytest.raises(UsageError, match="linha do arquivo"):
        decide(number, {"a": "z"})
    assert toys.rows("SELECT FROM ops.corrections") == []
