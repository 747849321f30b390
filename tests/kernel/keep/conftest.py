"""A log with a history, and a hand with a superuser's rights to tamper with it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.rows import tuple_row

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import anchor, audit
from atalaia.kernel.keep.audit import Head
from atalaia.kernel.keep.chain import Finding
from atalaia.kernel.keep.record import NOTHING_BEFORE, Record
from atalaia.kernel.keep.verify import verify

KEY = "a key of the tests, long enough to sign"
COLUMNS = Record._fields
ROWS = 40
ANCHORED = (20, 40)  # the records that were heads when an anchor was written
STREAMS = ("access", "runs")


@pytest.fixture
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_ANCHOR_KEY", KEY)
    settings.cache_clear()


def add(stream: str = "runs", **fields: Any) -> Head:
    """Append one record in a transaction of its own."""
    known = {"action": "thing.happened", "actor": "ana", "trigger": "cli"}
    with transaction() as connection:
        return audit.append(connection, stream=stream, **(known | fields))


def rows(stream: str = "runs") -> list[Record]:
    """The records of a stream, as they are verified."""
    with audit.snapshot() as connection:
        return list(audit.records(connection, stream))


def failures(**options: Any) -> list[Finding]:
    """What a verification has to complain about."""
    return [finding for finding in verify(**options) if finding.status == "fail"]


@contextmanager
def superuser() -> Iterator[psycopg.Connection[Any]]:
    """Everything is possible in here, and the guard is back in place afterwards, as whoever hides
    what he did would leave it."""
    with connect(row_factory=tuple_row) as connection:
        connection.execute("ALTER TABLE ops.audit_log DISABLE TRIGGER ALL")
        yield connection
        connection.execute("ALTER TABLE ops.audit_log ENABLE ALWAYS TRIGGER audit_only_grows")


def put(connection: psycopg.Connection[Any], record: Record) -> None:
    """INSERT a record as it is."""
    connection.execute(
        """INSERT INTO ops.audit_log VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
               decode(%s, 'hex'), decode(%s, 'hex'))""",
        record,
    )


def rewrite(connection: psycopg.Connection[Any], records: Sequence[Record]) -> None:
    """Replace a stream by `records`, chained anew with good hashes from the first on."""
    connection.execute("DELETE FROM ops.audit_log WHERE stream = %s", (records[0].stream,))
    before = NOTHING_BEFORE
    for seq, record in enumerate(records, start=1):
        chained = record._replace(seq=seq, previous=before)
        before = chained.digest()
        put(connection, chained._replace(hash=before))


class History:
    """Two streams of ROWS records, anchored at ANCHORED, put back as it was by `restore`."""

    def __init__(self) -> None:
        chance = random.Random(7)  # noqa: S311  the same history in every run
        for number in range(1, ROWS + 1):
            for stream in STREAMS:
                add(
                    stream,
                    actor=chance.choice(["ana", "bia", "agendador"]),
                    subject=f"número {number}",
                    reason=chance.choice([None, "", "porque sim", "a:b,c"]),
                    tenant_id="uf" if number % 3 else "default",
                    details={"rows": number, "note": "é, 3:abc,"},
                )
            if number in ANCHORED:
                with audit.snapshot() as connection:
                    anchor.write(audit.heads(connection))
        self.anchors = settings().audit_anchor_file.read_bytes()
        with connect(autocommit=True) as connection:
            connection.execute("CREATE TABLE public.as_it_was AS TABLE ops.audit_log")

    def restore(self) -> None:
        """Undo whatever was done to it, guard and key included."""
        with connect() as connection:
            connection.execute(
                """DROP TRIGGER IF EXISTS other ON ops.audit_log;
                   DROP TRIGGER IF EXISTS audit_only_grows ON ops.audit_log;
                   CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE
                   ON ops.audit_log EXECUTE FUNCTION ops.refuse_audit_change();
                   ALTER TABLE ops.audit_log DROP CONSTRAINT IF EXISTS audit_log_pkey"""
            )
        with superuser() as connection:
            connection.execute("TRUNCATE ops.audit_log")
            connection.execute("ALTER TABLE ops.audit_log ADD PRIMARY KEY (stream, seq)")
            connection.execute("INSERT INTO ops.audit_log TABLE public.as_it_was")
        settings().audit_anchor_file.write_bytes(self.anchors)


@pytest.fixture(scope="module")
def _history(database_of_module: str) -> Iterator[History]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIT_ANCHOR_KEY", KEY)
        settings.cache_clear()
        yield History()
    settings.cache_clear()


@pytest.fixture
def history(_history: History) -> History:
    """The history, untouched, and the settings of its tests."""
    settings.cache_clear()
    _history.restore()
    return _history
