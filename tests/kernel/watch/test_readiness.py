"""Readiness: each question broken once, and named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.watch.readiness import (
    MINIMUMS,
    Readiness,
    assess,
    expected_relations,
    judge_version,
)


@pytest.fixture
def db(database: str) -> Iterator[psycopg.Connection[Any]]:
    """A good database: loads, then a suite that passed, all today."""
    with connect(autocommit=True) as connection:
        for number in range(20):
            ran(connection, f"load_{number}", minutes_ago=60, loaded=5)
        suite = ran(connection, "quality_suite", minutes_ago=5)
        check(connection, suite, "pass")
        yield connection


def ran(
    db: psycopg.Connection[Any],
    job: str,
    status: str = "success",
    *,
    minutes_ago: float,
    loaded: int = 0,
    checked: bool = True,
) -> str:
    run_id = str(uuid4())
    db.execute(
        """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, run_status,
               rows_read, rows_loaded, started_at_utc, finished_at_utc, actor, trigger, trace_id)
           VALUES (%(id)s, %(job)s, 'd', '2025', %(status)s, %(n)s, %(n)s,
               now() - make_interval(secs => %(age)s), now() - make_interval(secs => %(age)s - 1),
               't', 'python', 't')""",
        {"id": run_id, "job": job, "status": status, "n": loaded, "age": minutes_ago * 60},
    )
    if checked:
        check(db, run_id, "pass", "run_outcome")
    return run_id


def check(
    db: psycopg.Connection[Any], run_id: str, status: str, name: str = "c", subject: str = ""
) -> None:
    db.execute(
        """INSERT INTO ops.pipeline_checks (run_id, check_name, status, subject)
           VALUES (%s, %s, %s, %s)""",
        (run_id, name, status, subject),
    )


def about(found: list[str], question: str) -> list[str]:
    return [line for line in found if line.startswith(question)]


def without_versions(found: Readiness) -> list[str]:
    """Warnings other than those about this machine's own versions."""
    titles = tuple(minimum.title for minimum in MINIMUMS.values())
    return [line for line in found.warnings if not line.startswith(titles)]


def test_a_good_database_is_ready(db: psycopg.Connection[Any]) -> None:
    found = assess()
    assert (found.hard_failures, without_versions(found)) == ([], [])
    assert found.exit_code() == 0
    assert found.as_dict()["slo_1"]["pct"] == 100.0


def test_a_fresh_database_is_ready_with_warnings_that_say_nothing_ran(database: str) -> None:
    found = assess()
    assert found.hard_failures == []
    assert len(without_versions(found)) == 3
    assert (found.status, found.exit_code(), found.exit_code(strict=True)) == (
        "ready_with_warnings",
        0,
        1,
    )


@pytest.mark.row("T-010")
@pytest.mark.parametrize(
    "drop",
    [
        "ops.pipeline_checks",
        "silver.fact_electorate",
        "gold.data_version",
        "bronze.manifest",
        "api_keys",
    ],
)
def test_a_dropped_table_is_a_hard_failure_that_names_it(
    db: psycopg.Connection[Any], drop: str
) -> None:
    db.execute(f"DROP TABLE {drop} CASCADE")
    found = assess()
    assert found.exit_code() == 2
    assert drop in about(found.hard_failures, "schema:")[0]


def test_a_database_without_schema_says_what_to_run(empty_database: str) -> None:
    found = assess()
    assert found.exit_code() == 2
    (line,) = about(found.hard_failures, "schema:")
    assert "001_base.sql" in line
    assert "scripts/init_db.py" in line
    assert about(found.hard_failures, "PostGIS: não está instalado")


def test_a_file_not_yet_applied_is_named(db: psycopg.Connection[Any]) -> None:
    db.execute("DELETE FROM ops.schema_files WHERE path LIKE '%%007_spatial_indexes.sql'")
    assert "007_spatial_indexes.sql" in about(assess().hard_failures, "schema:")[0]


def test_slo_1_below_its_target_names_the_worst_job(db: psycopg.Connection[Any]) -> None:
    for _ in range(2):
        ran(db, "flaky", "failed", minutes_ago=30)
    (line,) = assess().hard_failures
    assert line.startswith("SLO-1: 91.3 %")
    assert "flaky 0.0 %" in line


