"""Backups and restore drills."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "012"
down_revision = "011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/012_backup.sql")
