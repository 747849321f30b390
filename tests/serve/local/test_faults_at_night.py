"""The faults of `test_faults` as often as the promise says, in two sets of about 20 minutes:
`make test-night SET=faults-database` and `SET=faults-queue`. The seed is printed."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest
from redis import Redis
from tests.serve.api.server import eventually
from tests.serve.local.house import BACK_SECONDS, House
from tests.serve.local.test_faults import kill_everything, kill_postgres, without_redis

SEED = random.randrange(1 << 32)  # noqa: S311
chance = random.Random(SEED)  # noqa: S311

database, queue = pytest.mark.night("faults-database"), pytest.mark.night("faults-queue")
pytestmark = pytest.mark.timeout(1400)


@pytest.fixture(scope="module", autouse=True)
def _seed() -> None:
    print(f"seed {SEED}")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The product with two workers."""
    with House(tmp_path_factory.mktemp("house"), workers=2) as found:
        found.start()
        eventually(found.healthy, BACK_SECONDS, "the API")
        yield found


@database
@pytest.mark.row("R-005")
def test_fifty_kills_of_postgres(house: House) -> None:
    with house.load() as load:
        for _ in range(50):
            load.until(len(load.accepted) + chance.randrange(1, 20))
            began = time.monotonic()
            kill_postgres(house)
            assert time.monotonic() - began <= 40
            house.alive()
    assert house.kills == 50
    house.settle(load)
    house.indexes_hold()


@database
@pytest.mark.row("R-006")
def test_thirty_restarts_and_ten_long_stops(house: House) -> None:
    with house.load() as load:
        for turn in range(40):
            load.until(len(load.accepted) + chance.randrange(1, 20))
            refused = load.answers[503]
            assert house.postgres.stop()
            if turn % 4 == 3:
                time.sleep(60)
                assert load.answers[503] > refused
                house.alive()
            house.postgres.start()
            eventually(house.healthy, 30, "the API sees its database again")
    house.settle(load)


@queue
@pytest.mark.row("R-007")
@pytest.mark.parametrize("appendonly", [False, True])
def test_fifty_kills_of_redis(tmp_path_factory: pytest.TempPathFactory, appendonly: bool) -> None:
    folder = tmp_path_factory.mktemp("redis-house")
    with House(folder, workers=2, appendonly=appendonly) as house:
        house.start()
        eventually(house.healthy, BACK_SECONDS, "the API")
        for _ in range(5):
            with house.load(seconds=0.005) as load:
                for _ in range(5):
                    load.until(len(load.accepted) + chance.randrange(1, 30))
                    house.kill("redis")
                    time.sleep(chance.random())
                    house.redis.start()
            assert house.settle(load, 30) <= 30
            assert load.answers[503] == 0
        assert house.kills == 25


@queue
@pytest.mark.row("R-008")
def test_fifty_flushes_with_hundreds_waiting(house: House) -> None:
    with Redis.from_url(house.redis.url()) as redis:
        for _ in range(10):
            with house.load(seconds=0.02) as load:
                for _ in range(5):
                    load.until(len(load.accepted) + chance.randrange(100, 250))
                    redis.flushall()
            assert house.settle(load) <= BACK_SECONDS


@queue
@pytest.mark.row("R-009")
def test_twenty_orders_of_starting(house: House) -> None:
    for _ in range(20):
        kill_everything(house)
        order = [*house.names, "postgres"]
        chance.shuffle(order)
        for name in order:
            house.postgres.start() if name == "postgres" else house.start(name)
        eventually(house.healthy, BACK_SECONDS, "the API")
        with house.load() as load:
            load.until(3)
            without_redis(house)
            house.redis.start()
        house.settle(load)


@queue
@pytest.mark.row("R-022")
def test_thirty_power_cuts(house: House) -> None:
    for _ in range(30):
        with house.load(seconds=0.005) as load:
            load.until(chance.randrange(5, 60))
            kill_everything(house)
            began = time.monotonic()
            order = [*house.names, "postgres", "redis"]
            chance.shuffle(order)
            for name in order:
                {"postgres": house.postgres.start, "redis": house.redis.start}.get(
                    name, lambda name=name: house.start(name)
                )()
            eventually(house.healthy, 120, "the API")
        house.settle(load, 120)
        assert time.monotonic() - began <= 120
    house.indexes_hold()
