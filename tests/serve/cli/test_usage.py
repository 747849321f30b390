"""What is asked wrongly gets one message in Portuguese, its exit code, and changes nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import psycopg
import pytest
from tests.serve.cli.conftest import Run

from atalaia.serve.cli.app import ENTRIES

ENGLISH = re.compile(
    r"\b(No such|Missing|Invalid|Usage|Error|Options|Arguments|requires|unexpected|should be)\b"
)


def runs_in(url: str) -> int:
    """How many runs the ledger has."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM ops.pipeline_runs").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(
    ("arguments", "about"),
    [
        (["nope"], "nope"),
        (["stattus"], "stattus"),
        (["--nope"], "--nope"),
        (["status", "--nope"], "--nope"),
        (["status", "more"], "more"),
        (["status", "--format", "xml"], "xml"),
        (["status", "--format"], "--format"),
        (["run"], "job"),
        (["run", "ibge_admin", "-p", "2024", "--max-retries", "many"], "não é um número inteiro"),
        (["run", "ibge_admin", "-p", "2024", "--max-retries", "0"], "pelo menos 1"),
        (["run", "ibge_admin", "-p", "2024", "--timeout-seconds", "soon"], "--timeout-seconds"),
        (["run", "ibge_admin", "-p", "2024", "--timeout-seconds", "-1"], "--timeout-seconds"),
        (["run", "nope", "-p", "2024"], "nope"),
        (["run", "ibge_admin", "-p", "2024-13"], "2024-13"),
        (["run", "ibge_admin", "-p", "2024-02-30"], "2024-02-30"),
        (["run", "ibge_admin", "-p", ""], "período"),
        (["run", "registro_civil_deaths"], "--reference-period"),
        (["run", "ibge_admin", "--plan", "/no/such/file"], "/no/such/file"),
        (["wave", "mvp9"], "mvp9"),
        (["cancel", "not-a-run"], "run_id"),
        (["cancel", "00000000-0000-0000-0000-000000000000"], "não está em andamento"),
        (["restart", "nginx"], "nginx"),
        (["logs", "nginx"], "nginx"),
        (["dlq"], "comando"),
        (["dlq", "show", "7"], "7"),
        (["dlq", "show", "seven"], "número inteiro"),
        (["explain", "nowhere"], "indicator/"),
        (["runs", "--limit", "0"], "--limit"),
        (["runs", "--job", "nope"], "nope"),
    ],
)
def test_wrong_usage_is_64_and_one_message(
    here: Run, database_of_module: str, arguments: list[str], about: str
) -> None:
    said = here(*arguments)
    assert said.code == 64
    assert said.out == ""
    lines = said.err.strip().splitlines()
    assert lines[0].startswith("Erro: ")
    assert 1 <= len(lines) <= 2
    assert about in said.err
    assert not ENGLISH.search(said.err), said.err
    assert runs_in(database_of_module) == 0


def test_a_near_miss_is_named(here: Run) -> None:
    assert "status" in here("statu").err


def test_no_database_is_said_with_the_name_of_the_setting(alone: Run) -> None:
    said = alone("runs", env={"DATABASE_URL": ""})
    assert (said.code, said.out) == (64, "")
    assert "DATABASE_URL" in said.err
    assert "Traceback" not in said.err


def test_a_database_that_does_not_answer_is_2(alone: Run) -> None:
    said = alone(
        "run", "ibge_admin", "-p", "2024", env={"DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}
    )
    assert (said.code, said.out) == (2, "")
    assert "O banco de dados não responde" in said.err
    assert "Traceback" not in said.err


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_listed_command_exists_and_explains_itself_in_portuguese(
    here: Run, entry: object
) -> None:
    name = entry.name  # type: ignore[attr-defined]
    said = here(name, "--help")
    assert said.code == 0
    assert "Uso:" in said.out
    assert not ENGLISH.search(said.out), said.out


LISTED = (
    "dlq", "audit", "backup", "keys", "schedule", "sessions", "sources", "tenants", "work",
    "webhook", "mailbox", "delivery", "alerts", "incident", "maintenance", "runbook",
)  # fmt: skip
GROUPS = dict.fromkeys(LISTED, "list") | {"retention": "plan"}


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_command_with_a_result_has_its_shapes(here: Run, entry: object) -> None:
    name = entry.name  # type: ignore[attr-defined]
    in_foreground = (
        "serve",
        "worker",
        "scheduler",
        "service",
        "mocks",
    )  # what they print is log lines
    page = here(name, *([GROUPS[name]] if name in GROUPS else []), "--help").out
    assert ("--format" in page) == (name not in in_foreground)
    mutating = ("run", "wave", "backfill", "dbt", "quality", "cancel", "sign-in", "down")
    assert ("--reason" in page) == (name in mutating)


def test_help_lists_every_command(here: Run) -> None:
    listed = here("--help").out
    assert all(f" {entry.name} " in listed and entry.help in listed for entry in ENTRIES)
    assert here().out == listed


def test_help_loads_nothing_heavy() -> None:
    """What makes `atalaia --help` cost what Typer costs; benchmarks/startup.py measures it."""
    heavy = ["pydantic", "psycopg", "polars", "redis", "rq", "alembic", "httpx", "yaml", "fastapi"]
    program = (
        "import sys\n"
        "from atalaia.serve.cli import main\n"
        "sys.argv = ['atalaia', '--help']\n"
        "main()\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"
    ours = [name for name in _ours(program) if name.startswith("atalaia")]
    assert set(ours) <= {
        "atalaia",
        "atalaia.serve",
        "atalaia.serve.cli",
        "atalaia.serve.cli.app",
        "atalaia.serve.cli.words",
    }


def _ours(program: str) -> list[str]:
    shown = (
        program.rpartition("print(")[0]
        + "import json; print(json.dumps(list(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    names: list[str] = json.loads(done.stderr)
    return names
