"""Contracts: other columns stop a payload, a bad cell its row, and nothing is in between."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.ingest.contract import REASON, ROW, Column, Contract


def frame(**columns: list[Any]) -> pl.DataFrame:
    return pl.DataFrame(columns).with_row_index(ROW, offset=1)


def of(**columns: Column) -> Contract:
    return Contract(version=1, datasets={"set": columns})


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": ["1"]}, "falta a coluna: b"),
        ({"a": ["1"], "b": ["1"], "c": ["1"]}, "coluna desconhecida: c"),
        ({"a": ["1"], "B": ["1"]}, "coluna desconhecida: B; falta a coluna: b"),
        ({"a": ["1"], " b": ["1"]}, "coluna desconhecida:  b"),
    ],
)
def test_other_columns_stop_the_payload(columns: dict[str, list[str]], said: str) -> None:
    with pytest.raises(ContractBroken, match="Nada foi carregado") as caught:
        of(a=Column(), b=Column()).split("set", frame(**columns))
    assert said in str(caught.value)


def test_columns_may_come_in_any_order() -> None:
    accepted, rejected = of(a=Column(), b=Column()).split("set", frame(b=["2"], a=["1"]))
    assert accepted.rows(named=True) == [{ROW: 1, "a": "1", "b": "2"}]
    assert rejected.height == 0


CELLS: list[tuple[Column, Any, Any]] = [
    # (column, cell as it came, value accepted or the reason of its refusal)
    (Column(), "x", "x"),
    (Column(), " x ", " x "),
    (Column(), 312160, "312160"),
    (Column(), None, "x: vazio"),
    (Column(), "", "x: vazio"),
    (Column(required=False), None, None),
    (Column(required=False), "", ""),
    (Column("integer"), "12", 12),
    (Column("integer"), " 12 ", 12),
    (Column("integer"), "-3", -3),
    (Column("integer"), 12, 12),
    (Column("integer"), "12.0", "x: não é integer"),
    (Column("integer"), "1.234", "x: não é integer"),
    (Column("integer"), "doze", "x: não é integer"),
    (Column("integer"), "", "x: vazio"),
    (Column("integer", required=False), "", None),
    (Column("integer", required=False), "  ", "x: não é integer"),
    (Column("integer"), "99999999999999999999", "x: não é integer"),
    (Column("decimal"), "1800.05", Decimal("1800.05")),
    (Column("decimal"), "-0.00000001", Decimal("-0.00000001")),
    (Column("decimal"), "1800,05", "x: não é decimal"),
    (Column("decimal"), "NaN", "x: não é decimal"),
    (Column("number"), "1e300", 1e300),
    (Column("number"), "inf", "x: não é number"),
    (Column("number"), "nan", "x: não é number"),
    (Column("date"), "2024-02-29", date(2024, 2, 29)),
    (Column("date"), "2023-02-29", "x: não é date"),
    (Column("date"), "29/02/2024", "x: não é date"),
    (Column("date"), "03/04/2024", "x: não é date"),
    (Column("bytes"), b"\x00", b"\x00"),
    (Column("bytes"), None, "x: vazio"),
    (Column(pattern=r"^\d{7}$"), "3121605", "3121605"),
    (Column(pattern=r"^\d{7}$"), 3121605, "3121605"),
    (Column(pattern=r"^\d{7}$"), 312160.0, "x: fora do formato"),  # what a spreadsheet makes of it
    (Column(pattern=r"^\d{7}$"), "312160", "x: fora do formato"),
    (Column(pattern=r"^\d{7}$", required=False), None, None),
    (Column(one_of=("A", "I")), "A", "A"),
    (Column(one_of=("A", "I")), "a", "x: valor desconhecido"),
    (Column("integer", minimum=0), "0", 0),
    (Column("integer", minimum=0), "-1", "x: menor que 0"),
    (Column("integer", maximum=12), "13", "x: maior que 12"),
    (Column("decimal", minimum=0.5), "0.4", "x: menor que 0.5"),
]


@pytest.mark.parametrize(("column", "cell", "outcome"), CELLS)
def test_a_cell(column: Column, cell: Any, outcome: Any) -> None:
    came = pl.Series("x", [cell], dtype=pl.String if cell is None else None)
    if cell is None and column.type == "bytes":
        came = came.cast(pl.Binary)
    accepted, rejected = of(x=column).split("set", pl.DataFrame([came]).with_row_index(ROW))
    assert accepted.height + rejected.height == 1
    if isinstance(outcome, str) and outcome.startswith("x: "):
        (row,) = rejected.rows(named=True)
        assert row[REASON] == outcome
        assert row["x"] == cell  # as it came
    else:
        (row,) = accepted.rows(named=True)
        assert row["x"] == outcome
        assert type(row["x"]) is type(outcome)


def test_all_reasons_of_a_row_are_told() -> None:
    contract = of(a=Column("integer"), b=Column(pattern="^x$"), c=Column())
    _, rejected = contract.split("set", frame(a=["q"], b=["y"], c=["z"]))
    assert rejected[REASON].to_list() == ["a: não é integer; b: fora do formato"]


_TEXT = st.one_of(st.none(), st.sampled_from(["", " ", "1", "-1", "1.5", "x", "é", "1\n", "\x00"]))


@given(st.lists(st.tuples(_TEXT, _TEXT), max_size=30))
def test_every_row_is_accepted_or_rejected_once_and_in_order(
    rows: list[tuple[str | None, str | None]],
) -> None:
    came = pl.DataFrame(
        {"n": [n for n, _ in rows], "t": [t for _, t in rows]},
        schema={"n": pl.String, "t": pl.String},
    ).with_row_index(ROW, offset=1)
    accepted, rejected = of(n=Column("integer"), t=Column(required=False)).split("set", came)
    assert sorted([*accepted[ROW], *rejected[ROW]]) == list(range(1, len(rows) + 1))
    assert accepted[ROW].is_sorted()
    assert rejected.select(came.columns).equals(
        came.filter(pl.col(ROW).is_in(rejected[ROW].to_list()))
    )
    for row in accepted.iter_rows(named=True):
        assert row["n"] == int(str(rows[row[ROW] - 1][0]))


def test_what_was_agreed_can_be_kept_as_json() -> None:
    contract = of(
        a=Column(pattern="^x$"), b=Column("integer", required=False, minimum=0, maximum=9)
    )
    assert contract.as_dict() == {
        "set": {
            "a": {"type": "text", "required": True, "pattern": "^x$"},
            "b": {"type": "integer", "required": False, "minimum": 0, "maximum": 9},
        }
    }
