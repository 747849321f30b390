"""From a value back to the bytes: row → run → contract → bronze object → exchange or package.

A derived value also says how it was made and of which values; each of those has an address of its
own here, down to what a source published.
"""

from __future__ import annotations

from uuid import UUID

from atalaia.domains.territory import origins
from atalaia.domains.territory.answer import Answer, number, territory
from atalaia.domains.territory.derivation import derivation
from atalaia.domains.territory.published import series_of
from atalaia.kernel.base.errors import NotFound, UsageError

_FORMS = "indicator/{territory_id}/{code}/{period} ou mesh/{territory_id}/{year}"


def explain(uri: str) -> Answer:
    """Where the number at `uri` came from. Raises NotFound, and UsageError for another form."""
    kind, *parts = uri.strip("/").split("/")
    if kind == "indicator" and len(parts) == 3:
        return _indicator(*parts)
    if kind == "mesh" and len(parts) == 2:
        return _mesh(*parts)
    raise UsageError("Não sei explicar esse endereço.", todo=f"Escreva {_FORMS}.")


def _indicator(territory_id: str, code: str, period: str) -> Answer:
    place, series = territory(territory_id), series_of(code, period)
    entry = series.indicator
    rows = origins.values_at(territory_id, entry.code, period)
    answer: Answer = {
        "uri": f"indicator/{territory_id}/{entry.code}/{period}",
        "value": None,
        "unit": entry.unit.pt,
        "territory": place,
        "indicator": {"code": entry.code, "name": series.name.pt},
        "period": period,
    }
    if not rows:
        return answer | _hole(territory_id, entry.code, period)
    row, *others = rows
    answer["value"], answer["unit"] = number(row["value"]), row["unit"]
    answer["row"] = {
        name: number(value) if name in ("value", "baseline", "coverage") else value
        for name, value in row.items()
        if name != "method"
    }
    if row["method"]:
        answer["derivation"] = _derivation(row, territory_id, entry.code, period)
    if others:
        answer["others"] = [
            {"source": o["source"], "dataset": o["dataset"], "category": o["category"]}
            | {"value": number(o["value"])}
            for o in others
        ]
    return answer | _origin(row["run_id"])


def _hole(territory_id: str, code: str, period: str) -> Answer:
    """A number that is not there: explained when the reason is known."""
    found = origins.missing_at(territory_id, code, period)
    if found is None:
        raise NotFound(
            "Não há valor desse indicador para esse território e período.",
            todo="Os períodos de cada indicador estão em /v1/indicators.",
        )
    return {"reason": found["reason"], "verdict": found["verdict"]}


def _derivation(row: Answer, territory_id: str, code: str, period: str) -> Answer:
    made = derivation(row["method"])
    inputs = origins.inputs(
        made.inputs_sql,
        {
            "territory_id": territory_id,
            "indicator_code": code,
            "reference_period": period,
            **{name: row[name] for name in ("source", "dataset", "category")},
        },
    )
    return {
        "method": made.method,
        "sql_model": f"dbt/models/{made.model_file.parent.name}/{made.model_file.name}",
        "inputs": [{"uri": one["uri"], "value": number(one["value"])} for one in inputs],
    }


def _mesh(territory_id: str, year: str) -> Answer:
    place = territory(territory_id)
    row = origins.mesh(territory_id, year) if year.isdigit() else None
    if row is None:
        raise NotFound("Não há malha desse território nesse ano.", todo="Veja /v1/map/layers.")
    return {
        "uri": f"mesh/{territory_id}/{year}",
        "value": None,
        "unit": "",
        "territory": place,
        "period": year,
        "row": row,
    } | _origin(row["run_id"])


def _origin(run_id: UUID) -> Answer:
    """The run that wrote a row, and the raw files it read, the largest one first."""
    files = origins.files(run_id)
    found: Answer = {"run": origins.run(run_id), "contract": None, "bronze": None, "files": []}
    if not files:
        return found
    main = files[0]
    found["contract"] = origins.contract(main["connector"], run_id)
    found["bronze"] = main["bronze"]
    found["files"] = [one["bronze"] for one in files]
    if main["exchange"]:
        found["exchange"] = main["exchange"]
    if main["package"]:
        found["package"] = main["package"]
    return found
