"""Sources and whole runs over HTTP."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from tests.serve.api.matrix import World
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.settings import settings


@pytest.fixture(scope="module")
def world(api: Api) -> World:
    return World()


def test_sources_are_listed_shown_covered_and_proven(api: Api, world: World) -> None:
    key = new_key("viewer")
    listed = api.get("/v1/ops/sources", X_API_Key=key).json()
    (found,) = [one for one in listed["items"] if one["connector"] == "matrix"]
    assert (found["state"], found["failed"], len(found["days"])) == ("failed", 1, 90)
    one = api.get("/v1/ops/sources/matrix", X_API_Key=key).json()
    assert {k: v for k, v in one.items() if k in found} == found
    covered = api.get("/v1/ops/sources/matrix/coverage", X_API_Key=key).json()
    assert [(c["reference_period"], c["state"]) for c in covered["items"]] == [("2024", "failed")]
    pack = api.get("/v1/ops/sources/matrix/evidence", X_API_Key=key)
    assert pack.headers["content-type"] == "application/zip"
    assert "attachment" in pack.headers["content-disposition"]
    told = json.loads(zipfile.ZipFile(io.BytesIO(pack.content)).read("evidencia.json"))
    assert told["run"]["run_id"] == one["last_run_id"]
    for path in ("", "/coverage", "/evidence"):
        assert api.get(f"/v1/ops/sources/none{path}", X_API_Key=key).status_code == 404


def test_a_run_is_told_whole_with_its_log_and_its_relations(api: Api, world: World) -> None:
    key = new_key("viewer")
    with connect(autocommit=True) as connection:
        made = connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period,
                   run_status, rows_read, rows_loaded, rows_rejected, finished_at_utc,
                   actor, trigger, trace_id)
               SELECT gen_random_uuid(), job, 'x', '2020', 'failed', 3, loaded, 1,
                      clock_timestamp(), 'a', 'cli', trace
               FROM (VALUES ('whole', 2, repeat('a', 32)), ('whole', 1, repeat('b', 32)),
                            ('child', 2, repeat('a', 32)), ('other', 2, repeat('c', 32)))
                    AS v(job, loaded, trace)
               RETURNING run_id::text, job_name, rows_loaded"""
        ).fetchall()
        connection.execute(
            """INSERT INTO ops.source_schema_contracts (connector, version, table_name, columns,
                   payload) VALUES ('whole', 1, 'a.b', '{}', '{}')"""
        )
    whole, short, child, _other = (one["run_id"] for one in made)
    found = api.get(f"/v1/ops/pipeline-runs/{whole}", X_API_Key=key).json()
    assert found["balanced"] is True
    assert {one["run_id"]: one["same_trace"] for one in found["others"]} == {
        short: False, child: True,
    }  # fmt: skip
    assert [one["version"] for one in found["contracts"]] == [1]
    unbalanced = api.get(f"/v1/ops/pipeline-runs/{short}", X_API_Key=key).json()
    assert unbalanced["balanced"] is False


def test_the_log_of_a_run_is_its_traces_lines_and_no_others(api: Api, world: World) -> None:
    key = new_key("viewer")
    with connect(autocommit=True) as connection:
        (run,) = connection.execute(
            "SELECT run_id FROM ops.pipeline_runs WHERE job_name = 'whole' LIMIT 1"
        ).fetchall()
        connection.execute(
            "UPDATE ops.pipeline_runs SET trace_id = repeat('d', 32) WHERE run_id = %s",
            (run["run_id"],),
        )
    folder = settings().log_dir
    folder.mkdir(parents=True, exist_ok=True)
    line = {"ts": "2026-11-23T05:00:00+00:00", "level": "INFO", "service": "worker"}
    (folder / "worker.log").write_text(
        "".join(
            json.dumps(line | {"message": m, "trace_id": t}) + "\n"
            for m, t in (("mine", "d" * 32), ("theirs", "e" * 32))
        )
    )
    found = api.get(f"/v1/ops/pipeline-runs/{run['run_id']}/log", X_API_Key=key).json()
    assert [one["message"] for one in found["items"]] == ["mine"]
