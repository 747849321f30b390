"""Professional fishers on the register, by municipality (`fishers_professional`).

Source: Ministério da Pesca e Aquicultura, Registro Geral da Atividade Pesqueira, as the registry
package cacimbao 0.2.0 carries it; the file is of 2025-06-07 and holds no date of its own, so the
figure is a picture of that day. A municipality without a row was not reported: null, never zero.

Each raw row is a person. Only UF and Municipio are read: the other six columns describe people and
are never decoded, loaded, logged or put in a dead letter.
"""

from __future__ import annotations

import polars as pl

from atalaia.domains.territory.facts import fact_indicator
from atalaia.domains.territory.municipality_names import municipality_names
from atalaia.kernel.ingest.connector import Connector, Scope, Shaped
from atalaia.kernel.ingest.contract import REASON, ROW, Column, Contract
from atalaia.kernel.ingest.files import parquet_parser
from atalaia.kernel.match.names import CODE

CONTRACT = Contract(
    version=1,
    datasets={
        "fishers": {
            "Faixa de Renda": Column(kept=False),
            "Nivel Escolaridade": Column(kept=False),
            "Tipo Alfabetizacao": Column(kept=False),
            "Sexo": Column(kept=False),
            "Categoria": Column(kept=False),
            "Forma de Atuacao": Column(kept=False),
            "UF": Column(),
            "Municipio": Column(),
        }
    },
)
TABLE = fact_indicator(
    source="MPA",
    dataset="pescadores_profissionais",
    indicator_code="fishers_professional",
    unit="pessoas",
)


class _Fishers:
    """People on the register → their number in each municipality, given out at the end."""

    def __init__(self, period: str) -> None:
        self._period = period
        self._names = municipality_names()
        self._counts: list[pl.DataFrame] = []

    def shape(self, _dataset: str, accepted: pl.DataFrame) -> Shaped:
        """Count one batch; rows whose municipality is not known go aside."""
        named = self._names.reconcile(accepted, group="UF", name="Municipio")
        known = named.filter(pl.col(CODE).is_not_null())
        self._counts.append(known.group_by(CODE).agg(pl.len().cast(pl.Int64).alias("value")))
        unknown = named.filter(pl.col(CODE).is_null())
        return Shaped(
            pl.DataFrame(),
            rejected=unknown.select(ROW, "UF", "Municipio", REASON),
            sources=0,
        )

    def finish(self) -> Shaped | None:
        """The counts of all batches together."""
        if not self._counts:
            return None
        rows = (
            pl.concat(self._counts)
            .group_by(pl.col(CODE).alias("territory_id"))
            .agg(pl.col("value").sum(), pl.lit(self._period).alias("reference_period"))
        )
        return Shaped(rows.sort("territory_id"), sources=int(rows["value"].sum()))


MPA_FISHERS = Connector(
    name="mpa_fishers",
    source="MPA",
    folder="mpa",
    datasets=("fishers",),
    contract=CONTRACT,
    table=TABLE,
    parse=parquet_parser(CONTRACT),
    shaper=lambda run: _Fishers(run.reference_period),
    scope=lambda period: Scope({"reference_period": [period]}),
    license="dado-publico-oficial",
)
