"""ibge_geometries: the mesh from the API and from the bundled shapefile, cleaned and in one CRS."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely import MultiPolygon, Polygon, box
from tests.domains.territory.conftest import Territory
from tests.sources import server as faults
from tests.sources.ibge import ISLANDS, LAGOONS, MUNICIPALITIES, IbgeServer
from tests.sources.server import Fault, edited, encoded, status

from atalaia.domains.territory.sources import ibge_admin
from atalaia.domains.territory.sources.ibge_geometries import CONNECTOR, MALHAS, clean, run
from atalaia.kernel.domain import connector_job
from atalaia.kernel.work.runner import as_function

MESH = [f"municipal_mesh_{suffix}" for suffix in ("shp", "shx", "dbf", "prj", "xml")]
# The whole bundled mesh takes a while to simplify for the map, which is not what is tested here.
run_without_shapes = as_function(
    connector_job(CONNECTOR, domain="territory", title="", wave="", period_kind="year")
)


@pytest.fixture
def admin(territory: Territory, ibge: IbgeServer) -> IbgeServer:
    """IBGE, once the dimension knows its municipalities."""
    ibge_admin.run(reference_period="2025")
    ibge.hits.clear()
    return ibge


def test_the_api_gives_each_municipality_its_mesh(territory: Territory, admin: IbgeServer) -> None:
    result = run(reference_period="2024")
    assert (result["error"], result["source_type"]) == (None, "api")
    assert result["rows_read"] == result["rows_loaded"] == len(MUNICIPALITIES) + len(LAGOONS)
    (hit,) = admin.hits
    assert hit.path == "/api/v3/malhas/paises/BR"
    assert hit.query == {
        "intrarregiao": "municipio",
        "formato": "application/vnd.geo+json",
        "qualidade": "intermediaria",
        "periodo": "2024",
    }
    (kept,) = territory.rows(
        """SELECT count(*) AS n, bool_and(ST_SRID(geometry) = 4674) AS srid,
                  bool_and(GeometryType(geometry) = 'MULTIPOLYGON') AS multi,
                  bool_and(ST_IsValid(geometry)) AS valid,
                  bool_and(ST_IsPolygonCCW(geometry)) AS counter_clockwise,
                  bool_and(mesh_year = 2024 AND source = 'IBGE' AND dataset = 'malhas_v3') AS said
           FROM silver.dim_territory_geometry"""
    )
    assert kept == {
        "n": len(MUNICIPALITIES) + len(LAGOONS),
        **dict.fromkeys(("srid", "multi", "valid", "counter_clockwise", "said"), True),
    }
    parts = territory.rows(
        "SELECT territory_id, ST_NumGeometries(geometry) AS parts FROM silver.dim_territory "
        "WHERE mesh_year = 2024 AND ST_NumGeometries(geometry) > 1"
    )
    assert parts == [{"territory_id": ISLANDS, "parts": 2}]
    # coordinates are SIRGAS 2000 as they come: nothing is moved
    place = "SELECT ST_XMin(geometry) AS x FROM silver.dim_territory WHERE territory_id = '3121605'"
    assert territory.rows(place)[0]["x"] == -70 + 31 / 2


def test_a_municipality_the_mesh_lacks_is_told(territory: Territory, admin: IbgeServer) -> None:
    del admin.names["5101837"]
    result = run(reference_period="2024")
    assert any(
        warning == "Sem malha: 1 município(s): Boa Esperança do Norte/MT."
        for warning in result["warnings"]
    )
    without = territory.rows(
        "SELECT territory_id FROM silver.dim_territory "
        "WHERE level = 'municipality' AND geometry IS NULL"
    )
    assert without == [{"territory_id": "5101837"}]


def test_the_newest_mesh_stands_on_the_territory(territory: Territory, admin: IbgeServer) -> None:
    run(reference_period="2024")
    moved = edited(lambda body: body.replace(b"-54.5", b"-54.4"))
    admin.misbehave(moved, times=1)
    older = run(reference_period="2010")  # an older mesh comes later
    assert older["rows_inserted"] == len(MUNICIPALITIES) + len(LAGOONS)
    years = "SELECT DISTINCT mesh_year FROM silver.dim_territory WHERE level = 'municipality'"
    assert territory.rows(years) == [{"mesh_year": 2024}]
    admin.misbehave(moved, times=1)
    again = run(reference_period="2024", force=True)  # IBGE corrected the newest
    assert again["rows_updated"] > 0
    (same,) = territory.rows(
        """SELECT bool_and(t.geometry = g.geometry) AS same
           FROM silver.dim_territory t JOIN silver.dim_territory_geometry g
           USING (territory_id, mesh_year)"""
    )
    assert same == {"same": True}


@pytest.mark.row("T-026")
def test_a_second_run_changes_nothing(territory: Territory, admin: IbgeServer) -> None:
    run(reference_period="2024")
    before = territory.rows("SELECT * FROM silver.dim_territory_geometry ORDER BY 1")
    again = run(reference_period="2024", force=True)
    counted = ("rows_inserted", "rows_updated", "rows_deleted")
    assert [again[name] for name in counted] == [0, 0, 0]
    assert territory.rows("SELECT * FROM silver.dim_territory_geometry ORDER BY 1") == before


def test_the_mesh_waits_for_its_municipalities(territory: Territory, ibge: IbgeServer) -> None:
    result = run(reference_period="2024")
    assert result["run_status"] == "failed"
    assert "ibge_admin" in result["error"]


# The bundled mesh.


def test_the_bundled_shapefile(territory: Territory, offline: None) -> None:
    territory.bundled("dtb", *MESH)
    ibge_admin.run(reference_period="2024", max_retries=1)
    result = run_without_shapes(reference_period="2007", max_retries=1)
    assert (result["error"], result["source_type"]) == (None, "bronze_cache")
    assert {found["dataset"] for found in result["bronze"]} == set(MESH[:4])
    assert result["rows_read"] == result["rows_loaded"] == 5566
    (count,) = territory.rows(
        """SELECT count(*) FILTER (WHERE kind = 'land' AND geometry IS NOT NULL) AS land,
                  count(*) FILTER (WHERE kind = 'water' AND geometry IS NOT NULL) AS water,
                  count(*) FILTER (WHERE geometry IS NOT NULL AND
                      NOT (ST_IsValid(geometry) AND ST_IsPolygonCCW(geometry))) AS bad,
                  sum(ST_Area(geometry::geography)) / 1e6 AS km2
           FROM silver.dim_territory WHERE level = 'municipality'"""
    )
    assert (count["land"], count["water"], count["bad"]) == (5564, 2, 0)
    assert count["km2"] == pytest.approx(8_515_400, rel=2e-5)  # IBGE: 8,510,418 and the lagoons
    without = territory.rows(
        "SELECT territory_id FROM silver.dim_territory WHERE level = 'municipality' "
        "AND geometry IS NULL ORDER BY 1"
    )
    assert [row["territory_id"] for row in without] == (
        "1504752 2206720 4212650 4220000 4314548 5006275 5101837".split()  # noqa: SIM905
    )
    _was_moved(territory)
    _has_its_enclaves(territory)


def _was_moved(territory: Territory) -> None:
    """SAD69 → SIRGAS 2000 is some seventy metres; PostGIS' own transformation agrees."""
    (found,) = territory.rows(
        """SELECT ST_X(moved) AS x, ST_Y(moved) AS y
           FROM ST_Transform(ST_SetSRID(ST_MakePoint(-43.6, -18.2), 4618), 4674) AS moved"""
    )
    assert (found["x"], found["y"]) == pytest.approx((-43.60041, -18.20047), abs=2e-5)
    corner = territory.rows(
        "SELECT ST_XMin(geometry) AS x, ST_YMin(geometry) AS y FROM silver.dim_territory "
        "WHERE territory_id = '3121605'"
    )[0]
    raw = _raw_corner(territory, 3121605)
    assert corner["x"] - raw[0] == pytest.approx(-0.00041, abs=3e-5)
    assert corner["y"] - raw[1] == pytest.approx(-0.00047, abs=3e-5)


