"""atalaia webhook, mailbox and delivery: a secret shown once, a test that waits, a replay."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from standardwebhooks.webhooks import Webhook
from tests.conftest import forget_settings
from tests.kernel.tell.house import QUICK, rows, sending, statuses, until
from tests.kernel.tell.sinks import Answer, Sink
from tests.kernel.tell.test_sender import allow
from tests.serve.cli.conftest import Run


@pytest.fixture
def sink(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    with Sink() as found:
        allow(monkeypatch, found)
        with sending(QUICK):
            yield found
    forget_settings()


def test_a_webhook_is_made_tested_and_what_failed_is_replayed(here: Run, sink: Sink) -> None:
    create = ("webhook", "create", sink.url, "--name", "plantão", "--events", "alert.*")
    assert here(*create).code == 64, "a reason is asked for"
    made = json.loads(here(*create, "--reason", "x", "--format", "json").out)
    assert made["secret"].startswith("whsec_")
    channel = made["channel_id"]
    assert made["secret"] not in here("webhook", "show", channel, "--format", "json").out
    test = ("webhook", "test", channel, "--reason", "x", "--format", "json")
    good = here(*test)
    assert (good.code, json.loads(good.out)["status_code"]) == (0, 204)
    assert Webhook(made["secret"]).verify(sink.hits[0].body, sink.hits[0].headers)
    sink.answer = lambda _hit: Answer(500, body=b"ana@x.example is away")
    bad = here(*test)
    told = json.loads(bad.out)
    assert (bad.code, told["status_code"], told["fault"]) == (2, 500, "do destinatário")
    assert told["history"][0]["answer"] == "[e-mail] is away"
    until(lambda: statuses().get("exhausted") == 1)
    assert [row["name"] for row in rows("SELECT name FROM ops.channels")] == ["plantão"]
    listed = here("delivery", "list", "--status", "exhausted", "--format", "ndjson").out
    assert json.loads(listed)["attempts"] == 10
    sink.answer = lambda _hit: 204
    again = ("delivery", "replay", "--reason", "voltou")
    assert here(*again).code == 64
    assert here(*again, "--status", "failed").code == 1
    assert here(*again, "--status", "exhausted").code == 0
    until(lambda: statuses() == {"delivered": 2})
    assert here(*again, told["delivery_id"]).code == 0
    assert here(*again, channel).code == 64, "no such delivery"


def test_without_a_sender_a_test_says_that_it_still_waits(
    here: Run, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sink() as sink:
        allow(monkeypatch, sink)
        made = here("webhook", "create", sink.url, "--name", "a", "--events", "*",
                    "--reason", "x", "--format", "json")  # fmt: skip
        channel = json.loads(made.out)["channel_id"]
        said = here("webhook", "test", channel, "--reason", "x", "--wait", "0")
        assert said.code == 1
        assert "agendador" in said.err
    forget_settings()


def test_an_address_of_the_inside_is_refused(here: Run, database: str) -> None:
    said = here("webhook", "create", "https://127.0.0.1/", "--name", "a", "--events", "*",
                "--reason", "x")  # fmt: skip
    assert said.code == 2
    assert "interno" in said.err
    assert rows("SELECT FROM ops.channels") == []
