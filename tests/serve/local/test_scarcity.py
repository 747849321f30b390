"""Too little of something: connections, descriptors, locks. What is refused is refused at once and
says when to come back; nothing dies, and all is as before when there is enough again."""

from __future__ import annotations

import os
import resource
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.client import HTTPConnection

import psycopg
import pytest
from tests.serve.api.server import eventually
from tests.serve.local.house import BACK_SECONDS, House

pytestmark = pytest.mark.timeout(240)
CLIENTS = 200
READ = "/v1/ops/pipeline-runs"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The product with room for 20 connections."""
    with House(tmp_path_factory.mktemp("house")) as found:
        with psycopg.connect(found.postgres.url(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET max_connections = 20")
        found.postgres.stop()
        found.postgres.start()
        found.start("api")
        eventually(found.healthy, BACK_SECONDS, "the API")
        yield found


@pytest.fixture(autouse=True)
def _at_peace(house: House) -> None:
    """Each test begins with a house that answers, however the one before it ended."""
    eventually(lambda: ask(house)[0] == 200, BACK_SECONDS, "the house")


def ask(house: House, path: str = READ) -> tuple[int, float]:
    """Status and seconds of one read; (0, …) when the connection was refused or cut."""
    began = time.monotonic()
    connection = HTTPConnection("127.0.0.1", house.port, timeout=35)
    try:
        connection.request("GET", path, headers={"X-API-Key": house.key})
        answer = connection.getresponse()
        answer.read()
    except OSError:
        return 0, time.monotonic() - began
    finally:
        connection.close()
    if answer.status == 503:
        assert int(answer.headers["retry-after"]) > 0
    return answer.status, time.monotonic() - began


def percentile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


@pytest.mark.row("R-015")
def test_no_connection_is_left(house: House) -> None:
    with ExitStack() as taken:
        first = taken.enter_context(psycopg.connect(house.postgres.url(), autocommit=True))
        for _ in range(3):  # the API's own too: each is cut off, and its place taken
            first.execute(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE application_name LIKE 'atalaia-api%'"""
            )
            with suppress(psycopg.OperationalError):
                while True:
                    taken.enter_context(psycopg.connect(house.postgres.url()))
        found = _crowd(house)
    statuses = {status for status, _ in found}
    assert statuses <= {200, 503}, statuses
    refused = [seconds for status, seconds in found if status == 503]
    assert len(refused) > CLIENTS, "there was none to be had"
    eventually(lambda: ask(house)[0] == 200, 10, "as before")
    # So many at once wait for each other on any machine: what they wait when all is well is no
    # part of the refusal.
    usual = percentile([seconds for _, seconds in _crowd(house)], 0.99)
    late = percentile(refused, 0.99)
    print(f"refused {len(refused)} of {len(found)}, p99 {late:.2f} s; answered, {usual:.2f} s")
    assert late < 1 + usual
    house.alive()


def _crowd(house: House) -> list[tuple[int, float]]:
    with ThreadPoolExecutor(CLIENTS) as clients:
        return list(clients.map(lambda _: ask(house), range(2 * CLIENTS)))


@pytest.mark.row("R-016")
def test_a_lock_that_is_held_is_waited_for_only_so_long(house: House) -> None:
    with psycopg.connect(house.postgres.url()) as holder:
        holder.execute("LOCK TABLE ops.pipeline_runs IN ACCESS EXCLUSIVE MODE")
        with ThreadPoolExecutor(5) as clients:
            found = list(clients.map(lambda _: ask(house), range(5)))
        assert {status for status, _ in found} == {503}
        assert max(seconds for _, seconds in found) < 12
        assert ask(house, "/livez")[0] == 200
    assert ask(house)[0] == 200


@pytest.mark.row("R-016")
def test_two_writers_in_opposite_order(house: House) -> None:
    """Work whose effects meet in a deadlock: one of two is undone and done again."""
    with psycopg.connect(house.postgres.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE public.pair (n integer PRIMARY KEY, seen integer)")
        connection.execute("INSERT INTO public.pair VALUES (1, 0), (2, 0)")
        connection.execute("ALTER SYSTEM SET deadlock_timeout = '50ms'")
        connection.execute("SELECT pg_reload_conf()")
    from atalaia.kernel.base.database import Connection, transaction
    from atalaia.kernel.work.drain import Handler, drain
    from atalaia.kernel.work.items import Item, accept

    def both(item: Item, connection: Connection) -> None:
        first = 1 + item.position % 2
        with item.effect(connection):
            for n in (first, 3 - first):
                connection.execute("UPDATE public.pair SET seen = seen + 1 WHERE n = %s", (n,))
                time.sleep(0.02)

    def work() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and house.rows(
            "SELECT FROM ops.work_items WHERE kind = 'both' AND status IN ('queued', 'running')"
        ):
            drain({"both": Handler(both, group=1)})
            time.sleep(0.1)

    with transaction() as connection:
        accept(connection, "both", [{}] * 40, actor="a", trigger="api", max_attempts=50)
    workers = [threading.Thread(target=work) for _ in range(2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(90)
    states = house.rows("SELECT status::text, max(attempt) AS attempt FROM ops.work_items "
                        "WHERE kind = 'both' GROUP BY 1")  # fmt: skip
    assert [row["status"] for row in states] == ["done"]
    assert states[0]["attempt"] > 1, "they did meet"
    assert [row["seen"] for row in house.rows("SELECT seen FROM public.pair")] == [40, 40]


@pytest.mark.row("R-014")
def test_no_descriptor_is_left(house: House) -> None:
    api = house.programs["api"].pid
    _limit, hard = resource.prlimit(api, resource.RLIMIT_NOFILE)
    resource.prlimit(api, resource.RLIMIT_NOFILE, (64, hard))
    try:
        with ExitStack() as idle:
            for _ in range(500):
                with suppress(OSError):
                    idle.enter_context(
                        socket.create_connection(("127.0.0.1", house.port), timeout=0.2)
                    )
            house.alive()
        eventually(lambda: ask(house)[0] == 200, 10, "answers again, still with few descriptors")
    finally:
        resource.prlimit(api, resource.RLIMIT_NOFILE, (_limit, hard))
    house.alive()
    assert os.path.exists(f"/proc/{api}")
