"""Backup and restore at their full size: make test-night SET=backup."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.kernel.keep import platform
from tests.kernel.keep.platform import Platform
from tests.kernel.keep.test_backup import back_up_while_writing
from tests.kernel.keep.test_kills import kill_backups, kill_restores
from tests.kernel.keep.test_recovery import flipped, harmed

from atalaia.kernel.base.errors import AtalaiaError, Tampered
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import archive, recovery
from atalaia.kernel.keep.restore import alone, filled, require_equal

WRITTEN = 50
KILLS, FLIPS, DRILLS, GIGABYTE = 100, 200, 30, 1_000_000_000
RTO_SECONDS = 300

pytestmark = [pytest.mark.night("backup"), pytest.mark.timeout(1400)]


@pytest.fixture
def held(database: str, tmp_path: Path) -> Iterator[Platform]:
    with platform.cleaned():
        yield platform.fill(tmp_path / "archives")


@pytest.mark.row("R-025", "M-023")
def test_a_hundred_backups_killed(held: Platform, record_property: Any) -> None:
    killed = kill_backups(held, KILLS)
    record_property("killed", killed)
    assert killed >= KILLS * 0.8


@pytest.mark.row("R-025")
def test_a_hundred_restores_killed(held: Platform, record_property: Any) -> None:
    killed = kill_restores(held, held.archive("restored.atl"), KILLS)
    record_property("killed", killed)
    assert killed >= KILLS * 0.8


@pytest.mark.row("R-027", "M-024")
def test_fifty_backups_while_writers_run(held: Platform) -> None:
    assert len(back_up_while_writing(held, WRITTEN)) == WRITTEN


@pytest.mark.row("R-026", "M-029")
@pytest.mark.parametrize("sign", [False, True], ids=["as found", "with a forged checksum"])
def test_two_hundred_flips(held: Platform, tmp_path: Path, sign: bool) -> None:
    """Also when whoever flipped the bit wrote a checksum that fits: what comes out is compared.
    A flip that changes no byte of what is inside (a spare bit of the format) may pass."""
    good = held.archive("good.atl")
    chance = random.Random(26)  # noqa: S311  the same flips in every run
    before, refused = platform.state(), 0
    count = FLIPS if not sign else FLIPS // 10
    for _ in range(count):
        place, bit = chance.randrange(good.stat().st_size), chance.randrange(8)
        bad = harmed(good, tmp_path, lambda data, p=place, b=bit: flipped(data, p, b), sign=sign)
        refused += _is_refused(held, bad, sign)
    assert platform.state() == before
    assert refused == count if not sign else refused >= count - 1


def _is_refused(held: Platform, bad: Path, sign: bool) -> bool:
    if not sign:
        with pytest.raises(Tampered):
            held.restore(bad)
        return True
    try:
        with alone() as control, filled(control, bad, keep_files=False) as made:
            require_equal(made)
    except (AtalaiaError, psycopg.Error):
        return True
    return False


@pytest.mark.usefixtures("bundled_database")
def test_thirty_drills_on_the_bundled_data(tmp_path: Path, record_property: Any) -> None:
    """Each one has the hash of all data that the database in use has, and the others had."""
    hashes, seconds = set(), []
    for _ in range(DRILLS):
        done = recovery.drill(tmp_path, actor="ana", trigger="cli", reason="drill")
        assert (done["passed"], done["problem"]) == (True, None)
        hashes.add(_data_hash(Path(done["file"])))
        seconds.append(float(done["restore_seconds"]))
        Path(done["file"]).unlink()
    record_property("restore_seconds", [min(seconds), max(seconds)])
    assert len(hashes) == 1


def _data_hash(file: Path) -> str:
    """Of the data alone: what is kept of backups and in the log grows with every drill."""
    tables = archive.head_of(file)["census"]["tables"]
    own = ("ops.backups", "ops.restore_drills", "ops.audit_log")
    return repr([table for table in tables if table["name"] not in own])


def test_a_gigabyte_is_back_within_five_minutes(held: Platform, record_property: Any) -> None:
    with psycopg.connect(settings().database_url) as connection:
        connection.execute("CREATE TABLE silver.large (n bigint PRIMARY KEY, a text, b numeric)")
        connection.execute(
            """INSERT INTO silver.large
               SELECT n, md5(n::text) || md5((n * 7)::text), n / 8.0
               FROM generate_series(1, 8000000) AS n"""
        )
        size = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    assert size is not None
    assert size[0] >= GIGABYTE
    file = held.archive("large.atl")
    with psycopg.connect(settings().database_url) as connection:
        connection.execute("TRUNCATE silver.large")
    began = time.monotonic()
    done = held.restore(file)
    seconds = time.monotonic() - began
    record_property("seconds", round(seconds, 1))
    record_property("restore_seconds", done["restore_seconds"])
    assert platform.total() == (platform.TOTAL, platform.ACCOUNTS)
    assert seconds <= RTO_SECONDS
