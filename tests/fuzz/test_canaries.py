"""Twenty kinds of personal data in every place that takes a text: none is told again anywhere.

What a person writes for others to read (a reason, a title, the name of a key) is kept where it was
written, without what has the form of a person's number; it is in no log, queue, error, metric or
trace either. What is refused leaves nothing at all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from redis import Redis
from tests.canaries import CANARIES, everything_kept, hits
from tests.conftest import forget_settings
from tests.fuzz.filling import Filling
from tests.kernel.toy import Toy
from tests.receiver import Receiver, receiving
from tests.serve.api.matrix import Operation, World, table
from tests.serve.api.server import Api, eventually, new_key, running

from atalaia.kernel.base.database import connect
from atalaia.kernel.watch.lineage import Telling
from atalaia.kernel.work.runner import run_job

NIGHT = pytest.mark.night("canaries")
KINDS = list(CANARIES.items())
# What the redactor knows by its form; of the others, a reason may keep what was written in it.
FORMED = {"cpf", "cpf, digits", "cnpj", "e-mail", "phone", "rg", "plate", "token", "jwt", "card",
          "pis", "cell"}  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def told_api(database: str, redis: str, tmp_path: Path, receiver: Receiver) -> Iterator[Api]:
    """An API that tells traces and errors to a receiver."""
    dsn = receiver.url.replace("http://", "http://public@") + "/7"
    with running(
        tmp_path, REDIS_URL=redis, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, SENTRY_DSN=dsn,
        OTEL_BSP_SCHEDULE_DELAY="200",
    ) as api:  # fmt: skip
        yield api


def ask_refused(api: Api, filling: Filling, operation: Operation, key: str, canary: str) -> int:
    """The canary in path, query, headers, body and file name, where it is refused or only looked
    for; how many places that were."""
    told = filling.told(operation)
    query = {one["name"]: canary for one in told.get("parameters", ()) if one["in"] == "query"}
    places = 0
    for headers, more in (
        ({"X-API-Key": key}, {"content": json.dumps({"field": canary, canary: [canary]})}),
        ({"X-API-Key": key}, {"content": f'{{"reason": "{canary}'}),
        ({"X-API-Key": key}, {"content": f"a;b\n1;{canary}\n", "type": "text/csv"}),
        ({"X-API-Key": key}, {"files": {"file": (f"{canary}.csv", f"x\n{canary}\n".encode())}}),
        ({"X-API-Key": quote(canary)}, {}),
        ({"Authorization": f"Bearer {quote(canary)}"}, {}),
    ):
        request: dict[str, Any] = dict(more)
        kind = request.pop("type", "application/json")
        body = "files" in request or "content" in request
        if body and operation.method == "GET":
            continue
        typed = {"Content-Type": kind} if "content" in more else {}
        sent = {**headers, **_told_by(canary), **typed}
        path = filling.path(operation, canary)
        answer = api.client.request(
            operation.method, path, params={**query, "q": canary, canary: "1"}, headers=sent,
            **request,
        )  # fmt: skip
        assert answer.status_code < 500, (operation.name, answer.text)
        places += 5 + len(query) + body
    return places


def _told_by(canary: str) -> dict[str, Any]:
    return {
        "User-Agent": canary.encode(),
        "Referer": f"https://x.example/?{quote(canary)}",
        "traceparent": quote(canary),
        "Cookie": f"x={quote(canary)}",
    }


def ask_for_the_record(
    api: Api, filling: Filling, operation: Operation, key: str, canary: str, number: int
) -> int:
    """The canary in every text of a body of the agreed form, of a thing that is there."""
    body = filling.body(operation, canary)
    headers = {"X-API-Key": key, **filling.headers(operation, number)}
    fields = 0
    for name in ["", *(body or {})]:  # all fields, and each alone
        sent = filling.body(operation, canary, name) if body is not None else None
        answer = api.client.request(
            operation.method, filling.path(operation),
            params={**filling.query(operation), **({"reason": canary} if body is None else {})},
            headers=headers, json=sent,
        )  # fmt: skip
        assert answer.status_code < 500, (operation.name, sent, answer.text)
        fields += 1 if name else len(body or ())
    return fields


def quiet(api: Api, redis: str, receiver: Receiver) -> None:
    """Nothing typed is in what an API says of itself: log, metrics, queue, connections, traces."""
    assert hits(api.get("/metrics").text) == []
    with connect(autocommit=True) as connection:
        seen = connection.execute("SELECT application_name, query FROM pg_stat_activity").fetchall()
    assert hits(json.dumps(seen, default=str)) == []
    eventually(lambda: any("traces" in path for path, *_ in receiver.came), 30, "a trace")
    api.stop()
    assert hits(receiver.text) == []
    log = api.raw_log()
    assert '"path":' in log
    assert hits(log) == []
    with Redis.from_url(redis) as queue:
        names = list(queue.scan_iter())
        kept = b" ".join(names) + b" ".join(queue.dump(name) or b"" for name in names)
    assert hits(kept.decode("utf-8", "replace")) == []


def _refused(api: Api, redis: str, receiver: Receiver, step: int) -> int:
    filling, key = Filling(api, World()), new_key("operator")
    places = 0
    for turn, operation in enumerate(table()):
        if operation.path == "/v1/ops/live":
            continue  # it has no end; its one parameter is tried below
        for at in range(turn % step, len(KINDS), step):
            places += ask_refused(api, filling, operation, key, KINDS[at][1])
    for _, canary in KINDS:
        api.get("/v1/ops/live", Last_Event_Id=quote(canary), X_API_Key=key)
        for nowhere in (f"/v1/{quote(canary)}", f"/{quote(canary)}", f"/files/{quote(canary)}"):
            assert api.get(nowhere, X_API_Key=key).status_code < 500
    quiet(api, redis, receiver)
    assert hits(everything_kept()) == []
    return places


def _for_the_record(api: Api, redis: str, receiver: Receiver, step: int) -> int:
    filling, key, places = Filling(api, World()), new_key("admin"), 0
    changes = [one for one in table() if one.keyed and one.method != "GET"]
    for turn, operation in enumerate(changes):
        for at in range(turn % step, len(KINDS), step):
            number = turn * len(KINDS) + at
            places += ask_for_the_record(api, filling, operation, key, KINDS[at][1], number)
    quiet(api, redis, receiver)
    with connect(autocommit=True) as connection:
        work = connection.execute("SELECT error, result FROM ops.work_items").fetchall()
        said = connection.execute("SELECT reason, entity_id FROM ops.dead_letters").fetchall()
    assert hits(json.dumps([work, said], default=str)) == []
    assert FORMED & set(hits(everything_kept())) == set()
    return places


@pytest.mark.row("R-063", "E-044")
def test_what_is_refused_is_told_nowhere(told_api: Api, redis: str, receiver: Receiver) -> None:
    assert _refused(told_api, redis, receiver, step=20) > 500


@NIGHT
@pytest.mark.timeout(1400)
@pytest.mark.row("R-063", "E-044")
def test_what_is_refused_is_told_nowhere_by_every_route(
    told_api: Api, redis: str, receiver: Receiver, record_property: Any
) -> None:
    places = _refused(told_api, redis, receiver, step=1)
    record_property("canaries", places)
    assert places >= 5000


@pytest.mark.row("R-063", "E-044")
def test_what_is_written_for_others_is_in_no_log(
    told_api: Api, redis: str, receiver: Receiver
) -> None:
    assert _for_the_record(told_api, redis, receiver, step=20) > 50


@NIGHT
@pytest.mark.timeout(1400)
@pytest.mark.row("R-063", "E-044")
def test_what_is_written_for_others_is_in_no_log_by_every_route(
    told_api: Api, redis: str, receiver: Receiver, record_property: Any
) -> None:
    places = _for_the_record(told_api, redis, receiver, step=1)
    record_property("canaries", places)
    assert places >= 1000


@pytest.mark.row("R-063", "E-044")
def test_lineage_tells_of_a_failed_run_without_what_it_failed_on(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_run: Any) -> None:
        raise RuntimeError(" | ".join(CANARIES.values()))

    file = tmp_path / "lineage.ndjson"
    monkeypatch.setenv("OPENLINEAGE_FILE", str(file))
    forget_settings()
    run_job(toy.job(after=broken), reference_period="2024")
    assert Telling().keep_told() == 2
    told = file.read_text("utf-8")
    assert "errorMessage" in told
    assert hits(told) == []
