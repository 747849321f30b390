"""The runbook's alerts: just below, at and just above each limit, and the eight moments of each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.domains.cattle.files import DAY, HOUR, MINUTE, NOW, file, letter, rows
from tests.kernel.watch.scripted import LIMIT, NOTHING, Script, alerts
from tests.kernel.watch.test_evaluation import MOMENTS

from atalaia.domains.cattle.alerts import RULES
from atalaia.kernel.base.database import connect
from atalaia.kernel.watch.evaluation import Memory, evaluate
from atalaia.kernel.watch.platform_rules import RULES as PLATFORM
from atalaia.kernel.watch.rules import Finding, Ground, judge
from atalaia.serve.watching import rules

BY_ID = {rule.id: rule for rule in RULES}
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _empty(database_of_module: str) -> None:
    with connect(autocommit=True) as connection:
        connection.execute(
            """TRUNCATE etl.etl_file, etl.availability, ops.alerts, ops.watched, ops.watch_round,
                   ops.events, ops.batches, ops.dead_letters CASCADE"""
        )


def asked(rule: str) -> dict[str, Finding]:
    with connect(autocommit=True) as connection, connection.transaction():
        connection.execute("SET TRANSACTION READ ONLY")
        found = list(BY_ID[rule].measure(Ground(connection, NOW, NOTHING, {})))
    assert all(one.says for one in found)
    return {one.subject: judge(BY_ID[rule], one) for one in found}


def fires(rule: str, subject: str = "") -> bool:
    return asked(rule)[subject].state in ("late", "failed")


@pytest.mark.row("B-027", "R-101")
@pytest.mark.parametrize(
    ("idle", "expected"),
    [(30 * MINUTE - SECOND, False), (30 * MINUTE, False), (30 * MINUTE + SECOND, True)],
)
def test_nothing_processed_for_half_an_hour_while_files_wait(
    idle: timedelta, expected: bool
) -> None:
    file("uploaded", uploaded=3 * HOUR)
    file("loaded", uploaded=4 * HOUR, ended=idle)
    assert fires("etl-idle") is expected


@pytest.mark.row("B-027", "R-101")
def test_an_empty_queue_is_never_idle_and_a_file_that_came_just_now_has_waited_just_now() -> None:
    file("loaded", uploaded=9 * HOUR)
    assert not fires("etl-idle")
    file("uploaded", uploaded=5 * HOUR, state="awaiting_mapping")
    assert not fires("etl-idle"), "it waits for a person"
    file("uploaded", uploaded=29 * MINUTE)
    assert not fires("etl-idle")
    file("uploaded", uploaded=31 * MINUTE)
    assert fires("etl-idle")
    file("processing", uploaded=5 * HOUR, began=MINUTE)
    assert not fires("etl-idle"), "one is being processed"


@pytest.mark.row("B-027", "R-101")
def test_a_file_that_is_stuck_in_hand_is_no_progress() -> None:
    file("processing", uploaded=2 * HOUR, began=31 * MINUTE)
    assert fires("etl-idle")


@pytest.mark.row("B-034", "R-101")
@pytest.mark.parametrize(
    ("failed", "loaded", "expected"),
    [(99, 901, False), (100, 900, False), (101, 899, True), (1, 9, False), (0, 0, False)],
)
def test_more_than_ten_per_cent_of_the_files_in_error(
    failed: int, loaded: int, expected: bool
) -> None:
    for status, many in (("error", failed), ("loaded", loaded)):
        if many:
            file(status, many=many)
    file("uploaded", uploaded=MINUTE, many=50)  # has not ended
    file("error", uploaded=5 * HOUR, many=300)  # longer than four hours ago
    assert fires("etl-error-rate") is expected


@pytest.mark.row("B-036")
def test_the_alert_names_the_class_and_what_it_asks_for() -> None:
    file("error", error_class="connection", many=2)
    file("error", error_class="data")
    assert "Conexão: Verificar a conectividade de rede." in asked("etl-error-rate")[""].says


@pytest.mark.row("B-037", "R-101")
@pytest.mark.parametrize(("letters", "expected"), [(99, False), (100, False), (101, True)])
def test_more_than_a_hundred_letters_without_a_decision(letters: int, expected: bool) -> None:
    letter(many=90)
    rows("UPDATE ops.dead_letters SET domain = 'territory'")
    letter(many=letters)
    letter(resolved=True, many=40)
    assert fires("etl-dlq") is expected


@pytest.mark.row("B-043", "R-101")
@pytest.mark.parametrize(
    ("minutes", "expected"), [(1.9, False), (2.0, False), (2.1, True)], ids=str
)
def test_more_than_twice_as_slow_as_normal(minutes: float, expected: bool) -> None:
    file("loaded", uploaded=3 * DAY, began=3 * DAY, ended=3 * DAY - MINUTE, many=5)
    began = 30 * MINUTE
    file("loaded", uploaded=HOUR, began=began, ended=began - minutes * MINUTE)
    file("loaded", uploaded=HOUR, began=HOUR, ended=MINUTE, layout="itens_trato")  # nothing normal
    assert fires("etl-slow", "trato_curral") is expected
    assert "itens_trato" not in asked("etl-slow")


@pytest.mark.row("B-043")
def test_a_file_in_hand_for_too_long_is_slow_before_it_ends() -> None:
    file("loaded", uploaded=3 * DAY, began=3 * DAY, ended=3 * DAY - MINUTE, many=5)
    file("processing", uploaded=HOUR, began=2 * MINUTE)
    assert not fires("etl-slow", "trato_curral")
    file("processing", uploaded=HOUR, began=2 * MINUTE + SECOND)
    assert fires("etl-slow", "trato_curral")
    assert asked("etl-slow")["trato_curral"].arguments == {"layout": "trato_curral"}


@pytest.mark.row("R-101")
@pytest.mark.parametrize(("failed", "expected"), [(49, False), (50, False), (51, True)])
def test_the_success_of_the_service_level(failed: int, expected: bool) -> None:
    file("error", many=failed)
    file("loaded", many=1000 - failed - 20)
    file("uploaded", many=20)  # in hand: not failed yet
    assert fires("etl-sla-breach", "sucesso") is expected


@pytest.mark.row("R-101", "B-059")
@pytest.mark.parametrize(
    ("over", "expected"), [(-SECOND, False), (timedelta(), False), (SECOND, True)]
)
def test_the_time_of_the_service_level(over: timedelta, expected: bool) -> None:
    took = 2 * HOUR + over
    file("loaded", uploaded=10 * HOUR, ended=10 * HOUR - MINUTE, many=94)
    file("loaded", uploaded=10 * HOUR, ended=10 * HOUR - took, many=2)
    file("loaded", uploaded=10 * HOUR, ended=2 * HOUR, many=4)
    assert fires("etl-sla-breach", "tempo") is expected


def minutes(first: timedelta, count: int, up: bool | None) -> None:
    rows(
        """INSERT INTO etl.availability (minute, up)
           SELECT %s + n * interval '1 minute', %s FROM generate_series(0, %s - 1) AS n""",
        NOW - first, up, count,
    )  # fmt: skip


@pytest.mark.row("R-101", "B-058")
@pytest.mark.parametrize(("down", "expected"), [(215, False), (216, False), (217, True)])
def test_the_availability_of_the_service_level(down: int, expected: bool) -> None:
    minutes(5 * DAY, 1000, up=True)
    for n in range(down):  # never two together
        minutes(3 * DAY - 2 * n * MINUTE, 1, up=False)
    assert fires("etl-sla-breach", "disponibilidade") is expected
    assert not fires("etl-sla-breach", "recuperação")


@pytest.mark.row("R-101", "B-061")
@pytest.mark.parametrize(("down", "expected"), [(14, False), (15, False), (16, True)])
def test_the_recovery_of_the_service_level(down: int, expected: bool) -> None:
    minutes(5 * HOUR, 30, up=True)
    minutes(4 * HOUR, down, up=False)
    minutes(3 * HOUR, 10, up=False)
    assert fires("etl-sla-breach", "recuperação") is expected


@pytest.mark.row("R-101")
@pytest.mark.parametrize("rule", list(BY_ID))
@pytest.mark.parametrize("moment", MOMENTS, ids=[m.__name__ for m in MOMENTS])
def test_each_rule_at_each_moment(moment: Any, rule: str) -> None:
    """Opened once, cooled down for an hour, resolved, flapping, worse, unknown."""
    moment(Script(RULES), BY_ID[rule])


@pytest.mark.row("B-014")
def test_the_history_is_cattles_alone_and_keeps_what_is_over() -> None:
    script = Script((*RULES, *PLATFORM))
    script.after(MINUTE, etl_dlq=LIMIT + 1, disk_full=LIMIT + 1)
    script.after(MINUTE, etl_idle=LIMIT + 1)
    literal = (
        "SELECT * FROM etl_alert_history WHERE resolved = false "
        "ORDER BY triggered_at DESC LIMIT 10;"
    )
    assert [one["alert_type"] for one in rows(literal)] == ["etl-idle", "etl-dlq"]
    script.after(MINUTE, etl_dlq=0)
    assert [one["alert_type"] for one in rows(literal)] == ["etl-idle"]
    (old,) = rows("SELECT * FROM etl_alert_history WHERE resolved")
    assert (old["alert_type"], old["resolved_at"]) == ("etl-dlq", script.now)
    assert len(alerts("disk-full")) == 1


def test_an_alert_that_is_resolved_in_sql_comes_back_while_its_cause_holds() -> None:
    script = Script(RULES)
    script.after(MINUTE, etl_dlq=LIMIT + 1)
    rows("UPDATE etl_alert_history SET resolved = true, message = 'forged'")
    (row,) = rows("SELECT * FROM etl_alert_history")
    assert (row["resolved"], "forged" in row["message"]) == (True, False)
    with pytest.raises(Exception, match="resolved"):
        rows("UPDATE etl_alert_history SET resolved = false")
    script.after(MINUTE)
    assert [one["resolved"] for one in rows("SELECT * FROM etl_alert_history")] == [False]


def test_only_the_rules_of_cattle_bear_its_name() -> None:
    ours = {rule.id for rule in RULES}
    assert {rule.id for rule in rules() if rule.id.startswith("etl-")} == ours
    assert all(rule.cooldown_minutes == 60 for rule in RULES)


def test_a_whole_round_asks_every_rule_of_an_empty_database() -> None:
    found = evaluate(RULES, NOTHING, Memory(), moment=NOW)
    assert found is not None
    assert found.unasked == ()
    assert rows("SELECT * FROM ops.alerts") == []
