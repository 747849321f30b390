"""match: every row comes out with a code or with a reason, whatever program wrote the file."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
from pathlib import Path

import pytest
from tests.domains.territory.ground import Ground
from tests.serve.cli.conftest import Run, Said

from atalaia.serve.cli.match import ADDED, neutral

ROWS = [("São Paulo", "SP"), ("S. José dos Campos", "SP"), ("Nenhures", "MG"), ("Xapuri", "Acre")]


@pytest.fixture(autouse=True, scope="module")
def _known(database_of_module: str) -> None:
    Ground()


def _file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "names.csv"
    path.write_bytes(text.encode(encoding))
    return path


def _listed(rows: list[tuple[str, str]], delimiter: str = ",") -> str:
    lines = [f"id{delimiter}Município{delimiter}UF"]
    lines += [delimiter.join((str(n), *row)) for n, row in enumerate(rows)]
    return "\n".join(lines) + "\n"


def _match(here: Run, path: Path, *more: str) -> Said:
    return here("match", str(path), "--against", "municipalities", *more)


def _read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_row_has_a_code_or_a_reason(here: Run, tmp_path: Path) -> None:
    said = _match(here, _file(tmp_path, _listed(ROWS)))
    assert said.code == 1  # one of them is for review
    rows = _read(said.out)
    assert [row["match_code"] for row in rows] == ["3550308", "3549904", "", "1200708"]
    assert [row["match_method"] for row in rows] == ["exact", "slip", "", "exact"]
    assert [row["Município"] for row in rows] == [name for name, _ in ROWS]
    assert list(rows[0]) == ["id", "Município", "UF", *(f"match_{name}" for name in ADDED)]
    assert "nome desconhecido" in rows[2]["match_reason"]
    assert "4 linhas: 3 decididas, 1 para revisar" in said.err


def test_all_decided_is_0(here: Run, tmp_path: Path) -> None:
    assert _match(here, _file(tmp_path, _listed(ROWS[:2]))).code == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "cp850", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_file_is_read(here: Run, tmp_path: Path, encoding: str, delimiter: str) -> None:
    said = _match(here, _file(tmp_path, _listed(ROWS, delimiter), encoding))
    assert [row["match_code"] for row in _read(said.out)] == ["3550308", "3549904", "", "1200708"]


def test_the_answer_is_written_whole_or_not_at_all(here: Run, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    assert _match(here, _file(tmp_path, _listed(ROWS)), "--out", str(out)).code == 1
    assert len(_read(out.read_text(encoding="utf-8"))) == 4
    before = out.read_bytes()
    said = _match(here, _file(tmp_path, _listed(ROWS) + '9,"never closed'), "--out", str(out))
    assert said.code == 2
    assert "aspas" in said.err
    assert out.read_bytes() == before
    files = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert files == {"names.csv", "out.csv"}  # nothing half written is left


def test_ndjson_has_the_same(here: Run, tmp_path: Path) -> None:
    said = _match(here, _file(tmp_path, _listed(ROWS)), "--format", "ndjson")
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert rows == _read(_match(here, _file(tmp_path, _listed(ROWS))).out)


def test_columns_may_be_named(here: Run, tmp_path: Path) -> None:
    path = _file(tmp_path, "onde,sigla\nXapuri,AC\n")
    asked = ("--name-column", "onde", "--state-column", "sigla")
    assert _read(_match(here, path, *asked).out)[0]["match_code"] == "1200708"


@pytest.mark.parametrize(
    ("text", "more", "code", "word"),
    [
        ("onde,uf\nXapuri,AC\n", (), 64, "--name-column"),
        ("cidade,onde\nXapuri,AC\n", (), 64, "--state-column"),
        ("cidade,uf\nXapuri,AC\n", ("--name-column", "nada"), 64, "coluna pedida"),
        ("cidade,uf,match_code\nXapuri,AC,1\n", (), 64, "match_code"),
        ("cidade,uf\nXapuri,AC\n", ("--format", "table"), 64, "csv ou ndjson"),
        ("cidade,uf\nXapuri,AC\n", ("--against", "rivers"), 64, "municipalities"),
        ("", (), 2, "cabeçalho"),
        ("cidade,uf\nXap\x00uri,AC\n", (), 0, "1 decididas"),
    ],
)
def test_what_cannot_be_is_told(
    here: Run, tmp_path: Path, text: str, more: tuple[str, ...], code: int, word: str
) -> None:
    said = _match(here, _file(tmp_path, text), *more)
    assert said.code == code, said.err
    assert word in said.err


def test_a_row_of_another_width_is_for_review_and_loses_no_cell_of_its_own(
    here: Run, tmp_path: Path
) -> None:
    said = _match(here, _file(tmp_path, "cidade,uf\nXapuri\nXapuri,AC,extra\n\nXapuri,AC\n"))
    assert [row["match_code"] for row in _read(said.out)] == ["", "", "1200708"]
    assert "células" in _read(said.out)[0]["match_reason"]


def test_no_cell_is_a_formula_for_a_spreadsheet(here: Run, tmp_path: Path) -> None:
    path = _file(tmp_path, "id,cidade,uf\n=1+1,\"=cmd|'/c calc'!A1\",SP\n-5,@SUM(A1),SP\n")
    for row in csv.reader(io.StringIO(_match(here, path).out)):
        for cell in row:
            assert not cell.startswith(("=", "@", "\t", "\r"))
    assert neutral("-5") == "-5"
    assert neutral("+1.234,5") == "+1.234,5"
    assert neutral("-5+cmd()") == "'-5+cmd()"
    assert neutral("plain") == "plain"


def test_memory_does_not_grow_with_the_file(here: Run, tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = _file(tmp_path, _listed([("Xapuri", "AC"), ("Osasco", "SP")] * (rows // 2)))
        tracemalloc.start()
        assert _match(here, path, "--out", str(tmp_path / "o.csv")).code == 0
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(200)
    small = peak(2_000)
    assert peak(20_000) < small * 1.5 + 3_000_000  # the CSV text itself, held by this test
