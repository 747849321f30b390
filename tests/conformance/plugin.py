"""pytest plugin: writes what tests marked `row(…)` found to `.atalaia/conformance/pytest.json`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.report import Outcome, Ran, known_rows, record, version

_WORST: list[Outcome] = ["fail", "skip", "pass"]


class Recorder:
    """Collects one outcome per test: the worst of its setup, call and teardown."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.version = version(root)  # of what is about to be tested, not of what it is at the end
        self.rows: dict[str, tuple[str, ...]] = {}
        self.outcomes: dict[str, Outcome] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Remember each test's rows; an id that rows.csv does not list is a mistake."""
        known = known_rows()
        for item in items:
            ids = tuple(dict.fromkeys(i for mark in item.iter_markers("row") for i in mark.args))
            unknown = [row for row in ids if row not in known]
            if unknown:
                raise pytest.UsageError(f"{item.nodeid}: no row {', '.join(unknown)} in rows.csv")
            if ids:
                self.rows[item.nodeid] = ids

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst outcome of the test's phases; an expected failure is no pass."""
        if report.nodeid not in self.rows:
            return
        found: Outcome = "fail" if report.failed else "pass"
        if report.skipped or hasattr(report, "wasxfail"):
            found = "skip"
        before = self.outcomes.get(report.nodeid, "pass")
        self.outcomes[report.nodeid] = min(before, found, key=_WORST.index)

    def pytest_sessionfinish(self) -> None:
        """Write what was found, if anything was."""
        ran = list(self._ran())
        if ran:
            record("pytest", ran, self.root, stamp=self.version)

    def _ran(self) -> Iterator[Ran]:
        for name, outcome in self.outcomes.items():
            yield Ran(name, name.partition("[")[0], self.rows[name], outcome)


def pytest_configure(config: pytest.Config) -> None:
    """Register a recorder for this session."""
    config.pluginmanager.register(Recorder(config.rootpath), "conformance")
