"""Print what docs/data-bundle.md states about the bundled files, counted again on their bytes.

    python data/measure_bundle.py [mesh|dtb|deaths|excess|villages|fishers|wage ...]

Names are read here with a table of aliases written by hand and no guessing: this is the yardstick
the product's own matcher is held against, so it shares no code with it.
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import polars as pl
import pyogrio
import pyproj
import python_calamine
import shapely

from atalaia.domains.territory.bundle import read_raw, resources

YEARS = range(2015, 2021)
# Rows that carry another state's figures: (state named, year, month, state they belong to).
FALSE_BLOCKS = (("Rio Grande do Sul", 2019, 2, "Paraná"), ("Ceará", 2019, 4, "Bahia"))
# Spellings that no list has; the rest are names of the DTB 2024 or of the 2007 mesh.
ALIASES = {
    ("Bahia", "Jequiriçá"): "Jiquiriçá",
    ("Maranhão", "Governador Edson Lobão"): "Governador Edison Lobão",
    ("Maranhão", "Senador La Roque"): "Senador La Rocque",
    ("Minas Gerais", "Amparo da Serra"): "Amparo do Serra",
    ("Rio Grande do Norte", "Arez"): "Arês",
    ("Rio de Janeiro", "Parati"): "Paraty",
    ("Rondônia", "Espigão do Oeste"): "Espigão D'Oeste",
    ("Tocantins", "Couto de Magalhães"): "Couto Magalhães",
}


def fold(name: str) -> str:
    """Without accents and case."""
    split = unicodedata.normalize("NFD", name)
    return "".join(c for c in split if not unicodedata.combining(c)).casefold()


def squash(name: str) -> str:
    """Without accents, case, punctuation and spaces."""
    return re.sub(r"[^a-z0-9]+", "", fold(name))


def raw(dataset: str) -> list[tuple[str, bytes]]:
    """(file name, bytes) of every period of a dataset, oldest first."""
    return [(r.raw_name, read_raw(r)) for r in resources() if r.dataset == dataset]


def frame(dataset: str) -> pl.DataFrame:
    """A parquet file of the bundle."""
    return pl.read_parquet(io.BytesIO(raw(dataset)[0][1]))


def dtb_rows() -> list[list[str]]:
    """The workbook's rows below its header."""
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw("dtb")[0][1]))
    return [[str(cell) for cell in row] for row in book.get_sheet_by_index(0).to_python()[7:]]


def dtb_names() -> dict[str, tuple[str, str]]:
    """IBGE code → (state, name) as of 2024-12-31."""
    return {row[7]: (row[1], row[8]) for row in dtb_rows()}


def read_mesh() -> tuple[dict[str, np.ndarray], np.ndarray, str]:
    """The mesh's attributes, geometries and CRS."""
    with tempfile.TemporaryDirectory() as folder:
        for part in ("shp", "shx", "dbf", "prj"):
            name, data = raw(f"municipal_mesh_{part}")[0]
            Path(folder, name).write_bytes(data)
        meta, _, geometry, columns = pyogrio.raw.read(Path(folder, "55mu2500gsd.shp"))
    return dict(zip(meta["fields"], columns, strict=True)), shapely.from_wkb(geometry), meta["crs"]


def mesh_names() -> dict[str, tuple[str, str]]:
    """IBGE code → (state, name) as of 2007, lagoons left out."""
    states = {code[:2]: state for code, (state, _) in dtb_names().items()}
    columns = read_mesh()[0]
    pairs = zip(columns["GEOCODIG_M"], columns["Nome_Munic"], strict=True)
    return {str(code): (states[str(code)[:2]], name) for code, name in pairs if name}


def mesh() -> None:
    """Codes, validity, holes and area of the mesh."""
    columns, shapes, crs = read_mesh()
    codes = columns["GEOCODIG_M"]
    print("polygons", len(codes), "codes", len(set(codes)), "crs", crs, "columns", list(columns))
    print(
        "multi-part",
        int((shapely.get_num_geometries(shapes) > 1).sum()),
        "most parts",
        int(shapely.get_num_geometries(shapes).max()),
        "vertices",
        int(shapely.get_num_coordinates(shapes).sum()),
    )
    print(
        "invalid",
        int((~shapely.is_valid(shapes)).sum()),
        "coverage valid",
        bool(shapely.coverage_is_valid(shapes)),
        "bad edges in",
        int((~shapely.is_empty(shapely.coverage_invalid_edges(shapes))).sum()),
    )
    left, right = shapely.STRtree(shapes).query(shapes, predicate="overlaps")
    print("overlapping pairs", int((left < right).sum()))
    union = shapely.get_parts(shapely.union_all(shapes))
    holes = [shapely.Polygon(ring) for part in union for ring in shapely.get_rings(part)[1:]]
    areas = [square_km(hole) for hole in holes]
    print(
        "holes",
        len(holes),
        "km²",
        round(sum(areas), 2),
        "largest",
        round(max(areas), 2),
        "median m²",
        round(float(np.median(areas)) * 1e6),
    )
    sizes = {int(code): square_km(shape) for code, shape in zip(codes, shapes, strict=True)}
    print(
        "area km²",
        round(sum(sizes.values())),
        {code: round(sizes[code], 1) for code in (4300001, 4300002, 3121605, 5300108, 1500602)},
    )


