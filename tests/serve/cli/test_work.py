"""run, wave, cancel: the plan that is executed is the one that was read; exit codes are true."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.serve.cli.conftest import Run
from tests.sources.ibge import IbgeServer
from tests.sources.server import nobody, silence

from atalaia.domains.territory.seed import seed_bundle
from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.settings import settings
from atalaia.kernel.domain import sync_contracts, sync_registry
from atalaia.serve import catalog

ADMIN = ("run", "ibge_admin", "--reference-period", "2024")


@pytest.fixture(autouse=True)
def _nothing_outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Outside is away at once, whatever network this machine has."""
    with nobody() as url:
        monkeypatch.setenv("SOURCE_IBGE_BASE_URL", url)
        yield


def ledger() -> list[dict[str, Any]]:
    """Every run, oldest first."""
    with connect(autocommit=True) as connection:
        return connection.execute(
            "SELECT * FROM ops.pipeline_runs ORDER BY started_at_utc"
        ).fetchall()


def files() -> list[Path]:
    """All that stands in the data folder."""
    return [path for path in settings().data_dir.rglob("*") if path.is_file()]


@pytest.fixture
def plan(here: Run, database: str, tmp_path: Path) -> Path:
    """A plan for ibge_admin, made before anything is in bronze."""
    said = here(*ADMIN, "--dry-run", "--max-retries", "1", "--format", "json")
    assert said.code == 0
    file = tmp_path / "plan.json"
    file.write_text(said.out, encoding="utf-8")
    return file


def test_a_dry_run_says_what_it_would_do_and_does_nothing(plan: Path) -> None:
    said = json.loads(plan.read_text(encoding="utf-8"))
    assert said["run_status"] == "dry_run"
    assert said["plan"]["table"] == "silver.dim_territory"
    assert said["options"] == {"force": False, "max_retries": 1, "timeout_seconds": 300}
    assert ledger() == []
    assert files() == []


def test_a_plan_that_still_holds_is_executed_with_its_options(here: Run, plan: Path) -> None:
    said = here("run", "ibge_admin", "--plan", str(plan), "--reason", "ensaio")
    assert said.code == 1, "nothing in any layer of the cascade: blocked"
    (run,) = ledger()
    assert (run["run_status"], run["reference_period"]) == ("blocked", "2024")
    assert (run["trigger"], run["reason"], run["attempt"]) == ("cli", "ensaio", 1)


def test_a_plan_that_holds_no_more_is_refused(here: Run, plan: Path) -> None:
    seed_bundle()
    said = here("run", "ibge_admin", "--plan", str(plan))
    assert (said.code, said.out) == (64, "")
    assert "O plano mudou" in said.err
    assert "bronze" in said.err
    assert ledger() == []


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"job_name": "ibge_geometries"}, "ibge_geometries"),
        ({"reference_period": "2024-13"}, "2024-13"),
        ({"plan": None}, "O plano mudou"),
        ({"options": {}}, "não é um plano"),
    ],
)
def test_a_plan_that_was_tampered_with_is_refused(
    here: Run, plan: Path, change: dict[str, Any], about: str
) -> None:
    plan.write_text(json.dumps(json.loads(plan.read_text()) | change), encoding="utf-8")
    said = here("run", "ibge_admin", "--plan", str(plan))
    assert (said.code, said.out) == (64, "")
    assert about in said.err
    assert ledger() == []


def test_success_is_0_and_the_same_run_elsewhere_is_1(here: Run, database: str) -> None:
    seed_bundle()
    said = here(*ADMIN, "--format", "json")
    done = json.loads(said.out)
    assert (said.code, done["run_status"]) == (0, "success")
    assert done["rows_read"] == done["rows_loaded"] + done["rows_rejected"] + done["rows_duplicate"]
    assert done["rows_loaded"] > 5000
    with connect(autocommit=True) as holder:
        holder.execute("SELECT pg_advisory_lock(hashtextextended('ibge_admin:2024', 0))")
        busy = here(*ADMIN)
    assert (busy.code, busy.out) == (1, "")
    assert "já está rodando" in busy.err
    assert len(ledger()) == 1


def test_a_wave_goes_on_past_a_source_that_fails(here: Run, database: str) -> None:
    said = here("wave", "mvp1", "--dry-run", "--format", "json")
    jobs = ["ibge_admin", "ibge_geometries", "ibge_indicators", "dbt_build", "quality_suite"]
    planned = json.loads(said.out)
    assert list(dict.fromkeys(run["job_name"] for run in planned)) == jobs
    assert {run["run_status"] for run in planned} == {"dry_run"}
    assert ledger() == []
    empty = here("wave", "MVP-2", "--format", "json")
    assert (empty.code, json.loads(empty.out)) == (1, [])
    assert "MVP-2" in empty.err


def test_a_cancelled_run_says_so_and_loads_nothing(
    here: Run, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with IbgeServer() as ibge:
        ibge.misbehave(silence(3))
        running = subprocess.Popen(
            [sys.executable, "-m", "atalaia.serve.cli", *ADMIN, "--format", "json"],
            env={**os.environ, "SOURCE_IBGE_BASE_URL": ibge.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        end = time.monotonic() + 30
        while not ibge.hits and time.monotonic() < end:
            time.sleep(0.05)
        (run,) = ledger()
        assert here("cancel", str(run["run_id"]), "--reason", "teste").code == 0
        out, err = running.communicate(timeout=60)
    assert running.returncode == 1, err
    assert json.loads(out)["run_status"] == "cancelled"
    (run,) = ledger()
    assert (run["run_status"], run["rows_loaded"]) == ("cancelled", 0)
    assert "teste" in run["reason"]


def test_quality_is_1_with_warnings_and_2_with_a_failure(here: Run, database: str) -> None:
    for domain in catalog.domains():
        with transaction() as connection:
            sync_registry(domain, connection)
            sync_contracts(domain, connection)
    fresh = here("quality", "--format", "json")
    statuses = {check["status"] for check in json.loads(fresh.out)}
    assert (fresh.code, statuses <= {"pass", "warn"}, "warn" in statuses) == (1, True, True)
    seed_bundle()
    assert here(*ADMIN).code == 0
    with connect(autocommit=True) as connection:
        connection.execute("DELETE FROM silver.dim_territory WHERE territory_id = '3106200'")
    broken = here("quality", "--format", "json")
    assert broken.code == 2
    assert "fail" in {check["status"] for check in json.loads(broken.out)}
    assert here("run", "quality_suite").code == 2
