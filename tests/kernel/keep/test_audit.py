"""Appending: gapless, in its action's transaction, one writer per stream, and never changed."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.kernel.keep.conftest import add, failures, put, rows, superuser

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.errors import Unrecorded
from atalaia.kernel.base.trace import trace
from atalaia.kernel.keep import audit
from atalaia.kernel.keep.browse import Wanted, page
from atalaia.kernel.keep.record import NOTHING_BEFORE
from atalaia.kernel.keep.verify import verify

pytestmark = pytest.mark.usefixtures("database", "_key")
DOCUMENT = Path(__file__).resolve().parents[3] / "docs/audit.md"


def test_a_record_says_who_what_when_and_why() -> None:
    with connect(autocommit=True) as connection:
        before = connection.execute("SELECT clock_timestamp() AS now").fetchone()
    with trace("f" * 32):
        head = add(subject="x", reason="porque", tenant_id="uf", details={"b": 1, "a": [None]})
    (record,) = rows()
    assert (head.stream, head.seq, head.hash) == ("runs", 1, record.hash)
    assert record[3:11] == (
        "ana", "cli", "thing.happened", "x", "porque", "uf", "f" * 32, '{"a":[null],"b":1}',
    )  # fmt: skip
    assert record.previous == NOTHING_BEFORE
    (shown,) = page(Wanted(), limit=5).items
    assert before is not None
    assert 0 <= (shown["at"] - before["now"]).total_seconds() < 60
    assert shown["details"] == {"a": [None], "b": 1}


def test_each_stream_is_a_chain_of_its_own() -> None:
    for stream in ("a", "b", "a", "a", "b"):
        add(stream)
    for stream, count in (("a", 3), ("b", 2)):
        found = rows(stream)
        assert [record.seq for record in found] == list(range(1, count + 1))
        assert [one.previous for one in found] == [
            NOTHING_BEFORE,
            *(one.hash for one in found[:-1]),
        ]
    with audit.snapshot() as connection:
        assert [(head.stream, head.seq) for head in audit.heads(connection)] == [("a", 3), ("b", 2)]


def test_time_never_goes_back_in_a_stream() -> None:
    """The server's clock was ahead when the last record was written."""
    add()
    (first,) = rows()
    ahead = first._replace(at="2999-01-01T00:00:00.000000Z")
    with superuser() as connection:
        connection.execute("DELETE FROM ops.audit_log")
        put(connection, ahead._replace(hash=ahead.digest()))
    add()
    assert [record.at for record in rows()] == [ahead.at, ahead.at]
    assert failures() == []


@pytest.mark.row("R-051")
def test_what_is_rolled_back_leaves_no_record_and_no_gap() -> None:
    add()
    with pytest.raises(ZeroDivisionError), transaction() as connection:  # noqa: PT012
        audit.append(connection, stream="runs", action="a", actor="b", trigger="c")
        raise ZeroDivisionError
    assert add().seq == 2
    assert [record.seq for record in rows()] == [1, 2]
    assert failures() == []


def test_outside_a_transaction_nothing_is_recorded() -> None:
    known: dict[str, Any] = {"stream": "runs", "action": "a", "actor": "b", "trigger": "c"}
    with connect(autocommit=True) as connection:
        with pytest.raises(ValueError, match="transaction"):
            audit.append(connection, **known)
        with connection.transaction():
            audit.append(connection, **known)
    assert len(rows()) == 1


@pytest.mark.row("R-051")
@pytest.mark.parametrize("missing", ["stream", "actor", "trigger", "action"])
def test_what_does_not_say_who_or_what_is_not_recorded_nor_done(missing: str) -> None:
    known = {"stream": "runs", "action": "a", "actor": "b", "trigger": "c"}
    with pytest.raises(Unrecorded, match="não foi feita"), transaction() as connection:  # noqa: PT012
        connection.execute("INSERT INTO tenants VALUES ('novo', 'Novo')")
        audit.append(connection, **(known | {missing: ""}))
    with connect() as connection:
        assert connection.execute("SELECT FROM tenants WHERE tenant_id = 'novo'").rowcount == 0


def test_a_stream_has_one_writer_and_streams_do_not_wait_for_each_other() -> None:
    with transaction() as first, transaction() as second:
        audit.append(first, stream="a", action="a", actor="b", trigger="c")
        second.execute("SET lock_timeout = '300ms'")
        audit.append(second, stream="b", action="a", actor="b", trigger="c")
        with pytest.raises(psycopg.errors.LockNotAvailable), second.transaction():
            audit.append(second, stream="a", action="a", actor="b", trigger="c")
    assert (len(rows("a")), len(rows("b"))) == (1, 1)


def test_writers_at_once_leave_neither_gap_nor_fork() -> None:
    """16 of them, on one stream and another, a quarter of what they do rolled back."""
    ready, failed = threading.Barrier(16), []

    def write(number: int) -> None:
        try:
            ready.wait(30)
            for turn in range(12):
                with connect() as connection:
                    audit.append(
                        connection, stream=f"s{number % 2}", action="a",
                        actor=f"w{number}", trigger="c", details={"turn": turn},
                    )  # fmt: skip
                    if turn % 4 == 0:
                        connection.rollback()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    for stream in ("s0", "s1"):
        found = rows(stream)
        assert [record.seq for record in found] == list(range(1, 8 * 9 + 1))
        assert len({(record.actor, record.details) for record in found}) == 8 * 9
        assert len({record.actor for record in found[:36]}) > 1, "they did take turns"
    assert failures() == []


# What the database refuses.

