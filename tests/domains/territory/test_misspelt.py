"""Names as hands write them: most are decided, none wrongly, and the rest goes to a person."""

from __future__ import annotations

from functools import cache

import pytest
from tests.domains.territory.ground import municipalities
from tests.domains.territory.misspelt import misspelt

from atalaia.domains.territory.municipality_names import forgiving, reconciler
from atalaia.kernel.match.forgiving import Forgiving
from atalaia.kernel.match.names import Name, Reconciler

LEAST_DECIDED = 0.90
NIGHT_SEEDS = range(1000, 1150)


@cache
def strict() -> Reconciler:
    """The rules of what sources publish."""
    return reconciler(
        [Name(m.code, m.name, m.uf) for m in municipalities()],
        {m.state: m.uf for m in municipalities()},
    )


@cache
def people() -> Forgiving:
    """The rules of what people type."""
    return forgiving(strict(), {m.state: m.uf for m in municipalities()})


def _tally(seed: int, count: int) -> tuple[int, list[tuple[str, str, str]]]:
    """How many were decided, and those decided wrongly; the others have their reason."""
    decided, wrong = 0, []
    for uf, written, code in misspelt(municipalities(), seed, count):
        decision = people().decide(uf, written)
        if decision.code is None:
            assert decision.reason, written
        else:
            decided += 1
            if decision.code != code:
                wrong.append((uf, written, decision.code))
    return decided, wrong


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nine_of_ten_slips_are_decided_and_none_wrongly(seed: int) -> None:
    decided, wrong = _tally(seed, 500)
    assert not wrong
    assert decided >= LEAST_DECIDED * 500


@pytest.mark.night("matching")
@pytest.mark.parametrize("seed", NIGHT_SEEDS)
def test_no_seed_has_a_wrong_decision(seed: int) -> None:
    decided, wrong = _tally(seed, 1000)
    assert not wrong
    assert decided >= LEAST_DECIDED * 1000


def test_the_slips_are_real_slips_and_not_what_the_strict_rules_know_already() -> None:
    drawn = list(misspelt(municipalities(), 1, 500))
    known = sum(strict().decide(uf, written).code == code for uf, written, code in drawn)
    assert known < 0.4 * len(drawn)
    assert len({written for _, written, _ in drawn}) > 480


def test_what_is_not_decided_goes_to_review_with_the_nearest_names() -> None:
    undecided = [
        (people().decide(uf, written), code)
        for uf, written, code in misspelt(municipalities(), 4, 500)
        if people().decide(uf, written).code is None
    ]
    assert undecided
    meant = sum(code in {c.code for c in decision.candidates} for decision, code in undecided)
    assert meant >= 0.8 * len(undecided)


def test_every_name_of_brazil_keeps_its_code_and_none_is_taken_for_a_neighbour() -> None:
    """A name that stands in another state is a wrong state, not a slip."""
    for place in municipalities():
        decision = people().decide(place.uf, place.name)
        assert (decision.code, decision.method) == (place.code, "exact")
    names = sorted({place.name for place in municipalities()})
    for uf in ("CE", "GO", "SP", "TO"):
        for name in names:
            assert people().decide(uf, name).code == strict().decide(uf, name).code, (uf, name)


@pytest.mark.parametrize(
    ("uf", "written", "code"),
    [
        ("SP", "S. José dos Campos", "3549904"),
        ("SP", "Mun. de São José do Rio Preto", "3549805"),
        ("SP", "SÃ£o Paulo", "3550308"),
        ("SP", "S�o Paulo", "3550308"),
        ("SP", "Ribeirao  Prteo", "3543402"),
        ("RN", "Gal. Sampaio", None),  # General Sampaio is in Ceará
        ("CE", "Gal. Sampaio", "2304608"),
        ("CE", "Jaguaripe", None),  # Jaguaribe is of Ceará, Jaguaripe of Bahia
        ("TO", "Sta. Terezinha do Tocantins", "1720002"),
        ("SP", "Osasco - SP", "3534401"),
        ("SP", "Osasco/SP", "3534401"),
        ("MG", "Sta. Bárbara", "3157203"),
        ("SP", "S", None),
        ("SP", "???", None),
        ("SP", "Mun. de", None),
        ("ZZ", "S. José dos Campos", None),
    ],
)
def test_a_slip_is_forgiven_or_refused(uf: str, written: str, code: str | None) -> None:
    assert people().decide(uf, written).code == code
