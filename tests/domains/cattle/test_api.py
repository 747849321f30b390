"""The intake over HTTP: who may, what is answered, and that nothing is kept twice or lost."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from benchmarks import feeding
from tests.conftest import forget_settings
from tests.domains.cattle.conftest import sql, work
from tests.serve.api.server import Api, new_key, running

from atalaia.kernel.work.drain import drain
from atalaia.serve.worker import handlers

NAMES = {
    "traversal": "../../etc/passwd.csv",
    "long": "a" * 300 + ".csv",
    "control": "a\x1b[2Jb.csv",
    "newline": "a\nERROR fake.csv",
    "rtl": "a\u202egpj.csv",
    "emoji": "boi🐂.csv",
    "device": "CON.csv",
    "dash": "-rf.csv",
    "html": "<script>alert(1)</script>.csv",
}


@pytest.fixture(scope="module")
def api(
    database_of_module: str, redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """An API on a database and a data folder of this module's."""
    folder = tmp_path_factory.mktemp("intake")
    os.environ["DATA_DIR"] = str(folder / "data")
    forget_settings()
    sql("INSERT INTO tenants VALUES ('fazenda', 'Fazenda'), ('vizinha', 'Vizinha')")
    try:
        with running(folder, REDIS_URL=redis) as found:
            yield found
    finally:
        del os.environ["DATA_DIR"]
        forget_settings()


@pytest.fixture
def key() -> str:
    return new_key("operator", "fazenda")


def made(folder: Path, rows: int = 60, **how: Any) -> bytes:
    """A feeding file of its own bytes."""
    file = folder / f"{uuid4()}.csv"
    feeding.make(file, rows, seed=uuid4().int % 10**9, **how)
    return file.read_bytes()


def send(api: Api, key: str, body: bytes, name: str = "carga.csv") -> httpx.Response:
    return api.client.post(
        "/files", files={"file": (name, body, "text/csv")}, headers={"X-API-Key": key}
    )


def post(api: Api, path: str, key: str, **more: Any) -> httpx.Response:
    return api.client.post(path, headers={"Authorization": f"Bearer {key}"}, **more)


def get(api: Api, path: str, key: str) -> httpx.Response:
    return api.get(path, X_API_Key=key)


def all_work() -> None:
    drain(handlers(), seconds=60)


@pytest.mark.row("B-019", "B-021")
def test_reprocessed_three_times_nothing_changes(api: Api, key: str, tmp_path: Path) -> None:
    sent = send(api, key, made(tmp_path, bad_share=0.1))
    assert sent.status_code == 202, sent.text
    file_id = sent.json()["id"]
    assert sent.json()["status"] == "uploaded"
    work()
    question = (
        "SELECT count(*) AS n, sum(realizado_kg) AS kg, max(run_id::text) AS run "
        "FROM desvio_carregamento WHERE tenant_id = 'fazenda'"
    )
    letters = "SELECT count(*) AS n FROM etl_dead_letter_queue WHERE file_id = %s"
    before, put_aside = sql(question), sql(letters, file_id)
    assert before[0]["n"] > 0 < put_aside[0]["n"]
    for _ in range(3):
        again = api.client.post(
            f"/files/{file_id}/reprocess",
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        assert (again.status_code, again.json()["status"]) == (202, "processing")
        twice = post(api, f"/files/{file_id}/reprocess", key)
        assert (twice.status_code, twice.json()["batch_id"]) == (202, again.json()["batch_id"])
        work()
        assert get(api, f"/files/{file_id}", key).json()["status"] == "loaded"
    assert (sql(question), sql(letters, file_id)) == (before, put_aside)


@pytest.mark.row("B-020", "B-022")
def test_what_is_another_organisations_is_not_there(api: Api, key: str, tmp_path: Path) -> None:
    file_id = send(api, key, made(tmp_path, bad_share=0.2)).json()["id"]
    work()
    letter = get(api, "/dlq?limit=1", key).json()["items"][0]["id"]
    other = new_key("operator", "vizinha")
    for path in (f"/files/{file_id}", f"/files/{file_id}/rejected", f"/files/{file_id}/mapping"):
        assert get(api, path, key).status_code == 200
        assert get(api, path, other).status_code == 404
        assert api.get(path).status_code == 401
        assert get(api, path, "atl_wrong").status_code == 401
    for path in (f"/files/{file_id}/reprocess", f"/dlq/{letter}/resolve"):
        assert post(api, path, other).status_code == 404
        assert api.client.post(path).status_code == 401
        assert post(api, path, new_key("viewer", "fazenda")).status_code == 403
    assert get(api, "/files", other).json()["count"] == 0
    assert get(api, "/dlq", other).json()["count"] == 0
    assert post(api, f"/files/{uuid4()}/reprocess", key).status_code == 404
    assert sql("SELECT resolved FROM etl_dead_letter_queue WHERE id = %s", letter) == [
        {"resolved": False}
    ]


def test_the_same_bytes_again_are_answered_as_a_duplicate(
    api: Api, key: str, tmp_path: Path
) -> None:
    body = made(tmp_path)
    first, second = send(api, key, body).json(), send(api, key, body, "outro nome.csv").json()
    assert (second["duplicate"], second["duplicate_of"]) == (True, first["id"])
    neighbour = send(api, new_key("operator", "vizinha"), body).json()
    assert neighbour["duplicate"] is False
    work()
    runs = sql(
        "SELECT count(*) AS n FROM ops.pipeline_runs WHERE reference_period = %s", first["id"]
    )
    assert runs == [{"n": 1}]


@pytest.mark.row("B-082", "R-071")
@pytest.mark.parametrize("kind", NAMES)
def test_a_name_is_shown_tame_and_never_used(api: Api, key: str, tmp_path: Path, kind: str) -> None:
    boundary, body = "xxboundaryxx", made(tmp_path)
    name = base64.b64encode(NAMES[kind].encode()).decode()
    start = api.client.post(
        "/files/uploads",
        headers={
            "X-API-Key": key,
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(body)),
            "Upload-Metadata": f"filename {name}",
        },
    )
    assert start.status_code == 201, (start.text, boundary)
    done = piece(api, key, start.headers["location"], 0, body)
    file_id = done.headers["atalaia-file"]
    shown = get(api, f"/files/{file_id}", key).json()
    assert not any(ord(c) < 32 or c in '<>&"/\\\u202e' for c in shown["filename"])
    assert len(shown["filename"]) <= 120
    assert shown["bronze"]["path"].startswith(f"bronze/cattle/file/{file_id}/")
    assert shown["bronze"]["path"].rpartition("/")[2].startswith("000-")
    header = get(api, f"/files/{file_id}/rejected", key).headers["content-disposition"]
    assert header.startswith('attachment; filename="')
    assert "filename*=UTF-8''" in header
    assert header.isascii()
    assert "\n" not in header
    assert all("ERROR fake" not in line.get("message", "") for line in api.lines())


