"""Forgiving: what a slip may be taken for, with names of no real place."""

from __future__ import annotations

import pytest

from atalaia.kernel.match.forgiving import Forgiving
from atalaia.kernel.match.names import Name, Reconciler
from atalaia.kernel.match.slips import Slips, decoded, forgiven, lost_letters

SLIPS = Slips(("vila de",), {"s": ("sao", "santa"), "n": ("nova",)})
NAMES = [
    Name("1", "São Portela", "A"),
    Name("2", "Santa Lagoa", "A"),
    Name("3", "Nova Lagoa", "A"),
    Name("4", "Campestre", "A"),
    Name("5", "Campistra", "A"),
    Name("6", "Itu", "A"),
    Name("7", "São Lagarto", "A"),
    Name("8", "Santa Lagarto", "A"),
    Name("9", "Laranjeiras", "A"),
    Name("10", "Laranjeira", "B"),
    Name("11", "Ângulo", "B"),
]
GROUPS = {"Estado A": "A", "Estado B": "B"}


def _forgiving(names: list[Name] | None = None) -> Forgiving:
    return Forgiving(Reconciler(names or NAMES, groups=GROUPS), SLIPS, GROUPS)


@pytest.mark.parametrize(
    ("group", "written", "code"),
    [
        ("A", "S. Portela", "1"),
        ("A", "S. Lagoa", "2"),  # it could be São or Santa, but only one of them exists
        ("A", "N. Lagoa", "3"),
        ("A", "S. Lagarto", None),  # both exist
        ("A", "Vila de Laranjeiras", "9"),
        ("A", "Laranjeiras (A)", "9"),
        ("A", "Laranjeiras, Estado A", "9"),
        ("A", "Laranjeirs", "9"),
        ("A", "Laranjeira", None),  # that is a name of B: the group is wrong, not the name
        ("B", "Laranjeiraz", "10"),
        ("A", "Campestra", None),  # one letter from each of two
        ("A", "Itv", None),  # too short to forgive
        ("B", "Ã‚ngulo", "11"),  # decoded as cp1252
        ("B", "�ngulo", "11"),
        ("A", "Camp?str?", None),  # two names look like that
        ("A", "Qualquer Coisa", None),
    ],
)
def test_a_slip_is_decided_only_when_nothing_else_can_be_meant(
    group: str, written: str, code: str | None
) -> None:
    decision = _forgiving().decide(group, written)
    assert decision.code == code
    assert (decision.method in ("slip", "fuzzy")) == (code is not None)
    assert bool(decision.reason) == (code is None)
    assert decision.evidence or code is None


def test_what_the_strict_rules_decide_stays_as_they_decide_it() -> None:
    assert _forgiving().decide("Estado A", "sao portela").method == "folded"
    assert _forgiving().decide("A", None).reason == "sem nome"
    assert "grupo desconhecido" in (_forgiving().decide("C", "Itu").reason or "")


def test_the_answer_does_not_depend_on_the_order_of_the_list() -> None:
    written = ["S. Lagoa", "Campestra", "Laranjeirs", "Camp?str?", "S. Lagarto"]
    one = [_forgiving().decide("A", name) for name in written]
    assert [_forgiving(NAMES[::-1]).decide("A", name) for name in written] == one


def test_the_parts_of_a_slip() -> None:
    assert decoded("SÃ£o") == "São"
    assert decoded("São") == "São"
    assert decoded("plain") == "plain"
    assert lost_letters("plain") is None
    assert lost_letters("??") is None
    assert [forgiven(letters) for letters in (3, 4, 8, 9)] == [0, 1, 1, 2]
    assert SLIPS.readings("vila de s lagoa") == ["s lagoa", "sao lagoa", "santa lagoa"]
    assert len(SLIPS.readings("s " * 12)) <= 32
    assert SLIPS.readings("-") == []
