"""The warm choropleth on the very process `make up` starts, beside bare servers and tipg.

Against ATALAIA_URL (default http://127.0.0.1:8000): `make up` first. Peers run on free ports:
a bare ASGI app that sends the same constant bytes, a bare FastAPI endpoint that asks PostgreSQL for
json_agg on the same table, and tipg on the same table. wrk asks 30 different addresses in turn.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.request import Request, urlopen

import psycopg

from rig import Line, peers_python, report, side_by_side

URL = os.environ.get("ATALAIA_URL", "http://127.0.0.1:8000")
SECONDS, CONNECTIONS = 4, 8

BARE_ASGI = """
BODY = open({body!r}, 'rb').read()
HEADERS = [(b'content-type', b'application/json'), (b'content-encoding', b'gzip'),
           (b'content-length', str(len(BODY)).encode())]
async def app(scope, receive, send):
    if scope['type'] != 'http':
        return
    headers = HEADERS if {status} == 200 else []
    await send({{'type': 'http.response.start', 'status': {status}, 'headers': headers}})
    await send({{'type': 'http.response.body', 'body': BODY if {status} == 200 else b''}})
"""
BARE_JSON_AGG = """
import os
from fastapi import FastAPI, Response
from psycopg_pool import ConnectionPool
pool = ConnectionPool(os.environ['DATABASE_URL'], min_size=4, max_size=8, open=True)
app = FastAPI()
@app.get('/v')
def v(indicator: str, period: str) -> Response:
    with pool.connection() as c:
        found = c.execute(
            "SELECT json_agg(json_build_object('territory_id', territory_id, 'value', value))"
            "::text "
            "FROM gold.mv_map_choropleth WHERE indicator_code = %s AND reference_period = %s "
            "AND level = 'municipality'", (indicator, period)).fetchone()
    return Response(found[0], media_type='application/json')
"""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(python: str, source: str, env: dict[str, str] | None = None) -> Iterator[str]:
    """An ASGI app given as source, on uvicorn, on a free port."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "peer.py").write_text(source, encoding="utf-8")
        with _process(
            [
                python,
                "-m",
                "uvicorn",
                "peer:app",
                "--no-access-log",
                "--log-level",
                "error",
                "--port",
            ],
            folder,
            env,
        ) as url:
            yield url


@contextmanager
def _process(command: list[str], folder: str, env: dict[str, str] | None) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([*command, str(port)], cwd=folder, env={**os.environ, **(env or {})})
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def addresses() -> list[str]:
    """30 different choropleths: months of deaths."""
    months = [f"{y}-{m:02}" for y in (2017, 2018, 2019) for m in range(1, 13)][:30]
    return [
        f"/v1/geo/choropleth?indicator=deaths_total&period={p}&level=municipality" for p in months
    ]


