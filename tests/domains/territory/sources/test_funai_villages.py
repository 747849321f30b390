"""Indigenous villages: counted by the code FUNAI gives, which is looked up and never repaired."""

from __future__ import annotations

import io
from typing import Any

import polars as pl
from tests.domains.territory.ground import Ground

from atalaia.domains.territory import bundle
from atalaia.domains.territory.sources.funai_villages import CONTRACT, FUNAI_VILLAGES

_TYPES = {
    name: {"integer": pl.Int64, "number": pl.Float64}.get(column.type, pl.String)
    for name, column in CONTRACT.datasets["villages"].items()
}


def _village(number: int, municipality: int, active: str = "A", **other: Any) -> dict[str, Any]:
    return {
        "gml_id": f"aldeias.{number}",
        "cod_aldeia": number,
        "nome_aldeia": "Aldeia",
        "cod_ti": 1,
        "cod_municipio": municipality,
        "data_cadastro": None,
        "flag_ativo": active,
        "nome_cr": "CR",
        "nommunic": "x",
        "nomuf": "y",
        "undadm_codigo": 30202002060,
        "coord_lat": -11.3,
        "coord_long": -53.2,
    } | other


def _load(ground: Ground, *villages: dict[str, Any]) -> dict[str, Any]:
    ground.frame(FUNAI_VILLAGES, "2025", pl.DataFrame(villages, schema=_TYPES))
    return ground.run(FUNAI_VILLAGES, "2025")


def test_the_bundled_register_gives_the_active_villages_of_each_municipality(
    ground: Ground,
) -> None:
    ground.bundled("villages", "2025")
    result = ground.run(FUNAI_VILLAGES, "2025")
    assert result["status"] == "success", result["error"]
    assert (result["rows_read"], result["rows_loaded"], result["rows_rejected"]) == (4375, 4375, 0)
    facts = ground.facts()
    assert (len(facts), sum(facts.values())) == (425, 4371)
    raw = pl.read_parquet(io.BytesIO(bundle.read_raw(ground.resource("villages", "2025"))))
    active = raw.filter(pl.col("flag_ativo") == "A")
    for code in (5107065, 1303809, 3121605):  # Querência, São Gabriel da Cachoeira, Diamantina
        counted = active.filter(pl.col("cod_municipio") == code).height
        assert facts.get((str(code), "2025"), 0) == counted
    assert ("3121605", "2025") not in facts  # none on the register: no row, not a zero
    rows = ground.rows(
        "SELECT DISTINCT indicator_code, source, dataset, unit, marker FROM silver.fact_indicator"
    )
    assert [tuple(r.values()) for r in rows] == [
        ("indigenous_villages", "FUNAI", "aldeias_indigenas", "aldeias", None)
    ]
    again = ground.run(FUNAI_VILLAGES, "2025")
    assert (again["rows_unchanged"], again["rows_inserted"], again["rows_updated"]) == (425, 0, 0)


def test_only_active_villages_count_and_none_active_is_a_true_zero(ground: Ground) -> None:
    result = _load(
        ground,
        _village(1, 1100015),
        _village(2, 1100015, "I"),
        _village(3, 1100015),
        _village(4, 1100023, "I"),
    )
    assert ground.facts() == {("1100015", "2025"): 2, ("1100023", "2025"): 0}
    assert (result["rows_loaded"], result["rows_rejected"]) == (4, 0)


def test_codes_that_the_list_does_not_have_are_refused_not_repaired(ground: Ground) -> None:
    # nine real codes have another check digit than the rule gives
    nine = (2201919, 2201988, 2202251, 2611533, 3117836, 3152131, 4305871, 5203939, 5203962)
    result = _load(
        ground,
        *(_village(number, code) for number, code in enumerate(nine, start=1)),
        _village(101, 110001),  # six digits: its seventh is not for us to compute
        _village(102, 1100019),  # another check digit
        _village(103, 9999999),
        _village(104, 4300001),  # a lagoon
        _village(105, 1100015, "S"),
        _village(106, 1100015, cod_municipio=None),
    )
    assert ground.facts() == {(str(code), "2025"): 1 for code in nine}
    reasons = {d["payload"]["cod_aldeia"]: d["reason"] for d in ground.dead()}
    unknown = "código de município que não existe na DTB"
    assert reasons == {
        101: unknown,
        102: unknown,
        103: unknown,
        104: unknown,
        105: "flag_ativo: valor desconhecido",
        106: "cod_municipio: vazio",
    }
    assert (result["rows_loaded"], result["rows_rejected"]) == (9, 6)


def test_a_village_that_comes_twice_is_not_counted(ground: Ground) -> None:
    result = _load(
        ground,
        _village(1, 1100015),
        _village(2, 1100015),
        _village(2, 1100023),
        _village(3, 1100023),
    )
    assert ground.facts() == {("1100015", "2025"): 1, ("1100023", "2025"): 1}
    assert [d["reason"] for d in ground.dead()] == ["aldeia que vem mais de uma vez"] * 2
    assert (result["rows_loaded"], result["rows_rejected"]) == (2, 2)


def test_a_changed_village_changes_its_municipality_alone(ground: Ground) -> None:
    first = _load(ground, _village(1, 1100015), _village(2, 1100015), _village(3, 1100023))
    second = _load(ground, _village(1, 1100015), _village(2, 1100015, "I"), _village(3, 1100023))
    found = ground.rows("SELECT territory_id, value, run_id FROM silver.fact_indicator")
    assert {r["territory_id"]: (r["value"], str(r["run_id"])) for r in found} == {
        "1100015": (1, second["run_id"]),
        "1100023": (1, first["run_id"]),
    }


def test_an_unknown_column_stops_the_payload(ground: Ground) -> None:
    frame = pl.DataFrame([_village(1, 1100015)], schema=_TYPES).with_columns(extra=pl.lit(1))
    ground.frame(FUNAI_VILLAGES, "2025", frame)
    result = ground.run(FUNAI_VILLAGES, "2025")
    assert result["status"] == "failed"
    assert "extra" in result["error"]
    assert ground.facts() == {}
