"""ibge_indicators: population by agregados v3 and by apisidra, and how a job treats its source."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.domains.territory.conftest import Territory
from tests.sources import server as faults
from tests.sources.ibge import MUNICIPALITIES, STATES, IbgeServer
from tests.sources.server import Fault, drip, drip_headers, edited, encoded, silence, status

from atalaia.domains.territory.sources.ibge_indicators import AGREGADOS, SIDRA, run
from atalaia.kernel.base.settings import settings

PLACES = 1 + len(STATES) + len(MUNICIPALITIES)
FACTS = "SELECT * FROM silver.fact_indicator ORDER BY territory_id"


@pytest.mark.row("T-021")
def test_the_population_of_a_year(territory: Territory, ibge: IbgeServer) -> None:
    result = run(reference_period="2025")
    assert (result["error"], result["source_type"]) == (None, "api")
    facts = territory.rows(
        "SELECT * FROM silver.fact_indicator WHERE source = 'IBGE' AND reference_period = '2025'"
    )
    assert len(facts) == result["rows_loaded"] == PLACES
    assert {row["territory_id"] for row in facts} == {"BR", *STATES, *MUNICIPALITIES}
    said = ("indicator_code", "dataset", "category", "unit", "marker")
    assert {tuple(row[name] for name in said) for row in facts} == {
        ("population_estimated", "sidra_6579", "", "pessoas", None)
    }
    values = {row["territory_id"]: row["value"] for row in facts}
    assert values["3121605"] == Decimal(ibge.value("3121605", "2025"))
    assert values["BR"] == Decimal(ibge.value("1", "2025"))
    assert {str(row["run_id"]) for row in facts} == {result["run_id"]}
    (hit,) = ibge.hits
    assert hit.path == "/api/v3/agregados/6579/periodos/2025/variaveis/9324"
    assert hit.query == {"localidades": "N1[all]|N3[all]|N6[all]"}


def test_the_census_year_is_counted_not_estimated(territory: Territory, ibge: IbgeServer) -> None:
    assert run(reference_period="2022")["rows_loaded"] == PLACES
    assert ibge.hits[0].path == "/api/v3/agregados/4714/periodos/2022/variaveis/93"
    (said,) = territory.rows("SELECT DISTINCT indicator_code, dataset FROM silver.fact_indicator")
    assert said == {"indicator_code": "population_census", "dataset": "sidra_4714"}


def test_a_year_without_estimate_is_not_published(territory: Territory, ibge: IbgeServer) -> None:
    result = run(reference_period="2023")
    assert (result["run_status"], result["verdict"]) == ("blocked", "not_published")
    assert territory.count("SELECT count(*) FROM bronze.manifest") == 0


MARKED = {
    "-": (Decimal(0), None),  # a zero that was counted
    "...": (None, "unavailable"),
    "..": (None, "not_applicable"),
    "X": (None, "suppressed"),
    "0": (Decimal(0), None),
    "46081801": (Decimal(46081801), None),
    "12.5": (Decimal("12.5"), None),
}


def test_value_markers(territory: Territory, ibge: IbgeServer) -> None:
    written = dict(zip(MUNICIPALITIES, MARKED, strict=False))
    ibge.values = {(code, "2025"): word for code, word in written.items()}
    assert run(reference_period="2025")["rows_rejected"] == 0
    facts = territory.rows("SELECT territory_id, value, marker FROM silver.fact_indicator")
    kept = {row["territory_id"]: (row["value"], row["marker"]) for row in facts}
    for code, word in written.items():
        assert kept[code] == MARKED[word], word


def test_a_value_that_is_no_number_is_put_aside(territory: Territory, ibge: IbgeServer) -> None:
    words = ["1.234.567", "1234,5", "x", "1e5", "", "NaN", "(1)", ". ..", "١٢"]
    written = dict(zip(MUNICIPALITIES, words, strict=False))
    ibge.values = {(code, "2025"): word for code, word in written.items()}
    result = run(reference_period="2025")
    assert (result["rows_loaded"], result["rows_rejected"]) == (PLACES - len(words), len(words))
    letters = {letter["payload"]["localidade.id"]: letter for letter in territory.dead()}
    assert {code: letters[code]["payload"]["valor"] for code in letters} == written
    assert all("valor" in letter["reason"] for letter in letters.values())


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"2025":', b'"2024":', "período diferente do pedido"),
        (b'"id":"9324"', b'"id":"37"', "variável que não foi pedida"),
        (b'"N6"', b'"N9"', "localidade.nivel.id: valor desconhecido"),
        (b'"classificacoes":[]', b'"classificacoes":[{"id":"2"}]', "valor desconhecido"),
    ],
)
def test_an_answer_to_another_question_loads_nothing(
    territory: Territory, ibge: IbgeServer, old: bytes, new: bytes, reason: str
) -> None:
    ibge.misbehave(edited(lambda body: body.replace(old, new)), times=1)
    result = run(reference_period="2025")
    wrong = len(MUNICIPALITIES) if old == b'"N6"' else PLACES
    assert (result["rows_rejected"], result["rows_loaded"]) == (wrong, PLACES - wrong)
    assert all(reason in letter["reason"] for letter in territory.dead())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"unidade"', b'"unidadeDeMedida"'),
        (b'"localidade":', b'"nota":"x","localidade":'),
        (b'"series"', b'"serieses"'),
        (b'"serie":', b'"valores":'),
        (b'"resultados"', b'"resultado"'),
    ],
)
def test_a_changed_key_stops_everything(
    territory: Territory, ibge: IbgeServer, old: bytes, new: bytes
) -> None:
    ibge.misbehave(edited(lambda body: body.replace(old, new)), times=1)
    result = run(reference_period="2025")
    assert (result["run_status"], result["verdict"]) == ("failed", "we_failed")
    assert territory.count("SELECT count(*) FROM silver.fact_indicator") == 0
    assert territory.count("SELECT count(*) FROM bronze.manifest") == 1


# Too much at once.


def test_what_is_too_much_is_asked_by_state(territory: Territory, ibge: IbgeServer) -> None:
    ibge.limit = 20
    result = run(reference_period="2025")
    assert (result["error"], result["rows_loaded"]) == (None, PLACES)
    whole, first, *states = [hit.query["localidades"] for hit in ibge.hits]
    assert whole == "N1[all]|N3[all]|N6[all]"
    assert first == "N1[all]|N3[all]"
    assert len(states) == 27
    assert "N6[N3[31]]" in states
    assert len(result["bronze"]) == 28


def test_a_limit_no_part_can_meet_blocks(territory: Territory, ibge: IbgeServer) -> None:
    ibge.limit = 1
    result = run(reference_period="2025")
    assert (result["run_status"], result["verdict"]) == ("blocked", "source_failed")
    assert territory.count("SELECT count(*) FROM bronze.manifest") == 0


# How a job treats its source.


@pytest.mark.row("T-024")
@pytest.mark.parametrize(
    "fault", [status(500), status(429), status(503), faults.reset, faults.html]
)
def test_twice_wrong_and_then_right_is_a_success(
    territory: Territory, ibge: IbgeServer, fault: Fault
) -> None:
    ibge.misbehave(fault, times=2)
    result = run(reference_period="2025")
    assert (result["run_status"], len(ibge.hits)) == ("success", 3)
    assert result["verdict"] is None
    assert len(result["warnings"]) == 2


@pytest.mark.row("T-024")
@pytest.mark.parametrize("allowed", [1, 2, 3, 4])
def test_always_wrong_is_asked_as_often_as_allowed(
    territory: Territory, ibge: IbgeServer, allowed: int
) -> None:
    ibge.misbehave(status(500))
    result = run(reference_period="2025", max_retries=allowed)
    assert (result["run_status"], result["verdict"]) == ("blocked", "source_failed")
    assert len(ibge.hits) == allowed


@pytest.mark.parametrize("code", [400, 401, 404, 410, 422])
def test_a_final_answer_is_not_asked_again(
    territory: Territory, ibge: IbgeServer, code: int
) -> None:
    ibge.misbehave(status(code))
    assert run(reference_period="2025")["run_status"] == "blocked"
    assert len(ibge.hits) == 1


def test_retry_after_is_waited_for(territory: Territory, ibge: IbgeServer) -> None:
    ibge.misbehave(status(429, retry_after="2"), times=1)
    began = time.monotonic()
    assert run(reference_period="2025")["run_status"] == "success"
    assert time.monotonic() - began >= 2


def test_a_retry_after_beyond_the_deadline_is_not_waited_for(
    territory: Territory, ibge: IbgeServer
) -> None:
    ibge.misbehave(status(429, retry_after="600"))
    began = time.monotonic()
    assert run(reference_period="2025", timeout_seconds=5)["run_status"] == "blocked"
    assert time.monotonic() - began < 5
    assert len(ibge.hits) == 1


@pytest.mark.row("T-025")
@pytest.mark.parametrize("fault", [silence(60), drip(0.05), drip_headers(0.05)])
def test_the_deadline_is_kept(territory: Territory, ibge: IbgeServer, fault: Fault) -> None:
    ibge.misbehave(fault)
    began = time.monotonic()
    result = run(reference_period="2025", timeout_seconds=2)
    assert time.monotonic() - began <= 2 + 5
    assert (result["run_status"], result["verdict"]) == ("failed", "source_failed")
    assert territory.rows("SELECT run_status::text FROM ops.pipeline_runs") == [
        {"run_status": "failed"}
    ]
    assert territory.count("SELECT count(*) FROM silver.fact_indicator") == 0


@pytest.mark.row("T-022")
def test_force_ignores_the_cache(territory: Territory, ibge: IbgeServer) -> None:
    run(reference_period="2025")
    ibge.hits.clear()
    cached = run(reference_period="2025")
    assert (cached["source_type"], ibge.hits) == ("bronze_cache", [])
    ibge.values["3121605", "2025"] = "50000"
    forced = run(reference_period="2025", force=True)
    assert (forced["source_type"], len(ibge.hits)) == ("api", 1)
    assert (forced["rows_updated"], forced["rows_unchanged"]) == (1, PLACES - 1)
    changed = territory.rows(
        "SELECT territory_id, value FROM silver.fact_indicator WHERE run_id = %s", forced["run_id"]
    )
    assert changed == [{"territory_id": "3121605", "value": Decimal(50000)}]


@pytest.mark.row("T-026")
def test_a_second_run_doubles_nothing(territory: Territory, ibge: IbgeServer) -> None:
    run(reference_period="2025")
    before = territory.rows(FACTS)
    run(reference_period="2025", force=True)
    assert territory.rows(FACTS) == before
    assert len(before) == PLACES


@pytest.mark.row("T-019", "T-020")
def test_a_dry_run_writes_nothing(territory: Territory, ibge: IbgeServer) -> None:
    territory.bundled("dtb")
    before = _everything(territory)
    plan = run(reference_period="2025", dry_run=True)
    assert plan["run_status"] == "dry_run"
    assert plan["plan"]["layers"] == ["remote", "bronze_cache", "manual"]
    (request,) = plan["plan"]["requests"]
    assert request["url"].startswith(f"{ibge.url}/api/v3/agregados/6579/")
    json.dumps(plan)
    assert _everything(territory) == before
    assert ibge.hits == []


def _everything(territory: Territory) -> tuple[dict[str, str], dict[str, int]]:
    """Every file of the data folder by its hash, every table by its number of rows."""
    folder = settings().data_dir
    files = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
    tables = territory.rows(
        """SELECT format('%%I.%%I', schemaname, tablename) AS name FROM pg_tables
           WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"""
    )
    assert len(tables) > 20
    names = [row["name"] for row in tables]
    return files, {name: territory.count(f"SELECT count(*) FROM {name}") for name in names}


@pytest.mark.row("T-019")
def test_a_dry_run_needs_no_network(territory: Territory, offline: None) -> None:
    assert run(reference_period="2025", dry_run=True)["run_status"] == "dry_run"


def test_offline_it_is_blocked_with_a_verdict(territory: Territory, offline: None) -> None:
    result = run(reference_period="2025")
    assert (result["run_status"], result["verdict"]) == ("blocked", "source_failed")
    (row,) = territory.rows("SELECT run_status::text, verdict::text, error FROM ops.pipeline_runs")
    assert row["run_status"] == "blocked"
    assert "recusou a conexão" in row["error"]


def test_a_name_nobody_resolves_is_our_failure(
    territory: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_IBGE_BASE_URL", "http://servicodados.invalid")
    result = run(reference_period="2025")
    assert (result["run_status"], result["verdict"]) == ("blocked", "we_failed")


@pytest.mark.row("R-018")
@pytest.mark.parametrize(
    ("fault", "verdict"),
    [
        (status(500), "source_failed"),
        (status(204), "not_published"),
        (faults.html, "source_failed"),
        (faults.half_body, "source_failed"),
        (faults.half_body_unannounced, "source_failed"),
        (faults.short_length, "source_failed"),
        (faults.reset, "source_failed"),
        (faults.redirect_loop, "source_failed"),
        (encoded("latin-1"), "source_failed"),
    ],
)
def test_an_older_payload_serves_when_the_source_fails(
    territory: Territory, ibge: IbgeServer, fault: Fault, verdict: str
) -> None:
    run(reference_period="2025")
    before = territory.rows(FACTS)
    ibge.misbehave(fault)
    result = run(reference_period="2025", force=True, max_retries=1)
    assert (result["run_status"], result["source_type"]) == ("success", "bronze_cache")
    assert result["verdict"] == verdict
    assert result["warnings"]
    assert territory.rows(FACTS) == before
    assert territory.count("SELECT count(*) FROM bronze.manifest") == 1


# apisidra, by hand.


@pytest.mark.parametrize("order", list(itertools.permutations(["localidade", "variável", "ano"])))
def test_the_columns_of_apisidra_come_in_any_order(
    territory: Territory, ibge: IbgeServer, order: tuple[str, ...]
) -> None:
    ibge.misbehave(status(404))
    rows = ibge.sidra("6579", "6", "9324", "2025", "|".join(order))
    assert (len(rows), rows[0]["V"]) == (len(MUNICIPALITIES) + 1, "Valor")
    territory.by_hand("2025", SIDRA, "municipios.json", rows)
    states = ibge.sidra("6579", "3", "9324", "2025", "|".join(order))
    territory.by_hand("2025", SIDRA, "estados.json", states)
    result = run(reference_period="2025")
    assert (result["error"], result["source_type"]) == (None, "manual")
    assert result["rows_read"] == len(MUNICIPALITIES) + len(STATES)  # the headers are no rows
    values = territory.rows("SELECT territory_id, value, unit FROM silver.fact_indicator")
    assert {row["territory_id"]: (row["value"], row["unit"]) for row in values} == {
        code: (Decimal(ibge.value(code, "2025")), "pessoas") for code in (*STATES, *MUNICIPALITIES)
    }


def _without_header(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return rows[1:]


def _by_sex(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{**rows[0], "D4C": "Sexo (Código)"}, *({**row, "D4C": "4"} for row in rows[1:])]


def _without_place(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{key: value for key, value in row.items() if key != "D1C"} for row in rows]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (_without_header, "não é o cabeçalho"),
        (_by_sex, "Sexo (Código)"),
        (_without_place, "falta a coluna"),
    ],
)
def test_an_answer_of_apisidra_to_another_question_is_refused(
    territory: Territory, ibge: IbgeServer, edit: Any, said: str
) -> None:
    ibge.misbehave(status(404))
    rows = edit(ibge.sidra("6579", "6", "9324", "2025"))
    territory.by_hand("2025", SIDRA, "municipios.json", rows)
    result = run(reference_period="2025")
    assert result["run_status"] == "failed"
    assert said in result["error"]


def test_an_apisidra_answer_without_rows_is_not_published(
    territory: Territory, ibge: IbgeServer
) -> None:
    ibge.misbehave(status(404))
    header = ibge.sidra("6579", "6", "9324", "2025")[:1]
    territory.by_hand("2025", SIDRA, "municipios.json", header)
    result = run(reference_period="2025")
    assert (result["run_status"], result["verdict"]) == ("blocked", "not_published")


# Real payloads.


def test_a_real_answer_of_agregados(territory: Territory, offline: None, payloads: Path) -> None:
    file = payloads / "ibge_agregados_v3" / "4714_93_N6_3548708_2022.json"
    territory.by_hand("2022", AGREGADOS, file.name, file.read_bytes())
    assert run(reference_period="2022")["run_status"] == "success"
    (fact,) = territory.rows("SELECT * FROM silver.fact_indicator")
    assert (fact["territory_id"], fact["value"]) == ("3548708", 810729)
    assert (fact["indicator_code"], fact["dataset"]) == ("population_census", "sidra_4714")


def test_the_fixture_speaks_as_agregados_does(payloads: Path) -> None:
    file = payloads / "ibge_agregados_v3" / "4714_93_N6_3548708_2022.json"
    with IbgeServer() as server:
        import httpx

        ours = httpx.get(
            f"{server.url}/api/v3/agregados/4714/periodos/2022/variaveis/93",
            params={"localidades": "N6[all]"},
        ).json()
    assert _shape(ours) == _shape(json.loads(file.read_bytes()))


def _shape(value: Any) -> Any:
    if isinstance(value, list):
        return [_shape(item) for item in value[:1]]
    return {k: _shape(v) for k, v in value.items()} if isinstance(value, dict) else type(value)


def test_a_real_answer_of_apisidra_without_its_header_is_refused(
    territory: Territory, offline: None, payloads: Path
) -> None:
    """The saved rows have lost row 0: taken as it is, Acre would be the header."""
    file = payloads / "ibge_sidra" / "pam_soja_sample__response.csv"
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    territory.by_hand("2023", SIDRA, "pam.json", rows)
    result = run(reference_period="2023")
    assert result["run_status"] == "failed"
    assert territory.count("SELECT count(*) FROM silver.fact_indicator") == 0
