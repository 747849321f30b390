"""Policies, taxonomies, who uses which, and every evaluation."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "equivalence_001"
down_revision = None
branch_labels = ("equivalence",)
depends_on = "019"


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/equivalence_001.sql")