def _raw_corner(territory: Territory, code: int) -> tuple[float, float]:
    """West and south of a municipality in the shapefile's own bytes."""
    import pyogrio

    from atalaia.kernel.base.settings import settings

    files = territory.rows("SELECT dataset, path FROM bronze.manifest WHERE package IS NOT NULL")
    folder = settings().data_dir / "raw"
    folder.mkdir()
    for file in files:
        suffix = file["dataset"].removeprefix("municipal_mesh_")
        (folder / f"m.{suffix}").symlink_to(settings().data_dir / file["path"])
    _, _, wkb, _ = pyogrio.raw.read(folder / "m.shp", where=f"GEOCODIG_M = {code}")
    west, south, _, _ = shapely.from_wkb(wkb[0]).bounds
    return west, south


def _has_its_enclaves(territory: Territory) -> None:
    """Holes that are municipalities stay; holes that are gaps of the drawing are closed."""
    holes = territory.rows(
        """SELECT territory_id FROM silver.dim_territory
           WHERE ST_NRings(geometry) > ST_NumGeometries(geometry) ORDER BY 1"""
    )
    assert [row["territory_id"] for row in holes] == ["3550407", "4314407", "5003207", "5213103"]


# What the source may do wrong.


def replaced(old: bytes, new: bytes) -> Fault:
    return edited(lambda body: body.replace(old, new))


