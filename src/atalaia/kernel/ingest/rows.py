"""Tables that people send, as batches of text: delimited text and workbooks, row by row as they
came, each under its place. A row that has not as many cells as the header has is told apart: it is
not guessed which of them is missing."""

from __future__ import annotations

import csv as lines
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from pyarrow import csv
from python_calamine import CalamineError, CalamineWorkbook

from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.ingest.contract import REASON, ROW

DELIMITERS = (";", ",", "\t", "|")
HEAD_LINES = 20  # among which the header is looked for
_BLOCK_BYTES = 1 << 21
_BATCH_ROWS = 20_000
_WIDEST = 500  # columns
_LONGEST_LINE = 1 << 20  # characters


@dataclass(slots=True)
class Ragged:
    """Rows with more or fewer cells than the header: their places and their text."""

    rows: list[tuple[int, str, str]] = field(default_factory=list)

    def frame(self, columns: Sequence[str]) -> pl.DataFrame:
        """They, as rejected rows: the text as it came stands in the first column."""
        found = [
            {ROW: place, columns[0]: text[:2000], REASON: why} for place, text, why in self.rows
        ]
        self.rows = []
        schema = {ROW: pl.UInt32, **dict.fromkeys(columns, pl.String), REASON: pl.String}
        return pl.DataFrame(found, schema=schema)


def first_lines(path: Path) -> list[str]:
    """The first lines of a UTF-8 text. Raises ContractBroken for lines no table has."""
    with path.open(encoding="utf-8-sig", newline="\n") as file:
        found = [file.readline(_LONGEST_LINE) for _ in range(HEAD_LINES)]
    if any(len(line) >= _LONGEST_LINE for line in found):
        raise ContractBroken("O arquivo tem uma linha de mais de 1 milhão de letras.")
    return [line.rstrip("\r\n") for line in found if line]


def cells(line: str, delimiter: str) -> list[str]:
    """The cells of one line."""
    found = next(lines.reader([line], delimiter=delimiter), [])
    if len(found) > _WIDEST:
        raise ContractBroken(f"O arquivo tem mais de {_WIDEST} colunas.")
    return [cell.strip() for cell in found]


def text_batches(
    path: Path, delimiter: str, header_line: int, width: int, ragged: Ragged, *, quoted: bool
) -> Iterator[pl.DataFrame]:
    """The rows after line `header_line` (from 0) of a UTF-8 text, with the columns '0', '1', …;
    rows that are not `width` wide go to `ragged`, empty ones nowhere. Raises ContractBroken when it
    cannot be read to its end."""
    skipped: Counter[int] = Counter()

    def told(row: Any) -> str:
        place = row.number - header_line - 1
        why = f"a linha tem {row.actual_columns} células, e o cabeçalho {row.expected_columns}"
        ragged.rows.append((place, row.text, why))
        skipped[place] += 1
        return "skip"

    names = [str(n) for n in range(width)]
    try:
        with csv.open_csv(
            path,
            read_options=csv.ReadOptions(
                column_names=names,
                skip_rows=header_line + 1,
                block_size=_BLOCK_BYTES,
                use_threads=False,  # rows then know their numbers
            ),
            parse_options=csv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if quoted else False,
                newlines_in_values=False,
                ignore_empty_lines=False,
                invalid_row_handler=told,
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        ) as reader:
            yield from _placed(reader, skipped)
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return
        raise ContractBroken(
            "O arquivo não pôde ser lido até o fim. Nada foi carregado; o bruto está guardado.",
            todo="Exporte-o de novo, sem linhas gigantes, e envie.",
        ) from error


def _placed(reader: Any, skipped: Counter[int]) -> Iterator[pl.DataFrame]:
    """Give each row its place. Skipped rows are known only up to the batch in hand or a little
    further, and take their places too."""
    place = 0
    for batch in reader:
        frame = pl.DataFrame(pl.from_arrow(batch))
        gone = sorted(p for p in skipped if p > place)
        places: list[int] | pl.Series
        if gone and gone[0] <= place + frame.height + len(gone):
            missing, places, at = set(gone), [], place
            while len(places) < frame.height:
                at += 1
                if at not in missing:
                    places.append(at)
            place = at
        else:
            places = list(range(place + 1, place + frame.height + 1))
            place += frame.height
        numbered = frame.insert_column(0, pl.Series(ROW, places, dtype=pl.UInt32))
        yield _without_empty(numbered)


def _without_empty(frame: pl.DataFrame) -> pl.DataFrame:
    names = [name for name in frame.columns if name != ROW]
    if names and (frame[names[0]] == "").any():
        empty = pl.all_horizontal(pl.col(name).fill_null("") == "" for name in names)
        return frame.filter(~empty)
    return frame


class Workbook:
    """The sheets of a workbook, whose typed cells are told as text of one way of writing."""

    def __init__(self, path: Path) -> None:
        try:
            self._book = CalamineWorkbook.from_path(str(path))
            self.sheets = list(self._book.sheet_names)
        except (CalamineError, OSError, ValueError) as error:
            raise ContractBroken("A planilha não pôde ser aberta: está quebrada.") from error

    def rows(self, sheet: str) -> Iterator[list[str]]:
        """The rows of a sheet: numbers with a comma, days as DD/MM/YYYY."""
        try:
            for row in self._book.get_sheet_by_name(sheet).iter_rows():
                yield [_told(cell) for cell in row]
        except (CalamineError, ValueError) as error:
            raise ContractBroken("A planilha não pôde ser lida até o fim.") from error

    def batches(self, sheet: str, header_line: int, width: int) -> Iterator[pl.DataFrame]:
        """The rows after `header_line`, with the columns '0', '1', …, empty ones left out."""
        names, place = [str(n) for n in range(width)], 0
        rows = islice(self.rows(sheet), header_line + 1, None)
        while some := list(islice(rows, _BATCH_ROWS)):
            wide = [(row + [""] * width)[:width] for row in some]
            frame = pl.DataFrame(wide, schema=dict.fromkeys(names, pl.String), orient="row")
            frame = frame.with_row_index(ROW, offset=place + 1)
            place += len(some)
            yield _without_empty(frame)


def _told(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "sim" if cell else "não"
    if isinstance(cell, int | float):
        return _number(cell)
    if isinstance(cell, datetime):
        day = f"{cell:%d/%m/%Y}"
        return day if cell.time() == time() else f"{day} {cell:%H:%M:%S}"
    if isinstance(cell, date):
        return f"{cell:%d/%m/%Y}"
    if isinstance(cell, time):
        return f"{cell:%H:%M:%S}"
    return str(cell).strip()


def _number(cell: float) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return f"{round(cell, 10)!r}".replace(".", ",")
