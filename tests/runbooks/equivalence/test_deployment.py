"""Migrations, backup and restore of the deployment the manual describes, by its own commands."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.domains.equivalence.conftest import asked, furnish
from tests.domains.equivalence.test_batch import accepted
from tests.runbooks.equivalence.conftest import FOLDER, NAME, Shell

from atalaia.domains.equivalence import batch
from atalaia.kernel.base.database import connect
from atalaia.kernel.keep.verify import verify
from atalaia.kernel.work.drain import drain

pytestmark = pytest.mark.usefixtures("deployment")
_COUNTED = (
    "tenants", "api_keys", "ops.audit_log", "ops.batches", "ops.work_items",
    "equivalence.policy_versions", "equivalence.bindings", "equivalence.equivalence_results",
)  # fmt: skip


def rows(query: str) -> list[dict[str, Any]]:
    with connect(autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def counts() -> dict[str, int]:
    return {one: rows(f"SELECT count(*) AS n FROM {one}")[0]["n"] for one in _COUNTED}


def chain() -> list[str]:
    return [row["hash"] for row in rows(
        "SELECT encode(hash, 'hex') AS hash FROM ops.audit_log ORDER BY stream, seq")]  # fmt: skip


@pytest.mark.row("E-029", "E-030", "X-35")
@pytest.mark.timeout(600)
def test_alembic_upgrade_head_makes_the_schema_and_again_changes_nothing(shell: Shell) -> None:
    first = shell("alembic upgrade head")
    assert first.returncode == 0, first.stderr
    applied = rows("SELECT version_num FROM alembic_version ORDER BY 1")
    heads = shell("alembic heads").stdout
    assert applied
    assert {row["version_num"] for row in applied} <= {line.split()[0] for line in
                                                       heads.splitlines()}  # fmt: skip
    files = rows("SELECT * FROM ops.schema_files ORDER BY path")
    again = shell("alembic upgrade head")
    assert (again.returncode, rows("SELECT * FROM ops.schema_files ORDER BY path")) == (0, files)
    assert {"domains/equivalence/db/sql/equivalence_001.sql"} <= {row["path"] for row in files}


@pytest.mark.row("E-031", "E-045")
def test_production_is_not_migrated_without_a_backup(shell: Shell) -> None:
    with connect(autocommit=True) as connection:
        connection.execute(
            """INSERT INTO ops.pipeline_runs
                   (run_id, job_name, domain, reference_period, actor, trigger, trace_id)
               VALUES (gen_random_uuid(), 'x', 'x', '2024', 'a', 'cli', '-')"""
        )
        connection.execute("DELETE FROM alembic_version WHERE version_num = 'equivalence_001'")
        try:
            refused = shell("alembic upgrade head", ENV="production")
            assert refused.returncode != 0
            assert "backup" in refused.stderr
            assert rows("SELECT FROM alembic_version WHERE version_num = 'equivalence_001'") == []
        finally:
            connection.execute("INSERT INTO alembic_version VALUES ('equivalence_001')")


@pytest.mark.row("E-035", "E-036", "E-037", "E-038", "E-039", "E-040", "X-21", "X-22", "X-35")
@pytest.mark.timeout(600)
def test_a_backup_comes_back_whole_over_a_full_database_and_into_an_empty_one(
    shell: Shell, tmp_path: Path, postgres: str
) -> None:
    furnish()
    accepted([asked(f"k-{n}") for n in range(20)])
    drain(batch.WORK)
    before, hashes = counts(), chain()
    assert before["equivalence.equivalence_results"] == 20
    target = tmp_path / "backup.dump"
    made = shell(f"scripts/backup.sh {target}")
    assert made.returncode == 0, made.stderr
    assert "equivalence_results" in shell(f"pg_restore -l {target}").stdout
    literal = tmp_path / "equiv_backup.dump"
    assert shell(f"pg_dump -U equivalence equivalence -Fc -f {literal}").returncode == 0

    accepted([asked(f"later-{n}") for n in range(3)])
    drain(batch.WORK)
    assert counts() != before
    over = shell(f"scripts/restore.sh {target}")
    assert over.returncode == 0, over.stderr
    assert (counts(), chain()) == (before, hashes)
    still_guarded_and_whole()

    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"DROP DATABASE {NAME} WITH (FORCE)".encode())
        server.execute(f"CREATE DATABASE {NAME} OWNER {NAME}".encode())
    assert shell(f"pg_restore -U equivalence -d equivalence --clean {literal}").returncode == 1
    with psycopg.connect(postgres, autocommit=True) as server:
        server.execute(f"DROP DATABASE {NAME} WITH (FORCE)".encode())
        server.execute(f"CREATE DATABASE {NAME} OWNER {NAME}".encode())
    empty = shell(f"scripts/restore.sh {target}")
    assert empty.returncode == 0, empty.stderr
    assert (counts(), chain()) == (before, hashes)
    assert rows("SELECT count(*) AS n FROM jobs")[0]["n"] == 1, "names without a schema resolve"
    still_guarded_and_whole()


def still_guarded_and_whole() -> None:
    assert all(finding.status != "fail" for finding in verify())
    with connect() as connection, pytest.raises(psycopg.errors.RaiseException, match="only grows"):
        connection.execute("DELETE FROM ops.audit_log")


@pytest.mark.row("E-037")
def test_a_file_that_is_no_backup_changes_nothing(shell: Shell, tmp_path: Path) -> None:
    before = counts()
    wrong = tmp_path / "backup.dump"
    wrong.write_bytes(io.BytesIO(b"not a dump").getvalue())
    assert shell(f"scripts/restore.sh {wrong}").returncode != 0
    assert shell("scripts/restore.sh /nowhere/backup.dump").returncode != 0
    assert counts() == before


@pytest.mark.row("E-034", "E-042")
def test_everything_is_deleted_only_by_who_says_so_twice_and_never_in_production(
    shell: Shell, tmp_path: Path
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/said\n', encoding="utf-8")
    docker.chmod(0o755)
    line = f'export PATH="{tmp_path}:$PATH"; printf "%s\\n" {{}} | scripts/reset.sh'
    production = shell(line.format("apagar equivalence"), ENV="production")
    assert (production.returncode, "recusado" in production.stderr) == (2, True)
    assert shell(line.format("sim sim"), ENV="development").returncode == 1
    assert not (tmp_path / "said").exists()
    assert shell(line.format("apagar equivalence"), ENV="development").returncode == 0
    said = (tmp_path / "said").read_text(encoding="utf-8").splitlines()
    assert said == ["compose down -v", "compose up -d --build"]
    assert (FOLDER / "scripts/reset.sh").stat().st_mode & 0o111
