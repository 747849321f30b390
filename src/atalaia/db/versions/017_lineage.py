"""Which events about runs were told to the OpenLineage receiver."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "017"
down_revision = "016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/017_lineage.sql")
