"""Channels over HTTP: the webhooks and mailboxes of a tenant."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from atalaia.kernel.base.database import pooled
from atalaia.kernel.tell import standing
from atalaia.serve.api.access import Caller, needs
from atalaia.serve.api.answers import answer

router = APIRouter(prefix="/v1/ops", tags=["avisos"])
Viewer = Annotated[Caller, Depends(needs("viewer", own=True))]
Operator = Annotated[Caller, Depends(needs("operator", own=True))]


@router.get("/webhooks", summary="Os endereços que recebem avisos")
def webhooks(who: Viewer) -> Response:
    """Each with what it hears of, what waits for it, and how many attempts failed in a row. Of the
    address, what follows the path is not shown."""
    return _listed(who, "webhook")


@router.get("/webhooks/{webhook_id}", summary="Um endereço que recebe avisos")
def webhook(webhook_id: UUID, who: Viewer) -> Response:
    """One of them."""
    with pooled() as connection:
        return answer(standing.channel(connection, who.tenant_id, "webhook", webhook_id))


@router.get("/mailboxes", summary="As caixas de e-mail que recebem avisos")
def mailboxes(who: Operator) -> Response:
    """As webhooks; the addresses are people's, so a viewer does not see them."""
    return _listed(who, "email")


@router.get("/mailboxes/{mailbox_id}", summary="Uma caixa de e-mail que recebe avisos")
def mailbox(mailbox_id: UUID, who: Operator) -> Response:
    """One of them."""
    with pooled() as connection:
        return answer(standing.channel(connection, who.tenant_id, "email", mailbox_id))


def _listed(who: Caller, kind: standing.Kind) -> Response:
    with pooled() as connection:
        found = standing.channels(connection, who.tenant_id, kind)
    return answer({"items": found, "count": len(found)})
