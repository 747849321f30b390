"""match: the codes of a list that people typed, row by row, with what could not be decided.

The file is read as it comes, its encoding found by its bytes; comma, semicolon, tab or bar. Memory
does not grow with it.
"""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Annotated, Any

import typer

from atalaia.kernel.base.errors import ContractBroken, UsageError
from atalaia.kernel.ingest.encoding import look
from atalaia.kernel.ingest.rows import DELIMITERS
from atalaia.kernel.match.names import Decision
from atalaia.kernel.match.reconciliation import Service
from atalaia.kernel.match.text import fold
from atalaia.serve import catalog
from atalaia.serve.cli import OK, WARNING
from atalaia.serve.cli.output import Format, Shape, say
from atalaia.serve.cli.progress import steps

ADDED = ("code", "name", "method", "score", "reason", "candidates")
_NAMES = ("municipio", "nome municipio", "nome do municipio", "municipality", "cidade", "city")
_GROUPS = ("uf", "sigla uf", "estado", "state")
_KEPT_DECISIONS = 50_000
_TELL_EVERY = 1_000  # rows
_RUNS_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def match(
    file: Annotated[Path, typer.Argument(help="CSV com cabeçalho.", exists=True, dir_okay=False)],
    against: Annotated[
        str, typer.Option("--against", help="A lista com que comparar: municipalities.")
    ],
    name_column: Annotated[
        str | None, typer.Option("--name-column", help="Coluna do nome; sem ela, procura-se.")
    ] = None,
    state_column: Annotated[
        str | None, typer.Option("--state-column", help="Coluna da UF; sem ela, procura-se.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Onde gravar; sem isto, na saída padrão.")
    ] = None,
    shape: Shape = None,
) -> int:
    """Dá o código de cada nome de um CSV. Saída 0: todos decididos; 1: há linhas para revisar.

    O que não é certo fica sem código, com o motivo e os nomes mais próximos."""
    if shape in (Format.TABLE, Format.JSON):
        raise UsageError("'match' escreve linha a linha.", todo="Use --format csv ou ndjson.")
    if out and out.resolve() == file.resolve():
        raise UsageError("--out é o próprio arquivo lido. Nada foi gravado.")
    service = catalog.reconciliation(against)
    with _rows(file) as (header, rows), _sink(out) as sink, steps() as progress:
        list_ = _List(service, header, name_column, state_column)
        progress.step(file.name, against)
        write = _writer(sink, [*header, *list_.added], shape or Format.CSV)
        decided = done = 0
        for row in rows:
            done += 1
            told = list_.told(row)
            decided += bool(told[0])
            write([*_fitted(row, len(header)), *told])
            if done % _TELL_EVERY == 0:
                progress.rows(done, None)
    say(f"{done} linhas: {decided} decididas, {done - decided} para revisar.")
    return OK if decided == done else WARNING


@dataclass(frozen=True, slots=True)
class _Columns:
    name: int
    group: int | None


class _List:
    """The rows of one file, each with what its name means."""

    def __init__(
        self, service: Service, header: Sequence[str], name: str | None, group: str | None
    ) -> None:
        found = _column(header, group, _GROUPS)
        place = _column(header, name, _NAMES)
        if place is None:
            raise UsageError(
                "O arquivo não diz qual coluna tem o nome. Nada foi gravado.",
                todo=f"Diga com --name-column uma destas: {', '.join(header)}.",
            )
        if found is None:
            raise UsageError(
                "O arquivo não diz qual coluna tem a UF. Nada foi gravado.",
                todo=f"Diga com --state-column uma destas: {', '.join(header)}.",
            )
        self._columns, self._width = _Columns(place, found), len(header)
        self.added = [f"match_{column}" for column in ADDED]
        if taken := set(self.added) & set(header):
            raise UsageError(
                f"O arquivo já tem a coluna {', '.join(sorted(taken))}. Nada foi gravado.",
                todo="Tire-a ou mude seu nome.",
            )
        self._decide = lru_cache(_KEPT_DECISIONS)(service.people.decide)

    def told(self, row: Sequence[str]) -> list[str]:
        """What is added to the row: ADDED."""
        if len(row) != self._width:
            what = f"a linha tem {len(row)} células, e o cabeçalho {self._width}"
            return ["", "", "", "", what, ""]
        group = row[self._columns.group] if self._columns.group is not None else None
        return _words(self._decide(group, row[self._columns.name]))


def _words(decision: Decision) -> list[str]:
    nearest = decision.candidates[0] if decision.candidates else None
    if decision.code:
        name = nearest.name if nearest else ""
        score = f"{decision.score:.0f}"
        return [decision.code, name, decision.method or "", score, decision.evidence, ""]
    near = "; ".join(f"{c.code} {c.name} ({c.score:.0f})" for c in decision.candidates)
    return ["", "", "", f"{nearest.score:.0f}" if nearest else "", decision.reason or "", near]


def _column(header: Sequence[str], asked: str | None, usual: Sequence[str]) -> int | None:
    folded = [fold(name) for name in header]
    if asked is not None:
        if fold(asked) not in folded:
            raise UsageError(
                "O arquivo não tem a coluna pedida. Nada foi gravado.",
                todo=f"Colunas: {', '.join(header)}.",
            )
        return folded.index(fold(asked))
    return next((folded.index(name) for name in usual if name in folded), None)


def _fitted(row: Sequence[str], width: int) -> list[str]:
    return [*row[:width], *[""] * (width - len(row))]


@contextmanager
def _rows(file: Path) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    with file.open(encoding=look(file).encoding, newline="") as text:
        first = text.readline()
        text.seek(0)
        delimiter = max(DELIMITERS, key=first.count)
        rows = _read(csv.reader(text, delimiter=delimiter, strict=True))
        header = next(rows, [])
        if not any(map(str.strip, header)):
            raise ContractBroken("O arquivo está vazio ou não tem cabeçalho. Nada foi gravado.")
        yield [name.strip() for name in header], rows


def _read(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows that are not empty. What is no CSV raises ContractBroken, never quotes a cell."""
    done = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except (csv.Error, UnicodeDecodeError) as error:
            raise ContractBroken(
                f"O arquivo não pôde ser lido depois da linha {done}. Nada foi gravado em --out.",
                todo="Confira se é um CSV inteiro, com as aspas fechadas.",
            ) from error
        done += 1
        if row:
            yield row


@contextmanager
def _sink(out: Path | None) -> Iterator[IO[str]]:
    """Where to write: a file appears under its name only when it is whole."""
    if out is None:
        yield sys.stdout
        return
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=out.resolve().parent, delete=False
    ) as part:
        try:
            yield part
            part.flush()
            os.fsync(part.fileno())
            os.replace(part.name, out)
        except BaseException:
            os.unlink(part.name)
            raise


def _writer(sink: IO[str], header: Sequence[str], shape: Format) -> Any:
    if shape is Format.NDJSON:
        return lambda row: print(
            json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False), file=sink
        )
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow([neutral(name) for name in header])
    return lambda row: writer.writerow([neutral(cell) for cell in row])


def neutral(cell: str) -> str:
    """A cell no spreadsheet takes for a formula; a plain number stays one."""
    if not cell.startswith(_RUNS_AS_FORMULA):
        return cell
    number = cell[1:].replace(",", "").replace(".", "")
    is_number = cell[0] in "+-" and number.isascii() and number.isdigit()
    return cell if is_number else f"'{cell}"
