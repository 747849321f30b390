"""Registered deaths: from the bundled CSV to `deaths_total`, and what is refused on the way."""

from __future__ import annotations

import csv
import io
import resource
from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import polars as pl
import pytest
from tests.domains.territory.ground import Ground

from atalaia.domains.territory import bundle
from atalaia.domains.territory.sources.registro_civil_deaths import (
    CONTRACT,
    REGISTRO_CIVIL_DEATHS,
    deaths_connector,
)
from atalaia.kernel.base.database import transaction
from atalaia.kernel.ingest import files
from atalaia.kernel.work.job import Run

HEADER = "city_id,year,month,region,state,city,deaths"
DF = "5300108"


def _line(state: str, city: str, deaths: object = 1, *, year: int = 2019, month: int = 7) -> str:
    return f'1,{year},{month},Northeast,{state},"{city}",{deaths}'


def _csv(*lines: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def _load(ground: Ground, *lines: str, period: str = "2019", **options: Any) -> dict[str, Any]:
    ground.payload(REGISTRO_CIVIL_DEATHS, period, _csv(*lines))
    return ground.run(REGISTRO_CIVIL_DEATHS, period, **options)


def _raw(period: str) -> list[dict[str, str]]:
    """The bundled rows of a year, as they came."""
    (found,) = (
        r for r in bundle.resources() if (r.dataset, r.reference_period) == ("deaths", period)
    )
    return list(csv.DictReader(io.StringIO(bundle.read_raw(found).decode())))


def _total(rows: Iterable[dict[str, str]]) -> int:
    return sum(int(row["deaths"]) for row in rows)


# Real files ---------------------------------------------------------------------------------------


def test_all_six_years_are_loaded_but_the_two_false_blocks(ground: Ground) -> None:
    read = loaded = rejected = 0
    for year in range(2015, 2021):
        ground.bundled("deaths", str(year))
        result = ground.run(REGISTRO_CIVIL_DEATHS, str(year))
        assert result["status"] == "success", result["error"]
        assert (result["source_type"], result["rows_duplicate"]) == ("bronze_cache", 0)
        read, loaded = read + result["rows_read"], loaded + result["rows_loaded"]
        rejected += result["rows_rejected"]
    assert (read, loaded, rejected) == (225_957, 225_440, 517)
    assert loaded / read >= 0.995
    (found,) = ground.rows(
        """SELECT count(*) AS rows, count(DISTINCT territory_id) AS places, sum(value) AS deaths,
                  min(reference_period) AS first, max(reference_period) AS last,
                  count(*) FILTER (WHERE territory_id = %s) AS df,
                  count(*) FILTER (WHERE value IS NULL OR value = 0) AS holes
           FROM silver.fact_indicator""",
        DF,
    )
    assert found == {
        "rows": 224_792,
        "places": 4_856,
        "deaths": 6_024_274,
        "first": "2015-01",
        "last": "2020-05",
        "df": 65,
        "holes": 0,
    }
    constants = ground.rows(
        "SELECT DISTINCT indicator_code, source, dataset, category, unit FROM silver.fact_indicator"
    )
    assert [tuple(row.values()) for row in constants] == [
        ("deaths_total", "Registro Civil", "transparencia_obitos", "", "óbitos")
    ]
    reasons = ground.rows(
        "SELECT reason, payload->>'state' AS state, count(*) AS n, count(DISTINCT run_id) AS runs "
        "FROM ops.dead_letters GROUP BY 1, 2 ORDER BY 3"
    )
    assert [(r["state"], r["n"], r["runs"]) for r in reasons] == [
        ("Ceará", 233, 1),
        ("Rio Grande do Sul", 284, 1),
    ]
    assert all("bloco recusado" in r["reason"] for r in reasons)


def test_the_federal_district_is_the_sum_of_its_regions(ground: Ground) -> None:
    ground.bundled("deaths", "2019")
    ground.run(REGISTRO_CIVIL_DEATHS, "2019")
    raw = [r for r in _raw("2019") if r["state"] == "Distrito Federal"]
    facts = ground.facts()
    for month in range(1, 13):
        parts = [r for r in raw if int(r["month"]) == month]
        assert len(parts) in (10, 11)
        assert facts[DF, f"2019-{month:02}"] == _total(parts)
    goias = [r for r in _raw("2019") if (r["state"], r["city"]) == ("Goiás", "Planaltina")]
    assert facts["5217609", "2019-01"] == _total(r for r in goias if r["month"] == "1")


def test_a_value_in_silver_is_the_value_of_its_row(ground: Ground) -> None:
    ground.bundled("deaths", "2019")
    ground.run(REGISTRO_CIVIL_DEATHS, "2019")
    facts = ground.facts()
    for state, city, code in (
        ("Minas Gerais", "Diamantina", "3121605"),
        ("Paraíba", "Santarém", "2513653"),
        ("Paraná", "Planalto", "4119806"),
        ("Rio Grande do Sul", "Planalto", "4314704"),
        ("Rio Grande do Sul", "Santana do Livramento", "4317103"),
    ):
        rows = [r for r in _raw("2019") if (r["state"], r["city"]) == (state, city)]
        assert rows
        for row in rows:
            false = state == "Rio Grande do Sul" and row["month"] == "2"
            expected = None if false else Decimal(row["deaths"])
            assert facts.get((code, f"2019-{int(row['month']):02}")) == expected


def test_a_run_again_changes_nothing_and_a_changed_hundredth_changes_just_that(
    ground: Ground,
) -> None:
    ground.bundled("deaths", "2020")
    first = ground.run(REGISTRO_CIVIL_DEATHS, "2020")
    again = ground.run(REGISTRO_CIVIL_DEATHS, "2020")
    assert again["rows_unchanged"] == first["rows_inserted"] == 20_078
    assert again["rows_inserted"] == again["rows_updated"] == again["rows_deleted"] == 0
    assert _run_ids(ground) == {first["run_id"]: 20_078}

    raw = _raw("2020")
    changed = [r for n, r in enumerate(raw) if n % 100 == 0 and r["state"] != "Distrito Federal"]
    for row in changed:
        row["deaths"] = str(int(row["deaths"]) + 1)
    lines = [",".join(row.values()) for row in raw]
    ground.payload(REGISTRO_CIVIL_DEATHS, "2020", _csv(*lines))
    third = ground.run(REGISTRO_CIVIL_DEATHS, "2020")
    assert (third["rows_updated"], third["rows_inserted"]) == (len(changed), 0)
    assert _run_ids(ground) == {
        first["run_id"]: 20_078 - len(changed),
        third["run_id"]: len(changed),
    }
    codes = {  # the very rows, not just as many
        (r["territory_id"], r["reference_period"])
        for r in ground.rows(
            "SELECT territory_id, reference_period FROM silver.fact_indicator WHERE run_id = %s",
            third["run_id"],
        )
    }
    acre = [r for r in changed if (r["state"], r["city"]) == ("Acre", "Acrelândia")]
    assert all(("1200013", f"2020-{int(r['month']):02}") in codes for r in acre)
    assert sorted(p for _, p in codes) == sorted(f"2020-{int(r['month']):02}" for r in changed)


def _run_ids(ground: Ground) -> dict[str, int]:
    found = ground.rows("SELECT run_id, count(*) AS n FROM silver.fact_indicator GROUP BY run_id")
    return {str(row["run_id"]): row["n"] for row in found}


# What the payload may say -------------------------------------------------------------------------


def test_names_that_repeat_across_states_stay_apart(ground: Ground) -> None:
    _load(
        ground,
        _line("Paraíba", "Bom Jesus", 2),
        _line("Piauí", "Bom Jesus", 3),
        _line("Rio Grande do Norte", "Bom Jesus", 5),
        _line("Rio Grande do Sul", "Bom Jesus", 7),
        _line("Santa Catarina", "Bom Jesus", 11),
    )
    assert {code: value for (code, _), value in ground.facts().items()} == {
        "2502201": 2,
        "2201903": 3,
        "2401701": 5,
        "4302303": 7,
        "4202537": 11,
    }


def test_regions_are_summed_over_batches_and_once_each(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_CSV_BLOCK_BYTES", 120)
    others = [_line("Bahia", city) for city in ("Salvador", "Ilhéus", "Jequié", "Barreiras")]
    result = _load(
        ground,
        _line("Distrito Federal", "Brasília", 100),
        *others[:2],
        _line("Distrito Federal", "Ceilandia", 20),
        *others[2:],
        _line("Distrito Federal", "Gama", 3),
        _line("Distrito Federal", "Gama", 1000, month=8),
    )
    facts = ground.facts()
    assert (facts[DF, "2019-07"], facts[DF, "2019-08"]) == (123, 1000)
    assert (result["rows_read"], result["rows_loaded"], result["rows_inserted"]) == (8, 8, 6)


@pytest.mark.parametrize("again", ["Gama", "GAMA"])
def test_a_region_that_comes_twice_is_counted_once(ground: Ground, again: str) -> None:
    result = _load(
        ground,
        _line("Distrito Federal", "Brasília", 100),
        _line("Distrito Federal", "Gama", 3),
        _line("Distrito Federal", again, 3),
    )
    assert ground.facts() == {(DF, "2019-07"): 103}
    assert [d["reason"] for d in ground.dead()] == ["linha repetida"]
    assert (result["rows_loaded"], result["rows_rejected"]) == (2, 1)


def test_a_region_that_contradicts_itself_spoils_the_sum_of_its_month_only(ground: Ground) -> None:
    result = _load(
        ground,
        _line("Distrito Federal", "Brasília", 100),
        _line("Distrito Federal", "Gama", 3),
        _line("Distrito Federal", "Gama", 4),
        _line("Distrito Federal", "Gama", 5, month=8),
    )
    assert ground.facts() == {(DF, "2019-08"): 5}
    assert (result["rows_loaded"], result["rows_rejected"]) == (1, 3)


def test_two_names_of_one_municipality_in_a_month_are_not_added_up(ground: Ground) -> None:
    _load(
        ground,
        _line("Paraíba", "Santarém", 2),
        _line("Paraíba", "Joca Claudino", 3),
        _line("Rio de Janeiro", "Parati", 4),
        _line("Rio de Janeiro", "Paraty", 4),
    )
    assert ground.facts() == {("3303807", "2019-07"): 4}
    assert sorted(d["payload"]["value"] for d in ground.dead()) == ["2", "3"]


BAD = [
    (_line("Ceará", "Cidade que Não Há"), "nome desconhecido"),
    (_line("Ceará", "Jaguaripe"), "nome desconhecido; parecidos: Jaguaribe (89)"),
    (_line("Guanabara", "Niterói"), "grupo desconhecido: Guanabara"),
    (_line("Bahia", " - "), "sem nome"),
    (_line("Bahia", ""), "city: vazio"),
    (_line("Bahia", "Salvador", 0), "deaths: menor que 1"),
    (_line("Bahia", "Salvador", -3), "deaths: menor que 1"),
    (_line("Bahia", "Salvador", ""), "deaths: vazio"),
    (_line("Bahia", "Salvador", "12.5"), "deaths: não é integer"),
    (_line("Bahia", "Salvador", "muitos"), "deaths: não é integer"),
    (_line("Bahia", "Salvador", month=13), "month: maior que 12"),
    (_line("Bahia", "Salvador", year=2018), "fora do período"),
    (_line("Ceará", "Fortaleza", month=4), "bloco recusado"),
    (_line("Rio Grande do Sul", "Planalto", month=2), "bloco recusado"),
    (_line("Bahia", "Salvador").replace("Northeast", "Nordeste"), "region: valor desconhecido"),
]


def test_a_row_that_cannot_be_borne_waits_with_its_reason_and_the_others_are_loaded(
    ground: Ground,
) -> None:
    bad = [line for line, _ in BAD]
    result = _load(ground, _line("Bahia", "Ilhéus", 5), *bad, _line("Bahia", "Jequié", 6))
    assert {code: value for (code, _), value in ground.facts().items()} == {
        "2913606": 5,
        "2918001": 6,
    }
    dead = {d["entity_id"]: d for d in ground.dead()}
    assert len(dead) == len(BAD)
    for row, (line, reason) in enumerate(BAD, start=2):
        letter = dead[f"deaths:{row}"]
        assert reason in letter["reason"], line
        assert letter["entity_type"] == "registro_civil_deaths"
        assert set(letter["payload"]) == set(CONTRACT.datasets["deaths"])
        assert str(letter["payload"]["deaths"] or "") == line.rsplit(",", 1)[1]  # as it came
    assert (result["rows_loaded"], result["rows_rejected"]) == (2, len(BAD))


def test_a_row_that_becomes_good_leaves_the_dead_letters(ground: Ground) -> None:
    _load(ground, _line("Bahia", "Ilhéus", 5), _line("Bahia", "Ylhéuss do Mar", 6))
    assert len(ground.dead()) == 1
    _load(ground, _line("Bahia", "Ilhéus", 5), _line("Bahia", "Itabuna", 6))
    assert ground.dead() == []
    assert len(ground.facts()) == 2


BROKEN = {
    "unknown column": _csv(_line("Bahia", "Ilhéus") + ",x", header=HEADER + ",extra"),
    "missing column": _csv(
        _line("Bahia", "Ilhéus").removesuffix(",1"), header=HEADER.removesuffix(",deaths")
    ),
    "cut short": _csv(_line("Bahia", "Ilhéus"), _line("Bahia", "Itabuna")[:-4]),
    "latin-1": _csv(_line("Bahia", "Ilhéus")).decode().encode("latin-1"),
    "a page": b"<html>manuten\xc3\xa7\xc3\xa3o</html>",
    "header only": _csv(),
    "empty": b"",
}


def test_a_payload_of_another_shape_changes_nothing(ground: Ground) -> None:
    _load(ground, _line("Bahia", "Ilhéus", 5))
    before = ground.rows("SELECT * FROM silver.fact_indicator")
    for what, payload in BROKEN.items():
        ground.payload(REGISTRO_CIVIL_DEATHS, "2019", payload)
        result = ground.run(REGISTRO_CIVIL_DEATHS, "2019")
        assert result["status"] != "success", what
        assert result["error"], what
        assert ground.rows("SELECT * FROM silver.fact_indicator") == before, what
        assert ground.dead() == [], what


def test_a_run_replaces_its_own_months_and_no_others(ground: Ground) -> None:
    _load(ground, _line("Bahia", "Ilhéus", 5), _line("Bahia", "Itabuna", 6))
    _load(ground, _line("Bahia", "Ilhéus", 7, year=2018), period="2018")
    _load(ground, _line("Bahia", "Itabuna", 6), _line("Bahia", "Salvador", 8))
    assert ground.facts() == {
        ("2913606", "2018-07"): 7,
        ("2914802", "2019-07"): 6,
        ("2927408", "2019-07"): 8,
    }


def test_a_run_of_one_month_leaves_the_rest_of_the_year(ground: Ground) -> None:
    _load(ground, _line("Bahia", "Ilhéus", 5), _line("Bahia", "Ilhéus", 6, month=8))
    _load(ground, _line("Bahia", "Ilhéus", 9, month=8), period="2019-08")
    assert ground.facts() == {("2913606", "2019-07"): 5, ("2913606", "2019-08"): 9}


def test_one_run_may_cover_several_years(ground: Ground) -> None:
    months = [f"{year}-{month:02}" for year in (2018, 2019) for month in range(1, 13)]
    both = deaths_connector(lambda _period: months)
    ground.payload(
        both, "2019", _csv(_line("Bahia", "Ilhéus", 5, year=2018), _line("Bahia", "Ilhéus", 6))
    )
    assert ground.run(both, "2019")["rows_loaded"] == 2
    assert ground.facts() == {("2913606", "2018-07"): 5, ("2913606", "2019-07"): 6}


def test_without_municipalities_nothing_is_loaded_and_the_error_says_what_to_run(
    ground: Ground,
) -> None:
    with transaction() as connection:
        connection.execute("DELETE FROM silver.dim_territory WHERE level = 'municipality'")
    result = _load(ground, _line("Bahia", "Ilhéus", 5))
    assert result["status"] == "failed"
    assert "ibge_admin" in result["error"]


def test_a_dry_run_says_which_months_it_would_replace_and_writes_nothing(ground: Ground) -> None:
    result = _load(ground, _line("Bahia", "Ilhéus", 5), dry_run=True)
    assert result["plan"]["replaces"] == {
        "reference_period": [f"2019-{month:02}" for month in range(1, 13)]
    }
    assert ground.facts() == {}
    assert ground.rows("SELECT count(*) AS n FROM ops.pipeline_runs") == [{"n": 0}]


def test_memory_does_not_grow_with_the_file(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No batch is larger than a block, however long the file; only sums are held back."""
    monkeypatch.setattr(files, "_CSV_BLOCK_BYTES", 4096)
    lines = [
        _line("Bahia", city, year=year, month=month)
        for year in range(1950, 2020)
        for month in range(1, 13)
        for city in ("Salvador", "Ilhéus")
    ]
    sizes: list[int] = []
    months = [f"{year}-{month:02}" for year in range(1950, 2020) for month in range(1, 13)]
    connector = deaths_connector(lambda _period: months)
    ground.payload(connector, "2019", _csv(*lines))

    def watched(objects: Any) -> Any:
        for dataset, frame in connector.parse(objects):
            sizes.append(frame.height)
            yield dataset, frame

    assert ground.run(replace(connector, parse=watched), "2019")["rows_inserted"] == len(lines)
    assert len(sizes) > 10
    assert max(sizes) < 200


def test_rows_held_back_do_not_hold_their_batches(ground: Ground) -> None:
    shaper = REGISTRO_CIVIL_DEATHS.shaper(cast(Run, SimpleNamespace(reference_period="2019")))
    rows = 20_000
    before = 0
    for batch in range(120):
        cities = ["Sant'Ana do Livramento"] * rows
        frame = pl.DataFrame(
            {
                "_row": range(rows + 1),
                "city_id": 1,
                "year": 2019,
                "month": 7,
                "region": "South",
                "state": ["Rio Grande do Sul"] * rows + ["Distrito Federal"],
                "city": [*cities, f"Núcleo Bandeirante{'s' * (batch % 2)}"],
                "deaths": 1,
            }
        )
        shaper.shape("deaths", frame)
        if batch == 20:
            before = _resident_megabytes()
    assert _resident_megabytes() - before < 30  # the batches' text alone is 80


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20