def piece(api: Api, key: str, place: str, at: int, body: bytes) -> httpx.Response:
    return api.client.patch(
        place,
        content=body,
        headers={
            "X-API-Key": key,
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": str(at),
            "Content-Type": "application/offset+octet-stream",
        },
    )


def test_pieces_broken_off_repeated_and_out_of_order_make_the_very_file(
    api: Api, key: str, tmp_path: Path
) -> None:
    body = made(tmp_path, rows=400)
    start = api.client.post(
        "/files/uploads", headers={"X-API-Key": key, "Upload-Length": str(len(body)),
                                   "Upload-Metadata": "filename YS5jc3Y="},
    )  # fmt: skip
    place, half, third = start.headers["location"], len(body) // 2, len(body) // 3
    assert piece(api, key, place, half, body[half:]).status_code == 409
    assert piece(api, key, place, 0, body[:third]).headers["upload-offset"] == str(third)
    assert piece(api, key, place, 0, body[:third]).status_code == 409
    head = api.client.head(place, headers={"X-API-Key": key})
    assert (head.headers["upload-offset"], head.headers["upload-length"]) == (
        str(third), str(len(body)),
    )  # fmt: skip
    assert (
        api.client.head(place, headers={"X-API-Key": new_key("operator", "vizinha")}).status_code
        == 404
    )
    assert piece(api, key, place, third, body[third:] + b"x").status_code == 422
    there = int(api.client.head(place, headers={"X-API-Key": key}).headers["upload-offset"])
    last = piece(api, key, place, there, body[there:])
    assert last.status_code == 204
    assert piece(api, key, place, len(body), b"").status_code in (204, 409)
    found = get(api, f"/files/{last.headers['atalaia-file']}", key).json()
    held = Path(os.environ["DATA_DIR"], found["bronze"]["path"]).read_bytes()
    assert held == body
    assert found["origin"] == "resumable"


def test_rejected_rows_are_corrected_in_bulk_and_accounted(
    api: Api, key: str, tmp_path: Path
) -> None:
    file_id = send(api, key, made(tmp_path, rows=300, bad_share=0.1, double_share=0)).json()["id"]
    work()
    before = get(api, f"/files/{file_id}", key).json()
    waiting = [
        one
        for one in get(api, "/dlq?limit=1000", key).json()["items"]
        if one["file_id"] == file_id and one["original_error"].startswith("previsto_kg")
    ]
    assert len(waiting) > 1
    rows = {str(one["id"]): {"previsto_kg": "1.012,5"} for one in waiting}
    told = post(api, "/dlq/correct", key, json={"rows": rows, "reason": "lido do romaneio"})
    assert told.status_code == 202, told.text
    assert (told.json()["decided"], len(told.json()["batches"])) == (len(rows), 1)
    all_work()
    after = get(api, f"/files/{file_id}", key).json()
    assert after["rows_read"] == before["rows_read"]
    assert after["rows_loaded"] == before["rows_loaded"] + len(rows)
    assert after["rows_rejected"] == before["rows_rejected"] - len(rows)
    stands = sql(
        "SELECT count(*) AS n FROM desvio_carregamento t JOIN etl_file f ON f.seq = t.file_seq "
        "WHERE f.id = %s AND previsto_kg = 1012.5",
        file_id,
    )
    assert stands[0]["n"] >= len(rows)


