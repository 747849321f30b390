"""Light shapes for the map: the newest mesh, simplified with its shared borders kept.

1. Clean: neighbours get identical borders; the source mesh has slivers and overlaps between them.
2. Simplify the whole mesh at once; coordinates are rounded to two decimals (about 1 km).
3. Where a shape then is broken, or lost too much of itself, its vertices come back, and finer.

A vertex is kept or dropped, and rounded, in the same way for every shape that has it, so borders
stay shared. States and the country are dissolved from the result and share them too.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.work.job import Run

TOLERANCE = 0.045  # degrees; vertices whose triangle is below its square are dropped
_GAP = 0.003  # degrees; narrower gaps between neighbours are closed
_DIGITS = (2, 3, 4, 5, 7)  # decimals of the vertices of a shape, at each finer try
_AREA_KEPT = (0.7, 1.4)  # a shape outside these shares of its own area is tried finer
_DROPPED, _RING = -1, 3  # a vertex left out; the fewest vertices of a ring
_METHOD = 1  # raise it when this file draws differently, so that stored shapes are made again

Shapes = NDArray[Any]  # of shapely geometries


def build_shapes(run: Run) -> None:
    """Fill `gold.territory_shape` from the meshes of silver, when they changed since it was filled.

    The `after` step of the job that loads geometries; doing it twice changes nothing."""
    with run.step("shapes", tolerance=TOLERANCE) as detail, transaction() as connection:
        drawn = _drawn(connection)
        detail["shapes"] = len(drawn)
        if not drawn or _is_current(connection):
            detail["unchanged"] = True
            return
        ids, states = [row["territory_id"] for row in drawn], [row["parent_id"] for row in drawn]
        full = shapely.from_wkb([bytes(row["wkb"]) for row in drawn])
        run.checkpoint()
        light = simplify(clean(full))
        run.checkpoint()
        there = ~shapely.is_empty(light)
        land = [
            i for i, row in enumerate(drawn) if row["kind"] == "land" and states[i] and there[i]
        ]
        wholes = dissolve(light[land], [states[i] for i in land])
        # What cleaning leaves nothing of lies inside a neighbour: it is shown over it, as it came.
        light[~there] = [_multi(shape) for shape in full[~there]]
        _store(connection, dict(zip(ids, light, strict=True)) | wholes)


def _drawn(connection: Connection) -> list[dict[str, Any]]:
    return connection.execute(
        """SELECT territory_id, parent_id, kind, ST_AsBinary(geometry) AS wkb
           FROM silver.dim_territory WHERE level = 'municipality' AND geometry IS NOT NULL
           ORDER BY territory_id"""
    ).fetchall()


def _is_current(connection: Connection) -> bool:
    """Whether every drawn municipality has the shape this file would make of its present mesh."""
    found = connection.execute(
        """SELECT count(*) FILTER (WHERE s.territory_id IS NULL OR t.territory_id IS NULL) AS stale
           FROM (SELECT territory_id, gold.mesh_hash(geometry) AS mesh_hash
                 FROM silver.dim_territory
                 WHERE level = 'municipality' AND geometry IS NOT NULL) AS t
           FULL JOIN (SELECT territory_id, mesh_hash FROM gold.territory_shape
                      WHERE tolerance = %s AND method = %s AND mesh_hash IS NOT NULL) AS s
               USING (territory_id, mesh_hash)""",
        (TOLERANCE, _METHOD),
    ).fetchone()
    return found is not None and found["stale"] == 0


def _store(connection: Connection, shapes: dict[str, Any]) -> None:
    connection.execute("DELETE FROM gold.territory_shape")
    with connection.cursor().copy(
        "COPY gold.territory_shape (territory_id, tolerance, method, geometry) FROM STDIN"
    ) as copy:
        for territory_id, shape in shapes.items():
            wkb = shapely.to_wkb(shapely.set_srid(shape, 4674), hex=True, include_srid=True)
            copy.write_row((territory_id, TOLERANCE, _METHOD, wkb))
    connection.execute(
        """UPDATE gold.territory_shape AS s SET mesh_hash = gold.mesh_hash(t.geometry)
           FROM silver.dim_territory AS t
           WHERE t.territory_id = s.territory_id AND t.geometry IS NOT NULL
             AND t.level = 'municipality'"""
    )


def clean(full: Shapes) -> Shapes:
    """`full` with neighbours' borders made identical and the gaps between them closed."""
    return np.asarray(shapely.coverage_clean(full, gap_width=_GAP))  # type: ignore[attr-defined]


def simplify(cleaned: Shapes, tolerance: float = TOLERANCE) -> Shapes:
    """A cleaned mesh with fewer vertices: every shape valid and not empty, every border shared."""
    mesh = _Mesh(cleaned)
    digits = np.full(len(mesh.vertices), _DROPPED)
    digits[mesh.places_of(shapely.coverage_simplify(cleaned, tolerance))] = _DIGITS[0]
    tries = np.zeros(len(cleaned), dtype=int)
    while True:
        light = mesh.drawn(digits)
        bad = _is_bad(light, mesh.areas) & (tries < len(_DIGITS) - 1)
        if not bad.any():
            return light
        tries[bad] += 1
        for i in np.flatnonzero(bad):
            own = mesh.places_in(int(i))
            finer = mesh.places_of(shapely.simplify(cleaned[i], tolerance / 2.0 ** (tries[i] + 1)))
            for places in (own[digits[own] != _DROPPED], finer):
                digits[places] = np.maximum(digits[places], _DIGITS[tries[i]])


