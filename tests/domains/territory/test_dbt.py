"""The job dbt_build on a small country: what it derives, what it refuses to, and how it fails."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.domains.territory.world import MG, RJ, RS, World, months

from atalaia.domains.territory import dbt_process, gold
from atalaia.domains.territory.derivation import DERIVATIONS, derivation
from atalaia.kernel.base.database import connect
from atalaia.kernel.base.settings import settings
from atalaia.kernel.work.ledger import request_cancel
from atalaia.kernel.work.runner import run_job

pytestmark = pytest.mark.timeout(300)

JAN_APR = [m for year in range(2015, 2021) for m in months(year, 1, 4)]
CLOSED = range(2015, 2020)


class Built(World):
    """The country below, and what one dbt_build made of it.

    Minas: `whole` reports every month (10 each; 2020 12 each), `patchy` lacks March 2018, `late`
    starts in 2019 with 100 each (new coverage, which a naive comparison takes for deaths).
    Rio: `rio` reports every month: 40 each, 20 each in 2020. Rio Grande do Sul: `gaucho` reports
    every month but the one the source published wrongly. `later` is of 2013 and has no mesh.
    """

    def __init__(self) -> None:
        super().__init__()
        self.whole = self.municipality(1, MG, square=(-44, -19, 1))
        self.patchy = self.municipality(2, MG, square=(-43, -19, 1))
        self.late = self.municipality(3, MG, square=(-42, -19, 0.5))
        self.later = self.municipality(4, MG, valid_from="2013-01-01")
        self.rio = self.municipality(1, RJ, square=(-43, -23, 1))
        self.gaucho = self.municipality(1, RS, square=(-52, -31, 1))
        self.lagoon = self.municipality(2, RS, square=(-51, -31, 1), kind="water")
        self.mesh_run = self.newest_run
        self.older_run = self.run("registro_civil_deaths")
        closed = [m for year in CLOSED for m in months(year)]
        unfinished = months(2020, 1, 5)
        self.deaths(self.whole, closed, 10)
        self.deaths(self.patchy, [m for m in closed if m != "2018-03"], 1)
        self.deaths(self.rio, closed, 40)
        self.deaths(self.gaucho, [m for m in closed if m != "2019-02"], 5)
        self.deaths_run = self.run("registro_civil_deaths")
        self.deaths(self.whole, unfinished, 12)
        self.deaths(self.patchy, unfinished, 1)
        self.deaths(self.late, months(2019) + unfinished, 100)
        self.deaths(self.rio, unfinished, 20)
        self.deaths(self.gaucho, unfinished, 5)
        self.register_run = self.run("funai_villages")
        for place, villages in ((self.whole, 3), (self.patchy, 4), (self.rio, 2)):
            self.fact(place, "indigenous_villages", "2025", villages, source=("FUNAI", "aldeias"))
        for place, people in ((self.whole, 300), (self.patchy, 200), (self.rio, 900)):
            self.fact(place, "population_census", "2010", people, source=("IBGE", "censo"))
        self.fact("BR", "minimum_wage_nominal", "2020-01", 1039, source=("IPEA", "salario"))
        self.result = gold.run(reference_period="2024")


@pytest.fixture(scope="module")
def built(database_of_module: str) -> Built:
    return Built()


def value(row: dict[str, Any]) -> float:
    return float(row["value"])


# --- what is derived -----------------------------------------------------------------------------


@pytest.mark.row("X-32")
def test_the_job_runs_the_dbt_project_and_keeps_its_books(built: Built) -> None:
    assert built.result["run_status"] == "success", built.result["error"]
    rows = built.one(
        "SELECT (SELECT count(*) FROM gold.indicator_derived)"
        " + (SELECT count(*) FROM gold.indicator_missing)"
    )
    assert built.result["rows_read"] == built.result["rows_loaded"] == rows > 0
    found = built.rows(
        """SELECT check_name, subject, status::text, observed FROM ops.pipeline_checks
           WHERE run_id = %s AND check_name <> 'run_outcome'""",
        built.result["run_id"],
    )
    told = {(row["check_name"], row["subject"]): row for row in found}
    assert {row["status"] for row in found} == {"pass"}
    tests = {subject for name, subject in told if name == "dbt_test"}
    assert {path.stem for path in (dbt_process.PROJECT / "tests").glob("*.sql")} < tests
    assert "every_fact_has_its_territory" in tests
    assert told["dbt_test", "derived_has_one_row_per_key"]["observed"] == "0"
    models = {subject for name, subject in told if name == "dbt_model"}
    assert models == {p.stem for p in (dbt_process.PROJECT / "models").rglob("*.sql")}
    counted = built.one("SELECT count(*)::text FROM gold.indicator_derived")
    assert told["gold_rows", "indicator_derived"]["observed"] == counted
    assert built.one("SELECT count(*) FROM gold.mv_map_choropleth") > 0


def test_a_year_is_the_sum_of_its_twelve_months_or_nothing(built: Built) -> None:
    deaths = built.derived("deaths_total")
    of_places = {
        key: value(row) for key, row in deaths.items() if len(key[0]) == 7 and len(key[1]) == 4
    }
    expected = {(built.whole, str(year)): 120.0 for year in CLOSED}
    expected |= {(built.patchy, str(year)): 12.0 for year in CLOSED if year != 2018}
    expected |= {(built.rio, str(year)): 480.0 for year in CLOSED}
    expected |= {(built.gaucho, str(year)): 60.0 for year in CLOSED if year != 2019}
    expected |= {(built.late, "2019"): 1200.0}
    assert of_places == expected
    assert not [key for key in deaths if key[1] == "2020"]


def test_states_and_country_add_up_what_was_reported_and_say_how_much_was(built: Built) -> None:
    deaths = built.derived("deaths_total")
    march = deaths[MG, "2018-03"]
    assert (value(march), float(march["coverage"])) == (10, 0.25)  # one of four municipalities
    assert march["note"] == "Municípios que informaram: 1 de 4."
    year = deaths[MG, "2018"]
    assert value(year) == 12 * 10 + 11
    assert float(year["coverage"]) == pytest.approx(23 / 48)
    assert year["note"] == "Só 47,9 % dos meses dos municípios foram informados."
    country = deaths["BR", "2019"]
    assert value(country) == 120 + 12 + 1200 + 480 + 11 * 5
    assert float(country["coverage"]) == pytest.approx((12 * 4 + 11) / 72)
    assert country["note"] == "Sem Rio Grande do Sul em 02/2019."
    assert deaths["BR", "2019-02"]["note"] == "Sem Rio Grande do Sul."
    assert deaths["BR", "2019-03"]["note"] is None
    assert (RS, "2019") not in deaths  # eleven months are not a year


def test_the_excess_is_of_places_that_reported_every_month_of_all_six_years(built: Built) -> None:
    excess = built.derived("deaths_excess_jan_apr")
    assert set(excess) == {(place, "2020") for place in (built.whole, built.rio, MG, RJ, "BR")}
    whole, rio, country = (excess[place, "2020"] for place in (built.whole, built.rio, "BR"))
    assert (value(whole), float(whole["baseline"]), float(whole["coverage"])) == (20, 40, 1)
    assert (value(rio), float(rio["baseline"])) == (-50, 160)
    assert value(excess[MG, "2020"]) == 20  # not what `late` and `patchy` would make of it
    assert float(excess[MG, "2020"]["coverage"]) == 0.25
    assert value(country) == pytest.approx(100 * ((48 + 80) / (40 + 160) - 1))
    assert float(country["coverage"]) == pytest.approx(2 / 6, abs=1e-6)
    assert "Sem o Rio de Janeiro" in country["note"]
    assert "a mesma conta dá +20,0 %" in country["note"]
    assert "nos seis anos: 2 de 6" in country["note"]
    assert "inflados" in rio["note"]
    assert whole["note"] is None
    assert all(row["unit"] == "%" for row in excess.values())


def test_the_naive_comparison_is_nowhere(built: Built) -> None:
    totals = built.rows(
        """SELECT left(reference_period, 4) AS year, sum(value) AS deaths
           FROM silver.fact_indicator WHERE indicator_code = 'deaths_total'
             AND reference_period ~ '-0[1-4]$' GROUP BY 1"""
    )
    by_year = {row["year"]: float(row["deaths"]) for row in totals}
    naive = 100 * (by_year["2020"] / (sum(by_year[str(y)] for y in CLOSED) / 5) - 1)
    shown = [value(row) for row in built.derived("deaths_excess_jan_apr").values()]
    assert naive > 40  # the fault is planted: new coverage looks like deaths
    assert all(abs(each - naive) > 1 for each in shown)


def test_area_is_of_the_drawing_on_the_ellipsoid_without_the_lagoons(built: Built) -> None:
    area = built.derived("area_km2")
    for place, south in ((built.whole, -19), (built.rio, -23)):
        band = math.sin(math.radians(south + 1)) - math.sin(math.radians(south))
        sphere = 6371.0088**2 * math.radians(1) * band  # the ellipsoid is within a percent of it
        assert value(area[place, "2007"]) == pytest.approx(sphere, rel=0.01)
    assert (built.lagoon, "2007") not in area
    assert value(area[RS, "2007"]) == value(area[built.gaucho, "2007"])
    parts = sum(value(row) for (place, _), row in area.items() if len(place) == 7)
    assert value(area["BR", "2007"]) == pytest.approx(parts, abs=0.01)
    assert (built.later, "2007") not in area
    assert float(area[MG, "2007"]["coverage"]) == 1  # in 2007 there were three


def test_registers_are_summed_and_a_census_only_when_whole(built: Built) -> None:
    villages = built.derived("indigenous_villages")
    assert {place: value(row) for (place, _), row in villages.items()} == {MG: 7, RJ: 2, "BR": 9}
    census = built.derived("population_census")
    # Minas has two of the three it had in 2010, Rio Grande do Sul none: no sum there, nor of BR.
    assert {place: value(row) for (place, _), row in census.items()} == {RJ: 900}
    assert built.derived("minimum_wage_nominal") == {}


def test_a_derived_row_names_the_newest_run_it_rests_on(built: Built) -> None:
    deaths = built.derived("deaths_total")
    assert deaths[built.whole, "2019"]["run_id"] == built.older_run
    assert deaths[MG, "2019"]["run_id"] == built.deaths_run  # `late` was loaded by it
    assert built.derived("deaths_excess_jan_apr")["BR", "2020"]["run_id"] == built.deaths_run
    assert built.derived("area_km2")["BR", "2007"]["run_id"] == built.mesh_run
    assert built.derived("indigenous_villages")["BR", "2025"]["run_id"] == built.register_run


def test_holes_have_their_reason_and_say_whose_they_are(built: Built) -> None:
    deaths = built.missing("deaths_total")
    assert deaths[built.patchy, "2018"] == (
        "Informou 11 dos 12 meses de 2018; um ano com meses em falta não tem total.",
        "not_published",
    )
    assert deaths[built.late, "2015"][0] == "Nenhum cartório daqui informou óbitos de 2015."
    assert deaths[built.gaucho, "2019"][1] == deaths[RS, "2019"][1] == "source_failed"
    assert deaths[RS, "2019-02"][0].startswith("Em fevereiro de 2019 a fonte publicou")
    assert (built.whole, "2019") not in deaths
    assert {place for place, period in deaths if period == "2020"} == {
        built.whole,
        built.patchy,
        built.late,
        built.later,
        built.rio,
        built.gaucho,
        MG,
        RJ,
        RS,
        "BR",
    }
    excess = built.missing("deaths_excess_jan_apr")
    assert excess[built.patchy, "2020"][0].startswith("Informou 23 dos 24 meses")
    assert excess[built.late, "2020"][0].startswith("Informou 8 dos 24 meses")
    assert excess[RS, "2020"][1] == excess[built.gaucho, "2020"][1] == "source_failed"
    assert set(built.missing("area_km2")) == {(built.later, "2007")}
    assert "Sem malha" in built.missing("area_km2")[built.later, "2007"][0]


@pytest.mark.parametrize("model", sorted(DERIVATIONS))
def test_a_derivation_leads_from_a_value_to_what_it_was_made_of(built: Built, model: str) -> None:
    found = derivation(model)
    assert found.model_file.exists()
    assert found.method.endswith(".")
    rows = built.rows("SELECT * FROM gold.indicator_derived WHERE method = %s", model)
    assert rows
    with connect(autocommit=True) as connection:
        for row in rows:
            inputs = connection.execute(found.inputs_sql, row).fetchall()
            assert inputs, row
            if model in ("deaths_sum", "deaths_annual", "place_sums"):
                assert sum(each["value"] for each in inputs) == row["value"], row
    if model == "deaths_excess_jan_apr":
        municipality = next(row for row in rows if row["territory_id"] == built.whole)
        country = next(row for row in rows if row["territory_id"] == "BR")
        with connect(autocommit=True) as connection:
            months_used = connection.execute(found.inputs_sql, municipality).fetchall()
            states = connection.execute(found.inputs_sql, country).fetchall()
        assert [each["uri"].rsplit("/")[-1] for each in months_used] == JAN_APR
        assert [each["uri"] for each in states] == [
            f"indicator/{state}/deaths_excess_jan_apr/2020" for state in (MG, RJ)
        ]


# --- how it behaves ------------------------------------------------------------------------------


def test_a_dry_run_lists_the_models_and_does_nothing(built: Built) -> None:
    before = built.one("SELECT count(*) FROM ops.pipeline_runs")
    plan = gold.run(reference_period="2024", dry_run=True)["plan"]
    assert {model["name"] for model in plan["models"]} == {
        path.stem for path in (dbt_process.PROJECT / "models").rglob("*.sql")
    }
    assert plan["models"][-1]["replaces"] == "gold.indicator_missing"
    assert plan["then"] == "SELECT gold.refresh_materialized_views()"
    assert built.one("SELECT count(*) FROM ops.pipeline_runs") == before


def relations(world: World) -> dict[str, int]:
    found = world.rows(
        """SELECT relname, pg_class.oid::int AS oid FROM pg_class
           JOIN pg_namespace ON pg_namespace.oid = relnamespace
           WHERE nspname = 'gold' AND relkind IN ('r', 'm', 'v')"""
    )
    return {row["relname"]: row["oid"] for row in found}


def versions_of_rows(world: World) -> set[tuple[Any, ...]]:
    found = world.rows("SELECT xmin::text, d.* FROM gold.indicator_derived AS d")
    return {tuple(row.values()) for row in found}


def project_files() -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in dbt_process.PROJECT.rglob("*")}


def by_socket(world: World, url: str) -> str:
    """The same database over the server's Unix socket."""
    parts = conninfo_to_dict(url)
    folders = world.one("SELECT current_setting('unix_socket_directories') AS folders")
    folder = str(folders).split(",")[0].strip()
    if not (Path(folder) / f".s.PGSQL.{parts['port']}").exists():
        pytest.skip("the server of the tests has no socket on this machine")
    password = f":{parts['password']}" if parts.get("password") else ""
    return (
        f"postgresql://{parts['user']}{password}@/{parts['dbname']}"
        f"?host={folder}&port={parts['port']}"
    )


