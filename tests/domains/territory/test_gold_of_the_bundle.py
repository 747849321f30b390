"""Gold made from the real bundled data: the figures people will see, worked out again in Python,
and the shapes they will be drawn on."""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from typing import Any

import polars as pl
import pytest
import shapely
from pyproj import Geod
from tests.domains.territory.world import World, months

from atalaia.domains.territory import bundle
from atalaia.domains.territory.indicators import catalogue
from atalaia.kernel.base.database import connect

pytestmark = pytest.mark.timeout(600)

YEARS = range(2015, 2021)
WINDOW = {m for year in YEARS for m in months(year, 1, 4)}


class Bundle(World):
    """The loaded bundle: what a World reads, nothing written."""

    def __init__(self) -> None:
        pass


@pytest.fixture(scope="module")
def real(bundled_database: str) -> Bundle:
    return Bundle()


@pytest.fixture(scope="module")
def raw() -> pl.DataFrame:
    """The six files of deaths as their source published them."""
    files = [r for r in bundle.resources() if r.dataset == "deaths"]
    assert len(files) == len(YEARS)
    return pl.concat(pl.read_csv(bundle.read_raw(r)) for r in files)


def excess_of(deaths: dict[Any, dict[str, float]]) -> tuple[int, float]:
    """(how many units report the whole window, their excess in percent): one unit at a time."""
    complete = [by_month for by_month in deaths.values() if set(by_month) >= WINDOW]
    total: Counter[int] = Counter()
    for by_month in complete:
        for month in WINDOW:
            total[int(month[:4])] += by_month[month]
    baseline = sum(total[year] for year in range(2015, 2020)) / 5
    return len(complete), 100 * (total[2020] / baseline - 1)


def deaths_in_silver(real: Bundle) -> dict[str, dict[str, float]]:
    deaths: dict[str, dict[str, float]] = defaultdict(dict)
    for row in real.rows(
        """SELECT territory_id, reference_period, value FROM silver.fact_indicator
           WHERE indicator_code = 'deaths_total'"""
    ):
        deaths[row["territory_id"]][row["reference_period"]] = float(row["value"])
    return deaths


# --- deaths --------------------------------------------------------------------------------------


def test_the_excess_is_of_1217_municipalities_together_minus_0_78_percent(real: Bundle) -> None:
    excess = real.derived("deaths_excess_jan_apr")
    places = {place for place, _ in excess if len(place) == 7}
    count, together = excess_of(deaths_in_silver(real))
    assert len(places) == count == 1217
    country = excess["BR", "2020"]
    assert float(country["value"]) == pytest.approx(together, abs=1e-3)
    assert round(together, 2) == -0.78
    assert float(country["baseline"]) == pytest.approx(272_558.6)
    assert float(country["coverage"]) == pytest.approx(1217 / 5570, abs=1e-3)
    for words in (
        "seis anos: 1.217 de 5.57",
        "68 % dos óbitos",
        "Sem o Rio de Janeiro",
        "dá +4,8 %",
    ):
        assert words in country["note"]


def test_the_1227_of_the_plan_are_names_with_the_false_blocks_let_in(raw: pl.DataFrame) -> None:
    """Decision 0001: the Federal District is ten names, and one name is complete by a false row."""
    by_name: dict[Any, dict[str, float]] = defaultdict(dict)
    for row in raw.iter_rows(named=True):
        month = f"{row['year']}-{row['month']:02}"
        by_name[row["state"], row["city"]][month] = row["deaths"]
    count, together = excess_of(by_name)
    assert count == 1227
    assert round(together, 1) == -0.8


def test_each_municipalitys_excess_is_that_of_its_own_months(real: Bundle) -> None:
    deaths = deaths_in_silver(real)
    excess = real.derived("deaths_excess_jan_apr")
    checked = 0
    for (place, _), row in excess.items():
        if len(place) == 7:
            _, expected = excess_of({place: deaths[place]})
            assert float(row["value"]) == pytest.approx(expected, abs=1e-3)
            checked += 1
    assert checked == 1217


