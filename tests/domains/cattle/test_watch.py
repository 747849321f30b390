"""What is measured and shown of the feeding files, and what comes round, on a real database."""

from __future__ import annotations

import re
import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.domains.cattle.files import DAY, HOUR, MINUTE, file, letter, rows

from atalaia.domains.cattle import api_watch, incident, journal, sla, watching
from atalaia.domains.cattle.config import config
from atalaia.domains.cattle.logfiles import LogFiles
from atalaia.domains.cattle.manifest import DOMAIN
from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.errors import DatabaseUnavailable
from atalaia.kernel.watch import incidents
from atalaia.kernel.watch.severity import Severity
from atalaia.kernel.work.recurrence import Recurrence
from atalaia.kernel.work.runner import run_job
from atalaia.serve import scheduler
from atalaia.serve.catalog import voice


@pytest.fixture(autouse=True)
def configured(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A configuration of the test's own, its folders in a temporary one."""
    known = tmp_path / "etc" / "config.json"
    known.parent.mkdir()
    folders = ", ".join(f'"{name}": "{tmp_path / name}"' for name in ("logs", "backups", "reports"))
    known.write_text(f'{{"folders": {{{folders}, "configuration": "{known.parent}"}}}}')
    (tmp_path / "reports").mkdir()
    monkeypatch.setenv("CATTLE_CONFIG_FILE", str(known))
    config.cache_clear()
    yield
    config.cache_clear()


def now() -> datetime:
    return datetime.now(UTC)


def watched(rule: str, value: float | None, ago: timedelta = timedelta()) -> None:
    rows(
        """INSERT INTO ops.watched (rule, subject, state, value, since, asked_at)
           VALUES (%s, '', 'ok', %s, now(), now() - %s)
           ON CONFLICT (rule, subject) DO UPDATE
           SET (value, asked_at) = (excluded.value, excluded.asked_at)""",
        rule, value, ago,
    )  # fmt: skip


@pytest.mark.row("B-010", "B-011")
@pytest.mark.parametrize(
    ("seconds", "ago", "status"),
    [
        (0.0, timedelta(), "active"),
        (0.1, timedelta(), "inactive"),
        (0.0, timedelta(seconds=50), "unknown"),
        (None, timedelta(), "unknown"),
    ],
)
def test_each_pipeline_is_active_inactive_or_unknown(
    seconds: float | None, ago: timedelta, status: str
) -> None:
    file("uploaded", at=now(), layout="itens_trato", many=2)
    watched("worker-dead", seconds, ago)
    found = watching.pipelines()
    assert set(found) == set(sla.LAYOUTS)
    assert {one["status"] for one in found.values()} == {status}
    assert found["itens_trato"]["waiting"] == 2
    assert api_watch.dashboard()["pipelines"].keys() == found.keys()


@pytest.mark.row("B-063", "B-065")
def test_without_files_the_dashboard_says_that_there_are_no_data() -> None:
    found = api_watch.dashboard()
    assert (found["colour"]["word"], found["sla"]["sla_status"]) == ("sem dados", "sem dados")
    assert found["sla"]["success_rate_percent"] is None
    assert {one["told"] for one in found["targets"]} == {"sem dados"}
    assert {one["met"] for one in found["targets"]} == {None}


@pytest.mark.row("B-009", "B-065", "B-036")
def test_the_dashboard_shows_both_rules_with_their_own_figures() -> None:
    at = now()
    file("loaded", at=at, many=96)
    for kind in ("validation", "connection", "data"):
        file("error", at=at, error_class=kind, error_message=kind)
    file("error", at=at, error_class="validation", error_message="validation")
    file("uploaded", at=at, many=4)
    found = api_watch.dashboard()
    assert (found["colour"]["success_percent"], found["colour"]["colour"]) == (96.0, "green")
    assert found["colour"]["action"] == "Documentar status OK no log operacional."
    assert found["sla"]["success_rate_percent"] == 92.31
    assert found["sla"]["sla_status"] == "❌ SLA Breach"
    assert "dos arquivos que terminaram" in found["colour"]["rule"]
    assert "em andamento também" in found["sla"]["rule"]
    by_class = {one["error_class_word"]: one for one in found["errors"]}
    assert set(by_class) == {"Validação", "Conexão", "Data"}
    assert by_class["Validação"]["count"] == 2
    assert by_class["Conexão"]["action"] == "Verificar a conectividade de rede."
    file("error", at=at, error_class="resource")
    assert api_watch.dashboard()["colour"]["colour"] == "red", "a critical error"


@pytest.mark.row("B-062", "B-064")
def test_the_printed_query_agrees_with_the_dashboard() -> None:
    file("loaded", at=now(), uploaded=HOUR, ended=50 * MINUTE, many=10)
    query = _printed("-- SLA Dashboard Query")
    (found,) = rows(query)
    assert {k: str(v) for k, v in found.items()} == {
        "total_files": "10", "successful_files": "10", "success_rate_percent": "100.00",
        "avg_processing_minutes": "10.00", "sla_status": "✅ SLA OK",
    }  # fmt: skip
    assert api_watch.dashboard()["sla"]["sla_status"] == found["sla_status"]
    rows("TRUNCATE etl.etl_file CASCADE")
    with pytest.raises(psycopg.errors.DivisionByZero):
        rows(query)  # the text itself cannot be saved


def _printed(first_line: str) -> str:
    text = (DOMAIN.folder.parents[3] / "runbooks/cattle/runbook.md").read_text(encoding="utf-8")
    (fence,) = [
        one for one in re.findall(r"```sql[^\n]*\n(.*?)```", text, re.S) if first_line in one
    ]
    return str(fence)


@pytest.mark.row("B-058")
def test_availability_is_noted_minute_by_minute_and_what_nobody_saw_is_unknown() -> None:
    at = datetime(2027, 3, 10, 12, 0, 30, tzinfo=UTC)
    rounds = watching.Rounds()
    rounds.go_round(at)
    watched("api-down", 0.0)
    watched("worker-dead", 0.0)
    rows("UPDATE ops.watched SET asked_at = %s", at + MINUTE)
    rounds.go_round(at + MINUTE)
    rounds.go_round(at + MINUTE + timedelta(seconds=5))
    rows("UPDATE ops.watched SET asked_at = %s, value = 3 WHERE rule = 'worker-dead'",
         at + 2 * MINUTE)  # fmt: skip
    rows("UPDATE ops.watched SET asked_at = %s WHERE rule = 'api-down'", at + 2 * MINUTE)
    rounds.go_round(at + 2 * MINUTE)
    found = rows("SELECT up, why FROM etl.availability ORDER BY minute")
    assert [one["up"] for one in found] == [None, True, False]
    assert found[2]["why"] == "nenhum worker trabalha"
    with connect(autocommit=True) as connection:
        month = sla.month(connection, at + 10 * MINUTE)
    assert (month.up, month.down, month.unknown, month.percent) == (1, 1, 1, 50.0)


@pytest.mark.row("B-058")
def test_minutes_without_a_database_are_down_as_soon_as_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = datetime(2027, 3, 10, 12, tzinfo=UTC)
    rounds = watching.Rounds()

    def away(*_args: Any, **_more: Any) -> Any:
        raise DatabaseUnavailable("fora")

    with monkeypatch.context() as patch:
        patch.setattr(watching, "connect", away)
        for n in range(3):
            with pytest.raises(DatabaseUnavailable):
                rounds.go_round(at + n * MINUTE)
    rounds.go_round(at + 3 * MINUTE)
    found = rows("SELECT up, why FROM etl.availability ORDER BY minute")
    assert [one["up"] for one in found] == [False, False, False, None]
    assert found[0]["why"] == "o banco de dados não respondeu"


def test_announced_maintenance_is_left_out_of_availability() -> None:
    at = datetime(2027, 3, 10, 12, tzinfo=UTC)
    rows("INSERT INTO etl.availability SELECT %s + n * interval '1 minute', n < 10 "
         "FROM generate_series(0, 19) n", at)  # fmt: skip
    rows(
        """INSERT INTO ops.maintenance_windows (title, starts_at, ends_at, created_by, reason)
           VALUES ('t', %s, %s, 'a', 'r')""",
        at + 10 * MINUTE, at + 15 * MINUTE,
    )  # fmt: skip
    with connect(autocommit=True) as connection:
        month = sla.month(connection, at + HOUR)
    assert (month.up, month.down, month.longest, month.outages) == (10, 5, 5, 1)


@pytest.mark.row("B-077", "B-075", "B-076")
def test_each_change_of_a_file_leaves_its_lines_once(tmp_path: Path) -> None:
    files = LogFiles(tmp_path / "logs")
    (one,) = rows(
        """INSERT INTO etl.etl_file (filename, status, changed_by, change_reason)
           VALUES (E'a\\nERROR fake.csv', 'uploaded', 'ana', 'enviado') RETURNING id::text"""
    )
    steps = (
        "status = 'processing', changed_by = 'worker'",
        "state = 'failed', error_message = 'caiu', error_class = 'connection'",
        "state = 'requeued', changed_by = 'bia', change_reason = 'rede de volta'",
        "state = 'processing', changed_by = 'worker'",
        "state = 'loaded', layout = 'trato_curral'",
    )
    for step in steps:
        rows(f"UPDATE etl.etl_file SET {step} WHERE id = %s", one["id"])
    assert journal.write(files) >= 6
    audit = [line.split() for line in (files.folder / "audit.log").read_text().splitlines()]
    mine = [line for line in audit if line[5] == one["id"]]
    assert [(line[3], line[4]) for line in mine] == [
        ("ana", "file.received"), ("worker", "file.processing"), ("worker", "file.failed"),
        ("bia", "file.requeued"), ("worker", "file.processing"), ("worker", "file.loaded"),
    ]  # fmt: skip
    assert 'reason="rede_de_volta"' in " ".join(mine[3])
    (timed,) = (files.folder / "metrics.log").read_text().splitlines()
    assert timed.split()[2:4] == ["PROCESSING_TIME", one["id"]]
    assert timed.split()[4].isdigit()
    (wrong,) = (files.folder / "errors.log").read_text().splitlines()
    assert wrong.split()[4:5] == [f"file={one['id']}"]
    before = {path.name: path.read_text() for path in files.folder.iterdir()}
    assert journal.write(files) == 0
    assert before == {path.name: path.read_text() for path in files.folder.iterdir()}


def done(job: str) -> dict[str, Any]:
    ran = run_job(DOMAIN.job(job), reference_period=f"{now():%Y-%m-%d}", trigger="schedule")
    assert ran["run_status"] == "success", ran["error"]
    return ran


@pytest.mark.row("B-015", "B-009")
def test_the_morning_check_is_kept_and_green_is_written_as_ok(tmp_path: Path) -> None:
    file("loaded", at=now(), many=3)
    ran = done("etl_daily_check")
    assert [(one["check_name"], one["status"]) for one in ran["checks"]] == [
        ("check_etl_colour", "pass")
    ]
    line = (tmp_path / "logs" / "etl-service.log").read_text().splitlines()[-1]
    assert '"STATUS_OK" colour=green' in line
    file("error", at=now(), many=3)
    assert done("etl_daily_check")["checks"][0]["status"] == "fail"
    line = (tmp_path / "logs" / "etl-service.log").read_text().splitlines()[-1]
    assert "STATUS_OK" not in line
    (kept,) = [
        one for one in rows("SELECT steps FROM ops.pipeline_runs ORDER BY started_at_utc")
        if one["steps"][0]["colour"] == "red"
    ]  # fmt: skip
    assert kept["steps"][0]["action"].startswith("Executar os procedimentos")


@pytest.mark.row("B-015", "B-052", "B-057")
def test_what_comes_round_comes_when_the_runbook_says() -> None:
    listed = {one.name: one.recurrence for one in scheduler._installed()}
    assert {name: when for name, when in listed.items() if name.startswith("etl_")} == {
        "etl_daily_check": "daily 08:00",
        "etl_weekly": "weekly mon 06:00",
        "etl_monthly": "first sun 04:00",
    }
    monday = Recurrence.parse(listed["etl_weekly"]).after(datetime(2027, 3, 10, tzinfo=UTC))
    assert (monday.weekday(), monday.hour) == (0, 9), "06:00 in São Paulo"
    asked = scheduler.payload_of(scheduler.scheduled("etl_daily_check"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", asked["reference_period"])


@pytest.mark.row("B-049")
def test_what_was_loaded_long_ago_is_archived_and_nothing_is_lost() -> None:
    at = now()
    file("loaded", at=at, uploaded=91 * DAY, many=3)
    file("loaded", at=at, uploaded=89 * DAY, many=2)
    file("error", at=at, uploaded=91 * DAY)
    (first,) = rows("SELECT id FROM etl.etl_file WHERE status = 'loaded' ORDER BY seq LIMIT 1")
    file("loaded", at=at, uploaded=DAY, state="duplicate", duplicate_of=first["id"])
    rows("INSERT INTO etl.etl_file_event (file_id, state, actor) "
         "SELECT id, state, 'a' FROM etl.etl_file")  # fmt: skip
    whole = "SELECT count(*)::int AS n, sum(seq)::int AS s FROM etl.etl_file_ever"
    events = """SELECT (SELECT count(*) FROM etl.etl_file_event)
                     + (SELECT count(*) FROM etl.etl_file_event_archive) AS n"""
    before, told = rows(whole), rows(events)
    assert rows("SELECT * FROM etl.archive_old_data()") == [{"files": 2, "events": 2}]
    assert (rows(whole), rows(events)) == (before, told)
    assert rows("SELECT count(*)::int AS n FROM etl.etl_file_archive") == [{"n": 2}]
    assert rows("SELECT * FROM etl.archive_old_data()") == [{"files": 0, "events": 0}]
    assert rows("SELECT 1 FROM etl.etl_file WHERE id = %s", first["id"]), "a younger one needs it"


@pytest.mark.row("B-048", "B-050", "B-051")
def test_the_week(tmp_path: Path) -> None:
    file("loaded", at=now(), many=3, rows_read=5, rows_loaded=5)
    letter()
    (tmp_path / "etc" / "secret.key").write_text("segredo")
    done("etl_weekly")
    report = (tmp_path / "reports" / "perf_report.txt").read_text()
    assert "Arquivos recebidos: 3; carregados: 3; com erro: 0" in report
    assert "Taxa de sucesso: 100.00 %" in report
    assert "Linhas: 15 lidas = 15 carregadas + 0 rejeitadas + 0 repetidas" in report
    assert "Dead letters sem decisão: 1" in report
    (made,) = (tmp_path / "backups").glob("etl-config-*.tar.gz")
    assert made.stat().st_mode & 0o777 == 0o600
    with tarfile.open(made) as archive:
        archive.extractall(tmp_path / "back", filter="data")
    back = tmp_path / "back" / str(tmp_path).lstrip("/") / "etc"
    assert (back / "secret.key").read_text() == "segredo"
    assert (back / "config.json").read_bytes() == (tmp_path / "etc" / "config.json").read_bytes()
    assert list((tmp_path / "data" / "audit" / "exports").glob("audit-*.ndjson"))


@pytest.mark.row("B-054", "B-055", "B-053")
def test_the_month() -> None:
    file("loaded", at=now(), many=3)
    rows("INSERT INTO etl.availability VALUES (date_trunc('minute', now() - interval '401 days')), "
         "(date_trunc('minute', now()))")  # fmt: skip
    counted = (
        "SELECT (SELECT count(*) FROM etl.etl_file) AS f, (SELECT count(*) FROM ops.alerts) AS a"
    )
    before = rows(counted)
    ran = done("etl_monthly")
    steps = {one["name"]: one for one in ran["steps"]}
    assert steps["cleanup"]["etl.availability"] == 1
    assert rows(counted) == before
    assert rows("SELECT count(*)::int AS n FROM etl.availability") == [{"n": 1}]
    (analyzed,) = rows(
        "SELECT last_analyze FROM pg_stat_user_tables WHERE relid = 'etl.etl_file'::regclass"
    )
    assert analyzed["last_analyze"] is not None


@pytest.mark.row("B-066", "B-067", "B-069", "B-070")
def test_the_texts_of_an_incident_are_the_runbooks() -> None:
    who: dict[str, Any] = {"actor": "ana", "reason": "reiniciado o worker", "trigger": "cli"}
    file("loaded", at=now(), many=2)
    file("uploaded", at=now())
    with transaction() as connection:
        row = incidents.declare(
            connection, domain="cattle", title="Nenhum arquivo é processado",
            severity=Severity.CRITICAL, affected=["trato_curral", "Dashboard"], voices=voice, **who,
        )  # fmt: skip
    number = row["incident_id"]
    with transaction() as connection:
        incidents.update(
            connection, number, status="identified", next_steps="acompanhar\na fila", eta="15:00",
            voices=voice, **who,
        )  # fmt: skip
    with transaction() as connection:
        incidents.resolve(
            connection, number, root_cause="disco", resolution="limpeza", voices=voice, **who
        )
    texts = [
        one["text"]
        for one in rows(
            "SELECT details->>'text' AS text FROM ops.incident_events ORDER BY event_id"
        )
    ]
    when = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    figures = r"2 of 3 files of the last 24 hours loaded, 1 waiting, 0 in the DLQ, 0 open alerts"
    assert re.fullmatch(
        "🚨 INCIDENT DECLARED: ETL Pipeline Issue\n\nSeverity: P1\n"
        rf"Start Time: {when}" "\n"
        "Affected Services: trato_curral, Dashboard\n"
        rf"Impact: Nenhum arquivo é processado: under investigation \({figures}\)" "\n"
        "Incident Commander: ana\n\n"
        "Updates will be provided every 30 minutes.\n"
        rf"Incident Channel: #incident-etl-{row['declared_at']:%Y%m%d}",
        texts[0],
    )  # fmt: skip
    assert re.fullmatch(
        "📊 INCIDENT UPDATE: ETL Pipeline Issue\n\n"
        rf"Time: {when}" "\nStatus: Identified\n"
        rf"Actions Taken: reiniciado o worker \({figures}\)" "\n"
        "Next Steps: acompanhar a fila\nETA: 15:00\n\n"
        "Next update in 30 minutes unless resolved.",
        texts[1],
    )  # fmt: skip
    assert re.fullmatch(
        "✅ INCIDENT RESOLVED: ETL Pipeline Issue\n\n"
        rf"Resolution Time: {when}" "\nTotal Duration: 0 hours 0 minutes\n"
        "Root Cause: disco\nResolution: limpeza\n"
        "Prevention: to be defined in the post-mortem\n\n"
        "Post-mortem will be conducted within 24 hours.",
        texts[2],
    )  # fmt: skip


@pytest.mark.row("B-070")
@pytest.mark.parametrize(
    ("length", "words"),
    [(59 * MINUTE, "0 hours 59 minutes"), (61 * MINUTE, "1 hours 1 minutes"),
     (DAY + 5 * MINUTE, "24 hours 5 minutes")],
)  # fmt: skip
def test_how_long_it_took_in_the_runbooks_words(length: timedelta, words: str) -> None:
    assert incident.duration(length) == words


@pytest.mark.row("B-069")
def test_the_four_states_of_an_update_and_no_other() -> None:
    states = rows("SELECT unnest(enum_range(NULL::ops.incident_status))::text AS s")
    assert {one["s"] for one in states} == set(incident.STATUSES)
    assert set(incident.STATUSES.values()) == {
        "Investigating", "Identified", "Monitoring", "Resolved",
    }  # fmt: skip


@pytest.mark.row("B-072", "B-073", "B-068")
def test_an_incident_goes_up_and_calls_who_the_configuration_names(tmp_path: Path) -> None:
    known = tmp_path / "etc" / "config.json"
    levels = [(0, "Desenvolvedor"), (30, "Tech Lead"), (60, "Gerência")]
    listed = ", ".join(
        f'{{"after_minutes": {after}, "contacts": [{{"role": "{role}"}}]}}'
        for after, role in levels
    )
    known.write_text(f'{{"contacts": {{"levels": [{listed}]}}}}')
    config.cache_clear()
    with transaction() as connection:
        row = incidents.declare(
            connection, domain="cattle", title="t", severity=Severity.HIGH, actor="a", reason="r",
            voices=voice,
        )  # fmt: skip
    at, number = row["declared_at"], row["incident_id"]

    def levels_of(domain: str) -> Any:
        return voice(domain).levels()

    assert incidents.go_round(levels_of, at + 29 * MINUTE) == []
    assert incidents.go_round(levels_of, at + 31 * MINUTE) == [
        f"escalated {number}", f"reminded {number}",
    ]  # fmt: skip
    assert incidents.go_round(levels_of, at + 61 * MINUTE) == [f"escalated {number}"]
    said = [one["says"] for one in rows("SELECT says FROM ops.incident_events ORDER BY event_id")]
    assert said[1] == "escalado ao nível 2: Tech Lead"
    assert said[3] == "escalado ao nível 3: Gerência"


@pytest.mark.row("B-044")
def test_the_slow_queries_of_the_runbook() -> None:
    rows("SELECT query, mean_time, calls FROM pg_stat_statements ORDER BY mean_time DESC LIMIT 10;")


@pytest.mark.row("B-035", "B-038")
def test_the_printed_analyses_group_what_there_is() -> None:
    file("error", at=now(), error_message="x", many=2)
    file("error", at=now(), error_message="y")
    file("error", at=now(), uploaded=5 * HOUR, error_message="old")
    found = rows(_printed("-- Tipos de erro mais comuns"))
    assert [(one["error_message"], one["count"]) for one in found] == [("x", 2), ("y", 1)]
    letter(many=2, error_type="transient")
    letter()
    (first, second) = rows(_printed("-- Análise do DLQ"))
    assert (first["error_type"], first["count"], second["count"]) == ("transient", 2, 1)
    assert {"entity_type", "oldest_entry", "newest_entry"} <= set(first)
