"""What a likeness is worth, for each embedding model that was measured on the tuning pairs.

A model that was not measured may raise a doubt and never covers anything: its similarities mean
something else. `benchmarks/equivalence_fit.py` fits one; `docs/equivalence-engine.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import yaml
from numpy.typing import NDArray

from atalaia.kernel.match.likeness import FEATURES

_FILE = Path(__file__).with_name("calibration.yml")


@dataclass(frozen=True, slots=True)
class Calibration:
    """Weights of `likeness.FEATURES`, by which a topic is taught with some probability; from
    `cover` on it is covered, a critical one from `cover_critical` on, below `doubt` (a critical
    one: `doubt_critical`) it is missing.

    `measured` False: the weights are those without vectors. `support` is the cosine from which a
    model's claim is believed, `look` the one from which a person should look."""

    weights: tuple[float, ...]
    bias: float
    cover: float
    cover_critical: float
    doubt: float
    doubt_critical: float
    support: float = 2.0
    look: float = 0.3
    measured: bool = True

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """Read one. Raises KeyError or TypeError where it is not understood."""
        weights = dict(said["weights"])
        rest = {key: value for key, value in said.items() if key != "weights"}
        if set(weights) != set(FEATURES):
            raise KeyError(f"weights of {sorted(set(weights) ^ set(FEATURES))}")
        return cls(tuple(weights[name] for name in FEATURES), **rest)

    def probable(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """How probably each topic is taught, rounded so that no machine's last bits decide."""
        # One product after another in a fixed order: a matrix product may sum in another.
        worth = np.full(len(features), self.bias)
        for at, weight in enumerate(self.weights):
            worth = worth + features[:, at] * weight
        return np.asarray(np.round(1 / (1 + np.exp(-worth)), 4), dtype=np.float64)

    @property
    def blind(self) -> bool:
        """Whether cosines mean nothing to it."""
        return not self.measured


def _read() -> dict[str, Calibration]:
    said = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return {name: Calibration.from_dict(one) for name, one in said.items()}


MEASURED = _read()
UNMEASURED = MEASURED.pop("none")


def of(mapper: str, own: Mapping[str, Calibration] | None = None) -> Calibration:
    """The calibration of the embedding that a chain's name names."""
    for name, found in (own or MEASURED).items():
        if f"{name}@" in mapper:
            return found
    return UNMEASURED
