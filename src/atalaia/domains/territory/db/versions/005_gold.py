"""The table dbt fills and the data version."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "005"
down_revision = "004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/005_gold.sql")
