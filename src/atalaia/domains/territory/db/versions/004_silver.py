"""Territories, their meshes and their facts."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "004"
down_revision = None
branch_labels = ("territory",)
depends_on = "003"


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/004_silver.sql")
