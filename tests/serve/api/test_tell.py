"""Webhooks, mailboxes and deliveries over HTTP, a sender beside; each change has its record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook
from tests.conftest import forget_settings
from tests.kernel.tell.house import QUICK, do, rows, sending, until
from tests.kernel.tell.sinks import Sink
from tests.serve.api.server import Api, new_key, running

OPS = "/v1/ops"


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with Sink() as found:
        yield found


@pytest.fixture(scope="module")
def api(
    database_of_module: str, redis: str, sink: Sink, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """An API, and a sender in this process, that may call the sink."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEBHOOK_INSIDE", sink.url)
        with running(
            tmp_path_factory.mktemp("api"), REDIS_URL=redis, WEBHOOK_INSIDE=sink.url
        ) as found:
            forget_settings()
            with sending(QUICK):
                yield found
    forget_settings()


def call(api: Api, method: str, path: str, body: Any = None, role: str = "admin") -> Any:
    answer = api.client.request(
        method, f"{OPS}/{path}", headers={"X-API-Key": new_key(role)}, json=body  # type: ignore[arg-type]
    )  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    return answer


def webhook(api: Api, sink: Sink, name: str, *types: str) -> dict[str, Any]:
    wanted = {
        "name": name, "url": f"{sink.url}/{name}?token=secret", "event_types": list(types),
        "reason": "porque sim",
    }  # fmt: skip
    answer = call(api, "POST", "webhooks", wanted)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def records() -> list[tuple[str, str, str]]:
    found = rows(
        "SELECT action, subject, reason FROM ops.audit_log WHERE stream = 'tell' ORDER BY seq"
    )
    return [(row["action"], row["subject"], row["reason"]) for row in found]


def hits(sink: Sink, name: str) -> int:
    return sum(hit.path.startswith(f"/{name}?") for hit in sink.hits)


def test_a_webhook_is_made_tried_rotated_disabled_and_enabled(api: Api, sink: Sink) -> None:
    made = webhook(api, sink, "first", "toy.*")
    place = f"webhooks/{made['channel_id']}"
    assert made["address"] == f"{sink.url}/first?…"
    assert "secret" not in call(api, "GET", place).json()
    tried = call(api, "POST", f"{place}/test", {"reason": "funciona?"}, "operator")
    assert tried.status_code == 202
    delivery = f"deliveries/{tried.json()['delivery_id']}"
    told = until(
        lambda: (
            (found := call(api, "GET", delivery, role="viewer").json())["status"] == "delivered"
            and found
        )
    )
    assert [one["status_code"] for one in told["history"]] == [204]
    assert told["event_type"] == "webhook.test"
    assert Webhook(made["secret"]).verify(sink.hits[-1].body, sink.hits[-1].headers)
    turned = call(api, "POST", f"{place}/rotate", {"reason": "ano novo"}).json()
    assert turned["secret"] != made["secret"]
    assert turned["both_until"]
    off = call(api, "POST", f"{place}/disable", {"reason": "obra"}, "operator")
    assert (off.status_code, off.json()["status"]) == (200, "disabled")
    assert call(api, "POST", f"{place}/disable", {"reason": "obra"}).status_code == 409
    assert call(api, "POST", f"{place}/test", {"reason": "?"}).status_code == 409
    assert call(api, "POST", f"{delivery}/replay", {"reason": "?"}).status_code == 409
    assert call(api, "POST", f"{place}/enable", {"reason": "pronto"}).json()["status"] == "active"
    change = {"name": "novo", "event_types": ["*"], "reason": "tudo"}
    assert call(api, "PATCH", place, change).json()["event_types"] == ["*"]
    assert call(api, "PATCH", place, {"reason": "nada"}).status_code == 400
    subject = made["channel_id"]
    assert [one for one in records() if one[1] == subject] == [
        ("webhook.created", subject, "porque sim"), ("webhook.tested", subject, "funciona?"),
        ("webhook.secret_rotated", subject, "ano novo"), ("webhook.disabled", subject, "obra"),
        ("webhook.enabled", subject, "pronto"), ("webhook.changed", subject, "tudo"),
    ]  # fmt: skip
    log = rows("SELECT details::text AS d FROM ops.audit_log WHERE stream = 'tell'")
    assert not any("token" in row["d"] or "whsec" in row["d"] for row in log)


