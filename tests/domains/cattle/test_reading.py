"""What a file is found to be, whatever it is written in, and what is asked when it is not clear."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from benchmarks import feeding
from tests.domains.cattle.conftest import bring, of, sql, work

from atalaia.domains.cattle.identifiers import car_fault, gta_fault, sisbov_fault
from atalaia.domains.cattle.service import Bringer, answer
from atalaia.kernel.base.errors import UsageError

SAMPLES = Path(__file__).resolve().parents[4] / "shared/payloads/sisbov_gta"
FED = "Data;Hora;Trato;Curral;Dieta;Previsto (kg);Realizado (kg)"
EATEN = "Data;Curral;Lote;Qtd. Animais;Dieta;Peso Estimado;CMS Realizado;GMD;Movimento"
IN_PEN = "Data;Trato;Curral;Lote;Previsto (kg);Realizado (kg)"

Load = Callable[..., dict[str, Any]]


@pytest.fixture
def tenant(database_of_module: str) -> str:
    """An organisation that nobody said anything for."""
    name = f"t{uuid4().hex[:12]}"
    sql("INSERT INTO tenants VALUES (%s, %s)", name, name)
    return name


@pytest.fixture
def load(tenant: str, tmp_path: Path) -> Load:
    """Have text or bytes go all the way; returns the file's row."""

    def go(text: str | bytes, name: str = "arquivo.csv", *, of_tenant: str = "") -> dict[str, Any]:
        file = tmp_path / f"{uuid4().hex}-{name}"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        one = bring(file, tenant_id=of_tenant or tenant, name=name)
        work()
        return of(one)

    return go


def table(of_tenant: str, name: str, columns: str = "*") -> list[dict[str, Any]]:
    """The rows of a tenant, without what tells one load from another."""
    found = sql(f"SELECT {columns} FROM {name} WHERE tenant_id = %s ORDER BY file_row", of_tenant)
    own = ("tenant_id", "file_seq", "run_id", "loaded_at_utc", "updated_at_utc")
    return [{k: v for k, v in one.items() if k not in own} for one in found]


def reasons(one: dict[str, Any]) -> list[str]:
    """Why rows of a file were put aside, in their order."""
    found = sql(
        "SELECT original_error FROM etl_dead_letter_queue WHERE file_id = %s ORDER BY id",
        str(one["id"]),
    )
    return [row["original_error"] for row in found]


def checks(one: dict[str, Any]) -> dict[str, str]:
    """What a loaded file says of itself."""
    found = sql(
        "SELECT check_name, status::text FROM ops.pipeline_checks WHERE run_id = %s", one["run_id"]
    )
    return {row["check_name"]: row["status"] for row in found}


def generated(folder: Path, rows: int = 80) -> str:
    """A clean file of layout 02, full of letters with accents."""
    file = folder / "made.csv"
    feeding.make(file, rows, bad_share=0, double_share=0)
    return file.read_text("latin-1")


@pytest.mark.row("B-083")
def test_the_same_data_are_the_same_rows_in_every_encoding(load: Load, tmp_path: Path) -> None:
    text = generated(tmp_path)
    assert {"ç", "ã", "º", "Á"} <= set(text)
    found = {}
    for encoding in ("utf-8", "utf-8-sig", "latin-1", "cp1252", "cp850", "mac_roman", "utf-16"):
        # A dash is in cp1252 and not in Latin-1: the two are told apart only by such letters.
        said = text.replace("Polpa cítrica", "Polpa – cítrica") if encoding == "cp1252" else text
        name = f"e{uuid4().hex[:10]}"
        sql("INSERT INTO tenants VALUES (%s, %s)", name, name)
        one = load(said.encode(encoding), of_tenant=name)
        assert (one["state"], one["rows_loaded"]) == ("loaded", 80), (encoding, one)
        found[encoding] = table(name, "desvio_carregamento")
        assert one["encoding"].startswith(encoding.removesuffix("-sig")), encoding
    for row in found["cp1252"]:
        row["ingrediente"] = row["ingrediente"].replace("Polpa – cítrica", "Polpa cítrica")
    assert all(rows == found["utf-8"] for rows in found.values())
    assert {row["pazeiro"] for row in found["utf-8"]} >= {"João", "Antônio", "Conceição"}