def test_slo_1_missed_only_by_blocked_runs_is_a_warning_and_can_be_forgiven(
    db: psycopg.Connection[Any],
) -> None:
    for _ in range(5):
        ran(db, "away", "blocked", minutes_ago=30)
    found = assess()
    assert found.hard_failures == []
    (line,) = about(found.warnings, "SLO-1")
    assert "away 0.0 %" in line
    assert "só por execuções blocked" in line
    assert about(assess(include_blocked_as_success=True).warnings, "SLO-1") == []
    for _ in range(2):
        ran(db, "flaky", "failed", minutes_ago=30)
    assert about(assess().hard_failures, "SLO-1")
    assert about(assess(include_blocked_as_success=True).hard_failures, "SLO-1")


def test_a_run_without_check_breaks_ops_tracking(db: psycopg.Connection[Any]) -> None:
    ran(db, "untracked", minutes_ago=30, checked=False)
    (line,) = assess().hard_failures
    assert line.startswith("ops tracking (SLO-3)")
    assert "untracked 0.0 %" in line


def test_the_last_suite_must_have_succeeded(db: psycopg.Connection[Any]) -> None:
    ran(db, "quality_suite", "failed", minutes_ago=2)
    assert about(assess().hard_failures, "quality suite: a última execução terminou failed")


def test_a_failed_check_of_the_last_suite_is_named_and_an_older_one_forgotten(
    db: psycopg.Connection[Any],
) -> None:
    suite = ran(db, "quality_suite", minutes_ago=2)
    check(db, suite, "fail", "check_dim_territory", "geometry")
    check(db, suite, "warn")
    found = assess()
    assert found.hard_failures == ["quality suite: fail em check_dim_territory · geometry"]
    assert without_versions(found) == ["quality suite: 1 respostas em warn"]
    check(db, ran(db, "quality_suite", minutes_ago=1), "pass")
    assert assess().hard_failures == []


@pytest.mark.row("T-113")
def test_strict_makes_a_warning_fail(db: psycopg.Connection[Any]) -> None:
    ran(db, "late_load", minutes_ago=1, loaded=7)
    found = assess()
    assert without_versions(found) == [
        "quality suite: 1 cargas terminaram depois da última execução"
    ]
    assert (found.exit_code(), found.exit_code(strict=True)) == (0, 1)


def test_without_extension_postgis_it_is_a_hard_failure(db: psycopg.Connection[Any]) -> None:
    db.execute("DROP EXTENSION postgis CASCADE")
    assert about(assess().hard_failures, "PostGIS: não está instalado")


@pytest.mark.parametrize(
    ("text", "hard", "warned"),
    [
        (None, 1, 0),
        ("14.9 (Debian 14.9-1)", 1, 0),
        ("15.6 (Debian 15.6-0+deb12u1)", 0, 1),
        ("16.0", 0, 0),
        ("17beta1", 0, 0),
    ],
)
def test_versions_below_the_documented_minimum_warn_and_below_ours_fail(
    text: str | None, hard: int, warned: int
) -> None:
    failures, warnings = judge_version(MINIMUMS["postgresql"], text)
    assert (len(failures), len(warnings)) == (hard, warned)


@pytest.mark.row("X-31")
@pytest.mark.parametrize(
    ("name", "below", "documented"),
    [("python", "3.11.2", "3.12.0"), ("postgresql", "15.6", "16.2"), ("postgis", "3.3.2", "3.5.0")],
)
def test_the_documented_minimums_are_the_runbooks(name: str, below: str, documented: str) -> None:
    assert judge_version(MINIMUMS[name], below)[1]
    assert judge_version(MINIMUMS[name], documented) == ([], [])


def test_what_was_created_and_not_dropped_is_expected(tmp_path: Path) -> None:
    first, second = tmp_path / "001_a.sql", tmp_path / "002_b.sql"
    first.write_text(
        "CREATE TABLE a.one (\n);\ncreate table if not exists two ();\n"
        "CREATE MATERIALIZED VIEW a.mv AS SELECT 1;\n-- CREATE TABLE never\n"
        "CREATE OR REPLACE VIEW a.v AS SELECT 1;"
    )
    second.write_text("DROP TABLE IF EXISTS two;\nCREATE TABLE three ();")
    assert expected_relations([second, first]) == ["a.one", "a.mv", "a.v", "three"]


def test_a_server_that_is_away_is_a_hard_failure(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    settings.cache_clear()
    found = assess()
    assert about(found.hard_failures, "banco: O PostgreSQL de DATABASE_URL não atende")
    assert found.exit_code() == 2


@pytest.mark.row("T-015")
def test_an_unset_database_url_is_an_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATALAIA_HOME", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    settings.cache_clear()
    try:
        with pytest.raises(UsageError, match="DATABASE_URL não está definida"):
            assess()
    finally:
        settings.cache_clear()
