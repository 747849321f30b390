"""The service with a part of it away: a mapper, Redis; and what is written down meanwhile."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.canaries import TOGETHER, hits
from tests.domains.equivalence.conftest import asked, furnish
from tests.domains.equivalence.test_batch import BATCH, lines
from tests.domains.equivalence.test_evaluate import PATH, rows
from tests.serve.api.server import Api, eventually, new_key, running

from atalaia.domains.equivalence import batch
from atalaia.kernel.work.drain import drain
from atalaia.serve.local.process import free_port
from atalaia.serve.local.redis import PrivateRedis


@pytest.fixture
def mocks(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """`atalaia mocks` on free ports: the addresses of embeddings and of the language model."""
    embed, llm = free_port(0), free_port(0)
    command = ["mocks", "--embed-port", str(embed), "--llm-port", str(llm)]
    process = subprocess.Popen([sys.executable, "-m", "atalaia.serve.cli", *command])
    urls = f"http://127.0.0.1:{embed}", f"http://127.0.0.1:{llm}"
    try:
        eventually(lambda: all(map(_answers, urls)), 60, "the mocks")
        yield urls
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


def evaluated(api: Api, key: str, request_id: str, **changes: Any) -> dict[str, Any]:
    headers = {"X-API-Key": key}
    answer = api.client.post(PATH, headers=headers, json=asked(request_id, **changes))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.row("E-005", "E-008", "E-023", "E-024", "E-025", "E-026")
@pytest.mark.timeout(300)
def test_a_mapper_that_goes_away_is_done_without_and_comes_back(
    database: str, redis: str, tmp_path: Path, mocks: tuple[str, str]
) -> None:
    furnish()
    key = new_key("client", "uf")
    embed, _ = mocks
    with running(
        tmp_path, REDIS_URL=redis, EMBED_URL=embed, EMBED_MODEL="letras", HTTP_CLIENT_TIMEOUT="2"
    ) as api:
        good = evaluated(api, key, "with")
        assert (good["degraded_mode"], "letras" in good["mapper"]) == (False, True)
        httpx.post(f"{embed}/misbehave", json={"mode": "timeout", "seconds": 60})
        began = time.monotonic()
        bad = evaluated(api, key, "without", destino__ementa="Derivadas. Limites. Integrais. "
                        "Teorema fundamental do cálculo. Funções reais.")  # fmt: skip
        assert time.monotonic() - began < 30, "it does not wait for who does not answer"
        assert bad["degraded_mode"] is True
        assert bad["decisao"] != "DEFERIDO"
        assert "letras" not in bad["mapper"]
        httpx.post(f"{embed}/misbehave", json={"mode": ""})
        tries = iter(range(1000))

        def again() -> bool:
            found = evaluated(
                api,
                key,
                f"back-{next(tries)}",
                destino__ementa=f"Derivadas. Limites. {next(tries)}",
            )
            time.sleep(1)
            return found["degraded_mode"] is False

        eventually(again, 90, "the mapper used again")
    found = rows("SELECT degraded, decisao FROM equivalence.equivalence_results")
    assert not [row for row in found if row["degraded"] and row["decisao"] == "DEFERIDO"]


@pytest.mark.row("E-004", "E-009", "E-016")
@pytest.mark.timeout(300)
def test_with_redis_away_it_evaluates_at_once_and_accepts_what_is_done_later(
    database: str, tmp_path: Path
) -> None:
    furnish()
    key = new_key("client", "uf")
    server = PrivateRedis(tmp_path / "redis")
    server.start()
    try:
        with running(tmp_path, REDIS_URL=server.url()) as api:
            assert evaluated(api, key, "there")["decisao"] == "DEFERIDO"
            server.stop()
            assert evaluated(api, key, "away")["decisao"] == "DEFERIDO"
            headers = {"X-API-Key": key}
            sent = api.client.post(BATCH, headers=headers, content=lines([asked("later")]))
            assert sent.status_code == 202
            assert api.get("/health").json()["redis"] == "down"
    finally:
        server.stop()
    drain(batch.WORK)
    found = rows("SELECT request_id FROM equivalence.equivalence_results")
    assert {row["request_id"] for row in found} == {"there", "away", "later"}


@pytest.mark.row("E-044")
@pytest.mark.timeout(300)
def test_what_identifies_a_person_is_in_no_log_no_record_and_no_error(
    database: str, redis: str, tmp_path: Path
) -> None:
    furnish()
    key = new_key("client", "uf")
    with running(tmp_path, REDIS_URL=redis) as api:
        headers = {"X-API-Key": key}
        bad: list[dict[str, Any]] = [
            asked("p-1", origem__nome=TOGETHER[:200], origem__ementa=TOGETHER * 3),
            asked("p-2", destino__ementa=TOGETHER * 100),
            asked("p-3", curso=TOGETHER[:80], destino__nivel=TOGETHER[:20]),
            asked("p-4", origem__cpf="529.982.247-25"),
            asked("p-5", policy="zquixada_canary", origem__ementa=TOGETHER),
        ]
        for body in bad:
            answer = api.client.post(PATH, headers=headers, json=body)
            assert answer.status_code < 500
            if answer.status_code != 200:
                assert hits(answer.text.replace("zquixada_canary", "")) == []
            api.client.post(BATCH, headers=headers, content=lines([body]))
            api.client.get(PATH, headers=headers, params={"q": TOGETHER})
        api.client.post(BATCH, headers=headers, content=TOGETHER.encode())
        drain(batch.WORK)
        api.stop()
        assert hits(api.raw_log()) == []
    kept = [
        rows("SELECT * FROM ops.audit_log"),
        rows("SELECT reason, entity_id, notes FROM ops.dead_letters"),
        rows("SELECT error FROM ops.work_items"),
    ]
    assert kept[1], "something failed, and said why"
    assert hits(str(kept)) == []
