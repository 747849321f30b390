"""A migration that failed keeps the programs from starting, and says which and what to do."""

from __future__ import annotations

import psycopg
import pytest
from tests.serve.cli.conftest import Run

from atalaia.kernel.base.migrate import upgrade


@pytest.mark.row("E-027")
def test_a_broken_migration_keeps_every_program_from_starting(
    alone: Run, empty_database: str, redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The migration really fails: a table of its name is in its way."""
    monkeypatch.setenv("REDIS_URL", redis)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA ops; CREATE TABLE ops.work_items (n integer)")
    with pytest.raises(Exception, match="work_items"):
        upgrade()
    for program in (("serve", "--port", "0"), ("worker",), ("scheduler",)):
        said = alone(*program)
        assert said.code == 2
        assert "Falta aplicar ao banco" in said.err
        assert "010_work" in said.err
        assert "alembic upgrade heads" in said.err
        assert "Traceback" not in said.err


def test_a_newer_schema_and_an_absent_database_keep_nobody(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.conftest import forget_settings

    from atalaia.kernel.base.schema import require_complete

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("INSERT INTO ops.schema_files VALUES ('db/sql/999_later.sql', 'x')")
    require_complete()
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:9/none")
    forget_settings()
    require_complete()
