"""Invented people written down twice, with slips: what linkage is tried on. Not FEBRL."""

from __future__ import annotations

import random
from datetime import date, timedelta

import polars as pl

from atalaia.kernel.match.linkage import Field

FIELDS = [
    Field("name", "name"),
    Field("surname", "name"),
    Field("born", "date"),
    Field("street", "text"),
    Field("postcode", "code"),
    Field("document", "code"),
]
_SYLLABLES = ("ma", "ri", "jo", "sé", "an", "tô", "lu", "cas", "fer", "nan", "da", "be", "vi", "to")
_STREETS = ("rua", "avenida", "travessa", "praça")


def people(count: int, seed: int) -> pl.DataFrame:
    """`count` people; common names are common, and streets share their postcode."""
    draw = random.Random(seed)  # noqa: S311
    names = ["".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4))) for _ in range(300)]
    common = [1 / (n + 1) for n in range(len(names))]
    streets = [
        (f"{draw.choice(_STREETS)} {draw.choice(names)} {draw.choice(names)}", draw.randint(10, 99))
        for _ in range(max(count // 20, 3))
    ]

    def one() -> tuple[str, ...]:
        street, area = draw.choice(streets)
        born = date(1940, 1, 1) + timedelta(days=draw.randint(0, 25_000))
        return (
            draw.choices(names, common)[0],
            draw.choices(names, common)[0],
            born.strftime("%Y%m%d"),
            f"{street} {draw.randint(1, 400)}",
            f"{area}0{draw.randint(10, 20)}",
            str(draw.randint(10**8, 10**9)),
        )

    return pl.DataFrame([one() for _ in range(count)], schema=columns(), orient="row")


def columns() -> dict[str, type[pl.DataType]]:
    """The columns, all text."""
    return {field.name: pl.String for field in FIELDS}


def slipped(table: pl.DataFrame, seed: int, slips: int = 2) -> pl.DataFrame:
    """The same rows, each with up to `slips` slips: a letter wrong or gone, two exchanged, a value
    missing, day and month exchanged."""
    draw = random.Random(seed)  # noqa: S311
    rows = [list(row) for row in table.iter_rows()]
    for row in rows:
        for _ in range(draw.randint(0, slips)):
            field = draw.randrange(len(row))
            row[field] = _slip(draw, row[field], FIELDS[field].kind)
    return pl.DataFrame(rows, schema=columns(), orient="row")


def _slip(draw: random.Random, value: str | None, kind: str) -> str | None:
    if not value or draw.random() < 0.2:
        return None
    if kind == "date" and draw.random() < 0.3:
        return value[:4] + value[6:] + value[4:6]
    at = draw.randrange(len(value))
    wrong = str(draw.randint(0, 9)) if value[at].isdigit() else draw.choice("aeioursnt")
    return draw.choice(
        (
            value[:at] + wrong + value[at + 1 :],
            value[:at] + value[at + 1 :],
            value[:at] + value[at : at + 2][::-1] + value[at + 2 :],
        )
    )
