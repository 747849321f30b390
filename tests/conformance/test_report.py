"""The conformance report cannot be talked into a pass."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.conformance import report
from tests.conformance.report import Ran, decide, declared, from_playwright, from_vitest

pytest_plugins = ["pytester"]
A, B = "tests/test_a.py::a", "tests/test_b.py::b"


def ran(unit: str, outcome: report.Outcome, *rows: str) -> Ran:
    return Ran(unit, unit, rows or ("T-001",), outcome)


@pytest.mark.parametrize(
    ("tests", "claims", "status"),
    [
        ([], set(), "untested"),
        ([], {A}, "untested"),
        ([ran(A, "pass")], {A}, "pass"),
        ([ran(A, "pass"), ran(B, "pass")], {A, B}, "pass"),
        ([ran(A, "pass")], {A, B}, "untested"),
        ([ran(A, "pass"), ran(B, "skip")], {A, B}, "untested"),
        ([ran(A, "skip")], {A}, "untested"),
        ([ran(A, "pass"), ran(B, "fail")], {A, B}, "fail"),
        ([ran(A, "fail")], {A, B}, "fail"),
        ([ran(A, "pass", "T-002")], set(), "untested"),
    ],
)
def test_a_row_passes_only_if_all_its_tests_ran_and_passed(
    tests: list[Ran], claims: set[str], status: str
) -> None:
    (row,) = decide({"T-001": "territory"}, tests, {"T-001": claims})
    assert row.status == status


@pytest.mark.parametrize(
    ("tests", "status", "at_night"),
    [
        ([ran(A, "pass")], "pass", (B,)),
        ([ran(A, "pass"), ran(B, "pass")], "pass", ()),
        ([ran(A, "pass"), ran(B, "fail")], "fail", ()),
        ([], "untested", (B,)),
        ([ran(B, "pass")], "untested", ()),  # the day's own test has not run
    ],
)
def test_a_pass_by_a_sample_says_which_tests_of_the_night_have_not_run(
    tests: list[Ran], status: str, at_night: tuple[str, ...]
) -> None:
    (row,) = decide({"T-001": "territory"}, tests, {"T-001": {A, B}}, {B})
    assert (row.status, row.at_night) == (status, at_night)


def test_only_units_without_any_case_by_day_are_of_the_night(tmp_path: Path) -> None:
    source = """
import pytest
NIGHT = [pytest.mark.night("x"), pytest.mark.timeout(9)]
late = pytest.mark.night("x")
@pytest.mark.night("x")
def test_a(): ...
@late
def test_b(): ...
@pytest.mark.parametrize("n", [1, pytest.param(9, marks=pytest.mark.night("x"))])
def test_c(n): ...
@pytest.mark.parametrize("n", [1, pytest.param(9, marks=NIGHT)])
def test_d(n): ...
def test_e(): ...
"""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_a.py").write_text(source)
    (tmp_path / "tests/test_b.py").write_text(
        "import pytest\npytestmark = [pytest.mark.night('x')]\ndef test_f(): ...\n"
    )
    assert report.only_at_night(tmp_path) == {
        "tests/test_a.py::test_a", "tests/test_a.py::test_b", "tests/test_b.py::test_f",
    }  # fmt: skip


def test_one_test_decides_several_rows() -> None:
    rows = list(decide({"T-001": "t", "T-002": "t"}, [ran(A, "pass", "T-001", "T-002")], {}))
    assert [row.status for row in rows] == ["pass", "pass"]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / ".gitignore").write_text(".atalaia/\n")
    (tmp_path / "file").write_text("one")
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def git(root: Path, *arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", "-C", str(root), *who, *arguments], check=True)


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "-q", "--allow-empty", "-m", "c")


def test_a_result_of_another_commit_or_of_other_contents_is_none(repository: Path) -> None:
    report.record("pytest", [ran(A, "pass")], repository)
    assert report.results(repository) == [ran(A, "pass")]
    (repository / "file").write_text("two")
    assert report.results(repository) == []
    report.record("pytest", [ran(B, "pass")], repository)
    assert report.results(repository) == [ran(B, "pass")]
    (repository / "file").write_text("three")
    assert report.results(repository) == []
    commit(repository)
    assert report.results(repository) == []


def test_runs_on_one_version_add_up_and_the_last_word_counts(repository: Path) -> None:
    report.record("pytest", [ran(A, "fail"), ran(B, "pass")], repository)
    path = report.record("pytest", [ran(A, "pass")], repository)
    assert set(report.results(repository)) == {ran(A, "pass"), ran(B, "pass")}
    stamp = json.loads(path.read_text())
    head = subprocess.check_output(["git", "-C", str(repository), "rev-parse", "HEAD"], text=True)
    assert stamp["version"] == head.strip()
    assert stamp["date"]
    report.record("pytest", [ran(A, "pass")], repository, whole=True)
    assert report.results(repository) == [ran(A, "pass")]


def test_claims_are_read_from_the_sources(tmp_path: Path) -> None:
    (tmp_path / "tests/sub").mkdir(parents=True)
    (tmp_path / "tests/sub/test_x.py").write_text(
        """
