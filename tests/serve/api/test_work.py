"""Queue and dead letters over HTTP: own work only, decided once, nothing beside asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from tests.kernel.work import toys
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.work.drain import Handler, drain
from atalaia.kernel.work.items import Item, accept

ABSENT = 10**9


@pytest.fixture(autouse=True)
def _no_other_work(database_of_module: str) -> Iterator[None]:
    yield
    with transaction() as connection:
        connection.execute("TRUNCATE ops.batches, ops.dead_letters, ops.corrections CASCADE")


def ask(payloads: list[Any], tenant: str = "default") -> UUID:
    with transaction() as connection:
        connection.execute(
            "INSERT INTO tenants (tenant_id, name) VALUES (%s, 'T') ON CONFLICT DO NOTHING",
            (tenant,),
        )
        return accept(
            connection, "toy", payloads, tenant_id=tenant, actor="a", trigger="api", max_attempts=1
        ).batch_id


def refuse(item: Item, _connection: Connection) -> None:
    if item.payload["n"] < 0:
        raise ContractBroken("n: menor que 0")


def a_letter(tenant: str = "default") -> int:
    ask([{"n": -1, "m": 0}], tenant)
    drain({"toy": Handler(refuse)})
    (row,) = toys.rows("SELECT max(dead_letter_id) AS id FROM ops.dead_letters")
    number: int = row["id"]
    return number


YEARS = iter(range(1910, 2000))  # of one job and period only one run may be running


def a_row() -> int:
    run = uuid4()
    with transaction() as connection:
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
                   trigger, trace_id) VALUES (%s, 'j', 'd', %s, 'a', 'cli', '-')""",
            (run, f"{next(YEARS)}"),
        )
        row = connection.execute(
            """INSERT INTO ops.dead_letters (domain, entity_type, entity_id, error_type, reason,
                   payload, run_id, reference_period)
               VALUES ('d', 'c', 'f:7', 'permanent', 'a: vazio; c: não é number',
                       '{"a": "", "b": "y", "c": "z"}', %s, '2024') RETURNING dead_letter_id""",
            (run,),
        ).fetchone()
    assert row is not None
    number: int = row["dead_letter_id"]
    return number


def get(api: Api, path: str, key: str) -> Any:
    answer = api.get(path, X_API_Key=key)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def post(api: Api, path: str, key: str, body: Any, **headers: str) -> httpx.Response:
    return api.client.post(path, json=body, headers={"x-api-key": key, **headers})


def test_the_queue_says_what_waits_and_who_works(api: Api) -> None:
    key = new_key("viewer")
    batch, _theirs = ask([{"n": 1}, {"n": 2}]), ask([{"n": 1}], "theirs")
    waiting = get(api, "/v1/ops/queue", key)
    assert (waiting["queued"], waiting["running"]) == (2, 0)
    assert [(k["kind"], k["queued"], k["due"]) for k in waiting["kinds"]] == [("toy", 2, 2)]
    assert [b["id"] for b in waiting["batches"]] == [str(batch)]
    assert waiting["oldest_due_seconds"] >= 0
    seen: list[Any] = []
    drain({"toy": Handler(lambda _i, _c: seen.append(get(api, "/v1/ops/queue", key)), group=9)})
    alive = [worker for worker in seen[0]["workers"] if worker["alive"]]
    assert (seen[0]["running"], [worker["in_hand"] for worker in alive]) == (2, [2])
    ended = get(api, "/v1/ops/queue", key)
    assert (ended["queued"], ended["oldest_due_at"], ended["kinds"]) == (0, None, [])
    assert not any(worker["alive"] for worker in ended["workers"])


def test_a_letter_as_it_came_with_the_cells_at_fault(api: Api) -> None:
    key = new_key("viewer")
    row, item = a_row(), a_letter()
    found = get(api, f"/v1/ops/dead-letters/{row}", key)
    assert found["payload"] == {"a": "", "b": "y", "c": "z"}
    assert (found["fields"], found["what"], found["job_name"]) == (["a", "c"], "row", "j")
    found = get(api, f"/v1/ops/dead-letters/{item}", key)
    assert (found["fields"], found["what"], found["payload"]) == (["n"], "item", {"n": -1, "m": 0})


