"""Alerts, maintenance windows, incidents."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "014"
down_revision = "013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/014_alerts.sql")