import pytest
pytestmark = pytest.mark.row("X-01")

@pytest.mark.row("T-001", "T-002")
def test_a(): ...

@pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.row("T-003")), 2])
async def test_b(n): ...

@pytest.mark.row("T-004")
class TestC:
    def test_d(self): ...
    def helper(self): ...
"""
    )
    for name, text in (
        ("src/a.test.tsx", "it('[T-096] asks')"),
        ("e2e/b.spec.ts", "'[T-091, R-1]'"),
    ):
        path = tmp_path / "frontend" / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    x = "tests/sub/test_x.py::"
    assert declared(tmp_path) == {
        "X-01": {x + "test_a", x + "test_b", x + "TestC::test_d"},
        "T-001": {x + "test_a"},
        "T-002": {x + "test_a"},
        "T-003": {x + "test_b"},
        "T-004": {x + "TestC::test_d"},
        "T-096": {"frontend/src/a.test.tsx"},
    }


def vitest(tmp_path: Path, *, files: int, failed: int = 0, success: bool = True) -> dict[str, Any]:
    tests = [
        {"fullName": f"client [T-096] asks {n}", "status": "failed" if n < failed else "passed"}
        for n in range(3)
    ]
    tests.append({"fullName": "later [T-094]", "status": "todo"})
    names = [str(tmp_path / f"frontend/src/{n}.test.ts") for n in range(files)]
    return {
        "success": success,
        "testResults": [{"name": name, "assertionResults": tests} for name in names],
    }


@pytest.mark.parametrize(
    ("files", "failed", "success", "rows"),
    [
        (15, 0, True, {"T-096": {"pass"}, "T-094": {"skip"}, "T-097": {"pass"}}),
        (14, 0, True, {"T-096": {"pass"}, "T-094": {"skip"}, "T-097": {"fail"}}),
        (15, 1, False, {"T-096": {"pass", "fail"}, "T-094": {"skip"}, "T-097": {"fail"}}),
        (15, 0, False, {"T-096": {"pass"}, "T-094": {"skip"}, "T-097": {"fail"}}),
    ],
)
def test_vitest_decides_the_ids_in_its_titles_and_t_097(
    tmp_path: Path, files: int, failed: int, success: bool, rows: dict[str, set[str]]
) -> None:
    tests = from_vitest(vitest(tmp_path, files=files, failed=failed, success=success), tmp_path)
    assert {row: {t.outcome for t in tests if row in t.rows} for row in rows} == rows
    assert tests[0].unit == "frontend/src/0.test.ts"


def test_a_flaky_browser_test_is_a_fail_and_a_skipped_one_no_pass(tmp_path: Path) -> None:
    specs = [
        {
            "title": f"[T-091] {status}",
            "file": "map.spec.ts",
            "tests": [{"status": status, "projectName": "desktop"}],
        }
        for status in ("expected", "flaky", "unexpected", "skipped")
    ]
    inner = {"title": "profile", "file": "map.spec.ts", "specs": specs}
    outer = {"title": "map.spec.ts", "file": "map.spec.ts", "specs": [], "suites": [inner]}
    content = {"config": {"rootDir": str(tmp_path / "frontend/e2e")}, "suites": [outer]}
    tests = from_playwright(content, tmp_path)
    assert [test.outcome for test in tests] == ["pass", "fail", "fail", "skip"]
    assert {test.rows for test in tests} == {("T-091",)}
    assert tests[0].name == "frontend/e2e/map.spec.ts › profile › [T-091] expected [desktop]"


def test_the_report_is_one_line_with_every_id_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert report.main(["--format", "json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    rows = json.loads(line)
    assert [row["id"] for row in rows] == list(report.known_rows())
    assert len(rows) == 575
    assert {"id", "status", "tests"} == set(rows[0])
    assert {row["status"] for row in rows} <= {"pass", "fail", "untested"}


@pytest.mark.parametrize(("shape", "header"), [("csv", 1), ("ndjson", 0)])
def test_the_other_shapes_have_a_line_per_row(
    capsys: pytest.CaptureFixture[str], shape: str, header: int
) -> None:
    assert report.main(["--format", shape]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 575 + header


def test_the_table_adds_up_and_names_what_fails() -> None:
    rows = list(
        decide(
            {"T-001": "t", "T-002": "t", "X-01": "x"}, [ran(A, "fail"), ran(B, "pass", "X-01")], {}
        )
    )
    assert report.table(rows).splitlines() == [
        "               pass  (by a sample)  fail  untested",
        "t                 0              0     1         1",
        "x                 1              0     0         0",
        "all               1              0     1         1",
        f"■ T-001: {A}",
    ]


def test_every_claimed_row_exists() -> None:
    assert set(declared()) <= set(report.known_rows())


INNER = """
import pytest

