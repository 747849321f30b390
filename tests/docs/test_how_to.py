"""docs/how-to.md: every command there is one that `atalaia` would take."""

from __future__ import annotations

import re

import pytest
from tests.docs.reference import DOCS

from atalaia.serve.cli.runbook_check import problems_in

LINES = [
    line
    for block in re.findall(r"```sh\n(.*?)```", (DOCS / "how-to.md").read_text("utf-8"), re.DOTALL)
    for line in block.splitlines()
]


def test_a_command_that_is_not_there_would_be_found() -> None:
    assert problems_in("atalaia explan x")
    assert problems_in("atalaia dlq correct 17 --because x")
    assert problems_in("atalaia runs --limit many")


@pytest.mark.parametrize("line", LINES)
def test_every_line_is_a_command(line: str) -> None:
    assert problems_in(line) == []


def test_every_task_has_a_command() -> None:
    assert len(LINES) > 30
