"""What the domain equivalence brings: a service. It reads no source and has no jobs."""

from __future__ import annotations

from pathlib import Path

from atalaia.domains.equivalence.rules import RULES
from atalaia.domains.equivalence.seed import seed
from atalaia.kernel.domain import Domain

DOMAIN = Domain(
    name="equivalence",
    title="Equivalência de disciplinas",
    folder=Path(__file__).parent,
    jobs=(),
    connectors=(),
    registry=(),
    alerts=RULES,
    cli="atalaia.domains.equivalence.cli:app",
    router="atalaia.domains.equivalence.api:ROUTER",
    work="atalaia.domains.equivalence.batch:WORK",
    seed=seed,
)
