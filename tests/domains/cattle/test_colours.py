"""Colours and the service level as tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from atalaia.domains.cattle.colours import ACTIONS, Figures, judge, sla_status, target_met
from atalaia.domains.cattle.config import DEFAULTS, read
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.watch.contacts import people

KNOWN = read(None)


@pytest.mark.row("B-006", "B-007", "B-008", "B-009")
@pytest.mark.parametrize(
    ("loaded", "failed", "minutes", "critical", "colour"),
    [
        (9501, 499, 10, (), "green"),
        (9500, 500, 10, (), "yellow"),
        (9000, 1000, 10, (), "yellow"),
        (8999, 1001, 10, (), "red"),
        (99, 1, 10, ("disco",), "red"),
        (100, 0, 95.9, (), "green"),
        (100, 0, 96, (), "yellow"),
        (100, 0, 120, (), "yellow"),
        (100, 0, 120.01, (), "red"),
        (92, 8, 130, (), "red"),
        (0, 0, None, (), "no_data"),
        (0, 0, None, ("disco",), "red"),
    ],
)
def test_the_colour(
    loaded: int, failed: int, minutes: float | None, critical: tuple[str, ...], colour: str
) -> None:
    found = judge(Figures(loaded, failed, minutes, critical), KNOWN.dashboard, KNOWN.sla)
    assert found.colour == colour
    assert found.reasons
    assert found.action == ACTIONS[found.colour]


@pytest.mark.row("B-009")
def test_each_colour_asks_for_what_the_runbook_asks() -> None:
    assert "log operacional" in ACTIONS["green"]
    assert "preventivas" in ACTIONS["yellow"]
    assert "correção imediatos" in ACTIONS["red"]


@pytest.mark.row("B-064")
@pytest.mark.parametrize(
    ("loaded", "status"),
    [(9800, "ok"), (9799, "warning"), (9500, "warning"), (9499, "breach"), (0, "breach")],
)
def test_the_service_level(loaded: int, status: str) -> None:
    assert sla_status(loaded, 10000, KNOWN.sla) == status
    assert sla_status(0, 0, KNOWN.sla) == "no_data"


@pytest.mark.row("B-065", "B-060")
def test_at_98_the_query_says_ok_and_the_target_is_not_met() -> None:
    found = Figures(98, 2, 10)
    assert sla_status(98, 100, KNOWN.sla) == "ok"
    assert target_met(found.success_percent, KNOWN.sla.success_percent, above=True) is False
    assert judge(found, KNOWN.dashboard, KNOWN.sla).colour == "green"
    better = Figures(9801, 199, 10).success_percent
    assert target_met(better, KNOWN.sla.success_percent, above=True) is True
    assert target_met(None, 98, above=True) is None


@pytest.mark.row("B-032")
@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("{", "linha 1, coluna 2"),
        ("[]", "o arquivo"),
        ('{"sla": {"success_percent": "segredo"}}', "sla.success_percent"),
        ('{"sla": {"success_percent": 101}}', "sla.success_percent"),
        ('{"sla": {"success_percent": 90}}', "sla"),
        ('{"alerts": {"idle_minutes": 0}}', "alerts.idle_minutes"),
        ('{"alerts": {"idle": 1}}', "alerts.idle"),
        ('{"contacts": {"levels": [{"after_minutes": 5}]}}', "contacts"),
        ('{"incidents": {"channel": "x"}}', "incidents.channel"),
        ("\ufeff{}", "não é JSON"),
    ],
)
def test_a_wrong_configuration_is_told_with_its_place_and_without_its_values(
    tmp_path: Path, text: str, about: str
) -> None:
    file = tmp_path / "config.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as raised:
        read(file)
    assert about in str(raised.value)
    assert str(file) in str(raised.value)
    assert "segredo" not in str(raised.value)


@pytest.mark.row("B-073")
def test_contacts_are_what_the_file_says_and_there_are_none_in_the_code(tmp_path: Path) -> None:
    assert [people(n, KNOWN.contacts.levels) for n in (1, 2, 3)] == [[], [], []]
    file = tmp_path / "config.json"
    levels = [{"after_minutes": 0, "contacts": [{"role": "Plantão", "email": "p@exemplo.com"}]}]
    file.write_text(json.dumps({"contacts": {"levels": levels}}))
    found = read(file)
    assert found.contacts.levels[0].contacts[0].email == "p@exemplo.com"
    assert found.alerts == KNOWN.alerts, "what is not said is as delivered"
    code = Path(DEFAULTS).parent.rglob("*.*")
    assert not [
        p for p in code if p.suffix in (".py", ".json", ".sql") and "@conecta" in p.read_text()
    ]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="não pode ser lido"):
        read(tmp_path / "none.json")
