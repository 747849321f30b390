"""Folding: Python, Polars and PostgreSQL agree on every character."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atalaia.kernel.base.database import connect
from atalaia.kernel.match.text import fold, folded

_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60)

NASTY = [
    "",
    "   ",
    "São João d'Aliança",
    "SÃO JOÃO D´ALIANÇA",
    "Sa\u0303o Joa\u0303o",  # decomposed
    "Olhos-d'Água",
    "Olhos\u00a0D’Água",  # no-break space, curly apostrophe
    "  Embu--Guaçu\t",
    "Mogi (das) Cruzes/SP",
    "3º Distrito, 1ª Vara",
    "ﬁm de Œuvre, Straße, Æsir, Øre",
    "İstanbul ıI K",  # dotted capital, dotless small, kelvin sign
    "ＦＵＬＬ ｗｉｄｔｈ １２３",
    "Ⅻ ½ ℃ №",
    "Москва 北京 🏳️‍🌈",
    "a\u200bb",  # zero width space
    "x" * 3000 + "É",
]


def _in_polars(values: list[str]) -> list[str]:
    return pl.DataFrame({"v": values}).select(folded(pl.col("v")))["v"].to_list()


def _in_sql(values: list[str]) -> list[str]:
    with connect() as connection:
        found = connection.execute(
            "SELECT public.fold(v) AS f FROM unnest(%s::text[]) WITH ORDINALITY AS t(v, n) "
            "ORDER BY n",
            (values,),
        ).fetchall()
    return [row["f"] for row in found]


@pytest.mark.parametrize(
    ("written", "folded_form"),
    [
        ("São João d'Aliança", "sao joao d alianca"),
        ("Olhos-d'Água", "olhos d agua"),
        ("  Embu--Guaçu\t", "embu guacu"),
        ("3º Distrito", "3 distrito"),
        ("ﬁm", "fim"),
        ("Straße", "strasse"),
        ("北京", ""),
    ],
)
def test_fold_is_lower_case_without_accents_and_punctuation(written: str, folded_form: str) -> None:
    assert fold(written) == folded_form


@pytest.mark.usefixtures("database")
def test_python_polars_and_sql_fold_every_character_alike() -> None:
    points = [chr(i) for i in range(1, 0x30000) if not 0xD800 <= i <= 0xDFFF]
    values = [f"x{c}y" for c in points] + [f"{c}É" for c in points]
    in_sql = _in_sql(values)
    assert [v for v, s in zip(values, in_sql, strict=True) if fold(v) != s] == []
    assert [v for v, s in zip(values, _in_polars(values), strict=True) if s != fold(v)] == []


@pytest.mark.usefixtures("database")
def test_python_and_sql_fold_nasty_strings_alike() -> None:
    assert [fold(v) for v in NASTY] == _in_sql(NASTY)
    assert _in_polars(NASTY) == _in_sql(NASTY)


@pytest.mark.usefixtures("database_of_module")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(_TEXT, min_size=1, max_size=20))
def test_python_polars_and_sql_fold_any_text_alike(values: list[str]) -> None:
    in_sql = _in_sql(values)
    assert [fold(v) for v in values] == in_sql
    assert _in_polars(values) == in_sql


@settings(deadline=None)
@given(_TEXT)
def test_folded_text_is_plain_and_stays_as_it_is(value: str) -> None:
    once = fold(value)
    assert re.fullmatch(r"(?:[a-z0-9]+(?: [a-z0-9]+)*)?", once)
    assert fold(once) == once
    assert fold(f"  {value.upper() if value.isascii() else value}--") == once


def test_a_missing_value_stays_missing() -> None:
    frame = pl.DataFrame({"v": ["É", None]}, schema={"v": pl.String})
    assert frame.select(folded(pl.col("v")))["v"].to_list() == ["e", None]
