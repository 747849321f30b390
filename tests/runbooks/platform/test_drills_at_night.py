"""Every runbook of the platform, drilled on one instance: `make test-night SET=runbooks-1` (parts
that are gone or slow) and `SET=runbooks-2` (data that are late, lost or wrong).

What each took, from fault to detection and from there to well again, is in the night's results.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row
from tests.kernel.tell.sinks import Sink
from tests.runbooks.platform import test_drills
from tests.runbooks.platform.drills import Drill, Record, drill
from tests.serve.api.server import eventually
from tests.serve.local.conftest import Instance
from tests.sources.ibge import IbgeServer
from tests.sources.server import status

from atalaia.kernel.work.items import accept
from atalaia.serve.local.layout import read_env

PARTS, DATA = pytest.mark.night("runbooks-1"), pytest.mark.night("runbooks-2")
pytestmark = pytest.mark.timeout(600)


@contextmanager
def database(house: Instance) -> Iterator[psycopg.Connection[Any]]:
    """The instance's database, as whoever has its password sees it."""
    url = read_env(house.state / "env")["DATABASE_URL"]
    with psycopg.connect(url, row_factory=dict_row) as connection:
        yield connection


def piped(house: Instance, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`atalaia …` with something on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "atalaia.serve.cli", *arguments],
        env=house.environment(), input=text, capture_output=True, text=True, timeout=100,
        check=False,
    )  # fmt: skip


def a_run_of_long_ago(house: Instance) -> None:
    """An installation that has been in use for two days."""
    with database(house) as connection:
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, actor,
                   trigger, trace_id, started_at_utc)
               VALUES (gen_random_uuid(), 'drill', 'x', '2024', 'drill', 'python', '-',
                       now() - interval '2 days')"""
        )
        connection.execute(
            """UPDATE ops.pipeline_runs SET run_status = 'success', finished_at_utc = now()
               WHERE job_name = 'drill'"""
        )


def a_backup(house: Instance) -> str:
    """The newest verified backup; one is made when there is none."""
    with database(house) as connection:
        found = connection.execute(
            """SELECT file FROM ops.backups WHERE verified_at_utc > now() - interval '1 day'
               ORDER BY created_at_utc DESC LIMIT 1"""
        ).fetchone()
    if found:
        return str(found["file"])
    assert house.run("backup", "drill", seconds=240).returncode == 0
    return a_backup(house)


@PARTS
def test_worker_dead(house: Instance, record_property: Record) -> None:
    test_drills.test_a_worker_that_was_killed(house, record_property)


@PARTS
def test_database_restarted(house: Instance, record_property: Record) -> None:
    test_drills.test_a_database_that_was_killed(house, record_property)


@PARTS
def test_redis_lost(house: Instance, record_property: Record) -> None:
    with drill(house, record_property) as it:
        it.gone(it.kill("redis", signal.SIGKILL))
        alert = it.alerted("redis-lost")
        it.follow(alert)
        it.is_over(lambda: it.well() and it.resolved("redis-lost"), "Redis and alert")


@PARTS
def test_api_slow(house: Instance, record_property: Record) -> None:
    """An API that hangs: the process is there and nothing comes of it."""
    with drill(house, record_property) as it:
        it.kill("api", signal.SIGSTOP)
        address = it.part("api")["address"]
        with pytest.raises(httpx.TimeoutException):
            httpx.get(f"{address}/livez", timeout=2)
        alert = it.alerted("api-down")
        assert alert["severity"] == "critical"
        it.follow(alert)
        assert httpx.get(f"{address}/livez", timeout=10).status_code == 200
        it.is_over(lambda: it.well() and it.resolved("api-down"), "API and alert")


@PARTS
def test_dead_letters_growing(house: Instance, record_property: Record) -> None:
    """A client that asks for a job nobody has, over and over."""
    with drill(house, record_property) as it:
        wrong = [{"job_name": "no_such_job", "reference_period": "2024"}] * 150
        with database(house) as connection:
            accept(connection, "run", wrong, actor="client", trigger="api")
        alert = it.alerted("dead-letters-growing")
        waiting = "SELECT count(*) AS n FROM ops.dead_letters WHERE NOT resolved"
        assert it.rows(waiting)[0]["n"] > 100
        it.follow(alert)
        eventually(lambda: it.rows(waiting)[0]["n"] == 150, 60, "all of them tried")
        it.follow(alert, "--cell", "discard", "--yes")
        it.follow(alert, "--cell", "over")
        it.is_over(lambda: it.resolved("dead-letters-growing"), "decided")
        decided = it.rows("SELECT DISTINCT notes FROM ops.dead_letters WHERE resolved")
        assert "runbook platform/dead-letters-growing" in str(decided)


@PARTS
def test_queue_growing(house: Instance, record_property: Record) -> None:
    """Far too much asked for by mistake, of a kind that no worker here knows."""
    with drill(house, record_property) as it:
        with database(house) as connection:
            made = accept(connection, "drill", [{}] * 10_500, actor="client", trigger="api")
        alert = it.alerted("queue-growing", "itens")
        it.follow(alert)
        it.follow(alert, "--arg", f"batch={made.batch_id}", "--cell", "cancel", "--yes")
        it.follow(alert, "--cell", "over")
        it.is_over(lambda: it.resolved("queue-growing"), "nothing waits")


@DATA
def test_source_failed(house: Instance, record_property: Record) -> None:
    with IbgeServer() as ibge, drill(house, record_property) as it:
        _with_source(house, ibge)
        ibge.misbehave(status(500))
        done = house.run("run", "ibge_indicators", "-p", "2025", "--force", "--max-retries", "1")
        assert done.returncode != 0
        alert = it.alerted("source-failed", "ibge_indicators")
        assert alert["arguments"]["reference_period"] == "2025"
        ibge.behave()
        it.follow(alert)
        it.is_over(lambda: it.resolved("source-failed"), "the source's alert")


def _with_source(house: Instance, ibge: IbgeServer) -> None:
    """The instance's commands ask this source from now on, and know its territories."""
    os.environ["SOURCE_IBGE_BASE_URL"] = ibge.url
    done = house.run("run", "ibge_admin", "-p", "2025", "--force")
    assert done.returncode in (0, 1), done.stderr


