"""pytest plugin: tests marked `night(set)` run alone, when `NIGHT_SET` names their set.

`make test-night SET=audit` sets it. All other sessions leave them out. What a night came to is kept
in benchmarks/results/night-<set>.json, test by test as they end: with the commit, and with what a
test recorded of itself (`record_property`), its seed first of all. A set that is cut off has what
ended until then.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def pytest_configure(config: pytest.Config) -> None:
    """Keep the results of a night."""
    wanted = os.environ.get("NIGHT_SET", "")
    if wanted:
        config.pluginmanager.register(_Kept(wanted))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the set that is asked for; without one, those of no set."""
    wanted = {name for name in (os.environ.get("NIGHT_SET", ""),) if name}
    kept, others = [], []
    for item in items:
        sets = {name for mark in item.iter_markers("night") for name in mark.args}
        (kept if sets == wanted else others).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=others)


class _Kept:
    """The results of one night, written anew after each test."""

    def __init__(self, name: str) -> None:
        self._file = RESULTS / f"night-{name}.json"
        self._tests: list[dict[str, Any]] = []
        self._head = {
            "topic": f"night-{name}",
            "commit": _git("rev-parse", "--short", "HEAD"),
            "changed": bool(_git("status", "--porcelain", "--untracked-files=no")),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        }

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One more test has ended, or could not begin."""
        if report.when != "call" and report.passed:
            return
        self._tests.append(
            {
                "test": report.nodeid,
                "outcome": report.outcome,
                "seconds": round(report.duration, 1),
                **dict(report.user_properties),
            }
        )
        found = json.dumps({**self._head, "tests": self._tests}, indent=1, ensure_ascii=False)
        self._file.write_text(found + "\n", encoding="utf-8")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
