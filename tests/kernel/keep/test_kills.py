"""kill -9 in the middle: no bad file under a final name, the data in use as they were, and the
next one succeeds. A few in every run of the tests; 100 of each at night (test_backup_at_night)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kernel.keep import platform
from tests.kernel.keep.killing import Victim, moments
from tests.kernel.keep.platform import TOTAL, WHO, Platform

from atalaia.kernel.base.database import transaction
from atalaia.kernel.keep import archive, recovery
from atalaia.kernel.keep.verify import verify


@pytest.fixture(scope="module")
def held(database_of_module: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with platform.cleaned():
        yield platform.fill(tmp_path_factory.mktemp("archives"))


def kill_backups(held: Platform, count: int) -> int:
    """Kill that many; returns how many kills were in time. Whatever has its name must verify."""
    longest = Victim.backing_up(held.folder / "whole.atl").finish()
    before, killed = platform.state(), 0
    for number, moment in enumerate(moments(25, longest, count)):
        file = held.folder / f"killed-{number}.atl"
        killed += Victim.backing_up(file).kill_after(moment)
        if file.exists():
            archive.require_intact(file)
            recovery.verify(file, **WHO)
    assert platform.state() == before
    recovery.verify(held.archive("after.atl"), **WHO)
    return killed


def kill_restores(held: Platform, file: Path, count: int) -> int:
    """Kill that many. The data in use are all of one database or all of the other at any time."""
    longest = Victim.restoring(file).finish()
    restored = platform.state()
    was, untouched, killed = _changed(), 0, 0
    for moment in moments(26, longest, count):
        killed += Victim.restoring(file).kill_after(moment)
        found = platform.state()
        assert found in (was, restored), "neither the one nor the other"
        assert {one.status for one in verify() if one.stream} == {"pass"}
        untouched += found == was
        if found == restored:
            assert _changed() == was
    assert untouched >= count // 2, "killed too late to say anything"
    held.restore(file)
    assert platform.total() == (TOTAL, platform.ACCOUNTS)
    assert [name for name in platform.of_this_database() if "restoring" in name] == []
    return killed


def _changed() -> str:
    """Change what the restore would bring back; the state there is then."""
    with transaction() as connection:
        connection.execute("UPDATE silver.account SET amount = 1 WHERE number = 7")
    return platform.state()


@pytest.mark.row("R-025", "M-023")
def test_a_backup_that_is_killed_leaves_no_bad_file_under_a_final_name(held: Platform) -> None:
    assert kill_backups(held, 4) >= 2


@pytest.mark.row("R-025")
def test_a_restore_that_is_killed_leaves_what_is_in_use_untouched(held: Platform) -> None:
    assert kill_restores(held, held.archive("restored.atl"), 4) >= 2
