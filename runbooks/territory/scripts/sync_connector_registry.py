"""Leva a lista de conectores do território a ops.connector_registry. Reexecutável."""

from _command import finish

from atalaia.domains.territory.manifest import DOMAIN
from atalaia.kernel.base.database import transaction
from atalaia.kernel.domain import sync_registry


def sync() -> int:
    """Escreve só o que mudou e diz quanto era."""
    with transaction() as connection:
        changed = sync_registry(DOMAIN, connection)
    print(f"ops.connector_registry: {len(DOMAIN.registry)} conectores, {changed} alterados.")
    return 0


finish(sync)
