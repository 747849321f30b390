"""Channels over HTTP: the webhooks and mailboxes of a tenant.

An admin says where messages go; an operator may silence, wake and try what is there. Each change
has a reason, and is a record of the audit log.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from atalaia.kernel.base.database import pooled
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.tell import channels, standing
from atalaia.kernel.tell.channels import Made
from atalaia.serve.api.access import needs
from atalaia.serve.api.answers import answer
from atalaia.serve.api.work import Decision, Words

router = APIRouter(prefix="/v1/ops", tags=["avisos"])
Viewer = Annotated[Caller, Depends(needs("viewer", own=True))]
Operator = Annotated[Caller, Depends(needs("operator", own=True))]
Admin = Annotated[Caller, Depends(needs("admin", own=True))]
Types = Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=50)]
Name = Annotated[str, Field(min_length=1, max_length=80)]
Address = Annotated[str, Field(min_length=1, max_length=2000)]


class WebhookWanted(Decision):
    """A webhook to be made: `event_types` are types (`alert.opened`), families (`alert.*`), `*`."""

    name: Name
    url: Address
    event_types: Types


class WebhookChange(Decision):
    """What of a webhook changes."""

    name: Name | None = None
    url: Address | None = None
    event_types: Types | None = None


class MailboxWanted(Decision):
    """A mailbox to be told."""

    name: Name
    address: Address
    event_types: Types


class MailboxChange(Decision):
    """What of a mailbox changes."""

    name: Name | None = None
    address: Address | None = None
    event_types: Types | None = None


class Rotation(Decision):
    """For how long both secrets sign; WEBHOOK_OVERLAP_HOURS when not said, 0 when the old one is
    known to somebody it should not be."""

    overlap_hours: Annotated[int, Field(ge=0, le=720)] | None = None


@router.get("/webhooks", summary="Os endereços que recebem avisos")
def webhooks(who: Viewer) -> Response:
    """Each with what it hears of, what waits for it, and how many attempts failed in a row. Of the
    address, what follows the path is not shown."""
    return _listed(who, "webhook")


@router.get("/webhooks/{webhook_id}", summary="Um endereço que recebe avisos")
def webhook(webhook_id: UUID, who: Viewer) -> Response:
    """One of them."""
    return _one(who, "webhook", webhook_id)


@router.post("/webhooks", status_code=201, summary="Faz um webhook; só aqui se vê o segredo")
def webhook_create(wanted: WebhookWanted, who: Admin) -> Response:
    """The webhook and, in `secret`, what its messages are signed with: it is not shown again."""
    return _create(who, "webhook", wanted.name, wanted.url, wanted.event_types, wanted.reason)


@router.patch("/webhooks/{webhook_id}", summary="Muda nome, endereço ou tipos de um webhook")
def webhook_change(webhook_id: UUID, change: WebhookChange, who: Admin) -> Response:
    """What is not given stays. What waits goes to the new address."""
    return _change(
        who, "webhook", webhook_id, change.name, change.url, change.event_types, change.reason
    )


@router.post("/webhooks/{webhook_id}/disable", summary="Desliga um webhook")
def webhook_disable(webhook_id: UUID, decision: Decision, who: Operator) -> Response:
    """What waits for it is cancelled, and may be replayed when it is enabled again."""
    return _switch(who, "webhook", webhook_id, decision.reason, on=False)


@router.post("/webhooks/{webhook_id}/enable", summary="Liga um webhook de novo")
def webhook_enable(webhook_id: UUID, decision: Decision, who: Operator) -> Response:
    """From now on it is told again."""
    return _switch(who, "webhook", webhook_id, decision.reason, on=True)


@router.post("/webhooks/{webhook_id}/rotate", summary="Troca o segredo de um webhook")
def webhook_rotate(webhook_id: UUID, rotation: Rotation, who: Admin) -> Response:
    """The new `secret`, not shown again. Until `both_until` messages carry both signatures."""
    with pooled() as connection, connection.transaction():
        made = channels.rotate(
            connection,
            webhook_id,
            tenant=who.tenant_id,
            who=who.because(rotation.reason),
            overlap_hours=rotation.overlap_hours,
        )
    return _told(made)


@router.post("/webhooks/{webhook_id}/test", status_code=202, summary="Manda um teste")
def webhook_test(webhook_id: UUID, decision: Decision, who: Operator) -> Response:
    """The `delivery_id` to look at: `/v1/ops/deliveries/{id}` says how it went."""
    return _test(who, "webhook", webhook_id, decision.reason)


@router.get("/mailboxes", summary="As caixas de e-mail que recebem avisos")
def mailboxes(who: Operator) -> Response:
    """As webhooks; the addresses are people's, so a viewer does not see them."""
    return _listed(who, "email")


