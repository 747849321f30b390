"""What is old goes, by a plan that was read; what must stay is in no plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.kernel.keep import platform
from tests.kernel.keep.platform import WHO, Platform

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import NotGuarded, UsageError
from atalaia.kernel.keep import recovery, retention
from atalaia.kernel.keep.archive import checksum_file

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)  # a Monday


def _days(*ages: float) -> set[datetime]:
    return {AT - timedelta(days=age) for age in ages}


@pytest.mark.parametrize(
    ("ages", "stay"),
    [
        ((), ()),
        ((0.1, 0.2, 0.3, 1.9), (0.1, 0.2, 0.3, 1.9)),  # all of two days
        ((3.1, 3.2, 3.3), (3.1,)),  # the newest of a day
        ((3.1, 4.1, 5.1), (3.1, 4.1, 5.1)),  # one of each day
        ((8, 9, 10, 13.9, 15), (8, 15)),  # the newest of each week
        ((40, 45, 50, 60), (40, 60)),  # the newest of each month
        ((400,), ()),
    ],
)
def test_the_rule(ages: tuple[float, ...], stay: tuple[float, ...]) -> None:
    assert retention.kept(_days(*ages), AT) == _days(*stay)


@pytest.fixture
def held(database: str, tmp_path: Path) -> Iterator[Platform]:
    with platform.cleaned():
        yield platform.fill(tmp_path / "archives")


def _aged(file: Path, days: float) -> None:
    with connect() as connection:
        connection.execute(
            """UPDATE ops.backups SET created_at_utc = clock_timestamp() - %s * interval '1 day'
               WHERE file = %s""",
            (days, str(file)),
        )


def test_exactly_the_plan_is_removed_and_each_thing_is_recorded(held: Platform) -> None:
    old, fresh = held.archive("old.atl"), held.archive("fresh.atl")
    kept = held.restore(fresh)["kept"]
    _aged(old, 500)
    steps = retention.plan()
    assert [(step.kind, step.name) for step in steps] == [("backup", str(old))]
    named = retention.plan_id(steps)
    before = platform.state()
    with pytest.raises(UsageError, match="mudou"):
        retention.apply("0" * 16, **WHO)
    with pytest.raises(NotGuarded):
        retention.apply(named, **WHO)
    assert old.exists()
    recovery.verify(fresh, **WHO)
    retention.apply(named, **WHO)
    assert [old.exists(), checksum_file(old).exists()] == [False, False]
    assert [fresh.exists(), checksum_file(fresh).exists()] == [True, True]
    assert platform.of_this_database() == [kept]  # of today: a rollback is still possible
    assert platform.state() == before, "bronze and data are never in a plan"
    with connect() as connection:
        told = connection.execute(
            """SELECT subject, actor, reason FROM ops.audit_log
               WHERE action = 'retention.removed'"""
        ).fetchall()
    assert told == [{"subject": "old.atl", "actor": "ana", "reason": "teste"}]
    assert retention.plan() == []


def test_the_newest_verified_backup_stays_however_old(held: Platform) -> None:
    file = held.archive("only.atl")
    recovery.verify(file, **WHO)
    _aged(file, 500)
    assert retention.plan() == []
