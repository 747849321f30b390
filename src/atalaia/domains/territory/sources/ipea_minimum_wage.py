"""The national minimum wage, month by month (`minimum_wage_nominal`, `minimum_wage_real`).

Source: IPEA (Ipeadata), as the registry package cacimbao 0.2.0 carries it; July 1940 to December
2024, asked for on 2025-06-04. Territory BR.

- `minimum_wage_nominal` (MTE12_SALMIN12): the wage in force, in R$ of today's currency: 8.7e-14 in
  1940, 64.79 in July 1994, 1,412.00 in 2024. It changes inside a year; January is not the year.
- `minimum_wage_real` (GAC12_SALMINRE12): at the prices of the last month of the deflator when it
  was asked for, so every value changes with each release and values of two releases never mix: a
  payload replaces the whole series. The file does not name the month; December 2024 stands at
  1,447.118 for a nominal 1,412.00, a ratio of 1.02487, which is the INPC of January to April 2025
  (0.00, 1.48, 0.51 and 0.48 %), so the base is very likely April 2025.
"""

from __future__ import annotations

import polars as pl

from atalaia.domains.territory.facts import fact_indicator
from atalaia.kernel.ingest.connector import Connector, Scope, Shaped
from atalaia.kernel.ingest.contract import Column, Contract
from atalaia.kernel.ingest.files import parquet_parser

_REAL = "Salário mínimo real - R$ (do último mês) - Instituto de Pesquisa Econômica"
_NOMINAL = (
    "Salário mínimo vigente - R$ - Ministério da Economia, Outras (Min. Economia/Outras)"
    " - MTE12_SALMIN12"
)
CONTRACT = Contract(
    version=1,
    datasets={
        "minimum_wage": {
            "Data": Column("date"),
            _REAL: Column("number", minimum=0),
            _NOMINAL: Column("number", minimum=0),
        }
    },
)
TABLE = fact_indicator(source="IPEA", dataset="salario_minimo", territory_id="BR")
_SERIES = (
    (_NOMINAL, "minimum_wage_nominal", "R$"),
    (_REAL, "minimum_wage_real", "R$ constantes (último mês da série)"),
)


class _MinimumWage:
    """A month of the series → its two values."""

    def shape(self, _dataset: str, accepted: pl.DataFrame) -> Shaped:
        """Two rows of the table for each raw row."""
        series = [
            accepted.select(
                pl.lit(code).alias("indicator_code"),
                pl.col("Data").dt.strftime("%Y-%m").alias("reference_period"),
                pl.col(column).alias("value"),
                pl.lit(unit).alias("unit"),
            )
            for column, code, unit in _SERIES
        ]
        return Shaped(pl.concat(series), sources=accepted.height)

    def finish(self) -> None:
        """Nothing is held back."""


IPEA_MINIMUM_WAGE = Connector(
    name="ipea_minimum_wage",
    source="IPEA",
    folder="ipea",
    datasets=("minimum_wage",),
    contract=CONTRACT,
    table=TABLE,
    parse=parquet_parser(CONTRACT),
    shaper=lambda _run: _MinimumWage(),
    scope=lambda _period: Scope({"indicator_code": [code for _, code, _ in _SERIES]}),
    license="dado-publico-oficial",
)
