"""The territory over HTTP: cache headers per listed path, answers as OpenAPI describes them, and
what is said of numbers that are not there."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from typing import Any

import brotli
import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel
from tests.domains.territory.world import MG, RS, World
from tests.serve.api.server import Api, eventually, running

from atalaia.domains.territory import api as routes

CAPITAL, TWIN, ALONE, NEW = "3100010", "3100020", "4300010", "3100030"
WEAK = re.compile(r'^W/"[0-9a-f]{24}"$')
MAP = "/v1/geo/choropleth?indicator=deaths_total&period=2019"

# One question per public route: as the checklist names them, and every other the domain has.
QUESTIONS = {
    "/v1/indicators": "/v1/indicators",
    "/v1/geo/choropleth": MAP,
    "/v1/geo/shapes/{level}": "/v1/geo/shapes/municipality",
    "/v1/territories": "/v1/territories?q=sao",
    "/v1/territories/index": "/v1/territories/index",
    "/v1/territory/{territory_id}/profile": f"/v1/territory/{CAPITAL}/profile",
    "/v1/territory/{territory_id}/compare": (
        f"/v1/territory/{CAPITAL}/compare?indicator=deaths_total&with={ALONE}"
    ),
    "/v1/territory/{territory_id}/peers": f"/v1/territory/{CAPITAL}/peers?indicator=deaths_total",
    "/v1/kpis/overview": "/v1/kpis/overview",
    "/v1/map/layers": "/v1/map/layers",
    "/v1/map/style-metadata": "/v1/map/style-metadata",
    "/v1/explain/indicator/{territory_id}/{code}/{period}": (
        f"/v1/explain/indicator/{CAPITAL}/deaths_total/2019"
    ),
    "/v1/explain/mesh/{territory_id}/{year}": f"/v1/explain/mesh/{CAPITAL}/2007",
}
ROWS = {
    "/v1/map/layers": "T-084",
    "/v1/map/style-metadata": "T-085",
    "/v1/kpis/overview": "T-086",
    "/v1/geo/choropleth": "T-089",
    "/v1/territory/{territory_id}/profile": "T-091",
}


def listed() -> list[Any]:
    """Every question, marked with the rows of the checklist it decides."""
    rows = ("T-080", "T-081", "T-082")
    return [
        pytest.param(
            question,
            marks=pytest.mark.row(*rows, ROWS[path]) if path in ROWS else pytest.mark.row(*rows),
            id=path,
        )
        for path, question in QUESTIONS.items()
    ]


def fill() -> World:
    """Two states with four places, one without mesh, deaths by year and month, areas."""
    world = World()
    for code, square, name in (
        (1, (-43.0, -18.0, 1.0), "São João"),
        (2, (-42.0, -18.0, 1.0), "Sao Joao do Norte"),
    ):
        world.municipality(code, square=square, name=name)
    world.municipality(3, name="Nova Aurora", valid_from="2013-01-01")
    world.municipality(1, RS, square=(-52.0, -30.0, 1.0), name='Pelotas d\'Água "B"')
    world.municipality(9, RS, square=(-53.0, -31.0, 1.0), kind="water", name="Lagoa")
    for year, value in (("2018", 40), ("2019", 60)):
        world.fact(CAPITAL, "deaths_total", year, value)
        world.fact(TWIN, "deaths_total", year, value / 2)
        world.fact(ALONE, "deaths_total", year, value + 1)
        world.fact(MG, "deaths_total", year, value * 1.5)
        world.fact("BR", "deaths_total", year, value * 2.5 + 1)
    for month in range(1, 13):
        world.fact(CAPITAL, "deaths_total", f"2019-{month:02}", 5)
    world.fact(NEW, "deaths_total", "2019", None)
    world.fact(CAPITAL, "area_km2", "2007", 12345.678)
    world.fact(CAPITAL, "not_in_the_catalogue", "2019", 1)
    world.rows(
        """INSERT INTO gold.indicator_missing
           SELECT territory_id, 'deaths_total', '2020', 'Maio está incompleto.', 'not_published'
           FROM silver.dim_territory"""
    )
    world.refresh()
    return world


@pytest.fixture(scope="module")
def world(database_of_module: str) -> World:
    return fill()


@pytest.fixture(scope="module")
def api(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running(tmp_path_factory.mktemp("api")) as found:
        yield found


def api_routes() -> list[APIRoute]:
    return [route for route in routes.router.routes if isinstance(route, APIRoute)]


def test_every_route_of_the_domain_is_asked_here() -> None:
    assert set(QUESTIONS) == {route.path for route in api_routes()}


@pytest.mark.parametrize("question", listed())
def test_a_covered_path_is_cacheable_tagged_and_revalidated(api: Api, question: str) -> None:
    first, again = api.get(question), api.get(question)
    assert first.status_code == 200, first.text
    for answer in (first, again):
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert WEAK.match(answer.headers["etag"])
        assert "Accept-Encoding" in answer.headers["vary"]
    assert again.content == first.content
    assert again.headers["etag"] == first.headers["etag"]
    not_modified = api.get(question, If_None_Match=first.headers["etag"])
    assert (not_modified.status_code, not_modified.content) == (304, b"")
    assert not_modified.headers["cache-control"] == "public, max-age=300"
    stale = api.get(question, If_None_Match='W/"000000000000000000000000"')
    assert (stale.status_code, stale.content) == (200, first.content)


@pytest.mark.parametrize("path", QUESTIONS)
def test_an_answer_is_what_openapi_says(api: Api, path: str) -> None:
    route = next(route for route in api_routes() if route.path == path)
    model: type[BaseModel] = route.responses[200]["model"]
    model.model_validate_json(api.get(QUESTIONS[path]).content)


@pytest.mark.row("T-092")
@pytest.mark.parametrize(
    "path",
    [
        "/v1/health",
        "/v1/ops/summary",
        "/v1/nothing",
        "/v1/geo/choropleth?indicator=nope&period=2019",
        "/v1/geo/choropleth?indicator=deaths_total&period=2031",
        "/v1/geo/choropleth?indicator=deaths_total",
        "/v1/geo/choropleth?indicator=deaths_total&period=2019&level=planet",
        "/v1/geo/choropleth?indicator=minimum_wage_real&period=2019-01",
        "/v1/geo/shapes/planet",
        "/v1/territory/9999999/profile",
        "/v1/territory/nobody/profile",
        "/v1/map/layers?x=1",
        "/v1/explain/indicator/3100010/deaths_total/1999",
    ],
)
def test_what_is_not_covered_and_what_is_refused_has_no_max_age(api: Api, path: str) -> None:
    for _ in range(2):
        answer = api.get(path)
        assert "max-age" not in answer.headers["cache-control"]
        assert "etag" not in answer.headers
        if path != "/v1/health":
            assert answer.status_code in (401, 404, 422)
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.row("T-083", "T-069")
def test_a_loaded_value_changes_the_tag_without_a_restart(
    database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = fill()
    with running(tmp_path_factory.mktemp("changes")) as api:
        before = api.get(MAP)
        world.rows(
            "UPDATE silver.fact_indicator SET value = 61 "
            "WHERE territory_id = %s AND reference_period = '2019'",
            CAPITAL,
        )
        assert api.get(MAP).headers["etag"] == before.headers["etag"], "gold has not changed yet"
        version = world.refresh()

        def after() -> httpx.Response | None:
            answer = api.get(MAP, If_None_Match=before.headers["etag"])
            return answer if answer.status_code == 200 else None

        answer = eventually(after, 3, "the new value, told by NOTIFY")
        assert answer.headers["etag"] != before.headers["etag"]
        assert answer.json()["data_version"] == version
        values = {item["territory_id"]: item["value"] for item in answer.json()["items"]}
        assert values[CAPITAL] == 61


# --- the map -------------------------------------------------------------------------------------


def values(api: Api, query: str) -> dict[str, Any]:
    found = api.get(f"/v1/geo/choropleth?{query}").json()
    assert found["count"] == len(found["items"])
    return {item["territory_id"]: item["value"] for item in found["items"]}


def test_the_map_has_exactly_the_values_there_are(api: Api) -> None:
    query = "indicator=deaths_total&period=2019"
    assert values(api, query) == {CAPITAL: 60, TWIN: 30, ALONE: 61, NEW: None}
    assert values(api, f"{query}&level=state") == {MG: 90}
    assert values(api, f"{query}&level=country") == {"BR": 151}
    answer = api.get(MAP).json()
    assert list(answer) == [
        *("indicator", "period", "level", "unit", "data_version", "count", "classes", "source"),
        "items",
    ]
    assert (answer["indicator"], answer["period"], answer["level"]) == (
        "deaths_total",
        "2019",
        "municipality",
    )
    assert "cobertura crescente" in answer["source"]["note"]


def test_a_month_has_its_own_series_and_its_own_classes(api: Api) -> None:
    items = {item["code"]: item for item in api.get("/v1/indicators").json()["items"]}
    year, month = items["deaths_total"], items["deaths_total_monthly"]
    assert (year["periods"], year["period_kind"]) == (["2018", "2019"], "year")
    assert (month["periods"][0], month["periods"][-1]) == ("2019-01", "2019-12")
    assert month["period_kind"] == "month"
    assert year["name"] != month["name"]
    for code in ("deaths_total", "deaths_total_monthly"):
        found = api.get(f"/v1/geo/choropleth?indicator={code}&period=2019-07").json()
        assert found["classes"] == month["classes"] != year["classes"]
        assert {i["territory_id"]: i["value"] for i in found["items"]} == {CAPITAL: 5}
    assert (
        api.get("/v1/geo/choropleth?indicator=deaths_total_monthly&period=2019").status_code == 404
    )


def test_classes_are_the_same_for_every_period(api: Api) -> None:
    found = [
        api.get(f"/v1/geo/choropleth?indicator=deaths_total&period={year}").json()["classes"]
        for year in ("2018", "2019")
    ]
    assert found[0] == found[1]
    assert len(found[0]) > 2


def test_an_empty_map_says_why_and_nothing_is_made_up(api: Api) -> None:
    found = api.get("/v1/geo/choropleth?indicator=deaths_total&period=2020").json()
    assert (found["items"], found["count"]) == ([], 0)
    assert found["missing"] == {"reason": "Maio está incompleto.", "verdict": "not_published"}


def test_a_period_nobody_knows_is_refused_with_the_ones_there_are(api: Api) -> None:
    problem = api.get("/v1/geo/choropleth?indicator=deaths_total&period=1950").json()
    assert "2018 a 2019" in problem["detail"]


def test_values_are_rounded_as_they_are_shown_and_exact_where_explained(api: Api) -> None:
    assert values(api, "indicator=area_km2&period=2007") == {CAPITAL: 12345.7}
    explained = api.get(f"/v1/explain/indicator/{CAPITAL}/area_km2/2007").json()
    assert explained["value"] == 12345.678


def test_a_note_travels_with_its_value(database: str, tmp_path_factory: Any) -> None:
    world = fill()
    world.rows(
        """INSERT INTO gold.indicator_derived (territory_id, indicator_code, reference_period,
               source, dataset, value, unit, baseline, coverage, note, method, run_id)
           VALUES ('BR', 'deaths_excess_jan_apr', '2020', 'RC', 'x', -0.78, '%%', 272558.6,
                   0.2185, 'Sem o Rio de Janeiro a mesma conta dá +4,8 %%.',
                   'deaths_excess_jan_apr', %s)""",
        world.newest_run,
    )
    world.refresh()
    with running(tmp_path_factory.mktemp("notes")) as api:
        found = api.get(
            "/v1/geo/choropleth?indicator=deaths_excess_jan_apr&period=2020&level=country"
        ).json()
        (item,) = found["items"]
        assert item["value"] == -0.8
        assert "+4,8 %" in item["note"]
        profile = api.get("/v1/territory/BR/profile").json()
        (number,) = [n for n in profile["indicators"] if n["code"] == "deaths_excess_jan_apr"]
        assert "+4,8 %" in number["note"]
        assert (number["rank"], number["baseline"]) == (None, 272558.6)
        overview = api.get("/v1/kpis/overview").json()
        (figure,) = [n for n in overview["items"] if n["code"] == "deaths_excess_jan_apr"]
        assert "+4,8 %" in figure["note"]


def test_shapes_are_geojson_with_water_told_apart(api: Api) -> None:
    answer = api.get("/v1/geo/shapes/municipality")
    assert answer.headers["content-type"] == "application/geo+json"
    found = {f["properties"]["id"]: f for f in answer.json()["features"]}
    kinds = {code: shape["properties"]["kind"] for code, shape in found.items()}
    assert kinds == {
        CAPITAL: "municipality",
        TWIN: "municipality",
        ALONE: "municipality",
        "4300090": "water",
    }
    assert NEW not in found, "without mesh, and so not drawn"
    assert [-43, -18] in found[CAPITAL]["geometry"]["coordinates"][0][0]


def test_shapes_of_a_version_never_change_and_other_versions_are_not_promised(api: Api) -> None:
    (layer,) = [x for x in api.get("/v1/map/layers").json()["items"] if x["id"] == "municipality"]
    assert (layer["drawn"], layer["water"], layer["undrawn"]) == (3, 1, 1)
    for _ in range(2):
        answer = api.get(layer["shapes"])
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.content == api.get("/v1/geo/shapes/municipality").content
    old = api.get("/v1/geo/shapes/municipality?v=1999-abc")
    assert old.headers["cache-control"] == "public, max-age=300"
    tag = answer.headers["etag"]
    again = api.get(layer["shapes"], If_None_Match=tag)
    assert (again.status_code, again.content) == (304, b"")
    assert "immutable" in again.headers["cache-control"]


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_compressed_answers_hold_the_same(api: Api, coding: str) -> None:
    plain = api.get("/v1/indicators", Accept_Encoding="identity").content
    with api.client.stream("GET", "/v1/indicators", headers={"Accept-Encoding": coding}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == coding
    assert {"br": brotli.decompress, "gzip": gzip.decompress}[coding](raw) == plain


# --- places --------------------------------------------------------------------------------------


def names(api: Api, query: str) -> list[str]:
    found = api.get(f"/v1/territories?{query}").json()
    assert found["count"] == len(found["items"])
    return [item["name"] for item in found["items"]]


@pytest.mark.parametrize("typed", ["são joão", "SAO JOAO", "sao  joao", "São-João", "sao joão"])
def test_search_forgives_accents_case_and_signs(api: Api, typed: str) -> None:
    assert names(api, f"q={typed}") == ["São João", "Sao Joao do Norte"]


def test_search_forgives_a_slip_and_finds_a_part(api: Api) -> None:
    assert names(api, "q=sao joaoo")[0] == "São João"
    assert names(api, "q=norte") == ["Sao Joao do Norte"]
    assert names(api, "q=zzzzzz") == []
    assert names(api, "q=%25") == []
    assert names(api, "q=_____") == []


def test_lagoons_are_nobodys_territory(api: Api) -> None:
    assert names(api, "q=lagoa") == []
    index = api.get("/v1/territories/index").json()
    assert [row[0] for row in index["rows"]] == [CAPITAL, TWIN, NEW, ALONE]
    assert dict(zip(index["columns"], index["rows"][2], strict=True)) == {
        "territory_id": NEW,
        "name": "Nova Aurora",
        "uf": "MG",
        "has_mesh": False,
    }
    assert index["rows"][3][1] == 'Pelotas d\'Água "B"'
    assert api.get("/v1/territory/4300090/profile").status_code == 404


def test_pages_hold_everyone_once_in_a_stable_order(api: Api) -> None:
    seen: list[str] = []
    for page in range(1, 20):
        found = api.get(f"/v1/territories?page={page}&page_size=3").json()
        assert (found["page"], found["page_size"], found["total"]) == (page, 3, 8)
        if not found["items"]:
            break
        seen += [item["territory_id"] for item in found["items"]]
    whole = api.get("/v1/territories?page_size=500").json()["items"]
    assert seen == [item["territory_id"] for item in whole]
    assert len(seen) == len(set(seen)) == 8
    assert names(api, "level=state") == [
        "Minas Gerais",
        "Rio de Janeiro",
        "Rio Grande do Sul",
    ]
    assert names(api, "level=municipality&uf=RS") == ['Pelotas d\'Água "B"']


def test_a_profile_tells_value_place_and_context(api: Api) -> None:
    found = api.get(f"/v1/territory/{CAPITAL}/profile").json()
    assert found["territory"]["name"] == "São João"
    numbers = {number["code"]: number for number in found["indicators"]}
    assert set(numbers) == {"deaths_total", "deaths_total_monthly", "area_km2"}
    deaths = numbers["deaths_total"]
    assert (deaths["period"], deaths["value"]) == ("2019", 60)
    assert (deaths["rank"], deaths["rank_of"]) == (2, 3)
    assert (deaths["state_value"], deaths["country_value"]) == (90, 151)
    assert deaths["series"] == [{"period": "2018", "value": 40}, {"period": "2019", "value": 60}]
    assert deaths["explain"] == f"/v1/explain/indicator/{CAPITAL}/deaths_total/2019"
    assert api.get(deaths["explain"]).json()["value"] == 60
    assert "60" in found["headline"]
    assert "São João (MG)" in found["headline"]
    missing = {hole["code"]: hole for hole in found["missing"]}
    assert set(missing) == {
        *("deaths_excess_jan_apr", "population_census", "population_estimated"),
        *("indigenous_villages", "fishers_professional"),
    }
    assert all(hole["reason"] for hole in found["missing"])


def test_a_profile_of_a_period_shows_what_was_known_up_to_it(api: Api) -> None:
    def shown(period: str) -> dict[str, str]:
        found = api.get(f"/v1/territory/{CAPITAL}/profile?period={period}").json()
        return {number["code"]: number["period"] for number in found["indicators"]}

    assert shown("2018")["deaths_total"] == "2018"
    assert shown("2019")["deaths_total_monthly"] == "2019-12"
    assert shown("2019-03")["deaths_total_monthly"] == "2019-03"
    assert shown("2019-03")["deaths_total"] == "2019"


def test_a_place_without_numbers_says_so(api: Api) -> None:
    found = api.get(f"/v1/territory/{NEW}/profile").json()
    assert found["indicators"] == []
    assert found["headline"] == "Ainda não há números de Nova Aurora (MG)."
    (hole,) = [hole for hole in found["missing"] if hole["code"] == "deaths_total"]
    assert (hole["reason"], hole["verdict"]) == ("Maio está incompleto.", "not_published")


def test_the_country_has_no_rank(api: Api) -> None:
    found = api.get("/v1/territory/BR/profile").json()
    assert {number["rank"] for number in found["indicators"]} == {None}


def test_compare_puts_state_country_peers_and_others_beside(api: Api) -> None:
    found = api.get(QUESTIONS["/v1/territory/{territory_id}/compare"]).json()
    kinds = {series["territory_id"]: series["kind"] for series in found["series"]}
    assert kinds == {CAPITAL: "self", MG: "state", "BR": "country", ALONE: "other", TWIN: "peer"}
    assert found["series"][0]["kind"] == "self"
    own = {point["period"]: point["value"] for point in found["series"][0]["points"]}
    assert own == {"2018": 40, "2019": 60}
    refused = api.get(f"/v1/territory/{CAPITAL}/compare?indicator=deaths_total&with=9999999")
    assert refused.status_code == 400


def test_peers_are_of_the_same_state_and_the_rule_is_said(api: Api) -> None:
    found = api.get(f"/v1/territory/{CAPITAL}/peers?indicator=deaths_total&limit=1").json()
    assert [peer["territory_id"] for peer in found["items"]] == [TWIN]
    assert found["items"][0]["distance"] == pytest.approx(0.6931, abs=1e-4)
    assert "mesmo estado (MG)" in found["rule"]
    assert "óbitos registrados no ano em 2019" in found["rule"]
    lonely = api.get(f"/v1/territory/{ALONE}/peers?indicator=deaths_total").json()
    assert {peer["territory_id"] for peer in lonely["items"]} == {CAPITAL, TWIN}
    assert "do país" in lonely["rule"]
    assert api.get("/v1/territory/BR/peers?indicator=deaths_total").json()["items"] == []


def test_the_country_in_numbers(api: Api) -> None:
    found = api.get("/v1/kpis/overview").json()
    assert {item["code"]: item["value"] for item in found["items"]} == {"deaths_total": 151}
    assert found["territories"] == {
        "municipalities": 4,
        "municipalities_without_mesh": 1,
        "states": 3,
    }


def test_nothing_published_yet_is_answered_and_not_broken(
    database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A migrated database before the first load: views exist, were never populated."""
    with running(tmp_path_factory.mktemp("empty")) as api:
        for path in QUESTIONS.values():
            answer = api.get(path)
            assert answer.status_code in (200, 404, 503), f"{path}: {answer.text}"
            if answer.status_code != 200:
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["detail"]
