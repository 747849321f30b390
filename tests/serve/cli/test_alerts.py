"""Alerts, incidents and windows on the command line: words, exit codes, and reasons asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.kernel.watch.scripted import LIMIT, Script, alerts, rows
from tests.kernel.work.toys import recorded
from tests.serve.cli.conftest import Run

from atalaia.kernel.base.errors import UsageError
from atalaia.serve.cli.moments import moment
from atalaia.serve.watching import RULES

MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def number() -> int:
    s = Script()
    s.now = datetime.now(UTC) - 20 * MINUTE
    s.after(MINUTE, disk_full=LIMIT + 1)
    found: int = alerts("disk-full")[0]["alert_id"]
    return found


def listed(said: Any) -> Any:
    return [json.loads(line) for line in said.out.splitlines()]


def test_what_calls_decides_the_exit_code(here: Run, number: int) -> None:
    said = here("alerts", "list")
    assert (said.code, [one["alert_id"] for one in listed(said)]) == (2, [number])
    assert here("alerts", "ack", str(number), "--reason", " ").code == 64
    assert here("alerts", "list").code == 2
    assert here("alerts", "ack", str(number), "--reason", "estou nisso").code == 0
    assert here("alerts", "list").code == 0
    assert recorded("alerts")[0]["reason"] == "estou nisso"
    shown = json.loads(here("alerts", "show", str(number)).out)
    assert (shown["acknowledged"], shown["runbook"]) == (True, "platform/disk-full")
    assert here("alerts", "show", "999999").code == 64


def test_silenced_it_calls_nobody(here: Run, number: int) -> None:
    assert here("alerts", "silence", str(number), "--until", "ontem", "--reason", "x").code == 64
    assert here("alerts", "silence", str(number), "--until", "2h", "--reason", "x").code == 0
    said = here("alerts", "list")
    assert (said.code, listed(said)[0]["state"]) == (0, "silenced")


def test_the_rules_are_listed(here: Run) -> None:
    found = listed(here("alerts", "rules"))
    assert {one["rule"] for one in found} >= {rule.id for rule in RULES}
    assert all(one["owner"] and one["runbook"] for one in found)


def test_an_incident_is_declared_updated_and_resolved(here: Run, number: int) -> None:
    assert here("incident", "declare", "--reason", "x").code == 64
    said = here("incident", "declare", "--alert", str(number), "--severity", "Crítico",
               "--reason", "x")  # fmt: skip
    assert (said.code, "INCIDENTE DECLARADO" in said.err) == (0, True)
    made = json.loads(said.out)
    assert (made["severity"], "P1, SEV-1" in made["text"]) == ("critical", True)
    one = str(made["incident_id"])
    assert here("incident", "list").code == 2
    assert here("incident", "update", one, "--status", "resolved", "--reason", "x").code == 64
    assert here("incident", "update", one, "--status", "identified", "--reason", "x").code == 0
    end = ("--cause", "c", "--resolution", "r", "--reason", "x")
    assert here("incident", "resolve", one, *end).code == 0
    again = here("incident", "resolve", one, *end)
    assert (again.code, "já foi resolvido" in again.err) == (64, True)
    assert here("incident", "list").code == 0
    events = json.loads(here("incident", "show", one).out)["events"]
    assert [event["kind"] for event in events] == ["alert", "declared", "updated", "resolved"]
    assert "# Post-mortem" in here("incident", "postmortem", one).out
    kept = json.loads(here("incident", "snapshot", one, "--reason", "x").out)
    assert len(kept["sha256"]) == 64


def test_a_window_is_announced_and_ended(here: Run) -> None:
    said = here(
        "maintenance", "add", "troca", "--until", "2h", "--subject", "ibge", "--reason", "x"
    )
    assert said.code == 0, said.err
    number = str(json.loads(said.out)["window_id"])
    assert listed(here("maintenance", "list"))[0]["active"] is True
    assert here("maintenance", "cancel", number, "--reason", "x").code == 0
    assert here("maintenance", "cancel", number, "--reason", "x").code == 64
    assert listed(here("maintenance", "list"))[0]["active"] is False
    assert rows("SELECT subjects FROM ops.maintenance_windows") == [{"subjects": ["ibge"]}]


@pytest.mark.parametrize(
    ("text", "seconds"), [("0m", 0), ("90m", 5400), ("2h", 7200), ("1d", 86400)]
)
def test_a_moment_so_long_from_now(text: str, seconds: int) -> None:
    before = datetime.now(UTC)
    assert 0 <= (moment(text) - before).total_seconds() - seconds < 60


def test_a_moment_has_its_zone() -> None:
    assert moment("2027-01-31T22:00-03:00") == datetime(2027, 2, 1, 1, tzinfo=UTC)
    assert moment("2027-01-31T22:00Z") == datetime(2027, 1, 31, 22, tzinfo=UTC)
    for wrong in ("", "2027-01-31T22:00", "amanhã", "2 horas", "-1h", "99999999999h"):
        with pytest.raises(UsageError, match="não é um momento"):
            moment(wrong)
