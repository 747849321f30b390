"""Municipality names → IBGE codes: the list in `silver.dim_territory` and the rules in aliases.yml.

The list is the DTB that `ibge_admin` loads; names of other times are rules, with their evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.match.forgiving import Forgiving
from atalaia.kernel.match.names import Name, Reconciler
from atalaia.kernel.match.rules import Rules, read_rules

ALIASES = Path(__file__).with_name("aliases.yml")


@cache
def name_rules() -> Rules:
    """The rules of aliases.yml."""
    return read_rules(ALIASES)


def municipality_names() -> Reconciler:
    """A reconciler over the municipalities in the database. Raises NotFound when there are none."""
    with transaction() as connection:
        states = connection.execute(
            "SELECT name, uf FROM silver.dim_territory WHERE level = 'state' AND uf IS NOT NULL"
        ).fetchall()
        municipalities = _municipalities(connection)
    return reconciler(municipalities, {state["name"]: state["uf"] for state in states})


def reconciler(municipalities: Iterable[Name], states: Mapping[str, str]) -> Reconciler:
    """A reconciler over these municipalities and the rules. Groups are states, by abbreviation or
    by a name of `states` ({"Paraíba": "PB"})."""
    rules = name_rules()
    return Reconciler(
        [*municipalities, *rules.names],
        groups=states,
        spelling=rules.spelling,
        least_score=rules.least_score,
        margin=rules.margin,
    )


def forgiving(strict: Reconciler, states: Mapping[str, str]) -> Forgiving:
    """The same list for names that people type: slips of the hand are forgiven, by the rules. With
    `states` as `reconciler` has them."""
    return Forgiving(strict, name_rules().slips, states)


def municipality_codes() -> list[str]:
    """The IBGE codes in the database, 7 digits. Raises NotFound when there are none.

    Codes are looked up here, never checked by their last digit: nine real ones have it "wrong"."""
    with transaction() as connection:
        return [municipality.code for municipality in _municipalities(connection)]


def _municipalities(connection: Connection) -> list[Name]:
    found = connection.execute(
        """SELECT territory_id AS code, name, uf AS "group", valid_from, valid_to
           FROM silver.dim_territory
           WHERE level = 'municipality' AND kind = 'land' AND uf IS NOT NULL
           ORDER BY territory_id"""
    ).fetchall()
    if not found:
        raise NotFound(
            "Não há municípios com que comparar. Nada foi carregado.",
            todo="Rode antes 'atalaia run ibge_admin --reference-period 2024'.",
        )
    return [Name(**row) for row in found]
