"""`/v1/jobs/{id}`: how accepted work stands, to those whose work it is and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.kernel.work import toys
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


WANTED = {"job_name": "quality_suite", "reference_period": "2024", "reason": "conferir"}


def post(api: Api, path: str, key: str, body: Any, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.client.post(path, json=body, headers={"x-api-key": key, **named})


@pytest.mark.row("R-004")
def test_a_run_is_asked_for_once_however_often_it_is_sent(api: Api) -> None:
    key = new_key("operator")

    def send(_: int) -> httpx.Response:
        return post(api, "/v1/jobs", key, WANTED, Idempotency_Key="pedido-1")

    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(send, range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    (batch,) = toys.rows("SELECT * FROM ops.batches")
    assert answers[0].json() == {"id": str(batch["batch_id"]), "status": "queued"}
    assert (batch["trigger"], batch["reason"]) == ("api", "conferir")
    assert batch["actor"].startswith("test (")
    (item,) = toys.rows("SELECT kind, payload FROM ops.work_items")
    assert item["payload"] == {
        "job_name": "quality_suite", "reference_period": "2024", "force": False,
    }  # fmt: skip
    (record,) = toys.recorded("work")
    assert (record["action"], record["subject"]) == ("work.accepted", str(batch["batch_id"]))
    other = post(api, "/v1/jobs", key, {**WANTED, "force": True}, Idempotency_Key="pedido-1")
    assert other.status_code == 409
    assert toys.states() == {"queued": 1}


@pytest.mark.parametrize(
    ("body", "header", "status"),
    [
        (WANTED, "", 422),
        (WANTED, "short", 422),
        (WANTED, "with a blank", 422),
        ({**WANTED, "tenant_id": "x"}, "pedido-2", 422),
        ({**WANTED, "actor": "x"}, "pedido-2", 422),
        ({**WANTED, "reason": " "}, "pedido-2", 422),
        ({**WANTED, "job_name": "no_such_job"}, "pedido-2", 404),
        ({**WANTED, "reference_period": "2024-13"}, "pedido-2", 422),
    ],
)
def test_a_request_that_is_not_one_is_not_accepted(
    api: Api, body: Any, header: str, status: int
) -> None:
    headers = {"Idempotency_Key": header} if header else {}
    assert post(api, "/v1/jobs", new_key("operator"), body, **headers).status_code == status
    assert toys.rows("SELECT FROM ops.batches") == []


@pytest.mark.parametrize("role", ["viewer", "auditor", "client"])
def test_a_run_is_an_operators_to_ask_for(api: Api, role: str) -> None:
    said = post(api, "/v1/jobs", new_key(role), WANTED, Idempotency_Key="pedido-3")
    assert said.status_code == 403
    assert toys.rows("SELECT FROM ops.batches") == []


def test_results_come_in_pages(api: Api) -> None:
    batch, key = ask(5), new_key("client")
    drain({"toy": Handler(lambda item, c: act(item, c) or {"n": item.payload["n"]})})

    def page(number: int, size: int) -> list[Any]:
        path = f"/v1/jobs/{batch}/results?page={number}&page_size={size}"
        found = api.get(path, X_API_Key=key).json()
        assert (found["total"], found["count"]) == (5, len(found["items"]))
        return [(one["position"], one["status"], one["result"]) for one in found["items"]]

    whole = page(1, 500)
    assert page(1, 2) + page(2, 2) + page(3, 2) == whole
    assert page(4, 2) == []
    assert whole[1] == (1, "dead", None)
    assert whole[4] == (4, "done", {"n": 4})
    foreign = api.get(f"/v1/jobs/{batch}/results", X_API_Key=new_key("viewer", "theirs"))
    assert foreign.status_code == 404


def test_a_client_calls_off_its_own_work_only(api: Api) -> None:
    mine, theirs, key = ask(3, "mine"), ask(3, "theirs"), new_key("client", "mine")
    why = {"reason": "engano"}
    assert post(api, f"/v1/jobs/{theirs}/cancel", key, why).status_code == 404
    assert post(api, f"/v1/jobs/{mine}/cancel", key, {**why, "total": 1}).status_code == 422
    done = post(api, f"/v1/jobs/{mine}/cancel", key, why)
    assert (done.status_code, done.json()) == (200, {"id": str(mine), "cancelled": 3})
    assert post(api, f"/v1/jobs/{mine}/cancel", key, why).status_code == 409
    assert (job(api, mine, key)["status"], toys.states()["queued"]) == ("cancelled", 3)
