"""Traces to an OpenTelemetry collector and errors to Sentry: both off until an address is set.

`OTEL_EXPORTER_OTLP_ENDPOINT` turns spans on (request → work item → run → SQL), under the trace id
that the logs have; `SENTRY_DSN` sends what is logged as ERROR, with the lines of code it came by.
Neither sees a value that a person typed: names, ids, counts and forms of queries go out, through
the one redactor, by the one outbound client. What is away costs nobody anything: what it does not
take is dropped, and the log says so once. The libraries (extra `telemetry`) are imported by
`start`, and only when they are asked for.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from types import TracebackType
from typing import Any

from atalaia.kernel.base.redact import redact, redacted
from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.trace import log, trace_id

_FLUSH_SECONDS = 2.0
_DEEPEST = 50  # frames told of one error

_spans: Any = None  # what makes spans, once `start` found an address for them
_sentry: Any = None


def start(service: str) -> None:
    """Begin to tell, for this process, what is configured; nothing when nothing is."""
    global _spans, _sentry
    known = settings()
    try:
        if known.otel_exporter_otlp_endpoint and _spans is None:
            from atalaia.kernel.base.telling import Spans

            _spans = Spans(service, known.otel_exporter_otlp_endpoint)
        if known.sentry_dsn and _sentry is None:
            from atalaia.kernel.base.telling import Errors

            _sentry = Errors(known.sentry_dsn)
    except ImportError as error:
        log("WARNING", "telemetry is set and not installed: pip install 'atalaia[telemetry]'",
            missing=error.name)  # fmt: skip
    root = logging.getLogger()
    if _sentry is not None and not any(isinstance(one, _Reported) for one in root.handlers):
        root.addHandler(_Reported(service))


def stop() -> None:
    """Send what waits, for two seconds at most, and tell nothing more."""
    global _spans, _sentry
    flush()
    for one in (_spans, _sentry):
        if one is not None:
            one.close()
    _spans = _sentry = None
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if not isinstance(one, _Reported)]


def flush() -> None:
    """Send what waits, for two seconds at most: before a process that others forked ends."""
    for one in (_spans, _sentry):
        if one is not None:
            one.flush(_FLUSH_SECONDS)


def tracing() -> bool:
    """Whether spans go anywhere: who has to work for a span's name asks first."""
    return _spans is not None


class Span:
    """A piece of work while it is done. Of one that nobody is told, nothing is kept."""

    __slots__ = ("_inner",)

    def __init__(self, inner: Any = None) -> None:
        self._inner = inner

    def named(self, name: str) -> None:
        """Call it so from now on."""
        if self._inner is not None:
            self._inner.update_name(redact(name))

    def note(self, **attributes: Any) -> None:
        """Ids, names of things, counts; `__` in a name is a dot."""
        if self._inner is not None:
            for name, value in attributes.items():
                if value is not None:
                    plain = value if isinstance(value, bool | int | float) else str(value)
                    self._inner.set_attribute(name.replace("__", "."), redacted(plain, name))

    def failed(self, error: BaseException) -> None:
        """It ended by this error, told by its class."""
        if self._inner is not None:
            self.note(error__type=type(error).__name__)
            self._inner.set_status(_spans.error)


_NOTHING = Span()


@contextmanager
def span(name: str, kind: str = "internal", parent: str = "", **attributes: Any) -> Iterator[Span]:
    """Tell how long what is inside took, as a part of what it is in; `parent` is a caller's W3C
    `traceparent`. `kind`: internal, server, client, consumer."""
    if _spans is None:
        yield _NOTHING
        return
    with _spans.begun(redact(name), kind, parent) as inner:
        found = Span(inner)
        found.note(**attributes)
        try:
            yield found
        except BaseException as error:
            found.failed(error)
            raise


def traceparent() -> dict[str, str]:
    """The W3C header that lets who is called go on with the span in hand; none without one."""
    found = _spans.traceparent() if _spans is not None else ""
    return {"traceparent": found} if found else {}


class _Reported(logging.Handler):
    """Sends what is logged as ERROR, once the line itself is written."""

    def __init__(self, service: str) -> None:
        super().__init__(logging.ERROR)
        self._service, self._here = service, threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        """One event. What goes wrong on the way is nobody's: the line is in the log."""
        if _sentry is None or getattr(self._here, "busy", False):
            return
        self._here.busy = True
        try:
            _sentry.report(event_of(record, self._service))
        except Exception:
            self.handleError(record)
        finally:
            self._here.busy = False


def event_of(record: logging.LogRecord, service: str) -> dict[str, Any]:
    """A line as Sentry has it: its message and fields as the log has them, the error in hand by
    class and place. No message of an exception, no local, no line of source, no host name."""
    fields: Mapping[str, Any] = redacted(getattr(record, "fields", {}))
    identifier = str(fields.get("trace_id") or trace_id())
    event: dict[str, Any] = {
        "level": "error",
        "logger": record.name,
        "logentry": {"formatted": redact(record.getMessage().strip()).partition("\n")[0]},
        "release": version("atalaia"),
        "environment": settings().env,
        "tags": {"service": service, "trace_id": identifier},
        "extra": dict(fields),
    }
    error = (record.exc_info[1] if record.exc_info else None) or sys.exc_info()[1]
    if error is not None:
        frames = _frames(error.__traceback__)
        told = {"type": type(error).__name__, "module": type(error).__module__, "value": ""}
        event["exception"] = {"values": [{**told, "stacktrace": {"frames": frames}}]}
    return event


def _frames(place: TracebackType | None) -> list[dict[str, Any]]:
    found = []
    while place is not None:
        code = place.tb_frame.f_code
        module = place.tb_frame.f_globals.get("__name__", "")
        found.append(
            {
                "function": code.co_qualname,
                "module": module,
                "lineno": place.tb_lineno,
                "in_app": module.startswith("atalaia"),
            }
        )
        place = place.tb_next
    return found[-_DEEPEST:]
