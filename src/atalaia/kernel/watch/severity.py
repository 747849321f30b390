"""How bad it is: one scale, and what each system's ladder calls each step of it (X-27).

The seeds have three ladders: SEV-1…SEV-4, P1…P4, and critical/high/normal with the words Crítico,
Alto, Médio. The last has three steps: its lowest stands for both of ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from atalaia.kernel.base.errors import UsageError

Ladder = Literal["sev", "p", "level"]


class Severity(StrEnum):
    """Worst last; `rank` compares."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the least."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Names:
    """What the three ladders call one step: `word` is the third one's on screen, in pt-BR."""

    sev: str
    p: str
    level: str
    word: str


NAMES: dict[Severity, Names] = {
    Severity.CRITICAL: Names("SEV-1", "P1", "critical", "Crítico"),
    Severity.HIGH: Names("SEV-2", "P2", "high", "Alto"),
    Severity.NORMAL: Names("SEV-3", "P3", "normal", "Médio"),
    Severity.LOW: Names("SEV-4", "P4", "normal", "Médio"),
}


def severity_of(name: str) -> Severity:
    """The step a name of any ladder stands for: 'P2', 'SEV-2', 'high' and 'Alto' are the same. The
    third ladder's lowest is our normal. Raises UsageError."""
    wanted = name.strip().casefold()
    for step, names in NAMES.items():
        known = (step.value, names.sev, names.p, names.level, names.word)
        if wanted in (one.casefold() for one in known):
            return step
    listed = ", ".join(f"{n.sev} = {n.p} = {step}" for step, n in NAMES.items())
    raise UsageError(f"'{name}' não é uma severidade. Nada foi mudado.", todo=f"Há: {listed}.")
