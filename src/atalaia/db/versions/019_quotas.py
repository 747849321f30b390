"""How often a tenant may ask for what is counted by tenant."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "019"
down_revision = "018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/019_quotas.sql")
