"""Alembic environment: applies the numbered SQL of the kernel and of each domain."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.migrate import verify_applied_files

engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=pool.NullPool)

with engine.connect() as connection:
    verify_applied_files(connection)
    context.configure(
        connection=connection, transaction_per_migration=True, version_table_schema="public"
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