CHANGES = (
    "UPDATE ops.audit_log SET actor = 'eva'",
    "UPDATE ops.audit_log SET actor = actor WHERE false",
    "DELETE FROM ops.audit_log",
    "TRUNCATE ops.audit_log",
    "WITH gone AS (DELETE FROM ops.audit_log RETURNING 1) SELECT count(*) FROM gone",
    """INSERT INTO ops.audit_log TABLE ops.audit_log
       ON CONFLICT (stream, seq) DO UPDATE SET actor = 'eva'""",
    "SET session_replication_role = replica; DELETE FROM ops.audit_log",
)


@pytest.mark.row("E-007", "R-048")
@pytest.mark.parametrize("change", CHANGES)
def test_the_owner_too_is_refused(change: str) -> None:
    add()
    before = rows()
    with connect() as connection, pytest.raises(psycopg.errors.RaiseException, match="only grows"):
        connection.execute(change.encode())
    assert rows() == before


@pytest.mark.row("E-007")
def test_an_owner_who_switches_the_guard_off_is_found() -> None:
    add()
    with superuser() as connection:
        connection.execute("UPDATE ops.audit_log SET actor = 'eva'")
    (found,) = failures()
    assert (found.stream, found.bad_seq) == ("runs", 1)


@pytest.fixture
def application(postgres: str) -> Iterator[sql.Identifier]:
    """A role with the rights docs/audit.md gives the application, and no others."""
    role = f"app_{secrets.token_hex(5)}"
    document = DOCUMENT.read_text(encoding="utf-8")
    (grants,) = re.findall(r"```sql\n(GRANT.*?)```", document, re.S)
    with connect(autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        connection.execute(grants.replace("atalaia_app", role).encode())
    yield sql.Identifier(role)
    with connect(autocommit=True) as connection:
        connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))


REFUSED = (
    *CHANGES,
    """INSERT INTO ops.audit_log SELECT stream, seq + 1, at, actor, trigger, action, subject,
       reason, tenant_id, trace_id, details, hash, hash FROM ops.audit_log""",
    "REINDEX TABLE ops.audit_log",
    "COPY ops.audit_log FROM PROGRAM 'true'",
    "SELECT * FROM ops.audit_log FOR UPDATE",
    "LOCK TABLE ops.audit_log IN ACCESS EXCLUSIVE MODE",
    "ALTER TABLE ops.audit_log DISABLE TRIGGER ALL",
    "ALTER TABLE ops.audit_log DISABLE TRIGGER audit_only_grows",
    "DROP TRIGGER audit_only_grows ON ops.audit_log",
    "ALTER TABLE ops.audit_log DROP CONSTRAINT audit_log_pkey",
    "ALTER TABLE ops.audit_log RENAME TO gone",
    "ALTER TABLE ops.audit_log OWNER TO current_user",
    "ALTER TABLE ops.audit_log ADD COLUMN more text",
    "DROP TABLE ops.audit_log",
    "CREATE RULE none AS ON INSERT TO ops.audit_log DO INSTEAD NOTHING",
    "CREATE INDEX ON ops.audit_log (actor)",
    "SET session_replication_role = replica",
    """CREATE OR REPLACE FUNCTION ops.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql
       AS 'BEGIN RETURN NULL; END'""",
    "DROP FUNCTION ops.refuse_audit_change() CASCADE",
    """DROP FUNCTION ops.append_audit(text, text, text, text, text, text, text, text, text)""",
)


def test_many_records_at_once_stand_in_their_order_and_their_chain_holds() -> None:
    add(subject="before")
    entries = [
        audit.Entry("thing.done", "ana", "api", str(n), "uf", "e" * 32, {"n": n, "t": 'ç"\\'})
        for n in range(300)
    ]
    with transaction() as connection:
        audit.append_all(connection, stream="runs", entries=entries)
    add(subject="after")
    found = rows()
    assert [record.seq for record in found] == list(range(1, 303))
    assert [record.subject for record in found][1:-1] == [str(n) for n in range(300)]
    assert found[5].details == '{"n":4,"t":"ç\\"\\\\"}'
    assert failures() == []


def test_many_records_are_written_with_their_action_or_not_at_all() -> None:
    entry = audit.Entry("a", "", "api", "s", "uf", "-", {})
    with pytest.raises(Unrecorded), transaction() as connection:
        audit.append_all(connection, stream="runs", entries=[entry])
    assert rows() == []


@pytest.mark.row("E-007", "R-048")
def test_the_application_may_append_and_read_and_nothing_else(application: sql.Identifier) -> None:
    assert len(REFUSED) >= 20
    as_application = sql.SQL("SET SESSION AUTHORIZATION {}").format(application)
    with connect() as connection:
        connection.execute(as_application)
        connection.commit()
        audit.append(connection, stream="runs", action="a", actor="b", trigger="c")
        connection.commit()
        assert len(connection.execute("SELECT * FROM ops.audit_log").fetchall()) == 1
        connection.commit()
        for statement in REFUSED:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
            connection.rollback()
    assert [finding.status for finding in verify(stream="runs")] == ["warn", "pass"]


def test_who_was_given_nothing_cannot_even_append() -> None:
    role = sql.Identifier(f"nobody_{secrets.token_hex(5)}")
    with connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA ops TO {}").format(role))
        connection.execute(sql.SQL("SET LOCAL SESSION AUTHORIZATION {}").format(role))
        with pytest.raises(Unrecorded):
            audit.append(connection, stream="runs", action="a", actor="b", trigger="c")
        connection.rollback()
    assert rows() == []