@pytest.fixture
def broken():
    raise RuntimeError

@pytest.fixture
def breaks_after():
    yield
    raise RuntimeError

@pytest.mark.row("T-001")
def test_passes(): ...

@pytest.mark.row("T-002", "T-003")
@pytest.mark.parametrize("n", [1, 2])
def test_sometimes(n): assert n == 1

@pytest.mark.row("T-004")
def test_skips(): pytest.skip()

@pytest.mark.row("T-005")
def test_cannot_start(broken): ...

@pytest.mark.row("T-006")
def test_cannot_end(breaks_after): ...

@pytest.mark.row("T-007")
@pytest.mark.xfail
def test_expected_to_fail(): assert False

@pytest.mark.row("T-008")
@pytest.mark.xfail
def test_passes_although_expected_to_fail(): ...

def test_of_no_row(): assert False
"""


def inner(pytester: pytest.Pytester, text: str, *options: str) -> dict[str, str]:
    """The outcome per row of a pytest session with the plugin, recorded in its own folder."""
    pytester.makeini("[pytest]\nmarkers = row(*ids): rows\n")
    pytester.makepyfile(**{"tests/test_inner": text})
    pytester.runpytest_inprocess("-p", "tests.conformance.plugin", *options)
    path = pytester.path / ".atalaia/conformance/pytest.json"
    if not path.exists():
        return {}
    tests = json.loads(path.read_text())["tests"].values()
    return {"/".join(test["rows"]) + test["name"][-3:]: test["outcome"] for test in tests}


RECORDED = {
    "T-001ses": "pass",
    "T-002/T-003[1]": "pass",
    "T-002/T-003[2]": "fail",
    "T-004ips": "skip",
    "T-005art": "fail",
    "T-006end": "fail",
    "T-007ail": "skip",
    "T-008ail": "skip",
}


def test_the_plugin_records_the_worst_phase_of_every_marked_test(pytester: pytest.Pytester) -> None:
    assert inner(pytester, INNER) == RECORDED


KILLS_ITS_WORKER = """
import os

@pytest.fixture
def ends(n):
    if n == "2": os._exit(3)

@pytest.mark.row("T-009")
@pytest.mark.parametrize("n", ["1", "2"])
def test_ends_in_setup(ends, n): ...

@pytest.mark.row("T-010")
def test_ends_in_call(): os._exit(3)
"""


def test_workers_tell_what_they_found_and_one_that_dies_failed(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(report.ROOT))
    died = {"T-009[1]": "pass", "T-009[2]": "fail", "T-010all": "fail"}
    assert inner(pytester, INNER + KILLS_ITS_WORKER, "-n", "2") == RECORDED | died


def test_a_marker_with_an_unknown_id_stops_the_session(pytester: pytest.Pytester) -> None:
    text = "import pytest\n@pytest.mark.row('T-999')\ndef test_a(): ...\n"
    assert inner(pytester, text) == {}
