"""The runbook's folder, its text, and a shell that runs its lines as an operator would."""

from __future__ import annotations

import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "runbooks" / "territory"
_FENCE = re.compile(r"^```(\w+) \{name=([\w-]+)([^}]*)\}\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One fenced block of the runbook."""

    language: str
    text: str
    planned: bool


def blocks() -> dict[str, Block]:
    """The named blocks of runbook.md, in its order."""
    text = (FOLDER / "runbook.md").read_text(encoding="utf-8")
    found = _FENCE.findall(text)
    assert len({name for _, name, _, _ in found}) == len(found), "two blocks share a name"
    return {
        name: Block(language, body.strip(), "planned=true" in attributes)
        for language, name, attributes, body in found
    }


class Done(NamedTuple):
    """A finished command."""

    code: int
    out: str
    err: str


Shell = Callable[..., Done]
Prepare = Callable[[str], int]


@pytest.fixture
def shell() -> Shell:
    """Run a line in the runbook's folder, in this test's environment; `unset` names variables the
    line must not see."""

    def run(line: str, *, unset: tuple[str, ...] = (), **environment: str) -> Done:
        inherited = {name: value for name, value in os.environ.items() if name not in unset}
        programs = Path(sys.executable).parent
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=FOLDER,
            env=inherited | {"PATH": f"{programs}:{os.environ['PATH']}"} | environment,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return run


def _as_program(words: list[str], patch: pytest.MonkeyPatch) -> None:
    is_module = words[0] == "-m"
    patch.chdir(FOLDER)
    patch.setattr(sys, "argv", words[is_module:])
    if is_module:
        patch.syspath_prepend(str(FOLDER))
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        patch.syspath_prepend(str((FOLDER / words[0]).parent))
        runpy.run_path(str(FOLDER / words[0]), run_name="__main__")


@pytest.fixture
def prepare(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Prepare:
    """Run `python …` lines of the runbook inside this process, for what is not itself the test: the
    same modules and arguments, without starting Python each time. Returns the last exit code."""

    def run(lines: str) -> int:
        code = 0
        for line in lines.split(" && "):
            words = shlex.split(line)
            with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
                _as_program(words[1:], patch)
            code = int(ended.value.code or 0)
        capsys.readouterr()
        return code

    return run


@pytest.fixture(autouse=True)
def _forget_modules() -> Iterator[None]:
    """Modules of the runbook's folder belong to it alone: another folder has an `app` too."""
    yield
    for name in list(sys.modules):
        if name.split(".")[0] in ("app", "pipelines", "_command"):
            del sys.modules[name]
