"""Where spans and errors go: OTLP over HTTP and Sentry's envelopes, by the one outbound client.

Imported by `telemetry.start` alone, when an address is set: it costs what its libraries cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any
from urllib.parse import unquote, urlsplit

import sentry_sdk
from opentelemetry import trace as otel
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sentry_sdk.consts import EndpointType
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from sentry_sdk.worker import BackgroundWorker

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import AtalaiaError
from atalaia.kernel.base.outbound import post
from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.trace import log, trace_id

_SECONDS = 5.0  # a receiver has to take what it is sent
_WORDS = TraceContextTextMapPropagator()


class _Receiver:
    """Somebody who is told, and may be away: what is not taken is dropped, and said once."""

    def __init__(self, what: str, url: str, headers: dict[str, str]) -> None:
        self._what, self._url, self._headers, self._away = what, url, headers, False

    def take(self, body: bytes) -> bool:
        """Whether the receiver took it."""
        try:
            answer = post(
                self._url,
                body,
                self._headers,
                deadline=Deadline(_SECONDS),
                inside=[self._url],  # an operator's own setting
                most_connections=2,
            )
            why = "" if 200 <= answer.status < 300 else f"HTTP {answer.status}"
        except AtalaiaError as error:
            why = type(error).__name__
        if why and not self._away:
            log("WARNING", f"{self._what} are not taken: dropped until they are", why=why)
        self._away = bool(why)
        return not why


class _OurTraces(RandomIdGenerator):
    """A root span has the trace id that the logs have."""

    def generate_trace_id(self) -> int:
        ours = trace_id()
        try:
            return int(ours, 16) if len(ours) == 32 else super().generate_trace_id()
        except ValueError:
            return super().generate_trace_id()


class _Collector(SpanExporter):
    """OTLP over HTTP, protobuf."""

    def __init__(self, endpoint: str) -> None:
        pairs = (one.partition("=") for one in settings().otel_exporter_otlp_headers.split(","))
        own = {name.strip(): unquote(value.strip()) for name, _, value in pairs if name.strip()}
        self._receiver = _Receiver(
            "traces",
            f"{endpoint.rstrip('/')}/v1/traces",
            {"Content-Type": "application/x-protobuf", **own},
        )

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        taken = self._receiver.take(encode_spans(spans).SerializeToString())
        return SpanExportResult.SUCCESS if taken else SpanExportResult.FAILURE


class Spans:
    """Makes spans and sends them, many at a time, from a thread of its own."""

    error = otel.Status(otel.StatusCode.ERROR)

    def __init__(self, service: str, endpoint: str) -> None:
        told = {"service.name": f"atalaia-{service}", "service.version": version("atalaia")}
        self._provider = TracerProvider(
            resource=Resource(told), id_generator=_OurTraces(), shutdown_on_exit=True
        )
        self._provider.add_span_processor(BatchSpanProcessor(_Collector(endpoint)))
        self._tracer = self._provider.get_tracer("atalaia")

    @contextmanager
    def begun(self, name: str, kind: str, parent: str) -> Iterator[otel.Span]:
        """A span around what is inside."""
        context = _WORDS.extract({"traceparent": parent}) if parent else None
        with self._tracer.start_as_current_span(
            name,
            context,
            otel.SpanKind[kind.upper()],
            record_exception=False,  # its message may hold what a person typed
            set_status_on_exception=False,
        ) as inner:
            yield inner

    def traceparent(self) -> str:
        """The W3C header of the span in hand, '' without one."""
        carrier: dict[str, str] = {}
        _WORDS.inject(carrier)
        return carrier.get("traceparent", "")

    def flush(self, seconds: float) -> None:
        """Send what waits."""
        self._provider.force_flush(round(seconds * 1000))

    def close(self) -> None:
        """Send nothing more."""
        self._provider.shutdown()


class _Envelopes(Transport):
    """Sentry's envelopes, from a thread that fork and end are no harm to."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        assert self.parsed_dsn is not None  # noqa: S101  Errors gives one
        auth = self.parsed_dsn.to_auth(f"atalaia/{version('atalaia')}")
        self._worker = BackgroundWorker()
        self._receiver = _Receiver(
            "errors",
            auth.get_api_url(EndpointType.ENVELOPE),
            {
                "Content-Type": "application/x-sentry-envelope",
                "X-Sentry-Auth": str(auth.to_header()),
            },
        )

    def capture_envelope(self, envelope: Envelope) -> None:
        body = envelope.serialize()
        self._worker.submit(lambda: self._receiver.take(body))

    def flush(self, timeout: float, callback: Any = None) -> None:
        self._worker.flush(timeout, callback)

    def kill(self) -> None:
        self._worker.kill()


class Errors:
    """Sends events to Sentry. Nothing of the library looks around by itself: no integration, no
    breadcrumb, no local variable, no request, no user, no host name."""

    def __init__(self, dsn: str) -> None:
        self._client = sentry_sdk.Client(
            dsn,
            transport=_Envelopes,
            default_integrations=False,
            auto_enabling_integrations=False,
            send_default_pii=False,
            include_local_variables=False,
            include_source_context=False,
            auto_session_tracking=False,
            send_client_reports=False,
            max_breadcrumbs=0,
            release=version("atalaia"),
            environment=settings().env,
            server_name=urlsplit(settings().atalaia_url).netloc,
        )

    def report(self, event: dict[str, Any]) -> None:
        """Take one event; it is sent later."""
        self._client.capture_event(event)  # type: ignore[arg-type]

    def flush(self, seconds: float) -> None:
        """Send what waits."""
        self._client.flush(seconds)

    def close(self) -> None:
        """Send nothing more."""
        self._client.close(0.0)
