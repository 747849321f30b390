"""Evaluations in `equivalence.equivalence_results`: kept once, found again, listed by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection

COLUMNS: LiteralString = """evaluation_id, request_id, batch_id, curso, origem, destino, decisao,
    score, degraded, mapper, policy, policy_version, taxonomy, taxonomy_version, actor, trace_id,
    encode(request_sha256, 'hex') AS request_sha256, created_at"""
_FILTERED: LiteralString = """tenant_id = %(tenant)s
    AND (%(since)s::timestamptz IS NULL OR created_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR created_at < %(until)s)
    AND (%(decisao)s::text IS NULL OR decisao = %(decisao)s)
    AND (%(policy)s::text IS NULL OR policy = %(policy)s)
    AND (%(mapper)s::text IS NULL OR strpos(mapper, %(mapper)s) > 0)
    AND (%(degraded)s::boolean IS NULL OR degraded = %(degraded)s)
    AND (%(batch)s::uuid IS NULL OR batch_id = %(batch)s)"""
_EXPORT_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation, as it is kept. `answer` is JSON, as it was answered."""

    evaluation_id: UUID
    request_id: str
    request_sha256: str  # in hexadecimal
    tenant_id: str
    batch_id: UUID | None
    curso: str | None
    origem: str
    destino: str
    decisao: str
    score: float
    degraded: bool
    mapper: str
    policy: str
    policy_version: str
    taxonomy: str | None
    taxonomy_version: str | None
    answer: str
    actor: str
    trace_id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which evaluations are listed."""

    tenant: str
    since: datetime | None = None
    until: datetime | None = None
    decisao: str | None = None
    policy: str | None = None
    mapper: str | None = None
    degraded: bool | None = None
    batch: UUID | None = None


def kept(
    connection: Connection, tenant_id: str, request_ids: Sequence[str]
) -> dict[str, tuple[str, str]]:
    """request_id → (digest of the request, answer) of those that were evaluated before."""
    found = connection.execute(
        """SELECT request_id, encode(request_sha256, 'hex') AS sha256, answer
           FROM equivalence.equivalence_results WHERE tenant_id = %s AND request_id = ANY(%s)""",
        (tenant_id, list(request_ids)),
    )
    return {row["request_id"]: (row["sha256"], row["answer"]) for row in found}


def keep(connection: Connection, evaluations: Sequence[Evaluation]) -> set[UUID]:
    """Write them; returns which were: one whose request was evaluated meanwhile is not."""
    rows = [asdict(one) for one in evaluations]
    for row in rows:
        row |= {name: row[name] and str(row[name]) for name in ("evaluation_id", "batch_id")}
    found = connection.execute(
        """INSERT INTO equivalence.equivalence_results (evaluation_id, request_id, request_sha256,
               tenant_id, batch_id, curso, origem, destino, decisao, score, degraded, mapper,
               policy, policy_version, taxonomy, taxonomy_version, answer, actor, trace_id)
           SELECT evaluation_id, request_id, decode(request_sha256, 'hex'), tenant_id, batch_id,
                  curso, origem, destino, decisao, score, degraded, mapper, policy,
                  policy_version, taxonomy, taxonomy_version, answer, actor, trace_id
           FROM jsonb_to_recordset(%s) AS one (evaluation_id uuid, request_id text,
               request_sha256 text, tenant_id text, batch_id uuid, curso text, origem text,
               destino text, decisao text, score numeric, degraded boolean, mapper text,
               policy text, policy_version text, taxonomy text, taxonomy_version text,
               answer text, actor text, trace_id text)
           ON CONFLICT (tenant_id, request_id) DO NOTHING RETURNING evaluation_id""",
        (Jsonb(rows),),
    ).fetchall()
    return {row["evaluation_id"] for row in found}


def page(
    connection: Connection, wanted: Wanted, before: int | None, size: int
) -> tuple[list[dict[str, Any]], int | None]:
    """The newest that are wanted, older than the one numbered `before`; and the number from where
    the next page goes on. What is evaluated while somebody reads moves nothing."""
    rows = connection.execute(
        f"""SELECT seq, {COLUMNS} FROM equivalence.equivalence_results
            WHERE {_FILTERED} AND (%(before)s::bigint IS NULL OR seq < %(before)s)
            ORDER BY seq DESC LIMIT %(size)s + 1""",  # noqa: S608
        {**asdict(wanted), "before": before, "size": size},
    ).fetchall()
    more = len(rows) > size
    return rows[:size], rows[size - 1]["seq"] if more else None


def counted(connection: Connection, wanted: Wanted) -> dict[str, int]:
    """How many are wanted, by decision, and how many of them were degraded."""
    row = connection.execute(
        f"""SELECT count(*) AS total, count(*) FILTER (WHERE degraded) AS degraded,
                   count(*) FILTER (WHERE decisao = 'DEFERIDO') AS "DEFERIDO",
                   count(*) FILTER (WHERE decisao = 'ANALISE_HUMANA') AS "ANALISE_HUMANA",
                   count(*) FILTER (WHERE decisao = 'INDEFERIDO') AS "INDEFERIDO"
            FROM equivalence.equivalence_results WHERE {_FILTERED}""",  # noqa: S608
        asdict(wanted),
    ).fetchone()
    assert row is not None  # noqa: S101  an aggregate gives its row
    return row


def one(connection: Connection, tenant_id: str, evaluation_id: UUID) -> dict[str, Any] | None:
    """One evaluation with its answer, or None."""
    return connection.execute(
        f"""SELECT {COLUMNS}, answer::json AS answer FROM equivalence.equivalence_results
            WHERE tenant_id = %s AND evaluation_id = %s""",  # noqa: S608
        (tenant_id, evaluation_id),
    ).fetchone()


def each(connection: Connection, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """All that are wanted, oldest first, a part in memory at a time; in a transaction."""
    with connection.cursor("evaluations") as cursor:
        cursor.itersize = _EXPORT_ROWS
        yield from cursor.execute(
            f"""SELECT {COLUMNS} FROM equivalence.equivalence_results
                WHERE {_FILTERED} ORDER BY seq""",  # noqa: S608
            asdict(wanted),
        )


def batches(
    connection: Connection, tenant_id: str, kind: str, skip: int, size: int
) -> list[dict[str, Any]]:
    """The tenant's batches of that kind, newest first."""
    return connection.execute(
        """WITH newest AS (
               SELECT batch_id FROM ops.batches WHERE tenant_id = %s AND kind = %s
               ORDER BY created_at DESC, batch_id LIMIT %s OFFSET %s)
           SELECT p.batch_id AS id, b.actor, b.trigger, p.total, p.queued, p.running, p.done,
                  p.dead, p.cancelled, p.created_at, p.finished_at, b.cancelled_at
           FROM newest JOIN ops.batches b USING (batch_id)
           JOIN ops.batch_progress p USING (batch_id) ORDER BY p.created_at DESC, p.batch_id""",
        (tenant_id, kind, size, skip),
    ).fetchall()
