"""Servers killed, stopped and emptied under the whole product: it comes back by itself, and what
was accepted is done once. At full size: `test_faults_at_night.py`."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from redis import Redis
from tests.serve.api.server import eventually
from tests.serve.local.house import BACK_SECONDS, House

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The product, up; each test leaves it up."""
    with House(tmp_path_factory.mktemp("house")) as found:
        found.start()
        eventually(found.healthy, BACK_SECONDS, "the API")
        yield found


def kill_postgres(house: House) -> None:
    """kill -9 of the postmaster, and what whoever watches over it does: start it."""
    house.kill("postgres")
    house.postgres.start()
    eventually(house.healthy, 30, "the API sees its database again")


@pytest.mark.row("R-005", "R-006")
def test_postgres_killed_and_stopped_under_load(house: House) -> None:
    with house.load() as load:
        load.until(10)
        kill_postgres(house)
        load.until(len(load.accepted) + 10)
        assert house.postgres.stop()
        eventually(lambda: load.answers[503] >= 3, 20, "503 while it is away")
        house.alive()
        house.postgres.start()
        eventually(house.healthy, 30, "the API sees its database again")
        load.until(len(load.accepted) + 10)
    assert house.settle(load) <= BACK_SECONDS
    house.indexes_hold()


@pytest.mark.row("R-007", "R-008")
def test_redis_killed_and_emptied_under_load(house: House) -> None:
    with house.load(seconds=0.01) as load:
        load.until(20)
        with Redis.from_url(house.redis.url()) as redis:
            redis.flushall()
        load.until(len(load.accepted) + 20)
        house.kill("redis")
        load.until(len(load.accepted) + 20)  # accepted while there is nobody to wake
        house.redis.start()
    assert house.settle(load, 30) <= 30
    assert load.answers[503] == 0, "without Redis nothing that is read is missing"
    eventually(lambda: house.get("/health").json()["services"]["worker"] == "ok", 30, "listed")


@pytest.mark.row("R-009", "R-022")
def test_everything_killed_at_once_and_redis_back_last(house: House) -> None:
    with house.load(seconds=0.01) as load:
        load.until(20)
        kill_everything(house)
        began = time.monotonic()
        house.start()  # before there is anything to stand on
        house.postgres.start()
        eventually(house.healthy, BACK_SECONDS, "the API")
        load.until(len(load.accepted) + 5)
        without_redis(house)
        house.redis.start()
    house.settle(load, 120)
    assert time.monotonic() - began <= 120
    house.indexes_hold()


def kill_everything(house: House) -> None:
    """The power cut, as far as processes see it."""
    for name in (*house.names, "postgres", "redis"):
        house.kill(name)


def without_redis(house: House) -> None:
    """What is read is answered in a second, and says what is missing; nothing dies."""
    for path in ("/v1/health", "/health", "/v1/ops/summary"):
        began = time.monotonic()
        assert house.get(path).status_code == 200
        assert time.monotonic() - began < 1.5, path
    assert house.get("/health").json()["status"] == "degraded"
    house.alive()
