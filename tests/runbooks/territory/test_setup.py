"""Setting up by the book: schema, registry, contracts, readiness, DATABASE_URL."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.runbooks.territory.conftest import Prepare, Shell, blocks

from atalaia.kernel.base import migrate, schema
from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import Tampered

SCHEMAS = {"silver", "gold", "ops", "map"}


def dump(url: str) -> str:
    """The schema of a database as pg_dump tells it, without the marks that change on every call."""
    text = subprocess.check_output(["pg_dump", "-s", url], text=True)
    return "\n".join(line for line in text.splitlines() if not line.startswith("\\"))


def rows(query: str) -> list[dict[str, object]]:
    with connect(autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


@pytest.mark.row("T-007", "T-190")
def test_init_db_makes_the_schemas_and_a_second_time_changes_nothing(
    empty_database: str, shell: Shell
) -> None:
    first = shell(blocks()["init-db"].text)
    assert first.code == 0, first.err
    made = {row["nspname"] for row in rows("SELECT nspname FROM pg_namespace")}
    assert made >= SCHEMAS
    before, applied = dump(empty_database), rows("SELECT * FROM ops.schema_files")
    second = shell(blocks()["init-db"].text)
    assert (second.code, "0 novos" in second.out) == (0, True)
    assert "CREATE TABLE silver.fact_indicator" in before
    assert dump(empty_database) == before
    assert rows("SELECT * FROM ops.schema_files") == applied
    assert f"{len(applied)} novos" in first.out


@pytest.mark.row("T-190")
def test_migrations_are_applied_in_the_order_of_their_numbers_and_written_down(
    empty_database: str, prepare: Prepare
) -> None:
    prepare("python scripts/init_db.py")
    paths = [
        str(row["path"]) for row in rows("SELECT path FROM ops.schema_files ORDER BY applied_at")
    ]
    package = schema.folders()[""]
    written = [p for p in package.rglob("*.sql") if p.parent.parts[-2:] == ("db", "sql")]
    assert sorted(paths) == sorted(p.relative_to(package).as_posix() for p in written)
    for branch in ("db/sql/", "domains/territory/db/sql/"):
        of_branch = [path for path in paths if path.startswith(branch)]
        assert of_branch == sorted(of_branch)
    assert paths.index("db/sql/003_bronze.sql") < paths.index(
        "domains/territory/db/sql/004_silver.sql"
    )


@pytest.mark.row("T-190")
def test_an_applied_file_that_changed_is_refused_and_nothing_is_done(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dump(database)
    copy = tmp_path / "atalaia"
    package = schema.folders()[""]
    shutil.copytree(package / "db", copy / "db")
    others = schema.folders()
    monkeypatch.setattr(schema, "folders", lambda: others | {"": copy})
    monkeypatch.setattr(migrate, "folders", schema.folders)
    migrate.upgrade()
    changed = copy / "db/sql/002_ops.sql"
    changed.write_text(changed.read_text() + "-- one more line\n")
    with pytest.raises(Tampered, match=r"db/sql/002_ops\.sql was applied"):
        migrate.upgrade()
    assert dump(database) == before


@pytest.mark.row("T-008")
def test_the_registry_is_filled_once(database: str, shell: Shell) -> None:
    first = shell(blocks()["sync-registry"].text)
    assert first.code == 0, first.err
    listed = rows("SELECT * FROM ops.connector_registry ORDER BY connector")
    waves = [row for row in listed if str(row["wave"]).startswith("MVP-")]
    assert len(waves) == 22
    second = shell(blocks()["sync-registry"].text)
    assert (second.code, ", 0 alterados" in second.out) == (0, True)
    assert rows("SELECT * FROM ops.connector_registry ORDER BY connector") == listed


@pytest.mark.row("T-009")
def test_every_implemented_connector_gets_one_active_contract_once(
    database: str, shell: Shell, prepare: Prepare
) -> None:
    prepare(blocks()["sync-registry"].text)
    first = shell(blocks()["sync-contracts"].text)
    assert first.code == 0, first.err
    everything = "SELECT * FROM ops.source_schema_contracts ORDER BY connector, version"
    contracts = rows(everything)
    assert all(row["active"] and row["columns"] for row in contracts)
    implemented = rows(
        """SELECT connector FROM ops.connector_registry
           WHERE status IN ('implemented', 'partial') ORDER BY connector"""
    )
    assert [row["connector"] for row in contracts] == [row["connector"] for row in implemented]
    second = shell(blocks()["sync-contracts"].text)
    assert (second.code, "0 versões novas" in second.out) == (0, True)
    assert rows(everything) == contracts


@pytest.mark.row("T-010")
def test_readiness_is_0_on_a_good_database_and_not_with_a_table_gone(
    database: str, shell: Shell
) -> None:
    good = shell(blocks()["readiness"].text)
    assert (good.code, "readiness: ready" in good.out) == (0, True), good
    with connect(autocommit=True) as connection:
        connection.execute("DROP TABLE ops.connector_registry")
    bad = shell(blocks()["readiness"].text)
    assert bad.code == 2
    assert "■ schema: não existe ops.connector_registry" in bad.out


@pytest.mark.row("T-113")
def test_strict_readiness_refuses_a_warning(database: str, shell: Shell, prepare: Prepare) -> None:
    assert prepare(blocks()["readiness"].text) == 0
    strict = shell(blocks()["readiness-strict"].text)
    assert (strict.code, "▲ quality suite: ainda não rodou" in strict.out) == (1, True)


@pytest.mark.row("T-134")
def test_readiness_prints_json(database: str, shell: Shell) -> None:
    done = shell(blocks()["readiness-json"].text)
    found = json.loads(done.out)
    assert (found["hard_failures"], bool(found["warnings"])) == ([], True)


@pytest.mark.row("T-016")
def test_the_same_database_url_serves_psql_and_us(
    database: str, shell: Shell, prepare: Prepare
) -> None:
    line = blocks()["testar-conexao"].text
    assert line == 'psql $DATABASE_URL -c "SELECT 1;"'
    assert (shell(line).code, prepare("python scripts/backend_readiness.py")) == (0, 0)
    assert "postgresql+" not in database
    assert "3." in shell(blocks()["testar-postgis"].text).out


@pytest.mark.row("T-015")
@pytest.mark.parametrize(
    "line",
    [
        "python scripts/init_db.py",
        "python scripts/sync_connector_registry.py",
        "python scripts/sync_schema_contracts.py",
        "python scripts/backend_readiness.py",
        "python -m pipelines.quality_suite --reference-period 2025",
    ],
)
def test_an_unset_database_url_is_one_clear_message(
    shell: Shell, tmp_path: Path, line: str
) -> None:
    done = shell(line, unset=("DATABASE_URL",), ATALAIA_HOME=str(tmp_path))
    assert done.code == 64
    assert "DATABASE_URL" in done.err
    assert "Traceback" not in done.err


@pytest.mark.row("T-015")
def test_the_database_is_read_from_the_env_file(
    database: str, shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(f"DATABASE_URL={database}\n")
    done = shell(
        "python scripts/backend_readiness.py",
        unset=("DATABASE_URL",),
        ATALAIA_HOME=str(tmp_path),
    )
    assert done.code == 0, done.err
