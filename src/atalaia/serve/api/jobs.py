"""Accepted work over HTTP: asked for, followed, called off. Each tenant sees its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from atalaia.kernel.base.database import connect, pooled, row
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.work import batches
from atalaia.kernel.work.job import checked_period
from atalaia.serve import catalog
from atalaia.serve.api.access import Body, needs
from atalaia.serve.api.answers import Page, PageSize, answer
from atalaia.serve.api.work import Decision, Words, accepted_answer

router = APIRouter(prefix="/v1/jobs", tags=["operação"])
_LINES, _LINES_AT_ONCE = "application/x-ndjson", 200
Viewer = Annotated[Caller, Depends(needs("viewer", clients=True))]
Operator = Annotated[Caller, Depends(needs("operator"))]
Owner = Annotated[Caller, Depends(needs("operator", clients=True))]
Key = Annotated[str, Header(min_length=8, max_length=200, pattern=r"^[\x21-\x7e]+$")]


class Wanted(Body):
    """A run: of which job, for which period."""

    job_name: str = Field(pattern=r"^[a-z][a-z0-9_]{1,60}$")
    reference_period: str = Field(max_length=36)
    force: bool = False
    reason: Words


@router.post("", status_code=202, summary="Pede uma execução; repetir a chave não a repete")
def ask(wanted: Wanted, idempotency_key: Key, who: Operator) -> Response:
    """Accepted: it will be done, whatever dies now. The same Idempotency-Key with the same request
    gives the same answer and one run; with another request, 409."""
    job = catalog.job(wanted.job_name)
    period = checked_period(wanted.reference_period, job.period_kind)
    asked = {"job_name": job.name, "reference_period": period, "force": wanted.force}
    with pooled() as connection, connection.transaction():
        accepted = batches.request(
            connection,
            batches.RUN,
            [asked],
            actor=who.actor,
            trigger="api",
            reason=wanted.reason,
            key=f"api {idempotency_key}",
            tenant_id=who.tenant_id,
        )
    return accepted_answer(accepted.batch_id)


@router.get("/{batch_id}", summary="Um trabalho aceito: quanto dele está feito")
def job(batch_id: UUID, who: Viewer) -> Response:
    """Counts by state and, once all of it ended, when. What failed for good carries its error."""
    found = row(
        """SELECT json_build_object(
               'id', p.batch_id, 'kind', p.kind, 'total', p.total, 'queued', p.queued,
               'running', p.running, 'done', p.done, 'dead', p.dead, 'cancelled', p.cancelled,
               'status', CASE WHEN p.finished_at IS NULL THEN
                                  CASE WHEN p.queued = p.total THEN 'queued' ELSE 'running' END
                              WHEN p.dead > 0 THEN 'failed'
                              WHEN p.cancelled > 0 THEN 'cancelled' ELSE 'done' END,
               'created_at', p.created_at, 'finished_at', p.finished_at,
               'errors', coalesce((
                   SELECT json_agg(json_build_object('position', i.position, 'error', i.error)
                                   ORDER BY i.position)
                   FROM (SELECT position, error FROM ops.work_items
                         WHERE batch_id = p.batch_id AND status = 'dead'
                         ORDER BY position LIMIT 20) AS i), '[]'))::text AS body
           FROM ops.batch_progress p WHERE p.batch_id = %s AND p.tenant_id = %s""",
        (batch_id, who.tenant_id),
    )
    if found is None:
        raise NotFound("Não há trabalho com esse identificador.")
    return answer(found["body"])


@router.get("/{batch_id}/results", summary="O que cada item deu, em páginas ou de uma vez")
def results(
    batch_id: UUID,
    who: Viewer,
    page: Page = 1,
    page_size: PageSize = 100,
    accept: Annotated[str, Header(max_length=500, include_in_schema=False)] = "",
) -> Response:
    """Items by position, with state, attempts, result and error. With `Accept:
    application/x-ndjson` all of them, one a line, as of one moment."""
    if _LINES in accept:
        return _all_results(batch_id, who.tenant_id)
    found = row(
        """WITH listed AS (
               SELECT position, status, attempt, result, error, finished_at
               FROM ops.work_items
               WHERE batch_id = %(batch)s AND position >= %(skip)s
                 AND position < %(skip)s + %(size)s ORDER BY position)
           SELECT json_build_object(
               'id', b.batch_id, 'items', coalesce((SELECT json_agg(listed) FROM listed), '[]'),
               'count', (SELECT count(*) FROM listed), 'total', b.total,
               'page', %(page)s::int, 'page_size', %(size)s::int)::text AS body
           FROM ops.batches b WHERE b.batch_id = %(batch)s AND b.tenant_id = %(tenant)s""",
        {
            "batch": batch_id,
            "tenant": who.tenant_id,
            "page": page,
            "size": page_size,
            "skip": (page - 1) * page_size,
        },
    )
    if found is None:
        raise NotFound("Não há trabalho com esse identificador.")
    return answer(found["body"])


def _all_results(batch_id: UUID, tenant_id: str) -> StreamingResponse:
    with pooled() as connection:
        known = connection.execute(
            "SELECT FROM ops.batches WHERE batch_id = %s AND tenant_id = %s", (batch_id, tenant_id)
        ).fetchone()
    if known is None:
        raise NotFound("Não há trabalho com esse identificador.")
    return StreamingResponse(
        _lines(batch_id), media_type=_LINES, headers={"cache-control": "no-store"}
    )


def _lines(batch_id: UUID) -> Iterator[str]:
    """Some hundred items at a time: each piece sent costs a change of thread."""
    with connect() as connection, connection.cursor("results") as cursor:
        cursor.execute(
            """SELECT json_build_object('position', position, 'status', status, 'attempt', attempt,
                   'result', result, 'error', error, 'finished_at', finished_at)::text AS line
               FROM ops.work_items WHERE batch_id = %s ORDER BY position""",
            (batch_id,),
        )
        while found := cursor.fetchmany(_LINES_AT_ONCE):
            yield "".join(f"{row['line']}\n" for row in found)


@router.post("/{batch_id}/cancel", summary="Cancela o que ainda não foi feito")
def cancel(batch_id: UUID, decision: Decision, who: Owner) -> Response:
    """What waits is cancelled, a run in hand is asked to stop, and nothing is tried again."""
    with pooled() as connection, connection.transaction():
        count = batches.cancel(
            connection,
            batch_id,
            actor=who.actor,
            reason=decision.reason,
            trigger="api",
            tenant_id=who.tenant_id,
        )
    return answer({"id": batch_id, "cancelled": count})
