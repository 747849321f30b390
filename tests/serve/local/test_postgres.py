"""The private PostgreSQL: durable, alone in its folder, stopped without touching anyone else."""

from __future__ import annotations

import psycopg
import pytest


def test_durability_is_on(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
            assert connection.execute(f"SHOW {name}").fetchone() == ("on",), name


def test_database_is_migrated_and_fresh(database: str) -> None:
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM ops.pipeline_runs").fetchone() == (0,)
        path = connection.execute("SHOW search_path").fetchone()
        assert path is not None
        assert path[0].startswith("ops, silver, gold")


@pytest.mark.row("T-016")
def test_unqualified_runbook_names_resolve(database: str) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("SELECT 1 FROM pipeline_runs")