@pytest.mark.row("B-040")
def test_the_queue_lists_at_most_what_was_asked_in_a_steady_order(
    api: Api, key: str, tmp_path: Path
) -> None:
    send(api, key, made(tmp_path, rows=400, bad_share=0.3))
    work()
    first = get(api, "/dlq?status=unresolved&limit=50", key).json()
    assert first["count"] == 50
    assert all(not one["resolved"] for one in first["items"])
    numbers = [one["id"] for one in first["items"]]
    assert numbers == sorted(numbers)
    assert first == get(api, "/dlq?status=unresolved&limit=50", key).json()
    assert api.get("/dlq?status=unresolved&limit=50").status_code == 401


@pytest.mark.row("B-041")
@pytest.mark.parametrize("limit", ["0", "-1", "1000000000", "muitos", "1001", ""])
def test_a_limit_that_is_none_is_refused(api: Api, key: str, limit: str) -> None:
    assert get(api, f"/dlq?limit={limit}", key).status_code == 422


@pytest.mark.row("B-039")
def test_only_what_may_have_passed_is_tried_again(api: Api, key: str, tmp_path: Path) -> None:
    ids = {}
    for kind in ("transient", "rate_limited", "resource", "permanent"):
        file_id = send(api, key, made(tmp_path)).json()["id"]
        sql(
            """WITH dead AS (
                   UPDATE ops.work_items SET status = 'dead', finished_at = now(), error = 'x'
                   WHERE batch_id = (SELECT batch_id FROM etl_file WHERE id = %s)
                   RETURNING item_id, payload)
               INSERT INTO ops.dead_letters (domain, entity_type, entity_id, error_type, reason,
                   payload, item_id)
               SELECT 'cattle', 'cattle.file', 'x/0', %s, 'x', payload, item_id FROM dead""",
            file_id,
            kind,
        )
        sql("UPDATE etl_file SET state = 'failed', error_message = 'x' WHERE id = %s", file_id)
        ids[kind] = file_id
    told = post(api, "/dlq/resolve-transient", key)
    assert (told.status_code, told.json()["resolved"]) == (200, 3), told.text
    work()
    states = {k: get(api, f"/files/{i}", key).json()["status"] for k, i in ids.items()}
    assert states == {
        "transient": "loaded", "rate_limited": "loaded", "resource": "loaded", "permanent": "error",
    }  # fmt: skip
    waiting = sql(
        "SELECT file_id FROM etl_dead_letter_queue WHERE NOT resolved "
        "AND entity_type = 'cattle.file' AND tenant_id = 'fazenda'"
    )
    assert [row["file_id"] for row in waiting] == [ids["permanent"]]


def test_a_deviation_leads_back_to_the_line_of_its_file(api: Api, key: str, tmp_path: Path) -> None:
    body = made(tmp_path, rows=200, bad_share=0, wagon="X")
    file_id = send(api, key, body).json()["id"]
    work()
    found = get(api, "/v1/cattle/deviations?by=wagon&from=2023-01-01&to=2024-12-31", key).json()
    mine = [one for one in found["items"] if one["key"].startswith("X")]
    assert mine
    for one in mine:
        fed = sql(
            "SELECT sum(previsto_kg) AS p, sum(realizado_kg) AS r FROM desvio_carregamento "
            "WHERE tenant_id = 'fazenda' AND vagao = %s",
            one["key"],
        )[0]
        assert one["planned_kg"] == pytest.approx(float(fed["p"]))
        assert one["fed_kg"] == pytest.approx(float(fed["r"]))
        assert one["deviation_kg"] == pytest.approx(float(fed["r"] - fed["p"]))
        assert [f["id"] for f in one["files"]] == [file_id]
    percents = [abs(one["deviation_pc"]) for one in found["items"]]
    assert percents == sorted(percents, reverse=True)
    told = get(api, f"/v1/explain/{mine[0]['explain']}", key).json()
    line = body.decode("latin-1").splitlines()[told["file"]["line"] - 1].split(";")
    assert line[3] == mine[0]["key"] == told["row"]["vagao"]
    assert line[6] == told["row"]["ingrediente"]
    assert told["bronze"]["sha256"] == get(api, f"/files/{file_id}", key).json()["sha256"]
    assert (
        get(api, f"/v1/explain/{mine[0]['explain']}", new_key("viewer", "vizinha")).status_code
        == 404
    )