@pytest.mark.row("R-018")
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (status(500), ("blocked", "source_failed")),
        (status(404), ("blocked", "not_published")),
        (faults.html, ("blocked", "source_failed")),
        (faults.half_body, ("blocked", "source_failed")),
        (faults.half_body_unannounced, ("blocked", "source_failed")),
        (faults.reset, ("blocked", "source_failed")),
        (edited(lambda _body: b'{"erro": "x"}'), ("blocked", "source_failed")),
        (edited(lambda body: body.replace(b"codarea", b"CD_MUN")), ("failed", "we_failed")),
        (
            edited(lambda body: body.replace(b'"codarea"', b'"a":1,"codarea"')),
            ("failed", "we_failed"),
        ),
        (encoded("utf-16"), ("blocked", "source_failed")),
    ],
)
def test_a_source_that_misbehaves_loads_nothing(
    territory: Territory, admin: IbgeServer, fault: Fault, outcome: tuple[str, str]
) -> None:
    admin.misbehave(fault)
    result = run(reference_period="2024", max_retries=1)
    assert (result["run_status"], result["verdict"]) == outcome
    assert territory.count("SELECT count(*) FROM silver.dim_territory_geometry") == 0


def _with_geometry(code: str, geometry: dict[str, Any] | None) -> Fault:
    def edit(body: bytes) -> bytes:
        collection = json.loads(body)
        for feature in collection["features"]:
            if feature["properties"]["codarea"] == code:
                feature["geometry"] = geometry
        return json.dumps(collection).encode()

    return edited(edit)


BOWTIE = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}
LINE = {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}
FLAT = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0], [0, 0]]]}


def test_a_polygon_that_crosses_itself_is_mended(territory: Territory, admin: IbgeServer) -> None:
    admin.misbehave(_with_geometry("3121605", BOWTIE), times=1)
    assert run(reference_period="2024")["rows_rejected"] == 0
    (row,) = territory.rows(
        "SELECT ST_IsValid(geometry) AS valid, ST_Area(geometry) AS area "
        "FROM silver.dim_territory WHERE territory_id = '3121605'"
    )
    assert row == {"valid": True, "area": 2.0}


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [(None, "geometry: vazio"), (LINE, "geometria sem área"), (FLAT, "geometria sem área")],
)
def test_what_has_no_area_is_put_aside(
    territory: Territory,
    admin: IbgeServer,
    geometry: dict[str, Any] | None,
    reason: str,
) -> None:
    admin.misbehave(_with_geometry("3121605", geometry), times=1)
    result = run(reference_period="2024")
    assert (result["run_status"], result["rows_rejected"]) == ("success", 1)
    (letter,) = territory.dead()
    assert (letter["reason"], letter["payload"]["codarea"]) == (reason, "3121605")


def test_a_code_nobody_knows_is_put_aside(territory: Territory, admin: IbgeServer) -> None:
    admin.misbehave(replaced(b"3121605", b"3199999"), times=1)
    assert run(reference_period="2024")["rows_rejected"] == 1
    (letter,) = territory.dead()
    assert letter["reason"].startswith("território que dim_territory não conhece")
    assert letter["payload"]["codarea"] == "3199999"


