"""What is told outside: nothing until asked, and then no value that a person typed."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests.canaries import CANARIES, TOGETHER, hits
from tests.conftest import forget_settings
from tests.receiver import Receiver, receiving
from tests.sources.server import nobody

from atalaia.kernel.base import telemetry, trace
from atalaia.kernel.base.database import transaction
from atalaia.kernel.work.drain import Handler, drain
from atalaia.kernel.work.items import Item, accept

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
QUIET = """
import sys
seen = []
sys.addaudithook(lambda event, _a: seen.append(event) if event.startswith("socket.") else None)
from atalaia.kernel.base import telemetry, trace
trace.configure("x", stream=open("/dev/null", "w"))
telemetry.start("x")
with telemetry.span("x") as span:
    span.note(a=1)
    try:
        raise ValueError("x")
    except ValueError:
        trace.log("ERROR", "x")
telemetry.stop()
heavy = [name for name in ("opentelemetry", "sentry_sdk", "httpx") if name in sys.modules]
print(seen, heavy, telemetry.traceparent(), telemetry.tracing())
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What this process logs, as a service does; telemetry is off again afterwards."""
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    trace.configure("test", stream=stream)
    yield stream
    telemetry.stop()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def dsn(receiver: Receiver) -> str:
    return receiver.url.replace("http://", "http://public@") + "/7"


def spans(receiver: Receiver) -> dict[str, Any]:
    """Every span that came, by its name."""
    found = {}
    for path, _, body in receiver.came:
        if path == "/v1/traces":
            told = ExportTraceServiceRequest.FromString(body)
            found |= {
                one.name: one
                for resource in told.resource_spans
                for scope in resource.scope_spans
                for one in scope.spans
            }
    return found


@pytest.mark.row("B-005")
def test_without_an_address_nothing_is_imported_and_nothing_leaves(tmp_path: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-c", QUIET], capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin:/bin", "ATALAIA_STATE_DIR": str(tmp_path)},
    )  # fmt: skip
    assert done.stdout.strip() == "[] []  False" or done.stdout.strip() == "[] [] {} False"


@pytest.mark.row("B-005", "E-044", "R-063")
def test_an_error_is_reported_by_class_and_place(
    receiver: Receiver, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENTRY_DSN", dsn(receiver))
    forget_settings()
    telemetry.start("test")

    def broken(typed: str) -> None:
        local = typed.upper()
        raise KeyError(f"{typed} {local}")

    with trace.trace(TRACE):
        try:
            broken(TOGETHER)
        except KeyError:
            trace.log("ERROR", f"it broke: {CANARIES['cpf']}", cpf=CANARIES["cpf"], rows=3)
            logging.getLogger("library").exception("%s", CANARIES["e-mail"])
    telemetry.flush()
    assert len(receiver.came) == 2
    path, headers, body = receiver.came[0]
    assert path == "/api/7/envelope/"
    assert "sentry_key=public" in headers["X-Sentry-Auth"]
    event = json.loads(body.split(b"\n")[2])
    (error,) = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("KeyError", "")
    assert error["stacktrace"]["frames"][-1]["function"].endswith("broken")
    assert event["tags"] == {"service": "test", "trace_id": TRACE}
    assert event["extra"] == {"cpf": "[dado]", "rows": 3}
    assert not {"user", "request", "breadcrumbs", "modules"} & event.keys()
    assert hits(receiver.text) == []
    assert "typed" not in receiver.text, "no line of source, no local"


@pytest.mark.row("B-005", "E-044", "R-063")
def test_a_request_is_one_trace_down_to_its_sql(
    database: str, receiver: Receiver, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    forget_settings()
    telemetry.start("test")

    def act(item: Item, connection: Any) -> None:
        connection.execute("SELECT 'a literal of 529.982.247-25', %s::text", (TOGETHER,))
        raise ValueError(TOGETHER)

    parent = f"00-{TRACE}-00f067aa0ba902b7-01"
    with trace.trace(TRACE), telemetry.span("GET", "server", parent) as piece:
        piece.named("POST /v1/x")
        piece.note(http__route="/v1/x", said=TOGETHER[:20])
        out = telemetry.traceparent()
        with transaction() as connection:
            accept(connection, "toy", [{"typed": TOGETHER}], actor="a", trigger="api",
                   max_attempts=1)  # fmt: skip
    drain({"toy": Handler(act)})
    telemetry.flush()
    found = spans(receiver)
    request, item = found["POST /v1/x"], found["item toy"]
    assert {one.trace_id.hex() for one in found.values()} >= {TRACE}
    assert request.trace_id.hex() == item.trace_id.hex() == TRACE
    assert request.parent_span_id.hex() == "00f067aa0ba902b7"
    assert out == {"traceparent": f"00-{TRACE}-{request.span_id.hex()}-01"}
    sql = [one for name, one in found.items() if name.startswith("SQL")]
    assert any(one.parent_span_id == item.span_id for one in sql)
    assert item.status.code == 2
    assert {one.key: one.value.string_value for one in item.attributes}[
        "error.type"
    ] == "ValueError"
    assert not any(one.events for one in found.values()), "an event would tell the message"
    assert hits(receiver.text) == []
    assert "service.name" in receiver.text
    assert "atalaia-test" in receiver.text


@pytest.mark.row("B-005")
@pytest.mark.parametrize("away", ["nobody", "refuses"])
def test_who_is_away_costs_nobody_anything(
    away: str, receiver: Receiver, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.status = 503
    with nobody() as url:
        address = url if away == "nobody" else receiver.url
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("SENTRY_DSN", address.replace("http://", "http://public@") + "/7")
        forget_settings()
        telemetry.start("test")
        for _ in range(3):
            with trace.trace(), telemetry.span("x"):
                trace.log("ERROR", "it broke")
            telemetry.flush()
    said = [json.loads(line)["message"] for line in log.getvalue().splitlines()]
    assert sum("it broke" in line for line in said) == 3
    assert sum("are not taken" in line for line in said) == 2, "once for each of the two"
