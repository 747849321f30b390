"""What the domain territory brings: its jobs, its connectors, and the waves they come in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from atalaia.domains.territory import bundle
from atalaia.domains.territory.checks import CHECKS, THRESHOLDS, quality_suite
from atalaia.domains.territory.checks import DOMAIN as NAME
from atalaia.domains.territory.gold import JOB as DBT_BUILD
from atalaia.domains.territory.seed import seed_bundle
from atalaia.domains.territory.sources import ibge_admin, ibge_geometries, ibge_indicators
from atalaia.domains.territory.sources.funai_villages import FUNAI_VILLAGES
from atalaia.domains.territory.sources.ipea_minimum_wage import IPEA_MINIMUM_WAGE
from atalaia.domains.territory.sources.mpa_fishers import MPA_FISHERS
from atalaia.domains.territory.sources.registro_civil_deaths import REGISTRO_CIVIL_DEATHS
from atalaia.kernel.domain import Domain, RegistryEntry, connector_job
from atalaia.kernel.ingest.connector import Connector, Table
from atalaia.kernel.work.job import Job

# Every connector of the five waves, from the first day: (connector, wave, source). A job that
# reads no source has none.
_WAVES = (
    ("ibge_admin", "MVP-1", "IBGE"),
    ("ibge_geometries", "MVP-1", "IBGE"),
    ("ibge_indicators", "MVP-1", "IBGE"),
    ("dbt_build", "MVP-1", ""),
    ("quality_suite", "MVP-1", ""),
    ("tse_catalog", "MVP-2", "TSE"),
    ("tse_electorate", "MVP-2", "TSE"),
    ("tse_results", "MVP-2", "TSE"),
    ("datasus", "MVP-3", "DATASUS"),
    ("inep", "MVP-3", "INEP"),
    ("siconfi", "MVP-3", "SICONFI"),
    ("mte_labor", "MVP-3", "MTE"),
    ("sidra_indicators", "MVP-4", "SIDRA"),
    ("senatran_fleet", "MVP-4", "SENATRAN"),
    ("sejusp_mg", "MVP-4", "SEJUSP_MG"),
    ("siops", "MVP-4", "SIOPS"),
    ("snis", "MVP-4", "SNIS"),
    ("inmet", "MVP-5", "INMET"),
    ("inpe_queimadas", "MVP-5", "INPE_QUEIMADAS"),
    ("ana", "MVP-5", "ANA"),
    ("anatel", "MVP-5", "ANATEL"),
    ("aneel", "MVP-5", "ANEEL"),
)
_BUNDLE_WAVE = "bundle"  # sources that are only bundled: no wave of the runbook has them
_BUNDLED = (
    (REGISTRO_CIVIL_DEATHS, "Óbitos registrados em cartório, por município e mês"),
    (FUNAI_VILLAGES, "Aldeias indígenas ativas, por município"),
    (MPA_FISHERS, "Pescadores profissionais registrados, por município"),
    (IPEA_MINIMUM_WAGE, "Salário mínimo, por mês"),
)


def _bundled_periods(connector: Connector) -> Callable[[], Sequence[str]]:
    def periods() -> list[str]:
        held = (
            resource.reference_period
            for resource in bundle.resources()
            if resource.source == connector.folder and resource.dataset in connector.datasets
        )
        return sorted(set(held))

    return periods


def _bundled_job(connector: Connector, title: str) -> Job:
    return connector_job(
        connector,
        domain=NAME,
        title=title,
        wave=_BUNDLE_WAVE,
        default_periods=_bundled_periods(connector),
    )


CONNECTORS = (
    ibge_admin.CONNECTOR,
    ibge_geometries.CONNECTOR,
    ibge_indicators.CONNECTOR,
    *(connector for connector, _ in _BUNDLED),
)
JOBS = (
    ibge_admin.JOB,
    ibge_geometries.JOB,
    ibge_indicators.JOB,
    *(_bundled_job(connector, title) for connector, title in _BUNDLED),
    DBT_BUILD,
    quality_suite(),
)
# What the jobs that read no source write: their side of the contract.
TABLES = {
    "dbt_build": Table(
        name="gold.indicator_derived",
        types={
            "territory_id": "text",
            "indicator_code": "text",
            "reference_period": "text",
            "source": "text",
            "dataset": "text",
            "category": "text",
            "value": "numeric",
            "unit": "text",
            "baseline": "numeric",
            "coverage": "numeric",
            "note": "text",
            "method": "text",
        },
        key=(
            "indicator_code",
            "reference_period",
            "territory_id",
            "source",
            "dataset",
            "category",
        ),
    ),
    "quality_suite": Table(
        name="ops.pipeline_checks",
        types={
            "check_id": "bigint",
            "check_name": "text",
            "subject": "text",
            "status": "check_status",
            "observed": "text",
            "threshold": "text",
            "details": "jsonb",
            "created_at_utc": "timestamp with time zone",
        },
        key=("check_id",),
    ),
}


def _registry() -> tuple[RegistryEntry, ...]:
    """Every connector of the waves and of the bundle. What has a job is implemented."""
    built = {job.name for job in JOBS}
    listed = [*_WAVES, *((c.name, _BUNDLE_WAVE, c.source) for c, _ in _BUNDLED)]
    return tuple(
        RegistryEntry(
            connector=name,
            job_name=name,
            wave=wave,
            source=source,
            status="implemented" if name in built else "planned",
        )
        for name, wave, source in listed
    )


DOMAIN = Domain(
    name=NAME,
    title="Território",
    folder=Path(__file__).parent,
    jobs=JOBS,
    connectors=CONNECTORS,
    registry=_registry(),
    checks=CHECKS,
    tables=TABLES,
    thresholds=THRESHOLDS,
    explain="atalaia.domains.territory.service:explain",
    reconciles={"municipalities": "atalaia.domains.territory.reconciliation:municipalities"},
    seed=seed_bundle,
    router="atalaia.domains.territory.api:router",
)
