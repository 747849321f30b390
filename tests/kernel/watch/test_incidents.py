"""Incidents: every way of their states, what each step leaves, who is called and when."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.kernel.watch.scripted import LIMIT, Script, rows
from tests.kernel.work.toys import recorded

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.errors import AlreadySo, AtalaiaError, NotFound, UsageError
from atalaia.kernel.base.settings import settings as known_settings
from atalaia.kernel.watch import contacts, incident_texts, incidents, maintenance, snapshot
from atalaia.kernel.watch.contacts import DEFAULT, level_at, levels
from atalaia.kernel.watch.severity import Severity
from atalaia.kernel.watch.voices import Voice

WHO: dict[str, Any] = {"actor": "ana", "reason": "porque sim", "trigger": "cli"}
LOW, NORMAL, HIGH, CRITICAL = Severity
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
pytestmark = pytest.mark.usefixtures("database_of_module")


@pytest.fixture(autouse=True)
def _none_before(database_of_module: str) -> Iterator[None]:
    yield
    with connect(autocommit=True) as connection:
        connection.execute(
            """ALTER TABLE ops.incident_events DISABLE TRIGGER timeline_only_grows;
               TRUNCATE ops.incidents, ops.alerts, ops.watched, ops.watch_round, ops.events,
                   ops.maintenance_windows CASCADE;
               ALTER TABLE ops.incident_events ENABLE TRIGGER timeline_only_grows"""
        )


def declare(**more: Any) -> dict[str, Any]:
    with transaction() as connection:
        return incidents.declare(connection, **{"title": "t", "severity": HIGH, **WHO, **more})


def update(number: int, **more: Any) -> dict[str, Any]:
    with transaction() as connection:
        return incidents.update(connection, number, **{**WHO, **more})


def resolve(number: int, **more: Any) -> dict[str, Any]:
    given = {"root_cause": "disco", "resolution": "limpeza", **WHO, **more}
    with transaction() as connection:
        return incidents.resolve(connection, number, **given)


def go_round(known: Any, moment: datetime) -> list[str]:
    return incidents.go_round(lambda _domain: known, moment)


def events(number: int) -> list[dict[str, Any]]:
    return rows(
        "SELECT * FROM ops.incident_events WHERE incident_id = %s ORDER BY event_id", number
    )


def told() -> list[str]:
    found = rows("SELECT event_type FROM ops.events WHERE event_type LIKE 'incident.%%'"
                 " ORDER BY created_at")  # fmt: skip
    return [one["event_type"].removeprefix("incident.") for one in found]


def test_from_alerts_it_knows_what_is_wrong_since_when_and_how_bad() -> None:
    s = Script()
    s.now = datetime.now(UTC) - 20 * MINUTE
    s.after(MINUTE, queue_growing=LIMIT + 1)
    s.after(MINUTE, disk_full=LIMIT + 1)
    numbers = [one["alert_id"] for one in rows("SELECT alert_id FROM ops.alerts ORDER BY 1")]
    with transaction() as connection:
        made = incidents.declare(connection, alerts=numbers, **WHO)
    assert (made["title"], made["severity"]) == ("Disco quase cheio: s", "high")
    assert (made["affected"], made["commander"]) == (["s"], "ana")
    assert made["started_at"] == s.now - MINUTE
    assert made["next_update_due_at"] == made["declared_at"] + 30 * MINUTE
    assert [one["kind"] for one in events(made["incident_id"])] == ["alert", "alert", "declared"]
    with pytest.raises(AlreadySo), transaction() as connection:
        incidents.declare(connection, alerts=numbers[:1], **WHO)
    with pytest.raises(NotFound), transaction() as connection:
        incidents.declare(connection, alerts=[10**9], **WHO)
    assert len(rows("SELECT FROM ops.incidents")) == 1


@pytest.mark.parametrize("missing", [{"title": ""}, {"title": "  "}, {"severity": None}])
def test_by_hand_it_needs_a_title_and_a_severity(missing: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        declare(**missing)
    assert rows("SELECT FROM ops.incidents") == []


def test_every_step_is_an_event_is_told_and_is_recorded() -> None:
    number = declare(impact="maria@exemplo.com.br sem acesso")["incident_id"]
    update(number, status="identified", severity=CRITICAL, next_steps="trocar", eta="15:00")
    resolve(number, prevention="alarme")
    found = events(number)
    assert [one["kind"] for one in found] == ["declared", "updated", "resolved"]
    assert told() == ["declared", "updated", "resolved"]
    mine = [one for one in recorded("incidents") if one["subject"] == str(number)]
    assert [one["action"] for one in mine] == [
        "incident.resolved", "incident.updated", "incident.declared",
    ]  # fmt: skip
    assert {one["reason"] for one in mine} == {"porque sim"}
    texts = [one["details"]["text"] for one in found]
    assert re.search(
        r"^🚨 INCIDENTE DECLARADO: t\n\nSeveridade: Alto \(P2, SEV-2\)\n"
        r"Início: \d{4}-\d\d-\d\d \d\d:\d\d UTC\nAfetado: a apurar\n"
        r"Impacto: \[e-mail\] sem acesso\n"
        r"Quem conduz: ana\nAgora: 0 alertas deste incidente abertos, 0 ao todo; 0 itens na fila; "
        r"0 linhas postas de lado; 0 execuções sem sucesso em 24 horas\n\n"
        r"Próxima atualização até .* UTC\.$",
        texts[0],
    )
    for part in ("Causa identificada · Crítico (P1, SEV-1)", "A seguir: trocar", "Previsão: 15:00"):
        assert part in texts[1]
    for part in ("Causa: disco", "Resolução: limpeza", "Prevenção: alarme", "Post-mortem até"):
        assert part in texts[2]


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0, "menos de 1 minuto"), (1, "1 minuto"), (60, "1 hora"), (61, "1 hora e 1 minuto"),
     (125, "2 horas e 5 minutos"), (1500, "25 horas")],
)  # fmt: skip
def test_how_long_it_took(minutes: int, words: str) -> None:
    assert incident_texts.duration(minutes * MINUTE) == words


def test_what_is_resolved_stays_so_whoever_tries() -> None:
    number = declare()["incident_id"]
    for wrong in ({"root_cause": " "}, {"resolution": ""}):
        with pytest.raises(UsageError):
            resolve(number, **wrong)
    resolve(number)
    for again in (update, resolve):
        with pytest.raises(AlreadySo):
            again(number)
    with pytest.raises(NotFound):
        update(10**9)
    for statement in (
        "UPDATE ops.incidents SET status = 'monitoring'", "UPDATE ops.incidents SET title = 'x'",
        "DELETE FROM ops.incidents", "UPDATE ops.incident_events SET says = 'x'",
        "DELETE FROM ops.incident_events",
    ):  # fmt: skip
        with pytest.raises(psycopg.Error):
            rows(statement)
    assert len(events(number)) == 2


STATUSES = st.sampled_from([None, "investigating", "identified", "monitoring"])


class Lives(RuleBasedStateMachine):
    """One incident through anything people and time may do, beside a model of what must hold."""

    @initialize(severity=st.sampled_from(Severity))
    def begins(self, severity: Severity) -> None:
        row = declare(severity=severity)
        self.number, self.declared = row["incident_id"], row["declared_at"]
        self.status, self.severity, self.level, self.steps = "investigating", severity, 1, 1

    @rule(status=STATUSES, severity=st.sampled_from([None, *Severity]))
    def is_updated(self, status: Any, severity: Severity | None) -> None:
        if self.status == "resolved":
            with pytest.raises(AlreadySo):
                update(self.number, status=status, severity=severity)
            return
        update(self.number, status=status, severity=severity)
        self.status, self.severity = status or self.status, severity or self.severity
        self.steps += 1

    @rule(good=st.booleans())
    def is_resolved(self, good: bool) -> None:
        try:
            resolve(self.number, root_cause="x" if good else " ")
        except AtalaiaError:
            assert not good or self.status == "resolved"
            return
        assert good
        assert self.status != "resolved"
        self.status, self.steps = "resolved", self.steps + 1

    @rule(minutes=st.sampled_from([1, 29, 30, 31, 45, 61]))
    def time_passes(self, minutes: int) -> None:
        done = self._round(minutes)
        if self.status == "resolved":
            assert done == []
            return
        now_at = 1 + (minutes >= 30) + (minutes >= 60)
        assert (f"escalated {self.number}" in done) == (now_at > self.level)
        self.steps += len(done)
        self.level = max(self.level, now_at)
        assert self._round(minutes) == [], "each once"

    def _round(self, minutes: int) -> list[str]:
        """What was done about this one; those of earlier lives are not its business."""
        done = go_round(DEFAULT, self.declared + minutes * MINUTE)
        return [what for what in done if what.endswith(f" {self.number}")]

    @rule(status=st.sampled_from(["investigating", "identified", "monitoring", "resolved"]))
    def somebody_types_sql(self, status: str) -> None:
        """What the database lets pass leaves no impossible row."""
        statement = (
            f"UPDATE ops.incidents SET status = '{status}' WHERE incident_id = %s RETURNING 1"
        )
        try:
            rows(statement, self.number)
        except psycopg.errors.CheckViolation:
            assert "resolved" in (status, self.status)
        else:
            self.status = status

    @invariant()
    def it_is_what_it_is(self) -> None:
        if not hasattr(self, "number"):
            return
        (row,) = rows("SELECT * FROM ops.incidents WHERE incident_id = %s", self.number)
        assert (row["status"], row["severity"]) == (self.status, self.severity)
        assert row["escalation_level"] == self.level
        over = self.status == "resolved"
        assert (row["resolved_at"] is not None) == over
        assert (row["next_update_due_at"] is None) == over
        assert (row["postmortem_due_at"] is not None) == over
        assert len(events(self.number)) == self.steps


@pytest.mark.timeout(1400)
@pytest.mark.parametrize(
    ("runs", "steps"),
    [(5, 12), pytest.param(2000, 50, marks=pytest.mark.night("fuzz-lives-3"))],
    ids=["sample", "whole"],
)
def test_no_way_leads_to_what_cannot_be(runs: int, steps: int) -> None:
    """The incident's part of R-081, which asks for six machines."""
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=runs, stateful_step_count=steps, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


