"""What is done about a finding: a pure decision of it, of what was known before, and of the time.

An alert opens when its cause is late or failed, or unknown for ten minutes; it is told once, again
when it gets worse, and every cooldown while nobody has acknowledged one that is high or critical.
A cause that turns four times in an hour flaps: its alert stays open until it held still. What turns
bad again within the cooldown is the same alert, and is not told anew. Nothing is told in silence,
or of what follows from an alert that is open; once that is over, it is told if it still holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from atalaia.kernel.watch.rules import Finding, State
from atalaia.kernel.watch.severity import Severity

Do = Literal["nothing", "open", "reopen", "keep", "resolve"]
Tell = Literal["opened", "escalated", "reminded", "resolved"]
FLAP_CHANGES = 4
FLAP_WINDOW = timedelta(minutes=60)
FLAP_STILL = timedelta(minutes=15)
UNKNOWN_AFTER = timedelta(minutes=10)
_BAD = ("late", "failed")


@dataclass(frozen=True, slots=True)
class Known:
    """The last answer about a subject: since when it holds, and when it turned lately."""

    state: State
    since: datetime
    changes: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """The newest alert of a cause, open or not, as far as it matters here."""

    resolved_at: datetime | None = None
    told: Tell | None = None
    told_at: datetime | None = None
    told_severity: Severity | None = None
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, what is known from now on, and what is to be told if nothing silences it."""

    do: Do
    known: Known
    flapping: bool
    tell: Tell | None = None


def decide(
    finding: Finding,
    before: Known | None,
    kept: Kept | None,
    now: datetime,
    *,
    cooldown: timedelta,
    quiet: bool = False,
) -> Decision:
    """`quiet`: silenced, or following from another alert. See the module's first lines."""
    known = _known(finding.state, before, now)
    flapping = len(known.changes) >= FLAP_CHANGES
    do = _do(finding.state, known, kept, now, cooldown, flapping)
    decision = Decision(do, known, flapping)
    return decision if quiet else replace(decision, tell=_tell(do, finding, kept, now, cooldown))


def _known(state: State, before: Known | None, now: datetime) -> Known:
    """Turning is between good and bad; not knowing for a while turns nothing."""
    if before is None:
        return Known(state, now)
    changes = tuple(at for at in before.changes if now - at < FLAP_WINDOW)
    if state == before.state:
        return Known(state, before.since, changes)
    if "unknown" not in (state, before.state) and (state == "ok") != (before.state == "ok"):
        changes = (*changes, now)
    return Known(state, now, changes)


def _do(
    state: State,
    known: Known,
    kept: Kept | None,
    now: datetime,
    cooldown: timedelta,
    flapping: bool,
) -> Do:
    is_open = kept is not None and kept.resolved_at is None
    if state == "ok":
        if not is_open:
            return "nothing"
        return "keep" if flapping and now - known.since < FLAP_STILL else "resolve"
    if is_open:
        return "keep"
    if state == "unknown" and now - known.since < UNKNOWN_AFTER:
        return "nothing"
    last = kept and (kept.told_at or kept.resolved_at)
    return "reopen" if last and now - last < cooldown else "open"


def _tell(
    do: Do, finding: Finding, kept: Kept | None, now: datetime, cooldown: timedelta
) -> Tell | None:
    if do == "nothing":
        return None
    if do == "open" or kept is None or kept.told is None or kept.told_at is None:
        return None if do == "resolve" or finding.state == "ok" else "opened"
    if do == "resolve":
        return None if kept.told == "resolved" else "resolved"
    if finding.state == "ok":
        return None  # it flaps, and holds still for the moment
    worse = kept.told_severity is not None and finding.severity.rank > kept.told_severity.rank
    passed = now - kept.told_at >= cooldown
    if kept.told == "resolved":
        return "opened" if worse or passed else None
    if worse:
        return "escalated"
    nags = finding.severity.rank >= Severity.HIGH.rank and not kept.acknowledged
    return "reminded" if nags and passed else None


@dataclass(frozen=True, slots=True)
class Window:
    """Maintenance that holds now; no rules or subjects named means all of them."""

    rules: Sequence[str]
    subjects: Sequence[str]

    def covers(self, rule: str, subject: str) -> bool:
        """Whether an alert of that rule and subject is silenced by it."""
        return (not self.rules or rule in self.rules) and (
            not self.subjects or subject in self.subjects
        )
