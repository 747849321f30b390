"""Reading raw files in batches of flat memory: CSV and Parquet, one frame of `_row` and the kept
columns at a time. A file whose header is not the agreed one, or that cannot be read to its end,
raises ContractBroken: half a file is never taken for a whole one."""

from __future__ import annotations

import csv as lines
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import csv, parquet

from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.ingest.bronze import BronzeObject
from atalaia.kernel.ingest.contract import ROW, Contract

_CSV_BLOCK_BYTES = 1 << 21  # about 40,000 rows of a narrow file: small, so that work overlaps
_PARQUET_BATCH_ROWS = 1 << 17
_SAFE_TO_SAY = re.compile(r"Row #\d+: Expected \d+ columns, got \d+|invalid UTF-?8|Empty CSV file")

Parse = Callable[[Sequence[BronzeObject]], Iterator[tuple[str, pl.DataFrame]]]


def csv_parser(contract: Contract, *, delimiter: str = ",") -> Parse:
    """A connector's `parse` for payloads that are CSV files."""

    def parse(objects: Sequence[BronzeObject]) -> Iterator[tuple[str, pl.DataFrame]]:
        for found in objects:
            for frame in csv_batches(found.file, found.dataset, contract, delimiter=delimiter):
                yield found.dataset, frame

    return parse


def parquet_parser(contract: Contract) -> Parse:
    """A connector's `parse` for payloads that are Parquet files."""

    def parse(objects: Sequence[BronzeObject]) -> Iterator[tuple[str, pl.DataFrame]]:
        for found in objects:
            for frame in parquet_batches(found.file, found.dataset, contract):
                yield found.dataset, frame

    return parse


def csv_batches(
    path: Path, dataset: str, contract: Contract, *, delimiter: str = ","
) -> Iterator[pl.DataFrame]:
    """A UTF-8 CSV with a header, batch by batch.

    Integers are parsed as such while every cell is one; from the first block that has any other
    cell on, all cells come as text, so that the contract can refuse the row with the cell as it
    came."""
    columns = contract.kept(dataset)
    typed = {n: pa.int64() if c.type == "integer" else pa.string() for n, c in columns.items()}
    with _readable(dataset):
        contract.require_columns(dataset, _header(path, delimiter))
        done = 0
        try:
            for batch in _blocks(path, delimiter, typed):
                yield _numbered(batch, done)
                done += batch.num_rows
        except pa.ArrowInvalid:  # a cell that is no integer, or a broken file: text tells which
            yield from _as_text(path, delimiter, list(columns), done)


def parquet_batches(path: Path, dataset: str, contract: Contract) -> Iterator[pl.DataFrame]:
    """A Parquet file, batch by batch; columns that are not kept are not even decoded."""
    with _readable(dataset), parquet.ParquetFile(path) as file:
        contract.require_columns(dataset, file.schema_arrow.names)
        done = 0
        for batch in file.iter_batches(_PARQUET_BATCH_ROWS, columns=list(contract.kept(dataset))):
            yield _numbered(batch, done)
            done += batch.num_rows


@contextmanager
def _readable(dataset: str) -> Iterator[None]:
    """Arrow's words on a broken file may quote its cells: only what is safe to say is said."""
    try:
        yield
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        said = _SAFE_TO_SAY.search(str(error))
        raise ContractBroken(
            f"O arquivo '{dataset}' não pôde ser lido até o fim "
            f"({said.group() if said else type(error).__name__}). Nada foi carregado; o bruto "
            "está guardado no bronze.",
            todo="Busque de novo com --force; se vier igual, a fonte o envia quebrado.",
        ) from error


def _header(path: Path, delimiter: str) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(lines.reader(file, delimiter=delimiter), [])


def _blocks(path: Path, delimiter: str, types: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """One thread: the other core is PostgreSQL's, and an error then knows its row."""
    with csv.open_csv(
        path,
        read_options=csv.ReadOptions(block_size=_CSV_BLOCK_BYTES, use_threads=False),
        parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=csv.ConvertOptions(
            column_types=types, include_columns=list(types), null_values=[""]
        ),
    ) as reader:
        yield from reader


def _as_text(path: Path, delimiter: str, columns: list[str], done: int) -> Iterator[pl.DataFrame]:
    """The rows after the first `done`, every cell as text."""
    seen = 0
    for batch in _blocks(path, delimiter, dict.fromkeys(columns, pa.string())):
        frame = _numbered(batch, seen).filter(pl.col(ROW) > done)
        seen += batch.num_rows
        if frame.height:
            yield frame


def _numbered(batch: pa.RecordBatch, before: int) -> pl.DataFrame:
    frame = pl.DataFrame(pl.from_arrow(batch))
    return frame.with_row_index(ROW, offset=before + 1)
