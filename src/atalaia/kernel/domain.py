"""What a domain is: the manifest every domain fills in, and how its jobs are put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from atalaia.kernel.base.errors import UnknownJob
from atalaia.kernel.ingest import pipeline
from atalaia.kernel.ingest.connector import Connector
from atalaia.kernel.watch import checks
from atalaia.kernel.work.job import Job, Run


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """A line of `ops.connector_registry`: planned sources stand here from the first day."""

    connector: str
    job_name: str
    wave: str
    source: str
    status: str  # planned | partial | implemented | retired


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
    thresholds: Path | None = None
    router: str = ""  # 'module:attribute' of a FastAPI router, imported by serve only
    cli: str = ""  # 'module:attribute' of a Typer app, imported by serve only

    def job(self, name: str) -> Job:
        """The job of that name or alias (`<name>_fetch` is always one). Raises UnknownJob."""
        for job in self.jobs:
            if name in (job.name, f"{job.name}_fetch", *job.aliases):
                return job
        known = ", ".join(sorted(job.name for job in self.jobs))
        raise UnknownJob(f"There is no job '{name}'.", todo=f"Known jobs: {known}.")


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
    )
