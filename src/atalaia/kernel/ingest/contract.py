"""A contract: the shape a source agreed to. An unknown or missing column stops the whole payload
before anything is loaded; a bad cell rejects its row, with the reason, and the others go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from atalaia.kernel.base.errors import ContractBroken

ROW = "_row"  # the row's place in its payload, from 1; every raw frame carries it
REASON = "_reason"
_TYPED = "_typed "  # before the name of a column, while rows are judged

Type = Literal["text", "integer", "decimal", "number", "date", "bytes"]
_POLARS: dict[Type, Any] = {
    "text": pl.String,
    "integer": pl.Int64,
    "decimal": pl.Decimal(30, 8),
    "number": pl.Float64,  # any magnitude, as precise as the source's own floating point
    "date": pl.Date,
    "bytes": pl.Binary,
}


@dataclass(frozen=True, slots=True)
class Column:
    """What one column of a payload must hold. One that is not `kept` is agreed to exist and is
    never read: it is personal, or of no use."""

    type: Type = "text"
    required: bool = True  # a value in every row
    pattern: str = ""  # a regex; \d would take the digits of every script, [0-9] does not
    one_of: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    kept: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The column as it is kept in the database: only what was said."""
        said = {name: getattr(self, name) for name in self.__slots__ if name != "kept"}
        kept = {} if self.kept else {"kept": False}
        return {k: v for k, v in said.items() if v not in ("", (), None)} | kept


@dataclass(frozen=True, slots=True)
class Written:
    """How a person's program writes numbers and dates: `decimal_mark` is ',' or '.', the other one
    may group thousands; `date_format` is strptime's. A cell written otherwise is no number or date,
    so that 1.234 is never taken for what it is not."""

    decimal_mark: str
    date_format: str


@dataclass(frozen=True, slots=True)
class Contract:
    """The columns of each dataset a connector may meet, and the version of the agreement. Numbers
    and dates are as programs write them (12.5, 2024-07-31) unless `written` says otherwise."""

    version: int
    datasets: dict[str, dict[str, Column]]
    written: Written | None = None

    def kept(self, dataset: str) -> dict[str, Column]:
        """The columns of a dataset that are read."""
        return {name: column for name, column in self.datasets[dataset].items() if column.kept}

    def require_columns(self, dataset: str, names: Sequence[str]) -> None:
        """Raise ContractBroken unless `names` are the agreed columns, each once, in any order. For
        readers that do not read every column; `split` sees only what they kept."""
        _same_columns(dataset, self.datasets[dataset], names)

    def split(self, dataset: str, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """(accepted, rejected): accepted rows typed as agreed; rejected ones as they came, with
        `_reason`. Raises ContractBroken for an unknown or missing column."""
        columns = self.kept(dataset)
        _same_columns(dataset, columns, [name for name in frame.columns if name != ROW])
        typed = frame.with_columns(
            _typed(name, column, frame.schema[name], self.written).alias(_TYPED + name)
            for name, column in columns.items()
        )
        reasons = [_reason(name, column, frame.schema[name]) for name, column in columns.items()]
        judged = typed.with_columns(
            pl.concat_str(reasons, separator="; ", ignore_nulls=True).alias(REASON)
        )
        bad = pl.col(REASON) != ""
        accepted = judged.filter(~bad).select(
            ROW, *[pl.col(_TYPED + name).alias(name) for name in columns]
        )
        return accepted, judged.filter(bad).drop(pl.selectors.starts_with(_TYPED))

    def as_dict(self) -> dict[str, Any]:
        """The payload side of the contract, JSON-ready."""
        return {
            dataset: {name: column.as_dict() for name, column in columns.items()}
            for dataset, columns in self.datasets.items()
        }


def _same_columns(dataset: str, columns: dict[str, Column], names: Sequence[str]) -> None:
    came, agreed = set(names), set(columns)
    twice = {name for name in came if names.count(name) > 1}
    if came == agreed and not twice:
        return
    parts = []
    if twice:
        parts.append(f"coluna repetida: {', '.join(sorted(twice))}")
    if came - agreed:
        parts.append(f"coluna desconhecida: {', '.join(sorted(came - agreed))}")
    if agreed - came:
        parts.append(f"falta a coluna: {', '.join(sorted(agreed - came))}")
    raise ContractBroken(
        f"O arquivo '{dataset}' não tem as colunas combinadas ({'; '.join(parts)}). Nada foi "
        "carregado; o bruto está guardado no bronze.",
        todo="Se a fonte mudou de propósito, escreva uma nova versão do contrato.",
    )


def _typed(name: str, column: Column, dtype: pl.DataType, written: Written | None) -> pl.Expr:
    wanted = _POLARS[column.type]
    if dtype == wanted:
        return pl.col(name)
    value = pl.col(name).str.strip_chars() if dtype == pl.String else pl.col(name)
    if column.type == "date" and dtype == pl.String:
        form = written.date_format if written else "%Y-%m-%d"  # never a guess at 03/04/2024
        if "%H" in form:
            return value.str.to_datetime(form, strict=False).dt.date()
        return value.str.to_date(form, strict=False)
    if written and dtype == pl.String and column.type in ("integer", "decimal", "number"):
        value = _plain_number(value, written.decimal_mark)
    return value.cast(wanted, strict=False)


def _plain_number(value: pl.Expr, mark: str) -> pl.Expr:
    """'1.234,5' as '1234.5' where the comma is the mark; null for what is written otherwise."""
    group = "." if mark == "," else ","
    well = value.str.contains(rf"^[+-]?([0-9]{{1,3}}(\{group}[0-9]{{3}})+|[0-9]+)(\{mark}[0-9]+)?$")
    plain = value.str.replace_all(group, "", literal=True)
    if mark == ",":
        plain = plain.str.replace(",", ".", literal=True)
    return pl.when(well).then(plain)


def _reason(name: str, column: Column, dtype: pl.DataType) -> pl.Expr:
    """Null when the cell is good, else what is wrong with it, in pt-BR."""
    value, typed = pl.col(name), pl.col(_TYPED + name)
    present = value.is_not_null() & (value != "" if dtype == pl.String else True)
    words = typed if column.type == "text" else value  # a code may come as a number
    rules: list[tuple[pl.Expr, str]] = []
    if column.required:
        rules.append((~present, "vazio"))
    if column.type != "text" and dtype != _POLARS[column.type]:
        rules.append((present & typed.is_null(), f"não é {column.type}"))
    if column.type == "number":
        rules.append((~typed.is_finite(), "não é number"))
    if column.pattern:
        rules.append((present & ~words.str.contains(column.pattern), "fora do formato"))
    if column.one_of:
        rules.append((present & ~words.is_in(column.one_of), "valor desconhecido"))
    if column.minimum is not None:
        rules.append((typed < column.minimum, f"menor que {column.minimum:g}"))
    if column.maximum is not None:
        rules.append((typed > column.maximum, f"maior que {column.maximum:g}"))
    reason: pl.Expr = pl.lit(None, dtype=pl.String)
    for broken, wrong in reversed(rules):
        reason = pl.when(broken).then(pl.lit(f"{name}: {wrong}")).otherwise(reason)
    return reason
