"""Keys given out are nowhere to be found afterwards, and end everywhere at once."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.serve.api.server import Api, new_key, running

from atalaia.kernel.base.database import transaction
from atalaia.kernel.keep import keys, sessions
from atalaia.kernel.keep.export import export
from atalaia.kernel.keep.keys import Who
from atalaia.serve.local.postgres import programs

NIGHT = pytest.mark.night("access")
_TEST = Who("test", "python", "test")


@pytest.fixture(scope="module")
def apis(
    database_of_module: str, redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Api]]:
    """Two processes on one database."""
    folder = tmp_path_factory.mktemp("apis")
    with ExitStack() as stack:
        yield [stack.enter_context(running(folder, REDIS_URL=redis)) for _ in range(2)]


def command_lines() -> str:
    """Every process's command line on this machine, as `ps` shows them."""
    lines = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(process.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue  # it ended meanwhile
    return "\n".join(lines)


def pg_dump(url: str) -> str:
    program = str(programs() / "pg_dump")
    return subprocess.run(
        [program, "--format=plain", url], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.row("R-056", "E-043")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("count", [30, pytest.param(1000, marks=NIGHT)])
def test_no_key_is_in_dump_log_export_or_process_list(
    apis: list[Api], database_of_module: str, tmp_path: Path, count: int
) -> None:
    """Keys made over HTTP and used; a link and the cookie it gave. All of each is looked for, and
    its secret part alone."""
    api, admin, given = apis[0], new_key("admin"), []
    for number in range(count):
        wanted = {"name": f"n{number}", "role": "viewer", "reason": "r"}
        made = api.client.post("/v1/access/keys", headers={"X-API-Key": admin}, json=wanted)
        given.append(made.json()["key"][17:])
        assert api.get("/v1/ops/summary", X_API_Key=made.json()["key"]).status_code == 200
    with transaction() as connection:
        link = sessions.create_link(connection, name="a", role="viewer", who=_TEST)
        opened = sessions.open_session(connection, link)
    given += [admin[17:], link, opened.secret, opened.session.form_token]
    api.get("/v1/ops/summary", X_API_Key=given[0] + "x")
    api.line_of(api.get("/livez").headers["x-trace-id"])
    export(tmp_path / "audit.ndjson")
    places = {
        "dump": pg_dump(database_of_module),
        "log": api.raw_log(),
        "audit": (tmp_path / "audit.ndjson").read_text("utf-8"),
        "processes": command_lines(),
        "list": api.get("/v1/access/keys", X_API_Key=admin).text,
    }
    assert "api_keys" in places["dump"]
    assert "test_keys_at_rest" in places["processes"] or "pytest" in places["processes"]
    assert admin[:16] in places["dump"], "what is no secret is found: the search works"
    hits = [(name, place) for place, text in places.items() for name in given if name in text]
    assert hits == []
    assert os.environ["KEY_PEPPER"] not in places["dump"]


@pytest.mark.row("R-057", "E-043")
@pytest.mark.timeout(300)
@pytest.mark.parametrize("count", [20, pytest.param(100, marks=NIGHT)])
def test_a_revoked_key_and_an_ended_session_are_refused_by_every_process_within_a_second(
    apis: list[Api], count: int
) -> None:
    slowest = 0.0
    for number in range(count):
        key = new_key("viewer")
        with transaction() as connection:
            link = sessions.create_link(connection, name="a", role="viewer", who=_TEST)
            opened = sessions.open_session(connection, link)
        cookie = {"Cookie": f"atalaia_session={opened.secret}"}
        headers = {"X-API-Key": key} if number % 2 else cookie
        for api in apis:
            assert api.client.get("/v1/ops/summary", headers=headers).status_code == 200
        began = time.monotonic()
        with transaction() as connection:
            if number % 2:
                keys.revoke(connection, key[:16], who=_TEST)
            else:
                sessions.end(connection, opened.session.session_id, who=_TEST)
        for api in apis:
            assert api.client.get("/v1/ops/summary", headers=headers).status_code == 401
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 1.0
