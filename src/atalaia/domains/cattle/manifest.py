"""What the domain cattle brings: files of feeding software, in five layouts."""

from __future__ import annotations

from pathlib import Path

from atalaia.domains.cattle import alerts, limits, maintenance
from atalaia.domains.cattle.loading import CONNECTORS, JOBS
from atalaia.kernel.domain import Command, Domain, RegistryEntry

DOMAIN = Domain(
    name="cattle",
    title="Conecta Boi",
    folder=Path(__file__).parent,
    jobs=(*JOBS, *maintenance.JOBS),
    connectors=CONNECTORS,
    registry=tuple(
        RegistryEntry(one.name, one.name, "cattle", one.source, "implemented") for one in CONNECTORS
    ),
    thresholds=limits.FILE,
    alerts=alerts.RULES,
    work="atalaia.domains.cattle.work:HANDLERS",
    schedule=maintenance.SCHEDULE,
    router="atalaia.domains.cattle.api:router",
    explain="atalaia.domains.cattle.deviations:explain",
    cli="atalaia.domains.cattle.cli:app",
    commands={"files": Command("atalaia.domains.cattle.cli_files:files", "Arquivos de trato.")},
    start="atalaia.domains.cattle.watching:start",
    round="atalaia.domains.cattle.watching:go_round",
    pipelines="atalaia.domains.cattle.watching:pipelines",
    incidents="atalaia.domains.cattle.incident:VOICE",
)
