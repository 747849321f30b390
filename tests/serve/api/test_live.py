"""The stream of changes, as an open screen sees it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import httpx
import pytest
from psycopg.types.json import Jsonb
from tests.serve.api.matrix import new_session
from tests.serve.api.server import Api, eventually, new_key, running

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.keep import keys, sessions
from atalaia.kernel.keep.audit import append
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.keep.keys import Who
from atalaia.kernel.watch import pulse
from atalaia.kernel.work.items import accept
from atalaia.serve.api import live

LIVE = "/v1/ops/live"
SOON = 10.0  # seconds in which a change is told, on a busy machine too; alone it is one or two
WHO = Who("test", "python", "test")


@pytest.fixture(scope="module")
def api(database_of_module: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An API with room for three streams, two of one key. The last test stops it."""
    with running(
        tmp_path_factory.mktemp("live"), LIVE_LISTENERS="3", LIVE_LISTENERS_PER_KEY="2"
    ) as found:
        yield found


class Screen:
    """A stream that is read as it comes."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status, self.headers = answer.status_code, answer.headers
        self.text, self.ended = "", False
        self._answer = answer
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for chunk in self._answer.iter_text():
                self.text += chunk
            self.ended = True
        except httpx.HTTPError:
            pass  # cut off, which is no end

    def leave(self) -> None:
        """Hang up. (Closing what another thread reads from would wait for its next byte.)"""
        connection = self._answer.extensions["network_stream"].get_extra_info("socket")
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    @property
    def topics(self) -> set[str]:
        """All that was told so far."""
        told = re.findall(r"^event: changed\nid: \d+\ndata: (.*)$", self.text, re.M)
        return {topic for data in told for topic in json.loads(data)["topics"]}


@contextmanager
def screen(api: Api, key: str, **headers: str) -> Iterator[Screen]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with (
        httpx.Client(base_url=api.url, timeout=60) as client,
        client.stream("GET", LIVE, headers={"X-API-Key": key, **named}) as answer,
    ):
        if answer.status_code != 200:
            answer.read()
        shown = Screen(answer)
        try:
            yield shown
        finally:
            shown.leave()


def _run(connection: Any) -> str:
    run_id = str(uuid4())
    connection.execute(
        """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
               trigger, trace_id) VALUES (%s, %s, 'x', '2024', 'test', 'python', '-')""",
        (run_id, f"live_{run_id[:8]}"),
    )
    return run_id


def _ended(connection: Any) -> None:
    run_id = _run(connection)
    connection.execute(
        """UPDATE ops.pipeline_runs SET run_status = 'failed', finished_at_utc = clock_timestamp()
           WHERE run_id = %s""",
        (run_id,),
    )


def _check(connection: Any) -> None:
    connection.execute(
        """INSERT INTO ops.pipeline_checks (run_id, check_name, status)
           SELECT run_id, 'toy', 'warn' FROM ops.pipeline_runs LIMIT 1"""
    )


def _letter(connection: Any) -> None:
    connection.execute(
        """INSERT INTO ops.dead_letters (domain, entity_type, entity_id, error_type, reason,
               payload, run_id, reference_period)
           SELECT 'x', 'x', '1', 'permanent', 'r', '{}', run_id, '2024'
           FROM ops.pipeline_runs LIMIT 1"""
    )


def _decided(connection: Any) -> None:
    connection.execute(
        "UPDATE ops.dead_letters SET resolved = true, resolved_at = now() WHERE NOT resolved"
    )


def _payload(connection: Any) -> None:
    connection.execute(
        """INSERT INTO bronze.manifest
               (source, dataset, reference_period, path, sha256, size, extracted_at)
           VALUES ('manual', 'x', '2024', %s, repeat('0', 64), 0, now())""",
        (str(uuid4()),),
    )


def _alert(connection: Any) -> None:
    connection.execute(
        """INSERT INTO ops.alerts (rule, subject, dedup_key, title, says, owner, severity, state,
               runbook, first_seen_at, last_seen_at)
           VALUES ('r', 's', 'r:s', 't', 's', 'o', 'high', 'failed', 'daily-check', now(), now())"""
    )


def _seen(connection: Any) -> None:
    connection.execute(
        """UPDATE ops.alerts SET acknowledged_at = now(), acknowledged_by = 'a',
               acknowledge_reason = 'r'"""
    )


def _window(connection: Any) -> None:
    connection.execute(
        """INSERT INTO ops.maintenance_windows (title, starts_at, ends_at, created_by, reason)
           VALUES ('t', now() - interval '1 h', now() + interval '1 h', 'a', 'r')"""
    )


def _incident(connection: Any) -> None:
    connection.execute(
        """INSERT INTO ops.incidents (title, severity, commander, started_at, declared_at,
               declared_by, next_update_due_at)
           VALUES ('t', 'high', 'c', now(), now(), 'a', now())"""
    )


def _told(connection: Any) -> None:
    connection.execute(
        """INSERT INTO ops.incident_events (incident_id, kind, actor, says)
           SELECT incident_id, 'updated', 'a', 's' FROM ops.incidents"""
    )


def _channel(connection: Any) -> None:
    connection.execute(
        """INSERT INTO ops.channels (tenant_id, kind, name, address, event_types, created_by)
           VALUES ('default', 'webhook', 'n', 'https://x.example', '{*}', 'a')"""
    )


def _delivery(connection: Any) -> None:
    connection.execute(
        """WITH told AS (INSERT INTO ops.events (tenant_id, event_type, data, trace_id)
                         VALUES ('default', 'a.b', '{}', '-') RETURNING event_id)
           INSERT INTO ops.deliveries (tenant_id, event_id, channel_id)
           SELECT 'default', event_id, channel_id FROM told, ops.channels"""
    )


def _runbook(connection: Any) -> None:
    connection.execute(
        """INSERT INTO ops.runbook_runs (runbook_run_id, runbook, sha256, text, arguments, status,
               actor, trigger, reason, trace_id, started_at)
           VALUES (gen_random_uuid(), 'platform/x', repeat('0', 64), 't', '{}', 'running', 'a',
               'cli', 'r', '-', now())"""
    )


def _cell(connection: Any) -> None:
    connection.execute(
        """INSERT INTO ops.runbook_cells (runbook_run_id, position, name, status, attempts, output,
               output_sha256, output_bytes)
           SELECT runbook_run_id, 0, 'c', 'running', 1, '', '', 0 FROM ops.runbook_runs"""
    )


# What is done, in this order, and what is to be told of it: that, and nothing else.
DONE: tuple[tuple[Callable[[Any], Any], set[str]], ...] = (
    (_run, {"runs"}),
    (_ended, {"runs", "checks"}),
    (_check, {"checks"}),
    (_letter, {"letters"}),
    (_decided, {"letters"}),
    (lambda c: accept(c, "toy", [{"n": 1}], actor="a", trigger="api"), {"queue"}),
    (
        lambda c: append(
            c, stream="runs", action="a.b", actor="a", trigger="cli", subject="s", details={}
        ),
        {"audit"},
    ),
    (_payload, {"sources"}),
    (_alert, {"alerts"}),
    (_channel, {"deliveries"}),
    (_delivery, {"deliveries"}),
    (_seen, {"alerts"}),
    (_window, {"alerts"}),
    (_incident, {"incidents"}),
    (_told, {"incidents"}),
    (_runbook, {"runbooks"}),
    (_cell, {"runbooks"}),
)


def test_what_changed_is_told_soon_and_nothing_else(api: Api) -> None:
    assert {topic for _, topics in DONE for topic in topics} == set(pulse.TOPICS)
    key = new_key("viewer")
    for do, topics in DONE:
        with screen(api, key) as shown:
            assert shown.status == 200
            assert shown.headers["content-type"].startswith("text/event-stream")
            with transaction() as connection:
                do(connection)
            eventually(lambda t=topics, s=shown: s.topics >= t, SOON, f"{topics}")  # type: ignore[misc]
            assert shown.topics == topics


def test_a_session_listens_too_and_other_tenants_do_not(api: Api) -> None:
    cookie = new_session("viewer")["Cookie"]
    with httpx.Client(base_url=api.url) as client:
        with client.stream("GET", LIVE, headers={"Cookie": cookie}) as answer:
            assert answer.status_code == 200
        for stranger in ({}, {"X-API-Key": new_key("admin", "other")}):
            assert client.get(LIVE, headers=stranger).status_code in (401, 403)


def test_who_comes_back_is_told_that_all_may_have_changed(api: Api) -> None:
    with screen(api, new_key("viewer"), Last_Event_ID="7") as shown:
        eventually(lambda: shown.topics == set(pulse.TOPICS), SOON, "all topics")


def test_a_revoked_key_and_an_ended_session_hear_no_more(api: Api) -> None:
    lost, kept, cookie = new_key("viewer"), new_key("viewer"), new_session("viewer")["Cookie"]
    with screen(api, lost) as ends, screen(api, kept) as stays, httpx.Client() as client:
        with client.stream("GET", api.url + LIVE, headers={"Cookie": cookie}) as answer:
            browser = Screen(answer)
            with transaction() as connection:
                keys.revoke(connection, lost.rpartition("_")[0][:16], who=WHO)
                sessions.end_all(connection, who=WHO)
            eventually(lambda: ends.ended and browser.ended, SOON, "their ends")
        assert not stays.ended
        with transaction() as connection:
            _run(connection)
        eventually(lambda: "runs" in stays.topics, SOON, "the other goes on")


def _asked_at() -> Any:
    """When the API last asked what changed, and who may hear it; its connections say so."""
    with connect(autocommit=True) as connection:
        (row,) = connection.execute(
            """SELECT max(query_start) AS at FROM pg_stat_activity
               WHERE application_name LIKE 'atalaia-api%'
                 AND (query LIKE 'SELECT ARRAY[%' OR query LIKE '%prefix = ANY(%')"""
        ).fetchall()
    return row["at"]


def test_nobody_is_asked_when_nobody_listens(api: Api) -> None:
    with screen(api, new_key("viewer")):
        before = _asked_at()
        eventually(lambda: _asked_at() != before, SOON, "a question a second")
    listeners = "atalaia_live_listeners 0.0"
    eventually(lambda: listeners in api.get("/metrics").text, SOON, "nobody listens")
    before = _asked_at()
    time.sleep(2.5 * live.PACE_SECONDS)  # what must not happen has no moment to wait for
    assert _asked_at() == before


def test_a_stream_is_not_counted_as_a_slow_answer(api: Api) -> None:
    with screen(api, new_key("viewer")) as shown:
        began = time.monotonic()
        time.sleep(1.5)
    lasted = time.monotonic() - began
    (line,) = eventually(
        lambda: [x for x in api.lines() if x.get("trace_id") == shown.headers["x-trace-id"]],
        10, "its line",
    )  # fmt: skip
    assert line["seconds"] < lasted / 2


def test_a_database_that_was_away_means_that_all_may_have_changed(api: Api) -> None:
    with screen(api, new_key("viewer")) as shown, connect(autocommit=True) as connection:
        connection.execute("ALTER TABLE ops.corrections RENAME TO corrections_away")
        before = _asked_at()
        eventually(lambda: _asked_at() != before, SOON, "a question that fails")
        assert shown.topics == set()
        connection.execute("ALTER TABLE ops.corrections_away RENAME TO corrections")
        eventually(lambda: shown.topics == set(pulse.TOPICS), 2 * SOON, "all topics")


def test_streams_are_bounded_per_key_and_per_process(api: Api) -> None:
    one, other, third = (new_key("viewer") for _ in range(3))
    with screen(api, one), screen(api, other):
        with screen(api, one), screen(api, one) as refused, screen(api, third) as full:
            assert (refused.status, full.status) == (429, 503)
            assert min(int(x.headers["retry-after"]) for x in (refused, full)) >= 1

        def room() -> bool:
            with screen(api, one) as again:
                return again.status == 200

        eventually(room, SOON, "room after one has gone")


def _caller(subject: str) -> Caller:
    return Caller("default", subject, "viewer", subject)


def test_who_reads_nothing_is_let_go_and_holds_up_nobody(
    database_of_module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are streams of one hub; the slow one's `send` never comes back."""
    monkeypatch.setattr(live, "_SEND_SECONDS", 0.5)
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.1)
    got: list[str] = []

    async def stuck(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def read(message: MutableMapping[str, Any]) -> None:
        got.append(message.get("body", b"").decode())

    async def stays() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def both() -> None:
        hub = live.Hub()
        prefixes = [new_key("viewer").rpartition("_")[0][:16] for _ in range(2)]
        slow, quick = [await hub.join(_caller(p), missed=False) for p in prefixes]
        streams = [
            asyncio.create_task(live._Stream(hub, one)({}, stays, send))
            for one, send in ((slow, stuck), (quick, read))
        ]
        await asyncio.to_thread(_changed)
        async with asyncio.timeout(10):
            await streams[0]
            while not any("changed" in text for text in got):
                await asyncio.sleep(0.05)
        assert len(hub) == 1
        hub.close()
        await streams[1]
        assert len(hub) == 0

    asyncio.run(both())
    assert ": ok\n\n" in got, "a heartbeat"


def _changed() -> None:
    with connect(autocommit=True) as connection:
        connection.execute(
            """INSERT INTO ops.source_schema_contracts (connector, version, table_name, columns,
                   payload) VALUES (%s, 1, 'a.b', '{}', %s)""",
            (f"live_{uuid4().hex[:6]}", Jsonb({})),
        )


def test_an_api_that_is_told_to_stop_ends_its_streams(api: Api) -> None:
    with screen(api, new_key("viewer")) as shown:
        api.process.send_signal(signal.SIGTERM)
        assert api.process.wait(10) in (0, -signal.SIGTERM)
        eventually(lambda: shown.ended, SOON, "an end, not a cut")
