"""When something that comes round is due: a pure decision, in the time of America/Sao_Paulo.

A recurrence is written 'daily 06:00', 'weekly mon 06:00' or 'first sun 04:00' (the first Sunday of
each month). An hour that a change of clocks skips is due when the clocks have changed; one that it
repeats is due the first time.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

ZONE = "America/Sao_Paulo"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WRITTEN = re.compile(
    rf"(?:daily|(weekly|first) ({'|'.join(_DAYS)})) ([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Every day; every `weekday` (0 is Monday); or, `first`, the first one of each month."""

    at: time
    weekday: int | None = None
    first: bool = False

    @staticmethod
    @cache
    def parse(written: str) -> Recurrence:
        """Raises ValueError for what is not written as above."""
        found = _WRITTEN.fullmatch(written)
        if found is None:
            raise ValueError(f"not a recurrence: {written!r}")
        how, day, hour, minute = found.groups()
        weekday = _DAYS.index(day) if day else None
        return Recurrence(time(int(hour), int(minute)), weekday, first=how == "first")

    def after(self, moment: datetime) -> datetime:
        """The first moment it is due after `moment`, in UTC."""
        day = moment.astimezone(ZoneInfo(ZONE)).date()
        while True:
            if self._on(day) and (due := _utc(day, self.at)) > moment:
                return due
            day += timedelta(days=1)

    def _on(self, day: date) -> bool:
        if self.weekday is not None and day.weekday() != self.weekday:
            return False
        return not self.first or day.day <= len(_DAYS)


def _utc(day: date, at: time) -> datetime:
    zone = ZoneInfo(ZONE)
    due = datetime.combine(day, at, zone).astimezone(UTC)
    there = due.astimezone(zone)
    if there.replace(tzinfo=None) == datetime.combine(day, at):
        return due
    return _change_of_clocks(due, zone)  # the hour does not exist that day


def _change_of_clocks(after: datetime, zone: ZoneInfo) -> datetime:
    """The moment, in the day before `after`, at which the clocks were put forward."""
    low, high = after - timedelta(days=1), after
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about a schedule now. `ask_for` is the moment that is due, None when none is;
    `missed` how many before it nobody asked for."""

    next_due: datetime
    ask_for: datetime | None = None
    missed: int = 0


def decide(
    recurrence: Recurrence, next_due: datetime, now: datetime, asked: Collection[datetime]
) -> Decision:
    """Of what is due, the newest is asked for and counts the others as missed. `asked` are the
    moments from the present on that were asked for already, by a clock that has since gone back:
    they are not due again, and what lies between them and now still is."""
    waiting, due = [], next_due
    while due <= now:
        if due not in asked:
            waiting.append(due)
        due = recurrence.after(due)
    soonest = _unasked(recurrence, now, asked)
    if not waiting:
        return Decision(min(next_due, soonest) if next_due > now else soonest)
    return Decision(soonest, waiting[-1], len(waiting) - 1)


def _unasked(recurrence: Recurrence, now: datetime, asked: Collection[datetime]) -> datetime:
    due = recurrence.after(now)
    while due in asked:
        due = recurrence.after(due)
    return due
