"""Numbered SQL of the kernel and the Alembic environment that applies it."""