@pytest.mark.row("B-083", "X-28")
@pytest.mark.parametrize("wrong", ["cp1252", "mac_roman", "latin-1"])
def test_text_saved_twice_is_repaired_and_told(load: Load, tmp_path: Path, wrong: str) -> None:
    text = generated(tmp_path).replace("José Aparecido", "Ana – Bia")
    assert any("–" in x and x.replace("–", "").isascii() for x in text.splitlines())
    right = f"r{uuid4().hex[:10]}"
    sql("INSERT INTO tenants VALUES (%s, %s)", right, right)
    load(text, of_tenant=right)
    broken = "".join(_read_as(wrong, byte) for byte in text.encode())
    assert len(broken) > len(text)
    one = load(broken)
    assert (one["state"], one["rows_loaded"]) == ("loaded", 80), one["error_message"]
    rows = table(one["tenant_id"], "desvio_carregamento")
    assert rows == table(right, "desvio_carregamento")
    assert any("codificadas duas vezes" in note for note in one["detected"]["notes"])


def _read_as(encoding: str, byte: int) -> str:
    """A byte read in a wrong encoding, as programs do it: what cp1252 does not have passes."""
    try:
        return bytes([byte]).decode(encoding)
    except UnicodeDecodeError:
        return chr(byte)


@pytest.mark.row("X-28")
def test_a_line_broken_in_part_is_mended_in_part_and_what_is_lost_is_put_aside(load: Load) -> None:
    one = load(
        f"{FED}\n01/02/2024;08:00;1;C1;Adaptação e RaÃ§Ã£o;10,0;10,0\n"
        "01/02/2024;09:00;1;C1;Terminação â€?final;10,0;10,0\n"
    )
    assert (one["state"], one["rows_loaded"], one["rows_rejected"]) == ("partly_loaded", 1, 1)
    rows = table(one["tenant_id"], "desvio_distribuicao")
    assert [row["dieta"] for row in rows] == ["Adaptação e Ração"]
    assert "caractere que se perdeu" in reasons(one)[0]


@pytest.mark.row("X-28")
def test_a_letter_that_was_lost_puts_its_row_aside(load: Load) -> None:
    one = load(f"{FED}\n01/02/2024;08:00;1;C1;Adapta\ufffd\ufffdo;10,0;10,0\n"
               "01/02/2024;09:00;1;C1;Adaptação;10,0;10,0\n")  # fmt: skip
    assert (one["state"], one["rows_loaded"], one["rows_rejected"]) == ("partly_loaded", 1, 1)
    assert "caractere que se perdeu" in reasons(one)[0]
    assert [row["dieta"] for row in table(one["tenant_id"], "desvio_distribuicao")] == ["Adaptação"]


def test_a_workbook_is_the_same_rows_as_its_text(load: Load, tmp_path: Path) -> None:
    lines = [
        FED.split(";"),
        ["05/02/2024", "08:30", "1", "C1", "Ração A", "1.250,50", "1.200,00"],
        ["06/02/2024", "09:00", "2", "C2", "Ração B", "800", "810,25"],
    ]
    other = f"x{uuid4().hex[:10]}"
    sql("INSERT INTO tenants VALUES (%s, %s)", other, other)
    load("\n".join(";".join(line) for line in lines), of_tenant=other)
    book = openpyxl.Workbook()
    book.active.title = "Capa"
    book.active.append(["Fazenda Modelo"])
    sheet = book.create_sheet("Dados")
    sheet.append(["Relatório de distribuição"])
    sheet.append(lines[0])
    sheet.append(["05/02/2024", "08:30", 1, "C1", "Ração A", 1250.5, 1200])
    sheet.append(["06/02/2024", "09:00", 2, "C2", "Ração B", 800, 810.25])
    book.save(tmp_path / "trato.xlsx")
    one = load((tmp_path / "trato.xlsx").read_bytes(), "trato.xlsx")
    assert (one["state"], one["layout"]) == ("loaded", "desvio_distribuicao"), one["error_message"]
    assert table(one["tenant_id"], "desvio_distribuicao") == table(other, "desvio_distribuicao")
    assert one["detected"]["sheet"] == "Dados"
    assert any("Capa" in note for note in one["detected"]["notes"])


