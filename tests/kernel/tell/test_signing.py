"""Signatures as an independent implementation of Standard Webhooks verifies them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from tests.conftest import PEPPER, forget_settings
from tests.kernel.tell.house import WHO, happened, made, sending, settled, until
from tests.kernel.tell.sinks import Sink

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import Unavailable
from atalaia.kernel.tell import channels, signing

SEED = 20261123


@pytest.fixture(autouse=True)
def _pepper(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("KEY_PEPPER", PEPPER)
    forget_settings()
    yield
    forget_settings()


def accepts(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    """What a receiver's library says."""
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


@pytest.mark.row("R-042")
def test_five_hundred_messages_good_and_bad() -> None:
    """Good ones with one or both signatures are accepted; one changed byte, another secret, id or
    moment, a missing or half signature, and what is more than 5 minutes off, is refused."""
    chance = random.Random(SEED)  # noqa: S311
    cases, wrong = 0, list[int]()
    for _ in range(50):
        channel, event = (UUID(int=chance.getrandbits(128)) for _ in range(2))
        number = chance.randint(2, 40)
        body = b'{"a":"%s"}' % chance.randbytes(chance.randint(2, 400)).hex().encode()
        both = chance.random() < 0.5
        numbers = [number, number - 1][: 1 + both]
        moment = now() + timedelta(seconds=chance.uniform(-280, 280))
        sent = signing.headers(channel, numbers, event, moment, body)
        secret, before = (signing.secret(channel, one) for one in (number, number - 1))
        place, off = chance.randrange(len(body)), chance.choice((-1, 1)) * chance.uniform(310, 9e6)
        late = signing.headers(channel, numbers, event, now() + timedelta(seconds=off), body)
        other = UUID(int=chance.getrandbits(128))
        signature = sent["webhook-signature"]
        broken = f"v1,{'BA'[signature[3] == 'B']}{signature[4:]}"
        changed = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        tried = [
            (True, secret, body, sent),
            (both, before, body, sent),
            (False, secret, changed, sent),
            (False, signing.secret(channel, number + 1), body, sent),
            (False, signing.secret(other, number), body, sent),
            (False, secret, body, late),
            (False, secret, body, {**sent, "webhook-id": str(other)}),
            (False, secret, body, {**sent, "webhook-timestamp": late["webhook-timestamp"]}),
            (False, secret, body, {**sent, "webhook-signature": broken}),
            (False, secret, body, {**sent, "webhook-signature": signature.replace("v1,", "v2,")}),
        ]
        cases += len(tried)
        wrong += [
            case
            for case, (good, key, text, headers) in enumerate(tried)
            if accepts(key, text, headers) is not good
        ]
    assert (cases, wrong) == (500, [])


def test_what_is_signed_is_as_the_scheme_says() -> None:
    """By hand, as its document spells it, for a moment of our choosing."""
    import base64
    import hashlib
    import hmac

    channel, event = UUID(int=1), UUID(int=2)
    moment = datetime(2026, 1, 31, 12, tzinfo=UTC)
    sent = signing.headers(channel, [1], event, moment, b'{"a":1}')
    key = base64.b64decode(signing.secret(channel, 1).removeprefix("whsec_"))
    assert len(key) == 32
    assert sent["webhook-timestamp"] == str(int(moment.timestamp()))
    signed = f'{event}.{sent["webhook-timestamp"]}.{{"a":1}}'.encode()
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert sent == {
        "webhook-id": str(event),
        "webhook-timestamp": sent["webhook-timestamp"],
        "webhook-signature": f"v1,{expected}",
    }


def test_without_a_pepper_nothing_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_PEPPER", "short")
    forget_settings()
    with pytest.raises(Unavailable, match="KEY_PEPPER"):
        signing.secret(UUID(int=1), 1)


@pytest.mark.row("R-042")
@pytest.mark.usefixtures("database")
def test_a_receiver_verifies_what_comes_before_during_and_after_a_rotation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Sink() as sink:
        monkeypatch.setenv("WEBHOOK_INSIDE", sink.url)
        forget_settings()
        found = made("a", sink.url)
        channel_id = found.channel["channel_id"]
        secrets = [found.secret]

        def rotated(hours: int) -> None:
            with transaction() as connection:
                secrets.append(
                    channels.rotate(
                        connection, channel_id, tenant="default", who=WHO, overlap_hours=hours
                    ).secret
                )

        expected = []
        with sending():
            for step, good in ((None, [0]), (24, [0, 1]), (0, [2])):
                if step is not None:
                    rotated(step)
                happened(n=len(expected), text="ação")
                until(settled)
                expected.append(good)
        assert len(set(secrets)) == 3
        assert [
            [n for n, key in enumerate(secrets) if accepts(key, hit.body, hit.headers)]
            for hit in sink.hits
        ] == expected
        assert all(hit.headers["content-type"] == "application/json" for hit in sink.hits)
