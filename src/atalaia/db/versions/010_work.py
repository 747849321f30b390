"""Durable work: batches, items, the workers that have them in hand."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "010"
down_revision = "009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/010_work.sql")
