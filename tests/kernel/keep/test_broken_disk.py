"""A fault at every call that a backup or a restore makes to the disk: afterwards there is the old
state or the new one, and the next attempt succeeds. By day the last call of each kind, at night
all."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.broken_disk import Disk, breaking
from tests.kernel.keep import platform
from tests.kernel.keep.platform import WHO, Platform

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import AtalaiaError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import archive, recovery
from atalaia.kernel.keep.verify import verify

NIGHT = [pytest.mark.night("backup"), pytest.mark.timeout(1400)]
# May fail with nobody told: bytes are then copied another way, or the name is there already.
NOT_TOLD = {"sendfile", "mkdir"}


@pytest.fixture
def held(database: str, tmp_path: Path) -> Iterator[Platform]:
    with platform.cleaned():
        yield platform.fill(tmp_path / "archives")


def places(calls: list[str], every: bool) -> list[int]:
    """Which calls to break, counted from 1."""
    if every:
        return list(range(1, len(calls) + 1))
    return sorted(len(calls) - calls[::-1].index(kind) for kind in set(calls))


def broken(disk: Disk, act: Callable[[], object]) -> bool:
    """Do it on that disk: was it told as an error?"""
    try:
        act()
    except (OSError, AtalaiaError):
        told = True
    else:
        told = False
    assert len(disk.calls) >= disk.broken_at, "the call was never made"
    return told


@pytest.mark.row("R-028")
@pytest.mark.parametrize(
    ("code", "every"),
    [
        (errno.EIO, False),
        pytest.param(errno.EIO, True, marks=NIGHT),
        pytest.param(errno.ENOSPC, True, marks=NIGHT),
    ],
)
def test_a_backup(held: Platform, code: int, every: bool) -> None:
    with breaking([held.folder]) as whole:
        held.archive("whole.atl")
    assert {"open", "write", "fsync", "rename"} <= set(whole.calls)
    before = platform.state()
    for place in places(whole.calls, every):
        file = held.folder / f"broken-{place}.atl"
        with breaking([held.folder], place, code) as disk:
            assert broken(disk, lambda file=file: held.archive(file.name)), disk.calls
        if file.exists():
            archive.require_intact(file)
            recovery.verify(file, **WHO)
        assert [one.name for one in held.folder.iterdir() if one.name.startswith(".")] == []
    assert platform.state() == before
    recovery.verify(held.archive("after.atl"), **WHO)


@pytest.mark.row("R-028")
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=NIGHT)])
def test_a_restore(held: Platform, every: bool) -> None:
    """A file of bronze is lost before each, so that there is something to put on the disk."""
    file, payload = held.archive("good.atl"), held.payload.file
    payload.unlink()
    with breaking([settings().data_dir]) as whole:
        held.restore(file)
    assert {"open", "write", "fsync", "rename"} <= set(whole.calls)
    restored = platform.state()
    for place in places(whole.calls, every):
        was = _changed()
        payload.unlink()
        with breaking([settings().data_dir], place) as disk:
            told = broken(disk, lambda: held.restore(file))
        assert told or disk.calls[place - 1] in NOT_TOLD, (place, disk.calls)
        _back(payload)
        assert platform.state() in (was, restored), "neither the one nor the other"
        assert {one.status for one in verify() if one.stream} == {"pass"}
    held.restore(file)
    assert platform.state() == restored


def _changed() -> str:
    """Change what the restore would bring back; the state there is then."""
    with transaction() as connection:
        connection.execute("UPDATE silver.account SET amount = amount + 1 WHERE number = 7")
    return platform.state()


def _back(payload: Path) -> None:
    """Under its name there are its very bytes, or nothing: then put them there."""
    if payload.exists():
        assert payload.read_bytes() == platform.PAYLOAD
    else:
        payload.write_bytes(platform.PAYLOAD)
        payload.chmod(0o444)
    for left in payload.parent.glob(".*"):
        left.unlink()
