"""The eight checks of the territory, each with the fault it is there to find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from atalaia.domains.territory.checks import CHECKS, THRESHOLDS, judge_source, quality_suite
from atalaia.kernel.base.database import connect
from atalaia.kernel.watch import ops_checks
from atalaia.kernel.work.runner import run_job

NAMES = {
    "check_dim_territory",
    "check_fact_electorate",
    "check_fact_election_result",
    "check_fact_indicator",
    "check_fact_indicator_source_rows",
    "check_source_schema_contracts",
    "check_source_schema_drift",
    "check_ops_pipeline_runs",
}
SOURCES = {
    "MVP-3": ("DATASUS", "INEP", "SICONFI", "MTE"),
    "MVP-2": ("TSE",),
    "MVP-4": ("SIDRA", "SENATRAN", "SEJUSP_MG", "SIOPS", "SNIS"),
    "MVP-5": ("INMET", "INPE_QUEIMADAS", "ANA", "ANATEL", "ANEEL"),
}
LIMITS = {"min_municipalities": 2, "min_municipalities_with_mesh": 2}
SQUARE = "MULTIPOLYGON(((0 0, 1 0, 1 1, 0 1, 0 0)))"
BOW_TIE = "MULTIPOLYGON(((0 0, 1 1, 1 0, 0 1, 0 0)))"
RUN = "00000000-0000-0000-0000-0000000000aa"


@pytest.fixture
def db(database: str) -> Iterator[psycopg.Connection[Any]]:
    """A database where every check of what is implemented passes."""
    with connect(autocommit=True) as connection:
        _ran(connection, RUN, "ibge_indicators")
        _ran(connection, RUN.replace("aa", "ab"), "tse_electorate")
        for connector, source, status in _registry():
            connection.execute(
                """INSERT INTO ops.connector_registry
                       (connector, job_name, domain, wave, source, status)
                   VALUES (%s, %s, 'territory', 'MVP', %s, %s)""",
                (connector, connector, source, status),
            )
        connection.execute(
            """INSERT INTO ops.source_schema_contracts
                   (connector, version, table_name, columns, payload)
               VALUES ('ibge_indicators', 1, 'silver.fact_indicator', '{"value": "numeric",
                           "territory_id": "text"}', '{}'),
                      ('tse_electorate', 1, 'silver.fact_electorate', '{"voters": "bigint"}', '{}'),
                      ('quality_suite', 1, 'ops.pipeline_checks', '{"check_name": "text"}', '{}')
            """
        )
        for code, level, parent in (
            ("BR", "country", None),
            ("31", "state", "BR"),
            ("3121605", "municipality", "31"),
            ("3106200", "municipality", "31"),
            ("312160505", "district", "3121605"),
        ):
            connection.execute(
                """INSERT INTO silver.dim_territory
                       (territory_id, level, name, parent_id, geometry, mesh_year, run_id)
                   VALUES (%s, %s, %s, %s, ST_GeomFromText(%s, 4674), 2007, %s)""",
                (code, level, f"Lugar {code}", parent, SQUARE, RUN),
            )
        connection.execute(
            "CREATE TABLE silver.fact_indicator_ibge PARTITION OF silver.fact_indicator "
            "FOR VALUES IN ('IBGE')"
        )
        connection.execute(
            """INSERT INTO silver.fact_indicator (territory_id, indicator_code, reference_period,
                   source, dataset, value, marker, unit, run_id)
               VALUES ('3121605', 'area_km2', '2025', 'IBGE', 'mesh', 3880.1, NULL, 'km²', %(r)s),
                      ('3106200', 'area_km2', '2025', 'IBGE', 'mesh', NULL, 'unavailable', 'km²',
                       %(r)s)""",
            {"r": RUN},
        )
        connection.execute(
            """INSERT INTO silver.fact_electorate
                   (territory_id, reference_period, voters, source, dataset, run_id)
               VALUES ('3121605', '2024', 100, 'TSE', 'perfil', %s)""",
            (RUN,),
        )
        connection.execute(
            """INSERT INTO silver.fact_election_result (territory_id, reference_period, election,
                   office, metric, value, source, dataset, run_id)
               VALUES ('3121605', '2024', 'municipal', 'prefeito', 'votes', 10, 'TSE', 'v', %s)""",
            (RUN,),
        )
        yield connection


def _registry() -> list[tuple[str, str, str]]:
    rows = [
        ("ibge_indicators", "IBGE", "implemented"),
        ("tse_electorate", "TSE", "partial"),
        ("quality_suite", "", "implemented"),
    ]
    for sources in SOURCES.values():
        rows += [(f"{s.lower()}_job", s, "planned") for s in sources if s != "TSE"]
    return rows


def _ran(
    connection: psycopg.Connection[Any],
    run_id: str,
    job: str,
    status: str = "success",
    verdict: str | None = None,
) -> None:
    loaded = 3 if status == "success" else 0
    connection.execute(
        """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, run_status,
               verdict, rows_read, rows_loaded, finished_at_utc, actor, trigger, trace_id)
           VALUES (%s, %s, 'territory', '2025', %s, %s, %s, %s, clock_timestamp(), 't', 'python',
                   't')""",
        (run_id, job, status, verdict, loaded, loaded),
    )


@pytest.fixture
def ask(
    db: psycopg.Connection[Any], tmp_path: Path
) -> Callable[..., dict[tuple[str, str], dict[str, Any]]]:
    """Run the suite with the delivered limits, some of them changed, and read its answers back
    from the database."""

    def run(**changed: Any) -> dict[tuple[str, str], dict[str, Any]]:
        limits = yaml.safe_load(THRESHOLDS.read_text(encoding="utf-8"))
        limits["dim_territory"] |= LIMITS
        for path, value in changed.items():
            section, name = path.split("__")
            limits[section][name] = value
        file = tmp_path / "limits.yml"
        file.write_text(yaml.safe_dump(limits), encoding="utf-8")
        job = quality_suite(file)
        report = run_job(job, reference_period="2025")
        assert report["run_status"] == "success", report["error"]
        written = db.execute(
            """SELECT * FROM ops.pipeline_checks WHERE run_id = %s AND check_name <> 'run_outcome'
               ORDER BY check_id""",
            (report["run_id"],),
        ).fetchall()
        assert [row["check_id"] for row in written] == [c["check_id"] for c in report["checks"]]
        return {(row["check_name"], row["subject"]): row for row in written}

    return run


Ask = Callable[..., dict[tuple[str, str], dict[str, Any]]]


def _failed(answers: dict[tuple[str, str], dict[str, Any]]) -> set[tuple[str, str]]:
    return {key for key, row in answers.items() if row["status"] == "fail"}


def test_a_good_database_fails_nothing_and_passes_what_is_implemented(ask: Ask) -> None:
    answers = ask()
    assert _failed(answers) == set()
    warned = {key for key, row in answers.items() if row["status"] == "warn"}
    planned = {(f"{s.lower()}_job", s) for group in SOURCES.values() for s in group if s != "TSE"}
    assert warned == {("check_ops_pipeline_runs", job) for job, _ in planned} | {
        ("check_fact_indicator_source_rows", source) for _, source in planned
    }
    assert all(answers[key]["details"]["reason"] for key in warned)


@pytest.mark.row("T-048", "T-033")
def test_every_run_asks_the_eight_checks_by_name(ask: Ask) -> None:
    assert {name for name, _ in ask()} == NAMES == {check.name for check in CHECKS}


@pytest.mark.row("T-058")
def test_the_database_knows_three_statuses_and_refuses_a_fourth(
    ask: Ask, db: psycopg.Connection[Any]
) -> None:
    ask()
    found = db.execute("SELECT DISTINCT status::text FROM ops.pipeline_checks").fetchall()
    assert {row["status"] for row in found} <= {"pass", "warn", "fail"}
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        db.execute(
            "INSERT INTO ops.pipeline_checks (run_id, check_name, status) VALUES (%s, 'x', 'good')",
            (RUN,),
        )


@pytest.mark.row("T-035")
@pytest.mark.parametrize(
    ("gone", "subject"),
    [("3121605", "focus_municipality"), ("3106200", "municipalities")],
)
def test_a_deleted_municipality_is_a_fail(
    ask: Ask, db: psycopg.Connection[Any], gone: str, subject: str
) -> None:
    db.execute("DELETE FROM silver.dim_territory WHERE parent_id = %s", (gone,))
    db.execute("DELETE FROM silver.dim_territory WHERE territory_id = %s", (gone,))
    assert ("check_dim_territory", subject) in _failed(ask())


@pytest.mark.row("T-036")
def test_deleted_districts_are_a_fail_until_they_are_back(
    ask: Ask, db: psycopg.Connection[Any]
) -> None:
    key = ("check_dim_territory", "districts")
    assert ask()[key]["status"] == "pass"
    db.execute("DELETE FROM silver.dim_territory WHERE level = 'district'")
    assert [ask()[key]["status"], ask()[key]["status"]] == ["fail", "fail"]


def test_districts_that_never_were_are_a_warn(ask: Ask, db: psycopg.Connection[Any]) -> None:
    db.execute("DELETE FROM silver.dim_territory WHERE level = 'district'")
    answers = [ask()[("check_dim_territory", "districts")] for _ in range(2)]
    assert [answer["status"] for answer in answers] == ["warn", "warn"]
    assert "pacote de dados" in answers[0]["details"]["reason"]


@pytest.mark.row("T-037")
def test_a_self_crossing_polygon_is_a_fail_that_names_it(
    ask: Ask, db: psycopg.Connection[Any]
) -> None:
    db.execute(
        """UPDATE silver.dim_territory SET geometry = ST_GeomFromText(%s, 4674)
           WHERE territory_id = '3106200'""",
        (BOW_TIE,),
    )
    answers = ask()
    assert _failed(answers) == {("check_dim_territory", "geometry")}
    sample = answers["check_dim_territory", "geometry"]["details"]["samples"][0]
    assert sample["territory_id"] == "3106200"
    assert "Self-intersection" in sample["reason"]


def test_a_lost_mesh_is_a_fail(ask: Ask, db: psycopg.Connection[Any]) -> None:
    db.execute(
        """UPDATE silver.dim_territory SET geometry = NULL, mesh_year = NULL
           WHERE territory_id = '3106200'"""
    )
    assert _failed(ask()) == {("check_dim_territory", "mesh")}


def test_a_mesh_that_was_never_loaded_is_a_warn_and_one_that_is_gone_a_fail(
    ask: Ask, db: psycopg.Connection[Any]
) -> None:
    key, gone = ("check_dim_territory", "mesh"), "geometry = NULL, mesh_year = NULL"
    db.execute(f"UPDATE silver.dim_territory SET {gone}")
    assert ask()[key]["status"] == "warn"
    db.execute(
        """UPDATE silver.dim_territory SET mesh_year = 2007,
               geometry = ST_GeomFromText(%s, 4674)""",
        (SQUARE,),
    )
    assert ask()[key]["status"] == "pass"
    db.execute(f"UPDATE silver.dim_territory SET {gone}")
    assert ask()[key]["status"] == "fail"


def _without_constraints(db: psycopg.Connection[Any], table: str) -> None:
    """What a fault needs to get in: the table as it is, its constraints off."""
    names = db.execute(
        """SELECT conname FROM pg_constraint
           WHERE conrelid = %s::regclass AND contype IN ('c', 'p', 'f')""",
        (f"silver.{table}",),
    ).fetchall()
    for row in names:
        db.execute(f"ALTER TABLE silver.{table} DROP CONSTRAINT {row['conname']}")
    for column in ("territory_id", "reference_period"):
        db.execute(f"ALTER TABLE silver.{table} ALTER {column} DROP NOT NULL")


FACTS = {"fact_electorate": "voters", "fact_election_result": "value"}


@pytest.mark.parametrize(
    "table",
    [
        pytest.param("fact_electorate", marks=pytest.mark.row("T-038")),
        pytest.param("fact_election_result", marks=pytest.mark.row("T-040")),
    ],
)
def test_a_negative_amount_is_a_fail_with_its_row(
    ask: Ask, db: psycopg.Connection[Any], table: str
) -> None:
    _without_constraints(db, table)
    db.execute(f"UPDATE silver.{table} SET {FACTS[table]} = -1")
    answers = ask()
    assert _failed(answers) == {(f"check_{table}", "non_negative")}
    sample = answers[f"check_{table}", "non_negative"]["details"]["samples"][0]
    assert sample[FACTS[table]] == -1


@pytest.mark.parametrize("column", ["reference_period", "territory_id"])
@pytest.mark.parametrize("value", [None, "", "nowhere"])
@pytest.mark.parametrize(
    "table",
    [
        pytest.param("fact_electorate", marks=pytest.mark.row("T-039")),
        pytest.param("fact_election_result", marks=pytest.mark.row("T-041")),
    ],
)
def test_a_row_without_period_or_territory_is_a_fail(
    ask: Ask, db: psycopg.Connection[Any], table: str, column: str, value: str | None
) -> None:
    _without_constraints(db, table)
    db.execute(f"UPDATE silver.{table} SET {column} = %s", (value,))
    assert _failed(ask()) == {(f"check_{table}", column)}


@pytest.mark.row("T-042")
@pytest.mark.parametrize(
    ("subject", "change"),
    [
        ("indicator_code", "indicator_code = ''"),
        ("indicator_code", "indicator_code = 'Área (km²)'"),
        ("reference_period", "reference_period = ''"),
        ("reference_period", "reference_period = '2025-13'"),
        ("value", "value = NULL, marker = NULL"),
        ("value", "value = 'NaN'"),
        ("value", "marker = 'suppressed'"),
        ("territory_id", "territory_id = NULL"),
        ("territory_id", "territory_id = '9999999'"),
    ],
)
def test_an_indicator_row_that_says_nothing_is_a_fail(
    ask: Ask, db: psycopg.Connection[Any], subject: str, change: str
) -> None:
    _without_constraints(db, "fact_indicator")
    db.execute(f"UPDATE silver.fact_indicator SET {change} WHERE territory_id = '3121605'")
    answers = ask()
    assert _failed(answers) == {("check_fact_indicator", subject)}
    assert answers["check_fact_indicator", subject]["observed"] == "1"


@pytest.mark.row("T-043")
def test_a_probe_row_is_not_accepted_as_data(ask: Ask, db: psycopg.Connection[Any]) -> None:
    db.execute(
        """INSERT INTO silver.fact_indicator (territory_id, indicator_code, reference_period,
               source, dataset, value, unit, run_id)
           VALUES ('3121605', 'IBGE_SOURCE_PROBE', '2025', 'IBGE', 'probe', 1, 'un', %s)""",
        (RUN,),
    )
    assert _failed(ask()) == {("check_fact_indicator", "probe_rows")}


@pytest.mark.row("T-044", "T-050", "T-051", "T-052")
def test_fifteen_sources_have_a_minimum_of_one_row() -> None:
    limits = yaml.safe_load(THRESHOLDS.read_text(encoding="utf-8"))["fact_indicator_source_rows"]
    minimums = {key: value for key, value in limits.items() if key.startswith("min_rows_")}
    assert minimums == {
        f"min_rows_{source.lower()}": 1 for group in SOURCES.values() for source in group
    }
    assert len(minimums) == 15


@pytest.mark.row("T-044")
@pytest.mark.parametrize("source", ["IBGE", "TSE"])
def test_a_source_whose_rows_are_gone_is_a_fail(
    ask: Ask, db: psycopg.Connection[Any], source: str
) -> None:
    key = ("check_fact_indicator_source_rows", source)
    assert ask()[key]["status"] == "pass"
    for table in ("fact_indicator", "fact_electorate", "fact_election_result"):
        db.execute(f"DELETE FROM silver.{table} WHERE source = %s", (source,))
    answer = ask()[key]
    assert (answer["status"], answer["observed"]) == ("fail", "0")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (None, "fail"),
        ({"implemented": False}, "warn"),
        ({"source_failed": True, "rows": 9}, "warn"),
        ({"rows": 1}, "pass"),
        ({}, "warn"),
        ({"any_fact": True}, "warn"),
        ({"any_fact": True, "loaded_before": True}, "fail"),
        ({"loaded_before": True}, "fail"),
    ],
)
def test_how_a_source_is_judged(source: dict[str, Any] | None, expected: str) -> None:
    usual = {
        "implemented": True,
        "source_failed": False,
        "rows": 0,
        "any_fact": False,
        "loaded_before": False,
    }
    status, reason = judge_source(None if source is None else usual | source, 1)
    assert status == expected
    assert bool(reason) == (status != "pass")


def test_a_source_that_failed_last_time_is_a_warn_although_its_rows_stand(
    ask: Ask, db: psycopg.Connection[Any]
) -> None:
    _ran(db, RUN.replace("aa", "ac"), "ibge_indicators", "success", "source_failed")
    answers = ask()
    for key in (
        ("check_fact_indicator_source_rows", "IBGE"),
        ("check_ops_pipeline_runs", "ibge_indicators"),
    ):
        assert answers[key]["status"] == "warn"
        assert "a fonte falhou" in answers[key]["details"]["reason"]


@pytest.mark.parametrize("table", ["dim_territory", "fact_electorate", "fact_indicator"])
def test_an_empty_table_is_a_warn_and_never_a_pass(
    ask: Ask, db: psycopg.Connection[Any], table: str
) -> None:
    db.execute(f"TRUNCATE silver.{table} CASCADE")
    answers = {key: row for key, row in ask().items() if key[0] == f"check_{table}"}
    assert {row["status"] for row in answers.values()} == {"warn"}
    assert all("tabela vazia" in row["details"]["reason"] for row in answers.values())


@pytest.mark.row("T-045")
def test_a_connector_without_active_contract_is_a_fail_that_names_it(
    ask: Ask, db: psycopg.Connection[Any]
) -> None:
    db.execute(
        "UPDATE ops.source_schema_contracts SET active = false WHERE connector = 'tse_electorate'"
    )
    answers = ask()
    name = "check_source_schema_contracts"
    assert _failed(answers) == {(name, "active_coverage_pct"), (name, "missing_connectors")}
    assert answers[name, "active_coverage_pct"]["observed"] == "66.6667"
    assert "tse_electorate" in answers[name, "missing_connectors"]["details"]["reason"]


@pytest.mark.row("T-046")
@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ("ALTER TABLE silver.fact_indicator RENAME value TO amount", "missing_required_columns"),
        ("ALTER TABLE silver.fact_electorate ALTER voters TYPE text", "type_mismatch_columns"),
        ("DROP TABLE silver.fact_electorate", "missing_required_columns"),
    ],
)
def test_schema_drift_is_a_fail_and_closes_when_mended(
    ask: Ask, db: psycopg.Connection[Any], change: str, subject: str
) -> None:
    name = "check_source_schema_drift"
    _without_constraints(db, "fact_electorate")
    db.execute("CREATE TABLE kept AS TABLE silver.fact_electorate")
    db.execute(change)
    failed = {key for key in _failed(ask()) if key[0] == name}
    assert failed == {(name, subject), (name, "connectors_with_drift")}
    if "RENAME" in change:
        db.execute("ALTER TABLE silver.fact_indicator RENAME amount TO value")
    else:
        db.execute("DROP TABLE IF EXISTS silver.fact_electorate")
        db.execute("CREATE TABLE silver.fact_electorate AS TABLE kept")
    assert _failed(ask()) == set()
    still_open = db.execute(
        """SELECT check_name, subject FROM ops.corrective_actions
           WHERE closed_at_utc IS NULL"""
    ).fetchall()
    assert still_open == []


@pytest.mark.row("T-047")
def test_a_job_whose_runs_are_gone_is_a_fail(ask: Ask, db: psycopg.Connection[Any]) -> None:
    key = ("check_ops_pipeline_runs", "ibge_indicators")
    assert ask()[key]["status"] == "pass"
    db.execute("DELETE FROM silver.dim_territory")
    db.execute("DELETE FROM ops.pipeline_runs WHERE job_name = 'ibge_indicators'")
    assert [ask()[key]["status"], ask()[key]["status"]] == ["fail", "fail"]


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        ({"implemented": False, "successes": 9}, "warn"),
        ({"successes": 1, "last_status": "success"}, "pass"),
        ({"running": True}, "pass"),
        ({"successes": 1, "last_status": "success", "last_verdict": "source_failed"}, "warn"),
        ({"successes": 1, "last_status": "failed"}, "warn"),
        ({"runs": 1, "last_status": "failed"}, "fail"),
        ({"runs": 1, "last_status": "blocked", "last_verdict": "we_failed"}, "warn"),
        ({"runs": 1, "last_status": "blocked", "last_verdict": "not_published"}, "warn"),
        ({}, "warn"),
        ({"ran_before": True}, "fail"),
    ],
)
def test_how_a_job_is_judged(job: dict[str, Any], expected: str) -> None:
    usual = {
        "implemented": True,
        "successes": 0,
        "runs": 0,
        "running": False,
        "last_status": None,
        "last_verdict": None,
        "last_error": "why",
        "ran_before": False,
    }
    status, reason = ops_checks.judge_job(usual | job, 1)
    assert status == expected
    assert bool(reason) == (status != "pass")


def test_a_source_that_only_filled_the_dimension_is_not_missing_facts(
    ask: Ask, db: psycopg.Connection[Any]
) -> None:
    db.execute("DELETE FROM silver.fact_indicator")
    db.execute(
        """UPDATE ops.source_schema_contracts SET table_name = 'silver.dim_territory',
               columns = '{"name": "text"}' WHERE connector = 'ibge_indicators'"""
    )
    answer = ask()["check_fact_indicator_source_rows", "IBGE"]
    assert answer["status"] == "warn"
    assert "nunca carregada" in answer["details"]["reason"]


@pytest.mark.row("T-047")
def test_fourteen_jobs_are_listed_and_fewer_is_a_fail(
    ask: Ask, db: psycopg.Connection[Any]
) -> None:
    answers = ask()
    jobs = [s for name, s in answers if name == "check_ops_pipeline_runs" and s != "jobs_listed"]
    assert len(jobs) >= 14
    db.execute("DELETE FROM ops.connector_registry WHERE status = 'planned'")
    assert ("check_ops_pipeline_runs", "jobs_listed") in _failed(ask())


@pytest.mark.row("T-049", "T-053", "T-054", "T-055", "T-056", "T-057")
@pytest.mark.parametrize(
    ("limit", "value", "key"),
    [
        (
            "dim_territory__min_municipalities",
            3,
            ("check_dim_territory", "municipalities"),
        ),
        (
            "fact_indicator_source_rows__min_rows_tse",
            9,
            ("check_fact_indicator_source_rows", "TSE"),
        ),
        (
            "ops_pipeline_runs__min_jobs_listed",
            99,
            ("check_ops_pipeline_runs", "jobs_listed"),
        ),
    ],
)
def test_changing_a_limit_changes_the_verdict(
    ask: Ask, limit: str, value: int, key: tuple[str, str]
) -> None:
    assert ask()[key]["status"] == "pass"
    answer = ask(**{limit: value})[key]
    assert (answer["status"], answer["threshold"]) == ("fail", f">= {value}")


@pytest.mark.row("T-049", "T-053", "T-054")
def test_a_softer_contract_limit_forgives_a_missing_contract(
    ask: Ask, db: psycopg.Connection[Any]
) -> None:
    db.execute(
        "UPDATE ops.source_schema_contracts SET active = false WHERE connector = 'tse_electorate'"
    )
    assert len(_failed(ask())) == 2
    softer = {
        "schema_contracts__min_active_coverage_pct": 50.0,
        "schema_contracts__max_missing_connectors": 1,
    }
    assert _failed(ask(**softer)) == set()


@pytest.mark.row("T-049", "T-055", "T-056", "T-057")
def test_a_softer_drift_limit_forgives_a_drifted_column(
    ask: Ask, db: psycopg.Connection[Any]
) -> None:
    db.execute("ALTER TABLE silver.fact_electorate ALTER voters TYPE numeric")
    db.execute("ALTER TABLE silver.fact_indicator ALTER unit DROP NOT NULL")
    db.execute(
        """UPDATE ops.source_schema_contracts SET columns = columns || '{"weight": "numeric"}'
           WHERE connector = 'ibge_indicators'"""
    )
    assert len(_failed(ask())) == 3
    softer = {
        "schema_drift__max_missing_required_columns": 1,
        "schema_drift__max_type_mismatch_columns": 1,
        "schema_drift__max_connectors_with_drift": 2,
    }
    assert _failed(ask(**softer)) == set()


@pytest.mark.row("T-053", "T-054", "T-055", "T-056", "T-057")
def test_the_delivered_limits_are_the_runbooks() -> None:
    limits = yaml.safe_load(THRESHOLDS.read_text(encoding="utf-8"))
    assert limits["schema_contracts"] == {
        "min_active_coverage_pct": 100.0,
        "max_missing_connectors": 0,
    }
    assert limits["schema_drift"] == {
        "max_missing_required_columns": 0,
        "max_type_mismatch_columns": 0,
        "max_connectors_with_drift": 0,
    }


def test_a_limit_that_is_no_number_fails_the_run_and_names_it(
    db: psycopg.Connection[Any], tmp_path: Path
) -> None:
    limits = yaml.safe_load(THRESHOLDS.read_text(encoding="utf-8"))
    limits["schema_drift"]["max_type_mismatch_columns"] = "none"
    file = tmp_path / "limits.yml"
    file.write_text(yaml.safe_dump(limits), encoding="utf-8")
    job = quality_suite(file)
    report = run_job(job, reference_period="2025")
    assert report["run_status"] == "failed"
    assert "schema_drift.max_type_mismatch_columns" in report["error"]
    assert report["checks"] == []
