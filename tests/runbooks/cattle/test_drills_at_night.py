"""The four scenarios of the cattle runbook: put in, detected within 60 s with the right severity
and action, recovered within 2 minutes by what the alert printed and nothing else."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.runbooks.platform.drills import Drill, Record, drill
from tests.serve.local.conftest import Instance

from atalaia.serve.local.layout import read_env

pytestmark = [pytest.mark.timeout(600), pytest.mark.night("cattle-drills")]
HEAD = "data;trato;curral;lote;qtd_animais;previsto_kg;realizado_kg\n"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """The whole product, watching once a second."""
    folder = tmp_path_factory.mktemp("cattle")
    config = folder / "config.json"
    config.write_text(json.dumps({"alerts": {"slow_baseline_files": 3}}))
    found = Instance(folder / "state", folder / "data")
    found.up({"CATTLE_CONFIG_FILE": str(config), "WATCH_SECONDS": "1"})
    try:
        yield found
    finally:
        found.run("down")


def send(house: Instance, tmp_path: Path, name: str, body: str) -> None:
    """Bring a file as the command line would."""
    source = tmp_path / name
    source.write_text(body)
    code = (
        "from pathlib import Path\n"
        "from atalaia.domains.cattle.service import Bringer, receive\n"
        f"receive(Path({str(source)!r}), {name!r}, Bringer('default', 'ana', 'cli', 'cli'))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], env=house.environment(read_env(house.state / "env")),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def change(house: Instance, statement: str) -> None:
    """A statement on the instance's database; times are left as they are written."""
    url = read_env(house.state / "env")["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement.encode())


def ended(it: Drill, status: str = "loaded") -> bool:
    """Whether every file has ended so."""
    found = it.rows("SELECT status::text FROM etl.etl_file")
    return bool(found) and all(one["status"] == status for one in found)


@pytest.mark.row("R-103", "B-027", "B-010")
def test_a_pipeline_that_stopped(house: Instance, record_property: Record, tmp_path: Path) -> None:
    with drill(house, record_property) as it:
        it.gone(it.kill("worker", signal.SIGKILL))
        send(house, tmp_path, "a.csv", HEAD + "01/03/2026;1;C-1;L-1;100;1000,5;1010,5\n")
        change(house, "UPDATE etl.etl_file SET uploaded_at = now() - interval '31 minutes'")
        alert = it.alerted("etl-idle")
        assert (alert["severity"], alert["runbook"]) == ("critical", "cattle/pipeline-stopped")
        it.follow(alert)
        it.is_over(lambda: ended(it) and it.resolved("etl-idle"), "the file and the alert")


@pytest.mark.row("R-103", "B-034", "B-036")
def test_a_high_rate_of_errors(house: Instance, record_property: Record) -> None:
    """Files put aside by a connection that failed, the network being back."""
    with drill(house, record_property) as it:
        _dead(house, files=1)
        alert = it.alerted("etl-error-rate")
        assert (alert["severity"], alert["runbook"]) == ("high", "cattle/error-rate")
        assert "Conexão: Verificar a conectividade de rede." in alert["says"]
        it.follow(alert)
        it.is_over(lambda: it.resolved("etl-error-rate"), "the alert")


@pytest.mark.row("R-103", "B-037", "B-039")
def test_a_full_dead_letter_queue(house: Instance, record_property: Record) -> None:
    with drill(house, record_property) as it:
        _dead(house, files=1, letters=101)
        alert = it.alerted("etl-dlq")
        assert (alert["severity"], alert["runbook"]) == ("normal", "cattle/dlq-full")
        it.follow(alert)
        it.is_over(lambda: it.resolved("etl-dlq"), "the alert")


@pytest.mark.row("R-103", "B-043", "B-046")
def test_a_degraded_performance(house: Instance, record_property: Record, tmp_path: Path) -> None:
    """Another session holds the layout's table."""
    with drill(house, record_property) as it:
        change(
            house,
            """INSERT INTO etl.etl_file (filename, status, state, layout, uploaded_at,
                   processing_started_at, completed_at)
               SELECT 'old.csv', 'loaded', 'loaded', 'trato_curral', t, t, t + interval '2 seconds'
               FROM (SELECT now() - interval '3 days' AS t) x, generate_series(1, 5)""",
        )
        url = read_env(house.state / "env")["DATABASE_URL"]
        with psycopg.connect(url) as holder:
            holder.execute("LOCK TABLE etl.trato_curral IN ACCESS EXCLUSIVE MODE")
            send(house, tmp_path, "slow.csv", HEAD + "02/03/2026;1;C-2;L-1;100;1000,5;1010,5\n")
            alert = it.alerted("etl-slow", "trato_curral")
            assert (alert["severity"], alert["runbook"]) == ("normal", "cattle/slow")
            assert alert["arguments"] == {"layout": "trato_curral"}
            it.follow(alert, "--yes")
            it.is_over(lambda: ended(it), "the file that waited")
            with pytest.raises(psycopg.Error):
                holder.execute("SELECT 1")


def _dead(house: Instance, *, files: int, letters: int = 1) -> None:
    """Files in error of a connection, and the dead letters of their work."""
    change(
        house,
        f"""WITH f AS (
                UPDATE etl.etl_file SET status = 'error', state = 'failed',
                    error_message = 'a rede caiu', error_class = 'connection',
                    completed_at = now(), updated_at = now()
                WHERE id IN (SELECT id FROM etl.etl_file WHERE bronze_id IS NOT NULL
                             AND duplicate_of IS NULL ORDER BY seq LIMIT {files})
                RETURNING id),
            b AS (
                INSERT INTO ops.batches (batch_id, tenant_id, kind, request_sha256, total, actor,
                                         trigger, trace_id)
                SELECT gen_random_uuid(), 'default', 'cattle.file', '', 1, 'ana', 'cli', 't'
                FROM generate_series(1, {letters}) RETURNING batch_id),
            i AS (
                INSERT INTO ops.work_items (batch_id, position, kind, payload, status, attempt,
                                            max_attempts, finished_at)
                SELECT b.batch_id, 0, 'cattle.file', jsonb_build_object('file_id', f.id), 'dead', 3,
                       3, now() FROM b, (SELECT id FROM f LIMIT 1) f RETURNING item_id, payload)
            INSERT INTO ops.dead_letters (domain, entity_type, entity_id, error_type, reason,
                                          payload, item_id)
            SELECT 'cattle', 'cattle.file', item_id::text, 'transient', 'a rede caiu', payload,
                   item_id FROM i""",
    )


def test_evidence_of_each_is_kept(house: Instance) -> None:
    """The drills above ended with their runs in the tables; here they are counted."""
    url = read_env(house.state / "env")["DATABASE_URL"]
    with psycopg.connect(url) as connection:
        found: Any = connection.execute(
            "SELECT count(DISTINCT runbook) FROM ops.runbook_runs WHERE status = 'succeeded'"
        ).fetchone()
    assert found[0] >= 4
