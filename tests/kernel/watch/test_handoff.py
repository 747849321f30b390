"""The handover of a watch: all that stands open is on the page, and nothing that is over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.kernel.toy import Toy
from tests.kernel.watch.scripted import LIMIT, Script, alerts

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.watch import alerts as alerting
from atalaia.kernel.watch import incidents
from atalaia.kernel.watch.handoff import SECTIONS, as_markdown, gather

pytestmark = pytest.mark.usefixtures("database")


def lines(title: str) -> list[str]:
    (found,) = (one for one in gather()["sections"] if one["title"] == title)
    return list(found["lines"])


def failing_check(subject: str, status: str) -> int:
    """A check of that subject, recorded; its id."""
    with connect(autocommit=True) as connection:
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period,
                   run_status, finished_at_utc, actor, trigger, trace_id)
               VALUES ('00000000-0000-0000-0000-000000000001', 'toy', 'toy', '2026', 'failed',
                   clock_timestamp(), 'a', 'cli', 't') ON CONFLICT DO NOTHING"""
        )
        (row,) = connection.execute(
            """INSERT INTO ops.pipeline_checks (run_id, check_name, subject, status, observed,
                   threshold)
               VALUES ('00000000-0000-0000-0000-000000000001', 'check_toy', %s, %s, '1', '2')
               RETURNING check_id""",
            (subject, status),
        ).fetchall()
    return int(row["check_id"])


def test_when_nothing_stands_open_the_page_says_so() -> None:
    found = gather()
    assert [one["title"] for one in found["sections"]] == [one.title for one in SECTIONS]
    assert not any(one["lines"] for one in found["sections"])
    page = as_markdown(found)
    assert "não há backup verificado" in page
    assert "- [ ]" not in page
    assert all(one.title.lower() in page for one in SECTIONS)


@pytest.mark.row("T-059")
def test_a_check_that_fails_is_an_action_until_it_passes() -> None:
    check = failing_check("MG", "fail")
    failing_check("SP", "warn")
    (line,) = lines("Ações corretivas em aberto")
    assert f"check {check} (check_toy) MG" in line
    failing_check("MG", "pass")
    assert lines("Ações corretivas em aberto") == []


def test_alerts_incidents_and_pauses_stand_until_they_are_over() -> None:
    script = Script()
    script.now = datetime.now(UTC) - timedelta(minutes=20)
    script.after(timedelta(minutes=1), disk_full=LIMIT + 1)
    number = alerts("disk-full")[0]["alert_id"]
    (line,) = lines("Alertas em aberto")
    assert line.startswith(f"alerta {number} · ")
    assert "ninguém assumiu" in line
    with transaction() as connection:
        alerting.acknowledge(connection, number, actor="ana", reason="estou nisso")
        declared = _declared(connection)
        connection.execute(
            """INSERT INTO ops.schedule (name, kind, payload, recurrence, next_due_at, paused_at,
                   paused_by, pause_reason)
               VALUES ('suite', 'run', '{}', 'daily 06:00', clock_timestamp(), clock_timestamp(),
                   'bia', 'a fonte está fora')"""
        )
    assert lines("Alertas em aberto")[0].endswith("com ana")
    assert lines("Incidentes em aberto")[0].startswith(f"incidente {declared} · ")
    assert lines("Em pausa ou em manutenção") == [
        "agenda suite em pausa por bia: a fonte está fora"
    ]
    page = as_markdown(gather())
    assert "## Incidentes em aberto" in page
    assert "atalaia incident show ID" in page


def _declared(connection: Any) -> int:
    found = incidents.declare(
        connection, title="Disco", severity="high", actor="ana", reason="quase cheio"
    )
    return int(found["incident_id"])


def test_a_letter_waits_and_what_it_says_of_people_is_not_on_the_page(toy: Toy) -> None:
    with connect(autocommit=True) as connection:
        failing_check("x", "pass")
        connection.execute(
            """INSERT INTO ops.dead_letters (domain, entity_type, entity_id, error_type, reason,
                   payload, run_id, reference_period)
               VALUES ('toy', 'pessoa 529.982.247-25', '1', 'permanent', 'r', '{}',
                       '00000000-0000-0000-0000-000000000001', '2026')"""
        )
    (line,) = lines("Mortos que esperam decisão")
    assert "permanent: 1" in line
    assert "529.982.247-25" not in line
