"""What the reads decide: which series a code means, which edition is kept, and the way from a value
back to its bytes."""

from __future__ import annotations

import hashlib
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from psycopg.types.json import Jsonb
from tests.domains.territory.world import DEATHS, MG, World, months

from atalaia.domains.territory import profile, service, store
from atalaia.domains.territory.answer import json, number
from atalaia.domains.territory.published import all_series, published, series_of
from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.ingest import bronze

PLACE = "3100010"


@pytest.fixture
def world(database: str) -> World:
    found = World()
    found.municipality(1, square=(-43, -18, 1), name="Diamantina")
    return found


# --- series --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "period", "meant"),
    [
        ("deaths_total", None, "deaths_total"),
        ("deaths_total", "2019", "deaths_total"),
        ("deaths_total", "2019-07", "deaths_total_monthly"),
        ("deaths_total_monthly", "2019-07", "deaths_total_monthly"),
        ("deaths_total_monthly", "2019", "deaths_total_monthly"),
        ("area_km2", "2007-01", "area_km2"),
        ("deaths_excess_jan_apr", "2020", "deaths_excess_jan_apr"),
    ],
)
def test_a_code_and_a_period_mean_one_series(code: str, period: str | None, meant: str) -> None:
    assert series_of(code, period).code == meant


def test_an_unknown_code_is_refused_in_portuguese() -> None:
    with pytest.raises(NotFound, match="Não há indicador"):
        series_of("nope")


def test_codes_of_series_are_one_to_one_with_indicator_and_kind() -> None:
    pairs = [(series.indicator.code, series.kind) for series in all_series().values()]
    assert len(set(pairs)) == len(pairs)
    assert set(all_series()) >= {series.indicator.code for series in all_series().values()}


@pytest.mark.parametrize(
    ("value", "written"), [("5", b"5"), ("5.00", b"5"), ("5.25", b"5.25"), ("-0.7832", b"-0.7832")]
)
def test_whole_numbers_stay_whole(value: str, written: bytes) -> None:
    assert json([number(Decimal(value))]) == b"[" + written + b"]"
    assert json([Decimal(value)]) == b"[" + written + b"]"
    assert number(None) is None


# --- what is published ---------------------------------------------------------------------------


def test_what_is_published_is_read_once_per_version(world: World) -> None:
    world.fact(PLACE, "deaths_total", "2018", 4)
    first_version = world.refresh()
    first = published()
    assert first.version == first_version
    assert first.periods(series_of("deaths_total")) == ["2018"]
    assert published() is first
    assert published(0) is first
    world.fact(PLACE, "deaths_total", "2019", 5)
    assert published() is first, "gold has not changed"
    world.refresh()
    second = published()
    assert second.version == first_version + 1
    assert second.periods(series_of("deaths_total")) == ["2018", "2019"]


def test_of_two_sources_the_headline_one_is_the_edition(world: World) -> None:
    other = world.municipality(2)
    world.fact(PLACE, "deaths_total", "2019", 1, source=("B", "small"))
    for place in (PLACE, other):
        world.fact(place, "deaths_total", "2019", 2, source=("C", "large"))
    world.refresh()
    edition = published().edition(series_of("deaths_total"), "municipality", "2019")
    assert edition is not None
    assert (edition.source, edition.dataset, edition.counted) == ("C", "large", 2)
    explained = service.explain(f"indicator/{PLACE}/deaths_total/2019")
    assert explained["value"] == 2
    assert [o["value"] for o in explained["others"]] == [1]


