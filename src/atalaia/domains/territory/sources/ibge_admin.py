"""The territories of Brazil: the country, its states and its municipalities (`dim_territory`).

Source: IBGE. First the localidades API, which knows the division of the day it is asked; else the
workbook of the Divisão Territorial Brasileira (DTB) of the reference period, from bronze (2024 is
bundled) or from data/manual. Districts are in neither: none is loaded, and the checks say so.

Nothing is ever removed (see dimension.py). Codes are never computed: nine real municipalities
break the check digit's rule. Electoral codes stay null until a source brings them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook

from atalaia.domains.territory.dimension import TABLE, Division, complete
from atalaia.domains.territory.sources import ibge
from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.domain import connector_job
from atalaia.kernel.ingest.bronze import BronzeObject
from atalaia.kernel.ingest.connector import Connector, Request, Shaped
from atalaia.kernel.ingest.contract import REASON, ROW, Column, Contract
from atalaia.kernel.work.job import Run
from atalaia.kernel.work.runner import as_function

NAME = "ibge_admin"
MUNICIPIOS, ESTADOS, DTB = "localidades_municipios", "localidades_estados", "dtb"

# Polygons of IBGE's municipal meshes that are no municipality: drawn as water, never counted.
_WATER_STATE = "43"
_WATER = {"4300001": "Lagoa Mirim", "4300002": "Lagoa dos Patos"}

_REGION = ("regiao.id", "regiao.sigla", "regiao.nome")
_NEW_STATE = "regiao-imediata.regiao-intermediaria.UF."
_OLD_STATE = "microrregiao.mesorregiao.UF."
_DIVISIONS = (  # optional: municipalities younger than the 2017 division have no microrregião
    "microrregiao.id",
    "microrregiao.nome",
    "microrregiao.mesorregiao.id",
    "microrregiao.mesorregiao.nome",
    "regiao-imediata.id",
    "regiao-imediata.nome",
    "regiao-imediata.regiao-intermediaria.id",
    "regiao-imediata.regiao-intermediaria.nome",
    *(f"{state}{name}" for state in (_OLD_STATE, _NEW_STATE) for name in ("id", "sigla", "nome")),
    *(f"{state}{name}" for state in (_OLD_STATE, _NEW_STATE) for name in _REGION),
)
_MUNICIPALITY_CODE = Column(pattern=r"^[0-9]{7}$")
_STATE_CODE = Column(pattern=r"^[0-9]{2}$")
CONTRACT = Contract(
    version=1,
    datasets={
        MUNICIPIOS: {
            "id": _MUNICIPALITY_CODE,
            "nome": Column(),
            **dict.fromkeys(_DIVISIONS, Column(required=False)),
        },
        ESTADOS: {
            "id": _STATE_CODE,
            "sigla": Column(pattern=r"^[A-Z]{2}$"),
            "nome": Column(),
            **dict.fromkeys(_REGION, Column(required=False)),
        },
        DTB: {
            "UF": _STATE_CODE,
            "Nome_UF": Column(),
            "Região Geográfica Intermediária": Column(),
            "Nome Região Geográfica Intermediária": Column(),
            "Região Geográfica Imediata": Column(),
            "Nome Região Geográfica Imediata": Column(),
            "Município": Column(pattern=r"^[0-9]{5}$"),  # the local part only, never a code
            "Código Município Completo": _MUNICIPALITY_CODE,
            "Nome_Município": Column(),
        },
    },
)


def requests(_period: str) -> tuple[Request, ...]:
    """The whole country in two answers. The API knows no period: it tells today's division."""
    return tuple(
        Request(dataset, f"/api/v1/localidades/{name}", f"{name}.json", judge=ibge.judge_list)
        for dataset, name in ((MUNICIPIOS, "municipios"), (ESTADOS, "estados"))
    )


def parse(objects: Sequence[BronzeObject]) -> Iterator[tuple[str, pl.DataFrame]]:
    """The payloads as raw frames."""
    for found in objects:
        if found.dataset == DTB:
            yield DTB, _workbook(found)
        else:
            agreed = CONTRACT.datasets[found.dataset]
            yield found.dataset, ibge.frame(ibge.read_list(found.file, found.dataset), agreed)


def _workbook(found: BronzeObject) -> pl.DataFrame:
    try:
        book = CalamineWorkbook.from_path(str(found.file))
        rows = book.get_sheet_by_index(0).to_python()
    except CalamineError as error:
        raise ContractBroken(f"A planilha {found.file.name} não abre.") from error
    titles, header, cells = _parted(rows, found.file.name)
    _refuse_other_edition(titles, found)
    named = [(place, name) for place, name in enumerate(header) if name]
    columns = {name: [_text(row[place]) for row in cells] for place, name in named}
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return frame.with_row_index(ROW, offset=len(titles) + 2)  # as a spreadsheet counts


def _parted(rows: list[list[Any]], name: str) -> tuple[list[Any], list[str], list[list[Any]]]:
    """(title rows, header, rows below it): how many titles there are changes with the year."""
    for place, row in enumerate(rows[:20]):
        header = [str(cell).strip() for cell in row]
        if "Código Município Completo" in header:
            return rows[:place], header, [r for r in rows[place + 1 :] if any(r)]
    raise ContractBroken(f"A planilha {name} não tem a coluna 'Código Município Completo'.")


