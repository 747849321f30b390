"""A drill: a fault is put in and proven, it is detected, and the runbook that is offered, executed
by `atalaia runbook run` and nothing else, has the platform well again, with the evidence kept.

    with drill(house, "worker-dead") as it:
        …the fault…
        it.detected(lambda: …)
        it.recovered("worker-dead")
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import dict_row
from tests.serve.api.server import eventually
from tests.serve.local.conftest import Instance

from atalaia.kernel.watch.runbook import offered
from atalaia.serve.local.layout import read_env
from atalaia.serve.local.process import identify

Record = Callable[[str, object], None]
DETECTED_SECONDS, RECOVERED_SECONDS = 60.0, 120.0


class Drill:
    """One drill, as it goes. `figures` is what it took, in seconds."""

    def __init__(self, house: Instance, record: Record) -> None:
        self.house, self._record = house, record
        self._began = time.monotonic()
        self.runs: list[str] = []

    def part(self, name: str) -> dict[str, Any]:
        """What `atalaia ps` says of a part."""
        done = self.house.run("ps", "--format", "json")
        found: dict[str, Any] = {one["part"]: one for one in json.loads(done.stdout)}[name]
        return found

    def kill(self, name: str, signal_number: int) -> int:
        """Send a part's process a signal; returns its id."""
        pid = int(self.part(name)["pid"])
        os.kill(pid, signal_number)
        return pid

    def gone(self, pid: int) -> None:
        """Prove that the process is no more."""

        def is_gone() -> bool:
            try:
                identify(pid)
            except ProcessLookupError:
                return True
            return False

        eventually(is_gone, 20, f"process {pid} gone")
        self._began = time.monotonic()

    def detected(self, question: Callable[[], Any], what: str) -> Any:
        """Wait for the platform to say it, for as long as it may take."""
        found = eventually(question, DETECTED_SECONDS, what)
        self._record("detected_seconds", round(time.monotonic() - self._began, 1))
        self._began = time.monotonic()
        return found

    def alerted(self, rule: str, subject: str | None = None) -> dict[str, Any]:
        """Wait for the open alert of that rule."""

        def opened() -> Any:
            found = self.rows(
                """SELECT * FROM ops.alerts WHERE rule = %s AND resolved_at IS NULL
                   AND state IN ('late', 'failed') AND subject = coalesce(%s, subject)""",
                rule, subject,
            )  # fmt: skip
            return found[0] if found else None

        alert: dict[str, Any] = self.detected(opened, f"an alert of {rule}")
        return alert

    def resolved(self, rule: str) -> bool:
        """Whether no alert of that rule is open."""
        return not self.rows("SELECT FROM ops.alerts WHERE rule = %s AND resolved_at IS NULL", rule)

    def follow(self, alert: dict[str, Any], *more: str, code: int = 0) -> dict[str, Any]:
        """Run what the alert offers, as it prints it; `more` is what a person adds."""
        words = shlex.split(offered(alert["runbook"], alert["arguments"]))
        assert words[:3] == ["atalaia", "runbook", "run"]
        assert words[-2:] == ["--reason", "…"]
        return self.run(*words[3:-2], *more, code=code)

    def run(self, name: str, *more: str, code: int = 0) -> dict[str, Any]:
        """The runbook's run as it ended; nothing else is done to recover."""
        words = ("runbook", "run", name, "--reason", "ensaio", "--format", "json", *more)
        done = self.house.run(*words, seconds=2 * RECOVERED_SECONDS)
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        found: dict[str, Any] = json.loads(done.stdout)
        self.runs.append(found["run_id"])
        return found

    def well(self) -> bool:
        """Whether every part is up."""
        return self.house.run("ps", "--format", "json").returncode == 0

    def is_over(self, question: Callable[[], Any], what: str) -> None:
        """Well again, in time, and every run's evidence where it belongs."""
        eventually(question, RECOVERED_SECONDS, what)
        took = time.monotonic() - self._began
        self._record("recovered_seconds", round(took, 1))
        for run_id in self.runs:
            self._kept(run_id)
        assert took <= RECOVERED_SECONDS

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """What the instance's database answers."""
        url = read_env(self.house.state / "env")["DATABASE_URL"]
        with psycopg.connect(url, row_factory=dict_row) as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def _kept(self, run_id: str) -> None:
        (run,) = self.rows("SELECT * FROM ops.runbook_runs WHERE runbook_run_id = %s", run_id)
        cells = self.rows(
            "SELECT * FROM ops.runbook_cells WHERE runbook_run_id = %s ORDER BY position", run_id
        )
        records = self.rows(
            "SELECT action, details FROM ops.audit_log WHERE stream = 'runbooks' AND subject = %s",
            run_id,
        )
        assert run["status"] == "succeeded", run["error"]
        assert hashlib.sha256(run["text"].encode()).hexdigest() == run["sha256"]
        ended = {
            one["details"]["cell"]: one["details"]["output_sha256"]
            for one in records
            if one["action"] == "runbook.cell_ended"
        }
        passed = [cell for cell in cells if cell["status"] == "passed"]
        assert passed
        for cell in passed:
            digest = hashlib.sha256(cell["output"].encode()).hexdigest()
            assert digest == cell["output_sha256"] == ended[cell["name"]]
        left = list((self.house.state / "runbooks").glob("*.json"))
        assert left == [], "what waited beside the database is in it"


@contextmanager
def drill(house: Instance, record: Record) -> Iterator[Drill]:
    """A drill on an instance that is well, and is well again afterwards."""
    it = Drill(house, record)
    yield it
    assert it.well(), house.run("ps").stdout