def test_a_map_asked_while_the_data_changes_is_of_one_version(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.fact(PLACE, "deaths_total", "2019", 4, source=("A", "old"))
    world.refresh()
    published()
    world.rows("DELETE FROM silver.fact_indicator")
    world.fact(PLACE, "deaths_total", "2019", 5, source=("A", "new"))
    version = world.refresh()  # after `published` was kept, before the values are asked
    body: dict[str, Any] = orjson.loads(service.choropleth("deaths_total", "2019", "municipality"))
    assert (body["data_version"], body["source"]["dataset"]) == (version, "new")
    assert body["items"] == [{"territory_id": PLACE, "value": 5}]


# --- a profile's choices -------------------------------------------------------------------------


def rows(*pairs: tuple[str, int | None]) -> list[store.Row]:
    return [{"reference_period": period, "value": value} for period, value in pairs]


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (None, "2019-12"),
        ("2019", "2019-12"),
        ("2018", "2018-11"),
        ("2019-05", "2019-01"),
        ("2017", "2019-12"),
        ("2031", "2019-12"),
    ],
)
def test_the_value_shown_is_the_last_known_up_to_the_period(asked: str | None, shown: str) -> None:
    known = rows(
        ("2018-11", 1), ("2018-12", None), ("2019-01", 3), ("2019-12", 4), ("2020-01", None)
    )
    series = series_of("deaths_total_monthly")
    assert profile._at(known, asked, series)["reference_period"] == shown


def test_an_incomplete_period_is_shown_only_to_who_asks_for_it() -> None:
    series = series_of("deaths_total_monthly")
    (partial,) = series.indicator.partial_periods
    known = rows(("2020-04", 7), (partial, 2))
    assert profile._at(known, None, series)["reference_period"] == "2020-04"
    assert profile._at(known, partial, series)["reference_period"] == partial
    assert profile._at(rows((partial, 2)), None, series)["reference_period"] == partial


@pytest.mark.parametrize(
    ("value", "decimals", "written"),
    [(1234567, 0, "1.234.567"), (3880.148, 1, "3.880,1"), (0, 0, "0"), (-0.78, 1, "-0,8")],
)
def test_numbers_are_written_as_brazilians_do(value: float, decimals: int, written: str) -> None:
    assert profile._pt(value, decimals) == written


def test_a_source_that_never_came_says_whose_fault_it_was(world: World) -> None:
    world.refresh()

    def hole() -> dict[str, Any]:
        found = service.profile(PLACE, None)["missing"]
        return next(one for one in found if one["code"] == "population_census")

    assert hole()["verdict"] is None
    run_id = world.run("ibge_indicators")
    world.rows("UPDATE ops.pipeline_runs SET verdict = 'source_failed' WHERE run_id = %s", run_id)
    assert hole()["verdict"] == "source_failed"
    assert "IBGE" in hole()["reason"]


# --- where a number came from --------------------------------------------------------------------


def bring(world: World, job: str, text: bytes, **origin: Any) -> bronze.BronzeObject:
    """A run of `job` that read one raw file; what is written next is its work."""
    run_id = world.run(job)
    stored = bronze.store_bytes(
        text,
        source="registro_civil",
        dataset="deaths",
        reference_period="2019",
        filename="deaths.csv",
        **origin,
    )
    world.rows(
        "INSERT INTO ops.run_bronze (run_id, bronze_id, connector) VALUES (%s, %s, %s)",
        run_id,
        stored.bronze_id,
        job,
    )
    world.rows(
        """INSERT INTO ops.source_schema_contracts
               (connector, version, table_name, columns, payload)
           VALUES (%s, 3, 'silver.fact_indicator', %s, %s)""",
        job,
        Jsonb({"value": "numeric"}),
        Jsonb({"deaths": "integer"}),
    )
    return stored


def test_a_value_walks_back_to_its_bytes_by_the_package(world: World) -> None:
    text = b"city_id,year,month\n1,2019,1\n"
    package = {"name": "brazil-monthly-deaths", "version": "1.4.0", "file": "2019.csv"}
    stored = bring(world, "registro_civil_deaths", text, package=package)
    world.fact(PLACE, "deaths_total", "2019-01", 5, source=DEATHS)
    world.refresh()
    found = service.explain(f"indicator/{PLACE}/deaths_total/2019-01")
    assert found["value"] == 5
    assert found["uri"] == f"indicator/{PLACE}/deaths_total/2019-01"
    assert found["run"]["run_id"] == world.newest_run
    assert found["run"]["job_name"] == "registro_civil_deaths"
    assert "actor" not in found["run"], "who asked for a run is not public"
    assert (found["contract"]["connector"], found["contract"]["version"]) == (
        "registro_civil_deaths",
        3,
    )
    raw = Path(stored.file).read_bytes()
    assert found["bronze"]["sha256"] == hashlib.sha256(raw).hexdigest()
    assert raw == text
    assert (found["bronze"]["path"], found["bronze"]["size"]) == (stored.path, len(text))
    assert found["package"] == package
    assert "exchange" not in found


