"""Leva os contratos de schema do território a ops.source_schema_contracts. Reexecutável."""

from _command import finish

from atalaia.domains.territory.manifest import DOMAIN
from atalaia.kernel.base.database import transaction
from atalaia.kernel.domain import sync_contracts


def sync() -> int:
    """Um contrato que mudou vira a próxima versão; a anterior fica, inativa."""
    with transaction() as connection:
        added = sync_contracts(DOMAIN, connection)
    print(f"ops.source_schema_contracts: {added} versões novas.")
    return 0


finish(sync)
