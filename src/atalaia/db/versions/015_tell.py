"""Events, channels, deliveries and their attempts."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "015"
down_revision = "014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/015_tell.sql")
