"""CacheHeaderMiddleware on a real server, around a small application that counts its renderings."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import brotli
import httpx
import pytest
from starlette.types import Receive, Scope, Send
from tests.serve.api.server import eventually, serving

from atalaia.kernel.watch.metrics import Answers
from atalaia.serve.api import CacheHeaderMiddleware
from atalaia.serve.api.follower import DataVersion
from atalaia.serve.api.journal import Journal
from atalaia.serve.api.prompt import PromptProtocol
from atalaia.serve.api.shelf import Shelf

WEAK = re.compile(r'^W/"[0-9a-f]{24}"$')


class Route:
    path = "/v1/geo/{what}"


class World:
    """An application whose one number changes, and the layer around it."""

    def __init__(self, log: Path) -> None:
        self.number, self.rendered, self.status = 1, 0, 200
        self.headers: list[tuple[bytes, bytes]] = []
        self.delay, self.during = 0.0, lambda: None
        self.shelf = Shelf(1_000_000)
        self.data = DataVersion(self.shelf.renew)
        self.data.version = 1
        self.answers = Answers()
        self.log = log
        self.journal = Journal(os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND))
        self.journal.start()
        self.layer = CacheHeaderMiddleware(
            self.app,
            is_public=lambda path: path.startswith("/v1/geo/"),
            shelf=self.shelf,
            data=self.data,
            journal=self.journal,
            answers=self.answers,
        )
        self.client = httpx.Client()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        scope["route"] = Route
        self.rendered += 1
        body = json.dumps(
            {
                "number": self.number,
                "path": scope["path"],
                "query": scope["query_string"].decode(),
                "filling": "x" * 5000,
                "key": dict(scope["headers"]).get(b"x-api-key", b"").decode(),
            }
        ).encode()
        await asyncio.sleep(self.delay)
        self.during()
        if self.status == 0:
            raise RuntimeError("secret detail of the fault")
        headers = [(b"content-type", b"application/json"), *self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def change(self) -> None:
        """The data changes, and the layer hears of it."""
        self.number += 1
        self.data.version = (self.data.version or 0) + 1
        self.shelf.renew()

    def get(self, path: str, method: str = "GET", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, path, headers={"Accept-Encoding": "identity", **named})


@pytest.fixture(params=["auto", PromptProtocol], ids=["uvicorn", "prompt"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """Served as any ASGI server would, and as `atalaia serve` does."""
    found = World(tmp_path / "access.log")
    with serving(found.layer, http=request.param) as url:
        found.client = httpx.Client(base_url=url, timeout=20)
        yield found
        found.client.close()
    found.journal.stop()


@pytest.mark.row("T-079", "T-080", "T-081", "T-082")
def test_a_repeated_question_costs_no_rendering(world: World) -> None:
    first, second = world.get("/v1/geo/a?x=1"), world.get("/v1/geo/a?x=1")
    assert first.content == second.content
    assert world.rendered == 1
    for answer in (first, second):
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert WEAK.match(answer.headers["etag"])
        assert answer.headers["vary"] == "Accept-Encoding"
    assert first.headers["x-trace-id"] != second.headers["x-trace-id"]


@pytest.mark.row("T-082")
@pytest.mark.parametrize("form", ["{tag}", '"other", {tag}', "{strong}", "*", '{tag} , W/"z"'])
def test_who_has_it_gets_304_without_a_body(world: World, form: str) -> None:
    tag = world.get("/v1/geo/a").headers["etag"]
    asked = form.format(tag=tag, strong=tag.removeprefix("W/"))
    answer = world.get("/v1/geo/a", If_None_Match=asked)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == tag
    assert answer.headers["cache-control"] == "public, max-age=300"


@pytest.mark.row("T-082")
def test_who_has_something_else_gets_all_of_it(world: World) -> None:
    tag = world.get("/v1/geo/a").headers["etag"]
    for other in ('W/"000000000000000000000000"', tag[:-2] + '"', '""', "nonsense"):
        assert world.get("/v1/geo/a", If_None_Match=other).status_code == 200


def test_304_is_given_to_a_coding_that_was_never_asked_for(world: World) -> None:
    tag = world.get("/v1/geo/a").headers["etag"]
    answer = world.get("/v1/geo/a", If_None_Match=tag, Accept_Encoding="br")
    assert (answer.status_code, answer.content) == (304, b"")
    (entry,) = world.shelf.addresses.values()
    assert "br" not in entry.variants, "nothing is compressed to say that nothing changed"


@pytest.mark.row("T-083")
def test_the_tag_changes_when_the_data_does_and_only_then(world: World) -> None:
    first = world.get("/v1/geo/a")
    world.data.version = 2
    world.shelf.renew()  # a new version that says the same
    same = world.get("/v1/geo/a")
    assert (same.headers["etag"], same.content) == (first.headers["etag"], first.content)
    world.change()
    changed = world.get("/v1/geo/a", If_None_Match=first.headers["etag"])
    assert changed.status_code == 200
    assert changed.json()["number"] == 2
    assert changed.headers["etag"] != first.headers["etag"]


def test_an_answer_made_while_the_data_changed_is_not_kept(world: World) -> None:
    def change_once() -> None:
        world.during = lambda: None
        world.change()

    world.during = change_once
    assert world.get("/v1/geo/a").json()["number"] == 1  # asked before the change
    assert world.get("/v1/geo/a").json()["number"] == 2


def test_many_who_ask_a_new_question_at_once_are_one_rendering(world: World) -> None:
    world.delay = 0.5
    with ThreadPoolExecutor(20) as many:
        found = list(many.map(lambda _: world.get("/v1/geo/a"), range(20)))
    assert {answer.status_code for answer in found} == {200}
    assert len({answer.content for answer in found}) == 1
    assert len({answer.headers["x-trace-id"] for answer in found}) == 20
    assert world.rendered == 1


def test_who_asks_after_a_change_does_not_get_what_was_begun_before_it(world: World) -> None:
    world.delay = 1.0
    with ThreadPoolExecutor(2) as two:
        early = two.submit(world.get, "/v1/geo/a")
        eventually(lambda: world.rendered == 1, 5, "the first rendering")
        world.change()
        late = two.submit(world.get, "/v1/geo/a")
        assert early.result().json()["number"] == 1
        assert late.result().json()["number"] == 2


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br;q=0.5", "gzip"),
        ("br;q=0, gzip;q=0", None),
        ("*", "br"),
        ("identity", None),
    ],
)
def test_each_coding_holds_the_same_bytes(world: World, accept: str, coding: str | None) -> None:
    plain = world.get("/v1/geo/a").content
    for _ in range(2):  # made, then kept
        with world.client.stream("GET", "/v1/geo/a", headers={"Accept-Encoding": accept}) as answer:
            raw = b"".join(answer.iter_raw())
        assert answer.headers.get("content-encoding") == coding
        assert int(answer.headers["content-length"]) == len(raw)
        decoded = {"gzip": gzip.decompress, "br": brotli.decompress, None: bytes}[coding](raw)
        assert decoded == plain
    assert world.rendered == 1


def test_the_same_question_written_otherwise_is_the_same_question(world: World) -> None:
    first = world.get("/v1/geo/a?x=1&y=2")
    assert world.get("/v1/geo/a?y=2&x=1").content == first.content
    assert world.get("/v1/geo/a?x=%31&y=2").content == first.content
    assert world.rendered == 1
    assert world.get("/v1/geo/a?x=2&x=1").json()["query"] == "x=2&x=1"
    assert world.get("/v1/geo/a?x=1&x=2").json()["query"] == "x=1&x=2", "the last one counts"


@pytest.mark.row("T-092")
@pytest.mark.parametrize("status", [404, 422, 500, 503])
def test_refusals_are_neither_kept_nor_cacheable(world: World, status: int) -> None:
    world.status = status
    for _ in range(2):
        answer = world.get("/v1/geo/a")
        assert answer.status_code == status
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers
    world.status = 200
    assert world.get("/v1/geo/a").status_code == 200


@pytest.mark.row("T-092", "T-093")
def test_what_is_not_public_is_passed_through_untouched(world: World) -> None:
    for key in ("first", "second"):
        answer = world.get("/v1/private", X_API_Key=key)
        assert answer.json()["key"] == key
        assert answer.headers["cache-control"] == "no-store"
        assert "etag" not in answer.headers


@pytest.mark.row("T-093")
def test_a_public_route_that_answers_privately_is_not_kept(world: World) -> None:
    world.headers = [(b"cache-control", b"private, no-store")]
    for key in ("first", "second"):
        answer = world.get("/v1/geo/a", X_API_Key=key)
        assert answer.json()["key"] == key
        assert answer.headers["cache-control"] == "private, no-store"


def test_nothing_is_kept_before_the_data_version_is_known(world: World) -> None:
    world.data.version = None
    world.get("/v1/geo/a")
    world.get("/v1/geo/a")
    assert world.rendered == 2


def test_a_fault_is_a_problem_without_its_details(world: World) -> None:
    world.status = 0
    for path in ("/v1/geo/a", "/v1/private"):
        answer = world.get(path)
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["trace_id"] == answer.headers["x-trace-id"]
        assert "secret" not in answer.text
        assert "RuntimeError" not in answer.text


def test_with_the_database_away_kept_bytes_are_given_and_new_questions_refused(
    world: World,
) -> None:
    kept = world.get("/v1/geo/a")
    world.data.away = True
    again = world.get("/v1/geo/a")
    assert (again.status_code, again.content) == (200, kept.content)
    assert again.headers["x-atalaia-degraded"] == "database"
    began = time.monotonic()
    new = world.get("/v1/geo/b")
    assert time.monotonic() - began < 1
    assert (new.status_code, new.json()["type"]) == (503, "/problems/database-unavailable")
    assert int(new.headers["retry-after"]) > 0
    assert "max-age" not in new.headers["cache-control"]
    world.data.away = False
    assert "x-atalaia-degraded" not in world.get("/v1/geo/a").headers
    assert world.get("/v1/geo/b").status_code == 200


def test_memory_is_bounded_and_the_least_used_goes_first(world: World) -> None:
    world.shelf.capacity = 60_000  # six entries of this size
    for n in range(6):
        world.get(f"/v1/geo/{n}")
    world.get("/v1/geo/0")  # used again: 1 is now the oldest
    world.get("/v1/geo/new")
    assert world.shelf.size <= 60_000
    before = world.rendered
    world.get("/v1/geo/0")
    assert world.rendered == before
    world.get("/v1/geo/1")
    assert world.rendered == before + 1
    assert len(world.shelf.addresses) <= len(world.shelf)
    assert len(world.shelf) >= 4, "what has room stays"


def test_an_entry_larger_than_all_the_room_is_served_and_not_kept(world: World) -> None:
    world.shelf.capacity = 100
    assert world.get("/v1/geo/a").status_code == 200
    assert world.get("/v1/geo/a").status_code == 200
    assert (world.rendered, len(world.shelf), world.shelf.size) == (2, 0, 0)


def test_head_has_the_headers_and_no_body(world: World) -> None:
    for _ in range(2):
        answer = world.get("/v1/geo/a", method="HEAD")
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-length"] == str(len(world.get("/v1/geo/a").content))
    assert world.rendered == 1


def test_a_post_to_a_public_path_is_not_answered_from_kept_bytes(world: World) -> None:
    world.get("/v1/geo/a")
    world.get("/v1/geo/a", method="POST")
    assert world.rendered == 2


def test_the_callers_trace_id_is_taken_over(world: World) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    for _ in range(2):
        answer = world.get("/v1/geo/a", traceparent=f"00-{trace}-b7ad6b7169203331-01")
        assert answer.headers["x-trace-id"] == trace
    for bad in (f"00-{'0' * 32}-b7ad6b7169203331-01", "00-xyz-1-01", 'x"\\n', trace):
        own = world.get("/v1/geo/a", traceparent=bad).headers["x-trace-id"]
        assert re.fullmatch(r"[0-9a-f]{32}", own)
        assert own not in (trace, "0" * 32)


def test_every_answer_is_counted_and_logged_kept_or_not(world: World) -> None:
    tag = world.get("/v1/geo/a").headers["etag"]
    hit, not_modified = world.get("/v1/geo/a"), world.get("/v1/geo/a", If_None_Match=tag)
    world.status = 404
    missed = world.get("/v1/geo/typed-by-a-person")
    size = len(hit.content)

    def lines() -> dict[str, dict[str, object]]:
        written = [json.loads(line) for line in world.log.read_text().splitlines()]
        return {str(line["trace_id"]): line for line in written}

    eventually(lambda: len(lines()) == 4, 5, "four lines")
    world.journal.settle()
    line = lines()[hit.headers["x-trace-id"]]
    assert line.pop("ts")
    assert 0 < float(str(line.pop("seconds"))) < 5
    assert line == {
        "level": "INFO",
        "service": "api",
        "message": "GET /v1/geo/a 200",
        "trace_id": hit.headers["x-trace-id"],
        "method": "GET",
        "path": "/v1/geo/a",
        "status": 200,
        "bytes": size,
        "cache": "hit",
    }
    assert lines()[not_modified.headers["x-trace-id"]]["status"] == 304
    refused = lines()[missed.headers["x-trace-id"]]
    assert refused["path"] == "/v1/geo/{what}", "what a person typed is not logged"
    counted = {
        (sample.labels["status"], sample.labels["cache"]): sample.value
        for family in world.answers.collect()
        for sample in family.samples
        if sample.name == "atalaia_http_requests_total"
    }
    assert counted == {
        ("200", "miss"): 1,
        ("200", "hit"): 1,
        ("304", "hit"): 1,
        ("404", "none"): 1,
    }
