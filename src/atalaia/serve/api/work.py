"""Queue and dead letters over HTTP. Each tenant sees its own work; the rows of files are the
house's, that is, the default tenant's.

A dead letter is decided by an operator, with a reason; a field that is not asked for is refused.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field, StringConstraints

from atalaia.kernel.base.database import pooled, row, rows
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.keep.audit import DEFAULT_TENANT
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.work import letters
from atalaia.serve.api.access import Body, needs
from atalaia.serve.api.answers import Page, PageSize, answer
from atalaia.serve.worker import wake

router = APIRouter(prefix="/v1/ops", tags=["operação"])

Viewer = Annotated[Caller, Depends(needs("viewer", own=True))]
Operator = Annotated[Caller, Depends(needs("operator", own=True))]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]+$"),
]


class Decision(Body):
    """Why."""

    reason: Words


class Correction(Decision):
    """What it should have been: the whole payload of an item, or the cells of a row that change."""

    payload: dict[str, Any] = Field(min_length=1)


class Decisions(Decision):
    """Which letters are decided alike: all of them or none."""

    ids: list[Annotated[int, Field(ge=1, le=2**63 - 1)]] = Field(min_length=1, max_length=1000)


@router.get("/queue", summary="A fila: o que espera, quem trabalha, desde quando")
def queue(who: Viewer, limit: PageSize = 50) -> Response:
    """What waits and is in hand by kind, the newest batches, and the workers of the last day."""
    found = row(
        """WITH open AS (
               SELECT i.kind, i.status, i.due_at FROM ops.work_items i
               JOIN ops.batches b USING (batch_id)
               WHERE i.status IN ('queued', 'running') AND b.tenant_id = %(tenant)s),
           kinds AS (
               SELECT kind, count(*) FILTER (WHERE status = 'queued') AS queued,
                      count(*) FILTER (WHERE status = 'running') AS running,
                      count(*) FILTER (WHERE status = 'queued' AND due_at <= clock_timestamp())
                          AS due,
                      min(due_at) FILTER (WHERE status = 'queued') AS oldest_due_at
               FROM open GROUP BY kind ORDER BY kind),
           newest AS (
               SELECT batch_id FROM ops.batches WHERE tenant_id = %(tenant)s
               ORDER BY created_at DESC LIMIT %(limit)s),
           batches AS (
               SELECT p.batch_id AS id, p.kind, b.actor, b.trigger, b.reason, p.total, p.queued,
                      p.running, p.done, p.dead, p.cancelled, p.created_at, p.finished_at,
                      b.cancelled_at, b.cancelled_by,
                      extract(epoch FROM clock_timestamp() - p.created_at)::bigint AS age_seconds
               FROM newest JOIN ops.batches b USING (batch_id)
               JOIN ops.batch_progress p USING (batch_id) ORDER BY p.created_at DESC),
           crew AS (
               SELECT w.worker_id, w.name, w.started_at, w.leased_until, w.ended_at,
                      w.ended_at IS NULL AND w.leased_until > clock_timestamp() AS alive,
                      (SELECT count(*) FROM ops.work_items i JOIN ops.batches b USING (batch_id)
                       WHERE i.worker_id = w.worker_id AND b.tenant_id = %(tenant)s) AS in_hand
               FROM ops.workers w WHERE w.leased_until > clock_timestamp() - interval '1 day'
               ORDER BY w.started_at DESC LIMIT %(limit)s)
           SELECT json_build_object(
               'now', clock_timestamp(),
               'queued', (SELECT coalesce(sum(queued), 0) FROM kinds),
               'running', (SELECT coalesce(sum(running), 0) FROM kinds),
               'oldest_due_at', (SELECT min(oldest_due_at) FROM kinds),
               'oldest_due_seconds', (SELECT greatest(0, extract(epoch FROM
                   clock_timestamp() - min(oldest_due_at)))::bigint FROM kinds WHERE due > 0),
               'kinds', (SELECT coalesce(json_agg(kinds), '[]') FROM kinds),
               'batches', (SELECT coalesce(json_agg(batches), '[]') FROM batches),
               'workers', (SELECT coalesce(json_agg(crew), '[]') FROM crew))::text AS body""",
        {"tenant": who.tenant_id, "limit": limit},
    )
    assert found is not None  # noqa: S101  a SELECT without FROM gives its row
    return answer(found["body"])


_LETTERS = """
    SELECT d.dead_letter_id, d.domain, d.entity_type, d.entity_id, d.error_type, d.reason,
           d.payload, d.run_id, d.item_id, i.batch_id, d.reference_period, d.resolved,
           d.resolved_at, d.resolved_by, d.notes, d.created_at_utc, i.attempt,
           coalesce(r.job_name, i.kind) AS job_name,
           CASE WHEN d.item_id IS NULL THEN 'row' ELSE 'item' END AS what
    FROM ops.dead_letters d
    LEFT JOIN ops.work_items i USING (item_id) LEFT JOIN ops.batches b USING (batch_id)
    LEFT JOIN ops.pipeline_runs r ON r.run_id = d.run_id
    WHERE coalesce(b.tenant_id, r.tenant_id, %(house)s) = %(tenant)s
