"""A connector says where data comes from, how to read it, what shape was agreed and which table it
fills. The smallest one is a handful of constants; everything else is the pipeline's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import polars as pl

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.settings import settings, source_override
from atalaia.kernel.ingest.bronze import BronzeObject
from atalaia.kernel.ingest.contract import ROW, Contract
from atalaia.kernel.ingest.pace import POLITE, Pace
from atalaia.kernel.work.job import Run

RemoteType = Literal["web", "api", "ftp"]


def _any_body(_file: Path) -> None: ...


@dataclass(frozen=True, slots=True)
class Request:
    """One remote address. `path` is added to the connector's base address.

    `judge` looks at the body before it enters bronze and raises SourceError when it is none: an
    error told with status 200, half a file, an empty list. `parts` are smaller requests that
    bring the same, asked instead when an answer contains the words `too_much` (a regex). At most
    `redirects` are followed, each judged like the first address."""

    dataset: str
    path: str
    filename: str
    params: tuple[tuple[str, str], ...] = ()
    source_type: RemoteType = "api"
    timeout_seconds: float | None = None  # of one wait on the network; None: the setting
    judge: Callable[[Path], None] = _any_body
    redirects: int = 0
    parts: tuple[Request, ...] = ()
    too_much: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The table a connector fills: `columns` are the ones it writes (run_id is added), `key` the
    natural key among them. `types` are as the catalog spells them; drift is measured on them.

    `constants` are columns with one value in every row of the connector: they need not be in its
    frames, and are neither staged nor compared. `partitioned_by` is the one of them whose values
    have a partition each, which the first load makes.

    `place` holds the row's place in its payload: written, never compared. `newest_by` is a constant
    that grows with each payload: a row that a later one brought is not changed by an earlier one.
    `near` is a column of the key: only rows between the payload's least and greatest value of it
    are looked at, so that a load costs what its payload has, not what the table has."""

    name: str
    types: dict[str, str]
    key: tuple[str, ...]
    constants: Mapping[str, str | None] = field(default_factory=dict)
    partitioned_by: str | None = None
    place: str | None = None
    newest_by: str | None = None
    near: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns written, run_id not among them."""
        return tuple(self.types)

    @property
    def varying(self) -> tuple[str, ...]:
        """The columns a frame must bring."""
        return tuple(c for c in self.types if c not in self.constants)

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns by which a row that is there already counts as the same or as changed."""
        return tuple(c for c in self.varying if c not in self.key and c != self.place)


@dataclass(slots=True)
class Shaped:
    """Rows for the table, and rows that could not become any, as they came with `_reason`; or only
    their `_row` and `_reason`, and what came is found again.

    `sources` is how many raw rows `rows` stand for, when that is not one each: 0 for rows held
    back to be summed, their number when the sums are given out."""

    rows: pl.DataFrame
    rejected: pl.DataFrame | None = None
    sources: int | None = None


class Shaper(Protocol):
    """Turns accepted rows into rows of the table, batch by batch."""

    def shape(self, dataset: str, accepted: pl.DataFrame) -> Shaped:
        """The rows one batch becomes."""

    def finish(self) -> Shaped | None:
        """What is left when the last batch is through (sums over batches), if anything."""


class AsItCame:
    """The smallest shaper: each accepted row is a row of the table, and the run's reference period
    goes into `period_column`."""

    def __init__(self, run: Run, period_column: str) -> None:
        self._period = pl.lit(run.reference_period).alias(period_column)

    def shape(self, _dataset: str, accepted: pl.DataFrame) -> Shaped:
        """The same rows, with their period."""
        return Shaped(accepted.drop(ROW).with_columns(self._period))

    def finish(self) -> Shaped | None:
        """Nothing is held back."""
        return None


@dataclass(frozen=True, slots=True)
class Scope:
    """The part of the table that one payload replaces whole: every listed column's value is among
    the listed ones. Rows there that the payload no longer has are removed (bronze keeps them).

    One that `only_removes` does not bound what the payload speaks about: its rows meet those of the
    whole table by their key, and of the scope those it no longer has are removed."""

    among: Mapping[str, Sequence[str] | Sequence[int]]
    only_removes: bool = False


@dataclass(frozen=True, kw_only=True)
class Connector:
    """A source, from its address to its table."""

    name: str
    source: str  # as it stands in silver: 'IBGE'
    folder: str  # as it stands in bronze and in SOURCE_<NAME>_BASE_URL: 'ibge'
    datasets: tuple[str, ...]  # what bronze may hold for it, best first
    contract: Contract
    table: Table
    parse: Callable[[Sequence[BronzeObject]], Iterator[tuple[str, pl.DataFrame]]]
    shaper: Callable[[Run], Shaper]
    scope: Callable[[str], Scope | None]  # of a reference period; None: nothing is ever removed
    base_url: str = ""
    requests: Callable[[str], Sequence[Request]] = lambda _period: ()
    after: Callable[[Connection, Run], None] = lambda _connection, _run: None
    refresh_after_hours: int | None = None
    pace: Pace = POLITE  # of its folder: connectors of one source share its places and turns
    license: str = ""

    @property
    def base(self) -> str:
        """Where the source is met now: SOURCE_<FOLDER>_BASE_URL, else its official address."""
        return self.inside or self.base_url.rstrip("/")

    @property
    def inside(self) -> str:
        """The address an operator set, or '': it alone may be of the house or of its network."""
        return source_override(self.folder)

    @property
    def refresh_hours(self) -> int:
        """Age in hours at which its bronze is fetched again."""
        own = self.refresh_after_hours
        return settings().refresh_after_hours if own is None else own
