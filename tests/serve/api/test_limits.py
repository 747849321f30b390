"""Limits: shared by all processes, never more than limit and burst, and there without Redis too."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest
from redis import Redis
from starlette.requests import Request
from tests.conftest import forget_settings
from tests.serve.api.server import Api, new_key, running

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import NotFound, TooMany, UsageError
from atalaia.kernel.keep import keys
from atalaia.kernel.keep.doors import Caller, Rule
from atalaia.kernel.keep.keys import Who
from atalaia.serve.api import access
from atalaia.serve.api.limits import Bucket, Limits, Local, Shared, address_of
from atalaia.serve.local.redis import PrivateRedis

NIGHT = pytest.mark.night("access")
PER_MINUTE, BURST = 60, 10
_WHO = Who("test", "python", "test")
SLOW = Bucket("x", 60, 3)


def spent(take: Local | Shared, bucket: Bucket, tries: int) -> int:
    return sum(take.take([bucket]) == 0 for _ in range(tries))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PrivateRedis]:
    """A Redis of the test's own, which it may stop."""
    server = PrivateRedis(tmp_path / "redis")
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["local", "shared"])
def take(request: pytest.FixtureRequest, redis: str) -> Local | Shared:
    with Redis.from_url(redis) as client:
        client.flushdb()
    return Local() if request.param == "local" else Shared(redis)


def test_a_bucket_gives_its_burst_and_then_its_rate(take: Local | Shared) -> None:
    fast = Bucket("fast", 600, 5)
    began = time.monotonic()
    assert spent(take, fast, 5) == 5
    wait = take.take([fast])
    assert 0 < wait <= 0.1
    end = began + 1.0
    more = 0
    while time.monotonic() < end:
        more += take.take([fast]) == 0
        time.sleep(0.005)
    assert 8 <= more <= 10, "600 a minute are 10 a second"


def test_what_one_bucket_refuses_is_taken_from_none(take: Local | Shared) -> None:
    other = Bucket("other", 60, 4)
    assert take.take([SLOW, other]) == 0
    assert spent(take, SLOW, 5) == 2
    for _ in range(3):
        assert take.take([other, SLOW]) > 0
    assert spent(take, other, 9) == 3


def test_a_refused_request_costs_nothing(take: Local | Shared) -> None:
    waits = [take.take([SLOW]) for _ in range(50)]
    assert waits.count(0) == 3
    assert max(waits) <= 1.0, "asking again and again does not make the wait longer"


def test_two_processes_have_one_bucket(redis: str) -> None:
    with Redis.from_url(redis) as client:
        client.flushdb()
        assert spent(Shared(redis), SLOW, 2) == 2
        assert spent(Shared(redis), SLOW, 9) == 1
        (name,) = client.keys("atalaia:limit:*")
        assert 0 < client.pttl(name) <= 3000, "nothing is kept longer than it counts"


def test_a_process_remembers_no_more_than_it_can_hold() -> None:
    local = Local()
    for number in range(30_000):
        local.take([Bucket(f"n{number}", 60, 3)])
    assert len(local._full) <= 20_001
    assert spent(local, Bucket("n29999", 60, 3), 9) == 2, "the newest are still known"


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("10.0.0.1", "not an address", "None"),
    ],
)
def test_who_asks_behind_a_proxy_of_ours(
    monkeypatch: pytest.MonkeyPatch, client: str, forwarded: str, address: str
) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1")
    forget_settings()
    headers = [(b"x-forwarded-for", forwarded.encode())]
    scope = {"type": "http", "client": (client, 1), "headers": headers}
    assert address_of(Request(scope)) == address
    monkeypatch.delenv("TRUSTED_PROXIES")
    forget_settings()


