"""SLOW_QUERY: what took long, under which trace, told by the query's form and without its values.

Every connection's cursors are of this class, so nobody has to remember to measure. What a caller
gave goes to the server beside the text; constants written in the text are taken out of it here.
"""

from __future__ import annotations

import hashlib
import re
from time import perf_counter
from typing import Any, Self

import psycopg
from psycopg import sql

from atalaia.kernel.base import telemetry
from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.trace import log

_LONGEST = 300
_CONSTANT = re.compile(r"'(?:[^']|'')*'|\$(\w*)\$.*?\$\1\$|(?<![\w$])\d+(?:\.\d+)?\b", re.S)
_SPACE = re.compile(r"\s+")


class Timed(psycopg.Cursor[Any]):
    """A cursor that tells of what takes SLOW_QUERY_MS or longer, also when it fails."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> Self:
        """As psycopg's."""
        began = perf_counter()
        try:
            if telemetry.tracing():
                return self._traced(query, params, how)
            return super().execute(query, params, **how)
        finally:
            self._tell(query, perf_counter() - began)

    def _traced(self, query: Any, params: Any, how: dict[str, Any]) -> Self:
        form = shape(_text(query, self))[:_LONGEST]
        verb = form.partition(" ")[0].upper()
        with telemetry.span(
            f"SQL {verb}", "client", db__system__name="postgresql", db__query__text=form
        ) as span:
            found = super().execute(query, params, **how)
            span.note(db__response__returned_rows=self.rowcount)
            return found

    def executemany(self, query: Any, params_seq: Any, **how: Any) -> None:
        """As psycopg's; told once for all of them."""
        began = perf_counter()
        try:
            super().executemany(query, params_seq, **how)
        finally:
            self._tell(query, perf_counter() - began)

    def _tell(self, query: Any, seconds: float) -> None:
        limit = settings().slow_query_ms
        if limit and seconds * 1000 >= limit:
            form = shape(_text(query, self))
            name = hashlib.sha256(form.encode()).hexdigest()[:12]
            milliseconds = round(seconds * 1000)
            log(
                "WARNING", "SLOW_QUERY", query_id=name, ms=milliseconds, statement=form[:_LONGEST]
            )  # fmt: skip


def shape(text: str) -> str:
    """A query without its constants and its line breaks: the same for the same question."""
    return _SPACE.sub(" ", _CONSTANT.sub("?", text)).strip()


def _text(query: Any, cursor: psycopg.Cursor[Any]) -> str:
    if isinstance(query, sql.Composable):
        return query.as_string(cursor)
    return query.decode("utf-8", "replace") if isinstance(query, bytes) else str(query)