@pytest.mark.row("B-072")
@pytest.mark.parametrize(
    ("minutes", "level"), [(0, 1), (29, 1), (29.99, 1), (30, 2), (31, 2), (59.9, 2), (61, 3)]
)
def test_who_is_called_when(minutes: float, level: int) -> None:
    assert level_at(minutes, DEFAULT) == level


GOOD = """
levels:
  - {after_minutes: 0, contacts: [{role: Plantão, email: plantao@exemplo.gov.br, phone: "31 9"}]}
  - {after_minutes: 15, contacts: [{role: Infraestrutura, name: Bia}, {role: Gestão}]}
"""


@pytest.mark.row("B-073")
def test_contacts_are_configured_and_told_by_role_only(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.yml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "c.json").write_text(json.dumps({"levels": [{"after_minutes": 0}]}))
    known = levels(tmp_path / "c.yml")
    assert contacts.people(1, known)[0]["email"] == "plantao@exemplo.gov.br"
    assert levels(tmp_path / "c.json") == (contacts.Level(after_minutes=0),)
    row = declare()
    go_round(known, row["declared_at"] + 15 * MINUTE)
    last = events(row["incident_id"])[-1]
    assert last["says"] == "escalado ao nível 2: Infraestrutura, Gestão"
    kept = str(events(row["incident_id"])) + str(rows("SELECT data FROM ops.events"))
    assert "Bia" not in kept + "".join(capfd.readouterr())
    assert go_round(known, row["declared_at"] + 16 * MINUTE) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("levels: []", "levels"),
        ("levels: [{after_minutes: 5}]", "começam em after_minutes 0"),
        ("levels: [{after_minutes: 0}, {after_minutes: 0}]", "sobem"),
        ("levels: [{after_minutes: 0, contacts: [{mail: segredo@x.br}]}]", "contacts.0.role"),
        ("levels: {", "não é YAML"),
        ("", "o arquivo"),
        (None, "não pode ser lido"),
    ],
)
def test_a_wrong_file_of_contacts_is_told_without_what_is_in_it(
    tmp_path: Path, text: str | None, words: str
) -> None:
    file = tmp_path / "contacts.yml"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=words) as told:
        levels(file)
    assert "segredo" not in str(told.value)