def _refuse_other_edition(titles: list[Any], found: BronzeObject) -> None:
    said = [str(row[0]) for row in titles if row and str(row[0]).startswith("DATA BASE")]
    if said and found.reference_period not in said[0]:
        raise ContractBroken(
            f"A planilha {found.file.name} diz '{said[0]}', e a execução é de "
            f"{found.reference_period}. Nada foi carregado."
        )


def _text(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell).strip()


class _Territories:
    """Rows of IBGE → rows of the dimension."""

    def __init__(self, run: Run) -> None:
        as_of = max(_as_of(found) for found in run.bronze)
        self._division = Division(run, as_of, _newest())
        self._states: dict[str, str] = {}

    def shape(self, dataset: str, accepted: pl.DataFrame) -> Shaped:
        """States, or municipalities; one whose state is not the one in its code is refused."""
        if dataset == ESTADOS:
            states = accepted.select(territory_id="id", name="nome", uf="sigla")
            return self._division.give(complete(states, level="state", parent=pl.lit("BR")))
        rows = _municipalities(dataset, accepted)
        state = pl.col("territory_id").str.head(2)
        reason = (
            pl.when(pl.col("state_id") != state)
            .then(pl.lit("a UF informada não é a do código"))
            .when(pl.col("uf").is_null())
            .then(pl.lit("UF desconhecida"))
        )
        good, bad = rows.filter(reason.is_null()), rows.filter(reason.is_not_null())
        told = good.filter(pl.col("state_name").is_not_null()).unique("state_id")
        self._states |= dict(told.select("state_id", "state_name").iter_rows())
        shaped = self._division.give(complete(good, level="municipality", parent=state))
        shaped.rejected = accepted.join(bad.select(ROW, reason.alias(REASON)), on=ROW)
        return shaped

    def finish(self) -> Shaped:
        """The country, states only the municipalities told of, the waters, and what is gone."""
        seen = self._division.seen
        states = {code: name for code, name in self._states.items() if code not in seen}
        waters = _WATER if _WATER_STATE in {*states, *seen} else {}
        added = [
            complete(_named({"BR": "Brasil"}, {}), level="country", parent=_NONE),
            complete(_named(states), level="state", parent=pl.lit("BR")),
            complete(
                _named(waters), level="municipality", parent=pl.lit(_WATER_STATE), kind="water"
            ),
        ]
        rows = self._division.give(pl.concat(added)).rows
        return Shaped(pl.concat([rows, self._division.take_leave()]), sources=0)


_NONE = pl.lit(None, dtype=pl.String)


def _named(names: Mapping[str, str], letters: Mapping[str, str] = ibge.STATES) -> pl.DataFrame:
    rows = {
        "territory_id": list(names),
        "name": list(names.values()),
        "uf": [letters.get(code[:2]) for code in names],
    }
    return pl.DataFrame(rows, schema=dict.fromkeys(rows, pl.String))


def _municipalities(dataset: str, accepted: pl.DataFrame) -> pl.DataFrame:
    """territory_id, name, uf, state_id and state_name of each accepted row, by its _row. The API
    tells the state twice, and the microrregião may be null; the DTB does not tell its letters."""
    if dataset == DTB:
        letters = pl.col("UF").replace_strict(ibge.STATES, default=None, return_dtype=pl.String)
        return accepted.select(
            ROW,
            territory_id="Código Município Completo",
            name="Nome_Município",
            uf=letters,
            state_id="UF",
            state_name="Nome_UF",
        )
    told = {n: pl.coalesce(f"{_NEW_STATE}{n}", f"{_OLD_STATE}{n}") for n in ("id", "sigla", "nome")}
    letters = pl.col("id").str.head(2).replace_strict(ibge.STATES, default=None)
    return accepted.select(
        ROW,
        territory_id="id",
        name="nome",
        uf=told["sigla"].fill_null(letters),
        state_id=told["id"],
        state_name=told["nome"],
    )


def _newest() -> date | None:
    """The day of the newest division a run of this connector brought."""
    with transaction() as connection:
        read = connection.execute(
            """SELECT DISTINCT m.dataset, m.reference_period, m.extracted_at
               FROM ops.run_bronze b JOIN bronze.manifest m USING (bronze_id)
               JOIN ops.pipeline_runs r USING (run_id)
               WHERE b.connector = %s AND r.run_status = 'success'""",
            (NAME,),
        ).fetchall()
    return max((_as_of(found) for found in read), default=None)


def _as_of(found: Mapping[str, Any]) -> date:
    """The day whose division a payload tells: the API's, when it was asked; the DTB's, its base
    date, which is the last day of its year."""
    moment = found["extracted_at"]
    asked = (datetime.fromisoformat(moment) if isinstance(moment, str) else moment).date()
    if found["dataset"] != DTB:
        return asked
    return min(asked, date(int(found["reference_period"][:4]), 12, 31))


CONNECTOR = Connector(
    name=NAME,
    source=ibge.SOURCE,
    folder=ibge.FOLDER,
    datasets=(MUNICIPIOS, ESTADOS, DTB),
    contract=CONTRACT,
    table=TABLE,
    parse=parse,
    shaper=_Territories,
    scope=lambda _period: None,
    base_url=ibge.BASE_URL,
    requests=requests,
    license=ibge.LICENSE,
)
JOB = connector_job(
    CONNECTOR,
    domain="territory",
    title="Territórios do Brasil: país, estados e municípios",
    wave="MVP-1",
    default_periods=lambda: ["2024"],  # the bundled DTB
    period_kind="year",
)
run = as_function(JOB)