@pytest.fixture(autouse=True)
def _no_source_of_another_drill(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_IBGE_BASE_URL", "http://127.0.0.1:9")


@DATA
def test_certificate(house: Instance, record_property: Record, tmp_path: Path) -> None:
    """The source shows a certificate nobody vouches for; then it is well again."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
         "/CN=localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    other = IbgeServer()
    other.secure(certificate, key)
    with IbgeServer() as well, other, drill(house, record_property) as it:
        _with_source(house, well)
        os.environ["SOURCE_IBGE_BASE_URL"] = other.url
        done = house.run("run", "ibge_indicators", "-p", "2024", "--force", "--max-retries", "1")
        assert done.returncode != 0
        alert = it.alerted("certificate-refused", "ibge_indicators")
        assert "self" in alert["says"], "signed by itself"
        follows = "SELECT 1 AS n FROM ops.alerts WHERE rule = 'source-failed' AND follows = %s"
        assert it.rows(follows, alert["alert_id"]), "one cause, told once"
        os.environ["SOURCE_IBGE_BASE_URL"] = well.url
        it.follow(alert)
        it.is_over(
            lambda: it.resolved("certificate-refused") and it.resolved("source-failed"),
            "the certificate's alert, and what followed from it",
        )


@DATA
def test_delivery_failing(
    house: Instance, record_property: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The receiver answers that it is gone for good, and comes back."""
    with Sink() as sink, drill(house, record_property) as it:
        monkeypatch.setenv("WEBHOOK_INSIDE", sink.url)
        assert house.run("restart", "scheduler").returncode == 0
        made = house.run(
            "webhook", "create", sink.url, "--name", "plantão", "--events", "webhook.test",
            "--reason", "ensaio", "--format", "json",
        )  # fmt: skip
        channel = json.loads(made.stdout)["channel_id"]
        sink.answer = lambda _hit: 410
        refused = house.run("webhook", "test", channel, "--reason", "ensaio")
        assert refused.returncode == 2, refused.stderr
        (lost,) = sink.hits
        alert = it.alerted("delivery-exhausted", "plantão")
        assert alert["arguments"]["channel"] == channel
        sink.answer = lambda _hit: 204
        it.follow(alert)
        it.follow(alert, "--cell", "enable", "--yes")
        it.follow(alert, "--cell", "test")
        it.follow(alert, "--cell", "replay-failed", "--yes")
        it.is_over(lambda: it.resolved("delivery-exhausted"), "what was given up has arrived")
        assert sink.taken.count(lost.message) == 1, "under the id it had"


@DATA
def test_backup_late(house: Instance, record_property: Record) -> None:
    with drill(house, record_property) as it:
        a_run_of_long_ago(house)
        with database(house) as connection:
            connection.execute("UPDATE ops.backups SET verified_at_utc = NULL")
        alert = it.alerted("backup-late")
        it.follow(alert)
        it.is_over(lambda: it.resolved("backup-late"), "there is a backup")


def second_person(house: Instance) -> str:
    """The key of somebody else."""
    done = house.run("keys", "create", "maria", "--role", "operator", "--reason", "plantão")
    found = re.search(r"atl_[0-9a-f]{12}_[\w-]{43}", done.stdout + done.stderr)
    assert found, done.stderr
    return found[0]


def restored(it: Drill, key: str, waiting: dict[str, Any]) -> None:
    """The runbook `restore` from where it waits for a second person to its end."""
    run_id = waiting["run_id"]
    said = piped(it.house, f"{key}\n", "runbook", "approve", run_id, "--reason", "conferi a lista")
    assert said.returncode == 0, said.stderr
    done = it.house.run(
        "runbook", "resume", run_id, "--reason", "aprovado", "--format", "json", seconds=240
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@DATA
def test_restore(house: Instance, record_property: Record) -> None:
    """A table is gone: what needs it is refused, and the backup has it."""
    with drill(house, record_property) as it:
        a_run_of_long_ago(house)
        key = second_person(house)
        file = a_backup(house)
        with database(house) as connection:
            connection.execute("DROP TABLE silver.dim_territory CASCADE")
        address = it.part("api")["address"]

        def refused() -> bool:
            return httpx.get(f"{address}/v1/territories", timeout=10).status_code == 503

        alert = it.alerted("tables-gone")
        assert refused(), "what needs the table"
        assert alert["arguments"] == {"file": file}
        restored(it, key, it.follow(alert, code=1))
        it.is_over(
            lambda: it.well() and not refused() and it.resolved("tables-gone"), "the table is there"
        )


@DATA
def test_audit_broken(house: Instance, record_property: Record) -> None:
    """Somebody with the database's password changes who did what."""
    with drill(house, record_property) as it:
        a_run_of_long_ago(house)
        key, file = second_person(house), a_backup(house)
        with database(house) as connection:
            connection.execute("ALTER TABLE ops.audit_log DISABLE TRIGGER audit_only_grows")
            connection.execute(
                """UPDATE ops.audit_log SET actor = 'ninguém'
                   WHERE stream = 'access' AND seq = 1"""
            )
            connection.execute("ALTER TABLE ops.audit_log ENABLE ALWAYS TRIGGER audit_only_grows")
        assert house.run("audit", "verify").returncode == 2
        alert = it.alerted("audit-broken")
        it.follow(alert)
        restored(it, key, it.run("restore", "--arg", f"file={file}", code=1))
        it.run("audit-broken", "--cell", "over")
        it.is_over(lambda: it.resolved("audit-broken"), "the chains hold")


@PARTS
def test_daily_check(house: Instance, record_property: Record) -> None:
    """The scheduler is dead, and with it every alert: the watchdog raises, the check names it."""
    with drill(house, record_property) as it:
        it.gone(it.kill("scheduler", signal.SIGKILL))
        it.detected(lambda: it.part("scheduler")["state"] == "down", "seen as down")
        stopped = it.run("daily-check", code=2)
        assert stopped["cells"][0]["status"] == "failed"
        it.runs.clear()  # that one ended as it should: failed
        it.run("daily-check", "--cell", "restart-scheduler")
        it.run("daily-check")
        it.is_over(it.well, "every part is up")


@DATA
def test_disk_full(record_property: Record, tmp_path: Path) -> None:
    """The disk of the data fills up with old backups: a real one, of 300 MB."""
    disk = tmp_path / "data"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300m", "none", str(disk)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"no file system may be mounted here: {made.stderr.strip()}")
    house = Instance(tmp_path / "state", disk)
    try:
        house.up()
        with drill(house, record_property) as it:
            _fill_with_old_backups(house, disk)
            alert = it.alerted("disk-full")
            first = it.follow(alert)
            (plan,) = (cell["output"] for cell in first["cells"] if cell["name"] == "plan")
            named = re.search(r"retention apply ([0-9a-f]{16})", plan)
            assert named, plan
            it.follow(alert, "--arg", f"plan={named[1]}", "--cell", "free", "--yes")
            it.follow(alert, "--cell", "space")
            it.is_over(lambda: it.resolved("disk-full"), "there is room")
    finally:
        house.run("down")
        subprocess.run(["umount", "-l", str(disk)], check=True)


def _fill_with_old_backups(house: Instance, disk: Path) -> None:
    """Two archives of last year, as the list of backups has them, until hardly anything fits."""
    a_run_of_long_ago(house)
    a_backup(house)
    for number in range(2):
        old = disk / f"backups/old-{number}.atl"
        old.write_bytes(os.urandom(1_000_000) * 148)
        with database(house) as connection:
            connection.execute(
                """INSERT INTO ops.backups (backup_id, file, sha256, size, created_at_utc, seconds,
                       row_count, data_hash, actor, trigger)
                   SELECT gen_random_uuid(), %s, sha256, %s, now() - interval '400 days', seconds,
                          row_count, data_hash, actor, trigger
                   FROM ops.backups WHERE verified_at_utc IS NOT NULL LIMIT 1""",
                (str(old), old.stat().st_size),
            )
    usage = os.statvfs(disk)
    assert usage.f_bavail / usage.f_blocks < 0.10, "the disk is all but full"
