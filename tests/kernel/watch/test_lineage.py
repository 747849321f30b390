"""OpenLineage events: as the spec has them, from the ledger, lost to no receiver that is away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.settings import settings
from atalaia.kernel.watch import lineage

pytestmark = pytest.mark.usefixtures("database")
# What the spec requires of each facet, beside _producer and _schemaURL.
REQUIRED = {
    "nominalTime": {"nominalStartTime"}, "parent": {"run", "job"},
    "errorMessage": {"message", "programmingLanguage"}, "sourceCodeLocation": {"type", "url"},
    "schema": set(), "outputStatistics": set(), "dataQualityMetrics": {"columnMetrics"},
    "dataQualityAssertions": {"assertions"},
}  # fmt: skip


def run(status: str, *, trace: str = "-", error: str | None = None) -> str:
    run_id = str(uuid4())
    with connect(autocommit=True) as connection:
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period,
                   run_status, rows_read, rows_loaded, rows_rejected, finished_at_utc, actor,
                   trigger, trace_id, error)
               VALUES (%(id)s, 'toy', 'x', '2024-12', %(status)s::text::ops.run_status, 5, 4, 1,
                       CASE WHEN %(status)s::text <> 'running' THEN clock_timestamp() END,
                       'a', 'cli', %(trace)s, %(error)s)""",
            {"id": run_id, "status": status, "trace": trace, "error": error},
        )
    return run_id


def whole() -> str:
    """A failed run with everything: bronze, contract, checks, a batch that asked for it."""
    made, trace = run("failed", trace="f" * 32, error="caiu com 529.982.247-25"), "f" * 32
    with connect(autocommit=True) as connection:
        connection.execute(
            """INSERT INTO ops.batches (tenant_id, kind, request_sha256, total, actor, trigger,
                   trace_id) VALUES ('default', 'run', '\\x00', 1, 'a', 'cli', %s)""",
            (trace,),
        )
        connection.execute(
            """WITH taken AS (
                   INSERT INTO bronze.manifest
                       (source, dataset, reference_period, path, sha256, size, extracted_at)
                   VALUES ('toy', 'rows', '2024-12', %s, repeat('b', 64), 9, now())
                   RETURNING bronze_id)
               INSERT INTO ops.run_bronze SELECT %s, bronze_id, 'toy' FROM taken""",
            (made, made),
        )
        connection.execute(
            """INSERT INTO ops.source_schema_contracts (connector, version, table_name, columns,
                   payload) VALUES ('toy', 1, 'silver.toy', %s, '{}')""",
            (Jsonb({"id": "text", "n": "numeric"}),),
        )
        connection.execute(
            """INSERT INTO ops.pipeline_checks (run_id, check_name, status)
               VALUES (%s, 'rows', 'fail')""",
            (made,),
        )
    return made


def require_valid(told: dict[str, Any]) -> None:
    """The required fields of 2-0-2, and of every facet there is."""
    assert told.keys() >= {"eventTime", "producer", "schemaURL", "eventType", "run", "job"}
    assert told["schemaURL"].endswith("2-0-2/OpenLineage.json#/$defs/RunEvent")
    assert datetime.fromisoformat(told["eventTime"]).tzinfo
    UUID(told["run"]["runId"])
    assert all(told["job"][name] for name in ("namespace", "name"))
    facets = dict(told["run"]["facets"]) | told["job"]["facets"]
    for dataset in (*told["inputs"], *told["outputs"]):
        assert all(dataset[name] for name in ("namespace", "name"))
        for kind in ("facets", "inputFacets", "outputFacets"):
            facets |= dataset.get(kind, {})
    for name, facet in facets.items():
        assert facet.keys() >= {"_producer", "_schemaURL"} | REQUIRED[name], name
        assert urlsplit(facet["_schemaURL"]).fragment.startswith("/$defs/"), name


