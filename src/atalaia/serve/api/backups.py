"""Backups over HTTP: what there is to go back to, and one more asked for."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from atalaia.kernel.base.database import pooled, row
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.keep.guard import MAX_AGE_HOURS
from atalaia.kernel.work import batches
from atalaia.serve import backups as making
from atalaia.serve.api.access import needs
from atalaia.serve.api.answers import Page, PageSize, answer
from atalaia.serve.api.jobs import Key
from atalaia.serve.api.work import Decision, accepted_answer

router = APIRouter(prefix="/v1/ops", tags=["operação"])
House = Annotated[Caller, Depends(needs("viewer"))]
Operator = Annotated[Caller, Depends(needs("operator"))]


@router.get("/backups", summary="Backups, ensaios, e se há um verificado de menos de 24 horas")
def backups(_who: House, page: Page = 1, page_size: PageSize = 50) -> Response:
    """Backups, newest first; the last drills; whether what destroys would find a backup."""
    found = row(
        """WITH page AS (
               SELECT backup_id, regexp_replace(file, '^.*/', '') AS name, sha256, size,
                      created_at_utc, seconds, row_count, data_hash, missing_files, actor,
                      trigger, reason, verified_at_utc, verify_seconds, problem,
                      removed_at_utc,
                      extract(epoch FROM clock_timestamp() - created_at_utc)::bigint
                          AS age_seconds
               FROM ops.backups ORDER BY created_at_utc DESC, backup_id
               LIMIT %(size)s OFFSET %(skip)s),
           drills AS (
               SELECT * FROM ops.restore_drills ORDER BY started_at_utc DESC LIMIT 30),
           guard AS (
               SELECT max(created_at_utc) AS newest FROM ops.backups
               WHERE verified_at_utc IS NOT NULL AND problem IS NULL
                 AND removed_at_utc IS NULL)
           SELECT json_build_object(
               'items', coalesce((SELECT json_agg(page) FROM page), '[]'),
               'count', (SELECT count(*) FROM page),
               'total', (SELECT count(*) FROM ops.backups),
               'page', %(page)s::int, 'page_size', %(size)s::int,
               'drills', coalesce((SELECT json_agg(drills) FROM drills), '[]'),
               'guard', (SELECT json_build_object(
                   'limit_hours', %(hours)s::int, 'newest_verified_utc', newest,
                   'guarded', coalesce(newest > clock_timestamp()
                                       - %(hours)s * interval '1 hour', false))
                   FROM guard))::text AS body""",
        {
            "page": page,
            "size": page_size,
            "skip": (page - 1) * page_size,
            "hours": MAX_AGE_HOURS,
        },
    )
    return answer(found["body"] if found else "null")


@router.post("/backups", status_code=202, summary="Pede um backup, ensaiado; a chave não o repete")
def ask(decision: Decision, idempotency_key: Key, who: Operator) -> Response:
    """A worker makes it, restores it into a scratch database and compares all of it; /v1/jobs/{id}
    says how it goes."""
    with pooled() as connection, connection.transaction():
        accepted = batches.request(
            connection,
            making.KIND,
            [{}],
            actor=who.actor,
            trigger="api",
            reason=decision.reason,
            key=f"api {idempotency_key}",
            tenant_id=who.tenant_id,
        )
    return accepted_answer(accepted.batch_id)
