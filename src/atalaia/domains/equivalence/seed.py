"""The policies and taxonomies that come with the product, as the house's: what every tenant uses
until it is bound to something of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from atalaia.domains.equivalence import catalog
from atalaia.kernel.base.database import transaction
from atalaia.kernel.keep.audit import DEFAULT_TENANT
from atalaia.kernel.keep.keys import Who

DATA = Path(__file__).parent / "data"
DEFAULT_POLICY = "padrao_75"
_WHO = Who("atalaia", "up", "políticas e taxonomias que vêm com o produto")


def seed(folder: Path = DATA) -> int:
    """Add what is not there yet; returns how much that was. What somebody else made active, or
    bound, stays so."""
    if not folder.exists():
        return 0
    with transaction() as connection:
        added = sum(
            _add(connection, "policy", one) for one in _documents(folder / "policies.yml")
        ) + sum(
            _add(connection, "taxonomy", one)
            for path in sorted((folder / "taxonomies").glob("*.yml"))
            for one in _documents(path)
        )
        bound = connection.execute(
            "SELECT FROM equivalence.bindings WHERE tenant_id = %s AND course = ''",
            (DEFAULT_TENANT,),
        ).fetchone()
        if bound is None:
            catalog.bind(connection, DEFAULT_TENANT, "", DEFAULT_POLICY, None, who=_WHO)
            added += 1
    return added


def _add(connection: Any, kind: catalog.Kind, document: Mapping[str, Any]) -> int:
    code = document["code" if kind == "policy" else "area"]
    first = not any(
        one["active"] and one["tenant_id"] == DEFAULT_TENANT
        for one in catalog.listed(connection, kind, DEFAULT_TENANT, code)
    )
    made = catalog.add(
        connection, kind, document, tenant_id=DEFAULT_TENANT, who=_WHO, activate=first
    )
    return int(made["added"])


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    yield from said if isinstance(said, list) else [said]
