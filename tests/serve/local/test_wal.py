"""Back to a second: what was committed by then is there, what came after is not."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from atalaia.kernel.base.errors import NotFound, Unavailable, UsageError
from atalaia.serve.local import wal
from atalaia.serve.local.postgres import PrivatePostgres


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    server = PrivatePostgres(tmp_path_factory.mktemp("own"), extra=wal.configured)
    server.start()
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE noted (n int, pad text)")
    yield server
    server.stop()


def note(server: PrivatePostgres, ledger: Path, count: int, chance: random.Random) -> None:
    """Commit `count` rows, and have another file, synced, say when each was acknowledged."""
    with psycopg.connect(server.url()) as connection, ledger.open("a") as lines:
        for _ in range(count):
            before = datetime.now(UTC)
            found = connection.execute(
                "INSERT INTO noted SELECT count(*) + 1, repeat('x', 2000) FROM noted RETURNING n"
            ).fetchone()
            connection.commit()
            assert found is not None
            lines.write(f"{found[0]} {before.isoformat()} {datetime.now(UTC).isoformat()}\n")
            lines.flush()
            os.fsync(lines.fileno())
            time.sleep(chance.uniform(0.0, 0.3))  # rows at other moments: nothing is waited for


def there(folder: Path) -> list[int]:
    """The rows of a recovered server."""
    made = PrivatePostgres(folder / "postgres")
    made.start()
    try:
        with psycopg.connect(made.url()) as connection:
            return [n for (n,) in connection.execute("SELECT n FROM noted ORDER BY n").fetchall()]
    finally:
        made.stop()


def check_points(server: PrivatePostgres, folder: Path, points: int) -> None:
    """Go back to that many chosen moments, and compare with what the ledger logged."""
    chance = random.Random(24)  # noqa: S311  the same moments in every run
    ledger = folder / "ledger"
    note(server, ledger, 20 * points, chance)
    rows = [line.split() for line in ledger.read_text().splitlines()]
    logged = [(int(n), *map(datetime.fromisoformat, (a, b))) for n, a, b in rows]
    first = max(logged[0][2], wal._moment(wal.bases(server)[0]) + timedelta(seconds=1))
    for number in range(points):
        target = first + (logged[-1][1] - first) * chance.random()
        out = folder / f"back-{number}"
        wal.restore_to(server, target, out)
        found = there(out)
        surely = [n for n, _asked, acknowledged in logged if acknowledged <= target]
        perhaps = [n for n, asked, _acknowledged in logged if asked <= target]
        already = logged[0][0] - 1
        assert found[already:] in (surely, perhaps), target
        assert surely != [n for n, _a, _b in logged], "the moment must leave something out"


@pytest.mark.row("R-024")
@pytest.mark.timeout(240)
def test_a_restore_to_a_second_has_the_rows_logged_by_then(
    server: PrivatePostgres, tmp_path: Path
) -> None:
    wal.take_base(server)
    check_points(server, tmp_path, 2)


@pytest.mark.row("R-024")
def test_segments_are_finished_within_a_minute_and_durably(server: PrivatePostgres) -> None:
    with psycopg.connect(server.url()) as connection:
        asked = {
            name: connection.execute(f"SHOW {name}".encode()).fetchone()
            for name in ("archive_mode", "archive_timeout", "fsync", "synchronous_commit")
        }
    assert asked == {
        "archive_mode": ("on",), "archive_timeout": ("1min",), "fsync": ("on",),
        "synchronous_commit": ("on",),
    }  # fmt: skip


def test_what_cannot_be_gone_back_to_is_said_and_nothing_is_left(
    server: PrivatePostgres, tmp_path: Path
) -> None:
    if not wal.bases(server):
        wal.take_base(server)
    for target, error, said in (
        (datetime(2020, 1, 1, tzinfo=UTC), NotFound, "Nenhuma cópia base"),
        (datetime.now(UTC) + timedelta(hours=1), UsageError, "ainda não passou"),
        (datetime(2026, 1, 1), UsageError, "fuso"),  # noqa: DTZ001  that is the point
    ):
        with pytest.raises(error, match=said):
            wal.restore_to(server, target, tmp_path / "out")
        assert not (tmp_path / "out").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(UsageError, match="não está vazia"):
        wal.restore_to(server, datetime.now(UTC), tmp_path / "full")


def _archive(script: Path, segment: Path, name: str) -> int:
    return subprocess.call([str(script), str(segment), name])


def test_archiving_never_writes_over_and_gives_names_to_whole_files_only(tmp_path: Path) -> None:
    wal.configured(tmp_path)
    script, kept = tmp_path / "archive.sh", tmp_path / "archive" / "wal" / "0001.gz"
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"1" * 100_000)
    other.write_bytes(b"2" * 100_000)
    assert _archive(script, one, "0001") == 0  # nothing to replay it onto yet
    assert not kept.exists()
    kept.parent.mkdir(parents=True)
    (tmp_path / "archive" / "base").mkdir()
    assert _archive(script, one, "0001") == 0
    assert gzip.decompress(kept.read_bytes()) == one.read_bytes()
    assert _archive(script, one, "0001") == 0  # asked again after a crash
    assert _archive(script, other, "0001") != 0
    assert gzip.decompress(kept.read_bytes()) == one.read_bytes()
    assert _archive(script, tmp_path / "gone", "0002") != 0
    assert [path.name for path in kept.parent.glob("*.gz")] == ["0001.gz"]


def test_old_bases_go_and_the_wal_that_only_they_needed(server: PrivatePostgres) -> None:
    for _ in range(3):
        wal.take_base(server)
        # Names are of a second; the next one must not have this one's.
        newest = wal.bases(server)[-1].name
        while f"{datetime.now(UTC):%Y%m%dT%H%M%S}Z" <= newest:
            time.sleep(0.05)
    assert len(wal.bases(server)) == 2
    names = [path.name for path in (server.folder / "archive" / "wal").iterdir()]
    oldest = min(name for name in names if len(name) == len("0" * 24 + ".gz"))
    label = min(name for name in names if name.endswith(".backup.gz"))
    assert oldest[:24] == label[:24], "the first segment left is the one the older base begins in"
    with pytest.raises(Unavailable):
        wal.take_base(PrivatePostgres(server.folder.parent / "nowhere"))


def test_a_base_is_due_once_a_day_and_not_while_all_data_are_loaded(
    server: PrivatePostgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not wal.bases(server):
        wal.take_base(server)
    assert not wal.base_is_due(PrivatePostgres(tmp_path))  # it does not run
    started = time.time()
    monkeypatch.setattr(wal.time, "time", lambda: started + 1200)
    assert not wal.base_is_due(server)
    monkeypatch.setattr(wal.time, "time", lambda: started + 25 * 3600)
    assert wal.base_is_due(server)
    monkeypatch.setattr(wal.time, "time", lambda: started + 5)
    for base in wal.bases(server):
        shutil.rmtree(base)
    assert not wal.base_is_due(server)
    monkeypatch.setattr(wal.time, "time", lambda: started + 1200)
    assert wal.base_is_due(server)
