"""docs/adding-a-domain.md is carried out: its files are installed beside Atalaia and work there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.docs.reference import DOCS
from tests.serve.api.server import new_key, running
from tests.sources.server import Answer, Asked, SourceServer

from atalaia.kernel.base.database import connect

PAGE = (DOCS / "adding-a-domain.md").read_text(encoding="utf-8")
# `name` and `name` …: the paths a paragraph names, and the code blocks that follow it.
_SHOWN = re.compile(
    r"^((?:`rain/[^`]+`(?: and )?)+)[^`]*?:\n\n((?:```\w+\n.*?```\n\n?)+)", re.S | re.M
)
_CODE = re.compile(r"```\w+\n(.*?)```", re.S)
_MONTH = "station,day,mm\nA,2024-07-01,12.5\nA,2024-07-02,0\nB,2024-07-01,{mm}\nB,01/07/2024,3\n"


def _files() -> dict[str, str]:
    found: dict[str, str] = {}
    for names, blocks in _SHOWN.findall(PAGE):
        paths, codes = re.findall(r"`([^`]+)`", names), _CODE.findall(blocks)
        assert len(paths) == len(codes), names
        found |= dict(zip(paths, codes, strict=True))
    return found


class Installed:
    """The example beside Atalaia, as pip leaves it, and `atalaia` there."""

    def __init__(self, folder: Path) -> None:
        self.site = folder / "site"
        for name, text in _files().items():
            (self.site / name).parent.mkdir(parents=True, exist_ok=True)
            (self.site / name).write_text(text, encoding="utf-8")
        (self.site / "rain/__init__.py").touch()
        self._register(tomllib.loads(_files()["rain/pyproject.toml"])["project"])

    def _register(self, project: dict[str, Any]) -> None:
        info = self.site / f"{project['name']}-{project['version']}.dist-info"
        info.mkdir()
        told = "".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
            for group, points in project["entry-points"].items()
        )
        (info / "entry_points.txt").write_text(told)
        head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        (info / "METADATA").write_text(head)

    @property
    def environment(self) -> dict[str, str]:
        """Where Python finds it."""
        return {"PYTHONPATH": os.pathsep.join([str(self.site), *sys.path])}

    def atalaia(self, *words: str, code: int = 0) -> Any:
        """What the command answers, as JSON."""
        said = self.python("-m", "atalaia.serve.cli", *words, "--format", "json", code=code)
        return json.loads(said)

    def python(self, *words: str, code: int = 0) -> str:
        """Run Python with the example in reach."""
        done = subprocess.run(
            [sys.executable, *words],
            env={**os.environ, **self.environment},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def rain(database_of_module: str, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    here = Installed(tmp_path_factory.mktemp("rain"))
    here.python("-c", "from atalaia.kernel.base.migrate import upgrade; upgrade()")
    return here


def _rows(statement: str) -> list[tuple[Any, ...]]:
    with connect(autocommit=True) as connection:
        return [tuple(row.values()) for row in connection.execute(statement.encode())]


def _load(rain: Installed, mm: str, code: int = 0) -> dict[str, Any]:
    def answer(asked: Asked) -> Answer | None:
        good = asked.path == "/2024-07.csv"
        return Answer(_MONTH.format(mm=mm).encode(), "text/csv") if good else None

    with SourceServer(answer) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_RAIN_BASE_URL", server.url)
        words = ("run", "rain_gauges", "--reference-period", "2024-07", "--force")
        return dict(rain.atalaia(*words, code=code))


def test_it_takes_under_a_hundred_lines() -> None:
    code = [line for text in _files().values() for line in text.splitlines() if line.strip()]
    assert 40 < len(code) < 100
    said = re.search(r"in (\d+) lines over (\w+) files", PAGE)
    assert said is not None
    assert (len(code), {"seven": 7}[said[2]]) == (int(said[1]), len(_files()))


def test_it_is_a_domain_like_any_other(rain: Installed) -> None:
    listed = {one["domain"]: one for one in rain.atalaia("domains")}
    assert listed["rain"]["status"] == listed["territory"]["status"]
    done = _load(rain, "3.25")
    assert (done["run_status"], done["domain"], done["source_type"]) == ("success", "rain", "api")
    assert (done["rows_read"], done["rows_loaded"], done["rows_rejected"]) == (4, 3, 1)
    kept = _rows(
        "SELECT station, day::text, mm::text, run_id::text FROM rain.measured ORDER BY 1, 2"
    )
    assert kept == [
        ("A", "2024-07-01", "12.50000000", done["run_id"]),
        ("A", "2024-07-02", "0.00000000", done["run_id"]),
        ("B", "2024-07-01", "3.25000000", done["run_id"]),
    ]
    ((reason,),) = _rows("SELECT reason FROM ops.dead_letters WHERE domain = 'rain'")
    assert reason.startswith("day: ")
    again = _load(rain, "3.25")
    assert (again["rows_inserted"], again["rows_unchanged"]) == (0, 3)


def test_its_checks_are_asked_with_its_limits(rain: Installed) -> None:
    def answer(code: int) -> tuple[str, str]:
        asked = rain.atalaia("run", "rain_quality", "--reference-period", "2024", code=code)
        (check,) = (one for one in asked["checks"] if one["check_name"] == "check_rain")
        return check["status"], check["threshold"]

    _load(rain, "3.25")
    assert answer(0) == ("pass", "<= 700")
    _load(rain, "701")
    assert answer(2) == ("fail", "<= 700")


def test_its_routes_stand_behind_what_they_ask(rain: Installed, tmp_path: Path) -> None:
    """And one that forgot to say is an admin's alone."""
    _load(rain, "3.25")
    forgetful = rain.site / "rain/api.py"
    text = forgetful.read_text()
    forgetful.write_text(
        text + '\n\n@router.get("/forgotten")\ndef forgotten() -> dict:\n    return {}\n'
    )
    try:
        with running(tmp_path, **rain.environment) as api:
            viewer, admin = new_key("viewer"), new_key("admin")
            path = "/v1/rain/measured?station=A"
            assert api.get(path).status_code == 401
            found = api.get(path, X_API_Key=viewer)
            assert (found.status_code, found.json()["count"]) == (200, 2)
            codes = [
                api.get("/v1/rain/forgotten", **who).status_code
                for who in ({}, {"X_API_Key": viewer}, {"X_API_Key": admin})
            ]
            assert codes == [401, 403, 200]
    finally:
        forgetful.write_text(text)


def test_a_migration_of_its_own_that_was_changed_is_refused(rain: Installed) -> None:
    file = rain.site / "rain/db/sql/rain_001.sql"
    text = file.read_text()
    file.write_text(text + "-- later\n")
    try:
        upgrade = "from atalaia.kernel.base.migrate import upgrade; upgrade()"
        rain.python("-c", upgrade, code=1)
    finally:
        file.write_text(text)
    assert _rows("SELECT path FROM ops.schema_files WHERE path LIKE '@%'") == [
        ("@rain/db/sql/rain_001.sql",)
    ]