def square_km(shape: shapely.Geometry) -> float:
    """Geodesic area on GRS80, in km²."""
    return float(abs(pyproj.Geod(ellps="GRS80").geometry_area_perimeter(shape)[0]) / 1e6)


def dtb() -> None:
    """The list of municipalities against the mesh."""
    now, then = dtb_names(), mesh_names()
    print(
        "DTB",
        len(now),
        "mesh",
        len(then),
        "without mesh",
        sorted(set(now) - set(then)),
        "only in mesh",
        sorted(set(then) - set(now)),
    )
    differ = [c for c in then if fold(then[c][1]) != fold(now[c][1])]
    print("names that differ after accent folding", len(differ))


def read_deaths() -> pl.DataFrame:
    """All rows, with `false` for the two copied blocks and `code` where the name is known."""
    rows = pl.concat([pl.read_csv(io.BytesIO(data)) for _, data in raw("deaths")])
    known = {(s, squash(n)): c for c, (s, n) in mesh_names().items()}
    known |= {(s, squash(n)): c for c, (s, n) in dtb_names().items()}

    def code(state: str, city: str) -> str | None:
        if state == "Distrito Federal":
            return "5300108"
        return known.get((state, squash(ALIASES.get((state, city), city))))

    false = pl.any_horizontal(
        (pl.col("state") == s) & (pl.col("year") == y) & (pl.col("month") == m)
        for s, y, m, _ in FALSE_BLOCKS
    )
    pairs = rows.select("state", "city").unique().rows()
    codes = pl.DataFrame(
        [(s, c, code(s, c)) for s, c in pairs],
        orient="row",
        schema={"state": pl.String, "city": pl.String, "code": pl.String},
    )
    return rows.join(codes, on=["state", "city"], how="left").with_columns(false=false)


def deaths() -> None:
    """Rows, names, copied blocks and coverage."""
    rows = read_deaths()
    key = ["year", "month", "state", "city"]
    print(
        "rows",
        rows.height,
        "deaths",
        rows["deaths"].sum(),
        "nulls",
        rows.drop("code").null_count().sum_horizontal()[0],
        "duplicates",
        rows.height - rows.select(key).n_unique(),
        "names",
        rows.select("state", "city").n_unique(),
    )
    for label, names in (
        ("DTB", [dtb_names()]),
        ("mesh", [mesh_names()]),
        ("both", [mesh_names(), dtb_names()]),
    ):
        for rule in (str, fold, squash):
            known = {(s, rule(n)) for source in names for s, n in source.values()}
            hit = sum((s, rule(c)) in known for s, c in rows.select("state", "city").rows())
            print(f"  {label}, {rule.__name__}: {hit} rows, {hit / rows.height:.2%}")
    true = rows.filter(~pl.col("false"))
    print(
        "refused",
        rows.height - true.height,
        "unmatched beside",
        true["code"].null_count(),
        f"right {true.height / rows.height:.2%}",
    )
    for state, year, month, owner in FALSE_BLOCKS:
        moment = rows.filter((pl.col("year") == year) & (pl.col("month") == month))
        named = moment.filter(pl.col("state") == state)
        same = named.join(moment.filter(pl.col("state") == owner), on=["city", "deaths"])
        print(
            f"  {state} {year}-{month:02}: {named.height} rows, {same.height} equal {owner}'s,",
            named.filter(pl.col("code").is_not_null()).select("city", "deaths").rows(),
        )
    coverage(true)
    rio = true.filter(pl.col("state") == "Rio de Janeiro")
    print("RJ", rio.group_by("year").agg(pl.col("deaths").sum()).sort("year").rows())
    years = true.group_by("state", "code", "year").agg(
        pl.col("deaths").sum(), pl.col("month").n_unique().alias("months")
    )
    years = years.filter((pl.col("months") == 12) & (pl.col("deaths") >= 300))
    before, after = (years.filter(pl.col("year") == y) for y in (2018, 2019))
    fell = before.join(after, on=["state", "code"]).filter(
        pl.col("deaths") > 1.4 * pl.col("deaths_right")
    )
    print(
        "2018 above 1.4 × 2019, both whole and of 300 deaths or more:",
        fell.group_by("state").len().sort("len").rows(),
    )


