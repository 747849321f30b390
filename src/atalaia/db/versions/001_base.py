"""Schemas, extensions, search_path, text folding."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "001"
down_revision = None
branch_labels = ("kernel",)
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/001_base.sql")
