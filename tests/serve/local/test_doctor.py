"""doctor: every documented minimum is told as met or not, and what is wrong is told as wrong."""

from __future__ import annotations

import json
import platform

import psycopg
import pytest
from tests.serve.local.conftest import Instance

from atalaia.serve.local import doctor
from atalaia.serve.local.layout import Layout


def found_by(done_stdout: str) -> dict[str, dict[str, str]]:
    """check → finding, of `doctor --format json`."""
    return {finding["check"]: finding for finding in json.loads(done_stdout)}


@pytest.mark.row("T-001", "T-002", "T-003")
def test_each_documented_minimum_is_met_or_not_and_said(instance: Instance) -> None:
    """Compared with what the programs say themselves; an unmet minimum is a warning, never ok."""
    done = instance.run("doctor", "--format", "json")
    found = found_by(done.stdout)
    exports = instance.run("env").stdout
    url = next(x for x in exports.splitlines() if x.startswith("export DATABASE_URL="))
    with psycopg.connect(url.partition("=")[2]) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version_num')::int / 10000, postgis_lib_version()"
        ).fetchone()
    assert row is not None
    truth = {
        "python": (platform.python_version(), ">= 3.12", (3, 12)),
        "postgresql": (str(row[0]), ">= 16", (16,)),
        "postgis": (row[1], ">= 3.5", (3, 5)),
    }
    for name, (version, minimum, documented) in truth.items():
        numbers = tuple(int(part) for part in version.split(".")[: len(documented)])
        assert found[name]["status"] == ("ok" if numbers >= documented else "warning"), name
        assert found[name]["minimum"] == minimum
        assert found[name]["observed"].startswith(version)
        assert bool(found[name]["note"]) == (numbers < documented)
    assert found["node"]["minimum"] == ">= 20"
    assert found["node"]["status"] == "ok"
    statuses = {finding["status"] for finding in found.values()}
    assert done.returncode == (2 if "critical" in statuses else 1 if "warning" in statuses else 0)


@pytest.mark.row("T-004")
def test_without_docker_nothing_is_worse(instance: Instance) -> None:
    bare = instance.run("doctor", "--format", "json", env={"PATH": "/nowhere"})
    found = found_by(bare.stdout)
    assert found["docker"]["observed"] == "ausente"
    assert found["docker"]["status"] == "ok"
    assert found["parte api"]["observed"] == "up"


def test_what_is_missing_is_told(instance: Instance) -> None:
    empty = {"DATABASE_URL": "", "REDIS_URL": "", "ATALAIA_TOKEN": ""}
    done = instance.run("doctor", "--format", "json", env=empty)
    found = found_by(done.stdout)
    assert done.returncode == 2
    assert found["postgresql"]["status"] == "critical"
    assert "DATABASE_URL" in found["postgresql"]["note"]
    for name in empty:
        assert (found[name]["status"], found[name]["observed"]) == ("warning", "não definida")


def test_unsafe_durability_is_critical(instance: Instance) -> None:
    exports = dict(
        line.removeprefix("export ").split("=", 1)
        for line in instance.run("env").stdout.splitlines()
    )
    with psycopg.connect(exports["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("ALTER DATABASE atalaia SET synchronous_commit = off")
        try:
            found = found_by(instance.run("doctor", "--format", "json").stdout)
        finally:
            connection.execute("ALTER DATABASE atalaia RESET synchronous_commit")
    assert found["durabilidade"]["status"] == "critical"
    assert "synchronous_commit" in found["durabilidade"]["observed"]


@pytest.mark.parametrize(
    ("free", "status"), [(900_000_000, "critical"), (4_000_000_000, "warning"), (9e9, "ok")]
)
def test_disk_space(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, free: float, status: str
) -> None:
    usage = type("Usage", (), {"free": free})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _path: usage)
    assert doctor._disk(Layout(tmp_path)).status == status  # type: ignore[arg-type]
