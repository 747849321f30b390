"""Transactions: all or nothing, and an error that says whose it is."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any, LiteralString

import psycopg
import pytest

from atalaia.kernel.base.database import connect, pooled, row, statements, transaction
from atalaia.kernel.base.errors import DatabaseUnavailable, NoSpace, TimedOut
from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.trace import JsonLines, trace

pytestmark = pytest.mark.usefixtures("database")


def tenants() -> set[str]:
    with connect(autocommit=True) as connection:
        return {row["tenant_id"] for row in connection.execute("SELECT tenant_id FROM tenants")}


def add(connection: Any, name: str) -> None:
    connection.execute("INSERT INTO tenants (tenant_id, name) VALUES (%s, %s)", (name, name))


def test_a_transaction_is_kept_at_its_end_and_undone_on_any_error() -> None:
    with transaction() as connection:
        add(connection, "kept")
    with pytest.raises(KeyError), transaction() as connection:  # noqa: PT012
        add(connection, "undone")
        raise KeyError
    assert tenants() == {"default", "kept"}


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELECT pg_sleep(5)", psycopg.errors.QueryCanceled),
        ("SELECT 1 / 0", psycopg.errors.DivisionByZero),
        ("DO $$ BEGIN RAISE disk_full; END $$", NoSpace),
        ("DO $$ BEGIN RAISE deadlock_detected; END $$", psycopg.errors.DeadlockDetected),
    ],
)
def test_the_servers_own_answer_stays_what_it_is_but_for_a_full_disk(
    statement: LiteralString, error: type[Exception]
) -> None:
    with pytest.raises(error), transaction() as connection:  # noqa: PT012
        connection.execute("SET LOCAL statement_timeout = 50")
        connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("SELECT pg_sleep(5)", TimedOut),
        ("SELECT 1 / 0", psycopg.errors.DivisionByZero),
        ("DO $$ BEGIN RAISE disk_full; END $$", NoSpace),
        ("SELECT pg_terminate_backend(pg_backend_pid())", DatabaseUnavailable),
    ],
)
def test_a_pooled_connection_says_what_it_was(
    statement: LiteralString, error: type[Exception]
) -> None:
    with pytest.raises(error), pooled() as connection, connection.transaction():  # noqa: PT012
        connection.execute("SET LOCAL statement_timeout = 50")
        connection.execute(statement)
    assert row("SELECT 1 AS one") == {"one": 1}


def test_a_server_that_went_away_is_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable), transaction() as connection:  # noqa: PT012
        add(connection, "undone")
        with connect(autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        connection.execute("SELECT 1")
    assert tenants() == {"default"}


def test_a_server_that_goes_away_at_the_commit_is_unavailable() -> None:
    with pytest.raises(DatabaseUnavailable), transaction() as connection:  # noqa: PT012
        add(connection, "undone")
        with connect(autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
            while other.execute(
                "SELECT FROM pg_stat_activity WHERE pid = %s", (connection.info.backend_pid,)
            ).fetchone():
                pass
    assert tenants() == {"default"}


# A connection is kept for the next transaction.

_WHOSE = "SELECT pg_backend_pid() AS pid, current_setting('application_name') AS name"


def _whose() -> dict[str, Any]:
    with transaction() as connection:
        found = connection.execute(_WHOSE).fetchone()
    assert found is not None
    return found


def test_the_next_transaction_finds_the_connection_and_nothing_left_on_it() -> None:
    with trace() as before, transaction() as connection:
        first = connection.execute(_WHOSE).fetchone()
        connection.execute("SET lock_timeout = '77ms'")
        connection.execute("SET search_path = pg_catalog")
    with trace() as after, transaction() as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")  # nothing came before it
        second = connection.execute(_WHOSE).fetchone()
        left = connection.execute(
            "SELECT current_setting('lock_timeout') AS wait, current_setting('search_path') AS path"
        ).fetchone()
    assert first is not None
    assert second is not None
    assert (first["name"], second["name"]) == (f"atalaia {before}", f"atalaia {after}")
    assert first["pid"] == second["pid"]
    assert left is not None
    assert left["wait"] == "0"
    assert "silver" in left["path"], "what the database itself is set to"


def test_what_failed_or_was_ended_is_not_used_again() -> None:
    before = _whose()["pid"]
    with pytest.raises(KeyError), transaction() as connection:  # noqa: PT012
        assert connection.info.backend_pid == before
        raise KeyError
    failed = _whose()["pid"]
    assert failed != before
    with connect(autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", (failed,))
    assert _whose()["pid"] not in (before, failed), "nobody is told that the server ended it"


def test_transactions_at_once_have_a_connection_each() -> None:
    with transaction() as first, transaction() as second:
        assert first.info.backend_pid != second.info.backend_pid


def test_locks_of_a_session_end_with_its_statements() -> None:
    with statements() as connection:
        connection.execute("SELECT pg_advisory_lock(4711)")
    with connect(autocommit=True) as other:
        got = other.execute("SELECT pg_try_advisory_lock(4711) AS got").fetchone()
    assert got == {"got": True}


def test_a_fork_leaves_its_parents_connections_alone() -> None:
    before = _whose()["pid"]
    child = os.fork()
    if not child:
        code = 1
        with suppress(BaseException):
            code = 2 if _whose()["pid"] == before else 0
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert _whose()["pid"] == before


def test_a_slow_query_is_told_with_its_trace_and_without_its_values(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SLOW_QUERY_MS", "100")
    settings.cache_clear()
    told = []
    with trace() as identifier, connect(autocommit=True) as connection:
        connection.execute("SELECT 1")
        for wait, text in ((0.15, "Zulmira"), (0.16, "Canário")):
            with caplog.at_level("WARNING", "atalaia"):
                connection.execute(
                    f"SELECT pg_sleep({wait}),\n '{text}' , %s", (f"outra {text}",)
                )  # fmt: skip
            line = JsonLines("api").format(caplog.records[-1])
            told.append(json.loads(line))
            assert text not in line
    slow, again = told
    assert (len(caplog.records), slow["message"], slow["trace_id"]) == (2, "SLOW_QUERY", identifier)
    assert slow["statement"] == "SELECT pg_sleep(?), ? , %s"
    assert slow["query_id"] == again["query_id"], "the same question has one name"
    assert 100 <= slow["ms"] < 30_000


def test_one_that_is_broken_off_is_told_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SLOW_QUERY_MS", "100")
    settings.cache_clear()
    with connect(autocommit=True) as connection, pytest.raises(psycopg.errors.QueryCanceled):  # noqa: PT012
        connection.execute("SET statement_timeout = 200")
        connection.execute("SELECT pg_sleep(20)")
    assert [record.getMessage() for record in caplog.records] == ["SLOW_QUERY"]


def test_the_server_knows_for_which_trace_a_connection_works() -> None:
    """What pg_stat_activity says while it works; a pooled one is named anew at each use."""
    own = "SELECT current_setting('application_name') AS name"
    with connect(autocommit=True) as outside:
        assert outside.execute(own).fetchone() == {"name": "atalaia"}
    for _ in range(2):
        with trace() as identifier:
            with connect(autocommit=True) as connection:
                assert connection.execute(own).fetchone() == {"name": f"atalaia {identifier}"}
            assert row(own) == {"name": f"atalaia-api {identifier}"}
    assert row(own) == {"name": "atalaia-api"}
