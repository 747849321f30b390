"""One scale, three ladders, one fixed table between them."""

from __future__ import annotations

import pytest

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.watch.severity import NAMES, Severity, severity_of


@pytest.mark.row("X-27")
@pytest.mark.parametrize(
    ("step", "sev", "p", "level", "word"),
    [
        ("critical", "SEV-1", "P1", "critical", "Crítico"),
        ("high", "SEV-2", "P2", "high", "Alto"),
        ("normal", "SEV-3", "P3", "normal", "Médio"),
        ("low", "SEV-4", "P4", "normal", "Médio"),
    ],
)
def test_each_step_has_its_name_on_each_ladder(
    step: str, sev: str, p: str, level: str, word: str
) -> None:
    names = NAMES[Severity(step)]
    assert (names.sev, names.p, names.level, names.word) == (sev, p, level, word)
    for name in (step, sev, p, sev.lower(), p.lower()):
        assert severity_of(name) is Severity(step)


@pytest.mark.row("X-27")
def test_the_table_is_whole_and_worse_is_worse_on_every_ladder() -> None:
    assert list(NAMES) == sorted(Severity, key=lambda one: one.rank, reverse=True)
    assert [names.sev for names in NAMES.values()] == ["SEV-1", "SEV-2", "SEV-3", "SEV-4"]
    assert [names.p for names in NAMES.values()] == ["P1", "P2", "P3", "P4"]
    assert severity_of("Médio") is severity_of("normal") is Severity.NORMAL
    assert severity_of(" alto ") is Severity.HIGH
    for wrong in ("", "SEV-5", "P0", "urgente", "1"):
        with pytest.raises(UsageError, match="não é uma severidade"):
            severity_of(wrong)


@pytest.mark.row("X-27")
def test_the_database_has_the_same_scale_in_the_same_order(database: str) -> None:
    with connect(autocommit=True) as connection:
        found = connection.execute(
            "SELECT unnest(enum_range(NULL::ops.severity))::text AS step"
        ).fetchall()
    assert [row["step"] for row in found] == [step.value for step in Severity]
