"""Evaluating over HTTP: one answer per request_id, recorded, of one's own tenant."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.domains.equivalence.conftest import asked
from tests.serve.api.server import Api, new_key

from atalaia.kernel.base.database import connect
from atalaia.kernel.keep.browse import Wanted, page
from atalaia.kernel.keep.verify import verify

PATH = "/v1/equivalences/evaluate"


def rows(query: str, *params: Any) -> list[dict[str, Any]]:
    with connect(autocommit=True) as connection:
        return connection.execute(query.encode(), params).fetchall()


@pytest.mark.row("E-001")
def test_openapi_has_what_the_manual_names_with_an_example(api: Api) -> None:
    document = api.get("/openapi.json").json()
    for path in (PATH, "/v1/equivalences/batch"):
        assert "post" in document["paths"][path]
        assert document["paths"][path]["post"]["x-atalaia-access"]["clients"] is True
    assert len([path for path in document["paths"] if path.startswith("/admin/")]) >= 8
    schema = document["components"]["schemas"]["Request"]
    assert schema["additionalProperties"] is False
    example = schema["example"]
    sent = api.client.post(PATH, headers={"X-API-Key": new_key("client", "uf")}, json=example)
    assert sent.status_code == 200, sent.text


def test_an_answer_has_all_that_led_to_it(api: Api, client: dict[str, str]) -> None:
    answer = api.client.post(PATH, headers=client, json=asked("whole"))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["request_id"], found["decisao"]) == ("whole", "DEFERIDO")
    assert found["score"] >= 85
    assert set(found["breakdown"]) == {"cobertura", "cobertura_critica", "penalidade_nivel"}
    assert all(rule["passou"] for rule in found["hard_rules"])
    assert (found["faltantes"], found["criticos_faltantes"]) == ([], [])
    assert found["policy"] == {"code": "padrao_75", "version": "1"}
    assert found["taxonomy"] == {"code": "calculo", "version": "1"}
    assert found["degraded_mode"] is False
    assert found["timings_ms"]["avaliacao"] > 0
    assert found["evidence"]
    short = api.client.post(
        PATH, headers=client, json=asked("short", options={"detalhes": False})
    ).json()
    assert short["decisao"] == "DEFERIDO"
    assert not {"itens", "evidence", "justificativa_detalhada"} & set(short)


def test_the_same_request_has_the_same_bytes_and_another_body_is_a_conflict(
    api: Api, client: dict[str, str]
) -> None:
    first = api.client.post(PATH, headers=client, json=asked("same"))
    again = api.client.post(PATH, headers=client, json=asked("same"))
    spelled_out = asked("same", versions={}, options={"detalhes": True}, curso=None)
    assert again.content == first.content
    assert api.client.post(PATH, headers=client, json=spelled_out).content == first.content
    other = api.client.post(PATH, headers=client, json=asked("same", destino__carga_horaria=61))
    assert (other.status_code, other.json()["type"]) == (409, "/problems/conflict")
    theirs = {"X-API-Key": new_key("client", "other")}
    apart = api.client.post(PATH, headers=theirs, json=asked("same", destino__carga_horaria=61))
    assert apart.status_code == 200, "another tenant's request_id is another"
    assert len(rows("SELECT FROM equivalence.equivalence_results WHERE request_id = 'same'")) == 2


def test_asked_at_the_same_moment_all_get_the_one_answer(api: Api, client: dict[str, str]) -> None:
    def ask(_n: int) -> bytes:
        answer = api.client.post(PATH, headers=client, json=asked("at once"[:2] + "-once"))
        assert answer.status_code == 200, answer.text
        return answer.content

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(ask, range(16)))
    assert len(answers) == 1
    evaluation = json.loads(answers.pop())["evaluation_id"]
    assert len(page(Wanted(subject=evaluation), limit=10).items) == 1


@pytest.mark.row("E-006")
def test_a_decision_is_recorded_by_hashes_and_versions_and_no_text(
    api: Api, client: dict[str, str]
) -> None:
    request = asked("recorded", origem__nome="Cálculo da Silva")
    answer = api.client.post(PATH, headers=client, json=request)
    (record,) = page(Wanted(subject=answer.json()["evaluation_id"]), limit=10).items
    details = record["details"]
    assert (record["action"], record["tenant_id"]) == ("evaluation.decided", "uf")
    assert client["X-API-Key"][:16] in record["actor"]
    assert details["answer_sha256"] == hashlib.sha256(answer.content).hexdigest()
    (kept,) = rows(
        """SELECT encode(request_sha256, 'hex') AS sha FROM equivalence.equivalence_results
           WHERE request_id = 'recorded'"""
    )
    assert details["request_sha256"] == kept["sha"]
    assert (details["policy"], details["taxonomy"]) == ("padrao_75@1", "calculo@1")
    assert (details["decisao"], details["score"]) == (answer.json()["decisao"],
                                                      answer.json()["score"])  # fmt: skip
    assert "Silva" not in str(record)
    assert all(finding.status != "fail" for finding in verify(stream="equivalence"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"origem__carga_horaria": 0}, "origem"),
        ({"destino__carga_horaria": 10_001}, "destino.carga_horaria"),
        ({"destino__ementa": "x" * 20_001}, "destino.ementa"),
        ({"destino__ementa": "a\x00b"}, "destino.ementa"),
        ({"origem__ano_conclusao": 1900}, "origem"),
        ({"origem__cpf": "123.456.789-09"}, "origem"),
        ({"tenant_id": "other"}, "tenant_id"),
        ({"destino__nivel": 3}, "destino.nivel"),
        ({"origem": []}, "origem"),
        ({"request_id": "com espaço"}, "request_id"),
        ({"policy": "No Such"}, "policy"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(
    api: Api, client: dict[str, str], changes: dict[str, Any], field: str
) -> None:
    answer = api.client.post(
        PATH, headers=client, json=asked(**{"request_id": "refused", **changes})
    )
    assert answer.status_code == 422
    assert any(one["field"].startswith(field) for one in answer.json()["errors"])
    assert "123.456.789-09" not in answer.text
    assert rows("SELECT FROM equivalence.equivalence_results WHERE request_id = 'refused'") == []


def test_an_unknown_level_and_an_unknown_policy_are_told(api: Api, client: dict[str, str]) -> None:
    level = api.client.post(PATH, headers=client, json=asked("x1", destino__nivel="doutor"))
    assert level.status_code == 422
    assert "graduação" in level.json()["errors"][0]["reason"]
    policy = api.client.post(PATH, headers=client, json=asked("x2", policy="nobody"))
    assert policy.status_code == 404


def test_without_a_taxonomy_a_person_decides(api: Api, client: dict[str, str]) -> None:
    answer = api.client.post(PATH, headers=client, json=asked("none", destino__area="medicina"))
    assert (answer.json()["decisao"], answer.json()["taxonomy"]) == ("ANALISE_HUMANA", None)


def test_several_subjects_together_may_count(api: Api, client: dict[str, str]) -> None:
    one = asked()["origem"] | {"carga_horaria": 30, "ementa": "Limites e continuidade. Derivadas "
                               "de funções de uma variável real e aplicações."}  # fmt: skip
    two = asked()["origem"] | {"carga_horaria": 30, "ementa": "Integrais indefinidas e definidas. "
                               "Teorema fundamental do cálculo e aplicações."}  # fmt: skip
    alone = api.client.post(PATH, headers=client, json=asked("n1", origem=one)).json()
    both = api.client.post(PATH, headers=client, json=asked("n2", origem=[one, two])).json()
    assert alone["decisao"] == "INDEFERIDO"
    assert both["breakdown"]["cobertura"] > alone["breakdown"]["cobertura"]
    assert both["decisao"] != "INDEFERIDO"
