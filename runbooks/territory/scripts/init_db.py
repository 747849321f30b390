"""Cria ou atualiza o banco de DATABASE_URL. Reexecutável: nada é aplicado duas vezes."""

from _command import finish

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.migrate import upgrade


def applied() -> int:
    """Quantos arquivos de db/sql o banco já tem."""
    with transaction() as connection:
        ledger = connection.execute("SELECT to_regclass('ops.schema_files') AS it").fetchone()
        if not ledger or ledger["it"] is None:
            return 0
        return len(connection.execute("SELECT FROM ops.schema_files").fetchall())


def init_db() -> int:
    """Aplica o que falta e diz quanto era."""
    before = applied()
    upgrade()
    print(f"db/sql: {applied()} arquivos aplicados, {applied() - before} novos.")
    return 0


finish(init_db)
