"""Light shapes on meshes small enough to see what becomes of each vertex."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from shapely import MultiPolygon, Polygon, box
from tests.domains.territory.world import MG, RJ, World

from atalaia.domains.territory import shapes
from atalaia.kernel.work.job import Job
from atalaia.kernel.work.runner import run_job

JOB = Job("shapes_again", "territory", "formas", shapes.build_shapes, lambda _run: {})


def wavy(x: float, south: float, north: float) -> list[tuple[float, float]]:
    """A border from south to north with a ripple far below the tolerance, and coordinates longer
    than two decimals."""
    steps = np.linspace(south, north, 60)
    return [(x + 0.004 * np.sin(40 * y) + 0.00137, float(y)) for y in steps]


def neighbours() -> list[Any]:
    """Two places that share a rippled border."""
    border = wavy(1, 0, 2)
    west = Polygon([(0.001, 0), *border, (0.001, 2)])
    east = Polygon([(2.006, 0), (2.006, 2), *reversed(border)])
    return [west, east]


def light(*full: Any) -> list[Any]:
    return list(shapes.simplify(shapes.clean(np.array(full))))


@pytest.mark.row("T-062")
def test_a_shared_border_loses_its_ripple_and_stays_shared() -> None:
    full = neighbours()
    west, east = light(*full)
    assert shapely.coverage_is_valid([west, east])
    assert west.intersection(east).length == pytest.approx(2, abs=0.05)
    for before, after in zip(full, (west, east), strict=True):
        assert after.is_valid
        assert shapely.get_num_coordinates(after) < shapely.get_num_coordinates(before) / 5
        coordinates = shapely.get_coordinates(after)
        assert np.array_equal(coordinates, np.round(coordinates, 2))


def test_gaps_between_neighbours_are_closed_and_overlaps_given_to_one() -> None:
    west, east = box(0, 0, 1, 1), box(1.002, 0, 2, 1)
    above = box(0, 0.9995, 2, 2)
    first = light(west, east, above)
    assert shapely.coverage_is_valid(first)
    assert shapely.coverage_union_all(first).area == pytest.approx(4, abs=0.01)
    assert len(shapely.coverage_union_all(first).interiors) == 0


@pytest.mark.row("T-062")
def test_a_place_smaller_than_the_grid_is_drawn_finer_than_the_others() -> None:
    speck = box(0.4012, 0.4013, 0.4087, 0.4081)  # under a cell of two decimals
    around = box(0, 0, 1, 1).difference(speck)
    drawn, ring = light(speck, around)
    assert drawn.is_valid
    assert 0.7 < drawn.area / speck.area < 1.4
    assert shapely.coverage_is_valid([drawn, ring])
    far = shapely.get_coordinates(ring.geoms[0].exterior)
    assert np.array_equal(far, np.round(far, 2))  # its neighbour pays only where they meet


def test_specks_far_below_sight_go_but_never_a_whole_place() -> None:
    archipelago = MultiPolygon([box(0, 0, 1, 1), box(3, 3, 3.0004, 3.0004)])
    islet = box(5, 5, 5.0004, 5.0004)
    kept, alone = light(archipelago, islet)
    assert len(kept.geoms) == 1
    assert not alone.is_empty
    assert alone.area > 0


def test_a_hole_that_is_an_enclave_stays() -> None:
    enclave = box(0.4, 0.4, 0.6, 0.6)
    around = box(0, 0, 1, 1).difference(enclave)
    inner, outer = light(enclave, around)
    assert len(outer.geoms[0].interiors) == 1
    assert inner.intersection(outer).area == 0


def test_wholes_are_dissolved_along_the_same_borders() -> None:
    drawn = np.array(light(*neighbours(), box(3, 0, 4, 1)))
    wholes = shapes.dissolve(drawn, ["31", "31", "33"])
    assert set(wholes) == {"31", "33", "BR"}
    assert wholes["31"].area == pytest.approx(drawn[0].area + drawn[1].area)
    assert {shape.geom_type for shape in wholes.values()} == {"MultiPolygon"}
    assert len(wholes["BR"].geoms) == 2


# --- in the database -----------------------------------------------------------------------------


@pytest.fixture
def world(database: str) -> World:
    return World()


def build() -> dict[str, Any]:
    result = run_job(JOB, reference_period="2007")
    assert result["run_status"] == "success", result["error"]
    step: dict[str, Any] = result["steps"][0]
    return step


def shown(world: World, place: str) -> tuple[Any, ...]:
    """(west end, shares its borders) of a place on the map."""
    (row,) = world.rows(
        """SELECT ST_XMin(geometry) AS west, shares_borders
           FROM gold.mv_territory_map_summary WHERE territory_id = %s""",
        place,
    )
    return tuple(row.values())


def test_shapes_are_made_once_and_again_only_when_a_mesh_changes(world: World) -> None:
    first = world.municipality(1, square=(-44, -19, 1))
    world.municipality(2, square=(-43, -19, 1))
    unmapped = world.municipality(3)
    assert "unchanged" not in build()
    versions = "SELECT array_agg(xmin::text ORDER BY territory_id) FROM gold.territory_shape"
    before = world.one(versions)
    assert build()["unchanged"] is True
    assert world.one(versions) == before
    world.refresh()
    assert shown(world, first) == (-44, True)
    assert shown(world, unmapped) == (None, False)

    world.mesh(first, -45, -19, 2)
    world.refresh()  # the stored shape is of the mesh before: it does not stand for the new one
    assert shown(world, first) == (-45, False)
    assert "unchanged" not in build()
    world.refresh()
    assert shown(world, first) == (-45, True)


def test_a_mesh_that_is_gone_takes_its_shape_along(world: World) -> None:
    world.municipality(1, square=(-44, -19, 1))
    gone = world.municipality(2, square=(-43, -19, 1))
    build()
    world.rows(
        "UPDATE silver.dim_territory SET geometry = NULL, mesh_year = NULL WHERE territory_id = %s",
        gone,
    )
    build()
    left = world.rows("SELECT territory_id FROM gold.territory_shape ORDER BY 1")
    assert gone not in {row["territory_id"] for row in left}


def test_states_and_country_are_stored_without_water(world: World) -> None:
    world.municipality(1, MG, square=(-44, -19, 1))
    world.municipality(2, MG, square=(-43, -19, 1))
    world.municipality(1, RJ, square=(-44, -20, 1))
    world.municipality(2, RJ, square=(-43, -20, 1), kind="water")
    build()
    world.refresh()
    found = world.rows(
        """SELECT territory_id, round(ST_Area(geometry))::int AS area,
                  ST_NumGeometries(geometry) AS n
           FROM gold.mv_territory_map_summary WHERE level <> 'municipality'
             AND geometry IS NOT NULL"""
    )
    assert {(r["territory_id"], r["area"], r["n"]) for r in found} == {
        (MG, 2, 1),
        (RJ, 1, 1),
        ("BR", 3, 1),
    }


def test_a_place_drawn_wholly_inside_its_neighbour_is_still_shown(world: World) -> None:
    world.municipality(1, square=(-44, -19, 1))
    inside = world.municipality(2, square=(-43.8, -18.8, 0.2))
    build()
    world.refresh()
    assert shown(world, inside)[0] is not None
    assert world.one(
        "SELECT bool_and(ST_IsValid(geometry) AND NOT ST_IsEmpty(geometry)) "
        "FROM gold.mv_territory_map_summary"
    )
