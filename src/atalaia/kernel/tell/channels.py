"""Channels kept by people: made, changed, disabled, enabled, their secrets rotated, tried out.

Each change is one record of the audit log, in its transaction; addresses are not in it, because a
URL may let one in and a mailbox is a person's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import AlreadySo, UsageError
from atalaia.kernel.base.redact import redact
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import audit
from atalaia.kernel.keep.keys import LONGEST_NAME, Who
from atalaia.kernel.tell import queue, signing
from atalaia.kernel.tell.events import announce_to, checked_wanted
from atalaia.kernel.tell.mail import checked_mailbox
from atalaia.kernel.tell.standing import Kind, channel, no_channel
from atalaia.kernel.tell.webhook import checked_url

STREAM = "tell"
_WORD: dict[Kind, str] = {"webhook": "webhook", "email": "mailbox"}


@dataclass(frozen=True, slots=True)
class Made:
    """A channel as it stands now. `secret`, of a webhook just made or rotated, is shown here and
    never again."""

    channel: dict[str, Any]
    secret: str = field(default="", repr=False)


def create(
    connection: Connection,
    kind: Kind,
    *,
    tenant: str,
    name: str,
    address: str,
    event_types: list[str],
    who: Who,
) -> Made:
    """Make a channel, in the transaction `connection` has open. Raises AddressRefused or UsageError
    for an address or a type that is none, AlreadySo when the name is taken."""
    values = {
        "tenant": tenant,
        "kind": kind,
        "name": _named(name),
        "address": _checked(kind, address),
        "types": checked_wanted(event_types),
        "actor": who.actor,
    }
    try:
        made = connection.execute(
            """INSERT INTO ops.channels (tenant_id, kind, name, address, event_types, created_by)
               VALUES (%(tenant)s, %(kind)s, %(name)s, %(address)s, %(types)s, %(actor)s)
               RETURNING channel_id""",
            values,
        ).fetchone()
    except psycopg.errors.UniqueViolation as error:
        raise _taken(name) from error
    assert made is not None  # noqa: S101  an INSERT gives its row
    found = channel(connection, tenant, kind, made["channel_id"])
    secret = signing.secret(made["channel_id"], 1) if kind == "webhook" else ""
    _record(connection, "created", found, tenant, who, event_types=values["types"])
    return Made(found, secret)


def change(
    connection: Connection,
    kind: Kind,
    channel_id: UUID,
    *,
    tenant: str,
    who: Who,
    name: str | None = None,
    address: str | None = None,
    event_types: list[str] | None = None,
) -> Made:
    """Change what is given; what waits goes to the new address. Raises NotFound, and as
    `create`."""
    channel(connection, tenant, kind, channel_id)
    values = {
        "id": channel_id,
        "name": None if name is None else _named(name),
        "address": None if address is None else _checked(kind, address),
        "types": None if event_types is None else checked_wanted(event_types),
    }
    changed = [k for k in ("name", "address", "types") if values[k] is not None]
    if not changed:
        raise UsageError("Diga o que muda: nome, endereço ou tipos. Nada foi mudado.")
    try:
        connection.execute(
            """UPDATE ops.channels
               SET name = coalesce(%(name)s, name), address = coalesce(%(address)s, address),
                   event_types = coalesce(%(types)s, event_types),
                   failures = CASE WHEN %(address)s::text IS NULL THEN failures ELSE 0 END
               WHERE channel_id = %(id)s""",
            values,
        )
    except psycopg.errors.UniqueViolation as error:
        raise _taken(name or "") from error
    found = channel(connection, tenant, kind, channel_id)
    _record(connection, "changed", found, tenant, who, changed=changed)
    return Made(found)


def disable(connection: Connection, kind: Kind, channel_id: UUID, *, tenant: str, who: Who) -> Made:
    """Send nothing more there: what waits is cancelled, what happens from now on passes it by.
    Raises NotFound, and AlreadySo."""
    channel(connection, tenant, kind, channel_id)
    done = connection.execute(
        """UPDATE ops.channels SET status = 'disabled', disabled_at = clock_timestamp(),
               disabled_by = %s, disabled_reason = %s
           WHERE channel_id = %s AND status = 'active'""",
        (who.actor, who.reason and redact(who.reason), channel_id),
    )
    if not done.rowcount:
        raise AlreadySo("O canal já está desligado.")
    cancelled = queue.cancel_of_disabled(connection)
    found = channel(connection, tenant, kind, channel_id)
    _record(connection, "disabled", found, tenant, who, cancelled=cancelled)
    return Made(found)


def enable(connection: Connection, kind: Kind, channel_id: UUID, *, tenant: str, who: Who) -> Made:
    """Send there again, from now on: what was cancelled meanwhile may be replayed. Raises NotFound,
    AlreadySo, and AddressRefused when its address is none to call any more."""
    channel(connection, tenant, kind, channel_id)
    done = connection.execute(
        """UPDATE ops.channels SET status = 'active', disabled_at = NULL, disabled_by = NULL,
               disabled_reason = NULL, failures = 0
           WHERE channel_id = %s AND status = 'disabled' RETURNING address""",
        (channel_id,),
    ).fetchone()
    if not done:
        raise AlreadySo("O canal já está ligado.")
    _checked(kind, done["address"])
    found = channel(connection, tenant, kind, channel_id)
    _record(connection, "enabled", found, tenant, who)
    return Made(found)


def rotate(
    connection: Connection,
    channel_id: UUID,
    *,
    tenant: str,
    who: Who,
    overlap_hours: int | None = None,
) -> Made:
    """A new secret for a webhook; for `overlap_hours` (WEBHOOK_OVERLAP_HOURS) the one before signs
    beside it, so that receivers can change over. Raises NotFound."""
    hours = settings().webhook_overlap_hours if overlap_hours is None else overlap_hours
    done = connection.execute(
        """UPDATE ops.channels
           SET secret_number = secret_number + 1, secret_made_at = clock_timestamp(),
               both_until = clock_timestamp() + make_interval(hours => %s)
           WHERE channel_id = %s AND tenant_id = %s AND kind = 'webhook'
           RETURNING secret_number""",
        (hours, channel_id, tenant),
    ).fetchone()
    if not done:
        raise no_channel(channel_id)
    found = channel(connection, tenant, "webhook", channel_id)
    _record(connection, "secret_rotated", found, tenant, who, overlap_hours=hours)
    return Made(found, signing.secret(channel_id, done["secret_number"]))


def test(connection: Connection, kind: Kind, channel_id: UUID, *, tenant: str, who: Who) -> UUID:
    """Send a `webhook.test` or `mailbox.test` there and to nobody else; returns its delivery.
    Raises NotFound, and AlreadySo when the channel is disabled."""
    found = channel(connection, tenant, kind, channel_id)
    if found["status"] != "active":
        raise AlreadySo("O canal está desligado, então nada foi enviado.")
    data = {"title": f"Teste do canal '{found['name']}'", "text": "Se isto chegou, funciona."}
    event = announce_to(connection, channel_id, f"{_WORD[kind]}.test", data, tenant=tenant)
    sent = connection.execute(
        "SELECT delivery_id FROM ops.deliveries WHERE event_id = %s", (event,)
    ).fetchone()
    assert sent is not None  # noqa: S101  announced to this one
    delivery_id: UUID = sent["delivery_id"]
    _record(connection, "tested", found, tenant, who, delivery_id=str(delivery_id))
    return delivery_id


def _named(name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(f"O nome tem de 1 a {LONGEST_NAME} caracteres que se leem.")
    return name


def _checked(kind: Kind, address: str) -> str:
    return checked_url(address) if kind == "webhook" else checked_mailbox(address)


def _taken(name: str) -> AlreadySo:
    return AlreadySo(f"Já há um canal com o nome '{name}'. Nada foi mudado.")


def _record(
    connection: Connection, what: str, found: dict[str, Any], tenant: str, who: Who, **details: Any
) -> None:
    audit.append(
        connection,
        stream=STREAM,
        action=f"{_WORD[found['kind']]}.{what}",
        actor=who.actor,
        trigger=who.trigger,
        subject=str(found["channel_id"]),
        reason=who.reason,
        tenant_id=tenant,
        details=details,
    )