def test_again_over_a_socket_with_one_value_changed_only_that_is_rewritten(
    built: Built, database_of_module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, rows, files = relations(built), versions_of_rows(built), project_files()
    built.rows(
        """UPDATE silver.fact_indicator SET value = 5
           WHERE indicator_code = 'indigenous_villages' AND territory_id = %s""",
        built.rio,
    )
    built.fact("9999999", "indigenous_villages", "2025", 1, source=("FUNAI", "aldeias"))
    monkeypatch.setenv("DATABASE_URL", by_socket(built, database_of_module))
    settings.cache_clear()
    result = gold.run(reference_period="2024")
    settings.cache_clear()
    assert result["run_status"] == "success", result["error"]
    assert relations(built) == tables  # nothing was dropped, so nothing that depends on it was
    changed = versions_of_rows(built) - rows
    assert {row[1:3] for row in changed} == {
        (RJ, "indigenous_villages"),
        ("BR", "indigenous_villages"),
    }
    villages = "SELECT value FROM gold.mv_map_choropleth WHERE territory_id = 'BR' "
    assert built.one(villages + "AND indicator_code = 'indigenous_villages'") == 12
    assert project_files() == files  # dbt writes nothing beside its models
    assert not (dbt_process.kept_dir() / f"run-{result['run_id']}").exists()


def test_a_fact_of_an_unknown_place_is_a_warning_and_stops_nothing(built: Built) -> None:
    """Asked of the run of the test before, which met one."""
    found = built.rows(
        """SELECT status::text, observed FROM ops.pipeline_checks
           WHERE subject = 'every_fact_has_its_territory' ORDER BY check_id DESC LIMIT 1"""
    )
    assert found == [{"status": "warn", "observed": "1"}]


def test_when_a_dbt_test_fails_gold_keeps_what_it_had(built: Built) -> None:
    rows, version = versions_of_rows(built), built.one("SELECT version FROM gold.data_version")
    stray = "99999999-0000-4000-8000-000000000000"  # the ledger knows no such run
    built.rows(
        """UPDATE silver.fact_indicator SET run_id = %s, value = 50
           WHERE territory_id = %s AND reference_period LIKE '2019-%%'""",
        stray,
        built.whole,
    )
    result = gold.run(reference_period="2024")
    assert result["run_status"] == "failed"
    assert "relationships_derived_run_id" in result["error"]
    failed = [check for check in result["checks"] if check["status"] == "fail"]
    assert [check["check_name"] for check in failed] == ["dbt_test"]
    assert int(failed[0]["observed"]) > 0
    assert versions_of_rows(built) == rows
    assert built.one("SELECT version FROM gold.data_version") == version
    skipped = [c for c in result["checks"] if c["subject"] == "indicator_derived"]
    assert "warn" in {check["status"] for check in skipped}
    built.rows(
        """UPDATE silver.fact_indicator SET run_id = %s, value = 10 WHERE run_id = %s""",
        built.older_run,
        stray,
    )


def children() -> list[str]:
    listed = subprocess.run(
        ["ps", "-o", "args", "--ppid", str(os.getpid())], capture_output=True, text=True, check=True
    )
    return [line for line in listed.stdout.splitlines() if "dbt.cli.main" in line]


def test_a_run_out_of_time_ends_dbt_and_says_so(built: Built) -> None:
    result = gold.run(reference_period="2024", timeout_seconds=1)
    assert result["run_status"] == "failed"
    assert "usou os seus 1 s" in result["error"]
    assert children() == []


def test_a_run_can_be_cancelled_and_takes_dbt_with_it(built: Built) -> None:
    results: list[dict[str, Any]] = []
    job = threading.Thread(
        target=lambda: results.append(run_job(gold.JOB, reference_period="2023"))
    )
    job.start()
    running = "SELECT run_id FROM ops.pipeline_runs WHERE run_status = 'running'"
    wait_until(lambda: bool(children()))
    (run,) = built.rows(running)
    assert request_cancel(str(run["run_id"]), "test")
    job.join(timeout=30)
    assert [result["run_status"] for result in results] == ["cancelled"]
    assert children() == []


def wait_until(done: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def test_two_builds_at_once_are_refused(built: Built) -> None:
    with connect(autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(hashtext('dbt_build'))")
        result = gold.run(reference_period="2024")
    assert result["run_status"] == "failed"
    assert "Outro dbt_build" in result["error"]


def test_a_project_dbt_cannot_read_is_one_clear_message(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "dbt"
    shutil.copytree(dbt_process.PROJECT, broken)
    (broken / "models" / "sources.yml").write_text("version: 2\nsources: [", encoding="utf-8")
    monkeypatch.setattr(dbt_process, "PROJECT", broken)
    result = gold.run(reference_period="2024")
    assert result["run_status"] == "failed"
    assert "dbt parou antes de começar" in result["error"]
    assert "sources.yml" in result["error"]
