"""The audit log as people read it: filtered, newest or oldest first, a page at a time.

A page is bounded by a record and not by a count of rows, so that what is appended while somebody
reads moves nothing: `older` and `newer` of a page are the places to go on from.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import UsageError

Direction = Literal["older", "newer"]
MOST_COUNTED = 10_000  # counting on would read the whole log for a number nobody compares

_FITTING = """
    FROM ops.audit_log
    WHERE (%(tenant_id)s::text IS NULL OR tenant_id = %(tenant_id)s)
      AND (%(stream)s::text IS NULL OR stream = %(stream)s)
      AND (%(action)s::text IS NULL OR action = %(action)s)
      AND (%(actor)s::text IS NULL OR strpos(lower(actor), lower(%(actor)s)) > 0)
      AND (%(subject)s::text IS NULL OR subject = %(subject)s)
      AND (%(since)s::timestamptz IS NULL OR at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR at < %(until)s)
"""
_COLUMNS = """
    SELECT stream, seq, at, actor, trigger, action, subject, reason, tenant_id, trace_id, details,
           encode(previous, 'hex') AS previous, encode(hash, 'hex') AS hash
"""
_ORDER = {
    "older": " ORDER BY at DESC, stream DESC, seq DESC LIMIT %(take)s",
    "newer": " ORDER BY at, stream, seq LIMIT %(take)s",
}
_BOUND = {
    "older": " AND (at, stream, seq) < (%(from_at)s, %(from_stream)s, %(from_seq)s)",
    "newer": " AND (at, stream, seq) > (%(from_at)s, %(from_stream)s, %(from_seq)s)",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records: all that fit everything given. `actor` may be a part of the name; `since` is
    the first moment wanted and `until` the first one not."""

    tenant_id: str | None = None
    stream: str | None = None
    action: str | None = None
    actor: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Place(NamedTuple):
    """A record of the log. As text, `stream:seq`."""

    stream: str
    seq: int

    def __str__(self) -> str:
        return f"{self.stream}:{self.seq}"


@dataclass(frozen=True, slots=True)
class Page:
    """Records, newest first. `older` and `newer` are where to go on from, None at an end; `total`
    is how many fit, counted to MOST_COUNTED + 1."""

    items: list[dict[str, Any]]
    total: int
    older: Place | None
    newer: Place | None


def page(
    wanted: Wanted, *, limit: int, start: Place | None = None, direction: Direction = "older"
) -> Page:
    """The `limit` records older than `start` (or newer), without it the newest (or oldest). Raises
    UsageError when there is no such record to start from."""
    params = asdict(wanted) | {"take": limit + 1}
    with transaction() as connection:
        if start is not None:
            params |= _bound(connection, start)
        query = _COLUMNS + _FITTING + (_BOUND[direction] if start else "") + _ORDER[direction]
        found = connection.execute(query, params).fetchall()
        counted = connection.execute(
            f"SELECT count(*) AS total FROM (SELECT 1 {_FITTING} LIMIT {MOST_COUNTED + 1}) AS f",  # noqa: S608  constants
            params,
        ).fetchone()
    more, items = len(found) > limit, found[:limit]
    if direction == "newer":
        items.reverse()
    first, last = (_place(items[0]), _place(items[-1])) if items else (None, None)
    goes_on = {"older": (more, start is not None), "newer": (start is not None, more)}
    older, newer = goes_on[direction]
    return Page(
        items, counted["total"] if counted else 0, last if older else None, first if newer else None
    )


def _place(record: dict[str, Any]) -> Place:
    return Place(record["stream"], record["seq"])


def _bound(connection: Connection, start: Place) -> dict[str, Any]:
    found = connection.execute(
        """SELECT at AS from_at, stream AS from_stream, seq AS from_seq FROM ops.audit_log
           WHERE stream = %s AND seq = %s""",
        start,
    ).fetchone()
    if found is None:
        raise UsageError(
            "Não há o registro a partir do qual continuar.", todo="Comece da primeira página."
        )
    return found
