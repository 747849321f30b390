"""Active indigenous villages by municipality (`indigenous_villages`).

Source: FUNAI's register of villages (GeoServer table *aldeias*), as the registry package cacimbao
0.2.0 carries it; the file is of 2025-06-08 and is a picture of that day.

`cod_municipio` is the IBGE code, 7 digits (425 of them, all in the DTB 2024); `undadm_codigo` is a
FUNAI regional unit, not a municipality. The code is looked up, never repaired: no check digit is
computed. A village counts while `flag_ativo` is A; a municipality whose villages are all inactive
has zero, one without villages on the register has no row. 28 rows repeat another's name, place and
point under a code of their own: they are counted, as FUNAI counts them.
"""

from __future__ import annotations

import polars as pl

from atalaia.domains.territory.facts import fact_indicator
from atalaia.domains.territory.municipality_names import municipality_codes
from atalaia.kernel.ingest.connector import Connector, Scope, Shaped
from atalaia.kernel.ingest.contract import REASON, Column, Contract
from atalaia.kernel.ingest.files import parquet_parser

CONTRACT = Contract(
    version=1,
    datasets={
        "villages": {
            "gml_id": Column(),
            "cod_aldeia": Column("integer"),
            "nome_aldeia": Column(),
            "cod_ti": Column("integer", required=False),
            "cod_municipio": Column("integer"),
            "data_cadastro": Column(required=False),
            "flag_ativo": Column(one_of=("A", "I")),
            "nome_cr": Column(required=False),
            "nommunic": Column(required=False),
            "nomuf": Column(required=False),
            "undadm_codigo": Column("integer", required=False),
            "coord_lat": Column("number", required=False),
            "coord_long": Column("number", required=False),
        }
    },
)
TABLE = fact_indicator(
    source="FUNAI",
    dataset="aldeias_indigenas",
    indicator_code="indigenous_villages",
    unit="aldeias",
)


class _Villages:
    """Villages → their number in each municipality, given out at the end."""

    def __init__(self, period: str) -> None:
        self._period = period
        self._codes = municipality_codes()
        self._seen: list[pl.DataFrame] = []

    def shape(self, _dataset: str, accepted: pl.DataFrame) -> Shaped:
        """Hold every row: a village may come again in a later batch."""
        self._seen.append(accepted)
        return Shaped(pl.DataFrame(), sources=0)

    def finish(self) -> Shaped | None:
        """Active villages per municipality; rows of no known municipality and repeats go aside."""
        if not self._seen:
            return None
        code = pl.col("cod_municipio").cast(pl.String)
        reason = (
            pl.when(~code.is_in(self._codes))
            .then(pl.lit("código de município que não existe na DTB"))
            .when(pl.col("cod_aldeia").is_duplicated())
            .then(pl.lit("aldeia que vem mais de uma vez"))
        )
        judged = pl.concat(self._seen).with_columns(reason.alias(REASON))
        known = judged.filter(pl.col(REASON).is_null())
        rows = known.group_by(code.alias("territory_id")).agg(
            (pl.col("flag_ativo") == "A").sum().cast(pl.Int64).alias("value"),
            pl.lit(self._period).alias("reference_period"),
        )
        return Shaped(
            rows.sort("territory_id"),
            rejected=judged.filter(pl.col(REASON).is_not_null()),
            sources=known.height,
        )


FUNAI_VILLAGES = Connector(
    name="funai_villages",
    source="FUNAI",
    folder="funai",
    datasets=("villages",),
    contract=CONTRACT,
    table=TABLE,
    parse=parquet_parser(CONTRACT),
    shaper=lambda run: _Villages(run.reference_period),
    scope=lambda period: Scope({"reference_period": [period]}),
    license="dado-publico-oficial",
)
