"""Signing in from a browser: one link, one cookie, and what pages of other sites cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import transaction
from atalaia.kernel.keep import sessions
from atalaia.kernel.keep.keys import Role, Who

SESSION, KEYS = "/v1/session", "/v1/access/keys"
WANTED = {"name": "k", "role": "viewer", "reason": "r"}


def new_link(role: Role = "admin", tenant: str = "default") -> str:
    with transaction() as connection:
        connection.execute(
            "INSERT INTO tenants (tenant_id, name) VALUES (%s, 'T') ON CONFLICT DO NOTHING",
            (tenant,),
        )
        return sessions.create_link(
            connection, name="ana", role=role, tenant_id=tenant, who=Who("t", "python", "t")
        )


@pytest.fixture
def browser(api: Api) -> Iterator[httpx.Client]:
    """Keeps cookies, as a browser does."""
    with httpx.Client(base_url=api.url, timeout=30) as client:
        yield client


def enter(browser: httpx.Client, role: Role = "admin", tenant: str = "default") -> dict[str, Any]:
    answer = browser.post(SESSION, json={"link": new_link(role, tenant)})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_link_signs_a_browser_in_once(browser: httpx.Client, api: Api) -> None:
    link = new_link("operator")
    answer = browser.post(SESSION, json={"link": link})
    assert answer.status_code == 201
    assert (answer.json()["name"], answer.json()["role"]) == ("ana", "operator")
    (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
    assert cookie["httponly"]
    assert (cookie["samesite"].lower(), cookie["path"]) == ("strict", "/v1")
    assert cookie.value not in answer.text
    assert browser.get("/v1/ops/summary").status_code == 200
    assert browser.get(KEYS).status_code == 403
    me = browser.get(SESSION).json()
    assert me == answer.json()
    again = api.client.post(SESSION, json={"link": link})
    assert again.status_code == 401
    assert again.json()["type"] == "/problems/link-not-valid"
    assert "Bearer" not in again.json()["detail"], "who clicked an address knows nothing of headers"
    assert "set-cookie" not in again.headers
    for line in (link, cookie.value):
        assert line not in api.raw_log()


def test_signing_out_ends_it_for_every_copy_of_the_cookie(browser: httpx.Client) -> None:
    form = {"X-Atalaia-Form": enter(browser)["form_token"]}
    copied = dict(browser.cookies)
    done = browser.delete(SESSION, headers=form)
    assert done.status_code == 204
    assert not dict(browser.cookies)
    browser.cookies.update(copied)
    assert browser.get(SESSION).status_code == 401
    assert browser.get("/v1/ops/summary").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Atalaia-Form": ""},
        {"X-Atalaia-Form": "0" * 64},
        {"X-Atalaia-Form": "{other}"},
        {"X-Atalaia-Form": "{own}", "Sec-Fetch-Site": "cross-site"},
        {"X-Atalaia-Form": "{own}", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_what_another_sites_page_sends_changes_nothing(
    browser: httpx.Client, headers: dict[str, str]
) -> None:
    other = enter(browser)["form_token"]
    browser.cookies.clear()
    own = enter(browser)["form_token"]
    sent = {name: value.format(own=own, other=other) for name, value in headers.items()}
    assert browser.post(KEYS, json=WANTED, headers=sent).status_code == 403
    assert browser.delete(SESSION, headers=sent).status_code == 403
    assert browser.get(SESSION).status_code == 200
    good = {"X-Atalaia-Form": own, "Sec-Fetch-Site": "same-origin"}
    assert browser.post(KEYS, json=WANTED, headers=good).status_code == 201


def test_another_site_cannot_sign_a_browser_in(browser: httpx.Client) -> None:
    link = new_link()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        assert browser.post(SESSION, json={"link": link}, headers=headers).status_code == 403
    form = browser.post(SESSION, data={"link": link})
    assert form.status_code == 422
    assert not dict(browser.cookies)
    assert browser.post(SESSION, json={"link": link}).status_code == 201


def test_a_key_says_who_it_is_and_has_no_session_to_end(api: Api) -> None:
    key = new_key("client", "uf")
    assert api.get(SESSION, X_API_Key=key).json() == {
        "kind": "key", "name": "test", "role": "client", "tenant_id": "uf", "prefix": key[:16],
    }  # fmt: skip
    assert api.client.delete(SESSION, headers={"X-API-Key": key}).status_code == 404
    assert api.get(SESSION).status_code == 401


def test_a_key_that_is_none_is_not_made_up_for_by_a_cookie(browser: httpx.Client) -> None:
    enter(browser)
    assert browser.get(SESSION, headers={"X-API-Key": "wrong"}).status_code == 401
    assert browser.get(SESSION, headers={"Authorization": "Basic eDp5"}).status_code == 401
    key = new_key("viewer")
    assert browser.get(SESSION, headers={"X-API-Key": key}).json()["kind"] == "key"


def test_a_session_of_another_tenant_sees_its_own_and_not_the_house(browser: httpx.Client) -> None:
    assert enter(browser, "admin", "uf")["tenant_id"] == "uf"
    assert browser.get("/v1/ops/summary").status_code == 403
    assert {one["tenant_id"] for one in browser.get(KEYS).json()["items"]} <= {"uf"}
