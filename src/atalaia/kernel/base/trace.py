"""Structured logs with a trace id that follows work from request to worker to SQL.

A line is one JSON object: {ts, level, service, message, trace_id, …}. The message of an error
begins `ERROR trace_id=<id> …`, so that the runbooks' greps find it. Values a user typed are
never logged; exceptions are logged by class at trust borders; every line goes through the redactor,
and of a message of many lines (a library's traceback) only the first is told.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from atalaia.kernel.base.redact import redact, redacted

_trace_id: ContextVar[str] = ContextVar("trace_id", default="")
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$")


def new_trace_id() -> str:
    """32 hexadecimal digits, as W3C Trace Context has them."""
    return secrets.token_hex(16)


def trace_id() -> str:
    """The trace id of the work in hand, or '' outside any."""
    return _trace_id.get()


@contextmanager
def trace(identifier: str = "") -> Iterator[str]:
    """Do what is inside under `identifier` (a new one when empty and none is in hand)."""
    token = _trace_id.set(identifier or trace_id() or new_trace_id())
    try:
        yield _trace_id.get()
    finally:
        _trace_id.reset(token)


def trace_id_of(traceparent: str) -> str:
    """The trace id inside a W3C `traceparent` header, or '' when it is not one."""
    found = _TRACEPARENT.match(traceparent)
    return found.group(1) if found and set(found.group(1)) != {"0"} else ""


class JsonLines(logging.Formatter):
    """One JSON object per record."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self.service = service

    def format(self, record: logging.LogRecord) -> str:
        message, _, _ = redact(record.getMessage().strip()).partition("\n")
        fields: dict[str, Any] = redacted(getattr(record, "fields", {}))
        identifier = fields.get("trace_id") or trace_id()
        if record.levelno >= logging.ERROR:
            message = f"ERROR trace_id={identifier or '-'} {message}"
        line = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "service": self.service,
            "message": message,
            "trace_id": identifier,
            **{k: v for k, v in fields.items() if k != "trace_id"},
        }
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send this process's log lines to `stream` (stderr) as JSON."""
    logging.raiseExceptions = False  # a line that cannot be written is not told with its error
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log whole URLs


def log(level: str, message: str, **fields: Any) -> None:
    """Write one log line. `fields` must hold no personal data: ids, names of things, counts."""
    logging.getLogger("atalaia").log(
        logging.getLevelNamesMapping()[level.upper()], message, extra={"fields": fields}
    )
