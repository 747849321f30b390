"""Strings that want to be more than strings, in every place that takes one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fuzz.filling import Filling, Place
from tests.serve.api.matrix import World
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import connect

SLEEP = 30  # seconds a database would sleep if it were told to: no load makes a request so late
SENTINEL = "ops.fuzz_sentinel"
_ENDS = ("", "'", '"', "')", "'))", "%27", "\\'", "`", "*/", "'||'", "1", "null")
_SQL = (
    f"; DROP TABLE {SENTINEL}; --", f"; DELETE FROM {SENTINEL}; --", " OR 1=1 --", " OR 'a'='a",
    f"; SELECT pg_sleep({SLEEP}); --", f" AND 1=(SELECT 1 FROM pg_sleep({SLEEP})) --",
    f"||(SELECT pg_sleep({SLEEP}))||", " UNION SELECT NULL, version() --",
    f" RETURNING (SELECT pg_sleep({SLEEP}))", "::int",
    f"; COPY {SENTINEL} TO PROGRAM 'touch @'; --",
)  # fmt: skip
_SHELL = (
    "; touch @",
    "| touch @",
    "$(touch @)",
    "`touch @`",
    "&& touch @",
    "\n touch @",
    "%0a touch @",
)
_MARKUP = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>",
    "javascript:alert(1)", '"><b>x</b>', "{{7*7}}", "${7*7}", "<%= 7*7 %>", "#{7*7}", "@(7*7)",
)  # fmt: skip
_PATHS = (
    "../" * 8 + "etc/passwd", "..\\..\\windows\\win.ini", "/etc/passwd", "file:///etc/passwd",
    "%2e%2e%2f" * 4 + "etc/passwd", "....//....//etc/passwd", "/proc/self/environ", "~root/.ssh",
)  # fmt: skip
_HEADERS = (
    "x\r\nSet-Cookie: a=b", "x\nX-Injected: 1", "x%0d%0aX-Injected: 1", "x\r\n\r\n<html>",
    "x\u0085X-Injected: 1", "x\u2028X-Injected: 1", "\u560d\u560aX-Injected: 1",
)  # fmt: skip
_OTHER = (
    '{"$gt": ""}', '{"$where": "sleep(1)"}', "[$ne]=1", "*)(uid=*))(|(uid=*", "' or count(/*)=1",
    "\x00", "a\x00b", "\ufeff", "\u202egnp.exe", "\ud7ff", "NaN", "-1", "1e999", "0x7f", "true",
    "null",
    "undefined", "[]", "%", "%%", "%s%s%s%n", "_", "\\", "\\\\", "A" * 5000, "é" * 2000, "😀" * 99,
    "(a+)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "1\t2", " ", "\u3000", "__proto__", "constructor",
)  # fmt: skip


def strings(folder: Path) -> list[str]:
    """All of them, 300 and more; `@` is a file that a shell would make."""
    made = str(folder / "made-by-a-shell")
    sql = [end + one for end in _ENDS for one in _SQL]
    shell = [end + one for end in _ENDS for one in _SHELL]
    plain = [*_MARKUP, *_PATHS, *_HEADERS, *_OTHER]
    more = [f'"{one}' for one in (*_MARKUP, *_PATHS)] + [f"x{one}x" for one in _MARKUP]
    return [one.replace("@", made) for one in (*sql, *shell, *plain, *more)]


@pytest.fixture
def sentinel(database_of_module: str) -> Iterator[None]:
    """A table that is there before and is to be there, as it was, afterwards."""
    with connect(autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS ops.fuzz_sentinel AS SELECT 7 AS n")
    yield
    with connect(autocommit=True) as connection:
        left = connection.execute("SELECT n FROM ops.fuzz_sentinel").fetchall()
        connection.execute("DROP TABLE ops.fuzz_sentinel")
    assert left == [{"n": 7}]


def _ask(api: Api, filling: Filling, place: Place, text: str, key: str, number: int) -> str:
    """What is wrong with the answer to `text` in that place; '' when nothing is."""
    operation = place.operation
    query, headers = filling.query(operation), filling.headers(operation, number)
    path = filling.path(operation, text if place.kind == "path" else None, place.name)
    body = filling.body(operation, text if place.kind == "body" else "porque sim",
                        place.name if place.kind == "body" else "")  # fmt: skip
    if place.kind == "query":
        query[place.name] = text
    began = time.monotonic()
    try:
        sent: Any = headers
        if place.kind == "header":
            sent = {**headers, place.name: text.encode("utf-8", "surrogatepass")}
        answer = api.client.request(
            operation.method, path, params=query, headers={"X-API-Key": key, **sent}, json=body
        )
    except (httpx.LocalProtocolError, httpx.InvalidURL):
        return ""  # no client can send it
    seconds = time.monotonic() - began
    kind = answer.headers.get("content-type", "")
    if answer.status_code >= 500 or seconds >= SLEEP:
        return f"{answer.status_code} after {seconds:.1f} s"
    if "x-injected" in answer.headers or "set-cookie" in answer.headers:
        return "a header of the caller's"
    if kind.startswith("text/html") or (
        kind and answer.headers.get("x-content-type-options") != "nosniff"
    ):
        return f"a browser might take it for a page: {kind}"
    return "49" if "{{7*7}}" in text and '"49"' in answer.text else ""


def _sweep(api: Api, folder: Path, per_place: int) -> int:
    """Every place with `per_place` strings, other ones in each; how many were tried."""
    filling, key, tried = Filling(api, World()), new_key("admin"), 0
    all_of_them, wrong = strings(folder), []
    for turn, place in enumerate(filling.places()):
        if place.name == "last-event-id":
            continue  # it opens a stream, which has no end
        for step in range(per_place):
            text = all_of_them[(turn * 7 + step) % len(all_of_them)]
            said = _ask(api, filling, place, text, key, tried)
            wrong += [f"{place.operation.name} {place.kind} {place.name} {text!r}: {said}"] * bool(
                said
            )
            tried += 1
    assert wrong == [], f"{len(wrong)} of {tried}: " + "\n".join(wrong[:20])
    assert not (folder / "made-by-a-shell").exists()
    return tried


def test_there_are_three_hundred_of_them(tmp_path: Path) -> None:
    assert len(set(strings(tmp_path))) >= 300


@pytest.mark.row("R-082")
@pytest.mark.timeout(400)
def test_a_string_stays_a_string_in_every_place(api: Api, sentinel: None, tmp_path: Path) -> None:
    assert _sweep(api, tmp_path, 3) > 300


@pytest.mark.night("fuzz-injections")
@pytest.mark.row("R-082")
@pytest.mark.timeout(1480)
def test_three_hundred_strings_in_every_place(
    api: Api, sentinel: None, tmp_path: Path, record_property: Any
) -> None:
    record_property("requests", _sweep(api, tmp_path, len(strings(tmp_path))))
