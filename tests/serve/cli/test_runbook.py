"""atalaia runbook: listed, executed, stopped, approved by a key, resumed; its exit codes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.serve.api.server import new_key
from tests.serve.cli.conftest import Run

from atalaia.kernel.watch import runbook

HEAD = """---
title: Ensaio
severity: low
owner: casa
arguments:
  - {name: what, meaning: a palavra, pattern: "[a-z]+", example: sim, default: nada}
---
"""
CELLS = {
    "say": '```bash {name=say, interactive=false}\necho "disse $ARG_WHAT"\n```\n',
    "ask": "```bash {name=ask, interactive=false, confirm=true}\ntrue\n```\n",
    "harm": "```bash {name=harm, interactive=false, danger=true}\necho feito\n```\n",
    "fail": "```bash {name=fail, interactive=false}\nexit 9\n```\n",
}
Write = Callable[..., None]


@pytest.fixture
def written(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write the runbook `x` of these cells."""
    monkeypatch.setattr(runbook, "folder", lambda: tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setenv("ATALAIA_ACTOR", "bia")

    def write(*names: str) -> None:
        text = HEAD + "".join(CELLS[name] for name in names)
        (tmp_path / "x.md").write_text(text, encoding="utf-8")

    return write


def test_a_run_is_told_as_it_goes_and_kept(here: Run, written: Write) -> None:
    written("say")
    done = here("runbook", "run", "x", "--arg", "what=oi", "--reason", "ensaio", "-f", "json")
    assert done.code == 0
    assert "disse oi" in done.err
    run_id = json.loads(done.out)["run_id"]
    (listed,) = json.loads(here("runbook", "runs", "-f", "json").out)
    assert (listed["runbook_run_id"], listed["status"]) == (run_id, "succeeded")
    assert (listed["actor"], listed["reason"]) == ("bia", "ensaio")
    shown = json.loads(here("runbook", "runs", run_id).out)
    assert shown["cells"][0]["output"] == "disse oi\n"
    kept = here("audit", "list", "--stream", "runbooks", "-f", "json")
    assert {one["subject"] for one in json.loads(kept.out)} == {run_id}


def test_a_dry_run_and_a_refused_one_leave_nothing(here: Run, written: Write) -> None:
    written("say", "ask")
    dry = here("runbook", "run", "x", "--dry-run", "--reason", "ver")
    assert dry.code == 0
    assert 'echo "disse $ARG_WHAT"' in dry.err
    assert "disse nada" not in dry.err
    for wrong in (
        ["--reason", " "],
        ["--reason", "x", "--arg", "what=NÃO"],
        ["--reason", "x", "--arg", "what"],
        ["--reason", "x", "--cell", "nope"],
        ["--reason", "x"],  # 'ask' wants --yes, and nobody is there to be asked
        [],
    ):
        said = here("runbook", "run", "x", *wrong)
        assert (said.code, said.out) == (64, ""), said.err
    assert json.loads(here("runbook", "runs", "-f", "json").out) == []
    assert here("runbook", "run", "x", "--reason", "x", "--yes").code == 0


def test_a_failed_cell_is_2_and_is_resumed(here: Run, written: Write) -> None:
    written("say", "fail")
    done = here("runbook", "run", "x", "--reason", "ensaio", "-f", "json")
    assert done.code == 2
    assert "saiu com 9, e não com 0" in done.err
    run_id = json.loads(done.out)["run_id"]
    again = here("runbook", "resume", run_id, "--reason", "de novo", "-f", "json")
    assert again.code == 2
    assert [cell["attempts"] for cell in json.loads(again.out)["cells"]] == [1, 1]


def test_danger_is_1_until_another_persons_key_approves(
    here: Run, written: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    written("harm")
    done = here("runbook", "run", "x", "--reason", "ensaio", "--yes", "-f", "json")
    assert done.code == 1
    assert "feito" not in done.err
    run_id = json.loads(done.out)["run_id"]

    def approve(key: str) -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{key}\n"))
        return here("runbook", "approve", run_id, "--reason", "conferi").code

    assert [approve(key) for key in ("", "atl_nope", new_key("viewer"))] == [2, 2, 2]
    assert approve(new_key("operator", "other")) == 2
    monkeypatch.setenv("ATALAIA_ACTOR", "outra")  # a name alone is nobody
    assert here("runbook", "resume", run_id, "--reason", "x").code == 1
    assert approve(new_key("operator")) == 0
    done = here("runbook", "resume", run_id, "--reason", "aprovado")
    assert (done.code, "feito" in done.err) == (0, True)


def test_verify_is_2_when_a_command_is_gone(here: Run, written: Write, tmp_path: Path) -> None:
    written("say")
    assert here("runbook", "verify").code == 0
    text = HEAD + CELLS["say"].replace("echo", "atalaia shout; echo")
    (tmp_path / "x.md").write_text(text, encoding="utf-8")
    said = here("runbook", "verify", "x", "-f", "json")
    assert said.code == 2
    assert "shout" in json.loads(said.out)[0]["problem"]


def test_list_and_show(here: Run, written: Write) -> None:
    written("say", "harm")
    (listed,) = json.loads(here("runbook", "list", "-f", "json").out)
    assert (listed["name"], listed["owner"], listed["danger"]) == ("x", "casa", True)
    assert "echo feito" in here("runbook", "show", "x").out
    assert here("runbook", "show", "nope").code == 64