def test_letters_are_paged_and_filtered(api: Api) -> None:
    key = new_key("viewer")
    numbers = [a_letter(), a_row(), a_row()]

    def listed(query: str) -> list[int]:
        found = get(api, f"/v1/ops/dead-letters?{query}", key)
        return [one["dead_letter_id"] for one in found["items"]]

    assert listed("") == numbers
    assert listed("source=c") == numbers[1:]
    assert listed("source=toy&reference_period=2024") == []
    assert (listed("page_size=2"), listed("page_size=2&page=2")) == (numbers[:2], numbers[2:])
    assert get(api, "/v1/ops/dead-letters?page_size=2", key)["more"]
    assert not get(api, "/v1/ops/dead-letters?page_size=3", key)["more"]
    assert listed("resolved=true") == []
    assert api.get("/v1/ops/dead-letters?page=0", X_API_Key=key).status_code == 422


@pytest.mark.row("R-034")
@pytest.mark.parametrize(
    ("what", "body"), [("replay", {}), ("discard", {}), ("correct", {"payload": {"n": 5, "m": 0}})]
)
def test_decided_once_and_recorded(api: Api, what: str, body: dict[str, Any]) -> None:
    number, key = a_letter(), new_key("operator")
    before = len(toys.recorded("dead_letters"))
    path = f"/v1/ops/dead-letters/{number}/{what}"
    done = post(api, path, key, {"reason": " conferido ", **body})
    assert done.status_code == (200 if what == "discard" else 202), done.text
    again = post(api, path, key, {"reason": "conferido", **body})
    assert again.status_code == 404
    record, *rest = toys.recorded("dead_letters")
    assert len(rest) == before
    assert (record["subject"], record["reason"]) == (str(number), "conferido")
    assert (record["trigger"], record["actor"][:6]) == ("api", "test (")
    if what != "discard":
        drain({"toy": Handler(refuse)})
        job = get(api, f"/v1/jobs/{done.json()['id']}", key)
        assert job["status"] == ("done" if what == "correct" else "failed")


def test_a_rows_cells_are_corrected(api: Api) -> None:
    number, key = a_row(), new_key("operator")
    path = f"/v1/ops/dead-letters/{number}/correct"
    assert post(api, path, key, {"reason": "x", "payload": {"zz": "1"}}).status_code == 400
    assert post(api, path, key, {"reason": "x", "payload": {"a": "\0"}}).status_code == 400
    assert post(api, path, key, {"reason": "x", "payload": {"a": "1"}}).status_code == 202
    (kept,) = toys.rows("SELECT becomes FROM ops.corrections")
    assert kept["becomes"] == {"a": "1"}


@pytest.mark.row("R-054")
@pytest.mark.parametrize("what", ["replay", "discard", "correct"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"reason": " "},
        {"reason": 1},
        {"reason": "\0"},
        *(
            {"reason": "x", extra: "admin"}
            for extra in ("actor", "tenant_id", "status", "resolved_by")
        ),
    ],
)
def test_no_reason_or_a_field_too_many_changes_nothing(
    api: Api, what: str, body: dict[str, Any]
) -> None:
    number, key = a_letter(), new_key("operator")
    more = {"payload": {"n": 1}} if what == "correct" else {}
    said = post(api, f"/v1/ops/dead-letters/{number}/{what}", key, {**body, **more})
    assert said.status_code == 422
    assert toys.rows("SELECT FROM ops.dead_letters WHERE NOT resolved")
    assert toys.states() == {"dead": 1}


