"""Deaths registered by the civil registry offices, by municipality and month (`deaths_total`).

Source: Portal da Transparência do Registro Civil (Arpen-Brasil), as gathered by the registry
package brazil-monthly-deaths 1.4.0 of 2020-05-22; one CSV a year, 2015 to May 2020.

What the figures can bear (docs/data-bundle.md, decision 0001), for whoever shows them:
- they are deaths *registered*; coverage grows from year to year, so more deaths are not more dying;
- no row means not reported, never zero; May 2020 is partial (the file is of 2020-05-22);
- two state-months are another state's rows and are refused whole (`refused` in aliases.yml);
- Rio de Janeiro 2016–2018 is inflated at the source, by about 70 %, unexplained.

States come spelled in full and municipalities by name: kernel/match decides the code. The Federal
District's administrative regions are added up, over the whole payload, before they are given out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import polars as pl

from atalaia.domains.territory.facts import fact_indicator, months_of
from atalaia.domains.territory.municipality_names import municipality_names, name_rules
from atalaia.kernel.ingest.connector import Connector, Scope, Shaped
from atalaia.kernel.ingest.contract import REASON, ROW, Column, Contract
from atalaia.kernel.ingest.files import csv_parser
from atalaia.kernel.match.names import CODE
from atalaia.kernel.match.rules import refuse
from atalaia.kernel.match.text import folded
from atalaia.kernel.work.job import Run

CONTRACT = Contract(
    version=1,
    datasets={
        "deaths": {
            "city_id": Column("integer"),  # the package's own number, never an IBGE code
            "year": Column("integer", minimum=1900, maximum=2199),
            "month": Column("integer", minimum=1, maximum=12),
            "region": Column(one_of=("North", "Northeast", "Center_West", "Southeast", "South")),
            "state": Column(),
            "city": Column(),
            "deaths": Column("integer", minimum=1),
        }
    },
)
_RAW = [ROW, *CONTRACT.datasets["deaths"]]
TABLE = fact_indicator(
    source="Registro Civil",
    dataset="transparencia_obitos",
    indicator_code="deaths_total",
    unit="óbitos",
)


class _Deaths:
    """Rows of registered deaths → rows of `deaths_total`, for the months in scope."""

    def __init__(self, months: Sequence[str]) -> None:
        self._refused = name_rules().refused
        self._names = municipality_names()
        self._months = pl.DataFrame(
            {
                "reference_period": months,
                "year": [int(m[:4]) for m in months],
                "month": [int(m[5:7]) for m in months],
                "_day": [date(int(m[:4]), int(m[5:7]), 1) for m in months],
            }
        )
        self._held: list[pl.DataFrame] = []

    def shape(self, dataset: str, accepted: pl.DataFrame) -> Shaped:
        """One batch: refused blocks and rows without a code go aside, parts wait for the end."""
        believed, refused = refuse(accepted, self._refused, dataset)
        dated = believed.join(self._months, on=["year", "month"], how="left", maintain_order="left")
        named = self._names.reconcile(dated, group="state", name="city", at="_day").with_columns(
            pl.when(pl.col("_day").is_null())
            .then(pl.lit("fora do período desta execução"))
            .otherwise(pl.col(REASON))
            .alias(REASON)
        )
        good = pl.col(REASON).is_null()
        summed = pl.col(CODE).is_in(list(self._names.summed))
        held = named.filter(good & summed)  # copied, for a slice keeps its whole batch in memory
        self._held.append(pl.DataFrame(held.rows(), schema=held.schema, orient="row"))
        return Shaped(
            _facts(named.filter(good & ~summed)),
            rejected=pl.concat([refused, named.filter(~good).select(*_RAW, REASON)]),
        )

    def finish(self) -> Shaped | None:
        """The parts of one municipality added up, month by month."""
        if not self._held:
            return None
        sure, rejected = _without_doubles(pl.concat(self._held))
        sums = sure.group_by("reference_period", "_day", CODE).agg(pl.col("deaths").sum())
        return Shaped(_facts(sums), rejected=rejected, sources=sure.height)


def _without_doubles(parts: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(rows to add up, rejected): a part that comes twice must not be counted twice, and where it
    contradicts itself the whole sum cannot be trusted."""
    place, part = ["reference_period", CODE], folded(pl.col("city"))
    judged = parts.with_columns(
        part.alias("_written"),
    ).with_columns(
        (pl.col("deaths").n_unique().over([*place, "_written"]) > 1).alias("_contradicts"),
        (pl.col(ROW).rank("ordinal").over([*place, "_written"]) > 1).alias("_again"),
    )
    doubtful = pl.col("_contradicts").any().over(place)
    reason = (
        pl.when(doubtful)
        .then(pl.lit("parte que se contradiz no mês: a soma não é confiável"))
        .when(pl.col("_again"))
        .then(pl.lit("linha repetida"))
    )
    judged = judged.with_columns(reason.alias(REASON))
    good = pl.col(REASON).is_null()
    return judged.filter(good), judged.filter(~good).select(*_RAW, REASON)


def _facts(rows: pl.DataFrame) -> pl.DataFrame:
    """In the order of the table's key: PostgreSQL then fills the index from left to right, at
    about two thirds of the cost."""
    return rows.sort(pl.col(CODE).cast(pl.UInt32), "_day").select(
        pl.col(CODE).alias("territory_id"), "reference_period", pl.col("deaths").alias("value")
    )


def deaths_connector(months: Callable[[str], Sequence[str]] = months_of) -> Connector:
    """The connector. `months` says which months a run of a reference period replaces whole: those
    of its year, unless one payload holds more."""

    def shaper(run: Run) -> _Deaths:
        return _Deaths(months(run.reference_period))

    return Connector(
        name="registro_civil_deaths",
        source="Registro Civil",
        folder="registro_civil",
        datasets=("deaths",),
        contract=CONTRACT,
        table=TABLE,
        parse=csv_parser(CONTRACT),
        shaper=shaper,
        scope=lambda period: Scope({"reference_period": months(period)}),
        license="termos-nao-declarados",
    )


REGISTRO_CIVIL_DEATHS = deaths_connector()
