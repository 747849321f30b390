"""What a job is: a name, a domain, and the steps one run of it takes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from atalaia.kernel.base.clock import Deadline, now
from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import BadPeriod, TimedOut
from atalaia.kernel.keep.audit import DEFAULT_TENANT
from atalaia.kernel.work.progress import Progress, silent

PeriodKind = Literal["year", "month", "day", "file"]  # file: the run is of one file, by its id
_PERIOD = re.compile(r"(19|20)\d{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?", re.ASCII)
_KINDS: dict[int, PeriodKind] = {4: "year", 7: "month", 10: "day"}  # by the length of the period
_NAMES: dict[PeriodKind, str] = {
    "year": "um ano",
    "month": "um mês",
    "day": "um dia",
    "file": "um arquivo",
}
_EXAMPLES: dict[PeriodKind, str] = {
    "year": "2024",
    "month": "2024-07",
    "day": "2024-07-31",
    "file": "6f1c9b7e-…, o identificador do arquivo",
}


def checked_period(period: str, kind: PeriodKind | None = None) -> str:
    """`period` itself when it is a YYYY, YYYY-MM or YYYY-MM-DD that exists, and of `kind` when one
    is wanted; of kind "file", the file's id. Raises BadPeriod otherwise."""
    if kind == "file":
        return _checked_id(period)
    if not _PERIOD.fullmatch(period) or not _exists(period):
        raise BadPeriod(
            f"'{period}' não é um período.", todo="Escreva 2024, 2024-07 ou 2024-07-31."
        )
    found = _KINDS[len(period)]
    if kind is not None and kind != found:
        raise BadPeriod(
            f"'{period}' é {_NAMES[found]}, e este job vai por {_NAMES[kind]}.",
            todo=f"Escreva como {_EXAMPLES[kind]}.",
        )
    return period


def _checked_id(period: str) -> str:
    try:
        return str(UUID(period))
    except ValueError:
        raise BadPeriod(
            f"'{period}' não é o identificador de um arquivo, e este job vai por arquivo.",
            todo="'atalaia files list' mostra os identificadores.",
        ) from None


def _exists(period: str) -> bool:
    try:
        date.fromisoformat(period + "-01-01"[len(period) - 4 :])
    except ValueError:
        return False
    return True


@dataclass(slots=True)
class Counts:
    """How the rows of one run balance: read = loaded + rejected + duplicate.

    `loaded` are the rows read whose content stands in silver afterwards, new or not; the other
    four say what that did to the table, in its own rows.
    """

    read: int = 0
    loaded: int = 0
    rejected: int = 0
    duplicate: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0

    @property
    def balance(self) -> bool:
        """True when every row read is accounted for."""
        return self.read == self.loaded + self.rejected + self.duplicate

    def add(self, other: Counts) -> None:
        """Add `other` to this, field by field."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Run:
    """One execution of a job, as its steps see it. Steps write what they found into it."""

    job: Job
    reference_period: str
    force: bool
    deadline: Deadline
    actor: str
    trigger: str
    reason: str | None
    trace_id: str
    tenant_id: str = DEFAULT_TENANT  # whose rows it writes
    max_retries: int = 3
    progress: Progress = silent
    run_id: UUID = field(default_factory=uuid4)
    attempt: int = 1
    started_at: datetime = field(default_factory=now)
    finished_at: datetime | None = None
    counts: Counts = field(default_factory=Counts)
    source_type: str | None = None
    verdict: str | None = None
    status: str = "running"
    error: str | None = None
    failure: Exception | None = None  # what `error` is told of
    bronze: list[dict[str, Any]] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    cancelled: Callable[[], None] = field(default=lambda: None)

    def begin_attempt(self, attempt: int) -> None:
        """Forget what an earlier attempt found; its warnings and steps stay."""
        self.attempt, self.counts = attempt, Counts()
        self.source_type = self.verdict = None
        self.bronze, self.checks = [], []

    def checkpoint(self) -> None:
        """Raise TimedOut or Cancelled if the run should not go on. Call it between batches."""
        if self.deadline.passed:
            raise TimedOut(f"{self.job.name} usou os seus {self.deadline.seconds:g} s.")
        self.cancelled()

    @contextmanager
    def step(self, name: str, **detail: Any) -> Iterator[dict[str, Any]]:
        """Time a named step and remember it; what is put into the yielded dict is kept with it."""
        self.checkpoint()
        began = time.monotonic()  # the clock on the wall may be put back meanwhile
        entry: dict[str, Any] = {"name": name, "started_at": now().isoformat(), **detail}
        self.steps.append(entry)
        self.progress.step(self.job.name, name)
        try:
            yield entry
        finally:
            entry["seconds"] = round(time.monotonic() - began, 3)


@dataclass(frozen=True, slots=True)
class Job:
    """A definition of work. `body` does it; `plan` says, without doing it, what it would do."""

    name: str
    domain: str
    title: str  # pt-BR, one line
    body: Callable[[Run], None]
    plan: Callable[[Run], dict[str, Any]]
    wave: str = ""
    source: str = ""
    default_periods: Callable[[], Sequence[str]] | None = None  # what `make up` and `wave` run
    period_kind: PeriodKind | None = None  # None: any
    aliases: tuple[str, ...] = ()
    # What else changes with a run's state: called in the transactions that open and close it.
    noted: Callable[[Connection, Run], None] = lambda _connection, _run: None
