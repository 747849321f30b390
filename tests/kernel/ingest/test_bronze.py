"""Bronze: whole or not at all, never changed, and never believed without its hash."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
import textwrap
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import NoSpace, Tampered
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest import bronze
from atalaia.kernel.ingest.bronze import Arrival, BronzeObject

pytestmark = pytest.mark.usefixtures("database")

WHERE: dict[str, Any] = {
    "source": "toy",
    "dataset": "amounts",
    "reference_period": "2024",
    "filename": "a.csv",
}
EXCHANGE = {"url": "http://toy/2024.csv", "status": 200, "fetched_at": "2026-01-01T00:00:00+00:00"}
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def listed() -> list[dict[str, Any]]:
    with connect() as connection:
        return connection.execute("SELECT * FROM bronze.manifest ORDER BY bronze_id").fetchall()


def files() -> list[Path]:
    folder = settings().data_dir / "bronze"
    return sorted(p for p in folder.rglob("*") if p.is_file())


def test_a_payload_has_its_place_its_hash_and_its_manifest() -> None:
    stored = bronze.store_bytes(b"abc", **WHERE, exchange=EXCHANGE, extracted_at=MOMENT)
    assert stored.path == "bronze/toy/amounts/2024/extracted_at=20260102T030405.678901Z/a.csv"
    assert stored.file.read_bytes() == b"abc"
    assert (stored.size, stored.sha256[:8]) == (3, "ba7816bf")
    stored.verify()
    (row,) = listed()
    assert BronzeObject(**row) == stored
    beside = json.loads((stored.file.parent / "manifest.json").read_text())
    (told,) = beside.pop("files")
    for name, value in {**beside, **told}.items():
        assert value == (row[name].isoformat() if name == "extracted_at" else row[name])
    assert set(beside) | set(told) == set(row) - {"bronze_id"}


def test_a_moment_is_told_in_utc() -> None:
    here = MOMENT.astimezone(timezone(timedelta(hours=-3)))
    assert (
        "extracted_at=20260102T030405.678901Z"
        in bronze.store_bytes(b"abc", **WHERE, extracted_at=here).path
    )


def test_nothing_is_left_in_scratch() -> None:
    bronze.store_bytes(b"abc", **WHERE)
    with bronze.scratch() as path:
        path.write_bytes(b"half")
    with pytest.raises(KeyError), bronze.scratch():
        raise KeyError
    assert not any(".scratch" in file.parts for file in files())


@pytest.mark.row("R-038")
def test_what_a_killed_process_left_in_scratch_is_swept() -> None:
    with bronze.scratch() as path:
        folder = path.parent
    old, young = folder / "old", folder / "young"
    for file in (old, young):
        file.write_bytes(b"half")
    hours_ago = time.time() - 2 * 3600
    os.utime(old, (hours_ago, hours_ago))
    with bronze.scratch():
        assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize("statement", ["UPDATE bronze.manifest SET size = 1",
                                       "DELETE FROM bronze.manifest",
                                       "TRUNCATE bronze.manifest CASCADE"])  # fmt: skip
def test_the_manifest_is_immutable(statement: Any) -> None:
    bronze.store_bytes(b"abc", **WHERE)
    before = listed()
    with connect() as connection, pytest.raises(psycopg.errors.RaiseException, match="immutable"):
        connection.execute(statement)
    assert listed() == before


def test_other_bytes_never_take_a_final_name() -> None:
    bronze.store_bytes(b"abc", **WHERE, extracted_at=MOMENT)
    with pytest.raises(Tampered, match="outros bytes"):
        bronze.store_bytes(b"abd", **WHERE, extracted_at=MOMENT)
    assert len(listed()) == 1
    assert [file.read_bytes() for file in files() if file.name == "a.csv"] == [b"abc"]


def test_the_same_extraction_twice_changes_nothing() -> None:
    first = bronze.store_bytes(b"abc", **WHERE, extracted_at=MOMENT)
    assert bronze.store_bytes(b"abc", **WHERE, extracted_at=MOMENT) == first
    first.file.unlink()
    assert not bronze.holds("toy", "amounts", "2024", first.sha256)
    assert bronze.store_bytes(b"abc", **WHERE, extracted_at=MOMENT) == first
    first.verify()
    assert bronze.holds("toy", "amounts", "2024", first.sha256)
    assert len(listed()) == 1


def test_bytes_that_come_again_take_no_second_place() -> None:
    first = bronze.store_bytes(b"abc", **WHERE)
    again = bronze.store_bytes(b"abc", **WHERE)
    assert again.path != first.path
    assert again.file.stat().st_ino == first.file.stat().st_ino
    assert len(listed()) == 2
    other = bronze.store_bytes(b"abd", **WHERE)
    assert other.file.stat().st_ino != first.file.stat().st_ino


def test_payloads_are_read_only() -> None:
    assert bronze.store_bytes(b"abc", **WHERE).file.stat().st_mode & 0o222 == 0


# Several files of one extraction.


def arrivals(folder: Path, names: dict[str, str]) -> list[Arrival]:
    folder.mkdir(exist_ok=True)
    out = []
    for filename, dataset in names.items():
        file = folder / filename
        file.write_text(filename)
        out.append(
            Arrival(
                file=file,
                source="toy",
                dataset=dataset,
                reference_period="2024",
                filename=filename,
            )
        )
    return out


def test_files_taken_together_are_found_together(tmp_path: Path) -> None:
    names = {"m.shp": "shp", "m.dbf": "dbf", "north.csv": "parts", "south.csv": "parts"}
    stored = bronze.store_all(arrivals(tmp_path / "in", names), MOMENT)
    bronze.store_all(arrivals(tmp_path / "in", {"m.dbf": "dbf"}), MOMENT + timedelta(days=1))
    first = bronze.newest("toy", ["shp", "dbf", "parts"], "2024")
    assert first is not None
    assert first.dataset == "shp"
    assert bronze.same_extraction(first, ["shp", "dbf", "parts"]) == stored
    assert bronze.same_extraction(first, ["shp"]) == stored[:1]
    parts = settings().data_dir / Path(stored[2].path).parent
    told = json.loads((parts / "manifest.json").read_text())["files"]
    assert [Path(one["path"]).name for one in told] == ["north.csv", "south.csv"]


def test_an_extraction_is_listed_whole_or_not_at_all(tmp_path: Path) -> None:
    three = arrivals(tmp_path / "in", {"a.csv": "x", "b.csv": "x", "c.csv": "x"})
    three[2].file.unlink()
    with pytest.raises(FileNotFoundError):
        bronze.store_all(three, MOMENT)
    assert listed() == []
    assert bronze.newest("toy", ["x"], "2024") is None


def test_the_newest_is_of_the_best_dataset() -> None:
    def put(dataset: str, days: int) -> BronzeObject:
        where = {**WHERE, "dataset": dataset}
        return bronze.store_bytes(b"x", **where, extracted_at=MOMENT + timedelta(days=days))

    old, new, poorer = put("api", 0), put("api", 1), put("shp", 2)
    assert bronze.newest("toy", ["api", "shp"], "2024") == new
    assert bronze.newest("toy", ["shp", "api"], "2024") == poorer
    assert bronze.newest("toy", ["api"], "2023") is None
    assert bronze.newest("other", ["api"], "2024") is None
    assert old.age_hours > new.age_hours > poorer.age_hours


# Bytes at rest.


@pytest.mark.row("R-019")
def test_every_flipped_bit_is_seen() -> None:
    body = random.Random(7).randbytes(2000)  # noqa: S311  any bytes
    stored = bronze.store_bytes(body, **WHERE)
    stored.file.chmod(0o644)
    rolled = random.Random(11)  # noqa: S311
    for _ in range(200):
        place, bit = rolled.randrange(len(body)), 1 << rolled.randrange(8)
        flipped = bytearray(body)
        flipped[place] ^= bit
        stored.file.write_bytes(flipped)
        with pytest.raises(Tampered, match="SHA-256"):
            stored.verify()
    stored.file.write_bytes(body)
    stored.verify()


@pytest.mark.row("R-019")
@pytest.mark.parametrize("damage", [lambda f: f.unlink(), lambda f: os.truncate(f, 1)])
def test_a_file_that_is_gone_or_cut_is_seen(damage: Any) -> None:
    stored = bronze.store_bytes(b"abc", **WHERE)
    stored.file.chmod(0o644)
    damage(stored.file)
    with pytest.raises(Tampered):
        stored.verify()


# No space.

_ON_A_SMALL_DISK = """
import sys
from atalaia.kernel.base.errors import NoSpace
from atalaia.kernel.ingest import bronze
where = dict(source="toy", dataset="amounts", reference_period="2024", filename="a.csv")
bronze.store_bytes(b"x" * 300_000, **where)
try:
    bronze.store_bytes(b"y" * 900_000, **where)
