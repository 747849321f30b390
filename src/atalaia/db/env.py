"""Alembic environment: applies the numbered SQL of the kernel and of each domain."""

from __future__ import annotations

from functools import partial

from alembic import context
from alembic.runtime.migration import RevisionStep
from psycopg.rows import tuple_row
from sqlalchemy import create_engine, pool

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.migrate import verify_applied_files
from atalaia.kernel.keep.guard import require_for_migration

engine = create_engine(
    "postgresql+psycopg://",
    creator=partial(connect, row_factory=tuple_row),
    poolclass=pool.NullPool,
)

# The kernel and each domain are a branch: the head an operator asks for is that of all of them.
_up_to = context.script._upgrade_revs


def _up_to_all(destination: str, current_rev: str) -> list[RevisionStep]:
    return _up_to("heads" if destination == "head" else destination, current_rev)


context.script._upgrade_revs = _up_to_all  # type: ignore[method-assign]

_READING = ("branches", "check", "current", "heads", "history", "show")


def _require_backup() -> None:
    """Before a production database is changed; looking at it, or having nothing to do, is free."""
    asked = getattr(getattr(context.config.cmd_opts, "cmd", [None])[0], "__name__", "upgrade")
    done = set(context.get_context().get_current_heads()) == set(context.script.get_heads())
    if asked not in _READING and not (asked == "upgrade" and done):
        require_for_migration(f"alembic {asked}")


with engine.connect() as connection:
    verify_applied_files(connection)
    context.configure(
        connection=connection, transaction_per_migration=True, version_table_schema="public"
    )
    _require_backup()
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
