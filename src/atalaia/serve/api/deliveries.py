"""Deliveries over HTTP: what was told to whom, when, and whose fault it was that it was not."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from atalaia.kernel.base.database import pooled
from atalaia.kernel.tell import standing
from atalaia.serve.api.access import Caller, needs
from atalaia.serve.api.answers import PageSize, answer

router = APIRouter(prefix="/v1/ops/deliveries", tags=["avisos"])
Viewer = Annotated[Caller, Depends(needs("viewer", own=True))]


@router.get("", summary="O que foi avisado a quem, do mais novo para o mais velho")
def deliveries(
    who: Viewer,
    status: standing.Status | None = None,
    channel: UUID | None = None,
    event: UUID | None = None,
    event_type: Annotated[str | None, Query(max_length=100, pattern=r"^[a-z0-9_.]+$")] = None,
    since: datetime | None = None,
    until: datetime | None = None,
    before: UUID | None = None,
    page_size: PageSize = 50,
) -> Response:
    """Each delivery with its last attempt: status code, milliseconds, and whose fault a failure was
    (`ours`, `recipient`, `network`). `older` is the `before` of the next page, null at the end."""
    wanted = standing.Wanted(who.tenant_id, status, channel, event, event_type, since, until)
    with pooled() as connection:
        return answer(standing.deliveries(connection, wanted, limit=page_size, before=before))


@router.get("/{delivery_id}", summary="Uma entrega, tentativa por tentativa")
def delivery(delivery_id: UUID, who: Viewer) -> Response:
    """The event's data and, in `history`, every attempt: when, how long, what was answered."""
    with pooled() as connection:
        return answer(standing.delivery(connection, who.tenant_id, delivery_id))
