"""The catalogue of indicators (`indicators.yml`), typed: what each number is, how it is drawn, and
what must be said with it. Texts come in two languages, chosen by `Words`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import yaml

from atalaia.kernel.base.errors import NotFound

CATALOGUE_FILE = Path(__file__).with_name("indicators.yml")

Level = Literal["municipality", "state", "country"]
PeriodKind = Literal["year", "month", "window"]
Polarity = Literal["higher_is_better", "lower_is_better", "neutral"]
SumRule = Literal["reported", "complete"]


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages of the product."""

    pt: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One entry of the catalogue. Fields are as `indicators.yml` explains them."""

    code: str
    name: Words
    unit: Words
    theme: str
    polarity: Polarity
    decimals: int
    levels: tuple[Level, ...]
    period_kinds: tuple[PeriodKind, ...]
    scale: Literal["sequential", "diverging"]
    center: float | None = None
    classes: dict[str, dict[str, list[float]]]
    additive: bool
    sum_rule: SumRule | None
    ranked: bool
    unranked_years: tuple[str, ...]
    partial_periods: dict[str, Words]
    source: Words
    license: Words
    note: Words
    coverage_note: Words | None = None

    def kind_of(self, reference_period: str) -> PeriodKind:
        """What a period of this indicator is: a year, a month, or a window within a year."""
        if "window" in self.period_kinds:
            return "window"
        return "year" if len(reference_period) == 4 else "month"

    def edges(self, level: str, reference_period: str) -> list[float]:
        """The class edges of a map; the same for every period of one kind. Empty: no map."""
        return self.classes.get(level, {}).get(self.kind_of(reference_period), [])

    def has_rank(self, reference_period: str) -> bool:
        """Whether territories may be ranked by this indicator in that period."""
        return self.ranked and reference_period[:4] not in self.unranked_years


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every indicator by its code, in the order people see them, and the themes they belong to."""

    indicators: dict[str, Indicator]
    themes: dict[str, Words]

    def indicator(self, code: str) -> Indicator:
        """The entry of that code. Raises NotFound."""
        try:
            return self.indicators[code]
        except KeyError:
            known = ", ".join(self.indicators)
            raise NotFound(
                f"Não há indicador '{code}'.", todo=f"Indicadores conhecidos: {known}."
            ) from None


@cache
def catalogue() -> Catalogue:
    """The delivered catalogue, read once."""
    return read_catalogue(CATALOGUE_FILE)


def read_catalogue(path: Path) -> Catalogue:
    """The catalogue a YAML file holds. Raises ValueError that names the entry and its fault."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    themes = {name: Words(**words) for name, words in content["themes"].items()}
    entries = [_indicator(entry) for entry in content["indicators"]]
    for entry in entries:
        if entry.theme not in themes:
            raise ValueError(f"{entry.code}: there is no theme '{entry.theme}'")
    by_code = {entry.code: entry for entry in entries}
    if len(by_code) != len(entries):
        raise ValueError("a code stands twice in the catalogue")
    return Catalogue(by_code, themes)


_WORDS = ("name", "unit", "source", "license", "note", "coverage_note")
_TUPLES = ("levels", "period_kinds", "unranked_years")


def _indicator(entry: dict[str, Any]) -> Indicator:
    code = entry.get("code", "an entry without code")
    try:
        typed = entry | {name: Words(**entry[name]) for name in _WORDS if name in entry}
        typed |= {name: tuple(entry[name]) for name in _TUPLES}
        typed["partial_periods"] = {
            period: Words(**words) for period, words in entry["partial_periods"].items()
        }
        indicator = Indicator(**typed)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{code}: {error}") from error
    _check(indicator)
    return indicator


def _check(entry: Indicator) -> None:
    if (entry.scale == "diverging") != (entry.center is not None):
        raise ValueError(f"{entry.code}: a diverging scale has a center, and only it has one")
    drawn = [level for level in entry.levels if level != "country"]
    if set(entry.classes) != set(drawn):
        raise ValueError(f"{entry.code}: classes are needed for exactly {drawn}")
    for level, by_kind in entry.classes.items():
        if set(by_kind) != set(entry.period_kinds):
            raise ValueError(f"{entry.code}: {level} needs classes for {entry.period_kinds}")
        for edges in by_kind.values():
            if len(edges) < 3 or not all(a < b for a, b in pairwise(edges)):
                raise ValueError(f"{entry.code}: edges of {level} must ascend: {edges}")
            if entry.center is not None and entry.center not in edges:
                raise ValueError(f"{entry.code}: the center must be an edge of {level}")
