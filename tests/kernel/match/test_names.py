"""The reconciler: what it decides, what it refuses, and that nothing depends on order."""

from __future__ import annotations

import random
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atalaia.kernel.match.names import CODE, METHOD, PART, REASON, Name, Reconciler
from atalaia.kernel.match.spelling import Spelling
from atalaia.kernel.match.text import fold

SPELLING = Spelling(frozenset({"de", "do", "da"}), {"th": "t", "y": "i", "z": "s"})
NAMES = [
    Name("N1", "Porto do Sul", "NO"),
    Name("N2", "Portela", "NO"),
    Name("N3", "Olho-d'Água", "NO"),
    Name("N4", "Santa Izabel", "NO"),
    Name("N5", "Nova Vila", "NO", valid_from=date(2010, 1, 1)),
    Name("N6", "Velha Vila", "NO", valid_to=date(2010, 1, 1)),
    Name("N7", "Metrópole", "NO"),
    Name("S1", "Portela", "SU"),
    Name("S2", "Campo Grande do Sul", "SU"),
    Name("S3", "Campo Grande do Sal", "SU"),
    Name("N1", "Antigo Porto", "NO", evidence="renamed in 1950"),
    Name("N7", "Bairro Alto", "NO", evidence="a quarter", part=True),
    Name("N9", "Cidade Perdida", "NO", evidence="the reference lacks it"),
]


def _reconciler(names: list[Name] | None = None) -> Reconciler:
    return Reconciler(
        NAMES if names is None else names, groups={"Norte": "NO", "Sul": "SU"}, spelling=SPELLING
    )


@pytest.mark.parametrize(
    ("group", "name", "code", "method"),
    [
        ("NO", "Porto do Sul", "N1", "exact"),
        ("Norte", "PORTO DO SUL", "N1", "folded"),
        (" nórte", "Olho D Agua", "N3", "folded"),
        ("NO", "Antigo porto", "N1", "rule"),
        ("NO", "Portela", "N2", "exact"),
        ("SU", "Portela", "S1", "exact"),  # the same name elsewhere is another one
        ("NO", "Santa Isabel", "N4", "fuzzy"),  # spelled otherwise
        ("NO", "Porto Sul", "N1", "fuzzy"),  # a weak word less
        ("NO", "Bairro Alto", "N7", "rule"),
    ],
)
def test_a_name_is_decided(group: str, name: str, code: str, method: str) -> None:
    decision = _reconciler().decide(group, name)
    assert (decision.code, decision.method, decision.reason) == (code, method, None)
    assert decision.candidates[0].code == code


@pytest.mark.parametrize(
    ("group", "name", "words"),
    [
        ("XX", "Portela", "grupo desconhecido"),
        ("NO", " - ", "sem nome"),
        ("NO", None, "sem nome"),
        (None, "Portela", "grupo desconhecido"),
        ("NO", "Portelo", "nome desconhecido"),  # one letter of seven is too much
        ("NO", "Campo Grande do Sul", "nome desconhecido"),  # it stands in the other group
        ("SU", "Porto do Sul", "nome desconhecido"),
        ("SU", "Campo Grande do Sol", "nome"),  # one letter from two of them
        ("NO", "Velha Vila", "não valia"),
        ("NO", "Cidade Perdida", "a referência não tem"),
        ("NO", "do", "nome desconhecido"),  # nothing is left of it
    ],
)
def test_a_name_is_refused_with_its_reason(group: str | None, name: str | None, words: str) -> None:
    decision = _reconciler().decide(group, name)
    assert decision.code is None
    assert decision.method is None
    assert words in (decision.reason or "")


def test_near_names_are_refused_for_being_near_each_other() -> None:
    names = [Name("A", "Santa Rita do Sul", "G"), Name("B", "Santa Ritta do Sul", "G")]
    decision = _reconciler(names).decide("G", "Santa Rita Sul")
    assert decision.reason == "nome ambíguo: Santa Rita do Sul (100), Santa Ritta do Sul (100)"
    assert [c.code for c in decision.candidates] == ["A", "B"]


def test_the_score_and_the_lead_decide_at_their_edges() -> None:
    # 18 of 20 letters in common: 2 * 18 / 38 = 94.7
    names = [Name("A", "abcdefghijklmnopqrst", "G")]
    near = "abcdefghijklmnopqr"
    score = Reconciler(names, least_score=0).candidates("G", near)[0].score
    assert Reconciler(names, least_score=score).decide("G", near).code == "A"
    assert Reconciler(names, least_score=score + 0.01).decide("G", near).code is None
    both = [*names, Name("B", "abcdefghijklmnop", "G")]
    first, second = Reconciler(both, least_score=90, margin=0).candidates("G", near)
    lead = first.score - second.score
    assert Reconciler(both, least_score=90, margin=lead).decide("G", near).code == first.code
    assert Reconciler(both, least_score=90, margin=lead + 0.01).decide("G", near).code is None


