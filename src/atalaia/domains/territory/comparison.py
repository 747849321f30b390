"""A territory beside others: its state, the country, and places of about its size."""

from __future__ import annotations

from collections.abc import Sequence

from atalaia.domains.territory import store
from atalaia.domains.territory.answer import LEVEL_WORDS, Answer, ancestors, number, territory
from atalaia.domains.territory.published import (
    Published,
    Series,
    all_series,
    published,
    series_of,
)
from atalaia.kernel.base.errors import UsageError

_MOST_PEERS_COMPARED = 3
# How big a place is, best measure first. Deaths registered follow population where it is unknown.
_SIZES = ("population_estimated", "population_census", "deaths_total", "area_km2")


def compare(territory_id: str, code: str, others: Sequence[str]) -> Answer:
    """One series of a territory beside its state's, the country's, its peers' and `others`'."""
    own, series = territory(territory_id), series_of(code)
    kinds = {territory_id: "self"}
    for ancestor, kind in ancestors(own):
        kinds.setdefault(ancestor, kind)
    if set(others) - set(store.names_of(list(others))):
        raise UsageError(
            "Um dos territórios a comparar não existe.", todo="Veja os códigos em /v1/territories."
        )
    for other in others:
        kinds.setdefault(other, "other")
    for peer in _peers(own, series, None, _MOST_PEERS_COMPARED)[0]:
        kinds.setdefault(peer["territory_id"], "peer")
    points = _points(list(kinds), series)
    names = store.names_of(list(kinds))
    return {
        "indicator": code,
        "unit": series.indicator.unit.pt,
        "series": [
            {"territory_id": one, "name": names[one]["name"], "kind": kind, "points": points[one]}
            for one, kind in kinds.items()
            if one in names and (kind == "self" or points[one])
        ],
    }


def _points(territory_ids: list[str], series: Series) -> dict[str, list[Answer]]:
    points: dict[str, list[Answer]] = {one: [] for one in territory_ids}
    for row in store.series_values(territory_ids, series.indicator.code):
        if series.indicator.kind_of(row["reference_period"]) == series.kind:
            point = {"period": row["reference_period"], "value": number(row["value"])}
            points[row["territory_id"]].append(point)
    return points


def peers(territory_id: str, code: str, period: str | None, limit: int) -> Answer:
    """Places of about the same size, with their value of an indicator, and the rule in words."""
    own = territory(territory_id)
    series = series_of(code, period)
    items, rule = _peers(own, series, period, limit)
    return {"items": items, "count": len(items), "rule": rule, "indicator": code, "period": period}


def _peers(own: Answer, series: Series, period: str | None, limit: int) -> tuple[list[Answer], str]:
    now, level = published(), own["level"]
    size = _size_of(own, now)
    if level == "country" or size is None:
        return [], "Não há com quem comparar: falta uma medida de tamanho deste território."
    measure, measured = size
    shown = period or next(iter(now.periods(series, level)[-1:]), "")
    within = own["uf"] if level == "municipality" else None
    found = _nearest(own, size, within, series, shown, limit)
    if within and len(found) < limit:  # the Federal District is alone in its state
        within, found = None, _nearest(own, size, None, series, shown, limit)
    where = f"do mesmo estado ({within})" if within else "do país"
    what = f"{measure.name.pt.lower()} em {measured}"
    rule = f"{LEVEL_WORDS[level].capitalize()} {where} de tamanho mais próximo, medido por {what}."
    return [{**one, "value": number(one["value"])} for one in found], rule


def _nearest(
    own: Answer, size: tuple[Series, str], uf: str | None, series: Series, period: str, limit: int
) -> list[Answer]:
    found = store.nearest(
        own["territory_id"],
        size_indicator=size[0].indicator.code,
        size_period=size[1],
        uf=uf,
        indicator=series.indicator.code,
        period=period,
        limit=limit,
    )
    return [
        {**one, "distance": number(one["distance"]), "size": number(one["size"])} for one in found
    ]


def _size_of(own: Answer, now: Published) -> tuple[Series, str] | None:
    """The best measure of how big a place is that the place itself has, and its last period."""
    for code in _SIZES:
        series = all_series()[code]
        has = [
            row["reference_period"]
            for row in store.series_values([own["territory_id"]], series.indicator.code)
            if row["value"] and series.indicator.kind_of(row["reference_period"]) == series.kind
        ]
        if has:
            return series, has[-1]
    return None
