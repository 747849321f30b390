"""The rules that come before any content: approval, hours, age, something to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from atalaia.kernel.match.subjects import Policy, Subject
from atalaia.kernel.match.syllabus import read
from atalaia.kernel.match.verdict import HardRule

ASKS_A_PERSON = frozenset({"entrada_minima_origem", "entrada_minima_destino", "ano_desconhecido"})
"""Rules that, when not met, leave nothing to refuse on: a person decides."""


def of_origin(number: int, origin: Subject, policy: Policy, year: int) -> tuple[HardRule, ...]:
    """The rules one origin subject meets or breaks, `year` being the present one."""
    found = [
        HardRule(
            "aprovacao",
            origin.aprovado,
            f"{origin.nome}: " + ("aprovado." if origin.aprovado else "sem aprovação na origem."),
            number,
        )
    ]
    found += _age(number, origin, policy, year)
    words = read(origin.ementa).words
    found.append(
        HardRule(
            "entrada_minima_origem",
            words >= policy.minimum_words,
            f"{origin.nome}: ementa com {words} palavras de conteúdo; o mínimo é "
            f"{policy.minimum_words}.",
            number,
        )
    )
    return tuple(found)


def _age(number: int, origin: Subject, policy: Policy, year: int) -> list[HardRule]:
    if policy.max_age_years is None:
        return []
    if origin.ano_conclusao is None:
        text = f"{origin.nome}: ano de conclusão não informado."
        return [HardRule("ano_desconhecido", False, text, number)]
    age = year - origin.ano_conclusao
    text = f"{origin.nome}: concluída há {age} anos; o máximo é {policy.max_age_years}."
    return [HardRule("prazo", 0 <= age <= policy.max_age_years, text, number)]


def of_destination(destination: Subject, policy: Policy) -> HardRule:
    """Is there anything of the destination to compare with?"""
    words = read(destination.ementa).words
    text = f"Destino: ementa com {words} palavras de conteúdo; o mínimo é {policy.minimum_words}."
    return HardRule("entrada_minima_destino", words >= policy.minimum_words, text)


def hours(origins: Sequence[Subject], destination: Subject, policy: Policy) -> HardRule:
    """Do the hours of the origins, together, come to ceil(destination × tolerance)?"""
    share = Fraction(str(policy.hours))  # 60 × 0.7 is 42, and not 42.000…01
    least = math.ceil(Fraction(str(destination.carga_horaria)) * share)
    given = sum(origin.carga_horaria for origin in origins)
    text = f"Carga horária: {given:g} h de origem para um mínimo de {least} h."
    return HardRule("carga_horaria", given >= least, text)
