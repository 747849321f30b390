"""Canaries: what a person typed, wherever it was typed, is in no log, queue, error or record."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import quote

import pytest
from redis import Redis
from tests.canaries import CANARIES, everything_kept, hits
from tests.serve.api.server import Api, new_key

from atalaia.serve.cli import main


def routes(api: Api) -> list[tuple[str, str]]:
    """(method, path template) of every operation, and of what is none."""
    described = api.get("/openapi.json").json()["paths"]
    known = [(method, path) for path, one in described.items() for method in one]
    return [*known, ("get", "/v1/{anything}"), ("get", "/{page}"), ("post", "/v1/nothing/{x}")]


@pytest.mark.row("R-063", "E-044")
def test_nothing_typed_into_a_route_is_told_again(api: Api, redis: str) -> None:
    key, probes = new_key("operator"), 0
    for method, path in routes(api):
        for kind, canary in CANARIES.items():
            filled = re.sub(r"\{\w+\}", quote(canary, safe=""), path)
            probes += _ask(api, method, filled, key, {"q": canary, kind: canary}, canary)
    assert probes >= 20 * 20
    assert hits(api.get("/metrics").text) == []
    api.stop()
    log = api.raw_log()
    assert '"path":' in log
    assert hits(log) == []
    assert hits(everything_kept()) == []
    with Redis.from_url(redis) as queue:
        kept = b" ".join(queue.dump(name) or b"" for name in queue.scan_iter()) + b" ".join(
            queue.scan_iter()
        )
    assert hits(kept.decode("utf-8", "replace")) == []


def _ask(api: Api, method: str, path: str, key: str, query: dict[str, str], canary: str) -> int:
    """One request with the canary in path, query, headers and body; and the metrics' labels."""
    answer = api.client.request(
        method,
        path,
        params=query,
        headers={
            "X-API-Key": key.encode(),
            "User-Agent": canary.encode(),
            "Referer": f"http://x/?{quote(canary)}".encode(),
            "traceparent": quote(canary).encode(),
            "X-Request-Id": quote(canary).encode(),
        },
        content=None if method in ("get", "head") else json.dumps({"field": canary, canary: 1}),
    )
    assert answer.status_code != 500, (method, path, answer.text)
    return 4


@pytest.mark.row("R-063", "E-044")
@pytest.mark.parametrize(
    "command",
    [
        ("run", "{}", "-p", "2024"), ("run", "ibge_admin", "-p", "{}"), ("explain", "{}"),
        ("runs", "--job", "{}"), ("dlq", "discard", "1", "--reason", "{}"), ("wave", "{}"),
        ("cancel", "{}", "--reason", "{}"), ("audit", "list", "--actor", "{}"), ("{}",),
    ],
)  # fmt: skip
def test_what_is_typed_at_the_prompt_is_kept_nowhere(
    database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("ATALAIA_STATE_DIR", str(tmp_path / "state"))
    for canary in CANARIES.values():
        monkeypatch.setattr("sys.argv", ["atalaia", *(part.format(canary) for part in command)])
        main()
    logs = [path.read_text("utf-8", "replace") for path in tmp_path.rglob("*.log")]
    assert hits(" ".join(logs)) == []
    assert hits(everything_kept()) == []
