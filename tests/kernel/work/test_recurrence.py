"""When something is due, as a table: changes of clocks, leap years, turns of the year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from atalaia.kernel.work.recurrence import Decision, Recurrence, decide

# Written, after which moment (UTC), due (UTC). São Paulo is UTC-3; UTC-2 in its summer until 2019.
DUE = [
    ("daily 06:00", "2026-03-10 08:59", "2026-03-10 09:00"),
    ("daily 06:00", "2026-03-10 09:00", "2026-03-11 09:00"),
    ("daily 23:30", "2026-12-31 12:00", "2027-01-01 02:30"),  # still 31 December there
    ("daily 23:30", "2027-01-01 02:30", "2027-01-02 02:30"),
    ("daily 06:00", "2028-02-28 12:00", "2028-02-29 09:00"),
    ("daily 06:00", "2028-02-29 12:00", "2028-03-01 09:00"),
    ("daily 06:00", "2027-02-28 12:00", "2027-03-01 09:00"),
    ("weekly mon 06:00", "2026-03-09 08:59", "2026-03-09 09:00"),
    ("weekly mon 06:00", "2026-03-09 09:00", "2026-03-16 09:00"),
    ("weekly sun 22:00", "2026-03-08 12:00", "2026-03-09 01:00"),  # Monday in UTC
    ("weekly tue 06:00", "2028-02-23 12:00", "2028-02-29 09:00"),
    ("weekly fri 00:00", "2026-12-30 12:00", "2027-01-01 03:00"),
    ("first sun 04:00", "2026-03-01 06:59", "2026-03-01 07:00"),
    ("first sun 04:00", "2026-03-01 07:00", "2026-04-05 07:00"),
    ("first sun 04:00", "2026-12-07 12:00", "2027-01-03 07:00"),
    ("first sun 04:00", "2028-02-06 12:00", "2028-03-05 07:00"),
    ("first sun 23:00", "2026-03-01 12:00", "2026-03-02 02:00"),
    # 4 November 2018: 00:00 became 01:00. What falls into the hour is due when it is over.
    ("daily 00:00", "2018-11-03 12:00", "2018-11-04 03:00"),
    ("daily 00:30", "2018-11-03 12:00", "2018-11-04 03:00"),
    ("daily 00:30", "2018-11-04 03:00", "2018-11-05 02:30"),
    ("daily 01:00", "2018-11-03 12:00", "2018-11-04 03:00"),
    ("first sun 00:30", "2018-10-10 12:00", "2018-11-04 03:00"),
    ("daily 06:00", "2018-11-03 12:00", "2018-11-04 08:00"),
    # 17 February 2019: 00:00 became 23:00 of the 16th. What comes twice is due the first time.
    ("daily 23:30", "2019-02-16 12:00", "2019-02-17 01:30"),
    ("daily 23:30", "2019-02-17 01:30", "2019-02-18 02:30"),
    ("daily 23:30", "2019-02-17 02:10", "2019-02-18 02:30"),  # in the second 23:10
    ("daily 06:00", "2019-02-16 12:00", "2019-02-17 09:00"),
    ("weekly sat 23:00", "2019-02-10 12:00", "2019-02-17 01:00"),
    ("daily 02:00", "2008-10-18 12:00", "2008-10-19 04:00"),
]


def utc(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


@pytest.mark.row("R-017")
@pytest.mark.parametrize(("written", "after", "due"), DUE)
def test_due(written: str, after: str, due: str) -> None:
    assert Recurrence.parse(written).after(utc(after)) == utc(due)


@pytest.mark.row("R-017")
@pytest.mark.parametrize(
    ("written", "count"),
    [("daily 00:30", 7305), ("weekly mon 00:00", 1044), ("first sun 00:15", 240)],
)
def test_over_twenty_years_none_is_skipped_and_none_comes_twice(written: str, count: int) -> None:
    recurrence, moment, found = Recurrence.parse(written), utc("2000-01-01 00:00"), 0
    end = utc("2020-01-01 00:00")
    gaps = set()
    while (later := recurrence.after(moment)) < end:
        gaps.add(round((later - moment) / timedelta(days=1)))
        moment, found = later, found + 1
    assert found == count
    assert gaps - {0} <= {"d": {1}, "w": {2, 3, 7}, "f": {1, 2, 28, 35}}[written[0]]


@pytest.mark.parametrize(
    "written",
    ["", "daily", "daily 24:00", "daily 6:00", "weekly 06:00", "weekly dom 06:00",
     "daily mon 06:00",
     "first sun 04:60", " daily 06:00", "daily 06:00\n"],
)  # fmt: skip
def test_what_is_not_a_recurrence(written: str) -> None:
    with pytest.raises(ValueError, match="recurrence"):
        Recurrence.parse(written)


DAILY = Recurrence.parse("daily 06:00")  # 09:00 UTC
D = [utc(f"2026-03-{day:02} 09:00") for day in range(1, 13)]
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("next_due", "now", "asked", "decision"),
    [
        (D[5], D[5] - MINUTE, [], Decision(D[5])),
        (D[5], D[5], [], Decision(D[6], D[5])),
        (D[5], D[5] + 23 * HOUR, [], Decision(D[6], D[5])),
        (D[5], D[6], [], Decision(D[7], D[6], 1)),
        (D[1], D[9] + HOUR, [], Decision(D[10], D[9], 8)),
        # the clock went back an hour just after the sixth was asked for
        (D[6], D[5] - HOUR, [D[5]], Decision(D[6])),
        # it was a year ahead, and is right again: the next day is due, not the next year
        (utc("2027-03-06 09:00"), D[3] - HOUR, [utc("2027-03-05 09:00")], Decision(D[3])),
        # asked for ahead of its time, days ago; it is not due twice, what lies before it is
        (D[3], D[6] + HOUR, [D[5]], Decision(D[7], D[6], 2)),
        (D[5], D[5] + HOUR, [D[5]], Decision(D[6])),
        (D[4], D[5] + HOUR, [D[5]], Decision(D[6], D[4])),
    ],
)
@pytest.mark.row("R-017")
def test_what_is_asked_for(
    next_due: datetime, now: datetime, asked: list[datetime], decision: Decision
) -> None:
    assert decide(DAILY, next_due, now, asked) == decision
