"""Checks have a subject, open and close corrective actions, and every run gets one."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "008"
down_revision = "003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/008_watch.sql")
