"""A feeding file from its bytes to rows under our column names: what it is written in, which layout
it is, where its header stands, how it writes numbers and dates; then its rows as they came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from atalaia.domains.cattle import formats, mapping
from atalaia.domains.cattle.layout import Layout
from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.ingest import bronze, rows
from atalaia.kernel.ingest.contract import ROW, Written
from atalaia.kernel.ingest.encoding import Seen, as_utf8, look

_SAMPLE_ROWS = 2000
LOST = "\ufffd"


@dataclass(slots=True)
class Said:
    """What people said of files like this before: of headers, and of formats by layout."""

    columns: Mapping[tuple[str, str], str] = field(default_factory=dict)
    formats: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    layouts: Mapping[str, str] = field(default_factory=dict)  # by the headers together


@dataclass(slots=True)
class Detected:
    """What was found in a file, and what a person must say before its rows can be read."""

    encoding: str
    delimiter: str
    header_line: int
    headers: list[str]
    recognised: mapping.Recognised
    formats: formats.Formats
    sheet: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def layout(self) -> Layout:
        """Which of the five."""
        assert self.recognised.layout is not None  # noqa: S101  one is always the nearest
        return self.recognised.layout

    @property
    def questions(self) -> list[dict[str, Any]]:
        """Everything that is to be asked."""
        return self.recognised.questions + self.formats.questions

    @property
    def written(self) -> Written:
        """How its numbers and dates are to be read."""
        return Written(self.formats.decimal_mark, formats.strptime(self.formats.date_format))


@lru_cache(maxsize=8)
def _seen(path: Path) -> Seen:
    """`look`, once for a file: bronze does not change."""
    return look(path)


class Source:
    """A file that can be read: clean text, or a workbook."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self.notes: list[str] = []
        self.book = rows.Workbook(path) if path.suffix == ".xlsx" else None
        self.seen = Seen("xlsx") if self.book else _seen(path)
        self.text = path
        if self.book is None and not self.seen.is_plain:
            self.text = stack.enter_context(bronze.scratch())
            done = as_utf8(path, self.seen, self.text)
            if done.repaired:
                self.notes.append(
                    f"{done.repaired} linhas estavam codificadas duas vezes e foram consertadas"
                )
            if done.stray_quotes:
                self.notes.append(f"{done.stray_quotes} linhas tinham uma aspa solta, retirada")

    @property
    def encoding(self) -> str:
        """As it is shown."""
        twice = f" (lido como {self.seen.twice} e gravado de novo)" if self.seen.twice else ""
        return self.seen.encoding.replace("-sig", " com BOM") + twice


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """A file of bronze, made readable; what that took on disk is gone afterwards."""
    with ExitStack() as stack:
        yield Source(path, stack)


def detect(source: Source, said: Said, layout: str = "") -> Detected:
    """What the file is. Raises ContractBroken when there is no table in it at all."""
    found = _best_header(source, said, layout)
    sample = next(batches(source, found, rows.Ragged(), raw=True), None)
    frame = pl.DataFrame() if sample is None else sample.head(_SAMPLE_ROWS)
    of = {"number": [], "integer": [], "date": []}  # type: dict[str, list[str]]
    for column, place in found.recognised.columns.items():
        kind = found.layout.read[column].column.type
        if kind in of and str(place) in frame.columns:
            of[kind] += frame[str(place)].drop_nulls().to_list()
    known = said.formats.get(found.layout.name, {})
    found.formats = formats.find(of["number"] + of["integer"], of["date"], known)
    found.notes = [*source.notes, *found.notes]
    return found


def _best_header(source: Source, said: Said, layout: str) -> Detected:
    """Of the first lines, the one in which most of a layout is found; titles may stand above it."""
    tried: list[Detected] = []
    for sheet, delimiter, lines in _heads(source):
        for number, headers in enumerate(lines):
            if len([header for header in headers if header]) < 3:
                continue
            known = layout or said.layouts.get(signature(headers), "")
            recognised = mapping.recognise(headers, said.columns, known)
            blank = formats.Formats()
            tried.append(
                Detected(source.encoding, delimiter, number, headers, recognised, blank, sheet)
            )
    if not tried:
        raise ContractBroken(
            "Não há uma tabela no arquivo: nenhuma das primeiras linhas parece um cabeçalho.",
            todo="Exporte-o de novo com a linha dos nomes das colunas.",
        )
    best = max(tried, key=lambda one: mapping.fit(one.recognised))
    others = [s for s in (source.book.sheets if source.book else []) if s != best.sheet]
    if others:
        best.notes.append(f"planilhas que não foram lidas: {', '.join(others)}")
    return best


def _heads(source: Source) -> Iterator[tuple[str, str, list[list[str]]]]:
    """(sheet, delimiter, first lines as cells) of each way the file may be read."""
    if source.book:
        for sheet in source.book.sheets:
            yield sheet, "", list(islice(source.book.rows(sheet), rows.HEAD_LINES))
        return
    lines = rows.first_lines(source.text)
    for delimiter in rows.DELIMITERS:
        if any(delimiter in line for line in lines):
            yield "", delimiter, [rows.cells(line, delimiter) for line in lines]


def signature(headers: Sequence[str]) -> str:
    """The headers together, as a person's answer about the layout is remembered by."""
    return " | ".join(mapping.plain(header) for header in headers)[:2000]


def batches(
    source: Source, found: Detected, ragged: rows.Ragged, *, raw: bool = False
) -> Iterator[pl.DataFrame]:
    """The rows as they came, under our names (`raw`: by place); columns the file does not have are
    null. Rows that are not as wide as the header go to `ragged`."""
    width = len(found.headers)
    if source.book:
        frames = source.book.batches(found.sheet, found.header_line, width)
    else:
        frames = rows.text_batches(
            source.text,
            found.delimiter,
            found.header_line,
            width,
            ragged,
            quoted=source.seen.quotes,
        )
    for frame in frames:
        yield frame if raw else _named(frame, found)


def _named(frame: pl.DataFrame, found: Detected) -> pl.DataFrame:
    columns = found.recognised.columns
    return frame.select(
        ROW,
        *[
            pl.col(str(columns[name])).alias(name)
            if name in columns
            else pl.lit(None, dtype=pl.String).alias(name)
            for name in found.layout.read
        ],
    )
