"""Bodies that are no decent JSON, at every route that takes one: refused, soon, in little room."""

from __future__ import annotations

import gzip
import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fuzz.filling import Filling
from tests.serve.api.matrix import Operation, World, body_of, table
from tests.serve.api.server import Api, new_key

SEED = 20261130
MOST_MB, MOST_SECONDS = 512, 2.0
JSON = {"content-type": "application/json"}
Odd = tuple[bytes, dict[str, str]]


# No body in other words: where a body may be left out, these are not odd.
NOTHING = (b"", b"null", b"\xef\xbb\xbf{}")


def _nested(depth: int, begin: bytes, end: bytes) -> bytes:
    return begin * depth + b"1" + end * depth


LARGE: list[Odd] = [
    (b'{"reason": "' + b"x" * 10_000_000 + b'"}', JSON),
    (b"[" + b"1," * 5_000_000 + b"1]", JSON),
    (b'{"' + b'":1,"'.join(b"%d" % n for n in range(500_000)) + b'":1}', JSON),
    (gzip.compress(b"[" + b"0" * 50_000_000), JSON | {"content-encoding": "gzip"}),
    (b" " * 10_000_000, JSON),
]
FIXED: list[Odd] = [
    *((_nested(depth, b'{"reason":', b"}"), JSON) for depth in (500, 1000, 10_000, 100_000)),
    *((_nested(depth, b"[", b"]"), JSON) for depth in (500, 1000, 10_000, 100_000)),
    (b"[" * 100_000, JSON), (b'{"reason": ' * 10_000, JSON),
    (b'{"reason": "a", "reason": 1}', JSON), (b'{"reason": NaN}', JSON),
    (b'{"reason": Infinity}', JSON), (b'{"reason": -Infinity}', JSON),
    (b'{"reason": ' + b"9" * 5000 + b"}", JSON), (b'{"reason": 1e99999}', JSON),
    (b'{"ids": [' + b"9" * 400 + b"]}", JSON), (b'{"reason": "\\ud800"}', JSON),
    (b'{"reason": "\\udc00\\ud800", "name": "\\ud83d"}', JSON), (b'{"\\ud800": 1}', JSON),
    (b'{"reason": "\\u0000"}', JSON), (b'{"reason": "\x00"}', JSON), (b'{"reason": "\xff"}', JSON),
    (b"\xef\xbb\xbf{}", JSON), ('{"reason": 1}'.encode("utf-16"), JSON),
    ('{"reason": 1}'.encode("utf-32"), JSON), (b"", JSON), (b"null", JSON), (b'""', JSON),
    (b"0", JSON), (b"[]", JSON), (b"{", JSON), (b"}", JSON), (b'{"reason"', JSON),
    (b"{'reason': 1}", JSON), (b'{"reason": "x",}', JSON), (b'{"reason": /*x*/ 1}', JSON),
    (b'{"__proto__": {"admin": true}}', JSON), (b'{"reason": {"$ne": 1}}', JSON),
    (b"reason=x", {"content-type": "application/x-www-form-urlencoded"}),
    (b"<reason>x</reason>", {"content-type": "application/xml"}), (b'{"a": 1}', {}),
    (b'{"a": 1}', {"content-type": "text/plain"}), (b'{"a": 1}', {"content-type": "x"}),
    (b'{"a": 1}', {"content-type": "application/json; charset=utf-7"}),
    (b"--x\r\n\r\n", {"content-type": "multipart/form-data; boundary=x"}),
    (b"x", {"content-type": "multipart/form-data"}),
    (gzip.compress(b"{}"), JSON | {"content-encoding": "gzip"}),
    (b'{"a": 1}', JSON | {"content-encoding": "gzip"}),
    (b'{"a": 1}', JSON | {"content-encoding": "br, gzip"}),
]  # fmt: skip


def mutated(count: int) -> Iterator[Odd]:
    """Bodies of the right names broken in some place."""
    chance = random.Random(SEED)  # noqa: S311
    for _ in range(count):
        names = chance.sample(
            ["reason", "name", "ids", "payload", "url", "title", "until", "role"], 3
        )
        whole = bytearray(
            json.dumps(dict.fromkeys(names, chance.choice(["x", 1, [], {}]))).encode()
        )
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(whole))
            whole[at : at + chance.randrange(3)] = bytes(
                chance.randrange(256) for _ in range(chance.randrange(4))
            )
        yield bytes(whole), JSON


def _peak_mb(api: Api) -> float:
    status = Path(f"/proc/{api.process.pid}/status").read_text("ascii")
    (line,) = (one for one in status.splitlines() if one.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _takers(filling: Filling) -> list[Operation]:
    found = [one for one in table() if body_of(filling.document, filling.told(one))]
    assert len(found) > 20
    return found


def _each(api: Api, odd: Callable[[int], list[Odd]]) -> tuple[int, list[str], float]:
    """Every body of `odd(turn)` to every operation: how many, what was wrong, the slowest."""
    filling, key = Filling(api, World()), new_key("admin")
    wrong, tried, slowest = [], 0, 0.0
    for turn, operation in enumerate(_takers(filling)):
        path = filling.path(operation)
        needed = filling.told(operation)["requestBody"].get("required", False)
        for body, headers in odd(turn):
            if body in NOTHING and not needed:
                continue
            sent = {"X-API-Key": key, **headers, **filling.headers(operation, tried)}
            began = time.monotonic()
            answer = api.client.request(operation.method, path, content=body, headers=sent)
            slowest = max(slowest, time.monotonic() - began)
            tried += 1
            if not 400 <= answer.status_code < 500:
                wrong.append(f"{operation.name} {headers} {body[:60]!r}: {answer.status_code}")
    return tried, wrong, slowest


@pytest.mark.row("R-083")
@pytest.mark.timeout(400)
def test_no_odd_body_is_taken_or_breaks_anything(api: Api) -> None:
    few = list(mutated(200))

    def odd(turn: int) -> list[Odd]:
        large = [LARGE[turn]] if turn < len(LARGE) else []
        return [*large, *(FIXED[(turn * 5 + at) % len(FIXED)] for at in range(9)),
                few[turn * 3 % len(few)]]  # fmt: skip

    tried, wrong, _ = _each(api, odd)
    assert wrong == []
    assert tried > 200
    assert _peak_mb(api) < MOST_MB


@pytest.mark.night("fuzz-json")
@pytest.mark.row("R-083")
@pytest.mark.timeout(1480)
def test_five_hundred_odd_bodies_at_every_route(api: Api, record_property: Any) -> None:
    record_property("seed", SEED)
    every = [*LARGE, *FIXED, *mutated(500 - len(LARGE) - len(FIXED))]
    tried, wrong, slowest = _each(api, lambda _turn: every)
    record_property("requests", tried)
    record_property("peak_mb", round(_peak_mb(api)))
    record_property("slowest_seconds", round(slowest, 2))
    assert wrong == []
    assert _peak_mb(api) < MOST_MB
    assert slowest < MOST_SECONDS
