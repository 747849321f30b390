"""Signatures by the Standard Webhooks scheme: a receiver verifies them with any of its libraries.

What is signed is `id.timestamp.body`, by HMAC-SHA256. The id is the event's and the same in every
attempt; the timestamp is the attempt's. A secret is made from KEY_PEPPER, the channel and a number,
and kept nowhere: the database alone signs nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from atalaia.kernel.keep.pepper import keyed_hash


def secret(channel_id: UUID, number: int) -> str:
    """A channel's secret, as its receiver is given it. Raises Unavailable without a pepper."""
    return f"whsec_{b64encode(_key(channel_id, number)).decode()}"


def headers(
    channel_id: UUID, numbers: Sequence[int], event_id: UUID, moment: datetime, body: bytes
) -> dict[str, str]:
    """What is sent beside `body`: one signature for each secret's number, newest first."""
    timestamp = str(int(moment.timestamp()))
    signed = b".".join((str(event_id).encode(), timestamp.encode(), body))
    signatures = (
        b64encode(hmac.digest(_key(channel_id, number), signed, hashlib.sha256)).decode()
        for number in numbers
    )
    return {
        "webhook-id": str(event_id),
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{one}" for one in signatures),
    }


def _key(channel_id: UUID, number: int) -> bytes:
    return keyed_hash(f"{channel_id}:{number}", "webhook")
