"""What the territory's reads answer: which number is shown, beside what, and what is said when
there is none. No number that the data cannot bear; a hole has its reason and its verdict.
"""

from __future__ import annotations

from atalaia.domains.territory import store
from atalaia.domains.territory.answer import LEVEL_WORDS, Answer, json, source_of
from atalaia.domains.territory.comparison import compare, peers
from atalaia.domains.territory.explanation import explain
from atalaia.domains.territory.indicators import catalogue
from atalaia.domains.territory.profile import overview, profile
from atalaia.domains.territory.published import (
    Published,
    Series,
    all_series,
    published,
    series_of,
)
from atalaia.kernel.base.errors import NotFound

__all__ = [
    "choropleth",
    "compare",
    "explain",
    "indicators",
    "layers",
    "overview",
    "peers",
    "profile",
    "shapes",
    "style_metadata",
    "territories",
    "territory_index",
]

# --- indicators and the map ---------------------------------------------------------------------


def indicators() -> Answer:
    """The catalogue with what is published of each series."""
    now = published()
    items = [_described(series, now) for series in all_series().values()]
    return {"items": items, "count": len(items), "data_version": now.version}


def _described(series: Series, now: Published) -> Answer:
    entry, edition = series.indicator, now.newest(series)
    themes = catalogue().themes
    first = next((level for level in entry.levels if level != "country"), "country")
    periods = now.periods(series, first) or now.periods(series)
    classes = {level: by_kind[series.kind] for level, by_kind in entry.classes.items()}
    return {
        "code": series.code,
        "name": series.name.pt,
        "unit": entry.unit.pt,
        "theme": themes[entry.theme].pt,
        "polarity": entry.polarity,
        "source": entry.source.pt,
        "dataset": edition.dataset if edition else "",
        "decimals": entry.decimals,
        "scale": entry.scale,
        "center": entry.center,
        "levels": list(entry.levels),
        "periods": periods,
        "period_kind": series.kind,
        "classes": classes.get(first, []),
        "classes_by_level": classes,
        "ranked": entry.ranked,
        "unranked_years": list(entry.unranked_years),
        "note": entry.note.pt,
        "coverage_note": entry.coverage_note.pt if entry.coverage_note else None,
        "partial_periods": {
            period: words.pt for period, words in entry.partial_periods.items() if period in periods
        },
        "license": entry.license.pt,
        "fetched_at": edition.fetched_at if edition else None,
        "cumulative": entry.additive,
        "en": {
            "name": series.name.en,
            "unit": entry.unit.en,
            "theme": themes[entry.theme].en,
            "source": entry.source.en,
            "note": entry.note.en,
            "coverage_note": entry.coverage_note.en if entry.coverage_note else None,
            "license": entry.license.en,
        },
    }


def choropleth(code: str, period: str, level: str) -> bytes:
    """The values of one map, JSON ready to send. The values come from the database as text.

    Raises NotFound for an indicator, level or period there is nothing of."""
    series = series_of(code, period)
    entry = series.indicator
    if level not in entry.levels:
        at = ", ".join(LEVEL_WORDS[one] for one in entry.levels)
        raise NotFound("Esse indicador não existe nesse nível.", todo=f"Existe para: {at}.")
    now = published(0)
    while True:
        edition = now.edition(series, level, period)
        ask = store.choropleth_with_notes if edition and edition.noted else store.choropleth
        found = ask(entry.code, period, level, entry.decimals or None)
        if found["version"] == now.version:
            break
        now = published(found["version"])  # data changed between the two questions
    head: Answer = {
        "indicator": code,
        "period": period,
        "level": level,
        "unit": entry.unit.pt,
        "data_version": now.version,
        "count": found["count"],
        "classes": entry.edges(level, period),
        "source": source_of(series, period, edition),
    }
    if edition is None:
        head["missing"] = _why_nobody(series, now, level, period)
    items: str = found["items"]
    return json(head)[:-1] + b',"items":' + items.encode() + b"}"


def _why_nobody(series: Series, now: Published, level: str, period: str) -> Answer:
    """The known reason why a map is empty; without one there is nothing to ask for."""
    found = store.missing_everywhere(series.indicator.code, period, level)
    if found:
        return {"reason": found["reason"], "verdict": found["verdict"]}
    periods = now.periods(series, level)
    there = f"Há de {periods[0]} a {periods[-1]}." if periods else "Ainda não há nenhum período."
    raise NotFound("Não há dados desse indicador nesse período e nível.", todo=there)


def shapes(level: str) -> tuple[str, str]:
    """The light shapes of a level (GeoJSON text) and the version of the mesh. Raises NotFound."""
    mesh = published().meshes.get(level)
    if mesh is None:
        raise NotFound("Ainda não há malha desenhada desse nível.", todo="Rode a carga da malha.")
    return store.shapes(level), mesh.version


def layers() -> Answer:
    """What the map can draw, and where its shapes are."""
    now = published()
    order = [level for level in LEVEL_WORDS if level in now.meshes]
    items = [
        {
            "id": level,
            "title": LEVEL_WORDS[level].capitalize(),
            "level": level,
            "mesh_version": now.meshes[level].version,
            "mesh_year": now.meshes[level].year,
            "shapes": f"/v1/geo/shapes/{level}?v={now.meshes[level].version}",
            "drawn": now.meshes[level].drawn,
            "water": now.meshes[level].water,
            "undrawn": now.meshes[level].undrawn,
            "box": now.meshes[level].box,
            "crs": "EPSG:4674",
        }
        for level in order
    ]
    return {"items": items, "count": len(items), "data_version": now.version}


# Colour-blind-safe, light to dark on paper; the front end takes as many as there are classes.
_CIVIDIS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369"]
_YLGNBU = ["#ffffd9", "#edf8b1", "#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#225ea8", "#0c2c84"]
_PURPLE_ORANGE = [
    *("#542788", "#8073ac", "#b2abd2", "#d8daeb"),
    *("#fee0b6", "#fdb863", "#e08214", "#b35806"),
]


def style_metadata() -> Answer:
    """How a map is coloured: palettes, classes fixed across time, what 'sem dado' looks like."""
    now = published()
    return {
        "data_version": now.version,
        "palettes": {
            "sequential": {"cividis": _CIVIDIS, "YlGnBu": _YLGNBU},
            "diverging": {"PuOr": _PURPLE_ORANGE},
        },
        "no_data": {"label": "sem dado", "pattern": "hatch"},
        "water": {"label": "água", "kind": "water"},
        "items": [
            {
                "indicator": series.code,
                "level": level,
                "scale": series.indicator.scale,
                "center": series.indicator.center,
                "classes": by_kind[series.kind],
            }
            for series in all_series().values()
            for level, by_kind in series.indicator.classes.items()
        ],
    }


# --- territories --------------------------------------------------------------------------------


def territories(
    *, level: str | None, uf: str | None, q: str | None, page: int, page_size: int
) -> bytes:
    """A page of territories, JSON ready to send."""
    text = store.territories(
        level=level, uf=uf, q=q, limit=page_size, offset=(page - 1) * page_size
    )
    return text[:-1].encode() + f',"page":{page},"page_size":{page_size}}}'.encode()


def territory_index(level: str) -> bytes:
    """Every territory of a level, JSON ready to send: columns once, then rows."""
    columns = json(["territory_id", "name", "uf", "has_mesh"])
    text = store.territory_index(level)
    return b'{"columns":' + columns + b',"rows":' + text.encode() + b"}"
