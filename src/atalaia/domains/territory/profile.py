"""A territory's profile and the national figures: last values, their place, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable

from atalaia.domains.territory import store
from atalaia.domains.territory.answer import (
    Answer,
    ancestors,
    explain_address,
    number,
    source_of,
    territory,
)
from atalaia.domains.territory.indicators import catalogue
from atalaia.domains.territory.published import (
    Published,
    Series,
    all_series,
    published,
    series_of,
)

# The job that brings an indicator of which nothing was ever loaded.
_JOB_OF = {"population_census": "ibge_indicators", "population_estimated": "ibge_indicators"}

_NOTHING: store.Row = {"value": None, "note": None}

Rows = dict[str, list[store.Row]]  # rows by territory, in the order of their periods


def profile(territory_id: str, period: str | None) -> Answer:
    """What is known of a territory: per series the value of `period` (else the last one up to it,
    else the last one of a complete period), its rank, its state's and the country's with what must
    be said of them, the whole series; and for each series without any value, why. Raises NotFound.
    """
    own, now = territory(territory_id), published()
    by_series = _by_series(store.values_of([territory_id, *(one for one, _ in ancestors(own))]))
    shown, missing = [], []
    holes = store.missing_of(territory_id)
    for series in all_series().values():
        if own["level"] not in series.indicator.levels:
            continue
        rows = by_series.get(series.code, {})
        if any(row["value"] is not None for row in rows.get(territory_id, ())):
            shown.append(_number(own, series, rows, period, now))
        else:
            missing.append(_hole(series, holes, now))
    return {
        "territory": own,
        "headline": _headline(own, shown),
        "indicators": shown,
        "missing": missing,
        "data_version": now.version,
    }


def _by_series(rows: Iterable[store.Row]) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for row in rows:
        if row["indicator_code"] not in all_series():
            continue  # loaded, but not in the catalogue: nobody said how to show it
        series = series_of(row["indicator_code"], row["reference_period"])
        found.setdefault(series.code, {}).setdefault(row["territory_id"], []).append(row)
    return found


def _number(own: Answer, series: Series, rows: Rows, period: str | None, now: Published) -> Answer:
    row = _at(rows[own["territory_id"]], period, series)
    shown = row["reference_period"]
    around = {
        level: next((r for r in rows.get(one, ()) if r["reference_period"] == shown), _NOTHING)
        for one, level in ancestors(own)
    }
    source = source_of(series, shown, now.edition(series, own["level"], shown))
    ranked = own["level"] != "country"  # the only one is not the first of one
    return {
        "code": series.code,
        "name": series.name.pt,
        "unit": series.indicator.unit.pt,
        "theme": catalogue().themes[series.indicator.theme].pt,
        "period": shown,
        "value": number(row["value"]),
        "marker": row["marker"],
        "rank": row["rank"] if ranked else None,
        "rank_of": row["rank_of"] if ranked else None,
        "baseline": number(row["baseline"]),
        "coverage": number(row["coverage"]),
        "state_value": number(around.get("state", _NOTHING)["value"]),
        "country_value": number(around.get("country", _NOTHING)["value"]),
        "freshness": source["fetched_at"],
        "source": source["name"],
        "dataset": row["dataset"],
        "note": _together([row["note"], *(r["note"] for r in around.values()), source["note"]]),
        "series": [
            {"period": r["reference_period"], "value": number(r["value"])}
            for r in rows[own["territory_id"]]
        ],
        "explain": explain_address(own["territory_id"], series, shown),
    }


def _together(notes: Iterable[str | None]) -> str | None:
    """Each sentence once: the country's may be the state's too."""
    return " ".join(dict.fromkeys(note for note in notes if note)) or None


def _at(rows: list[store.Row], period: str | None, series: Series) -> store.Row:
    """The row to show: the last with a value within or before `period`, else the last with one.
    A period that is known to be incomplete is shown to who asks for it, not on its own account."""
    valued = [row for row in rows if row["value"] is not None]
    if period is None:
        partial = series.indicator.partial_periods
        valued = [row for row in valued if row["reference_period"] not in partial] or valued
    else:
        # '2019' covers its own months: '2019-12' is not after it.
        until = [row for row in valued if row["reference_period"][: len(period)] <= period]
        valued = until or valued
    return valued[-1]


def _hole(series: Series, holes: list[store.Row], now: Published) -> Answer:
    found = {"code": series.code, "name": series.name.pt}
    for hole in holes:
        same = hole["indicator_code"] == series.indicator.code
        if same and series.indicator.kind_of(hole["reference_period"]) == series.kind:
            period = hole["reference_period"]
            return {**found, "period": period, "reason": hole["reason"], "verdict": hole["verdict"]}
    if now.periods(series):
        reason = f"{series.indicator.source.pt} não informa nada daqui."
        return {**found, "period": None, "reason": reason, "verdict": "not_published"}
    verdict = store.verdicts_of_sources().get(_JOB_OF.get(series.indicator.code, ""))
    reason = f"Ainda não há dados desta fonte ({series.indicator.source.pt}) nesta instalação."
    return {**found, "period": None, "reason": reason, "verdict": verdict}


# What may stand in the headline, most telling first; {value} and {period} are filled in.
_SENTENCES = {
    "population_estimated": "tinha {value} habitantes em {period} (estimativa)",
    "population_census": "tinha {value} habitantes no Censo de {period}",
    "deaths_total": "registrou {value} óbitos em cartório em {period}",
    "deaths_total_monthly": "registrou {value} óbitos em cartório em {period}",
    "area_km2": "tem {value} km² (malha 1:2.500.000)",
    "indigenous_villages": "tem {value} aldeias indígenas cadastradas",
    "fishers_professional": "tem {value} pescadores e pescadoras profissionais no registro",
}
_MOST_SENTENCES = 2


def _headline(own: Answer, shown: list[Answer]) -> str:
    name = f"{own['name']} ({own['uf']})" if own["level"] == "municipality" else own["name"]
    by_code = {one["code"]: one for one in shown}
    if "deaths_total" in by_code:
        by_code.pop("deaths_total_monthly", None)
    told = [
        sentence.format(
            value=_pt(by_code[code]["value"], all_series()[code].indicator.decimals),
            period=_period_pt(by_code[code]["period"]),
        )
        for code, sentence in _SENTENCES.items()
        if code in by_code
    ][:_MOST_SENTENCES]
    return f"{name} {' e '.join(told)}." if told else f"Ainda não há números de {name}."


def _pt(value: float, decimals: int) -> str:
    """A number as Brazilians write it."""
    return f"{value:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


def _period_pt(period: str) -> str:
    return f"{period[5:7]}/{period[:4]}" if len(period) > 4 else period


def overview() -> Answer:
    """National figures: the last of each series, and how many places there are."""
    now = published()
    newest: dict[str, Answer] = {}
    for row in store.values_of(["BR"]):
        series = series_of(row["indicator_code"], row["reference_period"])
        if row["value"] is not None and row["reference_period"] not in (
            series.indicator.partial_periods
        ):
            newest[series.code] = _figure(series, row, now)
    items = [newest[code] for code in all_series() if code in newest]
    return {
        "items": items,
        "count": len(items),
        "data_version": now.version,
        "refreshed_at": now.refreshed_at,
        "territories": store.places(),
    }


def _figure(series: Series, row: Answer, now: Published) -> Answer:
    period = row["reference_period"]
    edition = now.edition(series, "country", period)
    return {
        "code": series.code,
        "name": series.name.pt,
        "unit": series.indicator.unit.pt,
        "theme": catalogue().themes[series.indicator.theme].pt,
        "period": period,
        "value": number(row["value"]),
        "coverage": number(row["coverage"]),
        "note": row["note"],
        "source": source_of(series, period, edition),
        "explain": explain_address("BR", series, period),
    }
