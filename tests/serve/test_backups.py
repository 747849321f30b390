"""A backup as work: made by a worker, rehearsed, and given up aloud when it does not come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.errors import Tampered
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import recovery
from atalaia.kernel.work.drain import drain
from atalaia.kernel.work.items import accept
from atalaia.serve import backups, worker


@pytest.fixture
def place(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of this test's own."""
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    settings.cache_clear()
    return tmp_path / "backups"


def ask() -> None:
    with transaction() as connection:
        accept(connection, backups.KIND, [{}], actor="ana", trigger="schedule", max_attempts=1)


def the(column: str) -> object:
    with connect(autocommit=True) as connection:
        (row,) = connection.execute(
            "SELECT status::text, error, result FROM ops.work_items"
        ).fetchall()
    return row[column]


@pytest.mark.timeout(240)
def test_a_worker_makes_a_backup_that_was_restored_and_compared(place: Path) -> None:
    ask()
    drain(worker.handlers())
    assert the("status") == "done", the("error")
    (made,) = place.glob("*.atl")
    assert made.with_name(made.name + ".checksum").exists()
    with connect(autocommit=True) as connection:
        (row,) = connection.execute(
            """SELECT b.backup_id::text, b.verified_at_utc IS NOT NULL AS verified, b.actor,
                      d.passed
               FROM ops.backups b JOIN ops.restore_drills d USING (backup_id)"""
        ).fetchall()
    assert (row["verified"], row["passed"], row["actor"]) == (True, True, "ana")
    assert the("result")["backup_id"] == row["backup_id"]  # type: ignore[index]


def test_one_that_does_not_come_back_equal_is_no_backup(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a drill found is told as it found it; that it finds a difference is tested beside it."""
    real = recovery.drill

    def differing(*args: object, **named: object) -> dict[str, object]:
        return {**real(*args, **named), "passed": False}  # type: ignore[arg-type]

    monkeypatch.setattr(recovery, "drill", differing)
    ask()
    drain(worker.handlers())
    assert the("status") == "dead"
    assert Tampered.__name__ in str(the("error")) or "não volta igual" in str(the("error"))
