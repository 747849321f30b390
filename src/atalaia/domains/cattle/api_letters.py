"""What was put aside of the feeding files, and what is decided of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import Field

from atalaia.domains.cattle import listing, service
from atalaia.domains.cattle.routes import (
    READS,
    WRITES,
    Asked,
    Number,
    answer,
    caller,
    wake_up,
)
from atalaia.kernel.base.database import pooled
from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.work import letters

router = APIRouter(tags=["confinamento"])


class Resolution(Asked):
    """What is decided of a dead letter: done again, done again with these cells, or not done."""

    action: Literal["discard", "replay", "correct"] = "discard"
    payload: dict[str, Any] | None = None


class Corrections(Asked):
    """Cells by the number of their dead letter: all of them are corrected, or none."""

    rows: dict[int, dict[str, Any]] = Field(min_length=1, max_length=1000)


@router.get("/dlq", summary="O que espera uma decisão, o mais velho primeiro", openapi_extra=READS)
def dlq(
    request: Request,
    status: Literal["unresolved", "resolved", "all"] = "unresolved",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> Response:
    """Rows that were put aside, and files that could not be finished."""
    resolved = {"unresolved": False, "resolved": True, "all": None}[status]
    items = listing.dead_letters(caller(request).tenant_id, resolved, limit)
    return answer({"items": items, "count": len(items), "limit": limit})


@router.post(
    "/dlq/resolve-transient", summary="Tenta de novo o que pode ter passado", openapi_extra=WRITES
)
def resolve_transient(request: Request, asked: Annotated[Asked | None, Body()] = None) -> Response:
    """Those of kind transient, rate_limited and resource are done again; others are left."""
    who = caller(request)
    with pooled() as connection, connection.transaction():
        found = connection.execute(
            """SELECT id FROM etl.etl_dead_letter_queue
               WHERE tenant_id = %s AND NOT resolved AND error_type = ANY(%s) ORDER BY id""",
            (who.tenant_id, list(listing.RETRYABLE)),
        ).fetchall()
        batches = letters.replay_all(
            connection, [one["id"] for one in found], **_decides(who, asked or Asked())
        )
        service.take_up_again(connection, batches)
    wake_up(request)
    return answer({"resolved": len(found), "batches": batches})


@router.post(
    "/dlq/correct",
    status_code=202,
    summary="Corrige muitas linhas de uma vez",
    openapi_extra=WRITES,
)
def correct_many(asked: Corrections, request: Request) -> Response:
    """All of them or none; rows of one file ask for one run together."""
    who = caller(request)
    with pooled() as connection, connection.transaction():
        _require_cattle(connection, list(asked.rows), who.tenant_id)
        batches = letters.correct_all(connection, asked.rows, **_decides(who, asked))
    wake_up(request)
    return answer({"decided": len(asked.rows), "batches": batches}, 202)


@router.post("/dlq/{letter_id}/resolve", summary="Decide uma", openapi_extra=WRITES)
def resolve(
    letter_id: Number, request: Request, asked: Annotated[Resolution | None, Body()] = None
) -> Response:
    """Without a body: it will not be done, and stays kept. `replay`: done again as it came.
    `correct`: done again with the cells of `payload`."""
    who, said = caller(request), asked or Resolution()
    by = _decides(who, said)
    batches: list[UUID] = []
    with pooled() as connection, connection.transaction():
        _require_cattle(connection, [letter_id], who.tenant_id)
        if said.action == "correct":
            if not said.payload:
                raise UsageError("Falta dizer as células certas, em payload.")
            batches = letters.correct_all(connection, {letter_id: said.payload}, **by)
        elif said.action == "replay":
            batches = letters.replay_all(connection, [letter_id], **by)
            service.take_up_again(connection, batches)
        else:
            letters.discard(connection, [letter_id], **by)
    wake_up(request)
    return answer({"id": letter_id, "resolved": True, "batches": batches})


def _decides(who: Caller, asked: Asked) -> dict[str, Any]:
    return {
        "actor": who.actor,
        "reason": asked.reason,
        "trigger": "api",
        "tenant_id": who.tenant_id,
    }


def _require_cattle(connection: Any, ids: list[int], tenant_id: str) -> None:
    found = connection.execute(
        """SELECT count(*) AS n FROM etl.etl_dead_letter_queue
           WHERE id = ANY(%s) AND tenant_id = %s""",
        (ids, tenant_id),
    ).fetchone()
    if found["n"] != len(set(ids)):
        raise NotFound("Não há essa entrada. Nada foi mudado.", todo="A lista está em /dlq.")
