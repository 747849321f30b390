"""The limits of thresholds.yml, as numbers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from atalaia.kernel.watch.checks import Limits, read_limits

FILE = Path(__file__).with_name("thresholds.yml")


@cache
def _limits() -> Limits:
    return read_limits(FILE)


def span(section: str, name: str) -> tuple[float, float]:
    """The least and the most of one limit."""
    found = _limits().section(section)[name]
    return float(found["least"]), float(found["most"])


def number(section: str, name: str) -> float:
    """One limit."""
    return float(_limits().number(section, name))
