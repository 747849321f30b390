"""How tests call the command line: in this process for what is quick, in one of its own else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from atalaia.serve.cli import main

Run = Callable[..., "Said"]


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left: its exit code and what it printed where."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def _nobody_elses_instance(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Commands must not find the developer's own `.atalaia/env`."""
    monkeypatch.setenv("ATALAIA_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`atalaia …` in this process."""

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["atalaia", *arguments])
        capsys.readouterr()
        code = main()
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def alone() -> Run:
    """`atalaia …` in a process of its own; `env` is added to the environment, None removes."""

    def run(*arguments: str, env: Mapping[str, str | None] | None = None) -> Said:
        changed = {**os.environ, **(env or {})}
        done = subprocess.run(
            [sys.executable, "-m", "atalaia.serve.cli", *arguments],
            env={name: value for name, value in changed.items() if value is not None},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run
