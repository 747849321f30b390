"""Keys and roles: who gets in where, and that public answers are the same for all."""

from __future__ import annotations

import hashlib
from uuid import uuid4

import pytest
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.keep import keys

ROUTES = [
    "/v1/ops/pipeline-runs",
    "/v1/ops/pipeline-checks",
    "/v1/ops/connector-registry",
    "/v1/ops/summary",
    "/v1/ops/readiness",
]


@pytest.mark.row("T-092")
@pytest.mark.parametrize("path", ROUTES)
def test_the_ledger_wants_a_key_and_is_never_cached(api: Api, path: str) -> None:
    refused = api.get(path)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == "Bearer"
    for role in ("viewer", "auditor", "operator", "admin"):
        key = new_key(role)
        for headers in ({"Authorization": f"Bearer {key}"}, {"X_API_Key": key}):
            answer = api.get(path, **headers)
            assert answer.status_code == 200, answer.text
            assert answer.headers["cache-control"] == "no-store"
            assert "etag" not in answer.headers
    assert api.get(path, X_API_Key=new_key("client")).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "")],
        [("Authorization", "Bearer")],
        [("Authorization", "Basic {key}")],
        [("Authorization", "{key}")],
        [("Authorization", "Bearer {key}x")],
        [("Authorization", "Bearer " + "k" * 100_000)],
        [("X-API-Key", "")],
        [("X-API-Key", "None")],
        [("X-API-Key", "{hash}")],
        [("X-API-Key", "' OR '1'='1")],
        [("X-API-Key", "{key}"), ("X-API-Key", "{other}")],
        [("X-API-Key", "{key}"), ("Authorization", "Bearer {other}")],
        [("X-API-Key", "{revoked}")],
    ],
)
def test_what_is_no_key_of_ours(api: Api, headers: list[tuple[str, str]]) -> None:
    key = new_key("admin")
    values = {
        "key": key,
        "other": new_key("viewer"),
        "revoked": new_key("admin", revoked=True),
        "hash": hashlib.sha256(key.encode()).hexdigest(),
    }
    sent = [(name, value.format(**values)) for name, value in headers]
    answer = api.client.get("/v1/ops/summary", headers=sent)
    assert answer.status_code in (400, 401, 431), answer.text


def test_a_key_in_the_address_is_no_key(api: Api) -> None:
    assert api.get(f"/v1/ops/summary?api_key={new_key('admin')}").status_code == 401


def test_the_same_key_in_both_headers_is_one_key(api: Api) -> None:
    key = new_key("viewer")
    answer = api.get("/v1/ops/summary", X_API_Key=key, Authorization=f"bearer {key}")
    assert answer.status_code == 200


def test_a_revoked_key_is_refused_at_once(api: Api) -> None:
    key = new_key("viewer")
    assert api.get("/v1/ops/summary", X_API_Key=key).status_code == 200
    with transaction() as connection:
        keys.revoke(connection, key[:16], who=keys.Who("test", "python", "test"))
    assert api.get("/v1/ops/summary", X_API_Key=key).status_code == 401


@pytest.mark.row("T-093")
def test_two_tenants_get_the_same_public_bytes(api: Api) -> None:
    one, other = new_key("client", "tenant-a"), new_key("client", "tenant-b")
    for path in ("/v1/map/layers", "/v1/indicators", "/v1/kpis/overview"):
        found = [
            api.get(path),
            api.get(path, X_API_Key=one),
            api.get(path, Authorization=f"Bearer {other}"),
            api.get(path, X_API_Key="not a key"),
        ]
        assert {answer.status_code for answer in found} == {200}
        assert len({answer.content for answer in found}) == 1
        assert len({answer.headers["etag"] for answer in found}) == 1
        assert "tenant" not in found[0].text


def run(job: str, status: str, *, read: int = 0, loaded: int = 0) -> str:
    """A run in the ledger."""
    run_id = str(uuid4())
    with connect(autocommit=True) as connection:
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
                   trigger, trace_id)
               VALUES (%s, %s, 'territory', '2024', 'test', 'python', '-')""",
            (run_id, job),
        )
        connection.execute(
            """UPDATE ops.pipeline_runs SET run_status = %s::ops.run_status, rows_read = %s,
                   rows_loaded = %s, finished_at_utc = clock_timestamp() WHERE run_id = %s""",
            (status, read, loaded, run_id),
        )
    return run_id


def test_the_ledger_over_http(api: Api) -> None:
    key = new_key("viewer")
    good, bad = run("ibge_admin", "success", read=5, loaded=5), run("ibge_admin", "failed")
    listed = api.get("/v1/ops/pipeline-runs?job_name=ibge_admin", X_API_Key=key).json()
    assert [item["run_id"] for item in listed["items"]] == [bad, good], "newest first"
    assert (listed["count"], listed["total"], listed["page"]) == (2, 2, 1)
    one = api.get("/v1/ops/pipeline-runs?job_name=ibge_admin&page=2&page_size=1", X_API_Key=key)
    assert [item["run_id"] for item in one.json()["items"]] == [good]
    only = api.get("/v1/ops/pipeline-runs?run_status=failed", X_API_Key=key).json()
    assert {item["run_status"] for item in only["items"]} == {"failed"}
    whole = api.get(f"/v1/ops/pipeline-runs/{good}", X_API_Key=key).json()
    assert (whole["rows_read"], whole["rows_loaded"]) == (5, 5)
    assert [check["check_name"] for check in whole["checks"]] == ["run_outcome"]
    failed = api.get("/v1/ops/pipeline-checks?status=fail", X_API_Key=key).json()
    assert bad in {item["run_id"] for item in failed["items"]}
    assert good not in {item["run_id"] for item in failed["items"]}
    summary = api.get("/v1/ops/summary", X_API_Key=key).json()
    assert summary["runs"] == {"success": 1, "failed": 1}
    assert summary["success_pct"] == 50
    assert api.get(f"/v1/ops/pipeline-runs/{uuid4()}", X_API_Key=key).status_code == 404
    assert api.get("/v1/ops/pipeline-runs/nonsense", X_API_Key=key).status_code == 422


def test_a_planned_connector_says_so_and_a_failed_source_too(api: Api) -> None:
    key = new_key("viewer")
    with connect(autocommit=True) as connection:
        for name, status in (("siops", "planned"), ("snis", "implemented"), ("ana", "partial")):
            connection.execute(
                """INSERT INTO ops.connector_registry (connector, job_name, domain, wave, source,
                       status) VALUES (%s, %s, 'territory', 'MVP-4', 'x', %s)""",
                (name, name, status),
            )
        run_id = run("snis", "blocked")
        connection.execute(
            "UPDATE ops.pipeline_runs SET verdict = 'source_failed' WHERE run_id = %s", (run_id,)
        )
    items = api.get("/v1/ops/connector-registry", X_API_Key=key).json()["items"]
    found = {item["connector"]: item for item in items}
    assert "planejado" in found["siops"]["reason"]
    assert (found["snis"]["last_verdict"], found["snis"]["reason"]) == (
        "source_failed",
        "a fonte falhou",
    )
    assert found["ana"]["reason"] == "nunca executado"


def test_readiness_over_http_is_that_of_the_kernel(api: Api) -> None:
    found = api.get("/v1/ops/readiness", X_API_Key=new_key("viewer")).json()
    assert found["status"] in ("ready", "ready_with_warnings", "not_ready")
    assert {"hard_failures", "warnings", "versions"} <= set(found)
