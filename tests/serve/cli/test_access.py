"""keys, tenants, sign-in, sessions: a key is printed once, and every change has its record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.serve.cli.conftest import Run

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.keep import keys as kept_keys
from atalaia.kernel.keep import sessions as kept_sessions

pytestmark = pytest.mark.usefixtures("database")


def actions() -> list[tuple[str, str]]:
    with connect(autocommit=True) as connection:
        found = connection.execute(
            "SELECT action, reason FROM ops.audit_log WHERE stream = 'access' ORDER BY seq"
        ).fetchall()
    return [(one["action"], one["reason"]) for one in found]


def good(secret: str) -> bool:
    with connect(autocommit=True) as connection:
        return kept_keys.find(connection, secret) is not None


def make(here: Run, *more: str) -> dict[str, Any]:
    said = here("keys", "create", "painel", "--role", "viewer", "--reason", "a", *more)
    assert said.code == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_a_key_from_its_making_to_its_end(here: Run) -> None:
    made = make(here)
    assert good(made["key"])
    assert "não pode ser mostrada de novo" in here("keys", "create", "x", "--role", "client",
                                                   "--reason", "a").err  # fmt: skip
    listed = here("keys", "list", "--format", "json")
    assert made["key"][17:] not in listed.out
    assert made["prefix"] in listed.out
    turned = json.loads(here("keys", "rotate", made["prefix"], "--reason", "b").out)
    assert (good(made["key"]), good(turned["key"])) == (False, True)
    assert here("keys", "revoke", str(turned["key_id"]), "--reason", "c").code == 0
    assert not good(turned["key"])
    assert actions() == [
        ("key.created", "a"), ("key.created", "a"), ("key.rotated", "b"), ("key.revoked", "c"),
    ]  # fmt: skip
    again = here("keys", "revoke", str(turned["key_id"]), "--reason", "c")
    assert (again.code, "Nada foi mudado" in again.err) == (64, True)


def test_a_tenant_and_its_keys(here: Run) -> None:
    assert here("keys", "create", "x", "--role", "client", "--tenant", "uf", "--reason", "a").code
    assert here("tenants", "create", "uf", "--name", "Univ. Federal", "--reason", "b").code == 0
    made = make(here, "--tenant", "uf", "--expires-days", "30")
    assert made["tenant_id"] == "uf"
    only = json.loads(here("keys", "list", "--tenant", "uf", "--format", "json").out)
    assert [one["prefix"] for one in only] == [made["prefix"]]
    tenants = json.loads(here("tenants", "list", "--format", "json").out)
    assert {one["tenant_id"]: one["keys"] for one in tenants} == {"default": 0, "uf": 1}
    assert here("tenants", "create", "uf", "--name", "Outra", "--reason", "b").code == 64


@pytest.mark.parametrize(
    "arguments",
    [
        ["keys", "create", "x", "--role", "viewer"],
        ["keys", "create", "x", "--role", "viewer", "--reason", " "],
        ["keys", "create", "x", "--role", "root", "--reason", "a"],
        ["keys", "create", "x", "--role", "viewer", "--tenant", "nobody", "--reason", "a"],
        ["keys", "revoke", "atl_none"],
        ["keys", "revoke", "atl_none", "--reason", "a"],
        ["keys", "rotate", "1", "--reason", "a"],
        ["tenants", "create", "A B", "--name", "x", "--reason", "a"],
        ["sign-in", "--role", "client"],
        ["sign-in", "--tenant", "nobody"],
        ["sign-in", "--minutes", "0"],
        ["sessions", "end", "--reason", "a"],
        ["sessions", "end", "1", "--all", "--reason", "a"],
        ["sessions", "end", "1", "--reason", "a"],
    ],
)
def test_what_cannot_be_done_changes_nothing(here: Run, arguments: list[str]) -> None:
    said = here(*arguments)
    assert (said.code, said.out) == (64, ""), said.err
    assert actions() == []


def test_the_address_signs_in_and_the_session_can_be_ended(
    here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATALAIA_ACTOR", "ana")
    said = here("sign-in", "--role", "auditor")
    address, _, secret = said.out.strip().partition("#")
    assert address.endswith("/entrar")
    assert secret not in said.err
    with transaction() as connection:
        made = kept_sessions.open_session(connection, secret)
    assert (made.session.name, made.session.role) == ("ana", "auditor")
    (row,) = json.loads(here("sessions", "list", "--format", "json").out)
    assert here("sessions", "end", str(row["session_id"]), "--reason", "fim").code == 0
    with connect(autocommit=True) as connection:
        assert kept_sessions.find(connection, made.secret) is None
    assert [action for action, _ in actions()] == [
        "link.created", "session.opened", "session.ended",
    ]  # fmt: skip
    assert here("sessions", "end", "--all", "--reason", "fim").code == 0
