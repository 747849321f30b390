"""`/v1/jobs/{id}`: how accepted work stands, to those whose work it is and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.keep.keys import Role
from atalaia.kernel.work.drain import Handler, drain
from atalaia.kernel.work.items import Item, accept


@pytest.fixture(autouse=True)
def _no_other_work(database_of_module: str) -> Iterator[None]:
    yield
    with transaction() as connection:
        connection.execute("TRUNCATE ops.batches, ops.dead_letters CASCADE")


def ask(count: int, tenant: str = "default") -> UUID:
    with transaction() as connection:
        connection.execute(
            "INSERT INTO tenants (tenant_id, name) VALUES (%s, 'T') ON CONFLICT DO NOTHING",
            (tenant,),
        )
        payloads = [{"n": n} for n in range(count)]
        return accept(
            connection, "toy", payloads, tenant_id=tenant, actor="a", trigger="api", max_attempts=1
        ).batch_id


def job(api: Api, batch: UUID, key: str) -> dict[str, Any]:
    answer = api.get(f"/v1/jobs/{batch}", X_API_Key=key)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


def act(item: Item, _connection: Connection) -> None:
    if item.payload["n"] == 1:
        raise ContractBroken("Não tem o formato combinado.")


def test_a_batch_is_followed_to_its_end(api: Api) -> None:
    batch, key = ask(3), new_key("viewer")
    waiting = job(api, batch, key)
    assert (waiting["id"], waiting["status"], waiting["queued"]) == (str(batch), "queued", 3)
    assert waiting["finished_at"] is None
    steps: list[str] = []

    def look(step: str) -> None:
        if step == "after effect":
            steps.append(job(api, batch, key)["status"])

    drain({"toy": Handler(act)}, fault=look)
    ended = job(api, batch, key)
    assert steps == ["running", "running"]
    assert (ended["status"], ended["done"], ended["dead"]) == ("failed", 2, 1)
    assert ended["finished_at"] >= ended["created_at"]
    assert ended["errors"] == [{"position": 1, "error": "Não tem o formato combinado."}]


def test_work_that_went_well_is_done(api: Api) -> None:
    batch, key = ask(1), new_key("viewer")
    drain({"toy": Handler(act)})
    assert job(api, batch, key)["status"] == "done"


@pytest.mark.parametrize("role", ["viewer", "auditor", "operator", "admin", "client"])
def test_each_tenant_sees_its_own(api: Api, role: Role) -> None:
    mine, theirs = ask(1, "mine"), ask(1, "theirs")
    key = new_key(role, "mine")
    assert job(api, mine, key)["total"] == 1
    foreign = api.get(f"/v1/jobs/{theirs}", X_API_Key=key)
    missing = api.get(f"/v1/jobs/{uuid4()}", X_API_Key=key)
    assert (foreign.status_code, missing.status_code) == (404, 404)
    same = ("type", "title", "status", "detail")
    assert [foreign.json()[k] for k in same] == [missing.json()[k] for k in same]


def test_without_a_key_and_with_no_identifier(api: Api) -> None:
    batch = ask(1)
    assert api.get(f"/v1/jobs/{batch}").status_code == 401
    assert api.get("/v1/jobs/1", X_API_Key=new_key("viewer")).status_code == 422
