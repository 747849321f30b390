"""The runbook as a text: what it names exists, and nothing in it is broken."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from tests.runbooks.territory.conftest import FOLDER, Shell, blocks

from atalaia.domains.territory.checks import CHECKS, THRESHOLDS
from atalaia.kernel.base.database import connect

ROOT = FOLDER.parents[1]
TEXT = (FOLDER / "runbook.md").read_text(encoding="utf-8")
_VIEWS = ("gold.mv_territory_ranking", "gold.mv_map_choropleth", "gold.mv_territory_map_summary")


def test_the_text_is_not_mojibake() -> None:
    for wrong in ("Ã", "â€", "Â ", "\ufffd", "√"):
        assert wrong not in TEXT


def test_every_block_that_is_a_command_has_a_name() -> None:
    fences = re.findall(r"^```(\w+)(.*)$", TEXT, re.MULTILINE)
    unnamed = [lang for lang, rest in fences if lang in ("bash", "sql") and "{name=" not in rest]
    assert unnamed == []


def test_every_file_a_block_names_exists_unless_it_is_planned() -> None:
    for name, block in blocks().items():
        programs = re.findall(r"python (scripts/\w+\.py)", block.text)
        programs += [
            f"pipelines/{job}.py" for job in re.findall(r"python -m pipelines\.(\w+)", block.text)
        ]
        programs += [p for p in re.findall(r"\bcat (\S+)", block.text)]
        for program in programs:
            assert (FOLDER / program).exists() != block.planned, f"{name}: {program}"


def test_every_make_target_exists_here_and_in_the_project(shell: Shell) -> None:
    targets = {t for b in blocks().values() for t in re.findall(r"^make ([\w-]+)", b.text, re.M)}
    assert targets >= {"up", "down", "mvp1"}
    for target in targets:
        assert shell(f"make -n {target}").code == 0


def test_every_query_of_the_runbook_runs(database: str) -> None:
    queries = [b.text for b in blocks().values() if b.language == "sql"]
    with connect(autocommit=True) as connection:
        connection.execute("SELECT gold.refresh_materialized_views()")
        for query in queries:
            for statement in filter(None, query.split(";")):
                _runs(connection, statement)


def _runs(connection: psycopg.Connection[Any], statement: str) -> None:
    connection.execute(statement.encode())


def test_the_checks_table_lists_the_checks() -> None:
    section = TEXT[TEXT.index("### 4.1") : TEXT.index("### 4.2")]
    assert re.findall(r"^\| `(check_\w+)`", section, re.M) == [check.name for check in CHECKS]


@pytest.mark.row("T-014")
def test_the_compose_file_is_whole() -> None:
    """Schema-checked everywhere (X-34): no container engine is needed to use or test Atalaia."""
    file = FOLDER / "docker-compose.yml"
    services = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]
    assert {"db", "api", "frontend"} <= set(services)
    for name, service in services.items():
        assert "build" in service or "image" in service, name
        if "build" in service:
            context = (FOLDER / service["build"]["context"]).resolve()
            dockerfile = context / service["build"]["dockerfile"]
            assert f" AS {service['build']['target']}\n" in dockerfile.read_text()
        assert set(service.get("depends_on", ())) <= set(services), name
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in yaml.safe_load(file.read_text())["volumes"]


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="no docker-compose here")
def test_docker_compose_accepts_the_file(shell: Shell) -> None:
    done = shell("docker-compose config -q")
    assert done.code == 0, done.err


@pytest.mark.row("T-063", "T-070")
def test_the_two_sql_files_are_where_the_runbook_says() -> None:
    views = (FOLDER / "db/sql/006_materialized_views.sql").read_text(encoding="utf-8")
    for view in _VIEWS:
        assert re.search(rf"^CREATE MATERIALIZED VIEW (IF NOT EXISTS )?{view}\b", views, re.M)
    indexes = (FOLDER / "db/sql/007_spatial_indexes.sql").read_text(encoding="utf-8")
    assert re.search(r"^CREATE INDEX", indexes, re.M)


def test_db_sql_lists_every_numbered_file_of_the_kernel_and_of_territory() -> None:
    owners = [ROOT / "src/atalaia", ROOT / "src/atalaia/domains/territory"]
    files = [file for owner in owners for file in (owner / "db/sql").glob("*.sql")]
    listed = sorted((FOLDER / "db/sql").iterdir())
    assert [p.name for p in listed] == sorted(p.name for p in files)
    assert {p.resolve() for p in listed} == {p.resolve() for p in files}


@pytest.mark.row("T-125")
def test_the_limits_are_readable_where_the_runbook_says(shell: Shell) -> None:
    line = blocks()["ver-limites"].text
    assert line == "cat configs/quality_thresholds.yml"
    assert shell(line).out == THRESHOLDS.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["frontend", "data"])
def test_the_folders_of_the_project_are_here(name: str) -> None:
    assert (FOLDER / name).resolve() == ROOT / name


@pytest.mark.row("T-094")
def test_the_frontend_build_is_the_documented_script() -> None:
    package = json.loads((FOLDER / "frontend/package.json").read_text(encoding="utf-8"))
    assert package["scripts"]["build"] == "tsc --noEmit && vite build"


@pytest.mark.row("T-094", "T-095", "T-128")
@pytest.mark.skipif(
    not Path(ROOT / "frontend/node_modules").exists(), reason="the front end is not installed"
)
def test_the_frontend_builds_into_dist(shell: Shell) -> None:
    done = shell(blocks()["frontend-build"].text)
    assert done.code == 0, done.out + done.err
    dist = FOLDER / "frontend/dist"
    page = (dist / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r'src="/?(assets/[^"]+\.js)"', page)
    assert scripts
    assert all((dist / script).stat().st_size for script in scripts)
    assert shell(blocks()["frontend-tipos"].text).code == 0