def coverage(rows: pl.DataFrame) -> None:
    """Municipalities that report, by year and by month."""
    months = rows.group_by("year", "code").agg(pl.col("month").n_unique().alias("months"))
    spring = (
        rows.filter(pl.col("month") <= 4)
        .group_by("year", "code")
        .agg(pl.col("month").n_unique().alias("months"))
    )
    for year in YEARS:
        some = months.filter(pl.col("year") == year)
        by_month = (
            rows.filter(pl.col("year") == year)
            .group_by("month")
            .agg(pl.col("code").n_unique())
            .sort("month")
        )
        print(
            " ",
            year,
            "any",
            some.height,
            "all 12",
            some.filter(pl.col("months") == 12).height,
            "Jan–Apr",
            spring.filter((pl.col("year") == year) & (pl.col("months") == 4)).height,
            by_month["code"].to_list(),
        )


def excess() -> None:
    """Every definition of January–April 2020 against 2015–2019 that the page lists."""
    rows = read_deaths().filter(pl.col("month") <= 4)
    named = rows.with_columns(unit=pl.col("state") + "/" + pl.col("city"))
    coded = rows.rename({"code": "unit"}).filter(pl.col("unit").is_not_null())
    true = coded.filter(~pl.col("false"))
    compare("names as published", complete(named))
    compare("codes, DF summed", complete(coded))
    compare("codes, copied blocks refused", complete(true))
    compare("the same without RJ", complete(true.filter(pl.col("state") != "Rio de Janeiro")))
    compare("naive, every row", rows)
    spread(complete(true))


def spread(rows: pl.DataFrame) -> None:
    """The excess municipality by municipality, and state by state."""

    def ratio(by: str) -> pl.DataFrame:
        past = pl.col("deaths").filter(pl.col("year") < 2020).sum() / 5
        now = pl.col("deaths").filter(pl.col("year") == 2020).sum()
        return rows.group_by(by).agg(past.alias("base"), (now / past - 1).alias("excess"))

    units = ratio("unit")
    print(
        "per municipality",
        [round(units["excess"].quantile(q, "linear") or 0, 3) for q in (0, 0.25, 0.5, 0.75, 1)],
        "baseline under 20:",
        units.filter(pl.col("base") < 20).height,
        "under 10:",
        units.filter(pl.col("base") < 10).height,
    )
    print(
        "per state",
        [(state, round(excess, 3)) for state, _, excess in ratio("state").sort("excess").rows()],
    )


def complete(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of the units that report all of January to April in all six years."""
    moments = pl.struct("year", "month").n_unique().over("unit")
    return rows.filter(moments == 4 * len(YEARS))


def compare(label: str, rows: pl.DataFrame) -> None:
    """2020 against the mean of 2015–2019, as sums."""
    sums = dict(rows.group_by("year").agg(pl.col("deaths").sum()).sort("year").iter_rows())
    base = sum(sums[year] for year in range(2015, 2020)) / 5
    units = rows["unit"].n_unique() if "unit" in rows.columns else "-"
    print(f"{label}: {units} units, {sums}, baseline {base:.1f}, {sums[2020] / base - 1:+.2%}")


def villages() -> None:
    """Codes, names and activity of the villages."""
    rows, now = frame("villages"), dtb_names()
    pairs = rows.select("cod_municipio", "nommunic", "nomuf").rows()
    print(
        "rows",
        rows.height,
        "keys",
        rows["cod_aldeia"].n_unique(),
        "municipalities",
        rows["cod_municipio"].n_unique(),
        "unknown codes",
        sum(str(code) not in now for code, _, _ in pairs),
    )
    print(
        "flag_ativo",
        rows["flag_ativo"].value_counts().rows(),
        "undadm_codigo",
        rows["undadm_codigo"].n_unique(),
        "no date",
        rows["data_cadastro"].null_count(),
    )
    print(
        "other names",
        sum(squash(n) != squash(now[str(c)][1]) for c, n, _ in pairs),
        "other states",
        sum(s != now[str(c)][0] for c, _, s in pairs),
    )


def fishers() -> None:
    """People per place, and how identifying the rest is."""
    rows = frame("fishers")
    places = rows.group_by("UF", "Municipio").len()
    alone = rows.group_by(rows.columns).len().filter(pl.col("len") == 1).height
    print("rows", rows.height, "nulls", rows.null_count().rows(named=True)[0])
    print(
        "places",
        places.height,
        places["len"].min(),
        places["len"].max(),
        "under 5",
        places.filter(pl.col("len") < 5).height,
        "people alone in their profile",
        alone,
    )


def wage() -> None:
    """Bounds and gaps of the minimum wage."""
    rows = frame("minimum_wage")
    days = rows["Data"].diff().dt.total_days()
    print(
        "months",
        rows.height,
        rows["Data"].min(),
        rows["Data"].max(),
        "steps of days",
        days.min(),
        days.max(),
        "nulls",
        rows.null_count().sum_horizontal()[0],
    )
    print(rows.tail(1).rows())


TOPICS: dict[str, Callable[[], None]] = {
    topic.__name__: topic for topic in (mesh, dtb, deaths, excess, villages, fishers, wage)
}


def main(arguments: Iterable[str]) -> None:
    """Measure the topics named, or all."""
    for name in [a for a in arguments if a in TOPICS] or TOPICS:
        print(f"## {name}")
        TOPICS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
