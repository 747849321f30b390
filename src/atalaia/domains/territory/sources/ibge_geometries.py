"""The municipal mesh of a year (`dim_territory_geometry`), and the newest one on each territory.

Source: IBGE. First the malhas API v3; else the shapefile of the mesh of the reference period from
bronze (2007, 1:2,500,000, is bundled) or from data/manual. The API's features carry a code and
nothing else; both bring polygons and multipolygons, and the lagoons Mirim and dos Patos.

Everything is stored in SIRGAS 2000 (EPSG:4674), counter-clockwise, valid. A municipality younger
than its newest mesh has none ('sem malha'): nothing is drawn for it in its parents' place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Geod, Transformer

from atalaia.domains.territory.shapes import build_shapes
from atalaia.domains.territory.sources import ibge
from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import AtalaiaError, ContractBroken
from atalaia.kernel.domain import connector_job
from atalaia.kernel.ingest.bronze import BronzeObject
from atalaia.kernel.ingest.connector import Connector, Request, Scope, Shaped, Table
from atalaia.kernel.ingest.contract import REASON, ROW, Column, Contract
from atalaia.kernel.work.job import Run
from atalaia.kernel.work.runner import as_function

NAME = "ibge_geometries"
MALHAS, SHP = "malhas_v3", "municipal_mesh_shp"
_SIDECARS = ("municipal_mesh_shx", "municipal_mesh_dbf", "municipal_mesh_prj")

SIRGAS_2000 = 4674
_BATCH = 512  # polygons; a batch is some megabytes of text on its way to PostgreSQL
# Rings inside a municipality are its enclaves; smaller ones are gaps of the drawing. The smallest
# municipality has 2.5 km².
_SMALLEST_HOLE_KM2 = 1.0
_GEOD = Geod(ellps="GRS80")

_CODE = Column(pattern=r"^[0-9]{7}$")
_NAME = Column(required=False)  # null for the lagoons
CONTRACT = Contract(
    version=1,
    datasets={
        MALHAS: {"codarea": _CODE, "geometry": Column("bytes")},
        SHP: {
            "GEOCODIG_M": _CODE,
            **dict.fromkeys(
                (
                    "UF",
                    "Sigla",
                    "Nome_Munic",
                    "Regiao",
                    "Mesoregia",
                    "Nome_Meso",
                    "Microrregi",
                    "Nome_Micro",
                ),
                _NAME,
            ),
            "geometry": Column("bytes"),
        },
    },
)
TABLE = Table(
    name="silver.dim_territory_geometry",
    types={
        "territory_id": "text",
        "mesh_year": "integer",
        "geometry": "geometry(MultiPolygon,4674)",
        "source": "text",
        "dataset": "text",
    },
    key=("territory_id", "mesh_year"),
    constants={"source": ibge.SOURCE},
)


def requests(period: str) -> tuple[Request, ...]:
    """The municipalities of the whole country in one answer, some tens of megabytes."""
    return (
        Request(
            dataset=MALHAS,
            path="/api/v3/malhas/paises/BR",
            filename="municipios.geojson",
            params=(
                ("intrarregiao", "municipio"),
                ("formato", "application/vnd.geo+json"),
                ("qualidade", "intermediaria"),
                ("periodo", period),
            ),
            timeout_seconds=60,
            judge=ibge.judge_feature_collection,
        ),
    )


def parse(objects: Sequence[BronzeObject]) -> Iterator[tuple[str, pl.DataFrame]]:
    """Raw frames: the attributes as they came, and `geometry` as WKB in SIRGAS 2000."""
    with TemporaryDirectory(prefix="atalaia-") as folder:
        for found in _layers(objects, Path(folder)):
            dataset, path = found
            for number, frame in enumerate(_read(dataset, path)):
                yield dataset, frame.with_row_index(ROW, offset=number * _BATCH + 1)


def _layers(objects: Sequence[BronzeObject], folder: Path) -> Iterator[tuple[str, Path]]:
    """(dataset, file to open). The files of a shapefile are met under one name, in one folder."""
    for found in objects:
        if found.dataset == SHP or found.dataset in _SIDECARS:
            suffix = found.dataset.removeprefix("municipal_mesh_")
            (folder / f"mesh.{suffix}").symlink_to(found.file.resolve())
        else:
            yield found.dataset, found.file
    if (folder / "mesh.shp").exists():
        yield SHP, folder / "mesh.shp"


def _read(dataset: str, path: Path) -> Iterator[pl.DataFrame]:
    import pyogrio  # here: it brings a third of what importing the sources takes

    try:
        meta, _, wkb, columns = pyogrio.raw.read(path)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise ContractBroken(f"A malha {path.name} não abre. O bruto está guardado.") from error
    moved = _in_sirgas(shapely.from_wkb(wkb, on_invalid="ignore"), _crs(dataset, meta))
    geometry = shapely.to_wkb(moved)
    for start in range(0, len(geometry), _BATCH):
        part = slice(start, start + _BATCH)
        series = [
            pl.Series(name, values[part].tolist(), strict=False)
            for name, values in zip(meta["fields"], columns, strict=True)
        ]
        yield pl.DataFrame([*series, pl.Series("geometry", geometry[part].tolist(), pl.Binary)])


def _crs(dataset: str, meta: dict[str, Any]) -> CRS:
    """The file's own reference system. GeoJSON cannot name one and readers assume WGS 84: the
    malhas API means SIRGAS 2000."""
    if not meta["crs"]:
        raise ContractBroken(f"A malha '{dataset}' não diz o seu sistema de referência.")
    found = CRS.from_user_input(meta["crs"])
    if dataset == MALHAS and found.to_epsg() == 4326:
        return CRS.from_epsg(SIRGAS_2000)
    return found


def _in_sirgas(geometries: NDArray[Any], crs: CRS) -> NDArray[Any]:
    if crs.to_epsg() == SIRGAS_2000:
        return geometries
    move = Transformer.from_crs(crs, SIRGAS_2000, always_xy=True)
    present = ~shapely.is_missing(geometries)
    moved = geometries.copy()
    moved[present] = shapely.transform(
        geometries[present], lambda xy: np.column_stack(move.transform(xy[:, 0], xy[:, 1]))
    )
    return moved


def clean(geometry: Any) -> Any:
    """A polygon as silver keeps it: a valid, counter-clockwise MultiPolygon whose holes are
    enclaves. None when nothing with an area is left."""
    if not shapely.is_valid(geometry):
        geometry = shapely.make_valid(geometry)
    parts = shapely.get_parts(shapely.get_parts(geometry))  # a collection may hold multipolygons
    whole = [_without_gaps(part) for part in parts if part.geom_type == "Polygon" and part.area]
    return shapely.orient_polygons(shapely.MultiPolygon(whole)) if whole else None


def _without_gaps(polygon: Any) -> Any:
    holes = [ring for ring in polygon.interiors if _km2(ring) >= _SMALLEST_HOLE_KM2]
    return shapely.Polygon(polygon.exterior, holes)


def _km2(ring: Any) -> float:
    return abs(_GEOD.geometry_area_perimeter(shapely.Polygon(ring))[0]) / 1e6


class _Mesh:
    """Polygons → rows of one mesh year. Codes the dimension does not know are put aside."""

    def __init__(self, run: Run) -> None:
        self._year = int(run.reference_period)
        with transaction() as connection:
            known = connection.execute(
                "SELECT territory_id FROM silver.dim_territory WHERE level = 'municipality'"
            ).fetchall()
        self._known = [row["territory_id"] for row in known]
        if not known:
            raise AtalaiaError(
                "Ainda não há municípios a quem a malha pertença.",
                todo="Rode ibge_admin antes.",
            )

    def shape(self, dataset: str, accepted: pl.DataFrame) -> Shaped:
        """One row per polygon, its geometry as the text PostGIS reads."""
        code = "codarea" if dataset == MALHAS else "GEOCODIG_M"
        polygons = [clean(shapely.from_wkb(wkb)) for wkb in accepted["geometry"]]
        text = [
            None
            if polygon is None
            else shapely.to_wkb(shapely.set_srid(polygon, SIRGAS_2000), hex=True, include_srid=True)
            for polygon in polygons
        ]
        reason = (
            pl.when(~pl.col(code).is_in(self._known))
            .then(pl.lit("território que dim_territory não conhece: rode ibge_admin"))
            .when(pl.col("_text").is_null())
            .then(pl.lit("geometria sem área"))
        )
        judged = accepted.with_columns(pl.Series("_text", text, pl.String)).with_columns(
            reason.alias(REASON)
        )
        good = pl.col(REASON).is_null()
        rows = judged.filter(good).select(
            territory_id=code,
            mesh_year=pl.lit(self._year),
            geometry="_text",
            dataset=pl.lit(dataset),
        )
        return Shaped(rows, rejected=judged.filter(~good).drop("_text"))

    def finish(self) -> Shaped | None:
        """Nothing is held back."""
        return None


def give_newest(connection: Connection, run: Run) -> None:
    """Bring `dim_territory` to the newest mesh of each territory, and name those without one."""
    connection.execute(
        """UPDATE silver.dim_territory AS t
           SET geometry = newest.geometry, mesh_year = newest.mesh_year
           FROM (SELECT d.territory_id, g.geometry, g.mesh_year
                 FROM silver.dim_territory AS d
                 LEFT JOIN (SELECT DISTINCT ON (territory_id) territory_id, geometry, mesh_year
                            FROM silver.dim_territory_geometry
                            ORDER BY territory_id, mesh_year DESC) AS g USING (territory_id)
                 WHERE d.level = 'municipality') AS newest
           WHERE t.territory_id = newest.territory_id
             AND (t.mesh_year IS DISTINCT FROM newest.mesh_year
                  OR t.geometry IS DISTINCT FROM newest.geometry)"""
    )
    without = connection.execute(
        """SELECT format('%s/%s', name, uf) AS name FROM silver.dim_territory
           WHERE level = 'municipality' AND kind = 'land' AND valid_to IS NULL
             AND geometry IS NULL ORDER BY name"""
    ).fetchall()
    if without:
        names = ", ".join(row["name"] for row in without[:20])
        run.warnings.append(f"Sem malha: {len(without)} município(s): {names}.")


CONNECTOR = Connector(
    name=NAME,
    source=ibge.SOURCE,
    folder=ibge.FOLDER,
    datasets=(MALHAS, SHP, *_SIDECARS),
    contract=CONTRACT,
    table=TABLE,
    parse=parse,
    shaper=_Mesh,
    scope=lambda period: Scope({"mesh_year": [int(period)]}),
    base_url=ibge.BASE_URL,
    requests=requests,
    after=give_newest,
    license=ibge.LICENSE,
)
JOB = connector_job(
    CONNECTOR,
    domain="territory",
    title="Malha municipal do IBGE",
    wave="MVP-1",
    default_periods=lambda: ["2007"],  # the bundled mesh
    period_kind="year",
    after=build_shapes,
)
run = as_function(JOB)
