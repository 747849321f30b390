"""Alerts, incidents and windows over HTTP: who may, what is refused, and what is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.kernel.watch.scripted import LIMIT, Script, alerts, rows
from tests.kernel.work.toys import recorded
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import connect

MINUTE = timedelta(minutes=1)
SOON = (datetime.now(UTC) + timedelta(hours=2)).isoformat()


@pytest.fixture(autouse=True)
def _none_before(database_of_module: str) -> Iterator[None]:
    yield
    with connect(autocommit=True) as connection:
        connection.execute(
            "TRUNCATE ops.incidents, ops.alerts, ops.watched, ops.maintenance_windows CASCADE"
        )


def get(api: Api, path: str, key: str) -> Any:
    answer = api.get(path, X_API_Key=key)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


def post(api: Api, path: str, key: str, body: Any) -> httpx.Response:
    return api.client.post(path, json=body, headers={"x-api-key": key})


def script() -> Script:
    made = Script()
    made.now = datetime.now(UTC) - 20 * MINUTE
    return made


def test_open_alerts_worst_first_with_what_follows_last(api: Api) -> None:
    key, s = new_key("viewer"), script()
    s.after(MINUTE, **{"queue-growing": {"q": 15}, "worker-dead": {"": 15},
                       "source-late": {"a": 15}, "audit-broken": {"": 15}})  # fmt: skip
    s.after(MINUTE, **{"source-late": {"a": 0}})
    found = get(api, "/v1/alerts", key)
    assert [one["rule"] for one in found["items"]] == [
        "audit-broken", "worker-dead", "queue-growing",
    ]  # fmt: skip
    assert (found["total"], found["open"], found["unasked"]) == (3, {"failed": 3}, 0)
    assert datetime.fromisoformat(found["evaluated_at"]) == s.now
    worker, queue = found["items"][1:]
    assert queue["follows"] == worker["alert_id"]
    one = get(api, f"/v1/alerts/{worker['alert_id']}", key)
    assert [f["alert_id"] for f in one["followers"]] == [queue["alert_id"]]
    assert (one["runbook"], one["arguments"]) == ("platform/worker-dead", {"x": ""})
    for query, rules in (
        ("status=resolved", ["source-late"]), ("severity=critical", ["audit-broken"]),
        ("rule=worker-dead", ["worker-dead"]), ("state=silenced", []), ("page_size=1&page=2",
        ["worker-dead"]), ("status=all&state=ok", ["source-late"]),
    ):  # fmt: skip
        items = get(api, f"/v1/alerts?{query}", key)["items"]
        assert [one["rule"] for one in items] == rules, query
    states = get(api, "/v1/alert-states?rule=source-late", key)
    assert [(one["subject"], one["state"]) for one in states["items"]] == [("a", "ok")]


def test_a_window_and_a_person_silence_what_is_shown(api: Api) -> None:
    key, s = new_key("operator"), script()
    s.after(MINUTE, **{"disk-full": {"a": 99, "b": 99}})
    window = {"title": "troca", "starts_at": datetime.now(UTC).isoformat(), "ends_at": SOON,
              "subjects": ["a"], "reason": "r"}  # fmt: skip
    made = post(api, "/v1/maintenance-windows", key, window)
    assert made.status_code == 201, made.text
    found = get(api, "/v1/alerts", key)
    assert {one["subject"]: one["shown"] for one in found["items"]} == {
        "a": "silenced", "b": "failed",
    }  # fmt: skip
    (b,) = [one["alert_id"] for one in found["items"] if one["subject"] == "b"]
    said = post(api, f"/v1/alerts/{b}/silence", key, {"reason": "sei", "until": SOON})
    assert said.status_code == 200, said.text
    assert get(api, "/v1/alerts", key)["open"] == {"silenced": 2}
    number = made.json()["window_id"]
    ended = post(api, f"/v1/maintenance-windows/{number}/cancel", key, {"reason": "acabou"})
    assert ended.status_code == 200
    assert get(api, "/v1/alerts", key)["open"] == {"silenced": 1, "failed": 1}
    (shown,) = get(api, "/v1/maintenance-windows", key)["items"]
    assert (shown["active"], shown["cancel_reason"]) == (False, "acabou")


def test_an_acknowledgement_is_recorded_and_shown(api: Api) -> None:
    key, s = new_key("operator"), script()
    s.after(MINUTE, disk_full=LIMIT + 1)
    number = alerts("disk-full")[0]["alert_id"]
    for bad in ({}, {"reason": " "}, {"reason": "x", "until": "2020-01-01T00:00:00"},
                {"reason": "x", "acknowledged_by": "eu"}):  # fmt: skip
        assert post(api, f"/v1/alerts/{number}/ack", key, bad).status_code == 422, bad
    past = {"reason": "x", "until": "2020-01-01T00:00:00Z"}
    assert post(api, f"/v1/alerts/{number}/ack", key, past).status_code == 400
    viewer = new_key("auditor")
    assert post(api, f"/v1/alerts/{number}/ack", viewer, {"reason": "x"}).status_code == 403
    assert not get(api, f"/v1/alerts/{number}", key)["acknowledged"]
    assert post(api, f"/v1/alerts/{number}/ack", key, {"reason": "vou ver"}).status_code == 200
    found = get(api, f"/v1/alerts/{number}", key)
    assert (found["acknowledged"], found["acknowledge_reason"]) == (True, "vou ver")
    assert [one["action"] for one in found["history"]][-1] == "alert.acknowledged"
    assert recorded("alerts")[0]["trigger"] == "api"
    s.after(MINUTE, disk_full=0)
    again = post(api, f"/v1/alerts/{number}/ack", key, {"reason": "x"})
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-so")


def test_an_incident_from_its_alert_to_its_post_mortem(api: Api) -> None:
    key, s = new_key("operator"), script()
    s.after(MINUTE, disk_full=LIMIT + 1)
    number = alerts("disk-full")[0]["alert_id"]
    assert post(api, "/v1/incidents", key, {"reason": "x"}).status_code == 400
    made = post(api, "/v1/incidents", key, {"reason": "grave", "alerts": [number]})
    assert made.status_code == 201, made.text
    path = f"/v1/incidents/{made.json()['incident_id']}"
    for body, status in (
        ({"reason": "x", "status": "resolved"}, 422), ({"reason": "x", "severity": "P1"}, 422),
        ({"reason": "x", "status": "monitoring"}, 200),
    ):  # fmt: skip
        assert post(api, f"{path}/update", key, body).status_code == status, body
    assert get(api, f"{path}/contacts", key) == {"level": 1, "items": []}
    assert post(api, f"{path}/snapshot", key, {"reason": "x"}).status_code == 201
    end = {"reason": "x", "root_cause": "c", "resolution": "r"}
    assert post(api, f"{path}/resolve", key, {"reason": "x"}).status_code == 422
    assert post(api, f"{path}/resolve", key, end).status_code == 200
    assert post(api, f"{path}/resolve", key, end).status_code == 409
    viewer = new_key("viewer")
    found = get(api, path, viewer)
    assert found["status"] == "resolved"
    assert [one["kind"] for one in found["events"]] == [
        "alert", "declared", "updated", "snapshot", "resolved",
    ]  # fmt: skip
    assert [one["alert_id"] for one in found["alerts"]] == [number]
    assert len(found["snapshots"]) == 1
    assert "# Post-mortem" in get(api, f"{path}/postmortem", viewer)["text"]
    assert get(api, f"/v1/alerts/{number}", viewer)["incident_id"] == found["incident_id"]
    assert get(api, "/v1/incidents?status=open", viewer)["items"] == []
    assert get(api, "/v1/incidents", viewer)["items"][0]["alerts"] == 1
    assert post(api, f"{path}/update", viewer, {"reason": "x"}).status_code == 403


def test_levels_are_told_with_their_reference_point(api: Api) -> None:
    key = new_key("viewer")
    rows("DELETE FROM ops.watch_round RETURNING 1")
    assert get(api, "/v1/slos", key)["reference"] == "now"
    found = get(api, "/v1/slos?at=2027-01-01T00:00:00Z", key)
    assert (found["reference"], found["window_end"]) == ("given", "2027-01-01T00:00:00+00:00")
    assert [one["slo"] for one in found["items"]] == ["SLO-1", "SLO-3"]
    assert found["items"][0]["budget"]["burn_rate"] is None
    assert api.get("/v1/slos?at=2027-01-01", X_API_Key=key).status_code == 422
