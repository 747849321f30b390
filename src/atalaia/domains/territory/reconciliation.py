"""Municipalities as a reconciliation service, and as a list that `atalaia match` compares with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from atalaia.domains.territory.municipality_names import forgiving, reconciler
from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.match.names import Name
from atalaia.kernel.match.reconciliation import Label, Service, Thing

_LISTED = """SELECT t.territory_id AS code, t.name, t.uf, t.ibge6, t.tse_code, s.name AS state
    FROM silver.dim_territory t JOIN silver.dim_territory s ON s.territory_id = t.parent_id
    WHERE t.level = 'municipality' AND t.kind = 'land' AND t.uf IS NOT NULL
      AND t.valid_to IS NULL
    ORDER BY t.territory_id"""
_PROPERTIES = (
    Label("uf", "UF"),
    Label("state", "Estado"),
    Label("ibge", "Código IBGE (7 dígitos)"),
    Label("ibge6", "Código IBGE (6 dígitos)"),
    Label("tse", "Código TSE"),
)


def municipalities() -> Service:
    """The service over the municipalities in the database as they are now; made anew only when
    they changed. Raises NotFound when there are none."""
    with transaction() as connection:
        listed = connection.execute(_LISTED).fetchall()
    if not listed:
        raise NotFound(
            "Não há municípios com que comparar. Nada foi carregado.",
            todo="Rode antes 'atalaia run ibge_admin --reference-period 2024'.",
        )
    return _made(tuple(tuple(row.items()) for row in listed))


@lru_cache(maxsize=1)
def _made(listed: tuple[tuple[tuple[str, Any], ...], ...]) -> Service:
    rows = [dict(row) for row in listed]
    states = {row["state"]: row["uf"] for row in rows}
    strict = reconciler([Name(row["code"], row["name"], row["uf"]) for row in rows], states)
    return Service(
        title="Municípios do Brasil (IBGE)",
        identifier_space="https://servicodados.ibge.gov.br/api/v1/localidades/municipios",
        schema_space="https://servicodados.ibge.gov.br/api/docs/localidades",
        kind=Label("municipality", "Município"),
        group=Label("uf", "UF"),
        properties=_PROPERTIES,
        view="/v1/territory/{{id}}/profile",
        things=[_thing(row) for row in rows],
        people=forgiving(strict, states),
    )


def _thing(row: Mapping[str, Any]) -> Thing:
    values = {
        "uf": row["uf"],
        "state": row["state"],
        "ibge": row["code"],
        "ibge6": row["ibge6"],
        "tse": row["tse_code"],
    }
    known = {name: str(value) for name, value in values.items() if value}
    told = f"município de {row['state']} ({row['uf']}), IBGE {row['code']}"
    return Thing(row["code"], row["name"], row["uf"], told, known)
