"""An instance does not lose its data, nor change a production schema, without a backup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from tests.migrations import BEFORE, NEWEST
from tests.serve.local.conftest import Instance

from atalaia.serve.local.layout import read_env

REFUSED = "Não há backup verificado com menos de 24 horas"


@pytest.fixture
def held(instance: Instance) -> Instance:
    """The instance, up, with a run in its ledger."""
    instance.up()
    with psycopg.connect(read_env(instance.state / "env")["DATABASE_URL"]) as connection:
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period,
                   run_status, finished_at_utc, actor, trigger, trace_id)
               VALUES (gen_random_uuid(), 'toy', 'toy', '2026', 'success', clock_timestamp(),
                   'ana', 'cli', 't')"""
        )
    return instance


def _tell_the_database(instance: Instance, *statements: str) -> None:
    with psycopg.connect(read_env(instance.state / "env")["DATABASE_URL"]) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextmanager
def _a_migration_to_come(instance: Instance) -> Iterator[None]:
    _tell_the_database(
        instance,
        f"UPDATE alembic_version SET version_num = '{BEFORE}' WHERE version_num = '{NEWEST}'",
        "CREATE TABLE public.aside AS "
        f"SELECT * FROM ops.schema_files WHERE path LIKE '%/{NEWEST}_%'",
        f"DELETE FROM ops.schema_files WHERE path LIKE '%/{NEWEST}_%'",
    )
    try:
        yield
    finally:
        _tell_the_database(
            instance,
            f"UPDATE alembic_version SET version_num = '{NEWEST}' WHERE version_num = '{BEFORE}'",
            "INSERT INTO ops.schema_files SELECT * FROM public.aside",
            "DROP TABLE public.aside",
        )


@pytest.mark.row("R-029", "E-034", "E-042")
def test_data_are_deleted_only_outside_production_for_a_reason_behind_a_backup(
    held: Instance,
) -> None:
    delete = ("down", "--delete-data")
    said = held.run(*delete, "--reason", "recomeçar", env={"ENV": "production"})
    assert (said.returncode, "produção" in said.stderr) == (64, True)
    said = held.run(*delete)
    assert (said.returncode, "--reason" in said.stderr) == (64, True)
    said = held.run(*delete, "--reason", "recomeçar")
    assert (said.returncode, REFUSED in said.stderr) == (2, True)
    assert {part["state"] for part in held.parts().values()} == {"up"}, "nothing was stopped"


@pytest.mark.row("R-029", "E-031", "E-045")
def test_up_and_restart_do_not_migrate_production_without_a_backup(held: Instance) -> None:
    with _a_migration_to_come(held):
        for words in (("up", "--no-load"), ("restart", "scheduler")):
            said = held.run(*words, env={"ENV": "production"})
            assert (said.returncode, REFUSED in said.stderr) == (2, True), said.stderr
    held.up()
