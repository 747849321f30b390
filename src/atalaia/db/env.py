"""Alembic environment: applies the numbered SQL of the kernel and of each domain."""

from __future__ import annotations

from functools import partial

from alembic import context
from psycopg.rows import tuple_row
from sqlalchemy import create_engine, pool

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.migrate import verify_applied_files

engine = create_engine(
    "postgresql+psycopg://",
    creator=partial(connect, row_factory=tuple_row),
    poolclass=pool.NullPool,
)

with engine.connect() as connection:
    verify_applied_files(connection)
    context.configure(
        connection=connection, transaction_per_migration=True, version_table_schema="public"
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
