"""The manifest of bronze."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "003"
down_revision = "002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/003_bronze.sql")