def test_an_unsure_header_is_asked_once_and_remembered(load: Load, tenant: str) -> None:
    strange = FED.replace("Curral", "Currais do confinamento")
    row = "13/02/2024;08:00;1;C{};A;10,0;10,0\n"
    one = load(f"{strange}\n{row.format(1)}")
    assert (one["status"], one["state"]) == ("uploaded", "awaiting_mapping")
    assert one["questions"]
    assert table(tenant, "desvio_distribuicao") == []
    by = Bringer(tenant, "ana", "http", "api", "confere com o manual")
    none: dict[str, Any] = {"formats": {}, "layout": "desvio_distribuicao"}
    with pytest.raises(UsageError, match="não tem a coluna"):
        answer(one["id"], by, columns={"Currais do confinamento": "boi"}, **none)
    answer(one["id"], by, columns={"Currais do confinamento": "curral"}, **none)
    work()
    assert of(one)["state"] == "loaded", of(one)["error_message"]
    later = load(f"{strange}\n{row.format(2)}")
    assert later["state"] == "loaded"
    how = {m["header"]: (m["column"], m["how"]) for m in later["mapping"]}
    assert how["Currais do confinamento"] == ("curral", "person")
    other = f"o{uuid4().hex[:10]}"
    sql("INSERT INTO tenants VALUES (%s, %s)", other, other)
    assert load(f"{strange}\n{row.format(3)}", of_tenant=other)["state"] == "awaiting_mapping"


def test_dates_of_two_orders_are_not_guessed(load: Load) -> None:
    days = [f"{n + 13:02}/01/2024" for n in range(10)] + [f"01/{n + 13:02}/2024" for n in range(10)]
    rows = "\n".join(f"{day};08:00;{n};C1;A;10,0;10,0" for n, day in enumerate(days))
    one = load(f"{FED}\n{rows}\n")
    assert one["state"] == "awaiting_mapping"
    assert [question["ask"] for question in one["questions"]] == ["date_order"]
    assert one["rows_loaded"] in (0, None)


def test_dates_that_turn_round_after_the_first_rows_load_nothing(load: Load) -> None:
    day_first = "\n".join(f"25/01/2024;08:00;{n};C1;A;10,0;10,0" for n in range(2500))
    month_first = "\n".join(f"01/25/2024;09:00;{n};C1;A;10,0;10,0" for n in range(60))
    one = load(f"{FED}\n{day_first}\n{month_first}\n")
    assert (one["status"], one["state"]) == ("error", "refused")
    assert "60 datas só existem como MM/DD" in one["error_message"]
    assert table(one["tenant_id"], "desvio_distribuicao") == []


def test_consumption_is_judged_row_by_row_and_speaks_for_its_lots(load: Load) -> None:
    one = load(
        f"{EATEN}\n"
        "01/02/2024;C1;L1;100;A;450;9,0;1,5;\n"
        "02/02/2024;C1;L1;98;A;450;9,0;1,5;\n"  # two fewer, and nobody says why
        "01/02/2024;C2;L2;100;A;450;22,5;1,5;\n"  # 5 % of its weight
        "01/02/2024;C3;L3;100;A;30;0,6;1,5;\n"
        "01/02/2024;C4;L4;100;A;450;9,0;7,0;\n"
    )
    assert (one["layout"], one["state"]) == ("historico_consumo", "partly_loaded")
    assert sorted(reasons(one)) == ["gmd_kg: maior que 5", "peso_estimado_kg: menor que 50"]
    said = checks(one)
    assert (said["animais_sem_movimento"], said["consumo_fora_da_faixa"]) == ("warn", "warn")
    percents = [float(row["cms_pv_pc"]) for row in table(one["tenant_id"], "historico_consumo")]
    assert percents == [2.0, 2.0, 5.0]
    quiet = load(f"{EATEN}\n01/03/2024;C1;L1;98;A;450;9,0;1,5;\n"
                 "02/03/2024;C1;L1;90;A;450;9,0;1,5;Saída\n")  # fmt: skip
    said = checks(quiet)
    assert (said["animais_sem_movimento"], said["consumo_fora_da_faixa"]) == ("pass", "pass")


