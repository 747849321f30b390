"""Evaluations as CSV, for whoever audits them in a spreadsheet."""

from __future__ import annotations

import csv as csv_module
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from typing import Any

_COLUMNS = (
    "created_at", "request_id", "evaluation_id", "batch_id", "curso", "origem", "destino",
    "decisao", "score", "degraded", "mapper", "policy", "policy_version", "taxonomy",
    "taxonomy_version", "actor", "trace_id", "request_sha256",
)  # fmt: skip
_AS_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would calculate it
_CHUNK_ROWS = 500


def csv(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """The lines, some hundreds at a time; the first piece begins with a byte order mark, by which
    spreadsheets know UTF-8."""
    text = StringIO("\ufeff")
    text.seek(0, 2)
    writer = csv_module.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for number, row in enumerate(rows, start=1):
        writer.writerow([_cell(row[name]) for name in _COLUMNS])
        if number % _CHUNK_ROWS == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "sim" if value else "não"
    if hasattr(value, "isoformat"):
        return str(value.isoformat(timespec="seconds"))
    told = str(value)
    return f"'{told}" if told.startswith(_AS_FORMULA) else told
