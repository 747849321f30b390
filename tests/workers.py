"""pytest plugin: how tests are shared out among the workers of `pytest -n N`.

A module stays on one worker, and modules that share a session's costly fixture stay together. What
takes longest begins first: else the last worker would be at it while the others have nothing left.
"""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import NodeManager

_LONGEST = (  # the order of their seconds; a module that is not here takes few
    "tests/domains/territory/test_gold_of_the_bundle.py",
    "tests/runbooks/platform/test_drills.py",
    "tests/serve/local/test_up.py",
    "tests/serve/local/test_doctor.py",
    "tests/runbooks/territory/test_pipelines.py",
    "tests/serve/api/test_matrix.py",
    "tests/kernel/test_alone.py",
    "tests/domains/territory/test_dbt.py",
    "tests/runbooks/territory/test_text.py",
    "tests/fuzz/test_operations.py",
    "tests/docs/test_adding_a_domain.py",
    "tests/runbooks/territory/test_api.py",
    "tests/domains/equivalence/test_labelled.py",
    "tests/domains/territory/test_checks.py",
    "tests/domains/territory/sources/test_registro_civil_deaths.py",
    "tests/domains/territory/sources/test_ibge_admin.py",
    "tests/domains/territory/sources/test_ibge_indicators.py",
    "tests/domains/territory/sources/test_ibge_geometries.py",
    "tests/kernel/watch/test_evaluation.py",
    "tests/kernel/keep/test_recovery.py",
    "tests/kernel/keep/test_kills.py",
    "tests/serve/test_worker.py",
    "tests/kernel/work/test_runner.py",
    "tests/kernel/work/test_drain.py",
    "tests/serve/test_scheduler.py",
    "tests/serve/local/test_faults.py",
    "tests/serve/local/test_wal.py",
    "tests/serve/local/test_scarcity.py",
    "tests/serve/api/test_kills.py",
    "tests/kernel/tell/test_sender.py",
    "tests/runbooks/territory/test_setup.py",
)
_TOGETHER = {"tests/serve/local/test_doctor.py": "tests/serve/local/test_up.py"}


class ByModule(LoadScopeScheduling):
    """Modules, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return _TOGETHER.get(module, module)


def pytest_configure() -> None:
    """Leave an interrupted worker the time to stop its servers, before it is killed."""
    NodeManager.EXIT_TIMEOUT = 60


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a worker, the longest first."""
    if hasattr(config, "workerinput"):
        rank = {module: place for place, module in enumerate(_LONGEST)}
        items.sort(key=lambda item: rank.get(item.nodeid.partition("::")[0], len(rank)))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByModule:
    """Replace the scheduler that `--dist` names."""
    config.option.loadscopereorder = False
    return ByModule(config, log)