@pytest.mark.row("B-068")
def test_an_update_that_was_promised_and_not_given_is_reminded_of_once() -> None:
    row = declare()
    number, at = row["incident_id"], row["declared_at"]
    assert go_round(DEFAULT[:1], at + 29 * MINUTE) == []
    assert go_round(DEFAULT[:1], at + 30 * MINUTE) == [f"reminded {number}"]
    assert go_round(DEFAULT[:1], at + 40 * MINUTE) == []
    due = update(number)["next_update_due_at"]
    assert go_round(DEFAULT[:1], due) == [f"reminded {number}"]
    assert told().count("update_due") == 2


def test_the_post_mortem_is_made_of_what_was_kept() -> None:
    s = Script()
    s.now = datetime.now(UTC) - 20 * MINUTE
    s.after(MINUTE, disk_full=LIMIT + 1)
    (alert,) = rows("SELECT alert_id FROM ops.alerts")
    number = declare(alerts=[alert["alert_id"]], title="")["incident_id"]
    update(number, reason="limpei os registros")
    resolve(number)
    with connect() as connection:
        text = incident_texts.postmortem(connection, number)
        with pytest.raises(NotFound):
            incident_texts.postmortem(connection, 10**9)
    for part in (
        "# Post-mortem: Disco quase cheio: s", "updated · ana: limpei os registros",
        "runbook `platform/disk-full`", "- Causa: disco", "incident.declared · ana",
    ):  # fmt: skip
        assert part in text, part
    (record,) = [one for one in recorded("incidents") if one["action"] == "incident.resolved"
                 and one["subject"] == str(number)]  # fmt: skip
    assert f"`incidents:{record['seq']}` · incident.resolved" in text


