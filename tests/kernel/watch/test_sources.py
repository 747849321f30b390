"""What is told of a source: from the runs as they ended, and from what was fetched when."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection, connect, transaction
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.base.settings import settings
from atalaia.kernel.watch import evidence, sources
from atalaia.kernel.watch.sources import Expected

TODAY = date(2026, 11, 23)
WEEKLY = Expected("toy", ("rows",), 168)


def ended(days_ago: int, status: str = "success", verdict: str | None = None) -> dict[str, Any]:
    return {
        "day": TODAY - timedelta(days=days_ago),
        "run_status": status,
        "verdict": verdict,
        "finished_at_utc": datetime(2026, 11, 23, 12, tzinfo=UTC) - timedelta(days=days_ago),
    }


def states(runs: list[dict[str, Any]], expected: Expected | None = WEEKLY) -> list[str]:
    return [day["state"] for day in sources.strip(runs, expected, TODAY)]


@pytest.mark.parametrize(
    ("status", "verdict", "state"),
    [
        ("success", None, "ok"),
        ("success", "source_failed", "failed"),  # loaded from bronze all the same
        ("success", "not_published", "not_published"),
        ("success", "we_failed", "ok"),  # not asked, and what bronze has was loaded
        ("blocked", "source_failed", "failed"),
        ("blocked", "not_published", "not_published"),
        ("blocked", "we_failed", "unknown"),  # no way out of the house: says nothing of the source
        ("failed", "we_failed", "failed"),
        ("cancelled", None, "unknown"),
        ("manual_required", None, "unknown"),
    ],
)  # fmt: skip
def test_a_run_says_this_of_its_source(status: str, verdict: str | None, state: str) -> None:
    assert sources.state_of(ended(0, status, verdict)) == state
    assert states([ended(0, status, verdict)])[-1] == state


def test_ninety_days_each_with_the_worst_that_was_said() -> None:
    runs = [ended(100), ended(3), ended(3, "blocked", "not_published"), ended(3), ended(1)]
    found = sources.strip(runs, WEEKLY, TODAY)
    assert len(found) == 90
    assert [day["day"] for day in found] == sorted(day["day"] for day in found)
    assert (found[-1]["day"], found[0]["day"]) == ("2026-11-23", "2026-08-26")
    assert [day["state"] for day in found[-4:]] == ["not_published", "ok", "ok", "ok"]
    assert [day["runs"] for day in found[-4:]] == [3, 0, 1, 0]


def test_a_day_is_late_when_the_last_good_data_is_older_than_it_may_be() -> None:
    found = states([ended(20), ended(5)])
    assert found[:-21] == ["unknown"] * 69, "before the first good one nothing is known"
    assert found[-21:-13] == ["ok"] * 8, "a week, and its last day"
    assert found[-13:-6] == ["late"] * 7
    assert found[-6:] == ["ok"] * 6
    never = Expected("toy", ("rows",), None)
    assert "late" not in states([ended(80)], never), "what is bundled is fetched nowhere"
    assert "late" not in states([ended(80)], None)


def test_offline_what_was_loaded_well_still_stands() -> None:
    offline, good = ended(0, "blocked", "we_failed"), datetime(2026, 11, 20, tzinfo=UTC)
    assert sources.standing(offline, good) == (
        "não se chegou à fonte daqui; vale a carga de 20/11/2026"
    )
    assert sources.standing(offline, None) == "não se chegou à fonte daqui"
    assert sources.standing(ended(0, "failed", "we_failed"), None) == "falhamos"
    assert sources.standing(ended(0, "blocked", "source_failed"), good).startswith(
        "a fonte falhou;"
    )
    assert sources.standing(ended(0), good) == ""
    assert sources.standing(None, None) == "nunca executado"
    assert states([ended(2), offline])[-1] == "unknown"


def test_delays_are_what_went_beyond_the_age_it_may_have() -> None:
    taken = [datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=h) for h in (0, 100, 300, 500)]
    assert sources.delays(taken, 168) == [0.0, 32.0, 32.0]
    assert sources.delays(taken, None) == []


def _registered(connection: Connection) -> None:
    connection.execute(
        """INSERT INTO ops.connector_registry (connector, job_name, domain, wave, source, status)
           VALUES ('toy', 'toy', 'x', 'w', 'TOY', 'implemented')"""
    )


def _run(connection: Connection, period: str, status: str, verdict: str | None, ago: str) -> str:
    run_id = str(uuid4())
    connection.execute(
        """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, run_status,
               verdict, rows_read, rows_loaded, rows_rejected, started_at_utc, finished_at_utc,
               actor, trigger, trace_id, error)
           VALUES (%s, 'toy', 'x', %s, %s, %s, 5, 4, 1, now() - %s::interval,
               now() - %s::interval, 'a', 'cli', %s, 'caiu: cpf 529.982.247-25')""",
        (run_id, period, status, verdict, ago, ago, uuid4().hex),
    )
    return run_id


def _taken(connection: Connection, ago: str, certificate: str | None) -> int:
    exchange: dict[str, Any] = {
        "url": "https://toy.example/a",
        "status": 200,
        "headers": {"etag": "1"},
    }
    if certificate:
        exchange["certificate"] = {"sha256": certificate, "expires_at": "2027-01-01T00:00:00+00:00"}
    found = connection.execute(
        """INSERT INTO bronze.manifest
               (source, dataset, reference_period, path, sha256, size, extracted_at, exchange)
           VALUES ('toy', 'rows', '2024', %s, repeat('b', 64), 9, now() - %s::interval, %s)
           RETURNING bronze_id""",
        (str(uuid4()), ago, Jsonb(exchange)),
    ).fetchone()
    assert found
    return int(found["bronze_id"])


def _contract(connection: Connection, version: int, payload: dict[str, str]) -> None:
    connection.execute("UPDATE ops.source_schema_contracts SET active = false")
    connection.execute(
        """INSERT INTO ops.source_schema_contracts
               (connector, version, table_name, columns, payload)
           VALUES ('toy', %s, 'silver.toy', '{"a": "text"}', %s)""",
        (version, Jsonb(payload)),
    )


def test_a_source_is_measured(database: str) -> None:
    with transaction() as connection:
        _registered(connection)
        _run(connection, "2023", "success", None, "200 days")
        _run(connection, "2024", "success", None, "30 days")
        _run(connection, "2024", "blocked", "source_failed", "20 days")
        _run(connection, "2024", "blocked", "not_published", "10 days")
        _run(connection, "2024", "blocked", "we_failed", "1 second")
        _contract(connection, 1, {"x": "text"})
        _contract(connection, 2, {"x": "integer", "y": "text"})
        for ago, shown in (
            ("40 days", "aa"),
            ("30 days", "aa"),
            ("20 days", "cc"),
            ("1 day", None),
        ):
            _taken(connection, ago, shown)
    with connect(autocommit=True) as connection:
        (found,) = sources.listed(connection, {"toy": WEEKLY})
        whole = sources.one(connection, "toy", {"toy": WEEKLY})
        with pytest.raises(NotFound):
            sources.one(connection, "none", {})
    assert {name: found[name] for name in ("runs", "failed", "not_published", "unreachable")} == {
        "runs": 4, "failed": 1, "not_published": 1, "unreachable": 1,
    }  # fmt: skip
    assert (found["schema_changes"], found["certificate_changes"]) == (1, 1)
    assert found["certificate"]["sha256"] == "cc"
    assert found["median_delay_hours"] == pytest.approx(72)
    assert found["late_days"] > 10
    assert found["state"] in ("late", "unknown")
    assert found["says"].startswith("não se chegou à fonte daqui; vale a carga de ")
    assert [one["version"] for one in whole["contracts"]] == [2, 1]
    assert [one["sha256"] for one in whole["certificates"]] == ["cc", "aa"]
    assert len(whole["last_runs"]) == 5


def test_coverage_says_of_each_period_how_it_is_and_what_stands(database: str) -> None:
    with transaction() as connection:
        _registered(connection)
        good = _run(connection, "2023", "success", None, "9 days")
        _run(connection, "2024", "success", None, "8 days")
        _run(connection, "2024", "blocked", "source_failed", "2 days")
        _run(connection, "2025", "blocked", "not_published", "1 day")
    with connect(autocommit=True) as connection:
        found = {one["reference_period"]: one for one in sources.coverage(connection, "toy")}
        with pytest.raises(NotFound):
            sources.coverage(connection, "none")
    assert {period: one["state"] for period, one in found.items()} == {
        "2023": "ok", "2024": "failed", "2025": "not_published",
    }  # fmt: skip
    assert (str(found["2023"]["good_run_id"]), found["2024"]["rows_loaded"]) == (good, 4)
    assert found["2024"]["says"].startswith("a fonte falhou; vale a carga de")
    assert found["2025"]["good_at"] is None


def test_the_evidence_has_what_the_verdict_stands_on(database: str) -> None:
    with transaction() as connection:
        _registered(connection)
        run_id = _run(connection, "2024", "blocked", "source_failed", "1 minute")
        bronze_id = _taken(connection, "1 day", "aa")
        connection.execute("INSERT INTO ops.run_bronze VALUES (%s, %s, 'toy')", (run_id, bronze_id))
        connection.execute(
            """INSERT INTO ops.pipeline_checks (run_id, check_name, subject, status, details)
               VALUES (%s, 'rows', 'toy', 'fail', '{"reason": "poucas"}')""",
            (run_id,),
        )
        _contract(connection, 1, {"x": "text", "gone": "text"})
        _contract(connection, 2, {"x": "integer", "y": "text"})
        trace = connection.execute(
            "SELECT trace_id FROM ops.pipeline_runs WHERE run_id = %s", (run_id,)
        ).fetchone()
        assert trace
    settings().log_dir.mkdir(parents=True, exist_ok=True)
    line = {"ts": "2026-11-23T05:00:00+00:00", "level": "INFO", "service": "worker", "message": "m"}
    (settings().log_dir / "worker.log").write_text(
        "".join(json.dumps(line | {"trace_id": t}) + "\n" for t in (trace["trace_id"], "other"))
    )
    with connect(autocommit=True) as connection:
        found = evidence.gathered(connection, "toy", WEEKLY)
        with pytest.raises(NotFound):
            evidence.gathered(connection, "toy", WEEKLY, str(uuid4()))
    archive = zipfile.ZipFile(io.BytesIO(evidence.packed(found)))
    assert archive.namelist() == ["evidencia.json", "resumo.txt"]
    told = json.loads(archive.read("evidencia.json"))
    assert (told["verdict"], told["run"]["run_id"]) == ("source_failed", run_id)
    (exchange,) = told["exchanges"]
    assert (exchange["exchange"]["status"], exchange["exchange"]["headers"]) == (200, {"etag": "1"})
    assert (exchange["sha256"], exchange["read_by_run"]) == ("b" * 64, True)
    assert told["contract"]["changed"] == [
        "coluna da fonte y: text, nova", "coluna da fonte gone: retirada",
        "coluna da fonte x: de text para integer",
    ]  # fmt: skip
    assert [(c["check_name"], c["reason"]) for c in told["checks"]] == [("rows", "poucas")]
    assert [one["trace_id"] for one in told["log"]] == [trace["trace_id"]]
    text = archive.read("resumo.txt").decode()
    assert "Veredito: a fonte falhou" in text
    assert "5 lidas = 4 carregadas + 1 rejeitadas + 0 repetidas" in text
    assert "529.982" not in text + json.dumps(told)
