"""The indexes maps and searches stand on: there, and chosen by PostgreSQL itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.domains.territory.world import World

import atalaia.domains.territory
from atalaia.kernel.base.database import connect

SQL = Path(atalaia.domains.territory.__file__).parent / "db" / "sql"


@pytest.fixture
def world(database: str) -> World:
    return World()


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