"""


@router.get("/dead-letters", summary="O que foi posto de lado, com o motivo")
def dead_letters(
    who: Viewer,
    source: Annotated[str | None, Query(max_length=100)] = None,
    error_type: Literal["transient", "rate_limited", "resource", "permanent"] | None = None,
    reference_period: Annotated[str | None, Query(pattern=r"^\d{4}(-\d\d){0,2}$")] = None,
    resolved: bool = False,
    page: Page = 1,
    page_size: PageSize = 50,
) -> Response:
    """Oldest first; only those that wait, unless `resolved`. `fields` are the cells at fault."""
    asked = {
        "tenant": who.tenant_id,
        "house": DEFAULT_TENANT,
        "source": source,
        "error_type": error_type,
        "period": reference_period,
        "resolved": resolved,
        "size": page_size,
        "skip": (page - 1) * page_size,
    }
    found = rows(
        _LETTERS
        + """AND (%(source)s::text IS NULL OR d.entity_type = %(source)s)
             AND (%(error_type)s::text IS NULL OR d.error_type = %(error_type)s)
             AND (%(period)s::text IS NULL OR d.reference_period = %(period)s)
             AND d.resolved = %(resolved)s
             ORDER BY d.dead_letter_id LIMIT %(size)s + 1 OFFSET %(skip)s""",
        asked,
    )
    items = [_with_fields(one) for one in found[:page_size]]
    listed = {
        "items": items,
        "count": len(items),
        "page": page,
        "page_size": page_size,
        "more": len(found) > page_size,
    }
    return answer(listed)


@router.get("/dead-letters/{dead_letter_id}", summary="Uma linha como veio, e a célula errada")
def dead_letter(dead_letter_id: Number, who: Viewer) -> Response:
    """The row or payload exactly as it came, why it was put aside, and what was decided."""
    asked = {"tenant": who.tenant_id, "house": DEFAULT_TENANT, "id": dead_letter_id}
    found = row(_LETTERS + "AND d.dead_letter_id = %(id)s", asked)
    if found is None:
        raise NotFound("Não há essa linha.", todo="A lista está em /v1/ops/dead-letters.")
    return answer(_with_fields(found))


def _with_fields(letter: dict[str, Any]) -> dict[str, Any]:
    """A contract's reason names the cells: 'valor: não é integer; uf: vazio'."""
    payload = letter["payload"]
    names = {part.partition(":")[0] for part in letter["reason"].split("; ")}
    fields = [name for name in payload if name in names] if isinstance(payload, dict) else []
    return {**letter, "fields": fields}


@router.post(
    "/dead-letters/replay", status_code=202, summary="Aceita muitas de novo, todas ou nenhuma"
)
def replay_many(decision: Decisions, who: Operator) -> Response:
    """Each item is done again as it came; rows of the same job and period ask for one run."""
    with pooled() as connection, connection.transaction():
        batches = letters.replay_all(connection, decision.ids, **_by(who, decision))
    wake()
    told = {"decided": len(set(decision.ids)), "batches": batches}
    return answer(told, 202)


@router.post("/dead-letters/discard", summary="Decide que muitas não serão feitas")
def discard_many(decision: Decisions, who: Operator) -> Response:
    """They stay kept, as decided: all of them or none."""
    with pooled() as connection, connection.transaction():
        letters.discard(connection, decision.ids, **_by(who, decision))
    return answer({"decided": len(set(decision.ids)), "batches": []})


@router.post(
    "/dead-letters/{dead_letter_id}/replay", status_code=202, summary="Aceita de novo, como veio"
)
def replay(dead_letter_id: Number, decision: Decision, who: Operator) -> Response:
    """The item is done again as it came; for a row of a file, its run is."""
    with pooled() as connection, connection.transaction():
        batch = letters.replay(connection, dead_letter_id, **_by(who, decision))
    return accepted_answer(batch)


@router.post(
    "/dead-letters/{dead_letter_id}/correct", status_code=202, summary="Aceita de novo, corrigida"
)
def correct(dead_letter_id: Number, decision: Correction, who: Operator) -> Response:
    """The item is done with this payload; of a row, these cells are put in its place."""
    with pooled() as connection, connection.transaction():
        batch = letters.correct(connection, dead_letter_id, decision.payload, **_by(who, decision))
    return accepted_answer(batch)


@router.post("/dead-letters/{dead_letter_id}/discard", summary="Decide que não será feita")
def discard(dead_letter_id: Number, decision: Decision, who: Operator) -> Response:
    """It stays kept, as decided."""
    with pooled() as connection, connection.transaction():
        letters.discard(connection, [dead_letter_id], **_by(who, decision))
    decided = {"dead_letter_id": dead_letter_id, "resolved": True}
    return answer(decided)


def _by(who: Caller, decision: Decision) -> dict[str, str]:
    return {
        "actor": who.actor,
        "reason": decision.reason,
        "trigger": "api",
        "tenant_id": who.tenant_id,
    }


def accepted_answer(batch: UUID) -> Response:
    """202: it is in the database, and a worker is woken for it."""
    wake()
    return answer({"id": batch, "status": "queued"}, 202)
