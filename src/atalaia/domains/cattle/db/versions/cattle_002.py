"""The watch of the feeding files."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "cattle_002"
down_revision = "cattle_001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/cattle_002.sql")
