"""The manual's text: its links, its compose file, its cells, the files it names."""

from __future__ import annotations

import configparser
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.runbooks.equivalence.conftest import FOLDER, Shell

from atalaia.domains.equivalence.rules import RULES
from atalaia.kernel.watch.runbook import find
from atalaia.kernel.watch.severity import NAMES
from atalaia.serve.cli.runbook_check import problems_of

ROOT = FOLDER.parents[1]
PAGES = (
    ROOT / "docs/operations/cheatsheet.md",
    ROOT / "docs/runbooks/incident_response.md",
    ROOT / "docs/deploy.md",
)
RUNBOOKS = ("runbook", "mapper-down", "batch-late", "item-failed")


@pytest.mark.row("E-046")
def test_the_pages_the_manual_links_to_are_there_and_so_is_what_they_link_to() -> None:
    for page in (*PAGES, FOLDER / "runbook.md"):
        text = page.read_text(encoding="utf-8")
        links = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text)
        assert links, page
        for link in links:
            assert (page.parent / link).resolve().exists(), f"{page}: {link}"
    linked = (FOLDER / "runbook.md").read_text(encoding="utf-8")
    assert all(page.name in linked for page in PAGES)


@pytest.mark.row("E-010", "E-027", "E-028", "X-34")
def test_the_compose_file_has_the_services_and_none_works_before_the_migration() -> None:
    said: dict[str, Any] = yaml.safe_load((FOLDER / "docker-compose.yml").read_text("utf-8"))
    services = said["services"]
    assert {"web", "worker", "postgres", "redis", "migrate", "mocks"} <= set(services)
    for name, service in services.items():
        assert "build" in service or "image" in service, name
        assert set(service.get("depends_on", ())) <= set(services), name
        for volume in service.get("volumes", ()):
            assert volume.split(":")[0] in said["volumes"], name
    for name in ("web", "worker"):
        waits = services[name]["depends_on"]["migrate"]["condition"]
        assert waits == "service_completed_successfully", name
    assert services["migrate"]["restart"] == "no"
    named = services["postgres"]["environment"]
    assert (named["POSTGRES_USER"], named["POSTGRES_DB"]) == ("equivalence", "equivalence")
    assert services["web"]["ports"] == ["127.0.0.1:8000:8000"]
    assert services["mocks"]["ports"] == ["127.0.0.1:9001:9001", "127.0.0.1:9002:9002"]


@pytest.mark.row("E-033")
def test_a_rebuild_keeps_the_data_in_named_volumes() -> None:
    said = yaml.safe_load((FOLDER / "docker-compose.yml").read_text("utf-8"))
    assert "postgres:/var/lib/postgresql/data" in said["services"]["postgres"]["volumes"]
    assert "data:/srv/atalaia/data" in said["services"]["web"]["volumes"]
    assert set(said["volumes"]) == {"postgres", "data"}


@pytest.mark.skipif(shutil.which("docker-compose") is None, reason="no docker-compose here")
def test_docker_compose_accepts_the_file(shell: Shell) -> None:
    done = shell("docker-compose config -q")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", RUNBOOKS)
def test_every_command_of_its_cells_exists(name: str) -> None:
    assert problems_of(f"equivalence/{name}") == []


def test_each_alert_names_a_runbook_that_answers_it_at_its_severity() -> None:
    levels = {rule.id: NAMES[rule.severity].sev for rule in RULES}
    assert levels == {
        "equivalence-degraded": "SEV-3",
        "equivalence-late": "SEV-3",
        "equivalence-item-failed": "SEV-4",
    }
    for rule in RULES:
        head = find(rule.runbook).head
        assert (rule.id in head.alerts, head.severity) == (True, rule.severity.value)


def test_the_migrations_of_its_folder_are_those_of_the_project() -> None:
    ini = configparser.ConfigParser(interpolation=None)
    ini.read(FOLDER / "alembic.ini")
    here = ini["alembic"]["version_locations"].replace("%(here)s", str(FOLDER)).split()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["alembic"]
    wanted = [one.replace("%(here)s", str(ROOT)) for one in project["version_locations"]]
    assert [Path(one).resolve() for one in here] == [Path(one) for one in wanted]
    listed = {path.name: path.resolve() for path in (FOLDER / "db/sql").iterdir()}
    own = ROOT / "src/atalaia/domains/equivalence/db/sql"
    assert listed == {path.name: path for path in own.glob("*.sql")}
