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
_KEY = ("indicator_code", "reference_period", "territory_id", "source", "dataset", "category")


def fact_indicator(*, source: str, dataset: str, category: str = "", **constants: str) -> Table:
    """The table for one source and dataset; `constants` are columns with one value in all rows
    (`indicator_code`, `unit`, `territory_id` …)."""
    said = {"source": source, "dataset": dataset, "category": category, **constants}
    return Table("silver.fact_indicator", _TYPES, _KEY, said, partitioned_by="source")


def months_of(period: str) -> list[str]:
    """The months a reference period holds: twelve for a year, itself for a month."""
    if len(period) == 4:
        return [f"{period}-{month:02}" for month in range(1, 13)]
    return [period[:7]]
