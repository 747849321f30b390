"""Raw files in batches: typed where every cell allows it, whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest

from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.ingest import files
from atalaia.kernel.ingest.contract import REASON, ROW, Column, Contract
from atalaia.kernel.ingest.files import csv_batches, parquet_batches

CONTRACT = Contract(
    1,
    {
        "people": {
            "name": Column(),
            "age": Column("integer", minimum=0),
            "secret": Column(kept=False),
        }
    },
)
HEADER = "name,age,secret\n"


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of some rows, so that a small file has many."""
    monkeypatch.setattr(files, "_CSV_BLOCK_BYTES", 64)
    monkeypatch.setattr(files, "_PARQUET_BATCH_ROWS", 3)


def _csv(folder: Path, text: str | bytes) -> Path:
    path = folder / "people.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _read(path: Path) -> list[pl.DataFrame]:
    return list(csv_batches(path, "people", CONTRACT))


@pytest.mark.usefixtures("small_blocks")
def test_rows_are_numbered_through_all_batches_and_integers_are_integers(tmp_path: Path) -> None:
    rows = [(f"person {n}", n) for n in range(50)]
    batches = _read(_csv(tmp_path, HEADER + "".join(f"{n},{a},x\n" for n, a in rows)))
    assert len(batches) > 5
    whole = pl.concat(batches)
    assert whole[ROW].to_list() == list(range(1, 51))
    assert whole.select("name", "age").rows() == rows
    assert whole.schema["age"] == pl.Int64


def test_a_column_that_is_not_kept_is_never_read(tmp_path: Path) -> None:
    (frame,) = _read(_csv(tmp_path, HEADER + "Ana,30,canary\n"))
    assert frame.columns == [ROW, "name", "age"]
    buffer = io.BytesIO()
    pl.DataFrame({"secret": ["canary"], "age": [30], "name": ["Ana"]}).write_parquet(buffer)
    path = tmp_path / "people.parquet"
    path.write_bytes(buffer.getvalue())
    (frame,) = parquet_batches(path, "people", CONTRACT)
    assert sorted(frame.columns) == sorted([ROW, "name", "age"])
    accepted, rejected = CONTRACT.split("people", frame)
    assert (accepted.height, rejected.height) == (1, 0)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("bad_row", [0, 25, 49])
def test_a_cell_that_is_no_integer_is_rejected_as_it_came_and_no_row_is_lost(
    tmp_path: Path, bad_row: int
) -> None:
    cells = [f"p{n},{'12.5 anos' if n == bad_row else n},x\n" for n in range(50)]
    accepted, rejected = [], []
    for frame in _read(_csv(tmp_path, HEADER + "".join(cells))):
        good, bad = CONTRACT.split("people", frame)
        accepted += good.select(ROW, "age").rows()
        rejected += bad.select(ROW, "age", REASON).rows()
    assert rejected == [(bad_row + 1, "12.5 anos", "age: não é integer")]
    assert accepted == [(n + 1, n) for n in range(50) if n != bad_row]


def test_quoted_cells_may_hold_commas_quotes_and_line_ends(tmp_path: Path) -> None:
    (frame,) = _read(_csv(tmp_path, HEADER + '"Silva, ""Ana""\nMaria",30,x\n'))
    assert frame["name"].to_list() == ['Silva, "Ana"\nMaria']


def test_an_empty_cell_is_missing(tmp_path: Path) -> None:
    (frame,) = _read(_csv(tmp_path, HEADER + "Ana,,x\nNA,1,x\nnull,2,x\n"))
    assert frame.select("name", "age").rows() == [("Ana", None), ("NA", 1), ("null", 2)]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    (frame,) = _read(_csv(tmp_path, b"\xef\xbb\xbf" + HEADER.encode() + b"Ana,1,x\n"))
    assert frame["name"].to_list() == ["Ana"]


def test_another_delimiter(tmp_path: Path) -> None:
    path = _csv(tmp_path, "name;age;secret\nSilva, Ana;1;x\n")
    (frame,) = csv_batches(path, "people", CONTRACT, delimiter=";")
    assert frame["name"].to_list() == ["Silva, Ana"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "falta a coluna"),
        ("name,age\n", "falta a coluna"),
        ("name,age,secret,mail\n", "coluna desconhecida"),
        ("name,age,secret,age\n", "coluna repetida"),
        (HEADER + "Ana,30,x\nBia,31\n", "Row #3: Expected 3 columns, got 2"),
        (HEADER + "Ana,30,x\nBia,31,x,canary\n", "Row #3: Expected 3 columns, got 4"),
        (HEADER.encode() + b"Jo\xe3o,30,x\n", "lido até o fim"),
        (HEADER.encode("utf-16"), "lido até o fim"),
    ],
)
@pytest.mark.usefixtures("small_blocks")
def test_a_file_that_is_not_as_agreed_is_refused_without_quoting_it(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    with pytest.raises(ContractBroken, match=words) as refusal:
        _read(_csv(tmp_path, text))
    assert "canary" not in str(refusal.value)
    assert "João" not in str(refusal.value)


@pytest.mark.usefixtures("small_blocks")
def test_a_broken_row_far_into_the_file_is_found(tmp_path: Path) -> None:
    rows = "".join(f"p{n},{n},x\n" for n in range(50))
    with pytest.raises(ContractBroken, match="Row #52"):
        _read(_csv(tmp_path, HEADER + rows + "p50,5"))


@pytest.mark.usefixtures("small_blocks")
def test_parquet_comes_in_batches_numbered_through(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    frame = pl.DataFrame({"name": [f"p{n}" for n in range(10)], "age": range(10), "secret": "x"})
    frame.write_parquet(path)
    batches = list(parquet_batches(path, "people", CONTRACT))
    assert [b.height for b in batches] == [3, 3, 3, 1]
    assert pl.concat(batches)[ROW].to_list() == list(range(1, 11))


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"name": ["Ana"], "age": [1]}),
        pl.DataFrame({"name": ["Ana"], "age": [1], "secret": ["x"], "mail": ["y"]}),
    ],
)
def test_a_parquet_file_with_other_columns_is_refused(tmp_path: Path, frame: pl.DataFrame) -> None:
    path = tmp_path / "people.parquet"
    frame.write_parquet(path)
    with pytest.raises(ContractBroken, match="coluna"):
        list(parquet_batches(path, "people", CONTRACT))


def test_half_a_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.parquet"
    pl.DataFrame({"name": ["Ana"] * 1000, "age": 1, "secret": "x"}).write_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ContractBroken, match="lido até o fim"):
        list(parquet_batches(path, "people", CONTRACT))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "nan", "1e999", "x"])
def test_a_number_is_a_finite_one(value: float | str) -> None:
    contract = Contract(1, {"d": {"v": Column("number")}})
    accepted, rejected = contract.split("d", pl.DataFrame({ROW: [1], "v": [value]}))
    assert (accepted.height, rejected.height) == (0, 1)


def test_a_number_keeps_any_magnitude() -> None:
    contract = Contract(1, {"d": {"v": Column("number")}})
    accepted, _ = contract.split("d", pl.DataFrame({ROW: [1, 2], "v": ["8.7e-14", " 3 "]}))
    assert accepted["v"].to_list() == [8.7e-14, 3.0]


def test_the_contract_says_which_columns_are_not_read() -> None:
    said = CONTRACT.as_dict()["people"]
    assert said["secret"]["kept"] is False
    assert "kept" not in said["name"]
