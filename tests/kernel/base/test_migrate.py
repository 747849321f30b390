"""Migrations killed at each of their statements: run again they arrive, at the same schema."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import tuple_row
from tests.forks import Forks

from atalaia.kernel.base.database import connect

# What a schema is made of, in words that do not depend on when it was made.
_SCHEMA = """
    SELECT 'column', attrelid::regclass::text, attname, format_type(atttypid, atttypmod),
           attnotnull::text
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    WHERE attnum > 0 AND NOT attisdropped AND c.relnamespace::regnamespace::text = ANY(%(ours)s)
    UNION ALL
    SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), ''
    FROM pg_constraint WHERE connamespace::regnamespace::text = ANY(%(ours)s)
    UNION ALL
    SELECT 'index', tablename, indexname, indexdef, '' FROM pg_indexes
    WHERE schemaname = ANY(%(ours)s)
    UNION ALL
    SELECT 'view', schemaname, viewname, definition, '' FROM pg_views
    WHERE schemaname = ANY(%(ours)s)
    UNION ALL
    SELECT 'matview', schemaname, matviewname, definition, '' FROM pg_matviews
    WHERE schemaname = ANY(%(ours)s)
    UNION ALL
    SELECT 'function', p.oid::regprocedure::text, prosrc, proacl::text, '' FROM pg_proc p
    WHERE pronamespace::regnamespace::text = ANY(%(ours)s)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT 'trigger', tgrelid::regclass::text, tgname, tgenabled::text, '' FROM pg_trigger
    WHERE NOT tgisinternal
    UNION ALL SELECT 'file', path, sha256, '', '' FROM ops.schema_files
    UNION ALL SELECT 'version', version_num, '', '', '' FROM alembic_version
    UNION ALL SELECT 'tenant', tenant_id, name, '', '' FROM tenants
    ORDER BY 1, 2, 3, 4, 5
"""
_OURS = ["public", "ops", "bronze", "silver", "gold"]
UPGRADE = "tests.kernel.base.test_migrate:upgrade_until"
MOST_STATEMENTS = 500


def upgrade_until(statement: int) -> None:
    """Migrate, and die before the statement of that number (or before a commit, which is one)."""
    from sqlalchemy import Engine, event

    from atalaia.kernel.base.migrate import upgrade

    seen = 0

    def count(*_: Any) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)
    upgrade()


def schema(url: str) -> list[Any]:
    with connect(url=url, row_factory=tuple_row) as connection:
        return connection.execute(_SCHEMA, {"ours": _OURS}).fetchall()


def version(url: str) -> str:
    """The newest migration that is committed; '' when there is none."""
    with connect(url=url, autocommit=True, row_factory=tuple_row) as connection:
        try:
            row = connection.execute("SELECT string_agg(version_num, ',') FROM alembic_version")
        except psycopg.errors.UndefinedTable:
            return ""
        found = row.fetchone()
    return (found[0] if found else "") or ""


@pytest.mark.row("R-020")
@pytest.mark.parametrize(
    "every",
    [
        25,
        pytest.param(1, marks=[pytest.mark.night("durable-schema"), pytest.mark.timeout(900)]),
    ],
    ids=["sample", "whole"],
)
def test_killed_before_each_statement(
    empty_database: str, postgres: str, template: str, tmp_path: Path, every: int
) -> None:
    """A run that dies in a migration leaves nothing of it, so the next one dies a little later; one
    that got past it is counted from its beginning again."""
    clean = schema(postgres.rpartition("/")[0] + f"/{template}")
    statement, kills, at = 1, 0, ""
    with Forks("tests.kernel.base.test_migrate", "alembic.command", log=tmp_path / "log") as forks:
        while (code := forks.ended(forks.start(UPGRADE, statement))) != 0:
            assert code == -signal.SIGKILL
            kills += 1
            reached = version(empty_database)
            statement = 1 + every if reached != at else statement + every
            at = reached
            assert kills < MOST_STATEMENTS
    assert kills >= 60 // every
    assert schema(empty_database) == clean
