"""Transactions: all or nothing, and an error that says whose it is."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
import pytest

from atalaia.kernel.base.database import connect, pooled, row, transaction
from atalaia.kernel.base.errors import DatabaseUnavailable, TimedOut

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
        ("DO $$ BEGIN RAISE disk_full; END $$", psycopg.errors.DiskFull),
        ("DO $$ BEGIN RAISE deadlock_detected; END $$", psycopg.errors.DeadlockDetected),
    ],
)
def test_the_servers_own_answer_stays_what_it_is(
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
        ("DO $$ BEGIN RAISE disk_full; END $$", psycopg.errors.DiskFull),
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
