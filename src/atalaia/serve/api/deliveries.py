"""Deliveries over HTTP: what was told to whom, when, and whose fault it was that it was not."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from atalaia.kernel.base.database import pooled
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.tell import standing
from atalaia.kernel.tell.replay import replay, replay_fitting
from atalaia.serve.api.access import needs
from atalaia.serve.api.answers import PageSize, answer
from atalaia.serve.api.work import Decision

router = APIRouter(prefix="/v1/ops/deliveries", tags=["avisos"])
Viewer = Annotated[Caller, Depends(needs("viewer", own=True))]
Operator = Annotated[Caller, Depends(needs("operator", own=True))]
EventType = Annotated[str, Field(max_length=100, pattern=r"^[a-z0-9_.]+$")]


class Again(Decision):
    """Which deliveries are sent again: all of them or none."""

    ids: list[UUID] = Field(min_length=1, max_length=1000)


class AllAgain(Decision):
    """Which deliveries are sent again: all that stand so, and fit what else is given."""

    status: Literal["exhausted", "failed", "cancelled", "delivered"]
    channel: UUID | None = None
    event_type: EventType | None = None
    since: datetime | None = None
    until: datetime | None = None


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


@router.post("/replay", status_code=202, summary="Manda de novo algumas, todas elas ou nenhuma")
def replay_some(decision: Again, who: Operator) -> Response:
    """They are due at once, with their ten attempts before them and the id they always had."""
    with pooled() as connection, connection.transaction():
        count = replay(
            connection, decision.ids, tenant=who.tenant_id, who=who.because(decision.reason)
        )
    return answer({"replayed": count}, 202)


@router.post("/replay-all", status_code=202, summary="Manda de novo todas as que ficaram assim")
def replay_all(decision: AllAgain, who: Operator) -> Response:
    """At most 10,000, the oldest; those of disabled channels stay."""
    wanted = standing.Wanted(
        who.tenant_id,
        decision.status,
        channel=decision.channel,
        event_type=decision.event_type,
        since=decision.since,
        until=decision.until,
    )
    with pooled() as connection, connection.transaction():
        count = replay_fitting(connection, wanted, who=who.because(decision.reason))
    return answer({"replayed": count}, 202)


@router.post("/{delivery_id}/replay", status_code=202, summary="Manda uma de novo")
def replay_one(delivery_id: UUID, decision: Decision, who: Operator) -> Response:
    """Only what has ended; what is on its way comes by itself."""
    with pooled() as connection, connection.transaction():
        replay(connection, [delivery_id], tenant=who.tenant_id, who=who.because(decision.reason))
    return answer({"replayed": 1}, 202)
