"""When a delivery is tried again, and what an attempt came to: pure decisions."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

Fault = Literal["ours", "recipient", "network"]
_SECOND, _MINUTE, _HOUR = 1.0, 60.0, 3600.0

# After the attempt before: the first is at once, the tenth some three days later.
DELAYS = (
    5 * _SECOND, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR,
    20 * _HOUR, 24 * _HOUR,
)  # fmt: skip
JITTER = 0.2  # so that what failed together does not come back together


@dataclass(frozen=True, slots=True)
class Policy:
    """How deliveries are sent; the defaults are what receivers are promised.

    `slots` are attempts in hand at once, of which a channel gets at most `per_channel`. Once
    `trouble_after` attempts failed in a row it gets one, and all such channels together half of the
    slots: whoever answers does not wait for whoever does not."""

    delays: tuple[float, ...] = DELAYS
    longest_wait: float = 24 * _HOUR  # the most a Retry-After is honoured for
    slots: int = 32
    per_channel: int = 4
    trouble_after: int = 3
    lease_seconds: float = 30.0
    poll_seconds: float = 5.0  # between looks for what nobody told us of


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to. `fault` is None when it was delivered; `final`: it will never pass;
    `gone`: nothing will be taken there any more."""

    status_code: int | None = None
    error: str | None = None
    fault: Fault | None = None
    answer: str = ""
    retry_after: float | None = None
    final: bool = False
    gone: bool = False

    @property
    def delivered(self) -> bool:
        """Whether it was taken."""
        return self.fault is None


def of_status(status: int, retry_after: float | None, answer: str) -> Outcome:
    """What an HTTP status means: 2xx is taken, 410 is gone, all else is tried again."""
    if 200 <= status < 300:
        return Outcome(status)
    asked = retry_after if status in (429, 503) else None
    gone = status == 410
    return Outcome(status, f"http_{status}", "recipient", answer, asked, final=gone, gone=gone)


def wait_after(tries: int, outcome: Outcome, policy: Policy) -> float | None:
    """Seconds until the next attempt after `tries` failed ones; None when that was the last."""
    if outcome.final or tries > len(policy.delays):
        return None
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  no secret
    asked = min(outcome.retry_after or 0.0, policy.longest_wait)
    return max(policy.delays[tries - 1] * spread, asked)
