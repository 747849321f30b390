"""Drills that are quick: a part dies, the alert comes, its runbook has the part back. All fourteen:
`test_drills_at_night.py`."""

from __future__ import annotations

import signal

import pytest
from tests.runbooks.platform.drills import Record, drill
from tests.serve.local.conftest import Instance

pytestmark = pytest.mark.timeout(300)


def test_a_worker_that_was_killed(house: Instance, record_property: Record) -> None:
    with drill(house, record_property) as it:
        it.gone(it.kill("worker", signal.SIGKILL))
        alert = it.alerted("worker-dead")
        assert it.part("worker")["state"] == "down"
        done = it.follow(alert)
        assert [cell["status"] for cell in done["cells"]] == ["passed"] * len(done["cells"])
        it.is_over(lambda: it.well() and it.resolved("worker-dead"), "worker and alert")


def test_a_database_that_was_killed(house: Instance, record_property: Record) -> None:
    """Nothing can be kept in it then: the watchdog says so, and the alert is there afterwards."""
    with drill(house, record_property) as it:
        it.gone(it.kill("postgres", signal.SIGKILL))
        it.detected(lambda: house.run("watchdog").returncode == 2, "the watchdog raises")
        done = it.run("database-restarted")
        assert [cell["status"] for cell in done["cells"]] == ["passed"] * len(done["cells"])
        it.is_over(it.well, "every part is up")
        assert it.alerted("database-restarted")["runbook"] == "platform/database-restarted"