def test_ingredients_that_do_not_sum_to_their_load_are_told(load: Load) -> None:
    header = "Data;Carregamento;Ingrediente;Realizado (kg);MS (%);NDT (%);Carga (kg)"
    whole = "01/02/2024;7;Milho;600,0;88,0;80,0;1000,0\n01/02/2024;7;Ureia;{};99,0;0;1000,0\n"
    short = load(f"{header}\n{whole.format('389,0')}")
    assert (short["layout"], short["state"]) == ("itens_trato", "loaded"), short["error_message"]
    assert checks(short)["ingredientes_somam_a_carga"] == "warn"
    right = load(f"{header}\n{whole.format('390,0')}".replace("01/02", "02/02"))
    assert checks(right)["ingredientes_somam_a_carga"] == "pass"


def test_a_deviation_is_worked_out_whatever_the_file_says(load: Load) -> None:
    one = load(
        f"{IN_PEN};Desvio (kg);Desvio (%);Status\n"
        "13/02/2024;1;C1;L1;100,0;103,0;3,0;3,0;AMARELO\n"
        "13/02/2024;2;C1;L1;100,0;110,0;1,0;1,0;VERDE\n"
        "13/02/2024;3;C1;L1;0;5,0;5,0;100,0;VERDE\n"
    )
    assert (one["layout"], one["state"]) == ("trato_curral", "loaded"), one["error_message"]
    rows = table(one["tenant_id"], "trato_curral", "desvio_kg, desvio_pc, status, file_row")
    told = [(float(r["desvio_kg"]), r["desvio_pc"] and float(r["desvio_pc"]), r["status"])
            for r in rows]  # fmt: skip
    assert told == [(3.0, 3.0, "AMARELO"), (10.0, 10.0, "VERMELHO"), (5.0, None, None)]
    said = checks(one)
    assert (said["desvio_recalculado"], said["percentual_sem_previsto"]) == ("warn", "warn")


def test_a_wrong_identifier_puts_its_row_aside(load: Load) -> None:
    rows = [f"13/02/2024;{n};C1;L1;10,0;10,0" for n in range(1, 4)]
    one = load(
        f"{IN_PEN};SISBOV;GTA\n{rows[0]};105500508078035;MS-Q-596380\n"
        f"{rows[1]};105500508078036;\n{rows[2]};;XX-Q-1\n"
    )
    assert (one["rows_loaded"], one["rows_rejected"]) == (1, 2), one["error_message"]
    assert sorted(reasons(one)) == [
        "gta: XX não é um estado", "sisbov: o dígito verificador não confere",
    ]  # fmt: skip


def test_identifiers_are_judged_by_every_digit() -> None:
    right = "105500508078035"
    assert sisbov_fault(right) is None
    for place in range(3, 15):
        for digit in "0123456789":
            if digit != right[place]:
                assert sisbov_fault(right[:place] + digit + right[place + 1 :]), (place, digit)
    assert "chip" in str(sisbov_fault("982000123456789"))
    assert gta_fault("596380")
    assert gta_fault("ms q 596380") is None
    assert car_fault("MS-5002704-" + "0123456789ABCDEF" * 2) is None
    assert "estado" in str(car_fault("MT-5002704-" + "0123456789ABCDEF" * 2))


def test_every_real_identifier_is_taken() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("no samples beside the repository")
    with (SAMPLES / "sisbov_real_61.csv").open() as file:
        numbers = [row["sisbov"] for row in csv.DictReader(file, delimiter=";")]
    assert len(numbers) == 61
    assert [one for one in numbers if sisbov_fault(one)] == []