@router.get("/mailboxes/{mailbox_id}", summary="Uma caixa de e-mail que recebe avisos")
def mailbox(mailbox_id: UUID, who: Operator) -> Response:
    """One of them."""
    return _one(who, "email", mailbox_id)


@router.post("/mailboxes", status_code=201, summary="Faz uma caixa de e-mail ser avisada")
def mailbox_create(wanted: MailboxWanted, who: Admin) -> Response:
    """The mailbox."""
    return _create(who, "email", wanted.name, wanted.address, wanted.event_types, wanted.reason)


@router.patch("/mailboxes/{mailbox_id}", summary="Muda nome, endereço ou tipos de uma caixa")
def mailbox_change(mailbox_id: UUID, change: MailboxChange, who: Admin) -> Response:
    """What is not given stays."""
    return _change(
        who, "email", mailbox_id, change.name, change.address, change.event_types, change.reason
    )


@router.post("/mailboxes/{mailbox_id}/disable", summary="Desliga uma caixa de e-mail")
def mailbox_disable(mailbox_id: UUID, decision: Decision, who: Operator) -> Response:
    """After a complaint too: nothing more is sent there until somebody enables it."""
    return _switch(who, "email", mailbox_id, decision.reason, on=False)


@router.post("/mailboxes/{mailbox_id}/enable", summary="Liga uma caixa de e-mail de novo")
def mailbox_enable(mailbox_id: UUID, decision: Decision, who: Operator) -> Response:
    """From now on it is told again."""
    return _switch(who, "email", mailbox_id, decision.reason, on=True)


@router.post("/mailboxes/{mailbox_id}/test", status_code=202, summary="Manda um teste")
def mailbox_test(mailbox_id: UUID, decision: Decision, who: Operator) -> Response:
    """The `delivery_id` to look at."""
    return _test(who, "email", mailbox_id, decision.reason)


def _listed(who: Caller, kind: standing.Kind) -> Response:
    with pooled() as connection:
        found = standing.channels(connection, who.tenant_id, kind)
    return answer({"items": found, "count": len(found)})


def _one(who: Caller, kind: standing.Kind, channel_id: UUID) -> Response:
    with pooled() as connection:
        return answer(standing.channel(connection, who.tenant_id, kind, channel_id))


def _create(
    who: Caller, kind: standing.Kind, name: str, address: str, event_types: list[str], reason: Words
) -> Response:
    with pooled() as connection, connection.transaction():
        made = channels.create(
            connection,
            kind,
            tenant=who.tenant_id,
            name=name,
            address=address,
            event_types=event_types,
            who=who.because(reason),
        )
    return _told(made, 201)


def _change(
    who: Caller,
    kind: standing.Kind,
    channel_id: UUID,
    name: str | None,
    address: str | None,
    event_types: list[str] | None,
    reason: str,
) -> Response:
    with pooled() as connection, connection.transaction():
        made = channels.change(
            connection,
            kind,
            channel_id,
            tenant=who.tenant_id,
            who=who.because(reason),
            name=name,
            address=address,
            event_types=event_types,
        )
    return _told(made)


def _switch(
    who: Caller, kind: standing.Kind, channel_id: UUID, reason: str, *, on: bool
) -> Response:
    switch = channels.enable if on else channels.disable
    with pooled() as connection, connection.transaction():
        made = switch(connection, kind, channel_id, tenant=who.tenant_id, who=who.because(reason))
    return _told(made)


def _test(who: Caller, kind: standing.Kind, channel_id: UUID, reason: str) -> Response:
    with pooled() as connection, connection.transaction():
        sent = channels.test(
            connection, kind, channel_id, tenant=who.tenant_id, who=who.because(reason)
        )
    return answer({"delivery_id": sent}, 202)


def _told(made: Made, status: int = 200) -> Response:
    secret = {"secret": made.secret} if made.secret else {}
    return answer({**made.channel, **secret}, status)