def hammer(urls: list[str], key: str, seconds: float) -> list[float]:
    """Ask all processes at once for so long; the moments at which it was let in."""
    until, let_in, odd = time.monotonic() + seconds, [], []

    def ask(url: str) -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while time.monotonic() < until:
                answer = client.get("/v1/session", headers={"X-API-Key": key})
                if answer.status_code == 200:
                    let_in.append(time.monotonic())
                elif answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1:
                    time.sleep(0.02)
                else:
                    odd.append(answer.text)

    threads = [threading.Thread(target=ask, args=(url,)) for url in urls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not odd
    return sorted(let_in)


def most_in_a_minute(moments: list[float]) -> int:
    return max(sum(one <= other < one + 60 for other in moments) for one in moments)


def environment(redis: str) -> dict[str, str]:
    return {
        "REDIS_URL": redis,
        "RATE_LIMIT_PER_MINUTE": "100000",
        "RATE_LIMIT_ROUTE_PER_MINUTE": str(PER_MINUTE),
        "RATE_LIMIT_BURST": str(BURST),
        "FAILED_KEYS_PER_MINUTE": "5",
    }


@pytest.mark.row("R-058")
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("processes", "seconds"), [(2, 6), pytest.param(4, 75, marks=NIGHT)])
def test_processes_share_the_limit_and_without_redis_each_has_it(
    database: str, server: PrivateRedis, tmp_path: Path, processes: int, seconds: int
) -> None:
    key, other = new_key("viewer"), new_key("viewer")
    with ExitStack() as stack:
        settings = environment(server.url())
        apis = [stack.enter_context(running(tmp_path, **settings)) for _ in range(processes)]
        urls = [api.url for api in apis]
        let_in = hammer(urls, key, seconds)
        allowed = BURST + PER_MINUTE * min(seconds, 60) / 60
        assert allowed - 3 <= most_in_a_minute(let_in) <= min(allowed + 1, PER_MINUTE + BURST)
        assert apis[0].get("/v1/session", X_API_Key=other).status_code == 200, "each key its own"
        refused = apis[0].get("/v1/session", X_API_Key=key)
        if refused.status_code == 429:
            assert refused.json()["type"] == "/problems/too-many-requests"
        server.stop()
        alone = hammer(urls[:1], other, seconds)
        assert allowed - 4 <= most_in_a_minute(alone) <= min(allowed + 1, PER_MINUTE + BURST)
        assert apis[0].get("/v1/indicators").status_code == 200, "what is public has no limit here"


@pytest.mark.row("R-058")
def test_a_quota_is_the_tenants_whichever_key_asks_and_may_be_set(
    database: str, redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Redis.from_url(redis) as client:
        client.flushdb()
    monkeypatch.setenv("REDIS_URL", redis)
    monkeypatch.setenv("RATE_LIMIT_BURST", "60")
    forget_settings()
    rule = Rule("viewer", clients=True, own=True, per_minute=5, quota="x.evaluate")
    processes = [Limits(), Limits()]

    def asked(tenant: str, tries: int) -> int:
        good = 0
        for n in range(tries):
            monkeypatch.setattr(access, "limits", lambda n=n: processes[n % 2])
            with suppress(TooMany):
                access._count(Caller(tenant, "a", "client", f"key {n}"), "GET /x", rule)
                good += 1
        return good

    with transaction() as connection:
        for tenant in ("mine", "theirs", "large"):
            keys.create_tenant(connection, tenant, name=tenant, who=_WHO)
    assert asked("mine", 9) in (5, 6), "twelve seconds give one back"
    assert asked("theirs", 3) == 3, "each tenant its own"
    with transaction() as connection:
        keys.set_quota(connection, "large", "x.evaluate", 30, who=_WHO)
    assert 20 <= asked("large", 60) <= 31
    with transaction() as connection:
        assert keys.quota(connection, "large", "x.evaluate") == 30
        keys.set_quota(connection, "large", "x.evaluate", None, who=_WHO)
        assert keys.quota(connection, "large", "x.evaluate") is None
        with pytest.raises(NotFound):
            keys.set_quota(connection, "nobody", "x.evaluate", 1, who=_WHO)
        with pytest.raises(UsageError):
            keys.set_quota(connection, "mine", "x.evaluate", 0, who=_WHO)


def wrong(api: Api) -> int:
    key = f"atl_{os.urandom(6).hex()}_{'A' * 43}"
    return api.get("/v1/session", X_API_Key=key).status_code


@pytest.mark.row("R-059")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("tries", [300, pytest.param(100_000, marks=NIGHT)])
def test_an_address_that_is_wrong_too_often_is_refused_before_anything_is_looked_at(
    database: str, redis: str, tmp_path: Path, tries: int
) -> None:
    with Redis.from_url(redis) as client:
        client.flushdb()
    key = new_key("viewer")
    with running(tmp_path, **environment(redis)) as api:
        began = time.monotonic()
        answers = [wrong(api) for _ in range(tries)]
        seconds = time.monotonic() - began
        assert set(answers) == {401, 429}
        # Also the one that makes it too many is answered 429, after it was looked at.
        assert answers.count(401) <= 5 + 5 * seconds / 60 + 1
        answers = [wrong(api), api.get("/v1/session", X_API_Key=key).status_code]
        assert answers[1] == 429, "a right guess is not told from a wrong one"
        assert api.get("/v1/session").status_code == 401, "who sends no key tries nothing"
        assert api.client.post("/v1/session", json={"link": "x"}).status_code == 429
        assert api.get("/v1/indicators").status_code == 200
        time.sleep(float(api.get("/v1/session", X_API_Key=key).headers["retry-after"]))
        assert api.get("/v1/session", X_API_Key=key).status_code == 200