def test_a_value_walks_back_to_its_bytes_by_the_exchange(world: World) -> None:
    exchange = {
        "url": "https://servicodados.ibge.gov.br/api",
        "status": 200,
        "fetched_at": "2026-01-31T08:00:00+00:00",
        "headers": {"etag": "x"},
    }
    bring(world, "ibge_indicators", b"{}", exchange=exchange)
    world.fact(PLACE, "population_census", "2022", 47000, source=("IBGE", "sidra_4714"))
    world.refresh()
    found = service.explain(f"indicator/{PLACE}/population_census/2022")
    assert found["exchange"] == {k: exchange[k] for k in ("url", "status", "fetched_at")}
    assert "package" not in found


def test_a_derived_value_names_its_method_and_every_input_down_to_bytes(world: World) -> None:
    bring(world, "registro_civil_deaths", b"rows", package={"name": "p", "version": "1"})
    world.deaths(PLACE, months(2019), 5)
    for place, value in ((PLACE, 60), (MG, 60)):
        world.rows(
            """INSERT INTO gold.indicator_derived (territory_id, indicator_code, reference_period,
                   source, dataset, value, unit, coverage, method, run_id)
               VALUES (%s, 'deaths_total', '2019', %s, %s, %s, 'óbitos', 1, 'deaths_annual', %s)""",
            place,
            *DEATHS,
            value,
            world.newest_run,
        )
    world.refresh()
    found = service.explain(f"indicator/{PLACE}/deaths_total/2019")
    made = found["derivation"]
    assert "doze meses" in made["method"]
    assert made["sql_model"].endswith("deaths_annual.sql")
    assert [one["value"] for one in made["inputs"]] == [5] * 12
    assert sum(one["value"] for one in made["inputs"]) == found["value"]
    for one in made["inputs"]:
        source = service.explain(one["uri"])
        assert source["value"] == one["value"]
        assert "derivation" not in source
        assert source["bronze"]["sha256"] == hashlib.sha256(b"rows").hexdigest()


def test_a_mesh_is_explained_too(world: World) -> None:
    bring(world, "ibge_geometries", b"shapefile", package={"name": "mesh", "version": "0.3"})
    world.municipality(2, square=(-42, -18, 1))
    found = service.explain("mesh/3100020/2007")
    assert found["bronze"]["sha256"] == hashlib.sha256(b"shapefile").hexdigest()
    assert found["row"]["points"] == 5
    with pytest.raises(NotFound):
        service.explain("mesh/3100020/1991")


def test_a_hole_is_explained_when_its_reason_is_known(world: World) -> None:
    world.rows(
        "INSERT INTO gold.indicator_missing VALUES (%s, 'deaths_total', '2019', %s, %s)",
        PLACE,
        "Informou 7 dos 12 meses.",
        "not_published",
    )
    world.refresh()
    found = service.explain(f"indicator/{PLACE}/deaths_total/2019")
    assert (found["value"], found["reason"], found["verdict"]) == (
        None,
        "Informou 7 dos 12 meses.",
        "not_published",
    )
    with pytest.raises(NotFound):
        service.explain(f"indicator/{PLACE}/deaths_total/2018")


def test_a_marked_value_keeps_its_marker(world: World) -> None:
    world.fact(PLACE, "deaths_total", "2019", None)
    world.refresh()
    found = service.explain(f"indicator/{PLACE}/deaths_total/2019")
    assert (found["value"], found["row"]["marker"]) == (None, "unavailable")


@pytest.mark.parametrize(
    "uri", ["", "indicator", "indicator/BR/x", "price/PETR4/2019", "mesh/1", "indicator/a/b/c/d"]
)
def test_what_cannot_be_explained_is_a_usage_error(database: str, uri: str) -> None:
    with pytest.raises(UsageError):
        service.explain(uri)
