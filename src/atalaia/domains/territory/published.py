"""What is published now: which numbers there are, from which source, how fresh, on which mesh.

Read once per data version and kept in memory: it is small, and every answer needs a part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from atalaia.domains.territory import store
from atalaia.domains.territory.indicators import Indicator, PeriodKind, Words, catalogue
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.base.settings import database_url

_SUFFIX: dict[PeriodKind, str] = {"month": "_monthly", "year": "_yearly", "window": "_window"}
_KIND_WORDS: dict[PeriodKind, Words] = {
    "month": Words(" no mês", ", monthly"),
    "year": Words(" no ano", ", yearly"),
    "window": Words("", ""),
}


@dataclass(frozen=True, slots=True)
class Series:
    """An indicator with one kind of period: what a slider walks and a chart draws. An indicator
    with two kinds has two series; the second one's code ends in its kind (`deaths_total_monthly`).
    """

    code: str
    indicator: Indicator
    kind: PeriodKind

    @property
    def name(self) -> Words:
        """The indicator's name, with the kind where there is more than one."""
        name, kind = self.indicator.name, _KIND_WORDS[self.kind]
        alone = len(self.indicator.period_kinds) == 1
        return name if alone else Words(name.pt + kind.pt, name.en + kind.en)


@cache
def all_series() -> dict[str, Series]:
    """Every series of the catalogue by its code, in the catalogue's order."""
    found = {}
    for entry in catalogue().indicators.values():
        for position, kind in enumerate(entry.period_kinds):
            code = entry.code if position == 0 else entry.code + _SUFFIX[kind]
            found[code] = Series(code, entry, kind)
    return found


def series_of(code: str, period: str | None = None) -> Series:
    """The series of a code. An indicator's own code with a period of another kind means the series
    of that kind. Raises NotFound."""
    found = all_series().get(code)
    if found is None:
        known = ", ".join(all_series())
        raise NotFound("Não há indicador com esse código.", todo=f"Os códigos são: {known}.")
    if period is None or found.indicator.kind_of(period) == found.kind:
        return found
    if found.code == found.indicator.code:
        for other in all_series().values():
            if other.indicator is found.indicator and other.kind == found.indicator.kind_of(period):
                return other
    return found


@dataclass(frozen=True, slots=True)
class Edition:
    """One indicator, level and period as it is shown: of several sources, the headline one.
    `counted` territories have a value, `noted` of them a note that must be shown with it."""

    source: str
    dataset: str
    category: str
    unit: str
    counted: int
    noted: int
    fetched_at: str | None


@dataclass(frozen=True, slots=True)
class Mesh:
    """The drawn shapes of one level. `version` changes exactly when a shape does."""

    version: str
    year: int
    drawn: int
    water: int
    undrawn: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Published:
    """Everything published, as of one data version."""

    version: int
    refreshed_at: str
    editions: dict[tuple[str, str, str], Edition]  # by indicator, level, period
    meshes: dict[str, Mesh]  # by level

    def edition(self, series: Series, level: str, period: str) -> Edition | None:
        """What is published of a series at a level for a period, if anything."""
        if series.indicator.kind_of(period) != series.kind:
            return None
        return self.editions.get((series.indicator.code, level, period))

    def periods(self, series: Series, level: str | None = None) -> list[str]:
        """The periods with values, first to last, at one level or at any."""
        code = series.indicator.code
        found = {
            period
            for (of, at, period), edition in self.editions.items()
            if of == code
            and level in (None, at)
            and edition.counted
            and series.indicator.kind_of(period) == series.kind
        }
        return sorted(found)

    def newest(self, series: Series) -> Edition | None:
        """The edition of the last period, at the finest level that has it."""
        for level in series.indicator.levels:
            periods = self.periods(series, level)
            if periods:
                return self.edition(series, level, periods[-1])
        return None


_lock = Lock()
_kept: tuple[str, Published] | None = None


def published(version: int | None = None) -> Published:
    """What is published; of data version `version` when given, else of the present one.

    Without a database version to compare with (0), what was last read is good enough: the caller
    finds out from the version its own question brings along."""
    wanted = store.data_version() if version is None else version
    with _lock:
        kept = _of(wanted)
        return kept if kept is not None else _read()


def _of(wanted: int) -> Published | None:
    if _kept is None or _kept[0] != database_url():
        return None
    return _kept[1] if wanted in (0, _kept[1].version) else None


def _read() -> Published:
    global _kept
    found = store.published()
    read = Published(
        found["version"],
        found["refreshed_at"],
        {
            (row.pop("indicator_code"), row.pop("level"), row.pop("reference_period")): Edition(
                **row
            )
            for row in found["editions"]
        },
        {row.pop("level"): _mesh(row) for row in found["meshes"]},
    )
    _kept = (database_url(), read)
    return read


def _mesh(row: dict[str, Any]) -> Mesh:
    return Mesh(**{**row, "box": tuple(row["box"])})
