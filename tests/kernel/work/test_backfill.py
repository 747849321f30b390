"""Backfill: every period once, a plan that says what will be done, and no other thing done."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.kernel.toy import Toy
from tests.kernel.work import toys

from atalaia.kernel.base.errors import BadPeriod, UsageError
from atalaia.kernel.work import backfill
from atalaia.kernel.work.batches import RUN
from atalaia.kernel.work.drain import Handler, drain
from atalaia.kernel.work.items import Item

WHO = {"actor": "ana", "reason": "o passado"}


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        ("2019", "2021", ["2019", "2020", "2021"]),
        ("2019", "2019", ["2019"]),
        ("2019-11", "2020-02", ["2019-11", "2019-12", "2020-01", "2020-02"]),
        ("2020-02-28", "2020-03-01", ["2020-02-28", "2020-02-29", "2020-03-01"]),
        ("2021-02-28", "2021-03-01", ["2021-02-28", "2021-03-01"]),
        ("2020-12-31", "2021-01-01", ["2020-12-31", "2021-01-01"]),
    ],
)
def test_a_span(first: str, last: str, found: list[str]) -> None:
    assert backfill.span(first, last) == found


@pytest.mark.parametrize(
    ("first", "last"), [("2021", "2019"), ("2019", "2020-01"), ("1900-01-01", "2024-01-01")]
)
def test_no_span(first: str, last: str) -> None:
    with pytest.raises(BadPeriod):
        backfill.span(first, last)


def test_a_thousand_periods_and_no_more() -> None:
    assert len(backfill.span("1940-01", "2023-04")) == backfill.MOST_PERIODS
    with pytest.raises(BadPeriod):
        backfill.span("1940-01", "2023-05")


def made(toy: Toy, force: bool = False) -> dict[str, Any]:
    """The plan as it comes back from a file."""
    plan = backfill.plan(toy.job(), "2022", "2024", force=force)
    found: dict[str, Any] = json.loads(json.dumps(plan))
    return found


def work(toy: Toy) -> None:
    def act(item: Item, _connection: object) -> dict[str, Any]:
        asked = dict(item.payload)
        assert asked.pop("job_name") == "toy"
        done = toy.run(asked.pop("reference_period"), **asked)
        return {"run_status": done["run_status"]}

    drain({RUN: Handler(act, group=1)})


def test_a_plan_says_what_is_there_what_would_be_fetched_and_how_long_it_may_take(toy: Toy) -> None:
    assert made(toy)["estimate"] == {}
    done = toy.run("2023")
    asked = len(toy.server.hits)
    plan = made(toy)
    assert [(p["reference_period"], p["run"], p["fetch"]) for p in plan["periods"]] == [
        ("2022", True, True),
        ("2023", False, False),
        ("2024", True, True),
    ]
    assert plan["periods"][1]["loaded_by"] == done["run_id"]
    assert (plan["runs"], plan["estimate"]["rows"]) == (2, 6)
    forced = made(toy, force=True)
    assert [one["run"] for one in forced["periods"]] == [True] * 3
    assert len(toy.server.hits) == asked, "no source is asked for a plan"
    assert toys.rows("SELECT FROM ops.batches") == []


def test_executed_it_is_one_batch_of_what_was_planned_however_often(toy: Toy) -> None:
    toy.run("2023")
    plan = made(toy)
    backfill.require_unchanged(plan, toy.job())
    first, second = backfill.execute(plan, **WHO), backfill.execute(plan, **WHO)
    assert first is not None
    assert second is not None
    assert (second.batch_id, second.again) == (first.batch_id, True)
    work(toy)
    (batch,) = toys.rows("SELECT * FROM ops.batch_progress")
    assert (batch["total"], batch["done"]) == (2, 2)
    ran = toys.rows("SELECT reference_period AS p FROM ops.pipeline_runs ORDER BY started_at_utc")
    assert [row["p"] for row in ran] == ["2023", "2022", "2024"]
    (record,) = toys.recorded("work")
    assert (record["action"], record["reason"]) == ("work.accepted", "o passado")
    assert record["details"]["periods"] == ["2022", "2024"]
    again = made(toy)
    assert (again["runs"], backfill.execute(again, **WHO)) == (0, None)


def test_a_plan_the_world_has_overtaken_is_refused(toy: Toy) -> None:
    plan = made(toy)
    toy.run("2023")
    with pytest.raises(UsageError, match="periods"):
        backfill.require_unchanged(plan, toy.job())
    changed = {**made(toy), "to": "2025"}
    with pytest.raises(UsageError, match="mudou"):
        backfill.require_unchanged(changed, toy.job())


@pytest.mark.parametrize("found", [[], {}, {"plan": "run"}, {"plan": "backfill", "job_name": "x"}])
def test_what_is_no_plan_of_the_job(toy: Toy, found: Any) -> None:
    with pytest.raises(UsageError):
        backfill.require_unchanged(found, toy.job())