def test_a_snapshot_is_whole_hashed_and_redacted() -> None:
    folder = known_settings().log_dir
    folder.mkdir(parents=True, exist_ok=True)
    secret = "CPF 529.982.247-25 de maria@exemplo.com.br"
    (folder / "api.log").write_text("".join(f"linha {n}\n" for n in range(900)) + secret + "\n")
    number = declare(impact=secret)["incident_id"]
    made = snapshot.take(incident_id=number, **WHO)
    file = known_settings().data_dir / made["path"]
    assert sha256(file.read_bytes()).hexdigest() == made["sha256"]
    with ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sums = dict(reversed(line.split("  ")) for line in parts["SHA256SUMS"].decode().splitlines())
    assert sums == {
        name: sha256(content).hexdigest()
        for name, content in parts.items() if name not in ("SHA256SUMS", "snapshot.json")
    }  # fmt: skip
    assert {"alerts.json", "runs.json", "queue.json", "status.json", "logs/api.log"} <= set(sums)
    assert json.loads(parts["snapshot.json"])["missing"] == []
    assert len(parts["logs/api.log"].splitlines()) == 500
    for name, content in parts.items():
        assert b"529.982" not in content, name
        assert b"maria@" not in content, name
    assert events(number)[-1]["kind"] == "snapshot"
    assert recorded("incidents")[0]["action"] == "incident.snapshot"
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    with pytest.raises(NotFound):
        snapshot.take(incident_id=10**9, **WHO)
    assert snapshot.take(**WHO)["incident_id"] is None


