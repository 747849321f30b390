"""The audit log: hash chains that only grow."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "009"
down_revision = "008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/009_audit.sql")