def wrk(base: str, paths: list[str], headers: dict[str, str]) -> float:
    """Requests per second; any answer outside 2xx/3xx is an error of the benchmark."""
    quoted = ", ".join(json.dumps(p) for p in paths)
    fields = "".join(f'wrk.headers["{k}"] = {json.dumps(v)}\n' for k, v in headers.items())
    script = (
        f"{fields}local paths = {{{quoted}}}\nlocal i = 0\n"
        "request = function() i = i + 1; "
        "return wrk.format('GET', paths[(i % #paths) + 1]) end\n"
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        done = subprocess.run(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", file.name, base],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    assert "Non-2xx" not in done, done
    found = re.search(r"Requests/sec:\s+([\d.]+)", done)
    assert found, done
    return float(found.group(1))


def get(path: str, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """Body as it travels, and headers in lower case."""
    with urlopen(Request(URL + path, headers=headers), timeout=30) as answer:  # noqa: S310
        return answer.read(), {k.lower(): v for k, v in answer.headers.items()}


def warm() -> list[Line]:
    """Cached 200 and 304 beside a bare ASGI app sending the same bytes."""
    gzip, paths = {"Accept-Encoding": "gzip"}, addresses()
    bodies = [get(p, gzip) for p in paths]
    body, etag = bodies[0][0], bodies[0][1]["etag"]
    lines = []
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        for name, status, headers, asked in (
            ("warm choropleth", 200, gzip, paths),
            ("304 by ETag", 304, {**gzip, "If-None-Match": etag}, paths[:1]),
        ):
            source = BARE_ASGI.format(body=file.name, status=status)
            with serving(sys.executable, source) as bare:
                ours, theirs = side_by_side(
                    lambda a=asked, h=headers: wrk(URL, a, h),
                    lambda a=asked, h=headers, b=bare: wrk(b, a, h),
                )
            lines.append(
                Line(
                    f"{name} / bare ASGI, {len(body)} bytes",
                    ours,
                    theirs,
                    "req/s",
                    ours / theirs,
                    0.8,
                    at_most=False,
                )
            )
    return lines


def new_data_version() -> None:
    """Make every answer the API keeps old, and wait until it knows."""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        found = connection.execute(
            "UPDATE gold.data_version SET version = version + 1 RETURNING version::text"
        ).fetchone()
        assert found
        connection.execute("SELECT pg_notify('data_version', %s)", found)
    asked = "/v1/geo/choropleth?indicator=area_km2&period=2007&level=municipality"
    for _ in range(200):
        if str(json.loads(get(asked, {})[0])["data_version"]) == found[0]:
            return
        time.sleep(0.05)
    raise TimeoutError("the API did not follow the data version")


def in_turn(base: str, paths: list[str]) -> float:
    """Requests per second of one patient client."""
    host = base.removeprefix("http://")
    connection = HTTPConnection(host, timeout=30)
    began = time.perf_counter()
    for path in paths:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, (path, answer.status)
    return len(paths) / (time.perf_counter() - began)


def cold() -> list[Line]:
    """Questions new to the cache beside a bare json_agg endpoint asked the same, one at a time."""
    plain = [re.sub(r"^.*\?", "/v?", p) for p in addresses()]

    def ours() -> float:
        new_data_version()
        return in_turn(URL, addresses())

    with serving(sys.executable, BARE_JSON_AGG) as bare:
        in_turn(bare, plain)
        a, b = side_by_side(ours, lambda: in_turn(bare, plain), rounds=5)
    return [Line("cold choropleth / bare json_agg", a, b, "req/s", a / b, 0.8, at_most=False)]


def tipg() -> float:
    """tipg on the same table: items of one indicator and period."""
    env = {
        "DATABASE_URL": os.environ["DATABASE_URL"],
        "TIPG_DB_SCHEMAS": '["gold"]',
        "TIPG_DB_ONLY_SPATIAL_TABLES": "FALSE",
        "TIPG_MAX_FEATURES_PER_QUERY": "10000",
    }
    with _process(
        [peers_python(), "-m", "uvicorn", "tipg.main:app", "--log-level", "error", "--port"],
        tempfile.gettempdir(),
        env,
    ) as base:
        return wrk(
            base,
            [
                "/collections/gold.mv_map_choropleth/items?indicator_code=deaths_total"
                "&reference_period=2019-01&limit=6000&f=json"
            ],
            {},
        )


def main() -> bool:
    """Measure and report."""
    lines = [*warm(), *cold()]
    try:
        peer = f"{tipg():.1f} req/s for all items of one month"
    except (AssertionError, subprocess.CalledProcessError) as error:
        peer = f"not measured: {error}"
    shapes, _ = get("/v1/geo/shapes/municipality", {"Accept-Encoding": "br, gzip"})
    values, _ = get(addresses()[0], {"Accept-Encoding": "br, gzip"})
    first = (len(shapes) + len(values)) / 1000
    lines.append(Line("first map: shapes + values over the wire", first, 400, "kB", first / 400, 1))
    each = len(values) / 1000
    lines.append(Line("each further question", each, 40, "kB", each / 40, 1))
    return report("serve", lines, {"tipg": peer, "server": "the one of make up"})


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
