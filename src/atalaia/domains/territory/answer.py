"""How answers are written: numbers, JSON, addresses, and the territory an answer is about."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

from atalaia.domains.territory import store
from atalaia.domains.territory.published import Edition, Series
from atalaia.kernel.base.errors import NotFound

Answer = dict[str, Any]

LEVEL_WORDS = {"municipality": "municípios", "state": "estados", "country": "país"}


def number(value: Decimal | None) -> int | float | None:
    """A stored value as JSON has it: whole numbers stay whole."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def json(answer: Answer | list[Any]) -> bytes:
    """JSON bytes of an answer; stored numbers as `number` has them."""

    def other(value: Any) -> Any:
        if isinstance(value, Decimal):
            return number(value)
        raise TypeError(type(value).__name__)

    return orjson.dumps(answer, default=other)


def territory(territory_id: str) -> Answer:
    """One territory. Raises NotFound."""
    found = store.territory(territory_id)
    if found is None:
        raise NotFound(
            "Não há território com esse código.", todo="Procure pelo nome em /v1/territories?q=."
        )
    return found


def explain_address(territory_id: str, series: Series, period: str) -> str:
    """Where a number of this API is explained."""
    return f"/v1/explain/indicator/{territory_id}/{series.indicator.code}/{period}"


def source_of(series: Series, period: str, edition: Edition | None) -> Answer:
    """Whose numbers these are, how fresh, and what must be said with them."""
    entry = series.indicator
    partial = entry.partial_periods.get(period)
    notes = [words.pt for words in (entry.coverage_note, partial) if words]
    return {
        "name": entry.source.pt,
        "dataset": edition.dataset if edition else "",
        "license": entry.license.pt,
        "fetched_at": edition.fetched_at if edition else None,
        "note": "; ".join(notes) or None,
    }


def ancestors(own: Answer) -> list[tuple[str, str]]:
    """The state and the country a territory lies in, itself not among them: (id, level)."""
    if own["level"] == "country":
        return []
    country = [("BR", "country")]
    return country if own["level"] == "state" else [(own["territory_id"][:2], "state"), *country]
