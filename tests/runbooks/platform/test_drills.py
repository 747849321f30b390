"""Drills that are quick: a part dies, its runbook has it back. All of them: the set `runbooks`."""

from __future__ import annotations

import signal

import pytest
from tests.runbooks.platform.drills import Record, drill
from tests.serve.local.conftest import Instance

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize(
    ("part", "name"),
    [("worker", "worker-dead"), ("redis", "redis-lost"), ("postgres", "database-restarted")],
)
def test_a_part_that_was_killed_is_back_by_its_runbook(
    house: Instance, part: str, name: str, record_property: Record
) -> None:
    with drill(house, record_property) as it:
        it.gone(it.kill(part, signal.SIGKILL))
        it.detected(lambda: it.part(part)["state"] == "down", f"{part} is seen as down")
        done = it.run(name)
        assert [cell["status"] for cell in done["cells"]] == ["passed"] * len(done["cells"])
        it.is_over(it.well, "every part is up")
