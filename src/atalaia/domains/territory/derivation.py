"""Where a derived value comes from: in words, by which dbt model, from which inputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

_STEPS = Path(__file__).with_name("dbt") / "models" / "steps"


@dataclass(frozen=True, slots=True)
class Derivation:
    """How the rows of one dbt model are made. `method` is for people (pt-BR).

    `inputs_sql` takes a derived row's own columns as named parameters (`territory_id`,
    `indicator_code`, `reference_period`, `source`, `dataset`, `category`) and gives rows of
    (uri, value); each uri can be explained in turn, down to what a source published."""

    model: str
    method: str
    inputs_sql: LiteralString

    @property
    def model_file(self) -> Path:
        """The file with the model's SQL."""
        return _STEPS / f"{self.model}.sql"


def derivation(model: str) -> Derivation:
    """The derivation of rows whose `method` is `model`. Raises KeyError for an unknown one."""
    return DERIVATIONS[model]


_VALUES: LiteralString = """
SELECT format('indicator/%%s/%%s/%%s', v.territory_id, v.indicator_code, v.reference_period) AS uri,
       v.value
FROM gold.indicator_value AS v
"""
_SAME_SERIES: LiteralString = """
    AND v.source = %(source)s AND v.dataset = %(dataset)s AND v.category = %(category)s
    AND v.value IS NOT NULL
"""
# What the places below this one have for the same indicator and period.
_PARTS: LiteralString = (
    _VALUES
    + """JOIN silver.dim_territory AS part USING (territory_id)
WHERE part.parent_id = %(territory_id)s AND part.kind = 'land'
    AND v.indicator_code = %(indicator_code)s AND v.reference_period = %(reference_period)s"""
    + _SAME_SERIES
)
_BY_TERRITORY: LiteralString = "ORDER BY v.territory_id"

_MONTHS_OF_THE_YEAR: LiteralString = (
    _VALUES
    + """WHERE v.territory_id = %(territory_id)s AND v.indicator_code = 'deaths_total'
    AND v.reference_period LIKE %(reference_period)s || '-__'"""
    + _SAME_SERIES
    + "ORDER BY v.reference_period"
)
_MONTHS_OF_THE_EXCESS: LiteralString = (
    _VALUES
    + """WHERE length(%(territory_id)s) = 7 AND v.territory_id = %(territory_id)s
    AND v.indicator_code = 'deaths_total'
    AND v.reference_period ~ '-0[1-4]$'
    AND left(v.reference_period, 4)::int
        BETWEEN %(reference_period)s::int - 5 AND %(reference_period)s::int"""
    + _SAME_SERIES
)
_MESH: LiteralString = """
SELECT format('mesh/%%s/%%s', territory_id, mesh_year) AS uri, NULL::numeric AS value
FROM silver.dim_territory_geometry
WHERE territory_id = %(territory_id)s AND mesh_year::text = %(reference_period)s
"""

DERIVATIONS = {
    found.model: found
    for found in (
        Derivation(
            "deaths_sum",
            "Soma dos óbitos registrados no mês pelos municípios que informaram. A cobertura é a "
            "parte dos municípios existentes que informou.",
            _PARTS + _BY_TERRITORY,
        ),
        Derivation(
            "deaths_annual",
            "Soma dos doze meses do ano; sem os doze não há total. Só de anos encerrados quando o "
            "arquivo foi feito (2015 a 2019).",
            _MONTHS_OF_THE_YEAR,
        ),
        Derivation(
            "deaths_excess_jan_apr",
            "Óbitos de janeiro a abril divididos pela média dos mesmos meses dos cinco anos "
            "anteriores, menos um, em porcentagem; só onde os quatro meses foram informados nos "
            "seis anos. No estado e no país, a razão das somas desses mesmos municípios.",
            _PARTS + "UNION ALL" + _MONTHS_OF_THE_EXCESS + "ORDER BY uri",
        ),
        Derivation(
            "area",
            "Área da malha mais recente sobre o elipsoide GRS80, em km²; no estado e no país, a "
            "soma dos municípios, sem as lagoas Mirim e dos Patos.",
            _PARTS + "UNION ALL" + _MESH + "ORDER BY uri",
        ),
        Derivation(
            "place_sums",
            "Soma do que os municípios têm no mesmo cadastro ou na mesma tabela, no mesmo período.",
            _PARTS + _BY_TERRITORY,
        ),
    )
}