def test_deviations_of_a_diet_are_of_the_stage_that_has_rows(api: Api, key: str) -> None:
    """A feedlot that only sends what came to the pens is not told that nothing was fed."""
    body = (
        "Data;Hora;Trato;Curral;Dieta;Previsto kg;Realizado kg\n"
        "28/11/2021;07:10;1;C1;Etapas;1000,0;1040,0\n"
    )
    send(api, key, body.encode())
    work()
    asked = "/v1/cattle/deviations?by=diet&from=2021-11-28&to=2021-11-28"
    found = get(api, asked, key).json()
    assert (found["stage"], [one["key"] for one in found["items"]]) == ("distribution", ["Etapas"])
    assert get(api, f"{asked}&stage=loading", key).json()["items"] == []
    assert get(api, "/v1/cattle/deviations?by=pen&stage=loading", key).status_code == 400


def test_rejected_cells_that_would_run_are_harmless(api: Api, key: str) -> None:
    header = feeding.HEADER
    cells = ["=cmd|'/c calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1"]
    lines = [header] + [
        f"01/01/2024;08:00;{cell};V1;D;1;Milho;C;dez;1,0;0;0;VERDE" for cell in cells
    ]
    file_id = send(api, key, "\r\n".join(lines).encode("latin-1")).json()["id"]
    work()
    text = get(api, f"/files/{file_id}/rejected", key).content.decode("utf-8-sig")
    for cell in cells:
        assert f";'{cell}" in text or f";\"'{cell}" in text, json.dumps(text)


def test_of_files_that_come_together_each_is_answered_by_itself(
    api: Api, key: str, tmp_path: Path
) -> None:
    alone = send(api, key, b"%PDF-1.7", "nota.pdf")
    assert alone.status_code == 422
    assert alone.json()["type"].endswith("/file-refused")
    both = api.client.post(
        "/files",
        files=[("file", ("a.csv", made(tmp_path), "text/csv")), ("file", ("b.csv", b"PK\x03\x04"))],
        headers={"X-API-Key": key},
    )
    assert both.status_code == 202, both.text
    assert [one["status"] for one in both.json()["items"]] == ["uploaded", "error"]
    assert "b.csv" in both.json()["items"][1]["error_message"]


def test_an_answer_about_a_header_is_taken_and_says_that_no_reason_was_told(
    api: Api, key: str
) -> None:
    header = "Data;Hora;Trato;Currais do confinamento;Previsto (kg);Realizado (kg)"
    body = f"{header}\n13/02/2024;08:00;{uuid4().hex};C1;10,0;10,0\n".encode()
    file_id = send(api, key, body).json()["id"]
    work()
    asked = get(api, f"/files/{file_id}/mapping", key).json()
    assert (asked["state"], bool(asked["questions"])) == ("awaiting_mapping", True)
    said = {"columns": {"Currais do confinamento": "curral"}, "layout": "desvio_distribuicao"}
    place = f"/files/{file_id}/mapping"
    assert post(api, place, new_key("viewer", "fazenda"), json=said).status_code == 403
    assert post(api, place, key, json=said | {"columns": {"Data": "boi"}}).status_code == 400
    assert post(api, place, key, json=said | {"other": 1}).status_code == 422
    assert post(api, place, key, json=said).status_code == 202
    work()
    found = get(api, f"/files/{file_id}", key).json()
    assert found["state"] == "loaded", found["error_message"]
    assert post(api, f"/files/{file_id}/reprocess", key).status_code == 202
    reasons = sql("SELECT reason FROM etl_file_event WHERE file_id = %s ORDER BY event_id", file_id)
    assert reasons[-1]["reason"] == "nenhum motivo foi dito"
    all_work()


def test_a_file_of_megabytes_comes_in_whole_by_either_door(
    api: Api, key: str, tmp_path: Path
) -> None:
    """The limit of other routes' bodies, 1 MB, is none of a file's."""
    for door in ("whole", "piece"):
        body = made(tmp_path, rows=12_000)
        assert len(body) > 1_000_000
        if door == "whole":
            sent = send(api, key, body)
            assert sent.status_code == 202, sent.text
            file_id = sent.json()["id"]
        else:
            start = api.client.post(
                "/files/uploads", headers={"X-API-Key": key, "Upload-Length": str(len(body)),
                                           "Upload-Metadata": "filename YS5jc3Y="},
            )  # fmt: skip
            file_id = piece(api, key, start.headers["location"], 0, body).headers["atalaia-file"]
        found = get(api, f"/files/{file_id}", key).json()
        assert Path(os.environ["DATA_DIR"], found["bronze"]["path"]).read_bytes() == body
