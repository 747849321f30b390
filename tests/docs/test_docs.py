"""The documents say what is so: links lead somewhere, names exist, references are up to date."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.docs.reference import DOCS, PAGES
from tests.sources.server import Answer, Asked, SourceServer

from atalaia.kernel.base import errors
from atalaia.kernel.base.database import connect
from atalaia.kernel.watch.platform_rules import RULES
from atalaia.kernel.work.runner import run_job
from atalaia.serve.cli.app import ENTRIES

ROOT = DOCS.parent
_LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]+)")


def files(*patterns: str) -> list[Path]:
    """The files of the repository that match, or all of them."""
    command = ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", *patterns]
    return [ROOT / name for name in subprocess.check_output(command, text=True).splitlines()]


def test_every_link_leads_to_a_file() -> None:
    lost = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in files("*.md")
        for target in _LINK.findall(document.read_text(encoding="utf-8"))
        if not (document.parent / target).exists()
    ]
    assert lost == []


@pytest.mark.parametrize("name", PAGES)
def test_the_reference_pages_are_those_the_code_makes(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), (
        "run .venv/bin/python tests/docs/reference.py"
    )


def test_every_error_class_has_an_outcome_and_a_place_in_the_tree() -> None:
    classes = [
        cls
        for cls in vars(errors).values()
        if isinstance(cls, type) and issubclass(cls, errors.AtalaiaError)
    ]
    drawn = set(re.findall(r"[A-Z]\w+", (errors.__doc__ or "").split("A message says")[0]))
    for cls in classes:
        assert cls in errors.CATALOGUE or errors.outcome(cls()) is not None
        assert cls.__name__ in drawn, f"{cls.__name__} is not in the tree of errors.py"
    slugs = [outcome.slug for outcome in errors.CATALOGUE.values()]
    assert len(slugs) == len(set(slugs))


GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")


def test_every_table_of_the_glossary_exists(database: str) -> None:
    named = set(re.findall(r"`((?:ops|bronze|silver|gold)\.\w+)`", GLOSSARY))
    assert len(named) > 10
    with connect(autocommit=True) as connection:
        missing = connection.execute(
            "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL",
            (sorted(named),),
        ).fetchall()
    assert missing == []


def test_every_command_and_file_of_the_glossary_exists() -> None:
    commands = {entry.name for entry in ENTRIES}
    assert set(re.findall(r"`atalaia (\w+)`", GLOSSARY)) <= commands
    for path in re.findall(r"`((?:kernel|serve|runbooks)/[\w/]+\.\w+)`", GLOSSARY):
        assert (ROOT / path).exists() or (ROOT / "src/atalaia" / path).exists(), path


def test_contributing_names_folders_that_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text[text.index("## What is where") : text.index("Imports run downwards")]
    folders = re.findall(r"^\| `([^`]+)`", table, re.M)
    assert len(folders) > 8
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_the_root_stays_small() -> None:
    entries = {path.relative_to(ROOT).parts[0] for path in files()}
    assert len([entry for entry in entries if not entry.startswith(".")]) <= 16


RUNBOOKS = frozenset(
    {
        *("daily-check", "source-failed", "dead-letters-growing", "worker-dead", "disk-full"),
        *("database-restarted", "redis-lost", "restore", "queue-growing", "api-slow"),
        *("audit-broken", "backup-late", "delivery-failing", "certificate"),
    }
)


def test_every_alert_is_documented_and_has_an_owner_and_a_runbook() -> None:
    page = (DOCS / "alerts.md").read_text(encoding="utf-8")
    for rule in RULES:
        assert f"| `{rule.id}` |" in page
        folder, _, name = rule.runbook.partition("/")
        assert (folder, name in RUNBOOKS) == ("platform", True), rule.id
        assert rule.owner
        assert rule.fires
    assert len({rule.id for rule in RULES}) == len(RULES) >= 18


def _example() -> Any:
    """The module that docs/adding-a-source.md shows."""
    page = (DOCS / "adding-a-source.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    module = ModuleType("example_libraries")
    exec(compile(code, "docs/adding-a-source.md", "exec"), vars(module))  # noqa: S102
    return module


@pytest.fixture
def load(database: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], dict[str, Any]]:
    """Run the page's example against a fixture server that answers this CSV for 2024."""

    def run(csv: str) -> dict[str, Any]:
        def answer(asked: Asked) -> Answer | None:
            found = asked.path == "/bibliotecas/2024.csv"
            return Answer(csv.encode(), "text/csv") if found else None

        with SourceServer(answer) as server:
            monkeypatch.setenv("SOURCE_EXEMPLO_BASE_URL", server.url)
            return run_job(_example().JOB, reference_period="2024", force=True)

    return run


def test_the_example_source_loads_rows_with_provenance(
    load: Callable[[str], dict[str, Any]],
) -> None:
    done = load("codigo_ibge,bibliotecas\n3121605,3\n3106200,41\n31216,1\n5300108,-2\n")
    assert (done["run_status"], done["error"]) == ("success", None)
    assert (done["rows_read"], done["rows_loaded"], done["rows_rejected"]) == (4, 2, 2)
    with connect(autocommit=True) as connection:
        rows = connection.execute(
            """SELECT territory_id, value::int, unit, source, run_id::text
               FROM silver.fact_indicator ORDER BY value"""
        ).fetchall()
        dead = connection.execute("SELECT reason FROM ops.dead_letters ORDER BY 1").fetchall()
    common = {"unit": "bibliotecas", "source": "EXEMPLO", "run_id": done["run_id"]}
    assert rows == [
        {"territory_id": "3121605", "value": 3} | common,
        {"territory_id": "3106200", "value": 41} | common,
    ]
    assert [row["reason"].split(":")[0] for row in dead] == ["bibliotecas", "codigo_ibge"]


def test_the_example_source_replaces_its_scope_and_refuses_another_header(
    load: Callable[[str], dict[str, Any]],
) -> None:
    load("codigo_ibge,bibliotecas\n3121605,3\n3106200,41\n")
    assert load("codigo_ibge,bibliotecas\n3121605,3\n")["rows_deleted"] == 1
    changed = load("codigo_ibge,quantidade\n3121605,3\n")
    assert changed["run_status"] == "failed"
    assert "quantidade" in changed["error"]
