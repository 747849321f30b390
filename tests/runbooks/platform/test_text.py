"""The platform's runbooks as texts: every command they print exists, every alert has one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from atalaia.kernel.base.settings import project_dir
from atalaia.kernel.watch import runbook
from atalaia.serve.cli.runbook_check import problems_of
from atalaia.serve.watching import rules

NAMES = [name for name in runbook.names() if name.startswith("platform/")]
HEAD = """---
title: Ensaio
severity: low
owner: casa
arguments:
  - {name: source, meaning: a fonte, pattern: "[a-z_]+", example: ibge_admin}
  - {name: letter, meaning: o número, pattern: "[0-9]+", example: "7"}
---
"""


@pytest.mark.parametrize("name", NAMES)
def test_every_command_of_the_runbook_exists(name: str) -> None:
    assert problems_of(name) == []


def test_every_file_of_the_folder_is_one() -> None:
    files = (project_dir() / "runbooks/platform").glob("*.md")
    assert sorted(f"platform/{file.stem}" for file in files) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_it_says_how_it_is_seen_what_is_done_and_when_it_is_over(name: str) -> None:
    text = runbook.find(name).text
    places = [text.find(f"\n## {part}\n") for part in ("Como se vê", "O que fazer")]
    places.append(text.find("\n## Como saber que acabou\n"))
    assert -1 not in places
    assert places == sorted(places)


def test_every_alert_has_its_runbook_and_that_says_so() -> None:
    answered = {rule.id: rule.runbook for rule in rules()}
    assert len(answered) > 15
    assert {one for one in answered.values() if one not in runbook.names()} == set()
    said = {alert: name for name in runbook.names() for alert in runbook.find(name).head.alerts}
    assert said == answered


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is said of a cell with this source."""
    monkeypatch.setattr(runbook, "folder", lambda: tmp_path)

    def said(source: str) -> str:
        used = 'echo "$ARG_SOURCE" "$ARG_LETTER"\n'
        fence = f"```bash {{name=one, interactive=false}}\n{source}\n{used}```\n"
        (tmp_path / "x.md").write_text(HEAD + fence, encoding="utf-8")
        return "; ".join(problems_of("x"))

    return said


@pytest.mark.parametrize(
    "source",
    [
        "atalaia ps",
        'atalaia ps --format table && atalaia runs --job "$ARG_SOURCE" --limit 5',
        'atalaia dlq replay "$ARG_LETTER" --reason "$RUNBOOK_REASON"',
        "atalaia ps | grep -c up || true",
        "atalaia backup list -f json > /dev/null 2>&1",
        "LANG=C ls /",
        "atalaia \\\n  ps",
    ],
)
def test_what_exists_is_let_through(problems: Any, source: str) -> None:
    assert problems(source) == ""


@pytest.mark.parametrize(
    ("source", "about"),
    [
        ("atalaia pss", "pss"),
        ("atalaia", "qual comando"),
        ("atalaia dlq", "qual comando"),
        ("atalaia dlq shout 7", "shout"),
        ("atalaia ps --loud", "--loud"),
        ("atalaia ps more", "more"),
        ("atalaia ps --format xml", "xml"),
        ("atalaia dlq replay 7", "--reason"),
        ('atalaia dlq replay "$ARG_SOURCE" --reason x', "inteiro"),
        ("true && atalaia pss", "pss"),
        ("true; atalaia pss", "pss"),
        ("true | atalaia pss", "pss"),
        ("LANG=C atalaia pss", "pss"),
        ("atalaia ps > /dev/null 2>&1; atalaia pss", "pss"),
        ("no-such-program --now", "no-such-program"),
        ("echo $ARG_SOURCE", "aspas"),
        ('echo "$ARG_YEAR"', "ARG_YEAR"),
        ('echo "$(atalaia pss)"', "esconde"),
        ("echo `atalaia pss`", "esconde"),
        ("cat <<END\natalaia pss\nEND", "esconde"),
        ("eval atalaia pss", "eval"),
        ("if true; then atalaia pss; fi", "if"),
        ("atalaia ps )", "não é shell"),
    ],
)
def test_what_does_not_exist_is_named(problems: Any, source: str, about: str) -> None:
    assert about in problems(source)


def test_an_argument_that_nothing_uses_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runbook, "folder", lambda: tmp_path)
    fence = "```bash {name=one, interactive=false}\ntrue\n```\n"
    (tmp_path / "x.md").write_text(HEAD + fence, encoding="utf-8")
    assert len(problems_of("x")) == 2
