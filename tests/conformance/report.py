"""The conformance report: every row of rows.csv as pass, fail or untested.

    python tests/conformance/report.py --format table|json|csv|ndjson
    python tests/conformance/report.py --record vitest|playwright RESULT.json

pytest records its results through plugin.py; vitest and Playwright are recorded from their JSON
reports, where a test names its rows in its title: `[T-096] …`. Results carry the version they were
made on: the commit and, when tracked files differ from it, a hash of the difference. A result of
another version is no result. A row passes only if every test of `make test` that claims it ran and
passed and none failed; the table counts those whose night sets have not run, the csv names them.
"""

from __future__ import annotations

import argparse
import ast
import csv
import fcntl
import hashlib
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Set
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[2]
Outcome = Literal["pass", "fail", "skip"]
Status = Literal["pass", "fail", "untested"]
_IN_TITLE = re.compile(r"\[((?:[A-Z]-\d{2,3}[,\s]*)+)\]")
_FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
_ID = re.compile(r"[A-Z]-\d{2,3}")
_VITEST: dict[str, Outcome] = {"passed": "pass", "failed": "fail"}
_PLAYWRIGHT: dict[str, Outcome] = {"expected": "pass", "unexpected": "fail", "flaky": "fail"}
MIN_FRONTEND_TESTS, MIN_FRONTEND_FILES = 43, 15  # T-097


@dataclass(frozen=True, slots=True)
class Ran:
    """One executed test: its name, the unit that declares it and the rows it decides.

    The unit is `file::function` for pytest and the file for the front end."""

    name: str
    unit: str
    rows: tuple[str, ...]
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Row:
    """What was decided about one row; `at_night` are the units of night sets that claim it and
    have not run on this version: so far it was decided by a sample."""

    id: str
    system: str
    status: Status
    tests: tuple[str, ...]
    at_night: tuple[str, ...] = ()


def known_rows(root: Path = ROOT) -> dict[str, str]:
    """Every id of rows.csv, in its order, with the system it belongs to."""
    with (root / "tests/conformance/rows.csv").open(encoding="utf-8", newline="") as file:
        return {line["id"]: line["system"] for line in csv.DictReader(file)}


def version(root: Path = ROOT) -> str:
    """The commit, with `+` and a hash of what differs from it when something does."""
    commit = _git(root, "rev-parse", "HEAD").strip()
    if not commit:
        return "unversioned"
    changed = _git(root, "status", "--porcelain") and (
        _git(root, "status", "--porcelain") + _git(root, "diff", "HEAD", "--binary")
    )
    return commit + (f"+{hashlib.sha256(changed.encode()).hexdigest()[:12]}" if changed else "")


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, check=False)
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else ""