@contextmanager
def receiver(status: list[int], port: int = 0) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An HTTP receiver that answers with the first of `status`; what it took, and its headers."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if status[0] < 300:
                taken.append(told | {"_key": self.headers["Authorization"]})
            self.send_response(status[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api/v1/lineage", taken
    finally:
        server.shutdown()
        server.server_close()


def to_file(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    path = folder / "lineage" / "events.ndjson"
    monkeypatch.setenv("OPENLINEAGE_FILE", str(path))
    settings.cache_clear()
    return path


def test_a_run_is_told_with_every_facet_and_none_of_a_persons_data(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, made = to_file(monkeypatch, tmp_path), whole()
    assert lineage.Telling().keep_told() == 2
    start, end = (json.loads(line) for line in path.read_text("utf-8").splitlines())
    require_valid(start)
    require_valid(end)
    assert (start["eventType"], end["eventType"]) == ("START", "FAIL")
    assert {start["run"]["runId"], end["run"]["runId"]} == {made}
    facets = end["run"]["facets"]
    assert facets.keys() == {"nominalTime", "parent", "errorMessage"}
    assert facets["nominalTime"]["nominalStartTime"] == "2024-12-01T00:00:00+00:00"
    assert facets["nominalTime"]["nominalEndTime"] == "2025-01-01T00:00:00+00:00"
    assert "529" not in facets["errorMessage"]["message"]
    (read,), (written,) = end["inputs"], end["outputs"]
    assert read["name"] == "bronze/toy/rows/2024-12"
    assert read["inputFacets"]["dataQualityAssertions"]["assertions"][0] == {
        "assertion": "rows", "success": False,
    }  # fmt: skip
    assert read["inputFacets"]["dataQualityMetrics"]["rowCount"] == 5
    assert written["facets"]["schema"]["fields"] == [
        {"name": "n", "type": "numeric"}, {"name": "id", "type": "text"},
    ]  # fmt: skip
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 4


def test_every_run_has_a_start_and_exactly_one_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path, telling = to_file(monkeypatch, tmp_path), lineage.Telling()
    ends = {"success": "COMPLETE", "cancelled": "ABORT", "failed": "FAIL", "blocked": "FAIL",
            "manual_required": "FAIL"}  # fmt: skip
    wanted = {run(status): ["START", end] for status, end in ends.items()}
    going_on = run("running")
    for _ in range(2):
        telling.keep_told()
    with connect(autocommit=True) as connection:
        connection.execute(
            """UPDATE ops.pipeline_runs SET run_status = 'success', finished_at_utc = now() + '1 s'
               WHERE run_id = %s""",
            (going_on,),
        )
    for _ in range(2):
        telling.keep_told()
    found: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        told = json.loads(line)
        require_valid(told)
        found.setdefault(told["run"]["runId"], []).append(told["eventType"])
    assert found == wanted | {going_on: ["START", "COMPLETE"]}


def test_a_receiver_that_is_away_loses_nothing_and_what_it_refuses_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lineage, "_AGAIN_SECONDS", 0.0)
    monkeypatch.setenv("OPENLINEAGE_KEY", "a-key")
    status, telling, made = [503], lineage.Telling(), run("success")
    with receiver(status) as (url, taken):
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        settings.cache_clear()
        assert telling.keep_told() == 0
        status[0] = 400
        assert telling.keep_told() == 2
        status[0], later = 201, run("success")
        assert telling.keep_told() == 2
        assert {told["run"]["runId"] for told in taken} == {later}, "the refused is not told again"
        assert taken[0]["_key"] == "Bearer a-key"
        waiting = run("failed")
    assert telling.keep_told() == 0, "nobody listens"
    with receiver([201], urlsplit(url).port or 0) as (_, taken):
        assert telling.keep_told() == 2
        assert {told["run"]["runId"] for told in taken} == {waiting}
    with connect(autocommit=True) as connection:
        refused = connection.execute(
            "SELECT run_id::text, refused_status FROM ops.lineage_told WHERE refused_status > 0"
        ).fetchall()
    assert {(one["run_id"], one["refused_status"]) for one in refused} == {(made, 400)}


def test_a_receiver_that_just_failed_is_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    telling = lineage.Telling()
    run("success")
    status = [500]
    with receiver(status) as (url, taken):
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        settings.cache_clear()
        assert telling.keep_told() == 0
        status[0] = 200
        assert telling.keep_told() == 0
    assert taken == []


def test_nobody_is_told_when_nobody_wants_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.cache_clear()
    run("success")
    assert not lineage.enabled()
    assert lineage.Telling().keep_told() == 0
