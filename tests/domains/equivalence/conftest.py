"""A service with policies and a taxonomy of the test's own, and keys of two tenants."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from tests.serve.api.server import Api, new_key, running

from atalaia.domains.equivalence import catalog
from atalaia.kernel.base.database import transaction
from atalaia.kernel.keep import keys
from atalaia.kernel.keep.keys import Who

WHO = Who("test", "python", "test")
POLICY: dict[str, Any] = {"code": "padrao_75", "version": "1"}
TAXONOMY: dict[str, Any] = {
    "area": "calculo",
    "version": "1",
    "label": "Cálculo",
    "concepts": {
        "limite": ["limites", "limite*"],
        "derivada": ["derivadas", "derivad*"],
        "integral": ["integrais", "integra*"],
        "tfc": ["teorema fundamental do cálculo"],
    },
    "subjects": {"calculo_1": {"names": ["Cálculo I"], "critical": ["derivada"]}},
}
GOOD: dict[str, Any] = {
    "request_id": "r-1",
    "origem": {
        "nome": "Cálculo Diferencial e Integral I",
        "carga_horaria": 60,
        "ementa": "Limites e continuidade. Derivadas. Integrais. Teorema fundamental do cálculo.",
        "aprovado": True,
        "ano_conclusao": 2024,
    },
    "destino": {
        "nome": "Cálculo I",
        "carga_horaria": 60,
        "ementa": "Limites. Derivadas. Integrais. Teorema fundamental do cálculo. Continuidade.",
    },
}


def asked(request_id: str = "r-1", **changes: Any) -> dict[str, Any]:
    """A good request; `origem__ementa="…"` changes one field of a subject."""
    found = copy.deepcopy(GOOD) | {"request_id": request_id}
    for name, value in changes.items():
        first, _, second = name.partition("__")
        if second:
            found[first][second] = value
        else:
            found[first] = value
    return found


def furnish() -> None:
    """The house's policy and taxonomy, in use, and bound for everybody."""
    with transaction() as connection:
        for kind, document in (("policy", POLICY), ("taxonomy", TAXONOMY)):
            catalog.add(connection, kind, document, tenant_id="default", who=WHO, activate=True)  # type: ignore[arg-type]
        catalog.bind(connection, "default", "", "padrao_75", None, who=WHO)
        for tenant in ("uf", "other"):
            keys.create_tenant(connection, tenant, name=tenant, who=WHO)
            for quota in ("equivalence.evaluate", "equivalence.batch"):
                keys.set_quota(connection, tenant, quota, 100_000, who=WHO)


@pytest.fixture(scope="module")
def api(
    database_of_module: str, redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """A running API whose service is furnished."""
    furnish()
    with running(tmp_path_factory.mktemp("api"), REDIS_URL=redis) as found:
        yield found


@pytest.fixture(scope="module")
def client(api: Api) -> dict[str, str]:
    """The headers of a program of tenant `uf`."""
    return {"X-API-Key": new_key("client", "uf")}