def test_the_naive_eleven_percent_is_nowhere_as_a_value(real: Bundle, raw: pl.DataFrame) -> None:
    by_year = dict(raw.filter(pl.col("month") <= 4).group_by("year").agg(pl.sum("deaths")).rows())
    naive = 100 * (by_year[2020] / (sum(by_year[year] for year in range(2015, 2020)) / 5) - 1)
    assert round(naive) == 11
    for table in ("gold.indicator_derived", "gold.mv_map_choropleth", "gold.mv_territory_ranking"):
        near = real.rows(
            f"""SELECT * FROM {table} WHERE territory_id = 'BR'
                AND indicator_code LIKE 'deaths%%' AND value BETWEEN 5 AND 15"""
        )
        assert near == []


def test_2020_has_no_annual_total_and_no_rank(real: Bundle) -> None:
    assert (
        real.one(
            "SELECT count(*) FROM gold.mv_map_choropleth WHERE indicator_code = 'deaths_total' "
            "AND reference_period = '2020'"
        )
        == 0
    )
    assert (
        real.one(
            "SELECT count(*) FROM gold.mv_territory_ranking WHERE indicator_code LIKE 'deaths%%' "
            "AND reference_period LIKE '2020%%'"
        )
        == 0
    )
    assert (
        real.one(
            "SELECT count(*) FROM gold.mv_map_choropleth WHERE indicator_code = 'deaths_total' "
            "AND reference_period = '2020-04' AND level = 'municipality'"
        )
        == 4122
    )


def test_annual_totals_are_of_twelve_months(real: Bundle) -> None:
    deaths = deaths_in_silver(real)
    expected = {}
    for place, by_month in deaths.items():
        for year in range(2015, 2020):
            values = [by_month[m] for m in months(year) if m in by_month]
            if len(values) == 12:
                expected[place, str(year)] = sum(values)
    found = {
        key: float(row["value"])
        for key, row in real.derived("deaths_total").items()
        if len(key[0]) == 7
    }
    assert found == expected
    assert Counter(year for _, year in found) == {
        "2015": 1530,
        "2016": 1805,
        "2017": 1969,
        "2018": 2574,
        "2019": 2533,
    }


def test_the_whole_country_has_its_places_and_holes(real: Bundle) -> None:
    area = real.derived("area_km2")
    mesh = real.rows(
        """SELECT ST_AsBinary(g.geometry) AS wkb FROM silver.dim_territory_geometry g
           JOIN silver.dim_territory t USING (territory_id) WHERE t.kind = 'land'"""
    )
    ellipsoid = Geod(ellps="GRS80")
    land = sum(
        abs(ellipsoid.geometry_area_perimeter(shapely.from_wkb(bytes(row["wkb"])))[0])
        for row in mesh
    )
    assert float(area["BR", "2007"]["value"]) == pytest.approx(land / 1e6, abs=0.1)
    assert float(area["3121605", "2007"]["value"]) == pytest.approx(3880.1, abs=0.1)
    assert real.derived("indigenous_villages")["BR", "2025"]["value"] == 4371
    assert real.derived("fishers_professional")["BR", "2025"]["value"] == 1_741_486
    without_mesh = {place for place, _ in real.missing("area_km2")}
    assert without_mesh == {
        "1504752",
        "2206720",
        "4212650",
        "4220000",
        "4314548",
        "5006275",
        "5101837",
    }
    assert real.missing("deaths_total")["43", "2019-02"][1] == "source_failed"


# --- classes -------------------------------------------------------------------------------------

DRAWN = [
    (entry.code, level, kind)
    for entry in catalogue().indicators.values()
    if not entry.code.startswith("population")  # nothing of it is bundled
    for level, kinds in entry.classes.items()
    for kind in kinds
]


@pytest.mark.parametrize(("code", "level", "kind"), DRAWN)
def test_class_edges_hold_every_value_and_share_them_out(
    real: Bundle, code: str, level: str, kind: str
) -> None:
    entry = catalogue().indicator(code)
    edges = entry.classes[level][kind]
    found = real.rows(
        """SELECT reference_period, value::float8 FROM gold.mv_map_choropleth
           WHERE indicator_code = %s AND level = %s AND value IS NOT NULL""",
        code,
        level,
    )
    values = [r["value"] for r in found if entry.kind_of(r["reference_period"]) == kind]
    assert len(values) > 20
    assert edges[0] <= min(values)
    assert max(values) <= edges[-1]
    share: Counter[int] = Counter()
    for value in values:
        inner = [edge for edge in edges[1:-1] if value >= edge]
        share[len(inner)] += 1
    assert set(share) == set(range(len(edges) - 1)), "a class nobody is in"
    if entry.scale == "sequential":
        assert max(share.values()) < 0.4 * len(values), "a class most are in"


