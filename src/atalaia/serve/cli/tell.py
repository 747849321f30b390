"""Channels and deliveries on the command line: atalaia webhook, mailbox, delivery."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import typer

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.keep.audit import DEFAULT_TENANT
from atalaia.kernel.keep.keys import Who
from atalaia.kernel.tell import channels, standing
from atalaia.kernel.tell.channels import Made
from atalaia.kernel.tell.replay import replay, replay_fitting
from atalaia.kernel.work.runner import whoami
from atalaia.serve.cli import CRITICAL, OK, WARNING
from atalaia.serve.cli.access import Tenant
from atalaia.serve.cli.app import Command, Group
from atalaia.serve.cli.data import Limit
from atalaia.serve.cli.letters import Why, said
from atalaia.serve.cli.output import Shape, say, show, show_one

_FAULTS = {"ours": "nossa", "recipient": "do destinatário", "network": "da rede"}
_COLUMNS = ("channel_id", "name", "address", "event_types", "status", "waiting", "failures")
_DELIVERIES = (
    "delivery_id", "event_type", "channel", "status", "attempts", "status_code", "error", "fault",
    "duration_ms", "created_at",
)  # fmt: skip
_LOOK_SECONDS = 0.25

webhook = typer.Typer(cls=Group, add_completion=False, help="Endereços que recebem avisos.")
mailbox = typer.Typer(cls=Group, add_completion=False, help="Caixas de e-mail avisadas.")
delivery = typer.Typer(cls=Group, add_completion=False, help="O que foi avisado a quem.")

Which = Annotated[UUID, typer.Argument(help="O channel_id que 'list' mostra.")]
Name = Annotated[str, typer.Option("--name", help="Como as pessoas o chamam.")]
NewName = Annotated[str | None, typer.Option("--name", help="O nome novo.")]
Events = Annotated[
    list[str], typer.Option("--events", help="alert.opened, alert.* ou *; repita para mais.")
]
NewEvents = Annotated[list[str] | None, typer.Option("--events", help="Os tipos, todos de novo.")]
Wait = Annotated[int, typer.Option("--wait", min=0, max=300, help="Segundos à espera da resposta.")]


class Ended(StrEnum):
    """How a delivery that is sent again stood."""

    EXHAUSTED = "exhausted"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELIVERED = "delivered"


class Stands(StrEnum):
    """How a delivery stands."""

    WAITING = "waiting"
    SENDING = "sending"
    DELIVERED = "delivered"
    EXHAUSTED = "exhausted"
    FAILED = "failed"
    CANCELLED = "cancelled"


@webhook.command("create", cls=Command)
def webhook_create(
    url: Annotated[str, typer.Argument(help="O endereço, por https.")],
    name: Name,
    events: Events,
    reason: Why,
    tenant: Tenant = DEFAULT_TENANT,
    shape: Shape = None,
) -> int:
    """Faz um webhook e mostra o segredo com que ele confere as mensagens, uma única vez."""
    return _create("webhook", url, name, events, reason, tenant, shape)


@webhook.command("rotate", cls=Command)
def webhook_rotate(
    channel_id: Which,
    reason: Why,
    overlap_hours: Annotated[
        int | None,
        typer.Option("--overlap-hours", min=0, max=720, help="Por quanto tempo os dois assinam."),
    ] = None,
    tenant: Tenant = DEFAULT_TENANT,
    shape: Shape = None,
) -> int:
    """Troca o segredo e mostra o novo, uma única vez; por um tempo os dois assinam."""
    who = _who(reason)
    with transaction() as connection:
        made = channels.rotate(
            connection, channel_id, tenant=tenant, who=who, overlap_hours=overlap_hours
        )
    return _made(made, shape)


@mailbox.command("create", cls=Command)
def mailbox_create(
    address: Annotated[str, typer.Argument(help="O endereço de e-mail.")],
    name: Name,
    events: Events,
    reason: Why,
    tenant: Tenant = DEFAULT_TENANT,
    shape: Shape = None,
) -> int:
    """Faz uma caixa de e-mail ser avisada."""
    return _create("email", address, name, events, reason, tenant, shape)


def _shared(group: typer.Typer, kind: standing.Kind, what: str) -> None:
    """The commands webhooks and mailboxes have alike."""

    def listed(tenant: Tenant = DEFAULT_TENANT, shape: Shape = None) -> int:
        with transaction() as connection:
            show(standing.channels(connection, tenant, kind), shape, _COLUMNS)
        return OK

    def shown(channel_id: Which, tenant: Tenant = DEFAULT_TENANT, shape: Shape = None) -> int:
        with transaction() as connection:
            show_one(standing.channel(connection, tenant, kind, channel_id), shape)
        return OK

    def change(
        channel_id: Which,
        reason: Why,
        name: NewName = None,
        address: Annotated[str | None, typer.Option("--address", help="O endereço novo.")] = None,
        events: NewEvents = None,
        tenant: Tenant = DEFAULT_TENANT,
        shape: Shape = None,
    ) -> int:
        who = _who(reason)
        with transaction() as connection:
            made = channels.change(
                connection, kind, channel_id, tenant=tenant, who=who, name=name, address=address,
                event_types=events or None,
            )  # fmt: skip
        return _made(made, shape)

    def disable(
        channel_id: Which, reason: Why, tenant: Tenant = DEFAULT_TENANT, shape: Shape = None
    ) -> int:
        who = _who(reason)
        with transaction() as connection:
            made = channels.disable(connection, kind, channel_id, tenant=tenant, who=who)
        return _made(made, shape)

    def enable(
        channel_id: Which, reason: Why, tenant: Tenant = DEFAULT_TENANT, shape: Shape = None
    ) -> int:
        who = _who(reason)
        with transaction() as connection:
            made = channels.enable(connection, kind, channel_id, tenant=tenant, who=who)
        return _made(made, shape)

    def test(
        channel_id: Which,
        reason: Why,
        wait: Wait = 20,
        tenant: Tenant = DEFAULT_TENANT,
        shape: Shape = None,
    ) -> int:
        who = _who(reason)
        with transaction() as connection:
            sent = channels.test(connection, kind, channel_id, tenant=tenant, who=who)
        return _followed(sent, wait, tenant, shape)

    commands: tuple[tuple[str, Callable[..., int], str], ...] = (
        ("list", listed, "Os que há, com o que espera por eles."),
        ("show", shown, f"{what}, e como está."),
        ("change", change, "Muda nome, endereço ou tipos; o que não se diz fica."),
        ("disable", disable, "Desliga: o que espera é cancelado."),
        ("enable", enable, "Liga de novo, daqui em diante."),
        ("test", test, "Manda um teste e mostra o que foi respondido. Sai com 2 se não chegou."),
    )
    for name, command, text in commands:
        group.command(name, cls=Command, help=text)(command)


_shared(webhook, "webhook", "Um webhook")
_shared(mailbox, "email", "Uma caixa")


@delivery.command("list", cls=Command)
def delivery_list(
    status: Annotated[
        Stands | None, typer.Option("--status", help="Só as que estão assim.")
    ] = None,
    channel: Annotated[UUID | None, typer.Option("--channel", help="Só deste canal.")] = None,
    event_type: Annotated[str | None, typer.Option("--event", help="Só deste tipo.")] = None,
    limit: Limit = 50,
    tenant: Tenant = DEFAULT_TENANT,
    shape: Shape = None,
) -> int:
    """As entregas, da mais nova para a mais velha, com a última tentativa de cada uma."""
    wanted = standing.Wanted(
        tenant, status.value if status else None, channel=channel, event_type=event_type
    )
    with transaction() as connection:
        found = standing.deliveries(connection, wanted, limit=limit)["items"]
    show([_spoken(row) for row in found], shape, _DELIVERIES)
    return OK


@delivery.command("show", cls=Command)
def delivery_show(
    delivery_id: Annotated[UUID, typer.Argument(help="O delivery_id que 'delivery list' mostra.")],
    tenant: Tenant = DEFAULT_TENANT,
    shape: Shape = None,
) -> int:
    """Uma entrega, tentativa por tentativa."""
    with transaction() as connection:
        found = standing.delivery(connection, tenant, delivery_id)
    show_one(_spoken(found), shape)
    return OK


@delivery.command("replay", cls=Command)
def delivery_replay(
    reason: Why,
    delivery_ids: Annotated[
        list[UUID] | None, typer.Argument(help="Os delivery_id que 'delivery list' mostra.")
    ] = None,
    status: Annotated[
        Ended | None, typer.Option("--status", help="Ou todas as que ficaram assim.")
    ] = None,
    channel: Annotated[UUID | None, typer.Option("--channel", help="Só deste canal.")] = None,
    event_type: Annotated[str | None, typer.Option("--event", help="Só deste tipo.")] = None,
    since: Annotated[datetime | None, typer.Option("--since", help="Desde este momento.")] = None,
    tenant: Tenant = DEFAULT_TENANT,
) -> int:
    """Manda de novo, com o mesmo id. Sai com 1 quando nenhuma cabia no que se disse."""
    if bool(delivery_ids) is bool(status):
        raise UsageError("Diga quais entregas, ou --status. Nada foi mudado.")
    who = _who(reason)
    with transaction() as connection:
        if delivery_ids:
            count = replay(connection, delivery_ids, tenant=tenant, who=who)
        else:
            wanted = standing.Wanted(
                tenant, status.value if status else None, channel=channel,
                event_type=event_type, since=since.astimezone() if since else None,
            )  # fmt: skip
            count = replay_fitting(connection, wanted, who=who)
    say(f"{count} seguem de novo.")
    return OK if count else WARNING


def _create(
    kind: standing.Kind, address: str, name: str, events: list[str], reason: str, tenant: str,
    shape: Any,
) -> int:  # fmt: skip
    who = _who(reason)
    with transaction() as connection:
        made = channels.create(
            connection, kind, tenant=tenant, name=name, address=address, event_types=events, who=who
        )
    return _made(made, shape)


def _made(made: Made, shape: Any) -> int:
    secret = {"secret": made.secret} if made.secret else {}
    show_one({**made.channel, **secret}, shape)
    if made.secret:
        say("Guarde o segredo agora: ele não é mostrado de novo.")
    return OK


def _followed(delivery_id: UUID, wait: int, tenant: str, shape: Any) -> int:
    """Wait for the first attempt to end, and tell how."""
    until = time.monotonic() + wait
    while True:
        with transaction() as connection:
            found = standing.delivery(connection, tenant, delivery_id)
        if found["attempts"] or time.monotonic() >= until:
            break
        time.sleep(_LOOK_SECONDS)
    show_one(_spoken(found), shape)
    if found["status"] == "delivered":
        return OK
    if not found["attempts"]:
        say("Ainda não foi tentada: veja se o agendador está no ar ('atalaia status').")
        return WARNING
    return CRITICAL


def _spoken(row: dict[str, Any]) -> dict[str, Any]:
    """Whose fault it was, in words."""
    told = {**row, "fault": _FAULTS.get(row["fault"], row["fault"])}
    if "history" in row:
        told["history"] = [
            {**one, "fault": _FAULTS.get(one["fault"], one["fault"])} for one in row["history"]
        ]
    return told


def _who(reason: str) -> Who:
    return Who(whoami(), "cli", said(reason))
