"""Runbooks over HTTP: durable work, followed; approved by another key than the one that asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.serve.api.server import new_key, serving

from atalaia.kernel.base.database import transaction
from atalaia.kernel.keep import keys
from atalaia.kernel.keep.keys import Role, Who
from atalaia.kernel.watch import runbook
from atalaia.kernel.work.drain import drain
from atalaia.serve.api.application import create
from atalaia.serve.worker import HANDLERS

HEAD = """---
title: Ensaio
severity: low
owner: casa
{more}arguments:
  - {{name: what, meaning: a palavra, pattern: "[a-z]+", example: sim}}
---
"""
CELLS = {
    "say": '```bash {name=say, interactive=false}\necho "disse $ARG_WHAT"\n```\n',
    "ask": "```bash {name=ask, interactive=false, confirm=true}\ntrue\n```\n",
    "harm": "```bash {name=harm, interactive=false, danger=true}\necho feito\n```\n",
}
Write = Callable[..., None]


@pytest.fixture
def written(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the runbook `x` of these cells."""
    monkeypatch.setattr(runbook, "folder", lambda: tmp_path)
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9")  # nobody to wake: `work` is called here
    monkeypatch.setenv("ATALAIA_STATE_DIR", str(tmp_path / "state"))

    def write(*names: str, more: str = "") -> None:
        text = HEAD.format(more=more) + "".join(CELLS[name] for name in names)
        (tmp_path / "x.md").write_text(text, encoding="utf-8")

    return write


@pytest.fixture
def client(written: Write) -> Iterator[httpx.Client]:
    """The application, in this process."""
    with serving(create()) as url, httpx.Client(base_url=url) as found:
        yield found


def named_key(name: str, role: Role = "operator") -> dict[str, str]:
    """The headers of somebody of that name."""
    with transaction() as connection:
        made = keys.create(connection, name=name, role=role, who=Who("test", "python", "test"))
    return {"X-API-Key": made.secret}


def work() -> None:
    """What a woken worker does."""
    drain(HANDLERS)


def asked(client: httpx.Client, who: dict[str, str], key: str = "a" * 8, **more: Any) -> Any:
    """A request for a run of `x`."""
    body = {"runbook": "x", "arguments": {"what": "oi"}, "reason": "ensaio"} | more
    return client.post("/v1/runbook-runs", json=body, headers=who | {"Idempotency-Key": key})


def test_asked_for_once_executed_once_and_followed(client: httpx.Client, written: Write) -> None:
    written("say")
    ana, viewer = named_key("ana"), {"X-API-Key": new_key("viewer")}
    first = asked(client, ana)
    assert first.status_code == 202
    run_id = first.json()["id"]
    assert asked(client, ana).json()["id"] == run_id
    assert asked(client, ana, arguments={"what": "outra"}).status_code == 409
    work()
    work()
    run = client.get(f"/v1/runbook-runs/{run_id}", headers=viewer).json()
    assert (run["status"], run["trigger"], run["reason"]) == ("succeeded", "api", "ensaio")
    assert run["actor"].startswith("ana (atl_")
    assert [(one["output"], one["attempts"]) for one in run["cells"]] == [("disse oi\n", 1)]
    listed = client.get("/v1/runbook-runs?runbook=x", headers=viewer).json()
    assert [one["runbook_run_id"] for one in listed["items"]] == [run_id]


def test_what_cannot_be_executed_so_is_refused(client: httpx.Client, written: Write) -> None:
    written("say", "ask")
    ana = named_key("ana")
    assert "confirmação" in asked(client, ana).json()["detail"]
    assert asked(client, ana, arguments={}).status_code == 400
    assert asked(client, ana, arguments={"what": "X; ls"}).status_code == 400
    assert asked(client, ana, cell="nope").status_code == 404
    assert asked(client, ana, runbook="nope").status_code == 404
    assert asked(client, ana, reason=" ").status_code == 422
    written("say", more="place: terminal\n")
    assert "terminal" in asked(client, ana).json()["detail"]
    assert asked(client, {"X-API-Key": new_key("auditor")}).status_code == 403
    assert client.get("/v1/runbook-runs", headers=ana).json()["items"] == []


def test_danger_goes_on_when_another_person_approves(client: httpx.Client, written: Write) -> None:
    written("say", "harm")
    ana, bia = named_key("ana"), named_key("bia")
    run_id = asked(client, ana).json()["id"]
    path = f"/v1/runbook-runs/{run_id}"
    yes = {"reason": "conferi"}
    assert client.post(f"{path}/approve", json=yes, headers=bia).status_code == 409, "not yet"
    work()
    assert client.get(path, headers=ana).json()["status"] == "waiting"
    for who in (ana, named_key("ana", "admin"), {"X-API-Key": new_key("viewer")}):
        assert client.post(f"{path}/approve", json=yes, headers=who).status_code == 403
    work()
    assert client.post(f"{path}/resume", json=yes, headers=ana).status_code == 202
    work()
    assert client.get(path, headers=ana).json()["status"] == "waiting"
    done = client.post(f"{path}/approve", json=yes, headers=bia)
    assert (done.status_code, done.json()["cell"], done.json()["goes_on"]) == (200, "harm", True)
    work()
    run = client.get(path, headers=ana).json()
    assert (run["status"], run["cells"][1]["output"]) == ("succeeded", "feito\n")
    assert run["cells"][1]["approved_by"].startswith("bia (atl_")
    assert run["cells"][0]["attempts"] == 1
    assert client.post(f"{path}/resume", json=yes, headers=ana).status_code == 409


def test_lists_and_texts(client: httpx.Client, written: Write, tmp_path: Path) -> None:
    written("say", "harm")
    (tmp_path / "bad.md").write_text("---\ntitle: x\n---\n", encoding="utf-8")
    viewer = {"X-API-Key": new_key("viewer")}
    listed = client.get("/v1/runbooks", headers=viewer).json()
    assert [one["name"] for one in listed["items"]] == ["x"]
    assert "bad" in listed["broken"][0]
    shown = client.get("/v1/runbooks/x", headers=viewer).json()
    assert [one["name"] for one in shown["cells"]] == ["say", "harm"]
    assert shown["arguments"][0]["pattern"] == "[a-z]+"
    assert "title:" not in shown["text"]
    assert client.get("/v1/runbooks").status_code == 401
    assert client.get("/v1/runbooks/..%2Fx", headers=viewer).status_code == 422
