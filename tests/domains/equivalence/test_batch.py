"""A batch: accepted whole or not at all, done once per item, alone or in groups, whatever dies."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from tests.domains.equivalence.conftest import asked, furnish
from tests.domains.equivalence.test_evaluate import PATH, rows
from tests.serve.api.server import Api, new_key

from atalaia.domains.equivalence import batch
from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.keep.verify import verify
from atalaia.kernel.work import batches
from atalaia.kernel.work.drain import drain

BATCH = "/v1/equivalences/batch"


def lines(requests: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in requests)


def accepted(requests: list[dict[str, Any]], tenant: str = "uf") -> str:
    """A batch accepted as the API does, without it."""
    with batch.read(io.BytesIO(lines(requests))) as read, transaction() as connection:
        made = batches.request_lines(
            connection, batch.KIND, read.lines(), actor="test", trigger="api", tenant_id=tenant
        )
    return str(made.batch_id)


def answers(batch_id: str) -> list[dict[str, Any]]:
    return rows(
        """SELECT status::text AS status, result, error FROM ops.work_items WHERE batch_id = %s
           ORDER BY position""",
        batch_id,
    )


@pytest.mark.row("E-002", "E-009")
@pytest.mark.parametrize("encode", [lines, lambda found: json.dumps(found).encode()])
def test_a_batch_is_accepted_and_done_by_a_worker_and_not_by_the_request(
    api: Api, client: dict[str, str], encode: Callable[[list[dict[str, Any]]], bytes]
) -> None:
    mark = "lines" if encode is lines else "array"
    requests = [asked(f"{mark}-{n}", destino__carga_horaria=60 + n) for n in range(130)]
    sent = api.client.post(BATCH, headers=client, content=encode(requests))
    assert (sent.status_code, sent.json()["total"]) == (202, 130)
    job = sent.json()["status_url"]
    assert sent.headers["location"] == job
    before = api.client.get(job, headers=client).json()
    assert (before["status"], before["queued"]) == ("queued", 130), "the request did none of it"
    assert rows("SELECT FROM equivalence.jobs WHERE job_id = %s", sent.json()["id"])
    drain(batch.WORK)
    after = api.client.get(job, headers=client).json()
    assert (after["status"], after["done"]) == ("done", 130)
    found = api.client.get(f"{job}/results?page_size=500", headers=client).json()["items"]
    assert [one["result"]["request_id"] for one in found] == [r["request_id"] for r in requests]
    assert found[0]["result"]["decisao"] == "DEFERIDO"
    assert found[129]["result"]["decisao"] == "INDEFERIDO", "189 hours ask for more than 60"
    stranger = {"X-API-Key": new_key("client", "other")}
    assert api.client.get(job, headers=stranger).status_code == 404
    listed = api.client.get("/v1/equivalences/batches", headers=client).json()["items"]
    assert sent.json()["id"] in [one["id"] for one in listed]


@pytest.mark.row("E-006")
def test_each_item_is_recorded_once_and_is_the_answer_evaluate_gives(
    api: Api, client: dict[str, str]
) -> None:
    alone = api.client.post(PATH, headers=client, json=asked("b-1")).json()
    made = accepted([asked(f"b-{n}") for n in range(60)])
    drain(batch.WORK)
    found = answers(made)
    assert {one["status"] for one in found} == {"done"}
    assert found[1]["result"] == alone, "what was answered before is the answer"
    differs = {"evaluation_id", "timings_ms", "request_id"}
    same = [{k: v for k, v in one["result"].items() if k not in differs} for one in found]
    assert all(one == same[0] for one in same)
    recorded = rows(
        """SELECT count(*) AS n, count(DISTINCT subject) AS once FROM ops.audit_log
           WHERE stream = 'equivalence' AND action = 'evaluation.decided'
             AND details ->> 'batch_id' = %s""",
        made,
    )
    assert recorded == [{"n": 59, "once": 59}]
    assert all(finding.status != "fail" for finding in verify(stream="equivalence"))
    again = accepted([asked(f"b-{n}") for n in range(60)])
    drain(batch.WORK)
    assert [one["result"] for one in answers(again)] == [one["result"] for one in found]


def test_an_item_that_cannot_be_done_is_put_aside_and_costs_the_others_nothing(
    api: Api, client: dict[str, str]
) -> None:
    accepted([asked("taken")])
    drain(batch.WORK)
    requests = [asked(f"c-{n}") for n in range(10)]
    requests[3] = asked("taken", destino__carga_horaria=61)
    requests[7] = asked("c-7", policy="nobody")
    made = accepted(requests)
    drain(batch.WORK)
    found = answers(made)
    assert [one["status"] for one in found] == [
        "dead" if n in (3, 7) else "done" for n in range(10)
    ]
    admin = {"X-API-Key": new_key("admin", "uf")}
    letters_ = api.client.get("/admin/dead-letters", headers=admin).json()["items"]
    ids = [one["dead_letter_id"] for one in letters_ if one["batch_id"] == made]
    assert len(ids) == 2
    body = {"ids": ids, "reason": "a política foi acrescentada"}
    other = {"X-API-Key": new_key("admin", "other")}
    assert (
        api.client.post("/admin/dead-letters/requeue", headers=other, json=body).status_code == 404
    )
    requeued = api.client.post("/admin/dead-letters/requeue", headers=admin, json=body)
    assert (requeued.status_code, requeued.json()["count"]) == (202, 2)


def test_a_batch_with_anything_wrong_is_refused_whole(api: Api, client: dict[str, str]) -> None:
    def count() -> int:
        return len(rows("SELECT FROM ops.batches"))

    before = count()
    wrong = [asked("d-1"), asked("d-2", origem__cpf="123.456.789-09"), asked("d-1")]
    answer = api.client.post(BATCH, headers=client, content=lines(wrong))
    assert answer.status_code == 422
    told = {one["field"]: one["reason"] for one in answer.json()["errors"]}
    assert told["2.request_id"] == "está repetido no mesmo pedido"
    assert any(field.startswith("1.origem") for field in told)
    assert "123.456" not in answer.text
    for body in (b"", b"[]", b"[1", b"\n\n", b"{"):
        assert api.client.post(BATCH, headers=client, content=body).status_code in (400, 422)
    assert count() == before


def test_the_same_key_is_the_same_batch(api: Api, client: dict[str, str]) -> None:
    headers = client | {"Idempotency-Key": "lote-2026-1"}
    requests = [asked(f"e-{n}") for n in range(5)]
    first = api.client.post(BATCH, headers=headers, content=lines(requests)).json()
    again = api.client.post(BATCH, headers=headers, content=json.dumps(requests)).json()
    assert again["id"] == first["id"], "lines and array say the same"
    other = api.client.post(BATCH, headers=headers, content=lines(requests[:4]))
    assert other.status_code == 409


def test_more_items_than_a_batch_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "MOST_ITEMS", 3)
    with (
        pytest.raises(UsageError, match="no máximo 3"),
        batch.read(io.BytesIO(lines([asked(f"f-{n}") for n in range(4)]))),
    ):
        pass


@pytest.mark.row("E-009")
def test_results_are_streamed_as_json_lines(api: Api, client: dict[str, str]) -> None:
    made = accepted([asked(f"g-{n}") for n in range(120)])
    drain(batch.WORK)
    headers = client | {"Accept": "application/x-ndjson"}
    answer = api.client.get(f"/v1/jobs/{made}/results", headers=headers)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    found = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["position"] for one in found] == list(range(120))
    assert all(one["result"]["decisao"] == "DEFERIDO" for one in found)
    other = {"X-API-Key": new_key("client", "other"), "Accept": "application/x-ndjson"}
    assert api.client.get(f"/v1/jobs/{made}/results", headers=other).status_code == 404


@pytest.mark.row("E-004", "E-022")
@pytest.mark.usefixtures("database")
def test_work_that_redis_forgot_is_still_done(redis: str) -> None:
    furnish()
    made = accepted([asked(f"h-{n}") for n in range(100)])
    with Redis.from_url(redis) as client:
        client.flushall()
    drain(batch.WORK)
    assert [one["status"] for one in answers(made)] == ["done"] * 100
    assert len(rows("SELECT FROM equivalence.equivalence_results")) == 100
    assert rows("SELECT FROM ops.dead_letters") == []
