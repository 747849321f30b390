"""The schedule neither doubles nor forgets: whatever dies, however many ask, whichever way the
clock goes. Every moment is asked for once, or one after it says that it was missed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.invariants import broken
from tests.kernel.work import toys
from tests.kernel.work.harness import seeded

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import AlreadySo, NotFound
from atalaia.kernel.work import schedule
from atalaia.kernel.work.recurrence import Recurrence
from atalaia.kernel.work.schedule import Asked, Scheduled, ask_for_due, sync

LISTED = (
    Scheduled("health", "toy", "daily 08:00", {"n": 1}),
    Scheduled("week", "toy", "weekly mon 06:00", {"n": 2}),
    Scheduled("month", "toy", "first sun 04:00", {"n": 3}),
)
START = datetime(2027, 1, 1, 3, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class Killed(BaseException):
    """The process is gone: what it had not committed is undone."""


@pytest.fixture(autouse=True)
def _database(database: str) -> None:
    sync(LISTED, START)


def kept() -> list[dict[str, Any]]:
    return toys.rows("SELECT * FROM ops.schedule_asked ORDER BY asked_at, due_at")


def moments(one: Scheduled, end: datetime) -> list[datetime]:
    """Every moment it is due until `end`."""
    found, recurrence = [], Recurrence.parse(one.recurrence)
    due = recurrence.after(START)
    while due <= end:
        found.append(due)
        due = recurrence.after(due)
    return found


def live(until: datetime, outages: int, jumps: bool, seed: int) -> tuple[list[Asked], datetime]:
    """A scheduler's life: it goes round every so often, is away `outages` times, is killed in the
    middle, and with `jumps` its database's clock is wrong now and then. What it asked for."""
    dice, asked, now = seeded(seed), list[Asked](), START
    away = sorted(START + dice.random() * (until - START) for _ in range(outages))
    skew, deadly = timedelta(), ""

    def fault(step: str) -> None:
        if step == deadly:
            raise Killed

    while now < until:
        now += dice.choice((5 * MINUTE, 2 * HOUR, 9 * HOUR))
        if away and away[0] <= now:
            now = max(now, away.pop(0)) + dice.choice(
                (10 * MINUTE, 5 * HOUR, DAY, 3 * DAY, 15 * DAY)
            )
            deadly = dice.choice(("", "decided", "asked"))
            if jumps:
                skew = dice.choice((timedelta(), HOUR, -HOUR, DAY, -DAY, 90 * DAY))
        try:
            asked += ask_for_due(LISTED, moment=now + skew, fault=fault)
        except Killed:
            deadly = ""
    now = max(now, until) + (32 * DAY if jumps else timedelta())
    return asked + ask_for_due(LISTED, moment=now), now


@pytest.mark.row("R-100")
@pytest.mark.parametrize(
    ("days", "outages"),
    [
        (60, 20),
        pytest.param(
            730, 500, marks=[pytest.mark.night("durable"), pytest.mark.timeout(900)]
        ),
    ],
    ids=["sample", "whole"],
)  # fmt: skip
def test_each_moment_is_asked_for_once_or_was_missed_and_caught_up(days: int, outages: int) -> None:
    live(START + days * DAY, outages, jumps=False, seed=5)
    rows = kept()
    assert len(toys.rows("SELECT FROM ops.batches")) == len(rows)
    end = max(row["asked_at"] for row in rows)
    for one in LISTED:
        mine = [row for row in rows if row["name"] == one.name]
        due = [moment for moment in moments(one, end) if moment <= mine[-1]["due_at"]]
        place = -1
        for row in mine:  # in the order they were asked for, nothing left between
            place += row["missed"] + 1
            assert due[place] == row["due_at"] <= row["asked_at"]
        assert place == len(due) - 1
    assert any(row["missed"] for row in rows), "no outage hid anything"
    assert broken(at_rest=False) == []


