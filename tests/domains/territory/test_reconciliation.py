"""The municipalities as a reconciliation service over HTTP, asked as OpenRefine asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from jsonschema import validate
from tests.domains.territory.ground import Ground
from tests.kernel.match import reconciliation_schemas as schemas
from tests.serve.api.server import Api, running

from atalaia.kernel.match.reconciliation import MOST_QUERIES

AT = "/reconcile/municipalities"


@pytest.fixture(scope="module")
def api(
    database_of_module: str, redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """A running API whose database knows every municipality."""
    Ground()
    with running(tmp_path_factory.mktemp("api"), REDIS_URL=redis) as found:
        yield found


def _posted(api: Api, **form: str) -> httpx.Response:
    return api.client.post(AT, data=form)


def test_openrefine_finds_the_service(api: Api) -> None:
    told = api.get(AT)
    assert told.status_code == 200
    manifest = told.json()
    validate(manifest, schemas.MANIFEST)
    assert manifest["preview"]["url"].startswith(f"{api.url}{AT}/preview")
    view = manifest["view"]["url"].replace("{{id}}", "3550308")
    assert view == f"{api.url}/v1/territory/3550308/profile"


def test_openrefine_reconciles_a_batch(api: Api) -> None:
    """The bytes OpenRefine sends: a form with a JSON object of queries."""
    batch = {
        "q0": {
            "query": "S. José dos Campos",
            "type": "municipality",
            "type_strict": "should",
            "limit": 3,
            "properties": [{"pid": "uf", "v": "SP"}],
        },
        "q1": {"query": "Bom Jesus", "type_strict": "should"},
        "q2": {"query": "Osasco", "properties": [{"pid": "uf", "v": "São Paulo"}]},
    }
    told = _posted(api, queries=json.dumps(batch))
    assert told.status_code == 200
    assert told.headers["content-type"] == "application/json"
    results = told.json()
    validate(results, schemas.RESULTS)
    assert list(results) == ["q0", "q1", "q2"]
    first = results["q0"]["result"][0]
    assert (first["id"], first["match"], first["name"]) == ("3549904", True, "São José dos Campos")
    assert {"id": "same_uf", "value": True} in first["features"]
    assert not any(one["match"] for one in results["q1"]["result"])  # five states have one
    assert len({one["id"] for one in results["q1"]["result"]}) == 5
    assert results["q2"]["result"][0]["id"] == "3534401"


def test_queries_may_come_in_the_address_and_one_alone(api: Api) -> None:
    batch = {"queries": json.dumps({"q0": {"query": "Xapuri"}})}
    told = api.client.get(AT, params=batch).json()
    assert told["q0"]["result"][0]["match"] is True
    assert api.client.get(AT, params={"query": "Xapuri"}).json()["result"][0]["id"] == "1200708"
    assert _posted(api, query='{"query": "Xapuri"}').json()["result"][0]["id"] == "1200708"


def test_openrefine_adds_columns(api: Api) -> None:
    proposed = api.client.get(f"{AT}/properties", params={"type": "municipality", "limit": 10})
    validate(proposed.json(), schemas.PROPOSED)
    ids = [{"id": one["id"]} for one in proposed.json()["properties"]]
    told = _posted(api, extend=json.dumps({"ids": ["3550308", "nope"], "properties": ids}))
    validate(told.json(), schemas.EXTENDED)
    values = told.json()["rows"]["3550308"]
    assert values["uf"] == [{"str": "SP"}]
    assert values["ibge"] == [{"str": "3550308"}]
    assert told.json()["rows"]["nope"]["uf"] == []


def test_openrefine_suggests_and_previews_in_the_browser(api: Api) -> None:
    for what, prefix in (("entity", "são jo"), ("type", "muni"), ("property", "uf")):
        told = api.client.get(f"{AT}/suggest/{what}", params={"prefix": prefix})
        validate(told.json(), schemas.SUGGESTED)
        assert told.json()["result"], what
        assert told.headers["access-control-allow-origin"] == "*"  # its page asks, from its origin
    shown = api.client.get(f"{AT}/preview", params={"id": "3550308"})
    assert shown.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert "x-frame-options" not in shown.headers  # it is made to stand in a frame
    assert "São Paulo" in shown.text


@pytest.mark.parametrize(
    ("form", "word"),
    [
        ({"queries": "no json"}, "JSON"),
        ({"queries": "[]"}, "objeto"),
        ({"queries": '{"q0": {"query": 5}}'}, "query"),
        ({"extend": "{}"}, "ids"),
        ({"other": "x"}, "queries"),
        ({}, "queries"),
        (
            {"queries": json.dumps({f"q{n}": {"query": "x"} for n in range(MOST_QUERIES + 1)})},
            "200",
        ),
    ],
)
def test_what_is_not_understood_is_told_with_400(api: Api, form: dict[str, str], word: str) -> None:
    told = api.client.post(AT, data=form)
    assert told.status_code == 400
    assert told.headers["content-type"] == "application/problem+json"
    assert word in told.json()["detail"]


def test_what_is_not_there_is_404(api: Api) -> None:
    assert api.get("/reconcile/nobody").status_code == 404
    assert api.client.post("/reconcile/nobody", data={"queries": "{}"}).status_code == 404
    assert api.get(f"{AT}/preview?id=0").status_code == 404
    assert api.get(f"{AT}/suggest/river").status_code == 422


def test_one_address_has_a_limit(
    database_of_module: str, redis: str, tmp_path: Path, api: Api
) -> None:
    with running(tmp_path, REDIS_URL="", RATE_LIMIT_PER_MINUTE="6", RATE_LIMIT_BURST="3") as slow:
        told = [slow.get(AT) for _ in range(6)]
    assert [one.status_code for one in told].count(200) in (3, 4)
    refused = told[-1]
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
