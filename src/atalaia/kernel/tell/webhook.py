"""One attempt to tell a webhook: signed, posted once, its answer understood."""

from __future__ import annotations

import json
import ssl
from contextlib import suppress

from atalaia.kernel.base import outbound
from atalaia.kernel.base.address import Place, look_up, place, require_open
from atalaia.kernel.base.clock import Deadline, now
from atalaia.kernel.base.errors import (
    AddressRefused,
    AtalaiaError,
    SourceError,
    SourceTooSlow,
    Unreachable,
)
from atalaia.kernel.base.settings import settings
from atalaia.kernel.tell import signing
from atalaia.kernel.tell.queue import Delivery
from atalaia.kernel.tell.schedule import Outcome, of_status

LONGEST_URL = 2000
_LOOK_UP_SECONDS = 3.0
_MOST_CONNECTIONS = 256  # kept open, all receivers together


def checked_url(url: str) -> str:
    """`url`, if messages may be posted there: under TLS, and to nobody inside the house unless
    WEBHOOK_INSIDE says so. Raises AddressRefused."""
    if len(url) > LONGEST_URL:
        raise AddressRefused(f"O endereço tem mais de {LONGEST_URL} caracteres.")
    where = _judged(url)
    if where is None:
        return url
    with suppress(Unreachable):  # a name nobody knows now; it is judged again at every attempt
        look_up(where.host, where.port, _LOOK_UP_SECONDS, inside=False)
    return url


def _judged(url: str) -> Place | None:
    """Where `url` leads, if by its looks that is outside; None when an operator allowed it."""
    where = place(url)
    if any(place(one) == where for one in settings().webhook_origins):
        return None
    if where.scheme != "https":
        raise AddressRefused(
            "O endereço não começa por https, e a mensagem seguiria aberta.",
            todo="Um receptor de dentro de casa é permitido em WEBHOOK_INSIDE.",
        )
    require_open(where)
    return where


def body_of(delivery: Delivery) -> bytes:
    """What is posted: the same bytes in every attempt."""
    told = {
        "type": delivery.event_type,
        "timestamp": delivery.happened_at.isoformat(),
        "data": delivery.data,
    }
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def send(delivery: Delivery) -> Outcome:
    """Post it once. Never raises for what a receiver or a network does."""
    body = body_of(delivery)
    try:
        _judged(delivery.address)
        numbers = [delivery.secret_number, delivery.secret_number - 1][: 1 + delivery.both]
        signed = signing.headers(delivery.channel_id, numbers, delivery.event_id, now(), body)
        posted = outbound.post(
            delivery.address,
            body,
            {**signed, "Content-Type": "application/json", "User-Agent": "Atalaia"},
            deadline=Deadline(settings().webhook_timeout_seconds),
            inside=settings().webhook_origins,
            most_connections=_MOST_CONNECTIONS,
        )
    except AtalaiaError as error:
        return _failed(error)
    return of_status(posted.status, posted.retry_after, posted.answer)


def _failed(error: AtalaiaError) -> Outcome:
    """Whose fault it is that there was no answer."""
    if isinstance(error, AddressRefused):
        return Outcome(error="address_refused", fault="ours")
    if isinstance(error, Unreachable):
        return Outcome(error="unreachable", fault="network")
    if isinstance(error, SourceTooSlow):
        return Outcome(error="timeout", fault="recipient")
    if isinstance(error, SourceError):
        kind = "certificate" if _of_tls(error) else "connection"
        return Outcome(error=kind, fault="recipient")
    return Outcome(error=type(error).__name__, fault="ours")


def _of_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None
