"""Feeding files, how each of them fares, and the rows they brought."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "cattle_001"
down_revision = None
branch_labels = ("cattle",)
depends_on = "018"


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/cattle_001.sql")
