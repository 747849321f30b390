"""How answers are recorded, and what a failed one asks of people."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import SourceFailed, UsageError
from atalaia.kernel.watch.checks import (
    Check,
    Result,
    after_load,
    at_least,
    at_most,
    read_limits,
    record,
    suite,
)
from atalaia.kernel.work.job import Counts, Job, Run
from atalaia.kernel.work.runner import run_job


def job(body: Callable[[Run], None], name: str = "job") -> Job:
    return Job(name=name, domain="d", title="t", body=body, plan=lambda run: {})


@pytest.fixture
def db(database: str) -> Iterator[psycopg.Connection[Any]]:
    with connect(autocommit=True) as connection:
        yield connection


def recording(*results: Result) -> Job:
    return job(lambda run: record(run, results))


def actions(db: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    return db.execute("SELECT * FROM ops.corrective_actions ORDER BY action_id").fetchall()


def test_results_are_written_in_order_under_the_run(db: psycopg.Connection[Any]) -> None:
    given = [
        Result("a", "pass", "1", ">= 1"),
        Result("b", "warn", details={"reason": "não há"}, subject="x"),
        Result("b", "fail", details={"reason": "r", "samples": [{"n": 1}]}, subject="y"),
    ]
    report = run_job(recording(*given), reference_period="2024")
    written = db.execute(
        """SELECT run_id::text, check_name, status::text, observed, threshold, details, subject
           FROM ops.pipeline_checks WHERE check_name <> 'run_outcome' ORDER BY check_id"""
    ).fetchall()
    assert written == [{"run_id": report["run_id"]} | dataclasses.asdict(r) for r in given]
    told = [(c["check_name"], c["subject"], c["status"], c["reason"]) for c in report["checks"]]
    assert told == [
        ("a", "", "pass", None),
        ("b", "x", "warn", given[1].details["reason"]),
        ("b", "y", "fail", "r"),
    ]


@pytest.mark.row("T-059")
def test_a_fail_opens_one_action_and_the_next_pass_closes_it(db: psycopg.Connection[Any]) -> None:
    fail = Result(
        "c", "fail", details={"reason": "faltam linhas", "todo": "recarregar"}, subject="s"
    )
    opened_by = run_job(recording(fail), reference_period="2024")["checks"][0]["check_id"]
    run_job(recording(fail), reference_period="2024")
    (action,) = actions(db)
    assert (action["opened_by"], action["closed_at_utc"]) == (opened_by, None)
    assert action["action"] == "faltam linhas → recarregar"

    run_job(recording(dataclasses.replace(fail, status="warn")), reference_period="2024")
    run_job(recording(Result("c", "pass", subject="other")), reference_period="2024")
    assert [row["closed_at_utc"] for row in actions(db)] == [None]

    closed_by = run_job(recording(Result("c", "pass", subject="s")), reference_period="2025")
    (action,) = actions(db)
    assert action["closed_by"] == closed_by["checks"][0]["check_id"]
    assert action["closed_at_utc"] >= action["opened_at_utc"]

    run_job(recording(fail), reference_period="2024")
    assert [row["closed_at_utc"] is None for row in actions(db)] == [False, True]


@pytest.mark.row("T-059")
def test_a_warn_opens_no_action_and_two_subjects_open_two(db: psycopg.Connection[Any]) -> None:
    run_job(
        recording(
            Result("c", "warn", subject="w"),
            Result("c", "fail", subject="a"),
            Result("c", "fail", subject="b"),
        ),
        reference_period="2024",
    )
    assert [row["subject"] for row in actions(db)] == ["a", "b"]
    assert all(row["action"] for row in actions(db))


def fails(_run: Run) -> None:
    raise ValueError("boom")


def is_away(_run: Run) -> None:
    raise SourceFailed("away")


@pytest.mark.row("R-037")
@pytest.mark.parametrize(
    ("body", "run_status", "status"),
    [
        (lambda run: None, "success", "pass"),
        (fails, "failed", "fail"),
        (is_away, "blocked", "warn"),
    ],
)
def test_no_run_ends_without_a_check(
    db: psycopg.Connection[Any], body: Callable[[Run], None], run_status: str, status: str
) -> None:
    report = run_job(job(body), reference_period="2024")
    assert report["run_status"] == run_status
    (check,) = db.execute("SELECT * FROM ops.pipeline_checks").fetchall()
    assert (str(check["run_id"]), check["check_name"]) == (report["run_id"], "run_outcome")
    assert (check["status"], check["observed"]) == (status, run_status)
    assert check["details"].get("reason") == report["error"]


@pytest.mark.row("R-037")
def test_a_run_whose_process_died_gets_its_check_from_the_next_one(
    db: psycopg.Connection[Any],
) -> None:
    db.execute(
        """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
               trigger, trace_id)
           VALUES ('00000000-0000-0000-0000-0000000000aa', 'job', 'd', '2024', 'a', 'cli', 't')"""
    )
    run_job(job(lambda run: None), reference_period="2024")
    checks = db.execute(
        "SELECT run_id::text, status::text FROM ops.pipeline_checks ORDER BY check_id"
    ).fetchall()
    assert [check["status"] for check in checks] == ["fail", "pass"]
    assert checks[0]["run_id"].endswith("aa")
    (action,) = actions(db)
    assert action["closed_at_utc"] is not None


@pytest.mark.parametrize(
    ("counts", "balance", "rejected"),
    [
        (Counts(read=6, loaded=3, rejected=2, duplicate=1), "pass", "warn"),
        (Counts(read=3, loaded=3), "pass", "pass"),
        (Counts(read=4, loaded=3), "fail", "pass"),
    ],
)
def test_every_load_is_asked_whether_its_rows_balance(
    db: psycopg.Connection[Any], counts: Counts, balance: str, rejected: str
) -> None:
    def body(run: Run) -> None:
        run.counts = counts
        record(run, after_load(run))

    report = run_job(job(body), reference_period="2024")
    assert report["run_status"] == ("success" if balance == "pass" else "failed")
    told = {c["check_name"]: (c["status"], c["subject"]) for c in report["checks"]}
    assert told == {
        "rows_balance": (balance, "job/2024"),
        "rows_rejected": (rejected, "job/2024"),
    }


def test_limits_are_compared_inclusively() -> None:
    assert [at_most("c", "s", n, 1, "r").status for n in (0, 1, 2)] == ["pass", "pass", "fail"]
    assert [at_least("c", "s", n, 1, "r").status for n in (0, 1, 2)] == ["fail", "pass", "pass"]
    assert at_most("c", "s", 2, 1, "r", todo="t").details == {"reason": "r", "todo": "t"}
    assert at_most("c", "s", 1, 1, "r", todo="t").details == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "não pode ser lido"),
        ("a: [1", "não pode ser lido"),
        ("- 1", "não tem a seção 's'"),
        ("s: 3", "não tem a seção 's'"),
        ("s: {}", "'s.n' deve ser um número, não None"),
        ("s: {n: many}", "'s.n' deve ser um número, não 'many'"),
        ("s: {n: true}", "'s.n' deve ser um número, não True"),
    ],
)
def test_a_bad_limits_file_is_named(tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "limits.yml"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=words):
        read_limits(file).number("s", "n")


def run_suite(tmp_path: Path, *checks: Check) -> dict[str, Any]:
    file = tmp_path / "limits.yml"
    file.write_text("s: {n: 1}", encoding="utf-8")
    asked = suite(checks, file, name="toy", domain="kernel", title="Toy")
    return run_job(asked, reference_period="2024")


def test_a_suite_asks_the_others_when_one_finds_its_table_gone(
    db: psycopg.Connection[Any], tmp_path: Path
) -> None:
    broken = Check(
        "broken", "t", lambda c, limits: [Result("broken", "pass", c.execute("TABLE gone") and "")]
    )
    fine = Check(
        "fine", "t", lambda c, limits: [at_least("fine", "", 1, limits.number("s", "n"), "")]
    )
    report = run_suite(tmp_path, broken, fine)
    assert report["run_status"] == "success"
    told = {c["check_name"]: (c["status"], c["subject"]) for c in report["checks"]}
    assert told == {"broken": ("fail", "schema"), "fine": ("pass", "")}
    assert [step["name"] for step in report["steps"]] == ["broken", "fine"]

    db.execute("CREATE TABLE gone ()")
    run_suite(tmp_path, broken)
    assert [row["closed_at_utc"] is None for row in actions(db)] == [False]


def test_a_check_that_answers_nothing_is_a_warn(
    db: psycopg.Connection[Any], tmp_path: Path
) -> None:
    report = run_suite(tmp_path, Check("silent", "t", lambda c, limits: []))
    assert [c["status"] for c in report["checks"]] == ["warn"]


def test_a_check_cannot_write(db: psycopg.Connection[Any], tmp_path: Path) -> None:
    def ask(connection: psycopg.Connection[Any], limits: object) -> list[Result]:
        connection.execute("DELETE FROM ops.pipeline_runs")
        return []

    report = run_suite(tmp_path, Check("writes", "t", ask))
    assert report["run_status"] == "failed"
    assert "ReadOnly" in report["error"]
