"""The schedule, batches called off, corrected rows, the pace of sources."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "013"
down_revision = "012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/013_schedule.sql")
