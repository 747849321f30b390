"""The minimum wage: two national series, as small as 1940 and as large as today."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
from tests.domains.territory.ground import Ground

from atalaia.domains.territory.sources.ipea_minimum_wage import CONTRACT, IPEA_MINIMUM_WAGE
from atalaia.kernel.base.database import transaction

DATE, REAL, NOMINAL = CONTRACT.datasets["minimum_wage"]
NOMINAL_CODE, REAL_CODE = "minimum_wage_nominal", "minimum_wage_real"


def _load(ground: Ground, *months: tuple[str, float | None, float | None], **options: Any) -> Any:
    frame = pl.DataFrame(
        [(date.fromisoformat(day), real, nominal) for day, real, nominal in months],
        schema={DATE: pl.Date, REAL: pl.Float64, NOMINAL: pl.Float64},
        orient="row",
    )
    ground.frame(IPEA_MINIMUM_WAGE, "2024", frame)
    return ground.run(IPEA_MINIMUM_WAGE, "2024", **options)


def _series(ground: Ground) -> dict[tuple[str, str], tuple[Decimal, str]]:
    found = ground.rows("SELECT * FROM silver.fact_indicator")
    assert {(r["territory_id"], r["source"], r["dataset"]) for r in found} <= {
        ("BR", "IPEA", "salario_minimo")
    }
    return {(r["indicator_code"], r["reference_period"]): (r["value"], r["unit"]) for r in found}


def test_the_bundled_series_is_loaded_month_by_month_with_its_units(ground: Ground) -> None:
    ground.bundled("minimum_wage", "2024")
    result = ground.run(IPEA_MINIMUM_WAGE, "2024")
    assert result["status"] == "success", result["error"]
    assert (result["rows_read"], result["rows_loaded"], result["rows_inserted"]) == (
        1014,
        1014,
        2028,
    )
    series = _series(ground)
    constant = "R$ constantes (último mês da série)"
    assert series[NOMINAL_CODE, "2024-12"] == (Decimal("1412"), "R$")
    assert series[NOMINAL_CODE, "1994-07"] == (Decimal("64.79"), "R$")
    assert series[NOMINAL_CODE, "2020-01"] == (Decimal("1039"), "R$")
    assert series[NOMINAL_CODE, "2020-02"] == (Decimal("1045"), "R$")  # not January's all year
    assert series[NOMINAL_CODE, "1940-07"][0] == Decimal("8.72727272727273E-14")  # not zero
    assert series[REAL_CODE, "2024-12"] == (Decimal("1447.11808244183"), constant)
    assert series[REAL_CODE, "1940-07"] == (Decimal("978.118897037159"), constant)
    months = sorted(period for code, period in series if code == REAL_CODE)
    assert (len(months), months[0], months[-1]) == (1014, "1940-07", "2024-12")
    again = ground.run(IPEA_MINIMUM_WAGE, "2024")
    assert (again["rows_unchanged"], again["rows_inserted"], again["rows_updated"]) == (2028, 0, 0)


def test_a_new_release_replaces_the_whole_series(ground: Ground) -> None:
    first = _load(
        ground,
        ("2024-10-01", 100.0, 90.0),
        ("2024-11-01", 99.0, 90.0),
        ("2024-12-01", 98.0, 90.0),
    )
    second = _load(ground, ("2024-11-01", 101.0, 90.0), ("2024-12-01", 100.0, 90.0))
    assert (second["rows_updated"], second["rows_unchanged"], second["rows_deleted"]) == (2, 2, 2)
    series = _series(ground)
    assert series[REAL_CODE, "2024-12"][0] == 100
    assert (REAL_CODE, "2024-10") not in series  # two releases' prices never stand together
    found = ground.rows("SELECT indicator_code, run_id FROM silver.fact_indicator")
    assert {(r["indicator_code"], str(r["run_id"])) for r in found} == {
        (REAL_CODE, second["run_id"]),
        (NOMINAL_CODE, first["run_id"]),
    }


def test_another_source_of_the_same_indicator_is_left_alone(ground: Ground) -> None:
    with transaction() as connection:
        connection.execute(
            "CREATE TABLE silver.fact_indicator_dieese PARTITION OF silver.fact_indicator "
            "FOR VALUES IN ('DIEESE')"
        )
        connection.execute(
            """INSERT INTO silver.fact_indicator (territory_id, indicator_code, reference_period,
                   source, dataset, value, unit, run_id)
               VALUES ('BR', 'minimum_wage_nominal', '2024-12', 'DIEESE', 'x', 1, 'R$',
                       gen_random_uuid())"""
        )
    result = _load(ground, ("2024-12-01", 100.0, 90.0))
    assert (result["rows_inserted"], result["rows_deleted"]) == (2, 0)
    assert ground.rows("SELECT count(*) AS n FROM silver.fact_indicator") == [{"n": 3}]


def test_a_month_without_a_value_is_refused_whole(ground: Ground) -> None:
    result = _load(
        ground,
        ("2024-10-01", 100.0, 90.0),
        ("2024-11-01", None, 90.0),
        ("2024-12-01", float("nan"), 90.0),
        ("2025-01-01", 100.0, -1.0),
    )
    assert set(_series(ground)) == {(NOMINAL_CODE, "2024-10"), (REAL_CODE, "2024-10")}
    reasons = sorted(d["reason"].rsplit(": ", 1)[1] for d in ground.dead())
    assert reasons == ["menor que 0", "não é number", "vazio"]
    assert (result["rows_loaded"], result["rows_rejected"]) == (1, 3)


def test_a_renamed_column_stops_the_payload(ground: Ground) -> None:
    frame = pl.DataFrame({DATE: [date(2024, 12, 1)], REAL: [1.0], "Salário mínimo": [1.0]})
    ground.frame(IPEA_MINIMUM_WAGE, "2024", frame)
    result = ground.run(IPEA_MINIMUM_WAGE, "2024")
    assert result["status"] == "failed"
    assert "Salário mínimo" in result["error"]
    assert _series(ground) == {}
