"""Runs of runbooks, their cells, who approved what."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "016"
down_revision = "015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/016_runbooks.sql")
