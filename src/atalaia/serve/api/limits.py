"""How much one key may ask, and how often one address may be wrong, counted by all processes.

A bucket holds `burst` requests and is refilled at `per_minute`, so no window of 60 seconds sees
more than both together. It is one number in Redis, the moment at which the bucket will be full
again (the generic cell rate algorithm), read and written in one step on Redis's own clock. Every
process keeps the same number for itself too: with Redis away, or emptied, there is still a limit.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

import redis as redis_client
from fastapi import Request

from atalaia.kernel.base.errors import TooMany
from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.trace import log

_REDIS_SECONDS = 0.25
_AGAIN_SECONDS = 1.0  # while Redis is away it is asked so often
_MOST_BUCKETS = 20_000  # kept by one process; full ones are forgotten first
_MINUTE_MS = 60_000.0
_IPV6_OF_ONE = 64  # who has one address of such a network has all of them

# KEYS are buckets; ARGV has of each the milliseconds one request costs and those it holds. Answers
# how many milliseconds to wait; 0 when every bucket had room, and then it was taken.
_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local wait, full = 0, {}
for i, key in ipairs(KEYS) do
  full[i] = math.max(tonumber(redis.call('GET', key) or '0'), now) + ARGV[2 * i - 1]
  wait = math.max(wait, full[i] - now - ARGV[2 * i])
end
if wait > 0 then return math.ceil(wait) end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.3f', full[i]), 'PX', math.ceil(full[i] - now))
end
return 0
"""


class Bucket(NamedTuple):
    """One thing that is counted."""

    name: str
    per_minute: int
    burst: int

    @property
    def cost_ms(self) -> float:
        """What one request takes from the bucket."""
        return _MINUTE_MS / self.per_minute

    @property
    def holds_ms(self) -> float:
        """What a full bucket has."""
        return self.cost_ms * self.burst


class Local:
    """The buckets of this process."""

    def __init__(self) -> None:
        self._full: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, buckets: Sequence[Bucket]) -> float:
        """Take one request from every bucket, or from none; seconds to wait, 0 when taken."""
        with self._lock:
            now = time.monotonic() * 1000
            full = {b.name: max(self._full.get(b.name, 0), now) + b.cost_ms for b in buckets}
            wait = max(full[b.name] - now - b.holds_ms for b in buckets)
            if wait > 0:
                return wait / 1000
            self._full.update(full)
            if len(self._full) > _MOST_BUCKETS:
                self._forget(now)
            return 0.0

    def _forget(self, now: float) -> None:
        emptiest = sorted(self._full.items(), key=lambda one: -one[1])[: _MOST_BUCKETS // 2]
        self._full = {name: full for name, full in emptiest if full > now}


class Shared:
    """The buckets of all processes, in Redis."""

    def __init__(self, url: str) -> None:
        server = redis_client.Redis.from_url(
            url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS
        )
        self._take = server.register_script(_TAKE)
        self._away_until = 0.0

    def take(self, buckets: Sequence[Bucket]) -> float:
        """As Local; 0 also while Redis is away."""
        if time.monotonic() < self._away_until:
            return 0.0
        figures = [figure for b in buckets for figure in (b.cost_ms, b.holds_ms)]
        try:
            wait = self._take([f"atalaia:limit:{b.name}" for b in buckets], figures)
        except (redis_client.RedisError, OSError) as error:
            if not self._away_until:
                log("WARNING", "limits are this process's own now", why=type(error).__name__)
            self._away_until = time.monotonic() + _AGAIN_SECONDS
            return 0.0
        if self._away_until:
            log("INFO", "limits are those of all processes again")
            self._away_until = 0.0
        return float(wait) / 1000


class Limits:
    """The limits of this process. All of them raise TooMany, which says how long to wait."""

    def __init__(self) -> None:
        url = settings().redis_url
        self._local, self._shared = Local(), Shared(url) if url else None
        self._locked: dict[str, float] = {}

    def spend(self, subject: str, route: str, per_minute: int | None = None) -> None:
        """Count one request of a key or session on a route, which may have a limit of its own."""
        known = settings()
        on_route = per_minute or known.rate_limit_route_per_minute
        self._take(
            Bucket(f"all:{subject}", known.rate_limit_per_minute, known.rate_limit_burst),
            Bucket(f"route:{subject}:{route}", on_route, min(known.rate_limit_burst, on_route)),
        )

    def spend_quota(self, tenant_id: str, quota: str, per_minute: int) -> None:
        """Count one request of a tenant, whichever of its keys made it."""
        burst = min(settings().rate_limit_burst, per_minute)
        self._take(Bucket(f"quota:{tenant_id}:{quota}", per_minute, burst))

    def refuse_locked(self, address: str) -> None:
        """Refuse who was wrong too often from this address: until then nothing is even looked at,
        so that a guess that is right is not told from one that is wrong."""
        until = self._locked.get(address, 0.0)
        if until > time.monotonic():
            raise TooMany(retry_after=until - time.monotonic())

    def failed(self, address: str) -> None:
        """Count one key, link or cookie that was not good."""
        often = settings().failed_keys_per_minute
        try:
            self._take(Bucket(f"failed:{address}", often, often))
        except TooMany as error:
            now = time.monotonic()
            self._locked = {who: until for who, until in self._locked.items() if until > now}
            self._locked[address] = now + error.retry_after
            raise

    def _take(self, *buckets: Bucket) -> None:
        wait = self._local.take(buckets)
        if wait == 0 and self._shared:
            wait = self._shared.take(buckets)
        if wait:
            raise TooMany(retry_after=wait)


@cache
def limits() -> Limits:
    """The limits of this process, made once."""
    return Limits()


def address_of(request: Request) -> str:
    """Who asks, as far as the network tells: the nearest address that is no proxy of ours."""
    hops = [hop.strip() for hop in request.headers.get("x-forwarded-for", "").split(",")]
    address = request.client.host if request.client else ""
    while hops and _is_our_proxy(address):
        address = hops.pop() or address
    found = _parsed(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, _IPV6_OF_ONE), strict=False))
    return str(found)


def _is_our_proxy(address: str) -> bool:
    found = _parsed(address)
    return found is not None and any(found in network for network in settings().proxies)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(address)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
