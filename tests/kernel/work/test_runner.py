"""The runner: the order of its wrappers, and that the ledger sees every outcome."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.kernel.toy import Toy
from tests.sources import server as faults
from tests.sources.server import drip, silence, status

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import (
    AlreadyRunning,
    AtalaiaError,
    BadPeriod,
    Cancelled,
    ContractBroken,
    DatabaseUnavailable,
    NoSpace,
    NotPublished,
    SourceFailed,
    SourceTooSlow,
    TimedOut,
    Unreachable,
    UsageError,
)
from atalaia.kernel.base.settings import settings
from atalaia.kernel.work.job import Job, Run
from atalaia.kernel.work.ledger import request_cancel
from atalaia.kernel.work.runner import as_function, compose, run_job


def a_job(body: Any, name: str = "any", **fields: Any) -> Job:
    return Job(name, "kernel", "", body=body, plan=lambda _run: {"would": "do"}, **fields)


def ledger() -> list[dict[str, Any]]:
    with connect() as connection:
        return connection.execute(
            "SELECT * FROM ops.pipeline_runs ORDER BY started_at_utc"
        ).fetchall()


# The wrappers.


def test_the_first_wrapper_is_the_outermost() -> None:
    told: list[str] = []

    def wrapper(name: str) -> Any:
        def wrap(body: Any) -> Any:
            def wrapped(run: Run) -> None:
                told.append(f"{name} in")
                body(run)
                told.append(f"{name} out")

            return wrapped

        return wrap

    body = compose([wrapper("a"), wrapper("b")], lambda _run: told.append("body"))
    body(None)  # type: ignore[arg-type]
    assert told == ["a in", "b in", "body", "b out", "a out"]


@pytest.mark.usefixtures("database")
def test_inside_the_body_everything_stands() -> None:
    """traced → locked → recorded → cancellable → retried → body, seen from within."""
    seen: dict[str, Any] = {}

    def body(run: Run) -> None:
        (row,) = ledger()
        seen.update(row)
        with connect() as connection:
            (held,) = connection.execute(
                "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND granted"
            ).fetchall()
        seen["locks"] = held["n"]
        run.cancelled()  # looks and finds nothing

    result = run_job(a_job(body), reference_period="2024", actor="ana", reason="porque sim")
    assert (seen["run_status"], seen["locks"]) == ("running", 1)
    assert str(seen["run_id"]) == result["run_id"]
    assert seen["trace_id"] == result["trace_id"]
    assert len(result["trace_id"]) == 32
    (row,) = ledger()
    assert (row["run_status"], row["status"]) == ("success", "success")
    assert (row["actor"], row["trigger"], row["reason"]) == ("ana", "python", "porque sim")
    for name in ("job_name", "domain", "reference_period", "attempt", "error", "verdict"):
        assert row[name] == result[name]
    assert row["finished_at_utc"].isoformat() == result["finished_at_utc"]
    with connect() as connection:
        (left,) = connection.execute(
            "SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory'"
        ).fetchall()
    assert left["n"] == 0


OUTCOMES: list[tuple[BaseException, str, str | None]] = [
    (SourceFailed("fora do ar"), "blocked", "source_failed"),
    (NotPublished("nada"), "blocked", "not_published"),
    (Unreachable("sem rede"), "blocked", "we_failed"),
    (ContractBroken("colunas"), "failed", "we_failed"),
    (AtalaiaError("outra"), "failed", "we_failed"),
    (TimedOut("tempo"), "failed", "we_failed"),
    (SourceTooSlow("tempo"), "failed", "source_failed"),
    (Cancelled("pedido"), "cancelled", None),
    (NoSpace(), "failed", "we_failed"),
    (OSError(28, "No space left"), "failed", "we_failed"),
    (ValueError("qualquer"), "failed", "we_failed"),
    (psycopg.errors.UndefinedTable("relation x"), "failed", "we_failed"),
]


@pytest.mark.parametrize(("error", "run_status", "verdict"), OUTCOMES, ids=repr)
@pytest.mark.usefixtures("database")
def test_every_error_is_an_outcome(error: Exception, run_status: str, verdict: str | None) -> None:
    def body(_run: Run) -> None:
        raise error

    result = run_job(a_job(body), reference_period="2024")
    (row,) = ledger()
    assert (result["run_status"], result["verdict"]) == (run_status, verdict)
    assert (row["run_status"], row["verdict"]) == (run_status, verdict)
    assert row["error"]
    assert row["error"] == result["error"]
    assert row["finished_at_utc"] is not None
    if getattr(error, "errno", None) == 28:
        assert row["error"].startswith("O disco está cheio")


@pytest.mark.usefixtures("database")
def test_an_interrupted_run_is_recorded_and_the_interrupt_goes_on() -> None:
    def body(_run: Run) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(a_job(body), reference_period="2024")
    (row,) = ledger()
    assert row["run_status"] == "cancelled"


@pytest.mark.row("R-030")
@pytest.mark.usefixtures("database")
def test_a_success_that_loses_rows_is_a_failure() -> None:
    def body(run: Run) -> None:
        run.counts.read, run.counts.loaded = 5, 4

    result = run_job(a_job(body), reference_period="2024")
    assert (result["run_status"], ledger()[0]["run_status"]) == ("failed", "failed")
    assert "não fecham" in result["error"]


@pytest.mark.usefixtures("database")
def test_a_body_whose_ground_was_away_is_tried_again() -> None:
    attempts: list[int] = []

    def body(run: Run) -> None:
        attempts.append(run.attempt)
        run.counts.read = run.counts.loaded = 2
        run.bronze.append({"attempt": run.attempt})
        if run.attempt < 3:
            raise psycopg.errors.AdminShutdown("terminating connection")

    result = run_job(a_job(body), reference_period="2024")
    assert (result["run_status"], attempts, result["attempt"]) == ("success", [1, 2, 3], 3)
    assert (result["rows_read"], result["bronze"]) == (2, [{"attempt": 3}])
    assert len(result["warnings"]) == 2


@pytest.mark.usefixtures("database")
def test_a_source_is_not_asked_again_by_the_body() -> None:
    attempts: list[int] = []

    def body(run: Run) -> None:
        attempts.append(run.attempt)
        raise SourceFailed

    run_job(a_job(body), reference_period="2024")
    assert attempts == [1]


# What is refused before anything is written.


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"reference_period": "24"}, BadPeriod),
        ({"reference_period": "2024-07"}, BadPeriod),
        ({"reference_period": "2024", "max_retries": 0}, UsageError),
        ({"reference_period": "2024", "timeout_seconds": 0}, UsageError),
        ({"reference_period": "2024", "timeout_seconds": -1}, UsageError),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, Any], error: type[Exception]) -> None:
    job = a_job(lambda _run: None, period_kind="year")
    for dry_run in (True, False):
        with pytest.raises(error):
            run_job(job, dry_run=dry_run, **options)
    assert ledger() == []


def test_without_a_database_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    settings.cache_clear()
    ran: list[Run] = []
    try:
        with pytest.raises(DatabaseUnavailable):
            run_job(a_job(ran.append), reference_period="2024")
    finally:
        settings.cache_clear()
    assert ran == []


@pytest.mark.row("T-020")
@pytest.mark.usefixtures("database")
def test_a_dry_run_only_plans() -> None:
    ran: list[Run] = []
    result = run_job(a_job(ran.append), reference_period="2024", dry_run=True)
    assert (result["run_status"], result["plan"]) == ("dry_run", {"would": "do"})
    assert (ran, ledger()) == ([], [])


@pytest.mark.row("T-017", "T-018")
@pytest.mark.usefixtures("database")
def test_a_job_as_a_function() -> None:
    seen: list[Run] = []
    run = as_function(a_job(seen.append))
    assert str(inspect.signature(run)) == (
        "(*, reference_period: str, force: bool = False, dry_run: bool = False, "
        "max_retries: int = 3, timeout_seconds: int = 300) -> dict"
    )
    result = run(reference_period="2024", force=True, max_retries=7, timeout_seconds=9)
    assert result["run_status"] == "success"
    (passed,) = seen
    assert (passed.force, passed.max_retries, passed.deadline.seconds) == (True, 7, 9)
    assert run(reference_period="2024", dry_run=True)["run_status"] == "dry_run"
    with pytest.raises(TypeError):
        run("2024")  # type: ignore[misc]
    with pytest.raises(TypeError):
        run(reference_period="2024", actor="x")  # type: ignore[call-arg]


# Two at once.


@pytest.mark.usefixtures("database")
def test_two_at_once_are_one() -> None:
    inside, go = threading.Event(), threading.Event()

    def body(_run: Run) -> None:
        inside.set()
        assert go.wait(20)

    job = a_job(body)
    first: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: first.append(run_job(job, reference_period="2024")))
    thread.start()
    assert inside.wait(20)
    try:
        with pytest.raises(AlreadyRunning, match="any de 2024"):
            run_job(job, reference_period="2024")
        others = a_job(lambda _run: None)
        assert run_job(others, reference_period="2023")["run_status"] == "success"
        another = a_job(lambda _run: None, name="other")
        assert run_job(another, reference_period="2024")["run_status"] == "success"
    finally:
        go.set()
        thread.join(20)
    assert first[0]["run_status"] == "success"
    # the refused one has no row, and the others took no living run for a dead one
    assert [row["run_status"] for row in ledger()] == ["success"] * 3


@pytest.mark.usefixtures("database")
def test_the_lock_is_free_when_the_run_returns() -> None:
    job = a_job(lambda _run: None)
    for _ in range(15):
        assert run_job(job, reference_period="2024")["run_status"] == "success"


# Cancelled, killed, out of time.


def test_a_run_stops_when_asked_to(toy: Toy) -> None:
    toy.server.misbehave(silence(3), times=1)
    done: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: done.append(toy.run()))
    thread.start()
    run_id = _wait_for_running(toy)
    assert request_cancel(run_id, "bia")
    thread.join(30)
    (result,) = done
    assert (result["run_status"], toy.table()) == ("cancelled", {})
    (row,) = toy.query("SELECT run_status::text, reason FROM ops.pipeline_runs")
    assert row["run_status"] == "cancelled"
    assert "bia" in row["reason"]
    assert not request_cancel(run_id, "bia")  # it is over


def _wait_for_running(toy: Toy) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = toy.query("SELECT run_id FROM ops.pipeline_runs WHERE run_status = 'running'")
        if found and toy.server.hits:
            return str(found[0]["run_id"])
        time.sleep(0.02)
    raise AssertionError("no run began")


_RUN_TOY = """
import sys
from tests.kernel.toy import CONNECTOR
from atalaia.kernel.domain import connector_job
from atalaia.kernel.work.runner import run_job
run_job(connector_job(CONNECTOR, domain="kernel", title="", wave=""), reference_period="2024")
"""


@pytest.mark.row("R-031", "R-038")
@pytest.mark.parametrize("year", ["2024", "2023"])  # of the same period, and of another
def test_a_killed_run_is_closed_by_the_next_one(toy: Toy, tmp_path: Path, year: str) -> None:
    toy.server.misbehave(drip(0.5), times=1)
    script = tmp_path / "run_toy.py"
    script.write_text(textwrap.dedent(_RUN_TOY))
    root = Path(__file__).resolve().parents[3]
    process = subprocess.Popen(
        [sys.executable, str(script)], env={**os.environ, "PYTHONPATH": str(root)}
    )
    killed = _wait_for_running(toy)
    process.send_signal(signal.SIGKILL)
    assert process.wait(20) == -signal.SIGKILL
    _wait_for_unlock(toy)
    result = toy.run(year)
    assert result["run_status"] == "success"
    first, second = toy.query("SELECT * FROM ops.pipeline_runs ORDER BY started_at_utc")
    assert (str(first["run_id"]), first["run_status"]) == (killed, "failed")
    assert first["verdict"] == "we_failed"
    assert first["finished_at_utc"] is not None
    assert first["error"]
    assert (str(second["run_id"]), second["run_status"]) == (result["run_id"], "success")
    assert len(toy.table(year)) == 3


def _wait_for_unlock(toy: Toy) -> None:
    """PostgreSQL notices the death of a client by itself; the lock goes with it."""
    deadline = time.monotonic() + 20
    while toy.query("SELECT FROM pg_locks WHERE locktype = 'advisory'"):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.row("T-025")
@pytest.mark.parametrize("fault", [silence(60), drip(0.2), faults.drip_headers(0.2)])
def test_no_source_holds_a_run_beyond_its_time(toy: Toy, fault: faults.Fault) -> None:
    toy.server.misbehave(fault)
    began = time.monotonic()
    result = toy.run(timeout_seconds=1.5)
    assert time.monotonic() - began <= 1.5 + 5
    assert (result["run_status"], result["verdict"]) == ("failed", "source_failed")


@pytest.mark.row("T-025")
def test_no_statement_holds_a_run_beyond_its_time(toy: Toy) -> None:
    def after(connection: Any, _run: Run) -> None:
        connection.execute("SELECT pg_sleep(60)")

    toy.change(after=after)
    began = time.monotonic()
    result = toy.run(timeout_seconds=2)
    assert time.monotonic() - began <= 2 + 5
    assert (result["run_status"], toy.table()) == ("failed", {})
    assert "tempo" in result["error"]


@pytest.mark.row("T-025")
def test_a_slow_source_leaves_time_for_the_cache(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request has less time than the run: what bronze has is still reached."""
    toy.run()
    monkeypatch.setenv("SOURCE_TIMEOUT_SECONDS", "0.3")
    settings.cache_clear()
    toy.server.misbehave(silence(60))
    result = toy.run(force=True, timeout_seconds=20)
    assert (result["run_status"], result["source_type"]) == ("success", "bronze_cache")
    assert result["verdict"] == "source_failed"


@pytest.mark.row("R-005")
def test_a_database_that_drops_the_run_is_not_the_end_of_it(toy: Toy) -> None:
    """Its connection is terminated in the middle of the load; the whole body is tried again."""
    dropped: list[int] = []

    def after(connection: Any, _run: Run) -> None:
        if not dropped:
            dropped.append(connection.info.backend_pid)
            toy.query("SELECT pg_terminate_backend(%s)", dropped[0])
        connection.execute("SELECT 1")

    toy.change(after=after)
    result = toy.run()
    assert (result["run_status"], result["attempt"]) == ("success", 2)
    assert len(toy.table()) == 3
    assert len(toy.server.hits) == 1  # what was fetched is in bronze


@pytest.mark.row("T-024")
def test_the_tries_are_the_sources_not_the_bodys(toy: Toy) -> None:
    toy.server.misbehave(status(500), times=2)
    assert toy.run()["attempt"] == 1
    assert len(toy.server.hits) == 3
