"""The API killed between a request, its commit and its answer; keys sent again and again.

What was answered is in the database; what was not is absent, or completed by sending it again.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.forks import Forks
from tests.invariants import Outside, broken
from tests.kernel.work import toys
from tests.kernel.work.harness import seeded
from tests.serve.api.server import eventually, new_key

from atalaia.serve.local.process import free_port

NIGHT = [pytest.mark.night("durable-api"), pytest.mark.timeout(1200)]
NO_LIMITS = {
    "RATE_LIMIT_PER_MINUTE": "10000000",
    "RATE_LIMIT_ROUTE_PER_MINUTE": "10000000",
    "RATE_LIMIT_BURST": "1000000",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}
CLIENTS = 4


def serve(port: int) -> None:
    """The API, in a fork of a process that has it imported."""
    import uvicorn

    from atalaia.serve.api import app

    uvicorn.run(app, port=port, log_level="error", access_log=False)


class Killable:
    """The API on one port, killed and started again."""

    def __init__(self, forks: Forks) -> None:
        self._forks, self.port = forks, free_port(0)
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """A new process, up when this returns."""
        self.pid = self._forks.start("tests.serve.api.test_kills:serve", self.port)
        eventually(self.listens, 60, "the API")

    def listens(self) -> bool:
        """Whether somebody takes its calls."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def kill(self) -> None:
        """kill -9, proven."""
        self._forks.kill(self.pid)


@pytest.fixture
def api(database: str, tmp_path: Path) -> Iterator[Killable]:
    """The API, with no limits on how often it may be asked."""
    modules = ("tests.serve.api.test_kills", "uvicorn.protocols.http.auto", "atalaia.serve.api:app")
    with Forks(*modules, log=tmp_path / "api.log", **NO_LIMITS) as forks:
        yield Killable(forks)


def wanted(number: int) -> dict[str, Any]:
    return {
        "job_name": "quality_suite",
        "reference_period": f"{1950 + number % 70}",
        "reason": f"pedido {number}",
    }


def send(client: httpx.Client, number: int) -> httpx.Response:
    return client.post(
        "/v1/jobs", json=wanted(number), headers={"idempotency-key": f"pedido-{number:06}"}
    )


class Client(threading.Thread):
    """One of several clients: each request once, noted outside before and after, until `enough`."""

    def __init__(self, api: Killable, key: str, numbers: Iterator[int], outside: Outside) -> None:
        super().__init__(daemon=True)
        self._api, self._key, self._numbers, self._outside = api, key, numbers, outside
        self.enough = threading.Event()

    def run(self) -> None:
        """One that gets no answer is not sent again here, and the next waits for the API."""
        headers = {"x-api-key": self._key}
        with httpx.Client(base_url=self._api.url, headers=headers, timeout=30) as client:
            while not self.enough.is_set():
                number = next(self._numbers)
                self._outside.note(sent=number)
                try:
                    answer = send(client, number)
                except httpx.TransportError:
                    eventually(self._api.listens, 60, "the API")
                    continue
                self._outside.note(answered=number, status=answer.status_code, body=answer.json())


@pytest.mark.row("R-003")
@pytest.mark.parametrize(
    ("kills", "posts"), [(4, 60), pytest.param(300, 3000, marks=NIGHT)], ids=["sample", "whole"]
)
def test_killed_between_a_request_and_its_answer(
    api: Killable, tmp_path: Path, kills: int, posts: int
) -> None:
    outside, key, dice = Outside(tmp_path / "outside.ndjson"), new_key("operator"), seeded(4)
    numbers = itertools.count()
    clients = [Client(api, key, numbers, outside) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for _ in range(kills):
        time.sleep(dice.uniform(0.02, 0.3))
        api.kill()
        api.start()
    eventually(lambda: next(numbers) >= posts, 600, "so many requests")
    for client in clients:
        client.enough.set()
    for client in clients:
        client.join(60)
    lines = outside.lines()
    answered = {line["answered"]: line["body"]["id"] for line in lines if "answered" in line}
    assert {line["status"] for line in lines if "answered" in line} == {202}
    sent = {line["sent"] for line in lines if "sent" in line}
    unanswered = sent - answered.keys()
    assert unanswered, "no kill met a request"
    before = kept()
    assert answered.items() <= before.items(), "what was answered is there"
    with httpx.Client(base_url=api.url, headers={"x-api-key": key}, timeout=30) as again:
        for number in unanswered:
            answer = send(again, number)
            assert answer.status_code == 202
            assert before.get(number) in (None, answer.json()["id"])
    assert kept().keys() == sent
    assert len(toys.rows("SELECT FROM ops.work_items")) == len(sent)
    assert broken(at_rest=False) == []


def kept() -> dict[int, str]:
    """Which requests are in the database, each once, and as which batch."""
    rows = toys.rows("SELECT batch_id::text AS id, idempotency_key AS key FROM ops.batches")
    found = {int(row["key"].rpartition("-")[2]): row["id"] for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.mark.row("R-004")
@pytest.mark.parametrize(
    "keys", [25, pytest.param(2000, marks=NIGHT)], ids=["sample", "whole"]
)  # fmt: skip
def test_one_key_sent_up_to_twenty_times_at_once_is_one_effect(api: Killable, keys: int) -> None:
    key, dice = new_key("operator"), seeded(5)
    todo = [number for number in range(keys) for _ in range(dice.randint(1, 20))]
    dice.shuffle(todo)
    said: dict[int, set[tuple[int, str]]] = {number: set() for number in range(keys)}
    others: set[int] = set()

    def work() -> None:
        headers = {"x-api-key": key}
        with httpx.Client(base_url=api.url, headers=headers, timeout=60) as client:
            while todo:
                with contextlib.suppress(IndexError):
                    number = todo.pop()
                    answer = send(client, number)
                    if answer.status_code == 503:  # too busy just now: whoever asked asks again
                        todo.append(number)
                        continue
                    said[number].add((answer.status_code, answer.text))
                    if number % 10 == 0:
                        key_of_it = {"idempotency-key": f"pedido-{number:06}"}
                        other = client.post("/v1/jobs", json=wanted(number + 1), headers=key_of_it)
                        others.add(other.status_code)

    threads = [threading.Thread(target=work) for _ in range(2 * CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(900)
    different = {number: answers for number, answers in said.items() if len(answers) != 1}
    assert not different, "the same answer each time"
    assert {status for answers in said.values() for status, _ in answers} == {202}
    assert others == {409}
    assert len(kept()) == keys == len(toys.rows("SELECT FROM ops.work_items"))
    assert broken(at_rest=False) == []
