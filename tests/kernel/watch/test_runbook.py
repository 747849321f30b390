"""A runbook as a text: what is read, and each thing that is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.watch import runbook
from atalaia.kernel.watch.runbook import parse
from atalaia.kernel.watch.runbook_expect import expectation

HEAD = """---
title: Ensaio
severity: low
owner: casa
arguments:
  - {name: source, meaning: a fonte, pattern: "[a-z_]{1,20}", example: ibge_admin}
  - {name: year, meaning: o ano, pattern: "[0-9]{4}", example: "2024", default: "2023"}
---
"""
CELL = '```bash {name=one, interactive=false, expect="exit 0; text a, b"}\necho a, b\n```\n'
USES = '```bash {name=two, interactive=false}\necho "$ARG_SOURCE" "${ARG_YEAR}"\n```\n'


def test_what_is_written_is_what_is_read() -> None:
    text = (
        HEAD
        + "# Um\n\n"
        + CELL
        + "```sql\nSELECT 1\n```\n\n"
        + ("```sh {name=two, interactive=false, confirm=true, danger=true, timeout=7}\ntrue\n```\n")
    )
    found = parse("x/y", text)
    one, two = found.cells
    assert (one.name, one.source, one.expect.texts) == ("one", "echo a, b\n", ("a, b",))
    assert (one.confirm, one.danger, one.timeout) == (False, False, 120)
    assert (two.confirm, two.danger, two.timeout) == (True, True, 7)
    assert text.splitlines()[two.line - 1].startswith("```sh {name=two")
    assert [argument.variable for argument in found.head.arguments] == ["ARG_SOURCE", "ARG_YEAR"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CELL, "cabeçalho"),
        (HEAD, "não tem célula"),
        (HEAD.replace("owner: casa\n", "") + CELL, "owner"),
        (HEAD.replace("low", "sev-9") + CELL, "severity"),
        (HEAD.replace("owner", "dono: x\nowner") + CELL, "dono"),
        (HEAD.replace("[a-z_]{1,20}", "[a-z") + CELL, "não é uma expressão regular"),
        (HEAD.replace("example: ibge_admin", "example: IBGE") + CELL, "exemplo de 'source'"),
        (HEAD.replace('default: "2023"', 'default: "23"') + CELL, "padrão de 'year'"),
        (HEAD + CELL + CELL, "duas células"),
        (HEAD + "```bash\ntrue\n```\n", "não tem nome"),
        (HEAD + CELL.replace("name=one", 'name="One"'), "não tem nome"),
        (HEAD + CELL.replace("name=one", "name=one, name=two"), "não se leem"),
        (HEAD + CELL.replace("interactive=false, ", ""), "interactive=false"),
        (HEAD + CELL.replace("name=one", "name=one, danger=maybe"), "danger"),
        (HEAD + CELL.replace("name=one", "name=one, dangerous=true"), "dangerous"),
        (HEAD + CELL.replace("name=one", "name=one, timeout=0"), "timeout"),
        (HEAD + CELL.replace("name=one", "name=one, timeout=9999"), "timeout"),
        (HEAD + CELL.replace("echo a, b", " "), "não tem comando"),
        (HEAD + CELL.replace("exit 0; text a, b", "exits 0"), "expect"),
    ],
)
def test_what_is_not_well_formed_is_refused_and_named(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse("x/y", text)


def test_a_fence_inside_another_is_no_cell() -> None:
    """What a line pattern would take for a cell, Markdown says is text."""
    text = HEAD + CELL + "````\n```bash {name=inner, interactive=false}\nfalse\n```\n````\n"
    assert [cell.name for cell in parse("x/y", text).cells] == ["one"]


@pytest.mark.parametrize(
    ("written", "code", "output", "met"),
    [
        ("exit 0", 0, "", True),
        ("exit 0", 1, "", False),
        ("exit 1|2", 2, "", True),
        ("exit 1|2", 0, "", False),
        ("exit 12", 1, "", False),
        ("text no ar", 0, "está no ar.", True),
        ("text no ar", 0, "No ar", False),
        ("text no ar", 1, "está no ar.", False),
        ("exit any; text no ar", 7, "no ar", True),
        (r"regex ^\d+ up$", 0, "x\n5 up\ny", True),
        (r"regex ^\d+ up$", 0, "5 upper", False),
        ("exit 0; absent Erro", 0, "tudo bem", True),
        ("exit 0; absent Erro", 0, "Erro: não", False),
        ("text a; b", 0, "x a; b", True),
    ],
)
def test_expect(written: str, code: int, output: str, met: bool) -> None:
    assert (expectation(written).unmet(code, output) == "") is met


@pytest.mark.parametrize(
    "written", ["", "exit", "exit zero", "exit any", "exit 0; exit 1", "regex (", "text ", "ok"]
)
def test_an_expectation_that_decides_nothing_is_refused(written: str) -> None:
    with pytest.raises(UsageError):
        expectation(written)


def test_arguments_are_those_declared_and_as_their_pattern_asks() -> None:
    found = parse("x/y", HEAD + CELL + USES)
    assert found.values({}, found.chosen("one", None)) == {}, "no cell that uses them"
    assert found.values({"source": "ibge"}, found.cells) == {"source": "ibge", "year": "2023"}
    assert found.values({"source": "ibge", "year": "2024"}, found.cells)["year"] == "2024"
    for given in (
        {},
        {"source": "ibge", "other": "x"},
        {"source": "IBGE"},
        {"source": "ibge; rm -rf /"},
        {"source": "ibge\n"},
        {"source": "ibge", "year": "20244"},
    ):
        with pytest.raises(UsageError, match=r"Nada foi executado|não tem o argumento"):
            found.values(given, found.cells)


@pytest.mark.parametrize("value", ["--force", "a\nb", "x" * 201, "529.982.247-25", "m@exemplo.br"])
def test_a_pattern_that_takes_anything_still_takes_no_option_and_no_person(value: str) -> None:
    head = HEAD.replace("[a-z_]{1,20}", "(?s).*")
    with pytest.raises(UsageError):
        parse("x/y", head + CELL).values({"source": value}, ())


def test_a_runbook_is_found_by_its_whole_name_or_its_last_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runbook, "folder", lambda: tmp_path)
    for name in ("one/same", "two/same", "two/only"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.md").write_text(HEAD + CELL, encoding="utf-8")
    (tmp_path / "two/plain.md").write_text("# sem cabeçalho\n", encoding="utf-8")
    assert runbook.names() == ["one/same", "two/only", "two/same"]
    assert runbook.find("only").name == "two/only"
    assert runbook.find("two/same").name == "two/same"
    for name in ("same", "plain", "nope", "../two/only", "two"):
        with pytest.raises(NotFound):
            runbook.find(name)


def test_optional_cells_are_executed_when_they_are_named() -> None:
    names = ("a", "b", "c", "d")
    fences = [
        f"```bash {{name={name}, interactive=false{more}}}\ntrue\n```\n"
        for name, more in zip(names, ("", ", optional=true", "", ", optional=true"), strict=True)
    ]
    found = parse("x/y", HEAD + "".join(fences))

    def chosen(only: str | None = None, start: str | None = None) -> str:
        return "".join(cell.name for cell in found.chosen(only, start))

    assert [chosen(), chosen("b"), chosen(None, "b"), chosen(None, "c")] == ["ac", "b", "bc", "c"]


def test_an_alert_offers_the_command_with_what_it_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runbook, "folder", lambda: tmp_path)
    (tmp_path / "x.md").write_text(HEAD + CELL + USES, encoding="utf-8")
    told = runbook.offered("x", {"source": "ibge_admin", "year": "no year", "other": "y"})
    assert told == "atalaia runbook run x --arg source=ibge_admin --reason …"
    assert runbook.offered("nope", {"a": "b"}) == "atalaia runbook run nope --reason …"
