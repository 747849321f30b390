"""What is no good key, on every operation that asks for one; guessed ids; what refusals tell."""

from __future__ import annotations

import base64
import json
from random import Random
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.serve.api.matrix import MINE, THEIRS, World, keyed, table, visitors, without_trace
from tests.serve.api.server import Api, new_key
from tests.serve.api.test_problems import INSIDES

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.keep import keys

NIGHT = pytest.mark.night("access")
Headers = list[tuple[str, str]]


@pytest.fixture(scope="module")
def world(api: Api) -> World:
    return World()


def token(algorithm: str, role: str = "admin") -> str:
    """A JSON web token, as other products have them, with that algorithm."""

    def part(value: dict[str, str]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part({'sub': '1', 'role': role})}."


def expired() -> str:
    key = new_key("admin")
    with transaction() as connection:
        connection.execute(
            """UPDATE api_keys SET created_at = created_at - interval '2 days',
                   expires_at = clock_timestamp() - interval '1 second' WHERE prefix = %s""",
            (key[:16],),
        )
    return key


def faults() -> dict[str, Headers]:
    """Thirty ways of not having a key."""
    good, other = new_key("admin"), new_key("admin")
    revoked, old = new_key("admin", revoked=True), expired()
    with connect(autocommit=True) as connection:
        (kept,) = connection.execute(
            "SELECT encode(key_hmac, 'hex') AS hmac FROM api_keys WHERE prefix = %s", (good[:16],)
        ).fetchall()
    bearer = {
        "empty": "Bearer", "blank": "Bearer  ", "basic": "Basic YTpi", "bare": good,
        "revoked": f"Bearer {revoked}", "expired": f"Bearer {old}", "cut": f"Bearer {good[:-1]}",
        "longer": f"Bearer {good}x", "spaced": f"Bearer {good[:20]} {good[20:]}",
        "upper": f"Bearer {good.upper()}", "prefix": f"Bearer {good[:16]}",
        "alg none": f"Bearer {token('none')}", "alg HS256": f"Bearer {token('HS256')}eA",
        "another product's": f"Bearer sk-{'x9' * 20}",
        "hash": f"Bearer {kept['hmac']}", "digest": f'Digest username="{good}"',
        "twice in one": f"Bearer {good}, Bearer {good}", "mixed": f"Bearer {good[:17]}{other[17:]}",
    }  # fmt: skip
    header = {
        "x none": "", "x null": "null", "x sql": "' OR '1'='1", "x wild": "%", "x star": "*",
        "x revoked": revoked, "x expired": old, "x quoted": f'"{good}"',
        "x bearer": f"Bearer {good}",
        "x 1 MB": "k" * 1_000_000,
    }  # fmt: skip
    return {
        "none": [],
        **{name: [("Authorization", value)] for name, value in bearer.items()},
        **{name: [("X-API-Key", value)] for name, value in header.items()},
        "two keys": [("X-API-Key", good), ("X-API-Key", other)],
        "a key and another": [("X-API-Key", good), ("Authorization", f"Bearer {other}")],
        "a good and a bad": [("X-API-Key", good), ("X-API-Key", revoked)],
        "in a cookie": [("Cookie", f"atalaia_session={good}")],
        "elsewhere": [("X-Auth-Token", good), ("Api-Key", good), ("Cookie", f"key={good}")],
    }


def ask(api: Api, method: str, path: str, headers: Headers) -> int:
    """The status; 431 when the server hangs up instead of reading on."""
    try:
        return api.client.request(method, path, headers=headers).status_code
    except httpx.TransportError:
        return 431


@pytest.mark.row("R-055")
@pytest.mark.timeout(300)
def test_what_is_no_good_key_opens_nothing(api: Api, world: World) -> None:
    wrong: list[str] = []
    tried = faults()
    assert len(tried) >= 30
    for operation in keyed():
        for name, headers in tried.items():
            _, path = next(iter(world.targets(operation, "default")))
            status = ask(api, operation.method, path, headers)
            if status not in (400, 401, 403, 431):
                wrong.append(f"{operation.name} · {name}: {status}")
    assert wrong == []
    assert api.get("/v1/session", X_API_Key=new_key("viewer")).status_code == 200


