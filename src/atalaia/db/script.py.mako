"""${message}"""

from pathlib import Path

from atalaia.kernel.base.migrate import apply_sql

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    apply_sql(Path(__file__).parents[1] / "sql" / "${message}.sql")