def record(
    runner: str,
    tests: Iterable[Ran],
    root: Path = ROOT,
    *,
    stamp: str = "",
    whole: bool = False,
) -> Path:
    """Add results to those of the same version (`stamp`, else the present one); those of another
    version are dropped. `whole` says that this is everything the runner has, so earlier results of
    it are dropped too."""
    folder = root / ".atalaia" / "conformance"
    folder.mkdir(parents=True, exist_ok=True)
    path, stamp = folder / f"{runner}.json", stamp or version(root)
    with (folder / f".{runner}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = {} if whole else _read(path, stamp)
        date = datetime.now(UTC).isoformat(timespec="seconds")
        kept |= {test.name: asdict(test) | {"date": date} for test in tests}
        temporary = path.with_suffix(".tmp")
        content = {"version": stamp, "date": date, "tests": kept}
        temporary.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
        temporary.rename(path)
    return path


def _read(path: Path, stamp: str) -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    found: dict[str, dict[str, Any]] = content["tests"] if content["version"] == stamp else {}
    return found


def results(root: Path = ROOT) -> list[Ran]:
    """The results of every runner that were made on the present version."""
    stamp = version(root)
    return [
        Ran(test["name"], test["unit"], tuple(test["rows"]), test["outcome"])
        for path in sorted((root / ".atalaia" / "conformance").glob("*.json"))
        for test in _read(path, stamp).values()
    ]


# What the sources declare, run or not: without it a row would pass on one of its five tests.


def declared(root: Path = ROOT) -> dict[str, set[str]]:
    """The units that claim each row."""
    claims: dict[str, set[str]] = defaultdict(set)
    for name, tree in _test_modules(root):
        for function, ids in _claims_in_python(tree):
            for row in ids:
                claims[row].add(f"{name}::{function}")
    for pattern in ("src/**/*.test.ts*", "e2e/**/*.spec.ts*"):
        for path in sorted((root / "frontend").glob(pattern)):
            for row in _ids_in_titles(path.read_text(encoding="utf-8")):
                claims[row].add(path.relative_to(root).as_posix())
    return claims


def only_at_night(root: Path = ROOT) -> set[str]:
    """The units no case of which `make test` runs."""
    return {
        f"{name}::{node.name}"
        for name, tree in _test_modules(root)
        for node in tree.body
        if isinstance(node, _FUNCTION)
        and node.name.startswith("test")
        and _is_of_the_night(tree, node)
    }


def _test_modules(root: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((root / "tests").rglob("test_*.py")):
        yield path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _is_of_the_night(tree: ast.Module, function: _FUNCTION) -> bool:
    """Does the module, a decorator, or the name a decorator is, say `night`? One inside a list of
    parameters is only that case's."""
    named = {
        ast.unparse(node.targets[0]): ast.unparse(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
    }
    said = [named.get("pytestmark", "")]
    for decorator in function.decorator_list:
        words = ast.unparse(decorator)
        if not words.startswith("pytest.mark.parametrize"):
            said.append(named.get(words, words))
    return any("pytest.mark.night(" in words for words in said)


def _claims_in_python(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    whole = _marked(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    )
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            of_class = whole | _marked(node.decorator_list)
            for inner in node.body:
                if isinstance(inner, _FUNCTION) and inner.name.startswith("test"):
                    yield f"{node.name}::{inner.name}", of_class | _marked(inner.decorator_list)
        elif isinstance(node, _FUNCTION) and node.name.startswith("test"):
            yield node.name, whole | _marked(node.decorator_list)


def _marked(nodes: Iterable[ast.AST]) -> set[str]:
    return {
        argument.value
        for node in nodes
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.row"
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }


def _ids_in_titles(text: str) -> set[str]:
    return {row for group in _IN_TITLE.findall(text) for row in _ID.findall(group)}


def decide(
    rows: dict[str, str],
    ran: Iterable[Ran],
    claims: dict[str, set[str]],
    night: Set[str] = frozenset(),
) -> Iterator[Row]:
    """The status of every row: fail if a test of it failed, pass if every unit that claims it has
    results and all of them passed, else untested. Those of `night` may be missing, but not all
    that a row has."""
    of_row: dict[str, list[Ran]] = defaultdict(list)
    for test in ran:
        for row in test.rows:
            of_row[row].append(test)
    for row, system in rows.items():
        tests = of_row[row]
        outcomes = {test.outcome for test in tests}
        missing = claims.get(row, set()) - {test.unit for test in tests}
        status: Status = "untested"
        if "fail" in outcomes:
            status = "fail"
        elif outcomes == {"pass"} and missing <= night:
            status = "pass"
        names = tuple(sorted(test.name for test in tests))
        yield Row(row, system, status, names, tuple(sorted(missing & night)))


# The front end's reports.


def from_vitest(report: dict[str, Any], root: Path = ROOT) -> list[Ran]:
    """The tests of a vitest JSON report; the run as a whole decides T-097."""
    tests = []
    for file in report["testResults"]:
        unit = Path(file["name"]).resolve().relative_to(root.resolve()).as_posix()
        for test in file["assertionResults"]:
            outcome = _VITEST.get(test["status"], "skip")
            ids = tuple(sorted(_ids_in_titles(test["fullName"])))
            tests.append(Ran(f"{unit} › {test['fullName']}", unit, ids, outcome))
    passed, files = sum(test.outcome == "pass" for test in tests), len(report["testResults"])
    enough = passed >= MIN_FRONTEND_TESTS and files >= MIN_FRONTEND_FILES
    whole: Outcome = "pass" if report["success"] and enough else "fail"
    return [*tests, Ran("vitest run", "vitest run", ("T-097",), whole)]


def from_playwright(report: dict[str, Any], root: Path = ROOT) -> list[Ran]:
    """The tests of a Playwright JSON report; one that needed a second try is a fail."""
    folder = Path(report["config"]["rootDir"]).resolve().relative_to(root.resolve())
    return [test for suite in report["suites"] for test in _in_suite(suite, folder, ())]


def _in_suite(suite: dict[str, Any], folder: Path, above: tuple[str, ...]) -> Iterator[Ran]:
    titles = (*above, suite["title"])
    for spec in suite.get("specs", []):
        unit, title = (folder / spec["file"]).as_posix(), " › ".join((*titles[1:], spec["title"]))
        for test in spec["tests"]:
            ids = tuple(sorted(_ids_in_titles(title)))
            outcome = _PLAYWRIGHT.get(test["status"], "skip")
            project = f" [{test['projectName']}]" if test["projectName"] else ""
            yield Ran(f"{unit} › {title}{project}", unit, ids, outcome)
    for inner in suite.get("suites", []):
        yield from _in_suite(inner, folder, titles)


READERS = {"vitest": from_vitest, "playwright": from_playwright}


def table(rows: list[Row]) -> str:
    """Totals by system, then each row that fails, with its tests. A pass is one by a sample when
    the row has night sets that did not run."""
    lines = [f"{'':<13}{'pass':>6}{'(by a sample)':>15}{'fail':>6}{'untested':>10}"]
    for system in [*dict.fromkeys(row.system for row in rows), "all"]:
        chosen = [row for row in rows if system in (row.system, "all")]
        counts = Counter(row.status for row in chosen)
        sample = sum(row.status == "pass" and bool(row.at_night) for row in chosen)
        lines.append(
            f"{system:<13}{counts['pass']:>6}{sample:>15}{counts['fail']:>6}"
            f"{counts['untested']:>10}"
        )
    lines += [f"■ {row.id}: {'; '.join(row.tests)}" for row in rows if row.status == "fail"]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Print the report, or record a front-end run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--format", choices=("table", "json", "csv", "ndjson"), default="table")
    parser.add_argument("--record", nargs=2, metavar=("RUNNER", "FILE"))
    given = parser.parse_args(arguments)
    if given.record:
        runner, file = given.record
        if runner not in READERS:
            parser.error(f"RUNNER is one of {', '.join(READERS)}")
        tests = READERS[runner](json.loads(Path(file).read_text(encoding="utf-8")))
        record(runner, tests, whole=True)
        return 0
    rows = decide(known_rows(), results(), declared(), only_at_night())
    write(list(rows), given.format)
    return 0


def write(rows: list[Row], shape: str) -> None:
    """Print the rows; json is one line."""
    listed = [{"id": row.id, "status": row.status, "tests": list(row.tests)} for row in rows]
    if shape == "json":
        print(json.dumps(listed, ensure_ascii=False))
    elif shape == "ndjson":
        for one in listed:
            print(json.dumps(one, ensure_ascii=False))
    elif shape == "csv":
        lines = csv.writer(sys.stdout, lineterminator="\n")
        lines.writerow(("id", "status", "tests", "at_night"))
        lines.writerows(
            (row.id, row.status, "; ".join(row.tests), "; ".join(row.at_night)) for row in rows
        )
    else:
        print(table(rows))


if __name__ == "__main__":
    sys.exit(main())
