"""`silver.fact_indicator` as connectors fill it, and the months of a reference period."""

from __future__ import annotations

from atalaia.kernel.ingest.connector import Table

_TYPES = {
    "territory_id": "text",
    "indicator_code": "text",
    "reference_period": "text",
    "source": "text",
    "dataset": "text",
    "category": "text",
    "value": "numeric",
    "unit": "text",
}
_KEY = ("territory_id", "reference_period", "indicator_code", "source", "dataset", "category")


def fact_indicator(
    *, source: str, category: str = "", marked: bool = False, **constants: str
) -> Table:
    """The table for one source; `constants` are columns with one value in all of its rows
    (`dataset`, `indicator_code`, `unit`, `territory_id` …). `marked`: rows bring a `marker`, for
    values that the source says it does not give."""
    types = {**_TYPES, "marker": "text"} if marked else _TYPES
    said = {"source": source, "category": category, **constants}
    return Table("silver.fact_indicator", types, _KEY, said, partitioned_by="source")


def months_of(period: str) -> list[str]:
    """The months a reference period holds: twelve for a year, itself for a month."""
    if len(period) == 4:
        return [f"{period}-{month:02}" for month in range(1, 13)]
    return [period[:7]]