def test_what_ended_is_sent_again_with_the_same_id(api: Api, sink: Sink) -> None:
    made = webhook(api, sink, "again", "never.*")
    place = f"webhooks/{made['channel_id']}"
    sent = [
        call(api, "POST", f"{place}/test", {"reason": "x"}).json()["delivery_id"] for _ in range(5)
    ]
    until(lambda: hits(sink, "again") == 5)
    of_it = f"deliveries?channel={made['channel_id']}"
    until(lambda: call(api, "GET", f"{of_it}&status=delivered").json()["count"] == 5)
    assert call(api, "POST", f"deliveries/{sent[0]}/replay", {"reason": "r"}).status_code == 202
    until(lambda: hits(sink, "again") == 6)
    until(lambda: call(api, "GET", f"{of_it}&status=delivered").json()["count"] == 5)
    some = {"ids": sent[:2], "reason": "r"}
    assert call(api, "POST", "deliveries/replay", some, "operator").json() == {"replayed": 2}
    until(lambda: hits(sink, "again") == 8)
    until(lambda: call(api, "GET", f"{of_it}&status=delivered").json()["count"] == 5)
    missing = {"ids": [sent[0], made["channel_id"]], "reason": "r"}
    assert call(api, "POST", "deliveries/replay", missing).status_code == 404
    every = {"status": "delivered", "channel": made["channel_id"], "reason": "r"}
    assert call(api, "POST", "deliveries/replay-all", every).json() == {"replayed": 5}
    until(lambda: hits(sink, "again") == 13)
    assert len({hit.message for hit in sink.hits if hit.path.startswith("/again?")}) == 5


def test_pages_show_each_delivery_once_while_others_are_added(api: Api, sink: Sink) -> None:
    made = webhook(api, sink, "pages", "never.*")
    place, of_it = f"webhooks/{made['channel_id']}", f"deliveries?channel={made['channel_id']}"
    sent = [
        call(api, "POST", f"{place}/test", {"reason": "x"}).json()["delivery_id"] for _ in range(7)
    ]
    seen, before = [], ""
    while True:
        page = call(api, "GET", f"{of_it}&page_size=2{before}").json()
        seen += [one["delivery_id"] for one in page["items"]]
        call(api, "POST", f"{place}/test", {"reason": "x"})
        if page["older"] is None:
            break
        before = f"&before={page['older']}"
    assert seen == sent[::-1]


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("http://example.org/in", 422), ("https://127.0.0.1/in", 422), ("ftp://a.example", 422),
        ("https://user:pass@a.example", 422), ("https://a.example:6379/", 422), ("nonsense", 422),
        ("https://169.254.169.254/", 422),
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_called_is_refused_when_it_is_said(
    api: Api, sink: Sink, url: str, status: int
) -> None:
    wanted = {"name": "bad", "url": url, "event_types": ["*"], "reason": "x"}
    assert call(api, "POST", "webhooks", wanted).status_code == status
    made = rows("SELECT channel_id FROM ops.channels WHERE kind = 'webhook' LIMIT 1")
    place = f"webhooks/{made[0]['channel_id']}" if made else None
    if place:
        assert call(api, "PATCH", place, {"url": url, "reason": "x"}).status_code == status
    assert not rows("SELECT FROM ops.channels WHERE name = 'bad'")


def test_a_mailbox_is_for_operators_to_see_and_for_admins_to_make(api: Api) -> None:
    wanted = {
        "name": "ana", "address": "ana@x.example", "event_types": ["alert.*"], "reason": "plantão",
    }  # fmt: skip
    assert call(api, "POST", "mailboxes", wanted, "operator").status_code == 403
    made = call(api, "POST", "mailboxes", wanted)
    assert made.status_code == 201
    assert "secret" not in made.json()
    assert call(api, "POST", "mailboxes", wanted).status_code == 409
    assert call(api, "GET", "mailboxes", role="viewer").status_code == 403
    (listed,) = call(api, "GET", "mailboxes", role="operator").json()["items"]
    assert listed["address"] == "ana@x.example"
    place = f"mailboxes/{made.json()['channel_id']}"
    off = call(api, "POST", f"{place}/disable", {"reason": "reclamação"}, "operator").json()
    assert off["disabled_reason"] == "reclamação"
    bad = {**wanted, "name": "x", "address": "a@x.example\r\nBcc: b@x.example"}
    assert call(api, "POST", "mailboxes", bad).status_code == 400
    do("DELETE FROM ops.channels WHERE kind = 'email'")
