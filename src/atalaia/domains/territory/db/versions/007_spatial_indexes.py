"""Spatial, trigram and covering indexes."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "007"
down_revision = "006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/007_spatial_indexes.sql")
