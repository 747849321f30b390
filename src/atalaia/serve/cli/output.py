"""What commands print: tables for people, JSON, NDJSON and CSV for programs; progress on stderr.

Without --format, a terminal gets a table, and a pipe gets one JSON object per line.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

Row = Mapping[str, Any]


class Format(StrEnum):
    """How to print."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"


Shape = Annotated[
    Format | None,
    typer.Option("--format", "-f", help="Padrão: table no terminal, ndjson no pipe."),
]
Reason = Annotated[str | None, typer.Option("--reason", help="Por quê; fica no registro.")]


def show(rows: Iterable[Row], shape: Format | None, columns: Sequence[str] = ()) -> None:
    """Print a list. `columns` picks and orders those of a table; programs get everything."""
    shape = shape or (Format.TABLE if sys.stdout.isatty() else Format.NDJSON)
    found = [dict(row) for row in rows]
    if shape is Format.TABLE:
        _table(found, columns)
    elif shape is Format.JSON:
        print(_json(found))
    elif shape is Format.NDJSON:
        for row in found:
            print(_json(row))
    else:
        _csv(found, columns)


def show_one(item: Row, shape: Format | None, hidden: Sequence[str] = ()) -> None:
    """Print one object. `hidden` fields are left out of the table."""
    shape = shape or (Format.TABLE if sys.stdout.isatty() else Format.JSON)
    if shape is Format.TABLE:
        rows = [{"campo": k, "valor": v} for k, v in item.items() if k not in hidden]
        _table([row for row in rows if row["valor"] not in (None, [], {}, "")], ())
    elif shape is Format.CSV:
        _csv([dict(item)], ())
    else:
        print(_json(item))


def show_tree(item: Row, depth: int = 0) -> None:
    """Print an object inside objects for a person: one line a value, what is inside indented."""
    for name, value in item.items():
        inside = [value] if isinstance(value, dict) else value
        if isinstance(inside, list) and inside and all(isinstance(one, dict) for one in inside):
            print(f"{'  ' * depth}{name}")
            for one in inside:
                show_tree(one, depth + 1)
        elif value not in (None, [], {}, ""):
            print(f"{'  ' * depth}{name}: {_plain(value)}")


def say(text: str = "") -> None:
    """Tell a person something beside the result."""
    print(text, file=sys.stderr, flush=True)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list | tuple):
        return _json(value)
    return str(value)


def _csv(rows: Sequence[Row], columns: Sequence[str]) -> None:
    names = list(rows[0]) if rows else list(columns)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_plain(row.get(name)) for name in names] for row in rows)


def _table(rows: Sequence[Row], columns: Sequence[str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        say("Nada a mostrar.")
        return
    names = list(columns or rows[0])
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        number = all(isinstance(row.get(name), int | float | None) for row in rows)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_plain(row.get(name)), _style(row.get(name))) for name in names))
    width = None if sys.stdout.isatty() else 160
    Console(width=width, highlight=False).print(table)


_STYLES = {
    **dict.fromkeys(("up", "pass", "ok", "success"), "green"),
    **dict.fromkeys(("unknown", "warn", "warning", "blocked", "manual_required"), "yellow"),
    **dict.fromkeys(("down", "fail", "critical", "failed"), "red"),
}


def _style(value: Any) -> str:
    return _STYLES.get(value, "") if isinstance(value, str) else ""
