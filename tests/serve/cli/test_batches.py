"""work and schedule: how accepted work stands, called off, and what comes round."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from tests.kernel.work import toys
from tests.serve.cli.conftest import Run

from atalaia.kernel.work import schedule
from atalaia.kernel.work.drain import Handler, drain
from atalaia.serve import scheduler

ENTRY = scheduler.SCHEDULE[0].name


@pytest.fixture(autouse=True)
def _synced(database: str) -> None:
    toys.make_table()
    schedule.sync(scheduler.SCHEDULE)


def listed(here: Run, *command: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(here(*command, "--format", "json").out)
    return found


def entry(here: Run) -> dict[str, object]:
    """The suite's entry in the schedule."""
    (found,) = (one for one in listed(here, "schedule", "list") if one["name"] == ENTRY)
    return found


def test_a_batch_is_listed_shown_and_its_results_read(here: Run) -> None:
    batch = str(toys.ask([{"n": 1}, {"n": 2}]))
    assert [one["batch_id"] for one in listed(here, "work", "list")] == [batch]
    assert here("work", "show", batch).code == 0
    drain({toys.TOY: Handler(lambda item, _c: {"n": item.payload["n"]})})
    done = here("work", "show", batch, "--wait", "--format", "json")
    assert (done.code, json.loads(done.out)["done"]) == (0, 2)
    assert "2 de 2" in done.err
    assert [one["result"] for one in listed(here, "work", "results", batch)] == [{"n": 1}, {"n": 2}]


def test_a_run_that_gave_nothing_is_not_well(here: Run) -> None:
    batch = str(toys.ask([{}]))
    drain({toys.TOY: Handler(lambda _i, _c: {"run_status": "blocked"})})
    assert here("work", "show", batch).code == 1


def test_called_off_with_a_reason_once(here: Run) -> None:
    batch = str(toys.ask([{}, {}]))
    assert here("work", "cancel", batch, "--reason", " ").code == 64
    assert toys.states() == {"queued": 2}
    assert here("work", "cancel", batch, "--reason", "engano").code == 0
    assert toys.states() == {"cancelled": 2}
    assert here("work", "cancel", batch, "--reason", "engano").code == 64
    assert here("work", "show", batch).code == 1
    (record,) = toys.recorded("work")
    assert (record["action"], record["subject"]) == ("work.cancelled", batch)
    assert (record["reason"], record["trigger"]) == ("engano", "cli")


@pytest.mark.parametrize("command", ["show", "results"])
def test_what_is_not_there(here: Run, command: str) -> None:
    assert here("work", command, str(uuid4())).code == 64


def test_what_comes_round_is_listed_paused_and_resumed(here: Run) -> None:
    row = entry(here)
    assert (row["name"], row["recurrence"], row["paused_at"]) == (ENTRY, "daily 06:00", None)
    assert here("schedule", "pause", ENTRY, "--reason", "férias").code == 0
    assert here("schedule", "pause", ENTRY, "--reason", "férias").code == 64
    row = entry(here)
    assert (row["pause_reason"], row["paused_at"] is None) == ("férias", False)
    assert here("schedule", "resume", ENTRY, "--reason", "voltei").code == 0
    assert here("schedule", "resume", ENTRY, "--reason", "voltei").code == 64
    actions = [one["action"] for one in toys.recorded("schedule")]
    assert actions == ["schedule.resumed", "schedule.paused"]


def test_run_now_leaves_the_schedule_as_it_is(here: Run) -> None:
    before = entry(here)
    assert here("schedule", "run-now", ENTRY, "--reason", "conferir").code == 0
    after = entry(here)
    assert after == before
    (item,) = toys.rows("SELECT kind, payload FROM ops.work_items")
    assert (item["kind"], item["payload"]["job_name"]) == ("run", "quality_suite")
    (record,) = toys.recorded("schedule")
    assert (record["action"], record["reason"]) == ("schedule.run_now", "conferir")


@pytest.mark.parametrize("command", ["pause", "resume", "run-now"])
def test_what_is_not_in_the_schedule(here: Run, command: str) -> None:
    assert here("schedule", command, "nothing", "--reason", "x").code == 64
    assert toys.recorded("schedule") == []
