"""What the API says of itself, to probes and to people."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.serve.api.server import Api, eventually, knows_the_data, new_key, running

from atalaia.kernel.base.database import connect

OPEN = {
    "/v1/health",
    "/livez",
    "/readyz",
    "/health",
    "/metrics",
    "/problems/{slug}",
    "/v1/session",
    "/reconcile/{service}",
    "/reconcile/{service}/preview",
    "/reconcile/{service}/properties",
    "/reconcile/{service}/suggest/{what}",
}  # what needs no key and is not a public read: how it stands, what a problem is, signing in


@pytest.mark.row("T-077")
def test_health_is_exactly_this(api: Api) -> None:
    answer = api.get("/v1/health")
    assert answer.status_code == 200
    assert answer.json() == {"api": "ok", "db": "ok"}
    assert answer.text == '{"api":"ok","db":"ok"}'
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/v1/health", "/livez", "/openapi.json", "/v1/map/layers"])
def test_head_is_get_without_the_body(api: Api, path: str) -> None:
    whole, head = api.get(path), api.client.head(path)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_livez_asks_nobody(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("alone")
    with running(folder, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none", REDIS_URL="") as api:
        assert api.get("/livez").json() == {"status": "ok"}
        assert api.get("/readyz").status_code == 503


def test_readyz_tells_every_part(api: Api) -> None:
    answer = api.get("/readyz")
    parts = {part["name"]: part for part in answer.json()["parts"]}
    names = ("database", "migrations", "backup", "redis", "keys", "domains", "data_version")
    assert set(parts) == set(names)
    never_backed_up = dict.fromkeys(parts, "ok") | {"backup": "warn"}
    assert {name: part["status"] for name, part in parts.items()} == never_backed_up
    assert (answer.status_code, answer.json()["ready"]) == (200, True)


def test_readyz_names_what_is_not_migrated(api: Api) -> None:
    with connect(autocommit=True) as connection:
        applied = connection.execute("DELETE FROM alembic_version RETURNING *").fetchall()
        try:
            answer = api.get("/readyz")
        finally:
            for found in applied:
                connection.execute(
                    "INSERT INTO alembic_version VALUES (%s)", (found["version_num"],)
                )
    parts = {part["name"]: part for part in answer.json()["parts"]}
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert parts["migrations"]["status"] == "fail"
    for found in applied:
        assert found["version_num"] in parts["migrations"]["reason"]
    assert api.get("/readyz").status_code == 200


def test_a_domain_that_does_not_load_is_named_and_the_others_are_served(
    database_of_module: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("broken")
    about = folder / "moon-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: moon\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text(
        "[atalaia.domains]\nmoon = nowhere.at.all:DOMAIN\n", encoding="utf-8"
    )
    with running(folder, PYTHONPATH=str(folder)) as api:
        answer = api.get("/readyz")
        (part,) = [part for part in answer.json()["parts"] if part["name"] == "domains"]
        assert part["status"] == "warn"
        assert "moon (ModuleNotFoundError)" in part["reason"]
        assert "nowhere.at.all" not in answer.text
        assert answer.json()["ready"] is True
        assert api.get("/health").json()["services"]["domains"] == "warn"
        assert api.get("/v1/indicators").status_code == 200


def test_without_redis_it_is_ready_and_says_what_waits(
    database_of_module: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("no-redis")
    with running(folder, REDIS_URL="redis://127.0.0.1:1/0") as api:
        answer = api.get("/readyz")
        parts = {part["name"]: part for part in answer.json()["parts"]}
        assert (answer.status_code, parts["redis"]["status"]) == (200, "warn")
        assert parts["redis"]["reason"]
        whole = api.get("/health").json()
        assert (whole["status"], whole["redis"], whole["db"]) == ("degraded", "down", "ok")
        assert whole["services"]["worker"] == "unknown"


def test_health_of_everything(api: Api) -> None:
    with connect(autocommit=True) as connection:
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
                   trigger, trace_id, run_status, finished_at_utc)
               VALUES (gen_random_uuid(), 'ibge_admin', 'territory', '2024', 'test', 'python', '-',
                       'success', clock_timestamp())"""
        )
    answer = api.get("/health")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"status", "api", "db", "redis", "pipelines", "services"}
    assert (body["status"], body["api"], body["db"], body["redis"]) == ("ok", "ok", "ok", "ok")
    assert body["pipelines"]["ibge_admin"]["status"] == "success"
    assert body["services"]["worker"] == "down", "no worker runs here, and it is not made up"