def _is_bad(light: Shapes, areas: NDArray[np.float64]) -> NDArray[np.bool_]:
    least, most = _AREA_KEPT
    kept = shapely.area(light) / np.where(areas > 0, areas, 1)
    torn = ~shapely.is_empty(shapely.coverage_invalid_edges(light))
    changed = (kept <= least) | (kept >= most)
    result: NDArray[np.bool_] = (areas > 0) & (~shapely.is_valid(light) | torn | changed)
    return result


def dissolve(light: Shapes, states: list[str]) -> dict[str, Any]:
    """The shape of each state, and of the country as BR, from those of their municipalities."""
    members: defaultdict[str, list[Any]] = defaultdict(list)
    for shape, state in zip(light, states, strict=True):
        members[state].append(shape)
    wholes = {state: shapely.coverage_union_all(shapes) for state, shapes in members.items()}
    wholes["BR"] = shapely.coverage_union_all(list(wholes.values()))
    return {name: _multi(shape) for name, shape in wholes.items()}


def _multi(shape: Any) -> Any:
    return shapely.multipolygons(shapely.get_parts(shape))


class _Mesh:
    """A mesh as one list of vertices, each of which stands in one or more rings."""

    def __init__(self, cleaned: Shapes) -> None:
        # all as multipolygons: a mesh of single parts alone would have a level of offsets less
        parts = np.array([_multi(shape) for shape in cleaned], dtype=object)
        _, coordinates, offsets = shapely.to_ragged_array(parts)
        self._ring_starts, self._part_starts, self._shape_starts = offsets
        self.vertices, self._vertex = np.unique(_as_one(coordinates), return_inverse=True)
        self.areas = shapely.area(cleaned)
        rings = len(self._ring_starts) - 1
        self._ring = np.repeat(np.arange(rings), np.diff(self._ring_starts))
        self._part_of_ring = np.repeat(
            np.arange(len(self._part_starts) - 1), np.diff(self._part_starts)
        )

    def places_of(self, shapes: Any) -> NDArray[np.intp]:
        """Where the vertices of `shapes`, all of them the mesh's own, stand in the list."""
        return np.searchsorted(self.vertices, _as_one(shapely.get_coordinates(shapes)))

    def places_in(self, shape: int) -> NDArray[np.intp]:
        """Where the vertices of the mesh's own shape of that index stand in the list."""
        first, last = self._ring_starts[self._part_starts[self._shape_starts[shape : shape + 2]]]
        return self._vertex[first:last]

    def drawn(self, digits: NDArray[np.int_]) -> Shapes:
        """The mesh, each vertex rounded to its digits or dropped; rings of too few left go too."""
        rounded = self.vertices.copy()
        for count in np.unique(digits[digits != _DROPPED]):
            rounded[digits == count] = np.round(rounded[digits == count], count)
        kept = digits[self._vertex] != _DROPPED
        kept[self._ring_starts[1:] - 1] = False  # the vertex that closes a ring comes back below
        points, ring = rounded[self._vertex[kept]], self._ring[kept]
        points, ring = _without_repeats(points, ring)
        return self._assembled(points, ring)

    def _assembled(self, points: NDArray[np.complex128], ring: NDArray[np.intp]) -> Shapes:
        sizes = np.bincount(ring, minlength=len(self._ring_starts) - 1)
        outer = np.append(sizes, 0)[self._part_starts[:-1]]  # 0: the last part may have no ring
        whole = (sizes >= _RING) & (outer >= _RING)[self._part_of_ring]
        points, sizes = points[whole[ring]], sizes * whole
        ends = np.cumsum(sizes)[whole]
        points = np.insert(points, ends, points[ends - sizes[whole]])
        # Not reduceat: cleaning leaves nothing of a shape that lies wholly inside a neighbour.
        rings_in_part = np.diff(_starts(whole.astype(int))[self._part_starts])
        parts_in_shape = np.diff(_starts((rings_in_part > 0).astype(int))[self._shape_starts])
        offsets = (
            _starts(sizes[whole] + 1),
            _starts(rings_in_part[rings_in_part > 0]),
            _starts(parts_in_shape),
        )
        coordinates = np.column_stack((points.real, points.imag))
        return np.asarray(
            shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, coordinates, offsets)
        )


def _as_one(coordinates: NDArray[np.float64]) -> NDArray[np.complex128]:
    """x and y as one number, so that equal vertices can be found by sorting."""
    return coordinates[:, 0] + 1j * coordinates[:, 1]


def _starts(sizes: NDArray[np.int_]) -> NDArray[np.int_]:
    return np.concatenate(([0], np.cumsum(sizes)))


def _without_repeats(
    points: NDArray[np.complex128], ring: NDArray[np.intp]
) -> tuple[NDArray[np.complex128], NDArray[np.intp]]:
    """Without the points that equal the one before them in their ring, going round."""
    starts = np.flatnonzero(np.diff(ring, prepend=-1))
    before = np.roll(points, 1)
    before[starts] = points[np.append(starts[1:], len(points)) - 1]
    new = points != before
    return points[new], ring[new]
