"""Accepted work over HTTP: `/v1/jobs/{id}` says how a batch stands. Each tenant sees its own."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from atalaia.kernel.base.database import row
from atalaia.kernel.base.errors import NotFound
from atalaia.serve.api.access import Caller, needs

router = APIRouter(prefix="/v1/jobs", tags=["operação"])
Viewer = Annotated[Caller, Depends(needs("viewer", clients=True))]


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
    return Response(
        found["body"], media_type="application/json", headers={"cache-control": "no-store"}
    )
