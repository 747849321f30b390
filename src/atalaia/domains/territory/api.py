"""The territory over HTTP. Every read is public and the same for all, and is kept by the API per
data version: a route says so with `openapi_extra=PUBLIC`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from atalaia.domains.territory import service, wire
from atalaia.domains.territory.answer import Answer, json
from atalaia.kernel.keep.doors import PUBLIC

_IMMUTABLE = "public, max-age=31536000, immutable"
_DESCRIBED_BY = {"link": '</v1/indicators>; rel="describedby"'}


def only_known_parameters(request: Request) -> None:
    """Refuse a parameter the route does not have: a mistyped filter must not pass for no filter."""
    known = {field.alias for field in request.scope["route"].dependant.query_params}
    if set(request.query_params) - known:
        told = ", ".join(sorted(known)) or "nenhum"
        raise RequestValidationError(
            [{"type": "unknown", "loc": ("query",), "ctx": {"known": told}}]
        )


router = APIRouter(prefix="/v1", tags=["território"], dependencies=[Depends(only_known_parameters)])

Level = Literal["municipality", "state", "country"]
AnyLevel = Literal[
    "country",
    "state",
    "municipality",
    "district",
    "census_sector",
    "electoral_zone",
    "electoral_section",
]
TerritoryId = Annotated[str, Path(pattern=r"^(BR|\d{2}|\d{7}|\d{9}|\d{15})$")]
IndicatorCode = Annotated[str, Query(pattern=r"^[a-z][a-z0-9_]{1,63}$")]
Period = Annotated[str, Query(pattern=r"^(19|20)\d{2}(-(0[1-9]|1[0-2]))?$")]
OptionalPeriod = Annotated[str | None, Query(pattern=r"^(19|20)\d{2}(-(0[1-9]|1[0-2]))?$")]


_Route = TypeVar("_Route", bound=Callable[..., Response])


def _json(answer: Answer) -> Response:
    return Response(json(answer), media_type="application/json", headers=_DESCRIBED_BY)


class _GeoJson(Response):
    media_type = "application/geo+json"


def _read(
    path: str, model: type[BaseModel], summary: str, form: type[Response] = Response
) -> Callable[[_Route], _Route]:
    return router.get(
        path,
        summary=summary,
        openapi_extra=PUBLIC,
        response_class=form,
        responses={200: {"model": model}},
    )


@_read("/indicators", wire.Indicators, "Os indicadores e o que há de cada um")
def indicators() -> Response:
    """The catalogue: what each number is, its classes, periods, source, freshness."""
    return _json(service.indicators())


@_read("/geo/choropleth", wire.Choropleth, "Os valores de um mapa, sem geometria")
def choropleth(indicator: IndicatorCode, period: Period, level: Level = "municipality") -> Response:
    """The values of one indicator, period and level; shapes are sent once, by `geo/shapes`."""
    return Response(service.choropleth(indicator, period, level), media_type="application/json")


@_read("/geo/shapes/{level}", wire.Shapes, "As formas de um nível, leves, em GeoJSON", _GeoJson)
def shapes(
    level: Level, v: Annotated[str | None, Query(pattern=r"^[0-9a-f-]{1,40}$")] = None
) -> Response:
    """Shapes with shared borders. With `v` of the present mesh the answer never changes."""
    body, version = service.shapes(level)
    headers = {"cache-control": _IMMUTABLE} if v == version else None
    return _GeoJson(body, headers=headers)


@_read("/territories", wire.Territories, "Territórios, por nível, UF ou nome")
def territories(
    level: AnyLevel | None = None,
    q: Annotated[str | None, Query(min_length=1, max_length=80, pattern=r"^[^\x00]+$")] = None,
    uf: Annotated[str | None, Query(pattern=r"^[A-Z]{2}$")] = None,
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    page_size: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """A page of territories; `q` forgives accents, case and small slips."""
    body = service.territories(level=level, q=q, uf=uf, page=page, page_size=page_size)
    return Response(body, media_type="application/json")


@_read("/territories/index", wire.TerritoryIndex, "Todos os territórios de um nível, compactos")
def territory_index(level: Level = "municipality") -> Response:
    """Every territory that exists today, for the table and for search without a network."""
    return Response(service.territory_index(level), media_type="application/json")


@_read("/territory/{territory_id}/profile", wire.Profile, "O que se sabe de um território")
def profile(territory_id: TerritoryId, period: OptionalPeriod = None) -> Response:
    """Each series with value, rank, state, country and history; what is missing and why."""
    return _json(service.profile(territory_id, period))


@_read("/territory/{territory_id}/compare", wire.Comparison, "Um território ao lado de outros")
def compare(
    territory_id: TerritoryId,
    indicator: IndicatorCode,
    others: Annotated[
        str | None, Query(alias="with", pattern=r"^(BR|\d{2}|\d{7})(,(BR|\d{2}|\d{7})){0,7}$")
    ] = None,
) -> Response:
    """One series beside the state's, the country's, some peers' and those named in `with`."""
    return _json(service.compare(territory_id, indicator, others.split(",") if others else ()))


@_read("/territory/{territory_id}/peers", wire.Peers, "Territórios de tamanho parecido")
def peers(
    territory_id: TerritoryId,
    indicator: IndicatorCode = "deaths_total",
    period: OptionalPeriod = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 5,
) -> Response:
    """Places of about the same size and their value; `rule` says in words how they were chosen."""
    return _json(service.peers(territory_id, indicator, period, limit))


@_read("/kpis/overview", wire.Overview, "Os números do país")
def overview() -> Response:
    """The last national value of each series, and how many places there are."""
    return _json(service.overview())


@_read("/map/layers", wire.Layers, "As camadas do mapa e onde estão suas formas")
def layers() -> Response:
    """What can be drawn, on which mesh, at which address."""
    return _json(service.layers())


@_read("/map/style-metadata", wire.StyleMetadata, "Cores, classes e o que é 'sem dado'")
def style_metadata() -> Response:
    """Palettes safe for colour-blind readers; classes fixed across time."""
    return _json(service.style_metadata())


@_read(
    "/explain/indicator/{territory_id}/{code}/{period}",
    wire.Explanation,
    "De onde veio este número",
)
def explain_indicator(
    territory_id: TerritoryId,
    code: Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{1,63}$")],
    period: Annotated[str, Path(pattern=r"^(19|20)\d{2}(-(0[1-9]|1[0-2]))?$")],
) -> Response:
    """Value → row → run → contract → raw file with its hash → where and when it was fetched."""
    return _json(service.explain(f"indicator/{territory_id}/{code}/{period}"))


@_read("/explain/mesh/{territory_id}/{year}", wire.Explanation, "De onde veio esta malha")
def explain_mesh(
    territory_id: TerritoryId, year: Annotated[str, Path(pattern=r"^(19|20)\d{2}$")]
) -> Response:
    """The same for a polygon of the mesh, which areas are made of."""
    return _json(service.explain(f"mesh/{territory_id}/{year}"))
