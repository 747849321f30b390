"""Resident population of municipalities, states and the country, one value a year.

Source: IBGE, agregados v3: the yearly estimate (table 6579, `population_estimated`) and, in the
year of the census, its count (table 4714, `population_census`), for 2022 has no estimate. The
answer of SIDRA's older door (apisidra /values) is read too, when a person put it in
data/manual/ibge/{year}/sidra_values/. Nothing is bundled: with no network the run is blocked.

SIDRA writes words into values: `-` is a zero that was counted, `...` not available, `..` not
applicable, `X` withheld to protect who would be recognised. Only the first is a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from atalaia.domains.territory.facts import fact_indicator
from atalaia.domains.territory.sources import ibge
from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.domain import connector_job
from atalaia.kernel.ingest.bronze import BronzeObject
from atalaia.kernel.ingest.connector import Connector, Request, Scope, Shaped
from atalaia.kernel.ingest.contract import REASON, Column, Contract
from atalaia.kernel.work.job import Run
from atalaia.kernel.work.runner import as_function

NAME = "ibge_indicators"
AGREGADOS, SIDRA = "agregados_v3", "sidra_values"
_LEVELS = ("N1", "N3", "N6")  # country, state, municipality
_MARKERS = {"...": "unavailable", "..": "not_applicable", "X": "suppressed"}
_NUMBER = r"^-?[0-9]+(\.[0-9]+)?$"
_CENSUSES = ("2022",)


@dataclass(frozen=True, slots=True)
class Series:
    """One variable of one table of SIDRA, as an indicator of ours."""

    indicator_code: str
    table: str
    variable: str
    unit: str

    @property
    def dataset(self) -> str:
        """As it stands in silver."""
        return f"sidra_{self.table}"


ESTIMATE = Series("population_estimated", "6579", "9324", "pessoas")
CENSUS = Series("population_census", "4714", "93", "pessoas")
_SERIES = {series.variable: series for series in (ESTIMATE, CENSUS)}


def series_of(period: str) -> Series:
    """What tells the population of a year."""
    return CENSUS if period in _CENSUSES else ESTIMATE


_PLACE = Column(pattern=r"^(1|[0-9]{2}|[0-9]{7})$")  # country, state, municipality
_LOCALITY = "Localidade (Código)"
_LOCALITIES = {
    f"{level}{suffix}": f"Localidade{suffix}"
    for level in ("Brasil", "Unidade da Federação", "Município")
    for suffix in ("", " (Código)")
}


def _optional(*names: str) -> dict[str, Column]:
    return dict.fromkeys(names, Column(required=False))


CONTRACT = Contract(
    version=1,
    datasets={
        AGREGADOS: {
            "id": Column(pattern=r"^[0-9]+$"),  # the variable
            **_optional("variavel", "unidade"),
            "resultados.classificacoes": Column(one_of=("[]",)),  # no part of a whole
            "localidade.id": _PLACE,
            "localidade.nivel.id": Column(one_of=_LEVELS),
            **_optional("localidade.nivel.nome", "localidade.nome"),
            "periodo": Column(),
            "valor": Column(),
        },
        SIDRA: {
            "Nível Territorial (Código)": Column(pattern=r"^[0-9]+$"),
            _LOCALITY: _PLACE,
            "Variável (Código)": Column(pattern=r"^[0-9]+$"),
            "Ano (Código)": Column(),
            "Valor": Column(),
            **_optional(
                "Nível Territorial",
                "Unidade de Medida (Código)",
                "Unidade de Medida",
                "Localidade",
                "Variável",
                "Ano",
            ),
        },
    },
)
TABLE = fact_indicator(source=ibge.SOURCE, marked=True)


def requests(period: str) -> tuple[Request, ...]:
    """One question for the three levels; by state, should IBGE find it too much at once."""
    states = [_request(period, f"N6[N3[{code}]]", f"municipios_{code}") for code in ibge.STATES]
    whole = "|".join(f"{level}[all]" for level in _LEVELS)
    parts = (_request(period, "N1[all]|N3[all]", "pais_e_estados"), *states)
    return (_request(period, whole, "brasil", parts),)


def _request(period: str, localities: str, name: str, parts: tuple[Request, ...] = ()) -> Request:
    series = series_of(period)
    return Request(
        dataset=AGREGADOS,
        path=f"/api/v3/agregados/{series.table}/periodos/{period}/variaveis/{series.variable}",
        filename=f"{series.table}_{series.variable}_{name}.json",
        params=(("localidades", localities),),
        timeout_seconds=90,  # a whole year of municipalities was seen to take a minute
        judge=ibge.judge_list,
        parts=parts,
        too_much=ibge.TOO_MUCH if parts else "",
    )


def parse(objects: Sequence[BronzeObject]) -> Iterator[tuple[str, pl.DataFrame]]:
    """The payloads as raw frames, one row per value."""
    for found in objects:
        records = ibge.read_list(found.file, found.dataset)
        unnest = _of_agregados if found.dataset == AGREGADOS else _of_sidra
        yield found.dataset, ibge.frame(unnest(records), CONTRACT.datasets[found.dataset])


def _of_agregados(variables: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """variable → results → series → {period: value}: four levels, one row each value."""
    for variable in variables:
        results = _taken(variable, "resultados", list)
        for result in results:
            series = _taken(result, "series", list)
            about = {f"resultados.{key}": value for key, value in result.items()}
            for one in series:
                values = _taken(one, "serie", dict)
                for period, value in values.items():
                    yield {**variable, **about, **one, "periodo": period, "valor": value}


def _taken(record: dict[str, Any], key: str, kind: type) -> Any:
    found = record.pop(key, None)
    if not isinstance(found, kind):
        raise ContractBroken(f"O arquivo '{AGREGADOS}' não tem '{key}' onde foi combinado.")
    return found


def _of_sidra(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """apisidra's rows, each value under its title. Row 0 holds the titles: the dimensions D1, D2 …
    follow the order of the question, so their numbers say nothing, and a dimension that was not
    agreed (a sex, a product) would split the whole into parts."""
    titles = {key: _LOCALITIES.get(str(title), str(title)) for key, title in rows[0].items()}
    if "Valor" not in titles.values():
        raise ContractBroken(f"A primeira linha de '{SIDRA}' não é o cabeçalho: peça sem /h/n.")
    for row in rows[1:]:
        yield {titles.get(key, key): value for key, value in row.items()}


class _Population:
    """Values of SIDRA → facts. What is no number and no known word is put aside."""

    def __init__(self, run: Run) -> None:
        self._period = run.reference_period

    def shape(self, dataset: str, accepted: pl.DataFrame) -> Shaped:
        """One fact a row, for the period asked and no other."""
        variable, place, year = (
            ("id", "localidade.id", "periodo")
            if dataset == AGREGADOS
            else ("Variável (Código)", _LOCALITY, "Ano (Código)")
        )
        said = pl.col("valor" if dataset == AGREGADOS else "Valor").str.strip_chars()
        reason = (
            pl.when(~pl.col(variable).is_in(list(_SERIES)))
            .then(pl.lit("variável que não foi pedida"))
            .when(pl.col(year) != self._period)
            .then(pl.lit("período diferente do pedido"))
            .when(~said.is_in([*_MARKERS, "-"]) & ~said.str.contains(_NUMBER))
            .then(pl.lit("valor que não é número nem marcador do IBGE"))
        )
        judged = accepted.with_columns(reason.alias(REASON))
        good = judged.filter(pl.col(REASON).is_null())
        rows = good.select(
            territory_id=pl.when(pl.col(place) == "1").then(pl.lit("BR")).otherwise(pl.col(place)),
            indicator_code=_of_series(variable, "indicator_code"),
            reference_period=pl.col(year),
            dataset=_of_series(variable, "dataset"),
            value=pl.when(said == "-")
            .then(pl.lit("0"))
            .when(said.is_in(list(_MARKERS)))
            .then(None)
            .otherwise(said),
            marker=said.replace_strict(_MARKERS, default=None, return_dtype=pl.String),
            unit=_of_series(variable, "unit"),
        )
        return Shaped(rows, rejected=judged.filter(pl.col(REASON).is_not_null()))

    def finish(self) -> Shaped | None:
        """Nothing is held back."""
        return None


def _of_series(variable: str, field: str) -> pl.Expr:
    values = {code: getattr(series, field) for code, series in _SERIES.items()}
    return pl.col(variable).replace_strict(values, default=None, return_dtype=pl.String)


def _scope(period: str) -> Scope:
    series = series_of(period)
    return Scope(
        {
            "indicator_code": [series.indicator_code],
            "reference_period": [period],
            "dataset": [series.dataset],
        }
    )


CONNECTOR = Connector(
    name=NAME,
    source=ibge.SOURCE,
    folder=ibge.FOLDER,
    datasets=(AGREGADOS, SIDRA),
    contract=CONTRACT,
    table=TABLE,
    parse=parse,
    shaper=_Population,
    scope=_scope,
    base_url=ibge.BASE_URL,
    requests=requests,
    license=ibge.LICENSE,
)
JOB = connector_job(
    CONNECTOR,
    domain="territory",
    title="População residente: estimativa anual e censo",
    wave="MVP-1",
    default_periods=lambda: ["2025"],  # the newest estimate; none is bundled
    period_kind="year",
)
run = as_function(JOB)
