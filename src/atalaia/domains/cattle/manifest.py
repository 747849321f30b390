"""What the domain cattle brings: files of feeding software, in five layouts."""

from __future__ import annotations

from pathlib import Path

from atalaia.domains.cattle import limits
from atalaia.domains.cattle.loading import CONNECTORS, JOBS
from atalaia.kernel.domain import Domain, RegistryEntry

DOMAIN = Domain(
    name="cattle",
    title="Conecta Boi",
    folder=Path(__file__).parent,
    jobs=JOBS,
    connectors=CONNECTORS,
    registry=tuple(
        RegistryEntry(one.name, one.name, "cattle", one.source, "implemented") for one in CONNECTORS
    ),
    thresholds=limits.FILE,
    work="atalaia.domains.cattle.work:HANDLERS",
)
