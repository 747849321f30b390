"""Gold as the API reads it: materialized views that say what silver says, with ranks, shapes and
indexes, refreshed without making a reader wait."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.domains.territory.world import MG, RJ, RS, World

import atalaia.domains.territory
from atalaia.domains.territory import gold
from atalaia.kernel.base.database import connect

SQL = Path(atalaia.domains.territory.__file__).parent / "db" / "sql"
VIEWS = ("mv_map_choropleth", "mv_territory_ranking", "mv_territory_map_summary")


@pytest.fixture
def world(database: str) -> World:
    return World()


def polarity(world: World, code: str, value: str, *, unranked: str = "{}") -> None:
    world.rows(
        "INSERT INTO gold.indicator_catalogue VALUES (%s, %s, true, %s, NULL)",
        code,
        value,
        unranked,
    )


# --- the views -----------------------------------------------------------------------------------


@pytest.mark.row("T-060", "T-061", "T-062", "T-063")
def test_the_three_views_are_defined_in_006_and_populated(world: World) -> None:
    written = (SQL / "006_materialized_views.sql").read_text(encoding="utf-8")
    for view in VIEWS:
        assert f"CREATE MATERIALIZED VIEW gold.{view} AS" in written
    world.fact(world.municipality(1), "x", "2019", 5)
    world.refresh()
    found = world.rows("SELECT matviewname, ispopulated FROM pg_matviews WHERE schemaname = 'gold'")
    assert {row["matviewname"]: row["ispopulated"] for row in found} == dict.fromkeys(VIEWS, True)
    for view in VIEWS:
        assert world.one(f"SELECT count(*) FROM gold.{view}") > 0


def expected_ranks(world: World) -> dict[tuple[str, ...], tuple[int, int]]:
    """(rank, of how many), worked out from silver one value at a time."""
    facts = world.rows(
        """SELECT f.*, t.level::text, coalesce(c.polarity, 'neutral') AS polarity
           FROM silver.fact_indicator f JOIN silver.dim_territory t USING (territory_id)
           LEFT JOIN gold.indicator_catalogue c USING (indicator_code)
           WHERE t.kind = 'land' AND f.value IS NOT NULL"""
    )
    group = ("level", "indicator_code", "reference_period", "source", "dataset", "category")
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    for fact in facts:
        groups[tuple(fact[name] for name in group)].append(fact)
    ranks = {}
    for key, members in groups.items():
        for fact in members:
            better = [
                other
                for other in members
                if (
                    other["value"] < fact["value"]
                    if fact["polarity"] == "lower_is_better"
                    else other["value"] > fact["value"]
                )
            ]
            ranks[(*key, fact["territory_id"])] = (1 + len(better), len(members))
    return ranks


@pytest.mark.row("T-060", "T-061", "X-08")
def test_ranks_are_those_worked_out_in_python(world: World) -> None:
    polarity(world, "homicides", "lower_is_better")
    polarity(world, "schooling", "higher_is_better")
    places = [world.municipality(n, state) for state in (MG, RJ) for n in range(1, 6)]
    lagoon = world.municipality(9, RS, kind="water")
    for code in ("homicides", "schooling", "trees"):
        world.facts((p, code, "2019", v) for p, v in zip(places, [5, 3, 3, 8, 1] * 2, strict=True))
        world.facts((p, code, "2020", n * 1.5) for n, p in enumerate(places))
        world.facts([(MG, code, "2019", 2), (RJ, code, "2019", 90), (RS, code, "2019", None)])
        world.fact(lagoon, code, "2019", 1000)
    world.facts(
        ((p, "trees", "2019", n) for n, p in enumerate(places[:4])), source=("Outra", "tabela")
    )
    world.facts(((p, "trees", "2019", -n) for n, p in enumerate(places)), category="urbana")
    world.refresh()

    found = {
        tuple(
            str(row[name])
            for name in (
                "level",
                "indicator_code",
                "reference_period",
                "source",
                "dataset",
                "category",
                "territory_id",
            )
        ): (row["rank"], row["rank_of"])
        for row in world.rows("SELECT * FROM gold.mv_territory_ranking")
    }
    assert found == expected_ranks(world)
    assert len({rank for rank, _ in found.values()}) > 5
    choropleth = world.rows("SELECT * FROM gold.mv_map_choropleth WHERE value IS NOT NULL")
    for row in choropleth:
        key = (
            row["level"],
            row["indicator_code"],
            row["reference_period"],
            row["source"],
            row["dataset"],
            row["category"],
            row["territory_id"],
        )
        assert row["rank"] == found[key][0]
    assert lagoon not in {row["territory_id"] for row in choropleth}


def test_what_cannot_bear_a_rank_has_none_but_keeps_its_value(world: World) -> None:
    polarity(world, "deaths_total", "neutral", unranked="{2020}")
    polarity(world, "excess", "lower_is_better")
    world.rows("UPDATE gold.indicator_catalogue SET ranked = false WHERE indicator_code = 'excess'")
    place = world.municipality(1)
    for code, period in (
        ("deaths_total", "2019-12"),
        ("deaths_total", "2020-01"),
        ("excess", "2019"),
    ):
        world.fact(place, code, period, 7)
    world.refresh()
    ranked = world.rows("SELECT indicator_code, reference_period FROM gold.mv_territory_ranking")
    assert [tuple(row.values()) for row in ranked] == [("deaths_total", "2019-12")]
    shown = world.rows(
        "SELECT reference_period, value::int, rank FROM gold.mv_map_choropleth ORDER BY 1, 3"
    )
    assert [tuple(row.values()) for row in shown] == [
        ("2019", 7, None),
        ("2019-12", 7, 1),
        ("2020-01", 7, None),
    ]


@pytest.mark.row("X-08")
def test_two_sources_of_one_code_stand_beside_each_other_and_one_is_the_headline(
    world: World,
) -> None:
    first, second = world.municipality(1), world.municipality(2)
    world.facts([(first, "pop", "2019", 10), (second, "pop", "2019", 20)], source=("B", "censo"))
    world.fact(first, "pop", "2019", 11, source=("A", "estimativa"))
    world.fact(first, "pop", "2019", 4, source=("A", "censo"), category="mulheres")
    world.fact(first, "pop", "2018", 4, source=("A", "censo"), category="mulheres")
    world.refresh()
    world.refresh()  # CONCURRENTLY, where a key that is too short fails
    shown = world.rows(
        """SELECT territory_id, source, is_headline FROM gold.mv_map_choropleth
           WHERE reference_period = '2019' ORDER BY source, dataset, territory_id"""
    )
    assert [(r["territory_id"], r["source"], r["is_headline"]) for r in shown] == [
        (first, "A", False),
        (first, "A", False),
        (first, "B", True),
        (second, "B", True),
    ]
    # A category is shown only where there is no total.
    assert world.one(
        "SELECT is_headline FROM gold.mv_map_choropleth WHERE reference_period = '2018'"
    )


def test_what_a_source_published_stands_before_what_we_derived(world: World) -> None:
    place = world.municipality(1)
    for owner, value in ((MG, 10), (place, 4)):
        world.rows(
            """INSERT INTO gold.indicator_derived (territory_id, indicator_code, reference_period,
                   source, dataset, value, unit, method, run_id)
               VALUES (%s, 'pop', '2019', 'Fonte', 'tabela', %s, 'un', 'place_sums', %s)""",
            owner,
            value,
            world.newest_run,
        )
    world.fact(MG, "pop", "2019", 11)
    world.refresh()
    shown = world.rows("SELECT territory_id, value::int, method FROM gold.mv_map_choropleth")
    assert {tuple(row.values()) for row in shown} == {(MG, 11, None), (place, 4, "place_sums")}


def test_a_value_the_source_withheld_is_shown_as_withheld(world: World) -> None:
    world.fact(world.municipality(1), "pop", "2019", None)
    world.refresh()
    (row,) = world.rows("SELECT value, marker, rank FROM gold.mv_map_choropleth")
    assert row == {"value": None, "marker": "unavailable", "rank": None}


# --- refreshing ----------------------------------------------------------------------------------


@pytest.mark.row("T-064", "X-09")
def test_refresh_works_on_a_fresh_database_and_again_and_again(world: World) -> None:
    versions = [world.refresh() for _ in range(3)]
    assert versions == [versions[0], versions[0] + 1, versions[0] + 2]
    assert world.one("SELECT version FROM gold.data_version") == versions[-1]


@pytest.mark.row("T-064", "X-09")
@pytest.mark.parametrize("view", VIEWS)
def test_refresh_populates_a_view_that_never_was(world: World, view: str) -> None:
    world.fact(world.municipality(1), "x", "2019", 5)
    world.refresh()
    world.rows(f"REFRESH MATERIALIZED VIEW gold.{view} WITH NO DATA")
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        world.rows(f"REFRESH MATERIALIZED VIEW CONCURRENTLY gold.{view}")  # the fault is real
    for _ in range(2):
        world.refresh()
        assert world.one(f"SELECT count(*) FROM gold.{view}") > 0


@pytest.mark.row("T-065", "T-066", "T-067")
@pytest.mark.parametrize(
    "view", ["mv_territory_ranking", "mv_map_choropleth", "mv_territory_map_summary"]
)
def test_the_printed_concurrent_refresh_works(world: World, view: str) -> None:
    first = world.municipality(1)
    world.fact(first, "x", "2019", 5)
    world.refresh()
    second = world.municipality(2)
    world.facts([(second, "x", "2019", 6)])
    world.rows(f"REFRESH MATERIALIZED VIEW CONCURRENTLY gold.{view};")
    found = world.rows(f"SELECT territory_id FROM gold.{view}")
    assert {first, second} <= {row["territory_id"] for row in found}


@pytest.mark.row("T-069")
def test_views_show_what_was_loaded_only_after_a_refresh(world: World) -> None:
    place = world.municipality(1, square=(-44, -19, 1))
    world.fact(place, "x", "2019", 5)
    world.refresh()

    def shown() -> tuple[Any, Any, Any]:
        return (
            world.one("SELECT value::int FROM gold.mv_map_choropleth"),
            world.one("SELECT value::int FROM gold.mv_territory_ranking"),
            world.one(
                "SELECT name FROM gold.mv_territory_map_summary WHERE territory_id = %s", place
            ),
        )

    world.rows("UPDATE silver.fact_indicator SET value = 6")
    world.rows("UPDATE silver.dim_territory SET name = 'Novo' WHERE territory_id = %s", place)
    assert shown() == (5, 5, "Lugar 1")
    world.refresh()
    assert shown() == (6, 6, "Novo")


def test_a_refresh_tells_the_new_version_once_it_is_committed(world: World) -> None:
    with connect(autocommit=True) as listener, connect() as writer:
        listener.execute("LISTEN data_version")
        found = writer.execute("SELECT gold.refresh_materialized_views() AS version").fetchone()
        assert found is not None
        assert list(listener.notifies(timeout=0.2)) == []
        writer.commit()
        (told,) = listener.notifies(timeout=5, stop_after=1)
    assert told.payload == str(found["version"])


def test_a_refresh_that_fails_leaves_views_and_version_as_they_were(world: World) -> None:
    world.fact(world.municipality(1), "x", "2019", 5)
    before = world.refresh()
    world.rows("UPDATE silver.fact_indicator SET value = 6")
    refreshed_often = "SELECT gold.refresh_materialized_views() FROM generate_series(1, 50)"
    with connect() as connection:
        connection.execute("SET LOCAL statement_timeout = 100")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(refreshed_often)
    assert world.one("SELECT version FROM gold.data_version") == before
    assert world.one("SELECT value::int FROM gold.mv_map_choropleth") == 5


@contextmanager
def readers_watching() -> Iterator[list[tuple[float, int]]]:
    """A reader asks all three views again and again; (seconds, rows) of each answer."""
    answers: list[tuple[float, int]] = []
    stop = threading.Event()
    failures: list[BaseException] = []

    def read() -> None:
        try:
            with connect(autocommit=True) as connection:
                while not stop.is_set():
                    began = time.monotonic()
                    counts = [
                        connection.execute(f"SELECT count(*) AS n FROM gold.{v}").fetchone()["n"]
                        for v in VIEWS
                    ]
                    answers.append((time.monotonic() - began, counts[0]))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()
    assert failures == []


@pytest.mark.row("T-068")
def test_a_refresh_makes_no_reader_wait(world: World) -> None:
    places = world.many(200)
    world.facts((p, "x", str(y), n) for y in range(1900, 2000) for n, p in enumerate(places))
    world.refresh()
    world.facts((p, "x", "2000", n) for n, p in enumerate(places))

    with readers_watching() as answers:
        began = len(answers)
        world.refresh()
        during = answers[began:]
    assert len(during) > 3, "the refresh was over before anyone could have been kept waiting"
    assert max(seconds for seconds, _ in answers) < 1.0
    assert {rows for _, rows in answers} <= {20_000, 20_200}


@pytest.mark.row("T-068")
def test_the_reader_above_would_notice_a_refresh_that_blocks(world: World) -> None:
    world.refresh()
    with readers_watching() as answers, connect() as connection:
        connection.execute("REFRESH MATERIALIZED VIEW gold.mv_map_choropleth")  # the planted fault
        time.sleep(1.3)  # as long as a slow one would hold its lock
        connection.commit()
    assert max(seconds for seconds, _ in answers) >= 1.0


# --- indexes -------------------------------------------------------------------------------------


def index_definitions(world: World, table: str) -> list[str]:
    found = world.rows("SELECT indexdef FROM pg_indexes WHERE tablename = %s", table)
    return [row["indexdef"] for row in found]


def plan_of(world: World, question: str, *params: Any) -> str:
    """The plan PostgreSQL chooses by itself on up-to-date statistics."""
    world.rows("VACUUM ANALYZE")
    return "\n".join(
        row["QUERY PLAN"] for row in world.rows(f"EXPLAIN (COSTS OFF) {question}", *params)
    )


@pytest.mark.row("T-070", "T-071")
def test_the_geometry_has_a_gist_index_that_is_used(world: World) -> None:
    assert "USING gist (geometry)" in (SQL / "007_spatial_indexes.sql").read_text()
    assert any("USING gist (geometry)" in d for d in index_definitions(world, "dim_territory"))
    world.many(400)
    plan = plan_of(
        world,
        "SELECT territory_id FROM silver.dim_territory "
        "WHERE ST_Intersects(geometry, ST_SetSRID(ST_MakePoint(0.1, 0), 4674))",
    )
    assert "dim_territory_geometry_gist" in plan


@pytest.mark.row("T-072", "X-07")
@pytest.mark.parametrize(
    ("column", "part"), [("name", "diam"), ("name_search", "diam"), ("name", "Diam")]
)
def test_names_are_found_by_any_part_through_trigrams(world: World, column: str, part: str) -> None:
    definitions = index_definitions(world, "dim_territory")
    assert any(f"USING gin ({column} gin_trgm_ops)" in d for d in definitions)
    diamantina = world.municipality(1, name="Diamantina")
    world.municipality(2, name="Ouro Preto")
    question = f"SELECT territory_id FROM silver.dim_territory WHERE {column} ILIKE %s"
    with connect() as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        plan = connection.execute(f"EXPLAIN {question}", (f"%{part}%",)).fetchall()
        found = connection.execute(question, (f"%{part}%",)).fetchall()
    assert f"dim_territory_{column}_trgm" in str(plan)
    assert [row["territory_id"] for row in found] == [diamantina]


@pytest.mark.row("T-073")
def test_the_map_is_answered_from_indexes_alone(world: World) -> None:
    places = world.many(300)
    world.facts((p, "x", str(y), n) for y in range(1990, 2000) for n, p in enumerate(places))
    world.refresh()
    assert any("INCLUDE (value)" in d for d in index_definitions(world, "mv_map_choropleth"))
    assert any("INCLUDE (name, uf" in d for d in index_definitions(world, "dim_territory"))
    values = """SELECT territory_id, value FROM gold.mv_map_choropleth
        WHERE indicator_code = 'x' AND reference_period = '1995' AND level = 'municipality'
          AND is_headline"""
    plan = plan_of(world, values)
    assert "Index Only Scan using mv_map_choropleth_map" in plan
    assert "Sort" not in plan
    joined = plan_of(
        world,
        f"""SELECT t.name, v.value FROM ({values}) v
            JOIN silver.dim_territory t USING (territory_id) WHERE t.level = 'municipality'""",
    )
    assert joined.count("Index Only Scan") == 2
    assert "Seq Scan" not in joined


# --- the catalogue in the database ---------------------------------------------------------------


def test_the_catalogue_in_the_database_is_brought_to_the_file(world: World) -> None:
    polarity(world, "gone", "neutral")
    polarity(world, "area_km2", "lower_is_better")
    count = gold.sync_catalogue()
    found = {
        row["indicator_code"]: row for row in world.rows("SELECT * FROM gold.indicator_catalogue")
    }
    assert len(found) == count
    assert "gone" not in found
    assert found["area_km2"]["polarity"] == "neutral"
    assert found["deaths_total"]["unranked_years"] == ["2020"]
    assert found["fishers_professional"]["sum_rule"] == "reported"
    before = world.one("SELECT array_agg(xmin::text ORDER BY 1) FROM gold.indicator_catalogue")
    gold.sync_catalogue()
    after = world.one("SELECT array_agg(xmin::text ORDER BY 1) FROM gold.indicator_catalogue")
    assert before == after