@pytest.mark.row("R-055")
def test_a_key_in_an_address_or_a_body_is_no_key(api: Api, world: World) -> None:
    good = new_key("admin")
    for operation in keyed():
        _, path = next(iter(world.targets(operation, "default")))
        for name in ("key", "api_key", "token", "access_token", "x-api-key", "authorization"):
            answer = api.client.request(operation.method, path, params={name: good})
            assert answer.status_code == 401, operation.name
            assert good[17:] not in answer.text
    body = {"name": "x", "role": "admin", "reason": "r", "api_key": good}
    assert api.client.post("/v1/access/keys", json=body).status_code == 401
    assert good[17:] not in api.raw_log()


@pytest.mark.row("R-053")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("guesses", [200, pytest.param(10_000, marks=NIGHT)])
def test_guessed_ids_of_other_tenants_are_like_what_never_was(
    api: Api, world: World, guesses: int
) -> None:
    """Batches and keys, by ids that are (another tenant's), nearly are, and never were."""
    chance, admin = Random(53), new_key("admin", MINE)  # noqa: S311
    with connect(autocommit=True) as connection:
        foreign = connection.execute(
            """SELECT batch_id::text AS id FROM ops.batches WHERE tenant_id <> %(mine)s
               UNION ALL SELECT key_id::text FROM api_keys WHERE tenant_id <> %(mine)s""",
            {"mine": MINE},
        ).fetchall()
    real = [one["id"] for one in foreign]
    headers = {"X-API-Key": admin}
    answers: dict[str, set[str]] = {"batch": set(), "key": set()}
    for _ in range(guesses):
        guess = chance.choice(real) if chance.random() < 0.3 else None
        if guess is None and chance.random() < 0.5:
            guess = str(UUID(int=chance.getrandbits(128), version=4))
        guess = guess or str(chance.randrange(10**9, 10**12))
        if "-" in guess:
            kind, answer = "batch", api.client.get(f"/v1/jobs/{guess}", headers=headers)
        else:
            path, reason = f"/v1/access/keys/{guess}", {"reason": "guess"}
            kind, answer = "key", api.client.delete(path, headers=headers, params=reason)
        assert answer.status_code == 404, guess
        answers[kind].add(json.dumps(without_trace(answer)))
    assert {kind: len(said) for kind, said in answers.items()} == {"batch": 1, "key": 1}
    with connect(autocommit=True) as connection:
        assert not connection.execute(
            "SELECT FROM ops.audit_log WHERE reason = 'guess'"
        ).fetchall(), "nothing was revoked"
        theirs = connection.execute(
            "SELECT FROM api_keys WHERE tenant_id = %s AND revoked_at IS NOT NULL", (THEIRS,)
        ).fetchall()
    assert theirs == []


def judged(answer: httpx.Response, name: str) -> None:
    """What every answer has and what none may tell."""
    headers: Any = answer.headers
    assert headers["x-content-type-options"] == "nosniff", name
    assert len(headers["x-trace-id"]) == 32, name
    assert not {"server", "x-powered-by", "via"} & set(headers), name
    assert not [one for one in headers if one.startswith("access-control-")], name
    if answer.status_code >= 400:
        assert headers["content-type"] == "application/problem+json", (name, answer.text)
        assert headers["cache-control"] == "no-store", name
        assert not INSIDES.search(answer.text), (name, answer.text)
        assert answer.json()["trace_id"] == headers["x-trace-id"], name
        assert keys.STREAM not in answer.json()["title"]
        for program in ("uvicorn", "fastapi", "starlette", "pydantic", "python", "postgres"):
            assert program not in answer.text.lower(), (name, program)


@pytest.mark.row("R-060")
@pytest.mark.timeout(300)
def test_headers_and_refusals_of_every_operation(api: Api, world: World) -> None:
    """By nobody, somebody wrong and an admin; on nothing and nonsense; with a method that is none;
    and asked by another origin's page."""
    chosen = [v for v in visitors() if v.role in (None, "admin") and v.kind != "session"]
    evil = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    assert len(chosen) == 4
    for operation in table():
        for visitor in chosen:
            for kind, path in world.targets(operation, visitor.tenant):
                headers = {**visitor.headers, **evil}
                answer = api.client.request(operation.method, path, headers=headers)
                judged(answer, f"{operation.name} {kind}")
        _, path = list(world.targets(operation, "default"))[-1]
        for method in ("PATCH", "OPTIONS", "TRACE"):
            answer = api.client.request(method, path, headers=evil)
            judged(answer, f"{method} {path}")
            assert answer.status_code in (401, 404, 405), f"{method} {path}"