def test_the_same_polygon_twice_is_loaded_once(territory: Territory, admin: IbgeServer) -> None:
    def doubled(body: bytes) -> bytes:
        collection = json.loads(body)
        collection["features"].append(collection["features"][0])
        return json.dumps(collection).encode()

    admin.misbehave(edited(doubled), times=1)
    result = run(reference_period="2024")
    assert (result["run_status"], result["rows_duplicate"]) == ("success", 1)


# Cleaning.

UNIT = box(0, 0, 1, 1)
GAP = box(0.5, 0.5, 0.505, 0.505)  # 0.3 km² at the equator
ENCLAVE = box(0.2, 0.2, 0.25, 0.25)  # 31 km²


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (UNIT, MultiPolygon([UNIT])),
        (UNIT.reverse(), MultiPolygon([UNIT])),
        (MultiPolygon([UNIT, box(2, 0, 3, 1)]), MultiPolygon([UNIT, box(2, 0, 3, 1)])),
        (UNIT.difference(GAP), MultiPolygon([UNIT])),
        (UNIT.difference(ENCLAVE), MultiPolygon([UNIT.difference(ENCLAVE)])),
        (
            Polygon([(0, 0), (2, 2), (2, 0), (0, 2)]),
            MultiPolygon([Polygon([(0, 0), (1, 1), (0, 2)]), Polygon([(2, 0), (2, 2), (1, 1)])]),
        ),
        (
            Polygon([(0, 0), (1, 0), (1, 1), (1, 2), (1, 1), (0, 1)]),  # with a spike
            MultiPolygon([UNIT]),
        ),
    ],
)
def test_clean(given: Any, expected: MultiPolygon) -> None:
    cleaned = clean(given)
    assert cleaned.equals(expected)
    assert cleaned.geom_type == "MultiPolygon"
    assert all(part.exterior.is_ccw for part in cleaned.geoms)
    assert not any(ring.is_ccw for part in cleaned.geoms for ring in part.interiors)


def test_a_line_is_nothing() -> None:
    assert clean(shapely.LineString([(0, 0), (1, 1)])) is None


# A real payload: from an older publication whose features have names, so not the API's format.


def test_features_with_names_are_not_the_apis(
    territory: Territory, admin: IbgeServer, payloads: Path
) -> None:
    body = (payloads / "ibge_malhas" / "geodata-br_geojs-31-mun__3munis.geojson").read_bytes()
    admin.misbehave(edited(lambda _old: body), times=1)
    result = run(reference_period="2024")
    assert result["run_status"] == "failed"
    assert "description, id, name" in result["error"]


def test_real_polygons(territory: Territory, admin: IbgeServer, payloads: Path) -> None:
    body = (payloads / "ibge_malhas" / "geodata-br_geojs-31-mun__3munis.geojson").read_bytes()
    features = json.loads(body)["features"]
    codes = [feature["properties"]["id"] for feature in features]
    for feature in features:
        feature["properties"] = {"codarea": feature["properties"]["id"]}
    admin.misbehave(status(500))
    territory.rows(
        "INSERT INTO silver.dim_territory (territory_id, level, name, uf, parent_id) "
        "SELECT code, 'municipality', code, 'MG', '31' FROM unnest(%s::text[]) AS code "
        "ON CONFLICT DO NOTHING",
        codes,
    )
    territory.by_hand(
        "2020", MALHAS, "x.geojson", {"type": "FeatureCollection", "features": features}
    )
    result = run(reference_period="2020")
    assert (result["error"], result["source_type"]) == (None, "manual")
    areas = territory.rows(
        "SELECT territory_id, ST_Area(geometry::geography) / 1e6 AS km2, ST_IsValid(geometry) AS v "
        "FROM silver.dim_territory WHERE mesh_year = 2020"
    )
    assert {row["territory_id"] for row in areas} == set(codes)
    assert all(row["v"] for row in areas)
    horizonte = next(row["km2"] for row in areas if row["territory_id"] == "3106200")
    assert horizonte == pytest.approx(331, rel=0.02)  # IBGE's area of Belo Horizonte, in km²
