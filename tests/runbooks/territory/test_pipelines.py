"""The pipelines by the book: called in Python and on the command line, dry, forced, checked."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import runpy
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from psycopg import sql
from tests.runbooks.territory.conftest import FOLDER, Prepare, Shell, blocks
from tests.sources.ibge import IbgeServer
from tests.sources.server import nobody, silence

from atalaia.domains.territory.manifest import DOMAIN
from atalaia.domains.territory.seed import seed_bundle
from atalaia.kernel.base.database import connect
from atalaia.kernel.base.settings import settings

MODULES = sorted(p.stem for p in (FOLDER / "pipelines").glob("*.py") if p.stem != "__init__")
SYNC = "python scripts/sync_connector_registry.py && python scripts/sync_schema_contracts.py"
MVP_1 = ("ibge_admin", "ibge_geometries", "ibge_indicators", "dbt_build", "quality_suite")


@pytest.fixture
def ibge(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[IbgeServer]:
    with IbgeServer() as server:
        monkeypatch.setenv("SOURCE_IBGE_BASE_URL", server.url)
        yield server


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Import a module of the runbook's folder by name, as Python started there would."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


def rows(query: str) -> list[dict[str, Any]]:
    with connect(autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def state_of_everything() -> dict[str, Any]:
    """The rows of every table and the bytes of every file of the data folder."""
    state: dict[str, Any] = {}
    with connect(autocommit=True) as connection:
        tables = connection.execute(
            """SELECT schemaname, tablename FROM pg_tables
               WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"""
        ).fetchall()
        for table in tables:
            name = sql.Identifier(table["schemaname"], table["tablename"])
            query = sql.SQL(
                "SELECT count(*) AS n, md5(string_agg(t::text, '' ORDER BY t::text)) AS h"
            )
            found = connection.execute(query + sql.SQL(" FROM {} AS t").format(name)).fetchone()
            state[name.as_string()] = (found["n"], found["h"])
    for path in sorted(settings().data_dir.rglob("*")):
        whole = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        state[str(path)] = whole
    return state


def test_there_is_a_module_for_every_job() -> None:
    assert sorted(job.name for job in DOMAIN.jobs) == MODULES
    assert set(MVP_1) <= set(MODULES)


@pytest.mark.row("T-017", "T-018")
@pytest.mark.parametrize("name", MODULES)
def test_every_module_has_the_run_the_runbook_prints(
    name: str, module: Callable[[str], Any]
) -> None:
    run = module(f"pipelines.{name}").run
    parameters = inspect.signature(run).parameters.values()
    assert {p.kind for p in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert {p.name: p.default for p in parameters} == {
        "reference_period": inspect.Parameter.empty,
        "force": False,
        "dry_run": False,
        "max_retries": 3,
        "timeout_seconds": 300,
    }
    with pytest.raises(TypeError):
        run("2025")


@pytest.mark.row("T-017")
def test_run_returns_a_dict_that_is_json(ibge: IbgeServer, module: Callable[[str], Any]) -> None:
    done = module("pipelines.ibge_admin").run(reference_period="2025")
    assert (done["run_status"], done["rows_loaded"] > 0) == ("success", True)
    assert json.loads(json.dumps(done, default=str))["run_id"] == done["run_id"]


@pytest.mark.row("T-023")
@pytest.mark.parametrize("name", MODULES)
def test_every_pipeline_takes_the_three_flags(
    name: str,
    module: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("sys.argv", ["pipelines", "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"pipelines.{name}", run_name="__main__", alter_sys=True)
    assert not ended.value.code
    told = capsys.readouterr().out
    for flag in ("--reference-period", "--dry-run", "--force"):
        assert flag in told


@pytest.mark.row("T-023")
def test_the_flags_are_told_in_a_terminal_too(shell: Shell) -> None:
    done = shell("python -m pipelines.dbt_build --help", COLUMNS="200")
    assert (done.code, "--force" in done.out) == (0, True)


@pytest.mark.row("T-019", "T-020")
def test_a_dry_run_writes_nothing_anywhere(
    ibge: IbgeServer, shell: Shell, prepare: Prepare
) -> None:
    seed_bundle()
    assert prepare("python -m pipelines.ibge_admin --reference-period 2024") == 0
    before, asked = state_of_everything(), len(ibge.hits)
    done = shell(blocks()["dry-run"].text)
    assert done.code == 0, done.err
    assert state_of_everything() == before
    assert len(ibge.hits) == asked
    assert json.loads(done.out)["plan"]["connector"] == "ibge_indicators"


@pytest.mark.row("T-019")
def test_a_dry_run_needs_no_network(
    database: str, prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nobody() as url:
        monkeypatch.setenv("SOURCE_IBGE_BASE_URL", url)
        assert prepare(blocks()["dry-run"].text) == 0


@pytest.mark.row("T-021", "T-123")
def test_the_printed_line_loads_indicators_and_leaves_bronze_by_source(
    ibge: IbgeServer, shell: Shell, prepare: Prepare
) -> None:
    prepare("python -m pipelines.ibge_admin --reference-period 2025")
    line = blocks()["executar"].text
    assert line == "python -m pipelines.ibge_indicators --reference-period 2025"
    done = shell(line)
    assert done.code == 0, done.err
    found = rows(
        """SELECT count(*) AS n FROM silver.fact_indicator
           WHERE source = 'IBGE' AND reference_period = '2025'"""
    )
    assert found[0]["n"] > 0
    kept = sorted(settings().data_dir.glob("bronze/ibge/*/2025/extracted_at=*/manifest.json"))
    assert kept


@pytest.mark.row("T-022")
def test_force_asks_the_source_again_and_without_it_bronze_serves(
    ibge: IbgeServer, shell: Shell, prepare: Prepare
) -> None:
    prepare("python -m pipelines.ibge_admin --reference-period 2025")
    prepare(blocks()["executar"].text)
    asked = len(ibge.hits)
    prepare(blocks()["executar"].text)
    assert len(ibge.hits) == asked
    assert shell(blocks()["forcar"].text).code == 0
    assert len(ibge.hits) > asked


@pytest.mark.row("T-124")
def test_the_operator_sets_the_timeout(ibge: IbgeServer, prepare: Prepare) -> None:
    ibge.misbehave(silence(2.5))
    line = "python -m pipelines.ibge_admin --reference-period 2025 --max-retries 1"
    assert prepare(f"{line} --timeout-seconds 1") != 0
    assert prepare(f"{line} --timeout-seconds 60") == 0
    short, long = rows(
        """SELECT run_status::text AS s, finished_at_utc - started_at_utc AS took
           FROM ops.pipeline_runs ORDER BY started_at_utc"""
    )
    assert (short["s"] in ("failed", "blocked"), long["s"]) == (True, "success")
    assert short["took"] < timedelta(seconds=2) < long["took"]


@pytest.mark.row("T-033")
def test_the_quality_suite_writes_its_checks_under_its_run(
    database: str, shell: Shell, prepare: Prepare
) -> None:
    prepare(SYNC)
    done = shell(blocks()["quality"].text)
    assert done.code == 0, done.err
    found = rows(
        """SELECT r.run_status::text AS s, r.reference_period AS p, count(*) AS n
           FROM ops.pipeline_runs r JOIN ops.pipeline_checks c USING (run_id)
           WHERE r.job_name = 'quality_suite' AND c.check_name LIKE 'check%' GROUP BY 1, 2"""
    )
    assert [(row["s"], row["p"]) for row in found] == [("success", "2025")]
    assert found[0]["n"] >= 8


@pytest.mark.row("T-126")
def test_reloading_with_force_clears_a_fail(
    database: str, shell: Shell, prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nobody() as url:
        monkeypatch.setenv("SOURCE_IBGE_BASE_URL", url)
        seed_bundle()
        prepare(SYNC)
        prepare("python -m pipelines.ibge_admin --reference-period 2024")
        with connect(autocommit=True) as connection:
            connection.execute("DELETE FROM silver.dim_territory WHERE territory_id = '3106200'")
        assert prepare(blocks()["quality"].text) == 2
        (lost,) = rows("SELECT * FROM ops.corrective_actions")
        assert (lost["subject"], lost["closed_at_utc"]) == ("municipalities", None)

        reloaded = shell("python -m pipelines.ibge_admin --reference-period 2024 --force")
        assert reloaded.code == 0, reloaded.err
        assert prepare(blocks()["quality"].text) == 0
    (mended,) = rows("SELECT * FROM ops.corrective_actions")
    assert mended["closed_at_utc"] is not None
    assert rows(blocks()["acoes-corretivas"].text) == []


@pytest.mark.row("T-027")
@pytest.mark.timeout(300)
def test_make_mvp1_runs_the_five_jobs(ibge: IbgeServer, shell: Shell, prepare: Prepare) -> None:
    assert "wave mvp1" in shell("make -n mvp1").out
    prepare(SYNC)
    done = shell(blocks()["mvp1"].text)
    ran = rows("SELECT job_name, run_status::text AS s, error FROM ops.pipeline_runs")
    assert {row["job_name"] for row in ran} == set(MVP_1), done.err
    assert {row["s"] for row in ran} == {"success"}, ran


def test_the_bundle_modules_load_what_is_bundled(
    database: str, prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed_bundle()
    with nobody() as url:
        monkeypatch.setenv("SOURCE_IBGE_BASE_URL", url)
        prepare("python -m pipelines.ibge_admin --reference-period 2024")
    job = DOMAIN.job("funai_villages")
    assert job.default_periods is not None
    period = job.default_periods()[0]
    assert prepare(f"python -m pipelines.funai_villages --reference-period {period}") == 0
    assert rows("SELECT FROM silver.fact_indicator WHERE source = 'FUNAI'")


@pytest.mark.row("T-120", "T-121")
def test_the_printed_queries_of_the_ledger_run(database: str, prepare: Prepare) -> None:
    prepare(blocks()["quality"].text)
    runs = blocks()["runs-do-job"].text
    assert runs == (
        "SELECT * FROM ops.pipeline_runs WHERE job_name='...' ORDER BY started_at_utc DESC LIMIT 5;"
    )
    assert rows(runs) == []
    (found,) = rows(runs.replace("...", "quality_suite"))
    assert found["run_status"] == "success"
    fails = blocks()["checks-fail"].text
    assert fails == (
        "SELECT * FROM ops.pipeline_checks WHERE status='fail' ORDER BY created_at_utc DESC;"
    )
    failed = rows(fails)
    assert failed, "with an empty registry the configured sources are a fail"
    assert {row["status"] for row in failed} == {"fail"}


def test_usage_errors_are_one_message_and_64(database: str, shell: Shell) -> None:
    for line in (
        "python -m pipelines.ibge_admin --reference-period 20x5",
        "python -m pipelines.ibge_admin --no-such-flag",
    ):
        done = shell(line)
        assert (done.code, "Traceback" in done.err) == (64, False)
        assert done.err.strip()
