"""The audit log: who did what, when and why, in `ops.audit_log`.

A record is appended in the transaction of the action it is about, so both are committed or neither
is. Records form one hash chain per stream; `verify.py` follows the chains, `anchor.py` keeps their
heads outside the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import IsolationLevel
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow, tuple_row
from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection, connect
from atalaia.kernel.base.errors import Unrecorded
from atalaia.kernel.base.redact import redact
from atalaia.kernel.base.trace import trace_id
from atalaia.kernel.keep.record import Record, canonical

DEFAULT_TENANT = "default"
_BATCH_ROWS = 2000

# As hashed. to_char is blind to BC, so that a year and its mirror image would look the same.
_RECORDS = """
    SELECT stream, seq,
           to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
               || CASE WHEN at < '0001-01-01T00:00:00Z' THEN ' BC' ELSE '' END,
           actor, trigger, action, subject, reason, tenant_id, trace_id, details::text,
           encode(previous, 'hex'), encode(hash, 'hex')
    FROM ops.audit_log WHERE stream = %(stream)s
"""
_ALL = _RECORDS + " ORDER BY seq"  # also what has no seq, or one below 1: it is somebody's doing
_FROM = _RECORDS + " AND seq >= %(first)s ORDER BY seq"
# One look into the index per stream, however many records it has.
_HEADS = """
    WITH RECURSIVE streams AS (
        (SELECT stream FROM ops.audit_log ORDER BY stream LIMIT 1)
        UNION ALL
        SELECT (SELECT log.stream FROM ops.audit_log AS log WHERE log.stream > streams.stream
                ORDER BY log.stream LIMIT 1)
        FROM streams WHERE streams.stream IS NOT NULL)
    SELECT head.stream, head.seq, encode(head.hash, 'hex')
    FROM streams CROSS JOIN LATERAL (
        SELECT stream, seq, hash FROM ops.audit_log AS log WHERE log.stream = streams.stream
        ORDER BY seq DESC LIMIT 1) AS head
    ORDER BY head.stream
"""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record of a stream; `hash` in hexadecimal."""

    stream: str
    seq: int
    hash: str


def append(
    connection: Connection,
    *,
    stream: str,
    action: str,
    actor: str,
    trigger: str,
    subject: str = "",
    reason: str | None = None,
    tenant_id: str = DEFAULT_TENANT,
    details: Mapping[str, Any] | None = None,
) -> Head:
    """Write one record, in the transaction `connection` has open; returns where it stands.

    The stream is locked until that transaction ends: call it last, and for one stream only. Raises
    Unrecorded when it cannot be written; the transaction is then lost, and the action with it.
    """
    if connection.autocommit and connection.info.transaction_status is TransactionStatus.IDLE:
        raise ValueError("an audit record is written in the transaction of its action")
    told = reason and redact(reason)
    values = (stream, actor, trigger, action, subject, told, tenant_id, trace_id())
    try:
        made = (
            connection.cursor(row_factory=tuple_row)
            .execute(
                """SELECT seq, encode(hash, 'hex')
                   FROM ops.append_audit(%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
                (*values, canonical(details or {})),
            )
            .fetchone()
        )
    except _REFUSED as error:
        raise _unrecorded(action, error) from error
    assert made is not None  # noqa: S101  the function returns its row
    return Head(stream, *made)


@dataclass(frozen=True, slots=True)
class Entry:
    """One of many records that are appended at once."""

    action: str
    actor: str
    trigger: str
    subject: str
    tenant_id: str
    trace_id: str
    details: Mapping[str, Any]
    reason: str | None = None


def append_all(connection: Connection, *, stream: str, entries: Sequence[Entry]) -> None:
    """`append` for many, in their order, by one question to the database. Raises Unrecorded."""
    if connection.autocommit and connection.info.transaction_status is TransactionStatus.IDLE:
        raise ValueError("an audit record is written in the transaction of its action")
    asked = [
        {
            "actor": one.actor, "trigger": one.trigger, "action": one.action,
            "subject": one.subject, "reason": one.reason and redact(one.reason),
            "tenant_id": one.tenant_id, "trace_id": one.trace_id,
            "details": canonical(one.details),
        }
        for one in entries
    ]  # fmt: skip
    try:
        connection.execute(
            """SELECT count(ops.append_audit(%s, actor, trigger, action, subject, reason, tenant_id,
                                          trace_id, details))
               FROM (SELECT asked.* FROM ROWS FROM (
                         jsonb_to_recordset(%s) AS (actor text, trigger text, action text,
                             subject text, reason text, tenant_id text, trace_id text,
                             details text)) WITH ORDINALITY AS asked
                     ORDER BY ordinality OFFSET 0) AS in_order""",
            (stream, Jsonb(asked)),
        )
    except _REFUSED as error:
        raise _unrecorded(f"{len(asked)} × '{stream}'", error) from error


_REFUSED = (psycopg.ProgrammingError, psycopg.IntegrityError, psycopg.InternalError)


def _unrecorded(action: str, error: Exception) -> Unrecorded:
    return Unrecorded(
        f"A ação '{action}' não pôde ser registrada na auditoria ({type(error).__name__}); "
        "por isso não foi feita.",
        todo="Veja 'atalaia audit verify' e 'atalaia status'.",
    )


@contextmanager
def snapshot() -> Iterator[psycopg.Connection[TupleRow]]:
    """A connection that sees the log as it was at one moment, and can change nothing."""
    with connect(row_factory=tuple_row) as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


def heads(connection: psycopg.Connection[Any]) -> list[Head]:
    """The head of every stream, by name."""
    return [Head(*row) for row in connection.cursor(row_factory=tuple_row).execute(_HEADS)]


def records(
    connection: psycopg.Connection[TupleRow], stream: str, first: int | None = None
) -> Iterator[Record]:
    """The records of a stream, from `first` on when given, a batch in memory at a time."""
    with connection.cursor("audit_records") as cursor:
        cursor.itersize = _BATCH_ROWS
        query = _ALL if first is None else _FROM
        for row in cursor.execute(query, {"stream": stream, "first": first}):
            yield Record._make(row)
