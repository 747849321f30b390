"""Keys over HTTP: an admin makes, lists and revokes those of the own tenant; nobody else does."""

from __future__ import annotations

from typing import Any

import pytest
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import connect

KEYS = "/v1/access/keys"
WANTED = {"name": "painel", "role": "viewer", "reason": "painel da prefeitura"}


def post(api: Api, key: str, body: Any) -> tuple[int, dict[str, Any]]:
    answer = api.client.post(KEYS, headers={"X-API-Key": key}, json=body)
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()


def listed(api: Api, key: str) -> dict[int, dict[str, Any]]:
    answer = api.get(KEYS, X_API_Key=key)
    assert answer.status_code == 200, answer.text
    return {one["key_id"]: one for one in answer.json()["items"]}


def last_record() -> dict[str, Any]:
    with connect(autocommit=True) as connection:
        found = connection.execute(
            """SELECT action, actor, trigger, subject, reason, tenant_id FROM ops.audit_log
               WHERE stream = 'access' ORDER BY seq DESC LIMIT 1"""
        ).fetchone()
    assert found
    return found


@pytest.mark.row("E-043")
def test_a_key_is_shown_once_opens_its_doors_and_none_after_it_is_revoked(api: Api) -> None:
    admin = new_key("admin")
    status, made = post(api, admin, WANTED)
    assert status == 201
    assert api.get("/v1/ops/summary", X_API_Key=made["key"]).status_code == 200
    assert api.get(KEYS, X_API_Key=made["key"]).status_code == 403
    told = listed(api, admin)[made["key_id"]]
    assert (told["name"], told["role"], told["status"]) == ("painel", "viewer", "active")
    assert made["key"][17:] not in api.get(KEYS, X_API_Key=admin).text
    assert last_record() == {
        "action": "key.created", "actor": f"test ({admin[:16]})", "trigger": "api",
        "subject": made["prefix"], "reason": "painel da prefeitura", "tenant_id": "default",
    }  # fmt: skip
    gone = api.client.delete(
        f"{KEYS}/{made['key_id']}", headers={"X-API-Key": admin}, params={"reason": "acabou"}
    )
    assert (gone.status_code, gone.json()["status"]) == (200, "revoked")
    assert api.get("/v1/ops/summary", X_API_Key=made["key"]).status_code == 401
    assert listed(api, admin)[made["key_id"]]["status"] == "revoked"
    assert (last_record()["action"], last_record()["reason"]) == ("key.revoked", "acabou")


def test_each_tenants_admin_has_its_own_keys_and_no_other(api: Api) -> None:
    mine, theirs = new_key("admin", "mine"), new_key("admin", "theirs")
    status, made = post(api, theirs, {**WANTED, "role": "client"})
    assert (status, made["tenant_id"]) == (201, "theirs")
    assert made["key_id"] in listed(api, theirs)
    assert made["key_id"] not in listed(api, mine)
    assert made["key_id"] not in listed(api, new_key("admin"))
    assert {one["tenant_id"] for one in listed(api, mine).values()} == {"mine"}

    def delete(key_id: int) -> tuple[int, str]:
        answer = api.client.delete(
            f"{KEYS}/{key_id}", headers={"X-API-Key": mine}, params={"reason": "x"}
        )
        return answer.status_code, answer.json()["detail"]

    assert delete(made["key_id"]) == delete(2**40)
    assert delete(made["key_id"])[0] == 404
    assert api.get("/v1/session", X_API_Key=made["key"]).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"reason": None}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}, {"name": ""},
        {"name": "a\nb"}, {"name": " "}, {"role": "root"}, {"role": None}, {"expires_days": 0},
        {"expires_days": 10**9}, {"expires_days": "soon"}, {"name": ["a"]},
    ],
)  # fmt: skip
def test_what_is_no_key_to_be_made(api: Api, change: dict[str, Any]) -> None:
    admin = new_key("admin")
    before = listed(api, admin)
    body = {name: value for name, value in {**WANTED, **change}.items() if value is not None}
    assert post(api, admin, body)[0] in (400, 422)
    assert listed(api, admin).keys() == before.keys()


@pytest.mark.parametrize("reason", [{}, {"reason": ""}, {"reason": " "}])
def test_revoking_has_a_reason(api: Api, reason: dict[str, str]) -> None:
    admin, key = new_key("admin"), new_key("viewer")
    (key_id,) = [k for k, one in listed(api, admin).items() if one["prefix"] == key[:16]]
    answer = api.client.delete(f"{KEYS}/{key_id}", headers={"X-API-Key": admin}, params=reason)
    assert answer.status_code == 422
    assert api.get("/v1/ops/summary", X_API_Key=key).status_code == 200
