"""The front end as it is served: its files, its pages, its headers."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import brotli
import httpx
import pytest
from tests.serve.api.server import Api, eventually, running

SCRIPT = "console.log('atalaia');\n" * 400
PAGE = "<!doctype html><html lang=pt-BR><title>Atalaia</title><div id=root></div>"
NOWHERE = "postgresql://nobody@127.0.0.1:1/none"  # pages do not need a database


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    dist = folder / "frontend" / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text(PAGE, encoding="utf-8")
    (dist / "assets" / "index-Ab12Cd34.js").write_text(SCRIPT, encoding="utf-8")
    (dist / "assets" / "font-Ab12Cd34.woff2").write_bytes(b"\0" * 5000)
    (dist / "assets" / "style-Ab12Cd34.css").write_text("a{}" * 900, encoding="utf-8")
    (dist / "assets" / "style-Ab12Cd34.css.br").write_bytes(brotli.compress(b"a{}" * 900))
    (dist / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")
    (dist / ".vite").mkdir()
    (dist / ".vite" / "manifest.json").write_text("{}", encoding="utf-8")
    (folder / "secret.txt").write_text("not for the web", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def api(home: Path) -> Iterator[Api]:
    with running(home, ATALAIA_HOME=str(home), DATABASE_URL=NOWHERE) as found:
        yield found


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/assets/index-Ab12Cd34.js", "text/javascript; charset=utf-8"),
        ("/assets/style-Ab12Cd34.css", "text/css; charset=utf-8"),
        ("/assets/font-Ab12Cd34.woff2", "font/woff2"),
        ("/favicon.svg", "image/svg+xml"),
    ],
)
def test_files_have_their_type_and_safe_headers(api: Api, path: str, type_: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, type_)
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "worker-src 'self' blob:" in policy
    assert "script-src 'self'" in policy
    assert "'unsafe-eval'" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-trace-id"]


def test_named_by_content_is_kept_for_ever_and_pages_are_asked_again(api: Api) -> None:
    assert "immutable" in api.get("/assets/index-Ab12Cd34.js").headers["cache-control"]
    for path in ("/", "/index.html", "/mapa", "/favicon.svg"):
        assert api.get(path).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/mapa", "/territorio/3121605", "/sala/execucoes?x=1"])
def test_any_page_is_the_one_page(api: Api, path: str) -> None:
    assert api.get(path).text == PAGE


def test_the_address_of_a_page_is_not_logged(api: Api) -> None:
    """Its path is whatever people type, and every one of them is answered with the page."""
    canary = "123.456.789-09x"
    trace = api.get(f"/mapa/{canary}/fim").headers["x-trace-id"]
    assert api.line_of(trace)["path"] == "(page)"
    assert canary not in api.raw_log()


@pytest.mark.parametrize(
    "path",
    [
        "/assets/gone-0000.js",
        "/robots.php",
        "/../secret.txt",
        "/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%2f..%2f..%2fsecret.txt",
        "/.vite/manifest.json",
        "/v1/nothing",
        "/v1/assets/index-Ab12Cd34.js",
    ],
)
def test_what_is_no_page_is_a_problem(api: Api, path: str) -> None:
    # As raw bytes: a client would tidy the dots away.
    request = httpx.Request("GET", api.url)
    request.url = httpx.URL(api.url, raw_path=path.encode())
    answer = api.client.send(request)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "not for the web" not in answer.text


def test_only_reading(api: Api) -> None:
    answer = api.client.post("/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_scripts_travel_compressed(api: Api, coding: str) -> None:
    path = "/assets/index-Ab12Cd34.js"
    with api.client.stream("GET", path, headers={"Accept-Encoding": coding}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert len(raw) < len(SCRIPT) / 5
    decoded = gzip.decompress(raw) if coding == "gzip" else brotli.decompress(raw)
    assert decoded.decode() == SCRIPT


def test_what_the_build_compressed_is_used(api: Api) -> None:
    path = "/assets/style-Ab12Cd34.css"
    with api.client.stream("GET", path, headers={"Accept-Encoding": "br"}) as answer:
        assert b"".join(answer.iter_raw()) == brotli.compress(b"a{}" * 900)


def test_what_is_compressed_already_is_not_again(api: Api) -> None:
    answer = api.get("/assets/font-Ab12Cd34.woff2", Accept_Encoding="br, gzip")
    assert "content-encoding" not in answer.headers


def test_unchanged_files_are_not_sent_again(api: Api) -> None:
    for path in ("/", "/assets/index-Ab12Cd34.js"):
        tag = api.get(path).headers["etag"]
        answer = api.get(path, If_None_Match=tag)
        assert (answer.status_code, answer.content) == (304, b"")


def test_head_of_a_page(api: Api) -> None:
    answer = api.client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_new_build_shows_without_a_restart(api: Api, home: Path) -> None:
    index = home / "frontend" / "dist" / "index.html"
    try:
        index.write_text(PAGE + "<!-- two -->", encoding="utf-8")
        eventually(lambda: api.get("/").text.endswith("<!-- two -->"), 5, "the new page")
    finally:
        index.write_text(PAGE, encoding="utf-8")
        eventually(lambda: api.get("/").text == PAGE, 5, "the old page")


def test_without_a_build_it_says_so_in_words(api: Api, home: Path) -> None:
    dist = home / "frontend" / "dist"
    os.rename(dist, dist.with_name("elsewhere"))
    try:
        eventually(lambda: api.get("/").status_code == 503, 5, "the missing front end noticed")
        answer = api.get("/")
        assert answer.json()["type"] == "/problems/front-end-missing"
        assert "npm" in answer.json()["detail"]
        assert api.get("/livez").status_code == 200
    finally:
        os.rename(dist.with_name("elsewhere"), dist)
    eventually(lambda: api.get("/").text == PAGE, 5, "the page again")
