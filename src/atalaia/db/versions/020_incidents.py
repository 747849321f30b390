"""Whose an incident is, and what becomes of its post-mortem."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "020"
down_revision = ("018", "019")
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/020_incidents.sql")
