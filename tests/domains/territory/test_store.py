"""The SQL itself: ready JSON that holds what the tables hold, answered from an index."""

from __future__ import annotations

import json

import pytest
from tests.domains.territory.world import World

from atalaia.domains.territory import store


@pytest.fixture
def world(database: str) -> World:
    return World()


def test_the_text_made_in_sql_is_json_whatever_the_values_are(world: World) -> None:
    places = world.many(5)
    given = dict(zip(places, (0, -3.5, 123456789.25, None, 1e-9), strict=True))
    for place, value in given.items():
        world.fact(place, "area_km2", "2007", value)
    version = world.refresh()
    found = store.choropleth("area_km2", "2007", "municipality", None)
    items = json.loads(found["items"])
    assert {item["territory_id"]: item["value"] for item in items} == given
    assert [item["territory_id"] for item in items] == sorted(given)
    assert (found["count"], found["version"]) == (5, version)
    rounded = json.loads(store.choropleth("area_km2", "2007", "municipality", 1)["items"])
    assert [item["value"] for item in rounded] == [0, -3.5, 123456789.3, None, 0]


def test_both_ways_to_ask_for_a_map_say_the_same(world: World) -> None:
    for n, place in enumerate(world.many(3)):
        world.fact(place, "area_km2", "2007", n + 0.25)
    world.refresh()
    plain = store.choropleth("area_km2", "2007", "municipality", 1)
    noted = store.choropleth_with_notes("area_km2", "2007", "municipality", 1)
    assert json.loads(plain["items"]) == json.loads(noted["items"])
    assert plain["count"] == noted["count"]


def test_a_map_is_answered_from_an_index_alone(world: World) -> None:
    places = world.many(2000)
    for period in ("2015", "2016", "2017"):
        world.facts([(place, "deaths_total", period, 1) for place in places])
    world.refresh()
    world.rows("VACUUM (ANALYZE) gold.mv_map_choropleth")
    plan = json.dumps(
        world.rows(
            """EXPLAIN (FORMAT JSON)
               SELECT territory_id, value FROM gold.mv_map_choropleth
               WHERE indicator_code = 'deaths_total' AND reference_period = '2016'
                 AND level = 'municipality'::silver.territory_level AND is_headline
               ORDER BY territory_id"""
        )
    )
    assert "Index Only Scan" in plan
    assert "Sort" not in plan


def test_names_with_signs_survive_the_compact_list(world: World) -> None:
    odd = 'Olhos-d\'Água "do" \\ Norte\tção'
    world.municipality(1, name=odd)
    ((_, name, uf, has_mesh),) = json.loads(store.territory_index("municipality"))
    assert (name, uf, has_mesh) == (odd, "MG", False)


def test_a_state_has_a_mesh_when_it_was_dissolved_from_its_parts(world: World) -> None:
    def states() -> dict[str, bool]:
        return {row[0]: row[3] for row in json.loads(store.territory_index("state"))}

    assert states() == {"31": False, "33": False, "43": False}
    world.rows(
        """INSERT INTO gold.territory_shape (territory_id, tolerance, method, geometry)
           VALUES ('31', 0.1, 1, ST_Multi(ST_MakeEnvelope(-50, -20, -40, -15, 4674)))"""
    )
    assert states() == {"31": True, "33": False, "43": False}
    assert store.territory("31")["has_mesh"] is True  # type: ignore[index]
    listed = json.loads(store.territories(level="state", uf=None, q=None, limit=9, offset=0))
    assert {one["territory_id"] for one in listed["items"] if one["has_mesh"]} == {"31"}


def test_search_never_reads_signs_as_wildcards(world: World) -> None:
    world.municipality(1, name="Cem por Cento")
    for typed in ("%", "_", "%%", "\\", "'", "c_m"):
        found = json.loads(store.territories(level=None, uf=None, q=typed, limit=9, offset=0))
        assert found["items"] == [], typed