@pytest.mark.row("R-053")
def test_another_tenants_letter_is_like_one_that_is_not_there(api: Api) -> None:
    theirs, key = a_letter("theirs"), new_key("operator", "mine")
    row = a_row()
    assert get(api, "/v1/ops/dead-letters", key)["items"] == []
    same = ("type", "title", "status", "detail")

    def told(number: int, what: str) -> list[Any]:
        path = f"/v1/ops/dead-letters/{number}"
        if not what:
            answer = api.get(path, X_API_Key=key).json()
        else:
            answer = post(api, f"{path}/{what}", key, {"reason": "x"}).json()
        return [str(answer[k]).replace(str(number), "N") for k in same]

    for what in ("", "replay", "discard"):
        missing = told(ABSENT, what)
        assert missing[2] == "404"
        assert (told(theirs, what), told(row, what)) == (missing, missing)
    assert len(toys.rows("SELECT FROM ops.dead_letters WHERE NOT resolved")) == 2


def test_who_may(api: Api) -> None:
    number, batch = a_letter(), ask([{"n": 1}])
    for role, looks, decides, cancels in (
        ("viewer", 200, 403, 403),
        ("auditor", 200, 403, 403),
        ("client", 403, 403, 200),
    ):
        key = new_key(role)
        for path in ("queue", "dead-letters", f"dead-letters/{number}"):
            assert api.get(f"/v1/ops/{path}", X_API_Key=key).status_code == looks, (role, path)
        for what in ("replay", "discard"):
            said = post(api, f"/v1/ops/dead-letters/{number}/{what}", key, {"reason": "x"})
            assert said.status_code == decides, (role, what)
        assert post(api, f"/v1/jobs/{batch}/cancel", key, {"reason": "x"}).status_code == cancels
    assert toys.states() == {"dead": 1, "cancelled": 1}


def test_many_are_replayed_alike_and_rows_of_one_file_ask_for_one_run(api: Api) -> None:
    rows, items, key = [a_row(), a_row()], [a_letter(), a_letter()], new_key("operator")
    before = len(toys.recorded("dead_letters"))
    said = post(api, "/v1/ops/dead-letters/replay", key, {"ids": rows + items, "reason": "x"})
    assert said.status_code == 202, said.text
    told = said.json()
    assert (told["decided"], len(set(told["batches"]))) == (4, 3), "one run, two items"
    assert not toys.rows("SELECT FROM ops.dead_letters WHERE NOT resolved")
    assert len(toys.recorded("dead_letters")) == before + 4, "each has its record"
    runs = toys.rows("SELECT payload FROM ops.work_items WHERE kind = 'run'")
    assert [run["payload"] for run in runs] == [{"job_name": "j", "reference_period": "2024"}]
    notes = toys.rows("SELECT notes FROM ops.dead_letters WHERE item_id IS NULL")
    assert len({row["notes"] for row in notes}) == 1, "both name the run that will judge them"


@pytest.mark.row("R-053")
@pytest.mark.parametrize("what", ["replay", "discard"])
def test_many_are_decided_all_or_none(api: Api, what: str) -> None:
    mine, theirs, key = a_letter(), a_letter("theirs"), new_key("operator")
    for other in (theirs, ABSENT):
        said = post(api, f"/v1/ops/dead-letters/{what}", key, {"ids": [mine, other], "reason": "x"})
        assert said.status_code == 404, said.text
    assert len(toys.rows("SELECT FROM ops.dead_letters WHERE NOT resolved")) == 2
    for body in ({"ids": [], "reason": "x"}, {"ids": [mine]}, {"ids": [0], "reason": "x"},
                 {"ids": [mine], "reason": "x", "tenant_id": "theirs"}):  # fmt: skip
        assert post(api, f"/v1/ops/dead-letters/{what}", key, body).status_code == 422
    viewer = new_key("auditor")
    body = {"ids": [mine, mine], "reason": "x"}
    assert post(api, f"/v1/ops/dead-letters/{what}", viewer, body).status_code == 403
    done = post(api, f"/v1/ops/dead-letters/{what}", key, body)
    assert (done.status_code // 100, done.json()["decided"]) == (2, 1)
