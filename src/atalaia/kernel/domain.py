"""What a domain is: the manifest every domain fills in, and how its jobs are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import UnknownJob
from atalaia.kernel.base.trace import log
from atalaia.kernel.ingest import pipeline
from atalaia.kernel.ingest.connector import Connector, Table
from atalaia.kernel.keep import audit
from atalaia.kernel.watch import checks
from atalaia.kernel.watch.rules import Rule
from atalaia.kernel.work.job import Job, PeriodKind, Run
from atalaia.kernel.work.runner import whoami
from atalaia.kernel.work.schedule import Scheduled


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """A line of `ops.connector_registry`: planned sources stand here from the first day."""

    connector: str
    job_name: str
    wave: str
    source: str
    status: str  # planned | partial | implemented | retired


@dataclass(frozen=True, slots=True)
class Command:
    """A command at the top, `atalaia files`: 'module:attribute' of it, and its line of help."""

    target: str
    help: str  # pt-BR


@dataclass(frozen=True, kw_only=True)
class Domain:
    """A domain brings its data; operations come built in."""

    name: str
    title: str  # pt-BR
    folder: Path
    jobs: tuple[Job, ...]
    connectors: tuple[Connector, ...]
    registry: tuple[RegistryEntry, ...]
    checks: tuple[checks.Check, ...] = ()
    alerts: tuple[Rule, ...] = ()  # its alert rules, asked beside the platform's own
    tables: Mapping[str, Table] = field(default_factory=dict)  # of jobs that read no source
    thresholds: Path | None = None
    router: str = ""  # 'module:attribute' of a FastAPI router, imported by serve only
    cli: str = ""  # 'module:attribute' of a Typer app, imported by serve only
    commands: Mapping[str, Command] = field(default_factory=dict)  # names it brings to the top
    explain: str = ""  # 'module:attribute' of explain(uri): from a value back to its bytes
    # name → 'module:attribute' of a function that gives a kernel.match.reconciliation.Service:
    # served at /reconcile/{name}, and compared with by `atalaia match --against {name}`
    reconciles: Mapping[str, str] = field(default_factory=dict)
    seed: Callable[[], object] | None = None  # puts bundled files into bronze; repeating adds none
    work: str = ""  # 'module:attribute' of {kind: Handler}: how its work items are done
    schedule: tuple[Scheduled, ...] = ()  # what comes round: work of its kinds, runs of its jobs
    start: str = ""  # 'module:attribute' of f(service): once in each program as it starts; a
    # UsageError says that the domain's configuration is wrong
    round: str = ""  # 'module:attribute' of f(): quick, each time the scheduler goes round
    pipelines: str = ""  # 'module:attribute' of f() -> {name: state}: its part of /health
    incidents: str = ""  # 'module:attribute' of its Voice: how it tells of incidents, whom it calls

    def job(self, name: str) -> Job:
        """The job of that name or alias (`<name>_fetch` is always one). Raises UnknownJob."""
        for job in self.jobs:
            if name in (job.name, f"{job.name}_fetch", *job.aliases):
                return job
        known = ", ".join(sorted(job.name for job in self.jobs))
        raise UnknownJob(f"'{name}' não existe.", todo=f"Jobs conhecidos: {known}.")


def sync_registry(domain: Domain, connection: Connection) -> int:
    """Bring `ops.connector_registry` to what the domain lists; returns the rows that changed. What
    is listed no longer is kept, as retired."""
    listed = [asdict(entry) | {"domain": domain.name} for entry in domain.registry]
    written = connection.execute(
        """INSERT INTO ops.connector_registry AS r
               (connector, job_name, domain, wave, source, status)
           SELECT connector, job_name, domain, wave, source, status
           FROM jsonb_to_recordset(%s) AS listed (connector text, job_name text, domain text,
               wave text, source text, status ops.connector_status)
           ON CONFLICT (connector) DO UPDATE
           SET (job_name, domain, wave, source, status, updated_at_utc) =
               (excluded.job_name, excluded.domain, excluded.wave, excluded.source,
                excluded.status, clock_timestamp())
           WHERE (r.job_name, r.domain, r.wave, r.source, r.status) IS DISTINCT FROM
               (excluded.job_name, excluded.domain, excluded.wave, excluded.source,
                excluded.status)""",
        (Jsonb(listed),),
    ).rowcount
    retired = connection.execute(
        """UPDATE ops.connector_registry
           SET status = 'retired', updated_at_utc = clock_timestamp()
           WHERE domain = %s AND status <> 'retired' AND connector <> ALL(%s)""",
        (domain.name, [entry.connector for entry in domain.registry]),
    ).rowcount
    _record(connection, domain, "registry.synced", written + retired)
    return written + retired


def sync_contracts(domain: Domain, connection: Connection) -> int:
    """Bring `ops.source_schema_contracts` to the domain's connectors and tables; returns how many
    versions were added. A contract that differs from the active one becomes the next version."""
    agreed = [
        (c.name, c.contract.version, c.table, c.contract.as_dict()) for c in domain.connectors
    ]
    agreed += [(name, 1, table, {}) for name, table in domain.tables.items()]
    added = sum(_sync_contract(connection, *contract) for contract in agreed)
    _record(connection, domain, "contracts.synced", added)
    return added


def _record(connection: Connection, domain: Domain, action: str, changed: int) -> None:
    """One record of the audit log, when anything changed at all."""
    if changed:
        audit.append(
            connection,
            stream="catalog",
            action=action,
            actor=whoami(),
            trigger="up",
            subject=domain.name,
            details={"changed": changed},
        )


def _sync_contract(
    connection: Connection, name: str, version: int, table: Table, payload: dict[str, Any]
) -> int:
    agreed = {
        "connector": name,
        "version": version,
        "table": table.name,
        "columns": Jsonb({**table.types, "run_id": "uuid"}),
        "payload": Jsonb(payload),
    }
    ended = connection.execute(
        """UPDATE ops.source_schema_contracts SET active = false
           WHERE connector = %(connector)s AND active
             AND (table_name, columns, payload) <> (%(table)s, %(columns)s, %(payload)s)""",
        agreed,
    ).rowcount
    added = connection.execute(
        """INSERT INTO ops.source_schema_contracts
               (connector, version, table_name, columns, payload)
           SELECT %(connector)s, greatest(%(version)s, coalesce(max(version), 0) + 1),
                  %(table)s, %(columns)s, %(payload)s
           FROM ops.source_schema_contracts WHERE connector = %(connector)s
           HAVING NOT coalesce(bool_or(active), false)""",
        agreed,
    ).rowcount
    if ended:
        log("WARNING", "a contract changed: its new version is active", connector=name)
    return added


@dataclass(frozen=True, slots=True)
class Broken:
    """A domain that did not load, and why. It is listed and shows red."""

    name: str
    reason: str


def installed() -> tuple[list[Domain], list[Broken]]:
    """Every domain registered under the entry point `atalaia.domains`, and those that broke."""
    good: list[Domain] = []
    broken: list[Broken] = []
    for entry in sorted(entry_points(group="atalaia.domains"), key=lambda e: e.name):
        try:
            good.append(entry.load())
        except Exception as error:
            broken.append(Broken(entry.name, f"{type(error).__name__}: {error}"))
    return good, broken


def connector_job(
    connector: Connector,
    *,
    domain: str,
    title: str,
    wave: str,
    default_periods: Callable[[], Sequence[str]] | None = None,
    period_kind: PeriodKind | None = None,
    after: Callable[[Run], None] = lambda _run: None,
) -> Job:
    """The job of one connector: ingest, then the checks every run must have."""

    def body(run: Run) -> None:
        pipeline.ingest(connector, run)
        after(run)
        with run.step("checks"):
            checks.record(run, checks.after_load(run))

    return Job(
        name=connector.name,
        domain=domain,
        title=title,
        body=body,
        wave=wave,
        plan=lambda run: pipeline.plan(connector, run),
        source=connector.source,
        default_periods=default_periods,
        period_kind=period_kind,
    )
