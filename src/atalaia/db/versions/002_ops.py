"""The ledger: runs, checks, registry, contracts, dead letters."""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = "002"
down_revision = "001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the file."""
    apply_sql(Path(__file__).parents[1] / "sql/002_ops.sql")
