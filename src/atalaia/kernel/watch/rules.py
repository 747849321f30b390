"""What a rule is: something measured, a limit, and who is called with which runbook above it.

The platform's own rules are in `platform_rules.py`; a domain brings its in `Domain.alerts`. A rule
measures numbers and never decides: `judge` says what a number means, `alerting.decide` what is
done about it, and both are pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import isnan
from pathlib import Path
from typing import Any, Literal

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.watch.severity import Severity

State = Literal["ok", "late", "failed", "unknown"]
Bad = Literal["late", "failed"]
COOLDOWN_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Measure:
    """What was measured of one subject (a source, a job, a disk; '' is the platform itself).

    The rule fires when `value` is above `limit`, and is worse above `severe`. A `value` of None
    could not be had: that is unknown, and never fine. `arguments` fill the runbook's."""

    subject: str
    value: float | None
    limit: float
    says: str  # pt-BR: what is found, with its figures
    severe: float | None = None
    bad: Bad = "failed"
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """Where data come from, how often they are expected, in hours, and where in bronze they are."""

    connector: str
    job_name: str
    name: str
    expected_hours: float
    folder: str = ""
    datasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker somebody listed: how long it was silent, in seconds, and whether its process is
    known to be gone (None: it is on another machine)."""

    name: str
    silent_seconds: float
    gone: bool | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the kernel cannot know by itself; who runs the rules says how it is asked. Each raises
    when it cannot."""

    ping_redis: Callable[[], object]
    workers: Callable[[], Sequence[WorkerSeen]]
    get_api: Callable[[str], str]  # of a path: the body of a good answer
    folders: Mapping[str, Path]  # whose disks must not be full
    sources: Sequence[Source] = ()


@dataclass(frozen=True, slots=True)
class Ground:
    """What a rule measures on: a read-only transaction, the moment, the surroundings, and what it
    itself kept in `memory` since its last round (nothing, after a restart)."""

    connection: Connection
    moment: datetime
    around: Surroundings
    memory: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. `title` and `fires` are pt-BR; {subject} in the title is filled in.

    `depends_on`: while a rule of those has an open alert about the same subject, or about the
    whole platform, this one's is shown as following from it and not told."""

    id: str
    title: str
    fires: str  # when, in words, for the table of docs/alerts.md
    owner: str
    severity: Severity
    runbook: str
    measure: Callable[[Ground], Iterable[Measure]]
    severe: Severity = Severity.CRITICAL  # above a measure's `severe`
    depends_on: tuple[str, ...] = ()
    cooldown_minutes: int = COOLDOWN_MINUTES
    every_seconds: int = 0  # 0: each round


@dataclass(frozen=True, slots=True)
class Finding:
    """What a measure means: its state, and how bad it would be."""

    subject: str
    state: State
    severity: Severity
    says: str
    value: float | None = None
    threshold: float | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)


def judge(rule: Rule, measured: Measure) -> Finding:
    """At its limit a thing is still fine; above it, it is not."""
    severity, state = rule.severity, "ok"
    if measured.value is None or isnan(measured.value):
        state = "unknown"
    elif measured.severe is not None and measured.value > measured.severe:
        severity, state = rule.severe, measured.bad
    elif measured.value > measured.limit:
        state = measured.bad
    return Finding(
        measured.subject,
        state,  # type: ignore[arg-type]
        severity,
        measured.says,
        measured.value,
        measured.limit,
        measured.arguments,
    )


def causes_first(rules: Sequence[Rule]) -> list[Rule]:
    """The rules in an order in which every one comes after those it depends on. Raises UsageError
    for two of one id, a dependency nobody has, or a circle."""
    by_id = {rule.id: rule for rule in rules}
    if len(by_id) < len(rules):
        raise UsageError("Duas regras de alerta têm o mesmo id.")
    done: dict[str, Rule] = {}

    def visit(rule: Rule, above: tuple[str, ...]) -> None:
        if rule.id in above:
            raise UsageError(f"As regras dependem em círculo: {' → '.join((*above, rule.id))}.")
        for cause in rule.depends_on:
            if cause not in by_id:
                raise UsageError(f"A regra '{rule.id}' depende de '{cause}', que não existe.")
            visit(by_id[cause], (*above, rule.id))
        done.setdefault(rule.id, rule)

    for rule in rules:
        visit(rule, ())
    return list(done.values())