@pytest.mark.row("R-017", "R-100")
@pytest.mark.parametrize(
    ("days", "jumps"),
    [
        (60, 15),
        pytest.param(730, 100, marks=[pytest.mark.night("durable"), pytest.mark.timeout(900)]),
    ],
    ids=["sample", "whole"],
)
def test_a_clock_that_jumps_doubles_nothing_and_forgets_nothing(days: int, jumps: int) -> None:
    asked, _ = live(START + days * DAY, jumps, jumps=True, seed=6)
    assert len(toys.rows("SELECT FROM ops.batches")) == len(asked) == len(kept())
    assert len({(one.name, one.due_at) for one in asked}) == len(asked)
    for one in LISTED:
        covered, before = set[datetime](), set[datetime]()
        due = moments(one, START + (days + 200) * DAY)
        for run in (run for run in asked if run.name == one.name):
            earlier = [moment for moment in due if moment < run.due_at and moment not in before]
            covered |= set(earlier[len(earlier) - run.missed :])
            before.add(run.due_at)
        lived = [moment for moment in due if moment <= START + days * DAY]
        assert set(lived) <= covered | before


def test_of_many_schedulers_one_asks() -> None:
    moment = START + 3 * DAY

    def tick(_: int) -> list[Asked]:
        return ask_for_due(LISTED, moment=moment)

    with ThreadPoolExecutor(8) as threads:
        asked = [one for found in threads.map(tick, range(24)) for one in found]
    assert sorted(one.name for one in asked) == ["health", "month"]
    assert len(toys.rows("SELECT FROM ops.batches")) == 2


@pytest.mark.parametrize(("step", "there"), [("decided", 0), ("asked", 0), ("committed", 1)])
def test_killed_in_the_middle_it_has_asked_or_it_has_not(step: str, there: int) -> None:
    def fault(at: str) -> None:
        if at == step:
            raise Killed

    with pytest.raises(Killed):
        ask_for_due(LISTED, moment=START + DAY, fault=fault)
    assert len(toys.rows("SELECT FROM ops.batches")) == len(kept()) == there
    again = ask_for_due(LISTED, moment=START + DAY)
    assert len(again) == 1 - there
    assert len(toys.rows("SELECT FROM ops.batches")) == len(kept()) == 1


def test_by_the_databases_clock_when_none_is_given() -> None:
    sync([Scheduled("now", "toy", "daily 00:00")])
    assert ask_for_due([Scheduled("now", "toy", "daily 00:00")]) == []
    with transaction() as connection:
        connection.execute("UPDATE ops.schedule SET next_due_at = '2020-01-01T03:00Z'")
    (asked,) = ask_for_due([Scheduled("now", "toy", "daily 00:00")])
    (row,) = toys.rows(
        """SELECT asked_at <= clock_timestamp() AND asked_at > clock_timestamp() - interval '1 min'
                  AS now FROM ops.schedule_asked"""
    )
    assert row["now"]
    assert asked.missed > 2000


def test_what_comes_round_otherwise_than_before_is_due_anew_and_what_does_not_stays() -> None:
    changed = (Scheduled("health", "toy", "daily 10:00", {"n": 9}), *LISTED[1:])
    sync(changed, START + 10 * DAY)
    rows = {row["name"]: row for row in toys.rows("SELECT * FROM ops.schedule")}
    assert rows["health"]["next_due_at"] == START + 10 * DAY + 10 * HOUR
    assert rows["health"]["payload"] == {"n": 9}
    assert rows["week"]["next_due_at"] == moments(LISTED[1], START + 30 * DAY)[0]


def test_what_is_listed_no_longer_is_not_asked_for() -> None:
    assert ask_for_due(LISTED[1:], moment=START + DAY) == []


def test_what_fell_into_a_pause_is_not_done() -> None:
    who = {"actor": "ana", "reason": "férias"}
    schedule.pause("health", **who)
    assert ask_for_due(LISTED[:1], moment=START + 9 * DAY) == []
    with pytest.raises(AlreadySo):
        schedule.pause("health", **who)
    due = schedule.resume("health", **who)
    with pytest.raises(AlreadySo):
        schedule.resume("health", **who)
    (asked,) = ask_for_due(LISTED[:1], moment=due)
    assert (asked.due_at, asked.missed) == (due, 0)
    with pytest.raises(NotFound):
        schedule.pause("nothing", **who)
    found = [(one["action"], one["actor"]) for one in toys.recorded("schedule")]
    assert found == [("schedule.resumed", "ana"), ("schedule.paused", "ana")]
