"""The manifest: the jobs as Python calls them, the registry and the contracts in the database."""

from __future__ import annotations

import inspect
from dataclasses import replace
from importlib import import_module

import pytest
from tests.domains.territory.conftest import Territory

from atalaia.domains.territory.checks import THRESHOLDS
from atalaia.domains.territory.manifest import DOMAIN
from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.errors import UnknownJob
from atalaia.kernel.domain import installed, sync_contracts, sync_registry
from atalaia.kernel.ingest.contract import Column, Contract
from atalaia.kernel.watch.checks import read_limits
from atalaia.kernel.work.job import Job
from atalaia.kernel.work.runner import as_function

WAVES = {
    "MVP-1": "ibge_admin ibge_geometries ibge_indicators dbt_build quality_suite",
    "MVP-2": "tse_catalog tse_electorate tse_results",
    "MVP-3": "datasus inep siconfi mte_labor",
    "MVP-4": "sidra_indicators senatran_fleet sejusp_mg siops snis",
    "MVP-5": "inmet inpe_queimadas ana anatel aneel",
}
OF_THE_WAVES = {name for names in WAVES.values() for name in names.split()}


def test_the_territory_is_installed_like_any_other_domain() -> None:
    good, broken = installed()
    assert DOMAIN in good
    assert "territory" not in [found.name for found in broken]


@pytest.mark.row("T-017")
@pytest.mark.parametrize("job", DOMAIN.jobs, ids=lambda job: job.name)
def test_every_job_is_the_function_the_runbook_prints(job: Job) -> None:
    printed = (
        "(*, reference_period: str, force: bool = False, dry_run: bool = False, "
        "max_retries: int = 3, timeout_seconds: int = 300) -> dict"
    )
    assert str(inspect.signature(as_function(job))) == printed


@pytest.mark.row("T-017", "T-018")
@pytest.mark.parametrize("name", ["ibge_admin", "ibge_geometries", "ibge_indicators"])
def test_run_of_a_module(territory: Territory, name: str) -> None:
    run = import_module(f"atalaia.domains.territory.sources.{name}").run
    assert inspect.signature(run) == inspect.signature(as_function(DOMAIN.job(name)))
    assert isinstance(run(reference_period="2025", dry_run=True), dict)
    with pytest.raises(TypeError):
        run("2025")
    with pytest.raises(TypeError):
        run("2025", dry_run=True)


def test_jobs_are_found_by_name_and_alias() -> None:
    for job in DOMAIN.jobs:
        assert DOMAIN.job(job.name) is DOMAIN.job(f"{job.name}_fetch") is job
    with pytest.raises(UnknownJob, match="ibge_admin"):
        DOMAIN.job("ibge_adm")


def test_what_is_bundled_is_run_by_default() -> None:
    periods = {job.name: list(job.default_periods()) for job in DOMAIN.jobs if job.default_periods}
    assert periods["ibge_admin"] == ["2024"]
    assert periods["ibge_geometries"] == ["2007"]
    assert periods["registro_civil_deaths"] == [str(year) for year in range(2015, 2021)]
    names = [job.name for job in DOMAIN.jobs]
    assert names.index("ibge_admin") < names.index("ibge_geometries")


@pytest.mark.row("T-008")
def test_the_registry_lists_every_connector_and_a_rerun_adds_none(territory: Territory) -> None:
    with transaction() as connection:
        assert sync_registry(DOMAIN, connection) == len(DOMAIN.registry)
    rows = "SELECT * FROM ops.connector_registry ORDER BY connector"
    first = territory.rows(rows)
    with transaction() as connection:
        assert sync_registry(DOMAIN, connection) == 0
    assert territory.rows(rows) == first
    for wave, names in WAVES.items():
        listed = {row["connector"] for row in first if row["wave"] == wave}
        assert listed == set(names.split())
    assert len(OF_THE_WAVES) == 22
    jobs = {job.name for job in DOMAIN.jobs}
    for row in first:
        assert row["status"] == ("implemented" if row["connector"] in jobs else "planned")
        assert row["job_name"] == row["connector"]
    assert jobs <= {row["connector"] for row in first}


def test_every_source_with_a_limit_is_listed() -> None:
    limits = read_limits(THRESHOLDS).section("fact_indicator_source_rows")
    wanted = {name.removeprefix("min_rows_").upper() for name in limits if "min_rows" in name}
    assert wanted <= {entry.source for entry in DOMAIN.registry}


