"""Every error is a problem: stable type, words, an id to quote, and nothing of our insides."""

from __future__ import annotations

import re
from urllib.parse import quote

import httpx
import pytest
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import CATALOGUE, AtalaiaError, DatabaseUnavailable, NotFound
from atalaia.serve.api import problems

INSIDES = re.compile(
    r"Traceback|File \"|\.py\b|psycopg|SELECT |FROM |uvicorn/|/work|/root|/home|Error:", re.I
)
MAP = "/v1/geo/choropleth"


def told(answer: httpx.Response, status: int, slug: str) -> dict[str, str]:
    """The problem an answer is; checks what every problem has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, str] = answer.json()
    assert set(body) >= {"type", "title", "status", "detail", "instance", "trace_id"}
    assert body["type"] == f"/problems/{slug}"
    assert body["status"] == status
    assert body["trace_id"] == answer.headers["x-trace-id"]
    assert len(body["detail"]) > 20
    assert not INSIDES.search(answer.text), answer.text
    return body


def test_an_address_that_is_not(api: Api) -> None:
    body = told(api.get("/v1/nada"), 404, "not-found")
    assert body["instance"] == "/v1/nada"


@pytest.mark.parametrize("path", ["/v1/health", "/v1/indicators", "/v1/ops/summary", "/livez"])
def test_a_method_that_is_not(api: Api, path: str) -> None:
    answer = api.client.request("DELETE", path)
    told(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("", "indicator", "obrigatório"),
        ("?indicator=deaths_total&period=20x5", "period", "formato"),
        ("?indicator=deaths_total&period=2019-13", "period", "formato"),
        ("?indicator=deaths_total&period=2019&level=planet", "level", "um destes"),
        ("?indicator=deaths_total&period=2019&perido=1", "query", "indicator, level, period"),
    ],
)
def test_parameters_in_words(api: Api, query: str, field: str, words: str) -> None:
    body = told(api.get(MAP + query), 422, "invalid-parameter")
    reasons = {error["field"]: error["reason"] for error in body["errors"]}  # type: ignore[index]
    assert words in reasons[field]
    assert field in body["detail"]


@pytest.mark.parametrize("page", ["0", "-1", "1e3", "9999999999999", "abc", "", "1;DROP"])
def test_pages_that_are_not(api: Api, page: str) -> None:
    told(api.get(f"/v1/territories?page={quote(page)}"), 422, "invalid-parameter")
    told(api.get(f"/v1/territories?page_size={quote(page)}"), 422, "invalid-parameter")


def test_an_unknown_indicator_names_the_known_ones(api: Api) -> None:
    body = told(api.get(f"{MAP}?indicator=nope&period=2019"), 404, "not-found")
    assert "deaths_total" in body["detail"]


INJECTIONS = [
    "'; DROP TABLE silver.dim_territory; --",
    "' OR '1'='1",
    '"><script>alert(1)</script>',
    "%_%",
    "\\",
    "../../etc/passwd",
    "{{7*7}}",
    "\u202e\u0000",
    "é" * 79,
    "😀",
    "\ud7ff",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_strings_that_want_more_get_an_answer_or_a_problem(api: Api, text: str) -> None:
    with connect(autocommit=True) as connection:
        before = connection.execute("SELECT count(*) AS n FROM silver.dim_territory").fetchone()
    for path in (
        f"/v1/territories?q={quote(text)}",
        f"/v1/territories?uf={quote(text)}",
        f"{MAP}?indicator={quote(text)}&period=2019",
        f"{MAP}?indicator=deaths_total&period={quote(text)}",
        f"/v1/territory/{quote(text, safe='')}/profile",
        f"/v1/geo/shapes/municipality?v={quote(text)}",
        f"/v1/explain/indicator/{quote(text, safe='')}/deaths_total/2019",
        f"/v1/{quote(text)}",
    ):
        answer = api.get(path)
        assert answer.status_code in (200, 404, 422), f"{path}: {answer.text}"
        assert "<script>" not in answer.text
        assert not INSIDES.search(answer.text), answer.text
    with connect(autocommit=True) as connection:
        after = connection.execute("SELECT count(*) AS n FROM silver.dim_territory").fetchone()
    assert before == after


def test_what_a_person_typed_is_not_in_the_log(api: Api) -> None:
    canary = "123.456.789-09"
    for path in (
        f"/v1/territories?q={canary}",
        f"/v1/{canary}",
        f"/v1/territory/{canary}/profile",
        f"/mapa/{canary}",
        f"/problems/{canary}",
    ):
        api.get(path, User_Agent=canary, X_API_Key=canary)
    api.line_of(api.get("/livez").headers["x-trace-id"])
    assert canary not in api.raw_log()


def test_a_database_without_tables_is_not_ready_and_says_so(api: Api) -> None:
    with connect(autocommit=True) as connection:
        connection.execute("ALTER TABLE silver.dim_territory RENAME TO dim_elsewhere")
        try:
            body = told(api.get("/v1/territories?uf=AC"), 503, "not-ready")
        finally:
            connection.execute("ALTER TABLE silver.dim_elsewhere RENAME TO dim_territory")
    assert "alembic upgrade heads" in body["detail"]
    assert api.get("/v1/territories?uf=AC").status_code == 200


def test_an_error_is_logged_by_class_under_its_trace_id(api: Api) -> None:
    with connect(autocommit=True) as connection:
        connection.execute("ALTER TABLE silver.dim_territory RENAME TO dim_elsewhere")
        try:
            trace = api.get("/v1/territories?uf=AL&q=segredo").json()["trace_id"]
        finally:
            connection.execute("ALTER TABLE silver.dim_elsewhere RENAME TO dim_territory")
    api.line_of(trace)
    told_of = [x for x in api.lines() if x["message"].startswith(f"ERROR trace_id={trace} ")]
    assert any("UndefinedTable" in str(line.get("error")) for line in told_of)
    assert "segredo" not in api.raw_log()


def test_a_problem_type_can_be_looked_up(api: Api) -> None:
    for slug, (status, title) in problems.catalogue().items():
        found = api.get(f"/problems/{slug}")
        assert found.json() == {"type": f"/problems/{slug}", "status": status, "title": title}
    told(api.get("/problems/none-such"), 404, "not-found")


def test_every_error_of_the_tree_becomes_a_problem_with_words() -> None:
    for kind, meaning in CATALOGUE.items():
        problem = problems.of_error(kind("Mensagem em português, escrita para quem pediu."))
        assert (problem.status, problem.slug) == (meaning.status, meaning.slug)
        assert problem.detail
        assert problem.title


def test_messages_for_operators_do_not_reach_the_caller() -> None:
    inside = "connection to server at 10.0.0.7 failed: /var/run/x"
    for error in (DatabaseUnavailable(inside), AtalaiaError(inside), ValueError(inside)):
        assert "10.0.0.7" not in problems.of_any(error).detail
    assert problems.of_any(NotFound("Não há.", todo="Veja lá.")).detail == "Não há. Veja lá."


def test_a_problem_carries_its_run_when_there_is_one() -> None:
    error = NotFound("Não há.")
    error.run_id = "6f1c1c7e-0000-4000-8000-000000000000"  # type: ignore[attr-defined]
    assert b'"run_id": "6f1c1c7e' in bytes(problems.of_any(error).response("/").body)


@pytest.mark.row("R-082")
def test_a_text_that_none_can_be_is_the_callers_mistake(api: Api) -> None:
    """NUL has no place in a text of PostgreSQL: wherever it comes from, that is said."""
    key = {"X-API-Key": new_key("admin")}
    answer = api.client.get("/v1/ops/dead-letters?source=a%00b", headers=key)
    assert "NUL" in told(answer, 422, "invalid-parameter")["detail"]


def test_a_key_that_is_not_ours_is_never_repeated(api: Api) -> None:
    key = new_key("viewer")[:-1] + "x"
    answer = api.get("/v1/ops/summary", Authorization=f"Bearer {key}")
    told(answer, 401, "not-authenticated")
    assert key not in answer.text
