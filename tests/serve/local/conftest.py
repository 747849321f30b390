"""An instance of the tests' own: private servers, free ports, a state folder in a temporary one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_INHERITED = (
    "DATABASE_URL", "REDIS_URL", "ATALAIA_URL", "ATALAIA_TOKEN", "AUDIT_ANCHOR_KEY", "KEY_PEPPER",
    "LOG_DIR",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Instance:
    """A state folder and how `atalaia` is called for it."""

    state: Path
    data: Path

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a command: nothing of the caller's instance is in it."""
        clean = {k: v for k, v in os.environ.items() if k not in _INHERITED}
        own = {
            "ATALAIA_STATE_DIR": str(self.state),
            "DATA_DIR": str(self.data),
            "ATALAIA_PORT": "0",
        }
        return clean | own | dict(more or {})

    def run(
        self, *arguments: str, env: Mapping[str, str] | None = None, seconds: float = 100
    ) -> subprocess.CompletedProcess[str]:
        """`atalaia …` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "atalaia.serve.cli", *arguments],
            env=self.environment(env),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def up(self, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        """`atalaia up` without loading; what it printed."""
        done = self.run("up", "--no-load", "--format", "json", env=env)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def parts(self, env: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
        """Part → what `atalaia status` says of it."""
        done = self.run("status", "--format", "json", env=env)
        return {part["part"]: part for part in json.loads(done.stdout)["parts"]}


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance that is up; tests that break it put it up again."""
    folder = tmp_path_factory.mktemp("instance")
    instance = Instance(folder / "state", folder / "data")
    instance.up()
    try:
        yield instance
    finally:
        instance.run("down")