def test_what_is_listed_no_longer_is_kept_as_retired(territory: Territory) -> None:
    shorter = replace(DOMAIN, registry=DOMAIN.registry[1:])
    gone = DOMAIN.registry[0].connector
    with transaction() as connection:
        sync_registry(DOMAIN, connection)
        assert sync_registry(shorter, connection) == 1
        assert sync_registry(shorter, connection) == 0
    status = "SELECT status::text FROM ops.connector_registry WHERE connector = %s"
    assert territory.rows(status, gone) == [{"status": "retired"}]
    with transaction() as connection:
        assert sync_registry(DOMAIN, connection) == 1
    assert territory.rows(status, gone) == [{"status": "implemented"}]


@pytest.mark.row("T-009")
def test_every_implemented_connector_has_one_active_contract(territory: Territory) -> None:
    with transaction() as connection:
        sync_registry(DOMAIN, connection)
        assert sync_contracts(DOMAIN, connection) == len(DOMAIN.connectors) + len(DOMAIN.tables)
    contracts = "SELECT * FROM ops.source_schema_contracts ORDER BY connector, version"
    first = territory.rows(contracts)
    with transaction() as connection:
        assert sync_contracts(DOMAIN, connection) == 0
    assert territory.rows(contracts) == first
    (lacking,) = territory.rows(
        """SELECT array_agg(r.connector) FILTER (WHERE active <> 1) AS connectors, count(*) AS n
           FROM (SELECT connector, count(*) FILTER (WHERE c.active) AS active
                 FROM ops.connector_registry
                 LEFT JOIN ops.source_schema_contracts c USING (connector)
                 WHERE status IN ('implemented', 'partial') GROUP BY connector) AS r"""
    )
    assert lacking == {"connectors": None, "n": len(DOMAIN.jobs)}


@pytest.mark.row("R-034")
def test_a_sync_that_changed_something_is_recorded_once(territory: Territory) -> None:
    for _ in range(2):
        with transaction() as connection:
            sync_registry(DOMAIN, connection)
            sync_contracts(DOMAIN, connection)
    found = territory.rows(
        """SELECT action, subject, (details ->> 'changed')::int AS changed FROM ops.audit_log
           WHERE stream = 'catalog' ORDER BY seq"""
    )
    assert [tuple(row.values()) for row in found] == [
        ("registry.synced", "territory", len(DOMAIN.registry)),
        ("contracts.synced", "territory", len(DOMAIN.connectors) + len(DOMAIN.tables)),
    ]


def test_a_changed_contract_is_a_new_version(territory: Territory) -> None:
    connector = DOMAIN.connectors[0]
    datasets = {**connector.contract.datasets, "other": {"x": Column()}}
    changed = replace(connector, contract=Contract(version=1, datasets=datasets))
    with transaction() as connection:
        sync_contracts(DOMAIN, connection)
        assert sync_contracts(replace(DOMAIN, connectors=(changed,)), connection) == 1
    versions = territory.rows(
        "SELECT version, active, payload ? 'other' AS other FROM ops.source_schema_contracts "
        "WHERE connector = %s ORDER BY version",
        connector.name,
    )
    assert [tuple(row.values()) for row in versions] == [(1, False, False), (2, True, True)]


def test_a_version_that_is_skipped_in_code_is_skipped_in_the_database(
    territory: Territory,
) -> None:
    connector = DOMAIN.connectors[0]
    contract = Contract(version=7, datasets={"other": {"x": Column()}})
    with transaction() as connection:
        sync_contracts(DOMAIN, connection)
        sync_contracts(
            replace(DOMAIN, connectors=(replace(connector, contract=contract),)), connection
        )
    (active,) = territory.rows(
        "SELECT version FROM ops.source_schema_contracts WHERE connector = %s AND active",
        connector.name,
    )
    assert active == {"version": 7}


def test_the_contracts_are_what_the_catalog_says(territory: Territory) -> None:
    """No drift on the day a table is made: names and types as PostgreSQL spells them."""
    with transaction() as connection:
        sync_registry(DOMAIN, connection)
        sync_contracts(DOMAIN, connection)
    (drift,) = (check for check in DOMAIN.checks if check.name == "check_source_schema_drift")
    with connect() as connection:
        answers = list(drift.ask(connection, read_limits(THRESHOLDS)))
    assert [answer.status for answer in answers] == ["pass"] * 3
