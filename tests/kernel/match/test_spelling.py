"""Reduced spellings: one key for the ways one name is written, others for other names."""

from __future__ import annotations

import pytest

from atalaia.kernel.match.spelling import Spelling

SPELLING = Spelling(
    frozenset({"d", "da", "de", "do"}),
    {"ph": "f", "th": "t", "y": "i", "z": "s", "w": "v", "k": "c"},
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sao thome da serra", "sao tome de serra"),
        ("sant ana", "santana"),
        ("graccho cardoso", "gracho cardoso"),
        ("paraty", "parati"),
        ("santa izabel", "santa isabel"),
        ("kubitschek", "cubitschec"),
        ("philadelphia", "filadelfia"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert SPELLING.key(one) == SPELLING.key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pedro ii", "pedro i"),  # doubled vowels are not one
        ("quadra 11", "quadra 1"),
        ("itapeva", "itapevi"),
        ("lagoinha", "alagoinha"),
    ],
)
def test_other_names_have_other_keys(one: str, other: str) -> None:
    assert SPELLING.key(one) != SPELLING.key(other)


def test_nothing_is_set_aside_unasked() -> None:
    assert Spelling().key("casa de zoe") == "casadezoe"