except NoSpace as error:
    print("NoSpace", error)
bronze.store_bytes(b"z" * 100_000, **where)  # there is room again, with no restart
"""


@pytest.mark.row("R-012")
def test_a_full_disk_leaves_nothing_by_half(tmp_path: Path) -> None:
    """A disk of one megabyte, in a mount namespace of its own."""
    disk, script = tmp_path / "disk", tmp_path / "fill.py"
    disk.mkdir()
    script.write_text(textwrap.dedent(_ON_A_SMALL_DISK))
    steps = (
        f"mount -t tmpfs -o size=1m none {disk} && {sys.executable} {script} && "
        f"cp -r {disk} {tmp_path}/kept"
    )
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", steps],
        env={**os.environ, "DATA_DIR": str(disk)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare:" in done.stderr or "mount:" in done.stderr:
        pytest.skip("no mount namespaces here")
    assert done.returncode == 0, done.stderr
    assert "NoSpace" in done.stdout
    kept = sorted((tmp_path / "kept").rglob("a.csv"))
    assert [file.stat().st_size for file in kept] == [300_000, 100_000]
    assert not [p for p in (tmp_path / "kept").rglob("*") if p.name.endswith(".tmp")]
    assert len(listed()) == 2


@pytest.mark.row("R-012")
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_as_such(code: int) -> None:
    with pytest.raises(NoSpace), bronze.scratch():
        raise OSError(code, "full")


def test_another_trouble_with_the_disk_is_not_called_a_full_one() -> None:
    with pytest.raises(PermissionError), bronze.scratch():
        raise PermissionError(errno.EACCES, "no")


@pytest.mark.row("R-028")
@pytest.mark.parametrize("call", ["fsync", "rename", "link"])
def test_a_fault_at_any_step_lists_nothing(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """Wherever it breaks, the manifest has the old state or the new one."""
    real, broken = getattr(os, call), 0
    for broken_at in range(1, 8):
        seen = 0

        def act(*args: Any, **kw: Any) -> Any:
            nonlocal seen
            seen += 1
            if seen == broken_at:  # noqa: B023  read while the loop stands here
                raise OSError(errno.EIO, "broken")
            return real(*args, **kw)

        before = listed()
        with monkeypatch.context() as patch:
            patch.setattr(os, call, act)
            try:
                bronze.store_bytes(b"abc%d" % (broken_at % 2), **WHERE)
            except OSError:
                broken += 1
                assert listed() == before
        bronze.store_bytes(b"abc", **WHERE)
    assert broken >= (0 if call == "link" else 2)  # without hard links bytes are moved instead
    for row in listed():
        BronzeObject(**row).verify()
