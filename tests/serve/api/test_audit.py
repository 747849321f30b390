"""The audit log over HTTP: who may read what, pages that hold still, an export that verifies."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serve.api.server import Api, new_key, running

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import audit
from atalaia.kernel.keep.audit import Head
from atalaia.kernel.keep.export import verify_file
from atalaia.kernel.keep.verify import verify

ROUTES = ["/v1/audit", "/v1/audit/streams", "/v1/audit/export"]
KEY = "a key of the tests, long enough to sign"


@pytest.fixture(scope="module")
def signing(
    database_of_module: str, redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """An API that anchors; tests see what earlier ones wrote."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUDIT_ANCHOR_KEY", KEY)
        settings.cache_clear()
        with running(tmp_path_factory.mktemp("signing"), REDIS_URL=redis) as found:
            yield found
    settings.cache_clear()


def add(stream: str, **fields: Any) -> Head:
    known = {"action": "thing.happened", "actor": "ana", "trigger": "cli"}
    with transaction() as connection:
        return audit.append(connection, stream=stream, **(known | fields))


def ask(api: Api, path: str, role: str = "auditor", tenant: str = "default") -> dict[str, Any]:
    answer = api.get(path, X_API_Key=new_key(role, tenant))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("path", ROUTES)
def test_an_auditor_and_nobody_below_reads_it(signing: Api, path: str) -> None:
    assert signing.get(path).status_code == 401
    for role, status in (
        ("client", 403), ("viewer", 403), ("auditor", 200), ("operator", 200), ("admin", 200),
    ):  # fmt: skip
        assert signing.get(path, X_API_Key=new_key(role)).status_code == status, role


def test_another_tenant_sees_its_own_records_and_no_chain(signing: Api) -> None:
    add("tenants", subject="theirs", tenant_id="uf")
    add("tenants", subject="ours")
    found = ask(signing, "/v1/audit?stream=tenants", "admin", "uf")
    assert [one["subject"] for one in found["items"]] == ["theirs"]
    assert found["total"] == 1
    both = ask(signing, "/v1/audit?stream=tenants")
    assert [one["subject"] for one in both["items"]] == ["ours", "theirs"]
    for path in ROUTES[1:]:
        assert signing.get(path, X_API_Key=new_key("admin", "uf")).status_code == 403


def test_a_record_says_all_it_has(signing: Api) -> None:
    head = add("whole", subject="x", reason="porque", details={"n": 1})
    (one,) = ask(signing, "/v1/audit?stream=whole")["items"]
    assert (one["seq"], one["hash"], one["previous"]) == (1, head.hash, "00" * 32)
    assert (one["actor"], one["reason"], one["details"]) == ("ana", "porque", {"n": 1})


def test_pages_hold_still_while_records_arrive(signing: Api) -> None:
    for _ in range(5):
        add("paged")
    add("paged", actor="bia")
    path = "/v1/audit?stream=paged&actor=AN&page_size=2"
    first = ask(signing, path)
    assert ([one["seq"] for one in first["items"]], first["newer"]) == ([5, 4], None)
    assert (first["total"], first["more_than_total"], first["count"]) == (5, False, 2)
    add("paged")
    second = ask(signing, f"{path}&start={first['older']}")
    assert [one["seq"] for one in second["items"]] == [3, 2]
    last = ask(signing, f"{path}&start={second['older']}")
    assert ([one["seq"] for one in last["items"]], last["older"]) == ([1], None)
    back = ask(signing, f"{path}&start={last['newer']}&direction=newer")
    assert [one["seq"] for one in back["items"]] == [3, 2]


def test_time_is_asked_with_its_zone(signing: Api) -> None:
    add("timed")
    (one,) = ask(signing, "/v1/audit?stream=timed")["items"]
    at = one["at"].replace("+", "%2B")
    assert ask(signing, f"/v1/audit?stream=timed&since={at}")["total"] == 1
    assert ask(signing, f"/v1/audit?stream=timed&until={at}")["total"] == 0
    key = new_key("auditor")
    for query in ("since=2026-01-01T00:00:00", "start=timed", "start=timed:0", "direction=up",
                  "page_size=501", "stream=UPPER", "actor="):  # fmt: skip
        assert signing.get(f"/v1/audit?{query}", X_API_Key=key).status_code == 422, query
    assert signing.get("/v1/audit?start=timed:99", X_API_Key=key).status_code == 400


def test_chains_stand_where_they_were_verified(signing: Api) -> None:
    add("standing")
    verify()
    anchored = ask(signing, "/v1/audit/streams")
    assert (anchored["state"], anchored["problems"]) == ("ok", [])
    assert anchored["verified_at"] is not None
    head = add("standing")
    found = ask(signing, "/v1/audit/streams")
    one = {one["stream"]: one for one in found["items"]}["standing"]
    assert (one["state"], one["seq"], one["hash"]) == ("ok", 2, head.hash)
    assert (one["anchored_seq"], one["followed"]) == (1, 2)
    assert found["verified_at"] == anchored["verified_at"], "looking vouches for nothing"


def test_the_export_verifies_and_is_as_of_one_moment(signing: Api, tmp_path: Path) -> None:
    for number in range(600):  # more than one piece of the answer
        add("exported", details={"n": number, "padding": "é" * 40})
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            add("exported")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        answer = signing.get("/v1/audit/export?stream=exported", X_API_Key=new_key("auditor"))
    finally:
        stop.set()
        writer.join()
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert 'attachment; filename="auditoria-exported-' in answer.headers["content-disposition"]
    header, *lines = map(json.loads, answer.text.splitlines())
    assert [one["seq"] for one in lines] == list(range(1, header["heads"][0]["seq"] + 1))
    file = tmp_path / "export.ndjson"
    file.write_bytes(answer.content)
    assert {finding.status for finding in verify_file(file)} == {"pass"}
    file.write_bytes(answer.content[: len(answer.content) // 2])
    assert "fail" in {finding.status for finding in verify_file(file)}, "cut short, it is seen"


def test_an_export_of_what_is_not_there(signing: Api) -> None:
    answer = signing.get("/v1/audit/export?stream=nothing", X_API_Key=new_key("auditor"))
    assert answer.status_code == 404


def test_without_a_key_to_anchor_it_says_that_it_does_not_know(
    database_of_module: str, redis: str, tmp_path: Path
) -> None:
    add("unsigned")
    with running(tmp_path, REDIS_URL=redis, AUDIT_ANCHOR_KEY="") as api:
        found = ask(api, "/v1/audit/streams")
    assert found["state"] == "unknown"
    assert "AUDIT_ANCHOR_KEY" in found["problems"][0]
    assert {one["state"] for one in found["items"]} == {"unknown"}