def test_many_names_of_one_code_do_not_stand_in_each_others_way() -> None:
    names = [Name("A", "Santa Rita", "G"), Name("A", "Santa Ryta", "G", evidence="old spelling")]
    assert _reconciler(names).decide("G", "Santa da Ritha").code == "A"


def test_two_codes_of_one_name_are_never_chosen_between() -> None:
    names = [Name("A", "São José", "G"), Name("B", "Sao Jose", "G")]
    for written in ("São José", "Sao Jose", "SÃO JOSÉ"):
        decision = _reconciler(names).decide("G", written)
        assert decision.code is None
        assert {c.code for c in decision.candidates} == {"A", "B"}


def test_a_name_means_what_it_meant_at_the_time() -> None:
    names = [
        Name("A", "Campos", "G", valid_to=date(2000, 1, 1)),
        Name("B", "Campos", "G", valid_from=date(2000, 1, 1)),
    ]
    reconciler = _reconciler(names)
    assert reconciler.decide("G", "Campos", date(1999, 12, 31)).code == "A"
    assert reconciler.decide("G", "Campos", date(2000, 1, 1)).code == "B"
    assert reconciler.decide("G", "Campos").code == "B"
    days = pl.DataFrame(
        {"g": ["G"] * 4, "n": ["Campos", "CAMPOS", "Campos", "Campos"]},
    ).with_columns(
        pl.Series("at", [date(1999, 12, 31), date(1990, 5, 1), date(2000, 1, 1), date(2020, 1, 1)])
    )
    decided = reconciler.reconcile(days, group="g", name="n", at="at")
    assert decided[CODE].to_list() == ["A", "A", "B", "B"]


def test_a_name_not_yet_valid_is_not_taken_for_a_neighbour() -> None:
    names = [Name("A", "Nova Vila", "G"), Name("B", "Nova Villa", "G", valid_from=date(2010, 1, 1))]
    decision = _reconciler(names).decide("G", "Nova Villa", date(2009, 1, 1))
    assert decision.code is None
    assert "não valia" in (decision.reason or "")


def test_a_part_is_told_apart_from_its_whole() -> None:
    reconciler = _reconciler()
    frame = pl.DataFrame({"g": ["NO", "NO", "NO"], "n": ["Metrópole", "Bairro alto", "Portela"]})
    decided = reconciler.reconcile(frame, group="g", name="n")
    assert decided[CODE].to_list() == ["N7", "N7", "N2"]
    assert decided[PART].to_list() == [False, True, False]
    assert reconciler.summed == {"N7"}


_WRITTEN = st.one_of(
    st.sampled_from([n.name for n in NAMES]),
    st.sampled_from([n.name.upper() for n in NAMES]),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.none(),
)
_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["NO", "SU", "Norte", "sul", "", "??", None]),
        _WRITTEN,
        st.sampled_from([date(1990, 1, 1), date(2009, 12, 31), date(2010, 1, 1), date(2024, 1, 1)]),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(_ROWS, st.integers(0, 40))
def test_rows_joined_in_batches_are_decided_as_each_alone(
    rows: list[tuple[str | None, str | None, date]], cut: int
) -> None:
    schema = {"g": pl.String, "n": pl.String, "at": pl.Date}
    reconciler = _reconciler()
    joined = pl.concat(
        reconciler.reconcile(
            pl.DataFrame(part, schema=schema, orient="row"), group="g", name="n", at="at"
        )
        for part in (rows[:cut], rows[cut:])
    )
    another = _reconciler()
    alone = [another.decide(g, n, at) for g, n, at in rows]
    assert joined.select("g", "n", "at").rows() == rows
    assert joined[CODE].to_list() == [d.code for d in alone]
    assert joined[METHOD].to_list() == [d.method for d in alone]
    assert joined[REASON].to_list() == [d.reason for d in alone]
    assert all((d.code is None) == (d.reason is not None) for d in alone)


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(["NO", "SU"]), _WRITTEN)
def test_the_order_of_the_reference_decides_nothing(
    chance: random.Random, group: str, written: str | None
) -> None:
    shuffled = list(NAMES)
    chance.shuffle(shuffled)
    assert _reconciler(shuffled).decide(group, written) == _reconciler().decide(group, written)


_WORD = st.text("abcdefghijklmnopqrstuvwxyzáçéíõú '-", min_size=3, max_size=14)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("GH"), _WORD), min_size=1, max_size=12))
def test_a_reference_finds_its_own_names_and_never_another_codes(
    known: list[tuple[str, str]],
) -> None:
    names = [Name(str(i), name, group) for i, (group, name) in enumerate(known)]
    reconciler = _reconciler(names)
    for each in names:
        decision = reconciler.decide(each.group, each.name.upper())
        twins = {n.code for n in names if (n.group, fold(n.name)) == (each.group, fold(each.name))}
        if not fold(each.name) or len(twins) > 1:
            assert decision.code is None
        else:
            assert decision.code == each.code