def metrics(api: Api) -> dict[str, float]:
    """Every sample of a scrape, by name and labels."""
    answer = api.get("/metrics")
    assert answer.status_code == 200
    return {
        sample.name + repr(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_metrics_count_what_was_answered_kept_answers_too(api: Api) -> None:
    name = "atalaia_http_requests_total"
    hit = f"{name}{[('cache', 'hit'), ('route', '/v1/map/layers'), ('status', '200')]}"
    lost = f"{name}{[('cache', 'none'), ('route', '(unknown)'), ('status', '404')]}"
    eventually(lambda: knows_the_data(api), 10, "the data version")
    before = metrics(api)
    for n in range(3):
        assert api.get("/v1/map/layers").status_code == 200
        assert api.get(f"/v1/typed-{n}").status_code == 404
    after = metrics(api)
    assert after[hit] - before.get(hit, 0) >= 2
    assert after[lost] - before.get(lost, 0) == 3
    assert after["atalaia_database_up[]"] == 1
    assert after["atalaia_data_version[]"] >= 1
    assert after["atalaia_cache_entries[]"] >= 1


def test_metrics_have_house_names_and_few_labels(api: Api) -> None:
    for n in range(30):
        api.get(f"/v1/territories?q=nome{n}")
        api.get(f"/v1/nothing/{n}")
    families = list(text_string_to_metric_families(api.get("/metrics").text))
    for family in families:
        assert family.name.startswith(("atalaia_", "process_")), family.name
        if family.type == "counter" and family.name.startswith("atalaia_"):
            assert all(re.search("_(total|created)$", s.name) for s in family.samples)
        assert len(family.samples) < 400
    text = api.get("/metrics").text
    assert "nome3" not in text
    assert "/v1/nothing" not in text


def test_metrics_with_the_database_away(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("away")
    with running(folder, DATABASE_URL="postgresql://nobody@127.0.0.1:1/none") as api:
        found = metrics(api)
        assert found["atalaia_database_up[]"] == 0


def test_openapi_lists_every_route_with_its_answer(api: Api) -> None:
    document = api.get("/openapi.json").json()
    assert document["openapi"].startswith("3.")
    paths = document["paths"]
    for path in ("/v1/health", "/v1/geo/choropleth", "/v1/territory/{territory_id}/profile"):
        assert path in paths
    operations = [
        (path, method, told) for path, methods in paths.items() for method, told in methods.items()
    ]
    for path, _, told in operations:
        if told.get("x-atalaia-public"):
            (answer,) = told["responses"]["200"]["content"].values()
            assert answer["schema"].get("$ref"), f"{path} does not say what it answers"
    open_to_all = {path for path, _, told in operations if not told.get("security")}
    public = {path for path, _, told in operations if told.get("x-atalaia-public")}
    assert open_to_all - public == OPEN, "each is open on purpose"


def test_a_traced_request_can_be_found_in_the_log(api: Api) -> None:
    trace = api.get("/v1/health").headers["x-trace-id"]
    line = api.line_of(trace)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/v1/health", 200)
    assert {"ts", "level", "service", "message", "seconds", "bytes"} <= set(line)


def test_the_last_lines_are_written_when_it_stops(
    database_of_module: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running(tmp_path_factory.mktemp("stops")) as api:
        traces = [api.get("/livez").headers["x-trace-id"] for _ in range(20)]
        api.stop()
        assert set(traces) <= {line.get("trace_id") for line in api.lines()}


def test_without_a_pepper_it_is_ready_and_accepts_no_key(
    database: str, redis: str, tmp_path: Path
) -> None:
    key = new_key("viewer")
    with running(tmp_path, REDIS_URL=redis, KEY_PEPPER="") as api:
        answer = api.get("/readyz")
        (part,) = [part for part in answer.json()["parts"] if part["name"] == "keys"]
        assert (answer.status_code, part["status"]) == (200, "warn")
        assert "KEY_PEPPER" in part["reason"]
        refused = api.get("/v1/session", X_API_Key=key)
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
        assert api.get("/v1/indicators").status_code == 200
