"""The three materialized views and their refresh."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "006"
down_revision = "005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/006_materialized_views.sql")
