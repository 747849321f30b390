"""Gold as the API reads it: materialized views that say what silver says, and its ranks."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from tests.domains.territory.world import MG, RJ, RS, World

import atalaia.domains.territory
from atalaia.domains.territory import gold

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
