"""Every operation by everybody on everything: the committed table is what happens, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.serve.api.matrix import (
    HOUSE,
    PEOPLE,
    Operation,
    Visitor,
    World,
    body_of,
    described,
    filled,
    keyed,
    new_session,
    table,
    visitors,
    without_trace,
)
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import connect
from atalaia.kernel.keep.doors import ACCESS_MARK

NIGHT = pytest.mark.night("access")
FIELDS = ("role", "tenant_id", "status", "id", "created_at", "key_id", "is_admin", "__proto__")


@pytest.fixture(scope="module")
def world(api: Api) -> World:
    rules = [told.get(ACCESS_MARK, {}) for told in described(api).values()]
    return World({rule["quota"] for rule in rules if rule.get("quota")})


def test_the_table_has_every_operation_and_no_other(api: Api) -> None:
    assert {operation.name for operation in table()} == set(described(api))
    assert len(keyed()) >= 10


def cells(world: World, step: int) -> Iterator[tuple[Operation, Visitor, list[tuple[str, str]]]]:
    """What is tried: each operation by every `step`th visitor, from one further on each time."""
    for at, visitor in enumerate(visitors()):
        for turn, operation in enumerate(table()):
            if (at + turn) % step == 0:
                yield operation, visitor, list(world.targets(operation, visitor.tenant))


def wrong(operation: Operation, visitor: Visitor, answers: dict[str, httpx.Response]) -> list[str]:
    """What of the answers is not as the table says."""
    said = operation.cell(visitor.role, visitor.tenant)
    found = []
    for kind, answer in answers.items():
        status = answer.status_code
        if said in ("401", "403"):
            good = status == int(said)
        elif kind == "own" and operation.method == "GET":
            good = status == 200
        elif kind in ("other", "missing"):
            good = status == 404
        else:
            good = status not in (401, 403) and status < 500
        if not good:
            found.append(f"{operation.name} · {visitor.kind} {visitor.role} of {visitor.tenant} · "
                         f"{kind}: {status}, not {said}")  # fmt: skip
    if "other" in answers and said == "own" and visitor.tenant != "theirs":
        one, other = (without_trace(answers[kind]) for kind in ("other", "missing"))
        if one != other:
            found.append(f"{operation.name}: another tenant's is told from what never was")
    return found


@pytest.mark.row("R-052")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("step", [4, pytest.param(1, marks=NIGHT)])
def test_every_cell_is_as_the_table_says(
    api: Api, world: World, step: int, record_property: Any
) -> None:
    tried, bad, least = 0, [], len(table()) * (len(list(visitors())) // step)
    document = api.get("/openapi.json").json()
    for operation, visitor, targets in cells(world, step):
        answers = {}
        for kind, path in targets:
            if (operation.method, operation.path) == ("DELETE", "/v1/session"):
                kind = "-"
            if kind == "own" and operation.name == "DELETE /files/uploads/{upload_id}":
                continue  # it asks for no reason: one's own would be gone for the next visitor
            # What is one's own is not changed: the next visitor wants to find it as it was.
            rest = filled(document, operation) if kind in ("other", "missing") else {}
            assert rest is not None, f"say in GIVEN what {operation.name} needs"
            answers[kind] = api.client.request(
                operation.method, path, headers=fresh(operation, visitor), **rest
            )
            tried += 1
        bad += wrong(operation, visitor, answers)
    record_property("cells", tried)
    assert bad == []
    assert tried > least, "each operation by each visitor, and more where there is an id"


def fresh(operation: Operation, visitor: Visitor) -> dict[str, str]:
    """The visitor's headers; who is about to sign out gets a session to lose."""
    if visitor.kind == "session" and operation.name == "DELETE /v1/session":
        assert visitor.role
        return new_session(visitor.role, visitor.tenant)
    return visitor.headers


@pytest.mark.row("R-052")
def test_a_session_changes_nothing_without_its_form_token(api: Api, world: World) -> None:
    for role in PEOPLE:
        headers = new_session(role)
        del headers["X-Atalaia-Form"]
        for operation in keyed():
            kind, path = next(iter(world.targets(operation, HOUSE)))
            status = api.client.request(operation.method, path, headers=headers).status_code
            if operation.method not in ("GET", "OPTIONS"):
                assert status == 403, operation.name
            elif operation.cell(role, HOUSE) != "403":
                good = (404,) if kind == "missing" else (200, 204)
                assert status in good, operation.name


@pytest.mark.row("R-054")
def test_a_field_no_write_names_is_refused_by_every_write(api: Api, world: World) -> None:
    """Each field alone beside a body of the right names, and the answer names that field."""
    document = api.get("/openapi.json").json()
    admin = {"X-API-Key": new_key("admin")}
    writes, operations = 0, described(api)
    for operation in table():
        told = operations[operation.name]
        body = body_of(document, told)
        if body is None:
            assert operation.method in ("GET", "DELETE") or "requestBody" not in told, (
                f"{operation.name}: what it takes has no model"
            )
            continue
        writes += 1
        assert body.get("additionalProperties") is False, f"{operation.name} takes what it is given"
        _, path = next(iter(world.targets(operation, HOUSE)))
        for field in FIELDS:
            if field in body["properties"]:
                continue
            answer = api.client.request(
                operation.method, path, headers=admin, json={field: "admin"}
            )
            assert answer.status_code == 422, operation.name
            # Of an item of an array the field stands behind its place.
            refused = {e["field"].removeprefix("0."): e["reason"] for e in answer.json()["errors"]}
            assert refused.get(field) == "este campo não existe aqui", (operation.name, refused)
    assert writes >= 2


@pytest.mark.row("R-054")
@pytest.mark.parametrize("field", [f for f in FIELDS if f != "role"])
def test_a_good_write_with_one_field_more_makes_nothing(api: Api, field: str) -> None:
    admin = {"X-API-Key": new_key("admin", "mine")}
    good = {"name": "x", "role": "viewer", "reason": "r"}

    def count() -> Any:
        with connect(autocommit=True) as connection:
            return connection.execute("SELECT count(*) AS n FROM api_keys").fetchone()

    before = count()
    sent = api.client.post("/v1/access/keys", headers=admin, json={**good, field: "theirs"})
    assert (sent.status_code, count()) == (422, before)
    assert api.client.post("/v1/access/keys", headers=admin, json=good).status_code == 201
