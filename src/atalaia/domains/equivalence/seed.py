"""The policies and taxonomies that come with the product, as the house's: what every tenant uses
until it is bound to something of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from atalaia.domains.equivalence import catalog, data
from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.keep.audit import DEFAULT_TENANT
from atalaia.kernel.keep.keys import Who

_WHO = Who("atalaia", "up", "o que vem com o produto")


def seed() -> int:
    """Add what is not there yet; returns how much that was. What somebody made active, or bound,
    stays so."""
    policies, taxonomies = data.policies(), data.taxonomies()
    with transaction() as connection:
        added = sum(
            _add(connection, "policy", one.code, one.as_dict()) for one in policies.values()
        )
        added += sum(
            _add(connection, "taxonomy", one.area, one.as_dict()) for one in taxonomies.values()
        )
        bound = connection.execute(
            "SELECT FROM equivalence.bindings WHERE tenant_id = %s AND course = ''",
            (DEFAULT_TENANT,),
        ).fetchone()
        if bound is None:
            first = next(iter(policies))
            catalog.bind(connection, DEFAULT_TENANT, "", first, None, who=_WHO)
            added += 1
    return added


def _add(connection: Connection, kind: catalog.Kind, code: str, document: Mapping[str, Any]) -> int:
    standing = catalog.listed(connection, kind, DEFAULT_TENANT, code)
    in_use = any(one["active"] and one["tenant_id"] == DEFAULT_TENANT for one in standing)
    made = catalog.add(
        connection, kind, document, tenant_id=DEFAULT_TENANT, who=_WHO, activate=not in_use
    )
    return int(made["added"])
