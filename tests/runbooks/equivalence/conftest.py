"""A deployment whose database and role bear the names the manual prints (X-35)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from tests.conftest import PEPPER, forget_settings

FOLDER = Path(__file__).resolve().parents[3] / "runbooks" / "equivalence"
NAME = "equivalence"
Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def shell() -> Shell:
    """Run a line in the runbook's folder, in this test's environment."""

    def run(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-c", line],
            cwd=FOLDER,
            env={**os.environ, "PATH": programs, **environment},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def deployment(
    postgres: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a migrated database `equivalence`, its role's own; libpq's variables lead to
    its server, as in the container."""
    parts = conninfo_to_dict(postgres)
    role, folder = sql.Identifier(NAME), tmp_path_factory.mktemp("deployment")
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(role))
        server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))
        server.execute(sql.SQL("CREATE ROLE {} SUPERUSER LOGIN PASSWORD 'x'").format(role))
        server.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(role))
        url = f"postgresql://{NAME}:x@{parts['host']}:{parts['port']}/{NAME}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DATABASE_URL", url)
            patch.setenv("PGHOST", str(parts["host"]))
            patch.setenv("PGPORT", str(parts["port"]))
            patch.setenv("PGPASSWORD", "x")
            patch.setenv("DATA_DIR", str(folder / "data"))
            patch.setenv("LOG_DIR", str(folder / "logs"))
            patch.setenv("KEY_PEPPER", PEPPER)
            forget_settings()
            yield url
            forget_settings()
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(role))
        server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))
