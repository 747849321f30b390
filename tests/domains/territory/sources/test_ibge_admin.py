"""ibge_admin: the dimension from the API, from the DTB and by hand, and what makes it live."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from tests.domains.territory.conftest import Territory
from tests.sources import server as faults
from tests.sources.ibge import (
    BAD_CHECK_DIGITS,
    MUNICIPALITIES,
    STATES,
    WITHOUT_MICROREGION,
    IbgeServer,
)
from tests.sources.server import Fault, edited, encoded, status

from atalaia.domains.territory.checks import quality_suite
from atalaia.domains.territory.dimension import history
from atalaia.domains.territory.sources.ibge import STATES as LETTERS
from atalaia.domains.territory.sources.ibge_admin import CONTRACT, DTB, MUNICIPIOS, run
from atalaia.kernel.work.runner import run_job

EVERYTHING = "SELECT * FROM silver.dim_territory ORDER BY territory_id"


def test_the_api_fills_country_states_and_municipalities(
    territory: Territory, ibge: IbgeServer
) -> None:
    result = run(reference_period="2025")
    assert (result["run_status"], result["source_type"]) == ("success", "api")
    assert result["rows_read"] == result["rows_loaded"] == len(MUNICIPALITIES) + len(STATES)
    assert [hit.path for hit in ibge.hits] == [
        "/api/v1/localidades/municipios",
        "/api/v1/localidades/estados",
    ]
    assert territory.names() == MUNICIPALITIES  # nine of them break the check digit's rule
    assert set(BAD_CHECK_DIGITS) <= set(territory.names())
    parents = territory.rows(
        "SELECT level::text, territory_id, uf, parent_id, ibge6, tse_code "
        "FROM silver.dim_territory WHERE kind = 'land'"
    )
    for row in parents:
        code = row["territory_id"]
        expected = {
            "country": (None, None, None),
            "state": (STATES.get(code, [None])[0], "BR", None),
            "municipality": (STATES.get(code[:2], [None])[0], code[:2], code[:6]),
        }[row["level"]]
        assert (row["uf"], row["parent_id"], row["ibge6"]) == expected
        assert row["tse_code"] is None


def test_names_that_repeat_across_states_stay_apart(territory: Territory, ibge: IbgeServer) -> None:
    run(reference_period="2025")
    found = territory.rows("SELECT uf FROM silver.dim_territory WHERE name = 'Bom Jesus'")
    assert sorted(row["uf"] for row in found) == ["PB", "PI", "RN", "RS", "SC"]


def test_a_municipality_without_microrregiao_has_its_state(
    territory: Territory, ibge: IbgeServer
) -> None:
    assert ibge.municipality(WITHOUT_MICROREGION)["microrregiao"] is None
    run(reference_period="2025")
    (row,) = territory.rows(
        "SELECT uf, parent_id, valid_from, predecessors FROM silver.dim_territory "
        "WHERE territory_id = %s",
        WITHOUT_MICROREGION,
    )
    assert row == {
        "uf": "MT",
        "parent_id": "51",
        "valid_from": date(2025, 1, 1),
        "predecessors": ["5106240", "5107925"],
    }


def test_every_microrregiao_may_be_null(territory: Territory, ibge: IbgeServer) -> None:
    def without(body: bytes) -> bytes:
        return json.dumps([{**m, "microrregiao": None} for m in json.loads(body)]).encode()

    ibge.misbehave(edited(without), times=1)
    assert run(reference_period="2025")["run_status"] == "success"
    assert territory.names() == MUNICIPALITIES


def test_the_lagoons_are_water_and_never_counted(territory: Territory, ibge: IbgeServer) -> None:
    run(reference_period="2025")
    waters = territory.rows(
        "SELECT territory_id, name, uf FROM silver.dim_territory WHERE kind = 'water' ORDER BY 1"
    )
    assert [tuple(row.values()) for row in waters] == [
        ("4300001", "Lagoa Mirim", "RS"),
        ("4300002", "Lagoa dos Patos", "RS"),
    ]


def test_the_bundled_dtb_answers_when_ibge_is_away(territory: Territory, offline: None) -> None:
    territory.bundled("dtb")
    result = run(reference_period="2024", max_retries=1)
    assert (result["run_status"], result["source_type"]) == ("success", "bronze_cache")
    assert result["verdict"] == "source_failed"
    assert result["rows_read"] == result["rows_loaded"] == 5571
    counted = territory.rows(
        "SELECT level::text, kind, count(*) AS n FROM silver.dim_territory GROUP BY 1, 2"
    )
    assert {(row["level"], row["kind"]): row["n"] for row in counted} == {
        ("country", "land"): 1,
        ("state", "land"): 27,
        ("municipality", "land"): 5571,
        ("municipality", "water"): 2,
    }
    names = territory.names()
    assert names["3121605"] == "Diamantina"  # and not under its local part, 21605
    assert (names["5300108"], names["2605459"]) == ("Brasília", "Fernando de Noronha")
    assert set(BAD_CHECK_DIGITS) <= set(names)
    later = territory.rows(
        "SELECT territory_id, valid_from, predecessors FROM silver.dim_territory "
        "WHERE valid_from IS NOT NULL"
    )
    assert {row["territory_id"]: (row["valid_from"], row["predecessors"]) for row in later} == {
        code: (entry["valid_from"], entry["predecessors"]) for code, entry in history().items()
    }
    assert len(later) == 7
    (states,) = territory.rows(
        "SELECT count(DISTINCT uf) AS letters, count(*) FILTER (WHERE uf IS NULL) AS without "
        "FROM silver.dim_territory WHERE level = 'municipality'"
    )
    assert states == {"letters": 27, "without": 0}


@pytest.mark.row("T-026")
def test_a_second_run_changes_nothing(territory: Territory, ibge: IbgeServer) -> None:
    run(reference_period="2025")
    before = territory.rows(EVERYTHING)
    again = run(reference_period="2025", force=True)
    assert again["source_type"] == "api"
    assert (again["rows_inserted"], again["rows_updated"]) == (0, 0)
    assert territory.rows(EVERYTHING) == before  # each row keeps the run that brought it


# What makes it live.


def test_a_renamed_municipality_is_the_same_row(territory: Territory, ibge: IbgeServer) -> None:
    run(reference_period="2025")
    ibge.names["3152131"] = "Ponto Chique Novo"
    result = run(reference_period="2025", force=True)
    assert (result["rows_updated"], result["rows_inserted"]) == (1, 0)
    assert territory.names()["3152131"] == "Ponto Chique Novo"


def test_what_disappears_is_ended_and_kept_and_may_come_back(
    territory: Territory, offline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    territory.bundled("dtb")
    run(reference_period="2024", max_retries=1)
    rows = [{"id": int(c), "nome": n} for c, n in territory.names().items() if c != "3152131"]
    whole = [*rows, {"id": 3152131, "nome": "Ponto Chique"}]
    found = territory.rows(
        "SELECT territory_id, name FROM silver.dim_territory WHERE level = 'state'"
    )
    states = {row["territory_id"]: row["name"] for row in found}
    with IbgeServer() as server:
        monkeypatch.setenv("SOURCE_IBGE_BASE_URL", server.url)
        server.misbehave(edited(_as_localidades(server, rows, states)), times=1)
        gone = run(reference_period="2026", force=True)
        # the fixture's few states are no reason to end the others: their municipalities are there
        (row,) = territory.rows(
            "SELECT name, valid_to FROM silver.dim_territory WHERE territory_id = '3152131'"
        )
        assert row == {"name": "Ponto Chique", "valid_to": date.fromisoformat(_today(gone))}
        assert gone["rows_updated"] == 1
        assert any("Ponto Chique (3152131)" in warning for warning in gone["warnings"])
        server.misbehave(edited(_as_localidades(server, whole, states)), times=1)
        back = run(reference_period="2026", force=True)
    assert back["rows_updated"] == 1
    assert "3152131" in territory.names()
    assert len(territory.names()) == 5571


def _today(result: dict[str, Any]) -> str:
    return str(result["started_at_utc"])[:10]


def _as_localidades(server: IbgeServer, rows: list[dict[str, Any]], names: dict[str, str]) -> Any:
    shape = server.municipality("3121605")

    def body(_old: bytes) -> bytes:
        def one(row: dict[str, Any]) -> dict[str, Any]:
            code = str(row["id"])[:2]
            of = {
                "id": int(code),
                "sigla": LETTERS[code],
                "nome": names[code],
                "regiao": {"id": 1, "sigla": "R", "nome": "R"},
            }
            near = {"id": 1, "nome": "I", "regiao-intermediaria": {"id": 1, "nome": "I", "UF": of}}
            return {**shape, **row, "microrregiao": None, "regiao-imediata": near}

        return json.dumps([one(row) for row in rows]).encode()

    return body


def test_half_a_list_ends_nobody(territory: Territory, ibge: IbgeServer) -> None:
    run(reference_period="2025")
    before = territory.rows(EVERYTHING)
    for code in list(ibge.names)[:10]:
        del ibge.names[code]
    result = run(reference_period="2026")
    assert result["run_status"] == "failed"
    assert "não tem 10 dos" in result["error"]
    assert territory.rows(EVERYTHING) == before
    forced = run(reference_period="2026", force=True)
    assert forced["run_status"] == "success"
    assert len(territory.names()) == len(MUNICIPALITIES) - 10


def test_an_older_division_adds_what_is_unknown_and_changes_nothing(
    territory: Territory, ibge: IbgeServer
) -> None:
    ibge.names["3121605"] = "Diamantina de Hoje"
    run(reference_period="2026")
    young = territory.rows("SELECT * FROM silver.dim_territory ORDER BY territory_id")
    territory.bundled("dtb")
    ibge.misbehave(status(500))
    result = run(reference_period="2024", max_retries=1)  # the DTB of 2024-12-31
    assert (result["run_status"], result["source_type"]) == ("success", "bronze_cache")
    assert result["rows_updated"] == 0
    assert territory.names()["3121605"] == "Diamantina de Hoje"
    assert len(territory.names()) == 5571
    kept = {row["territory_id"]: row for row in territory.rows(EVERYTHING)}
    assert [kept[row["territory_id"]] for row in young] == young


def test_a_municipality_nobody_announced_is_told(territory: Territory, ibge: IbgeServer) -> None:
    run(reference_period="2025")
    ibge.names["3199999"] = "Município Novo"
    result = run(reference_period="2026")
    assert "3199999" in territory.names()
    assert any("3199999" in warning for warning in result["warnings"])


# What the source may do wrong.

NOTHING_CAME = [
    (status(500), "source_failed"),
    (status(429, retry_after="0"), "source_failed"),
    (status(403), "source_failed"),
    (status(404), "not_published"),
    (status(204), "not_published"),
    (faults.empty, "not_published"),
    (faults.html, "source_failed"),
    (faults.half_body, "source_failed"),
    (faults.half_body_unannounced, "source_failed"),
    (faults.short_length, "source_failed"),
    (faults.reset, "source_failed"),
    (faults.redirect_loop, "source_failed"),
    (faults.broken_gzip, "source_failed"),
    (encoded("latin-1"), "source_failed"),
    (edited(lambda _body: b"[]"), "not_published"),
    (edited(lambda _body: b'{"erro":"manutencao"}'), "source_failed"),
    (edited(lambda _body: b"Sistema em manutencao"), "source_failed"),
]


@pytest.mark.row("R-018")
@pytest.mark.parametrize(("fault", "verdict"), NOTHING_CAME)
def test_what_is_no_payload_never_enters_bronze(
    territory: Territory, ibge: IbgeServer, fault: Fault, verdict: str
) -> None:
    ibge.misbehave(fault)
    result = run(reference_period="2025", max_retries=1)
    assert (result["run_status"], result["verdict"]) == ("blocked", verdict)
    assert territory.count("SELECT count(*) FROM bronze.manifest") == 0
    assert territory.count("SELECT count(*) FROM silver.dim_territory") == 0
    ibge.behave()
    assert run(reference_period="2025")["run_status"] == "success"


def test_one_of_two_answers_is_none(territory: Territory, ibge: IbgeServer) -> None:
    def states_only(handler: faults.Handler, answer: faults.Answer) -> None:
        if handler.path.endswith("estados"):
            status(500)(handler, answer)
        else:
            handler.whole(answer)

    ibge.misbehave(states_only)
    assert run(reference_period="2025")["run_status"] == "blocked"
    assert territory.count("SELECT count(*) FROM bronze.manifest") == 0
    ibge.behave()
    assert run(reference_period="2025")["source_type"] == "api"


def renamed(old: bytes, new: bytes) -> Fault:
    return edited(lambda body: body.replace(old, new))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (renamed(b'"nome"', b'"nomeMunicipio"'), "nomeMunicipio"),
        (renamed(b'"regiao-imediata"', b'"regiao_imediata"'), "regiao_imediata"),
        (renamed(b'"microrregiao":', b'"capital":false,"microrregiao":'), "capital"),
    ],
)
def test_a_changed_key_stops_everything_and_the_raw_file_is_kept(
    territory: Territory, ibge: IbgeServer, fault: Fault, said: str
) -> None:
    ibge.misbehave(fault, times=1)
    result = run(reference_period="2025")
    assert (result["run_status"], result["verdict"]) == ("failed", "we_failed")
    assert "coluna desconhecida" in result["error"]
    assert said in result["error"]
    assert territory.count("SELECT count(*) FROM silver.dim_territory") == 0
    assert territory.count("SELECT count(*) FROM bronze.manifest") == 2


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        ({"id": 312160}, "id: fora do formato"),
        ({"id": "3121605.0"}, "id: fora do formato"),
        ({"nome": None}, "nome: vazio"),
        ({"id": 9921605}, "a UF informada não é a do código"),
    ],
)
def test_a_bad_row_is_put_aside_and_the_others_go_on(
    territory: Territory, ibge: IbgeServer, edit: dict[str, Any], reason: str
) -> None:
    def one_bad(body: bytes) -> bytes:
        rows = json.loads(body)
        return json.dumps([{**r, **edit} if r["id"] == 3121605 else r for r in rows]).encode()

    ibge.misbehave(edited(one_bad), times=1)
    result = run(reference_period="2025")
    assert (result["run_status"], result["rows_rejected"]) == ("success", 1)
    (letter,) = territory.dead()
    assert letter["reason"] == reason
    assert "Diamantina" in json.dumps(letter["payload"], ensure_ascii=False) or "nome" in edit
    assert "3121605" not in territory.names()
    assert len(territory.names()) == len(MUNICIPALITIES) - 1


# The workbook.


def workbook(titles: list[str], cells: list[list[Any]], header: list[str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [[title] for title in titles] + [header or [*CONTRACT.datasets[DTB], ""]] + cells:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


ROW = ["31", "Minas Gerais", "3101", "I", "310001", "J", "21605", "3121605", "Diamantina", ""]


@pytest.mark.parametrize("titles", [[], ["DATA BASE: 31/12/2023"], ["x"] * 9])
@pytest.mark.parametrize("as_numbers", [False, True])
def test_the_header_is_found_wherever_it_is(
    territory: Territory, offline: None, titles: list[str], as_numbers: bool
) -> None:
    row = [int(cell) if as_numbers and cell.isdigit() else cell for cell in ROW]
    territory.by_hand("2023", DTB, "DTB.xlsx", workbook(titles, [row]))
    result = run(reference_period="2023", max_retries=1)
    assert (result["error"], result["source_type"]) == (None, "manual")
    assert territory.names() == {"3121605": "Diamantina"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (workbook(["DATA BASE: 31/12/2024"], [ROW]), "a execução é de 2023"),
        (
            workbook([], [ROW], [*list(CONTRACT.datasets[DTB])[:-1], "Nome", ""]),
            "coluna desconhecida",
        ),
        (workbook([], [ROW], ["Município"]), "não tem a coluna 'Código Município Completo'"),
        (b"\xd0\xcf\x11\xe0 not a workbook", "foi recusado: tem senha, ou é de um Office antigo"),
    ],
)
def test_a_workbook_that_is_not_the_agreed_one_is_refused(
    territory: Territory, offline: None, body: bytes, said: str
) -> None:
    territory.by_hand("2023", DTB, "DTB.xlsx", body)
    result = run(reference_period="2023", max_retries=1)
    assert (result["run_status"], territory.names()) == ("failed", {})
    assert said in result["error"]


@pytest.mark.row("T-126")
def test_a_forced_reload_clears_the_fail(territory: Territory, offline: None) -> None:
    territory.bundled("dtb")
    run(reference_period="2024", max_retries=1)

    def existence() -> str:
        checks = run_job(quality_suite(), reference_period="2024")["checks"]
        names = ("check_dim_territory", "focus_municipality")
        (found,) = (c for c in checks if (c["check_name"], c["subject"]) == names)
        return str(found["status"])

    assert existence() == "pass"
    territory.rows("DELETE FROM silver.dim_territory WHERE territory_id = '3121605'")
    assert existence() == "fail"
    assert run(reference_period="2024", force=True)["rows_inserted"] == 1
    assert existence() == "pass"


# Real payloads.


@pytest.mark.parametrize("code", ["1100015", "5300108"])
def test_real_answers_of_the_api(
    territory: Territory, offline: None, payloads: Path, code: str
) -> None:
    body = (payloads / "ibge_localidades" / f"municipio_{code}.json").read_bytes()
    territory.by_hand("2025", MUNICIPIOS, "municipios.json", body)
    result = run(reference_period="2025", max_retries=1)
    assert (result["run_status"], result["error"]) == ("success", None)
    assert territory.names() == {code: MUNICIPALITIES[code]}


def test_the_fixture_speaks_as_the_api_does(payloads: Path) -> None:
    real = json.loads((payloads / "ibge_localidades" / "municipio_5300108.json").read_bytes())
    with IbgeServer() as server:
        ours = server.municipality("5300108")
    assert _shape(ours) == _shape(real[0])


def _shape(value: Any) -> Any:
    return {k: _shape(v) for k, v in value.items()} if isinstance(value, dict) else type(value)


def test_the_contract_is_the_real_workbooks_header(payloads: Path) -> None:
    file = payloads / "ibge_localidades" / "RELATORIO_DTB_BRASIL_2024_MUNICIPIOS__rows.csv"
    header = file.read_text(encoding="utf-8").splitlines()[0].split(",")
    assert [name for name in header if not name.startswith("Unnamed")] == list(
        CONTRACT.datasets[DTB]
    )