def test_a_window_is_announced_beforehand_and_ended_once() -> None:
    now = datetime.now(UTC)

    def add(begins: timedelta, ends: timedelta) -> dict[str, Any]:
        with transaction() as connection:
            return maintenance.add(
                connection, title="t", starts_at=now + begins, ends_at=now + ends, **WHO
            )

    def cancel(number: int) -> dict[str, Any]:
        with transaction() as connection:
            return maintenance.cancel(connection, number, **WHO)

    for begins, ends in ((60, 60), (60, 30), (-90, -30)):
        with pytest.raises(UsageError):
            add(begins * MINUTE, ends * MINUTE)
    made = add(-60 * MINUTE, 60 * MINUTE)
    assert made["starts_at"] >= now, "what happened is not excused afterwards"
    cancel(made["window_id"])
    with pytest.raises(AlreadySo):
        cancel(made["window_id"])
    with pytest.raises(NotFound):
        cancel(10**9)
    (view,) = rows("SELECT until <= now() AS over FROM ops.maintenance")
    assert view["over"]
    actions = [one["action"] for one in recorded("maintenance")]
    assert actions[:2] == ["maintenance.cancelled", "maintenance.announced"]


@pytest.mark.row("B-071")
def test_a_post_mortem_nobody_wrote_is_reminded_of_once() -> None:
    number = declare()["incident_id"]
    due = resolve(number)["postmortem_due_at"]
    assert go_round(DEFAULT, due - MINUTE) == []
    assert go_round(DEFAULT, due) == [f"postmortem_due {number}"]
    assert go_round(DEFAULT, due + 48 * HOUR) == []
    last = events(number)[-1]
    assert (last["kind"], last["details"]) == ("postmortem_due", {"due_at": due.isoformat()})
    assert told()[-1] == "postmortem_due"


def test_a_post_mortem_that_is_written_is_recorded_and_not_reminded_of() -> None:
    number = declare()["incident_id"]
    written: dict[str, Any] = {"where": "wiki/42", **WHO}
    with pytest.raises(UsageError), transaction() as connection:
        incidents.postmortem_written(connection, number, **written)
    due = resolve(number)["postmortem_due_at"]
    with pytest.raises(UsageError), transaction() as connection:
        incidents.postmortem_written(connection, number, **written | {"where": " "})
    with transaction() as connection:
        incidents.postmortem_written(connection, number, **written)
    with pytest.raises(AlreadySo), transaction() as connection:
        incidents.postmortem_written(connection, number, **written)
    with pytest.raises(NotFound), transaction() as connection:
        incidents.postmortem_written(connection, 10**9, **written)
    assert go_round(DEFAULT, due + MINUTE) == []
    last = events(number)[-1]
    assert (last["kind"], last["details"]["text"]) == ("postmortem", "wiki/42")
    assert recorded("incidents")[0]["action"] == "incident.postmortem"


def test_a_domain_tells_of_its_incidents_in_its_own_words_and_calls_its_own_people() -> None:
    own = Voice(
        lambda _connection, row: f"declared {row['domain']}",
        lambda _connection, row, *said: f"news {row['status']} {'/'.join(said)}",
        lambda row: f"end {row['root_cause']}",
        lambda: DEFAULT,
    )
    asked: list[str] = []

    def voices(domain: str) -> Voice:
        asked.append(domain)
        return own

    def levels_of(domain: str) -> Any:
        asked.append(domain)
        return DEFAULT

    number = declare(domain="rain", voices=voices)["incident_id"]
    update(number, next_steps="n", eta="e", voices=voices)
    assert incidents.go_round(levels_of) == []
    resolve(number, voices=voices)
    assert asked == ["rain"] * 4
    texts = [one["details"]["text"] for one in events(number)]
    assert texts == ["declared rain", "news investigating porque sim/n/e", "end disco"]
