"""Access: keys with a pepper, links that sign in once, sessions."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "011"
down_revision = "010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/011_access.sql")