# --- shapes --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn(real: Bundle) -> dict[str, Any]:
    """The light shapes of the municipalities and lagoons."""
    with connect() as connection:
        rows = connection.execute(
            """SELECT territory_id, ST_AsBinary(geometry) AS wkb FROM gold.mv_territory_map_summary
               WHERE level = 'municipality' AND geometry IS NOT NULL ORDER BY 1"""
        ).fetchall()
    return {row["territory_id"]: shapely.from_wkb(bytes(row["wkb"])) for row in rows}


@pytest.mark.row("T-062")
def test_every_shape_is_valid_light_and_there(real: Bundle, drawn: dict[str, Any]) -> None:
    assert len(drawn) == 5566
    assert not [code for code, shape in drawn.items() if shape.is_empty or shape.area == 0]
    found = real.rows(
        """SELECT count(*) AS all, count(*) FILTER (WHERE ST_IsValid(s.geometry)) AS valid,
                  count(*) FILTER (WHERE ST_NPoints(s.geometry) <= ST_NPoints(t.geometry)) AS light,
                  sum(ST_NPoints(s.geometry))::float8 / sum(ST_NPoints(t.geometry)) AS share
           FROM gold.mv_territory_map_summary s JOIN silver.dim_territory t USING (territory_id)
           WHERE t.geometry IS NOT NULL AND s.level = 'municipality'"""
    )
    assert found[0]["all"] == found[0]["valid"] == found[0]["light"] == 5566
    assert found[0]["share"] < 0.15
    assert real.one("SELECT bool_and(ST_IsValid(geometry)) FROM gold.mv_territory_map_summary")


@pytest.mark.row("T-062")
def test_neighbours_share_their_borders_and_small_places_stay_visible(
    real: Bundle, drawn: dict[str, Any]
) -> None:
    assert shapely.coverage_is_valid(list(drawn.values()))
    full = {
        row["territory_id"]: row["area"]
        for row in real.rows(
            """SELECT territory_id, ST_Area(geometry) AS area FROM silver.dim_territory
               WHERE level = 'municipality' AND geometry IS NOT NULL"""
        )
    }
    kept = {code: shape.area / full[code] for code, shape in drawn.items()}
    smallest = min(full, key=lambda code: full[code])
    assert kept[smallest] > 0.7
    assert min(kept.values()) > 0.65
    assert max(kept.values()) < 1.5
    country = shapely.coverage_union_all(list(drawn.values()))
    holes = [ring for part in shapely.get_parts(country) for ring in part.interiors]
    assert len(holes) < 5, "neighbours no longer meet"


def test_states_are_dissolved_from_the_same_borders(real: Bundle, drawn: dict[str, Any]) -> None:
    with connect() as connection:
        rows = connection.execute(
            """SELECT territory_id, ST_AsBinary(geometry) AS wkb FROM gold.mv_territory_map_summary
               WHERE level IN ('state', 'country')"""
        ).fetchall()
    wholes = {row["territory_id"]: shapely.from_wkb(bytes(row["wkb"])) for row in rows}
    assert len(wholes) == 28
    lagoons = {"4300001", "4300002"}
    for code, whole in wholes.items():
        land = [
            shape
            for municipality, shape in drawn.items()
            if municipality not in lagoons and (code == "BR" or municipality[:2] == code)
        ]
        assert whole.area == pytest.approx(sum(shape.area for shape in land), rel=1e-9)


def test_the_national_layer_is_small_over_the_wire(real: Bundle) -> None:
    layer = real.one(
        """SELECT json_build_object('type', 'FeatureCollection', 'features', json_agg(
                  json_build_object('type', 'Feature', 'properties',
                      json_build_object('id', territory_id, 'kind', kind),
                      'geometry', ST_AsGeoJSON(geometry)::json)))::text
           FROM gold.mv_territory_map_summary WHERE level = 'municipality'
             AND geometry IS NOT NULL"""
    )
    compact = layer.replace(" ", "").encode()
    assert len(gzip.compress(compact, 9)) <= 330_000
    rounded = [
        number
        for shape in shapely.from_geojson([layer])
        for number in shapely.get_coordinates(shape).ravel()
    ]
    two_decimals = sum(abs(number * 100 - round(number * 100)) < 1e-6 for number in rounded)
    assert two_decimals > 0.9 * len(rounded)
