"""pytest plugin: writes what tests marked `row(…)` found to `.atalaia/conformance/pytest.json`.

With pytest-xdist the tests run in workers and each report carries its test's rows to the session
that started them: only that one writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conformance.report import Outcome, Ran, declared, known_rows, record, version

_WORST: list[Outcome] = ["fail", "skip", "pass"]
_PROPERTY = "rows"


class Recorder:
    """Collects one outcome per test: the worst of its setup, call and teardown."""

    def __init__(self, root: Path, *, writes: bool) -> None:
        self.root, self.writes = root, writes
        # Of what is about to be tested, not of what it is at the end.
        self.version = version(root) if writes else ""
        self.rows: dict[str, tuple[str, ...]] = {}
        self.outcomes: dict[str, Outcome] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Give each test's rows to its reports; an id that rows.csv does not list is a mistake."""
        known = known_rows()
        for item in items:
            ids = list(dict.fromkeys(i for mark in item.iter_markers("row") for i in mark.args))
            unknown = [row for row in ids if row not in known]
            if unknown:
                raise pytest.UsageError(f"{item.nodeid}: no row {', '.join(unknown)} in rows.csv")
            if ids:
                item.user_properties.append((_PROPERTY, ids))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst outcome of the test's phases; an expected failure is no pass."""
        found: Outcome = "fail" if report.failed else "pass"
        if report.skipped or hasattr(report, "wasxfail"):
            found = "skip"
        rows = dict(report.user_properties).get(_PROPERTY)
        if rows is None and found == "fail":
            rows = self._rows_of_lost(report.nodeid)
        if rows:
            self.rows.setdefault(report.nodeid, tuple(str(row) for row in rows))
            before = self.outcomes.get(report.nodeid, "pass")
            self.outcomes[report.nodeid] = min(before, found, key=_WORST.index)

    def _rows_of_lost(self, name: str) -> list[str]:
        """The rows of a test whose worker died with it, as the sources declare them."""
        unit = name.partition("[")[0]
        return [row for row, units in declared(self.root).items() if unit in units]

    def pytest_sessionfinish(self) -> None:
        """Write what was found, if anything was."""
        ran = list(self._ran())
        if ran and self.writes:
            record("pytest", ran, self.root, stamp=self.version)

    def _ran(self) -> Iterator[Ran]:
        for name, outcome in self.outcomes.items():
            yield Ran(name, name.partition("[")[0], self.rows[name], outcome)


def pytest_configure(config: pytest.Config) -> None:
    """Register a recorder for this session."""
    recorder = Recorder(config.rootpath, writes=not hasattr(config, "workerinput"))
    config.pluginmanager.register(recorder, "conformance")
