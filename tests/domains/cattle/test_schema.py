"""The tables operators type: their columns, their states, and what PostgreSQL refuses by itself."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from atalaia.kernel.base.database import connect

COLUMNS = {
    "id", "filename", "status", "uploaded_at", "processing_started_at", "completed_at",
    "error_message", "updated_at",
}  # fmt: skip


def sql(statement: str, *values: Any) -> list[dict[str, Any]]:
    with connect(autocommit=True) as connection:
        found = connection.execute(statement.encode(), values)
        return found.fetchall() if found.description else []


def new_file(state: str = "received") -> str:
    error = "x" if state in ("refused", "failed") else None
    row = sql(
        "INSERT INTO etl_file (filename, state, error_message) VALUES ('a.csv', %s, %s) "
        "RETURNING id::text",
        state,
        error,
    )
    return str(row[0]["id"])


@pytest.mark.row("B-017")
def test_the_columns_of_the_runbook_are_there_without_a_schema(database: str) -> None:
    found = sql(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = 'etl' AND table_name = 'etl_file'"
    )
    assert {row["column_name"] for row in found} >= COLUMNS
    assert sql("SELECT count(*) AS n FROM etl_file") == [{"n": 0}]


@pytest.mark.row("B-018")
def test_every_move_that_is_not_listed_is_refused_and_every_listed_one_is_made(
    database: str,
) -> None:
    states = [r["s"] for r in sql("SELECT unnest(enum_range(NULL::etl.file_state))::text AS s")]
    legal = {
        (r["a"], r["b"])
        for r in sql("SELECT from_state::text AS a, to_state::text AS b FROM etl.file_transition")
    }
    first = new_file()
    for before in states:
        for after in states:
            if before == after or "duplicate" in (before, after):
                continue
            one = new_file(before)
            move = "UPDATE etl_file SET state = %s, error_message = 'x' WHERE id = %s"
            if (before, after) in legal:
                sql(move, after, one)
            else:
                with pytest.raises(psycopg.errors.CheckViolation, match="cannot become"):
                    sql(move, after, one)
    assert len(legal) == len({pair for pair in legal if "duplicate" not in pair})
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        sql("UPDATE etl_file SET status = 'done' WHERE id = %s", first)


@pytest.mark.row("B-018")
def test_the_four_words_lead_the_finer_state_and_cannot_contradict_it(database: str) -> None:
    one = new_file()
    sql("UPDATE etl_file SET status = 'processing' WHERE id = %s", one)
    sql("UPDATE etl_file SET status = 'loaded' WHERE id = %s", one)
    found = sql("SELECT status::text, state::text, completed_at FROM etl_file WHERE id = %s", one)
    assert (found[0]["status"], found[0]["state"]) == ("loaded", "loaded")
    assert found[0]["completed_at"] is not None
    with pytest.raises(psycopg.errors.CheckViolation):
        sql("UPDATE etl_file SET status = 'uploaded' WHERE id = %s", one)
    timeline = sql(
        "SELECT state::text AS s FROM etl_file_event WHERE file_id = %s ORDER BY event_id", one
    )
    assert [row["s"] for row in timeline] == ["received", "processing", "loaded"]


PENDING = """
SELECT
    id, filename, status, uploaded_at,
    NOW() - uploaded_at as waiting_time
FROM etl_file
WHERE status IN ('uploaded', 'processing')
    AND uploaded_at < NOW() - INTERVAL '1 hour'
ORDER BY uploaded_at;
"""


@pytest.mark.row("B-016")
def test_the_query_of_waiting_files_runs_as_printed_and_draws_the_line_at_an_hour(
    database: str,
) -> None:
    for name, minutes, status in (
        ("new.csv", 59, "uploaded"),
        ("old.csv", 61, "uploaded"),
        ("in_hand.csv", 62, "processing"),
        ("done.csv", 90, "loaded"),
    ):
        sql(
            "INSERT INTO etl_file (filename, status, uploaded_at) "
            "VALUES (%s, %s, now() - make_interval(mins => %s))",
            name,
            status,
            minutes,
        )
    found = sql(PENDING)
    assert [row["filename"] for row in found] == ["in_hand.csv", "old.csv"]
    assert set(found[0]) == {"id", "filename", "status", "uploaded_at", "waiting_time"}


SLOWEST = """
SELECT
    filename,
    EXTRACT(EPOCH FROM (completed_at - processing_started_at))/60 as duration_minutes
FROM etl_file
WHERE completed_at > NOW() - INTERVAL '24 hours'
    AND processing_started_at IS NOT NULL
ORDER BY duration_minutes DESC
LIMIT 10;
"""


@pytest.mark.row("B-023")
def test_the_query_of_the_slowest_files_runs_as_printed(database: str) -> None:
    for number in range(12):
        sql(
            "INSERT INTO etl_file (filename, status, processing_started_at, completed_at) "
            "VALUES (%s, 'loaded', now() - make_interval(mins => %s), now())",
            f"{number}.csv",
            number,
        )
    found = sql(SLOWEST)
    assert [row["filename"] for row in found] == [f"{n}.csv" for n in range(11, 1, -1)]
    assert round(float(found[0]["duration_minutes"])) == 11
