"""Every change of a run's state is one record of the audit log, or does not happen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import ContractBroken, NotPublished, Unrecorded
from atalaia.kernel.keep.browse import Wanted, page
from atalaia.kernel.keep.verify import verify
from atalaia.kernel.work.job import Job, Run
from atalaia.kernel.work.ledger import request_cancel
from atalaia.kernel.work.runner import run_job

pytestmark = pytest.mark.usefixtures("database")


def run(body: Any = lambda _run: None, **options: Any) -> dict[str, Any]:
    """Run a job of this body."""
    job = Job("any", "kernel", "", body=body, plan=lambda _run: {})
    return run_job(job, **({"reference_period": "2024", "actor": "ana"} | options))


def recorded() -> list[dict[str, Any]]:
    """The records about runs, oldest first."""
    return page(Wanted(stream="runs"), limit=100).items[::-1]


def ledger() -> list[dict[str, Any]]:
    with connect() as connection:
        return connection.execute(
            "SELECT run_id::text, run_status::text FROM ops.pipeline_runs ORDER BY started_at_utc"
        ).fetchall()


@contextmanager
def audit_away() -> Iterator[None]:
    """The audit log cannot be written."""
    with connect(autocommit=True) as connection:
        connection.execute("ALTER TABLE ops.audit_log RENAME TO away")
        try:
            yield
        finally:
            connection.execute("ALTER TABLE ops.away RENAME TO audit_log")


def _fail(error: Exception) -> Any:
    def body(_run: Run) -> None:
        raise error

    return body


@pytest.mark.row("R-034")
def test_each_change_of_state_has_exactly_one_record() -> None:
    bodies = [lambda _run: None, _fail(NotPublished()), _fail(ContractBroken()), _fail(OSError())]
    done = [run(body, trigger="cli", reason=f"motivo {n}") for n, body in enumerate(bodies)]
    found = recorded()
    assert [(one["action"], one["subject"]) for one in found] == [
        (action, one["run_id"]) for one in done for action in ("run.opened", "run.closed")
    ]
    assert [one["details"]["status"] for one in found[1::2]] == [row["run_status"] for row in done]
    assert [one["reason"] for one in found[::2]] == [f"motivo {n}" for n in range(4)]
    assert {(one["actor"], one["trigger"]) for one in found} == {("ana", "cli")}
    assert [one["trace_id"] for one in found[::2]] == [one["trace_id"] for one in done]
    assert found[0]["details"] == {
        "job": "any", "domain": "kernel", "reference_period": "2024", "force": False,
    }  # fmt: skip
    assert {one.status for one in verify() if one.stream} == {"pass"}


@pytest.mark.row("R-034")
def test_who_asks_to_cancel_is_recorded_once() -> None:
    inside, go = threading.Event(), threading.Event()

    def body(_run: Run) -> None:
        inside.set()
        assert go.wait(20)

    thread = threading.Thread(target=run, args=(body,))
    thread.start()
    assert inside.wait(20)
    (running,) = ledger()
    assert request_cancel(running["run_id"], "bia", reason="engano", trigger="cli")
    go.set()
    thread.join(20)
    assert not request_cancel(running["run_id"], "bia", reason="tarde", trigger="cli")
    (asked,) = page(Wanted(action="run.cancel_requested"), limit=9).items
    assert (asked["actor"], asked["trigger"], asked["reason"]) == ("bia", "cli", "engano")
    assert asked["subject"] == running["run_id"]


@pytest.mark.row("R-034")
def test_a_run_whose_process_died_is_recorded_as_closed_by_who_found_it() -> None:
    with connect(autocommit=True) as connection:
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
                   trigger, trace_id)
               VALUES (gen_random_uuid(), 'any', 'kernel', '2024', 'eva', 'cli', '')"""
        )
    done = run()
    dead = next(row for row in ledger() if row["run_id"] != done["run_id"])
    closed, *own = recorded()
    assert (closed["action"], closed["subject"]) == ("run.closed", dead["run_id"])
    assert (closed["actor"], closed["details"]["status"]) == ("ana", "failed")
    assert [one["action"] for one in own] == ["run.opened", "run.closed"]
    run()
    assert len(recorded()) == 5, "it died once"


@pytest.mark.row("R-051")
def test_a_run_that_cannot_be_recorded_does_not_begin() -> None:
    ran: list[Run] = []
    with audit_away(), pytest.raises(Unrecorded, match=r"run\.opened"):
        run(ran.append)
    assert (ran, ledger(), recorded()) == ([], [], [])
    assert run(ran.append)["run_status"] == "success"


@pytest.mark.row("R-051")
def test_an_end_that_cannot_be_recorded_is_not_told_as_one() -> None:
    """The run stays as it was, and is closed, with its record, by the next one."""
    with pytest.raises(Unrecorded, match=r"run\.closed"), _away_from_inside() as body:
        run(body)
    assert [row["run_status"] for row in ledger()] == ["running"]
    run()
    assert [row["run_status"] for row in ledger()] == ["failed", "success"]
    assert [one["action"] for one in recorded()] == [
        "run.opened", "run.closed", "run.opened", "run.closed",
    ]  # fmt: skip


@contextmanager
def _away_from_inside() -> Iterator[Any]:
    """A body during which the audit log goes away."""
    away = audit_away()
    try:
        yield lambda _run: away.__enter__()
    finally:
        away.__exit__(None, None, None)


@pytest.mark.row("R-051")
def test_a_cancel_that_cannot_be_recorded_is_not_asked() -> None:
    def body(this: Run) -> None:
        with audit_away(), pytest.raises(Unrecorded):
            request_cancel(str(this.run_id), "bia")

    run(body)
    with connect() as connection:
        (row,) = connection.execute(
            "SELECT cancel_requested_at, reason FROM ops.pipeline_runs"
        ).fetchall()
    assert (row["cancel_requested_at"], row["reason"]) == (None, None)


@pytest.mark.row("R-017")
def test_a_clock_that_is_put_back_gives_no_negative_duration() -> None:
    def body(run: Run) -> None:
        with run.step("slow"), connect(autocommit=True) as connection:
            connection.execute(
                "UPDATE ops.pipeline_runs SET started_at_utc = clock_timestamp() + interval '1 day'"
            )

    done = run(body)
    with connect(autocommit=True) as connection:
        (row,) = connection.execute(
            "SELECT finished_at_utc - started_at_utc AS lasted FROM ops.pipeline_runs"
        ).fetchall()
    assert row["lasted"].total_seconds() == 0
    assert all(step["seconds"] >= 0 for step in done["steps"])
