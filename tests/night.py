"""pytest plugin: tests marked `night(set)` run alone, when `NIGHT_SET` names their set.

`make test-night SET=audit` sets it. All other sessions leave them out.
"""

from __future__ import annotations

import os

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the set that is asked for; without one, those of no set."""
    wanted = {name for name in (os.environ.get("NIGHT_SET", ""),) if name}
    kept, others = [], []
    for item in items:
        sets = {name for mark in item.iter_markers("night") for name in mark.args}
        (kept if sets == wanted else others).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=others)
