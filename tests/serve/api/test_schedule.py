"""The schedule over HTTP: told, paused and resumed once, run beside its hour, each recorded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.kernel.work import toys
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import transaction
from atalaia.kernel.keep.keys import Role
from atalaia.kernel.work import schedule
from atalaia.serve import scheduler

NAME = "quality_suite"


@pytest.fixture(autouse=True)
def _listed(database_of_module: str) -> Iterator[None]:
    schedule.sync(scheduler.SCHEDULE)
    yield
    with transaction() as connection:
        connection.execute("TRUNCATE ops.batches, ops.schedule CASCADE")


def entry(api: Api) -> dict[str, Any]:
    answer = api.get("/v1/ops/schedule", X_API_Key=new_key("viewer"))
    assert answer.status_code == 200, answer.text
    (found,) = [one for one in answer.json()["items"] if one["name"] == NAME]
    told: dict[str, Any] = found
    return told


def act(api: Api, what: str, role: Role = "operator", name: str = NAME) -> httpx.Response:
    return api.client.post(
        f"/v1/ops/schedule/{name}/{what}",
        json={"reason": "manutenção"},
        headers={"x-api-key": new_key(role)},
    )


def recorded() -> list[str]:
    return [one["action"] for one in toys.recorded("schedule")]


def test_every_entry_is_told(api: Api) -> None:
    found = entry(api)
    assert (found["name"], found["recurrence"]) == (NAME, "daily 06:00")
    assert (found["last_due_at"], found["paused_at"]) == (None, None)


def test_it_is_paused_and_resumed_once_each_and_recorded(api: Api) -> None:
    before = len(recorded())
    assert [act(api, "pause").status_code for _ in range(2)] == [200, 409]
    found = entry(api)
    assert found["paused_by"].startswith("test (")
    assert found["pause_reason"] == "manutenção"
    resumed = act(api, "resume")
    assert (resumed.status_code, act(api, "resume").status_code) == (200, 409)
    found = entry(api)
    assert found["paused_at"] is None
    assert found["next_due_at"] == resumed.json()["next_due_at"]
    assert sorted(recorded()[: len(recorded()) - before]) == ["schedule.paused", "schedule.resumed"]


def test_it_is_asked_for_beside_its_hour_and_stays_as_it_is(api: Api) -> None:
    before = entry(api)
    asked = act(api, "run-now")
    assert asked.status_code == 202, asked.text
    (item,) = toys.rows("SELECT payload, batch_id::text AS batch FROM ops.work_items")
    assert (item["payload"]["job_name"], item["batch"]) == (NAME, asked.json()["id"])
    assert entry(api)["next_due_at"] == before["next_due_at"]


@pytest.mark.parametrize("what", ["pause", "resume", "run-now"])
def test_what_is_not_listed_or_not_allowed_changes_nothing(api: Api, what: str) -> None:
    before = entry(api)
    assert act(api, what, name="no_such_thing").status_code == 404
    for role in ("viewer", "auditor", "client"):
        assert act(api, what, role).status_code == 403
    assert entry(api) == before
    assert toys.rows("SELECT FROM ops.work_items") == []
