"""Disks that are full, read-only or lie: said clearly, nothing half under a final name, and normal
work as soon as the cause is gone, with no restart."""

from __future__ import annotations

import os
import random
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.broken_disk import breaking
from tests.kernel.toy import Toy
from tests.sources.server import status

from atalaia.kernel.base.disk import sha256_of
from atalaia.kernel.base.errors import Tampered
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest import bronze

SEED = 99


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[Callable[[str], None]]:
    """A small file system at `place`; the yielded function mounts it again with other options."""
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *options, str(place)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting is not allowed here")

    def again(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True)

    try:
        yield again
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def finals(folder: Path) -> list[Path]:
    """Files under final names: all but scratch and hidden ones."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.parts[-3:])
    ]


def _distinct(toy: Toy) -> None:
    names = (f"{a}{b}{c}" for a in "abcdefghij" for b in "abcdefghij" for c in "abcdefghij")
    toy.rows = [(name, n, "x" * 400) for n, name in enumerate(names)]


@pytest.mark.row("R-012")
def test_no_room_for_bronze(toy: Toy) -> None:
    assert toy.run()["run_status"] == "success"
    before = toy.table()
    _distinct(toy)
    with mounted(settings().data_dir, "-t", "tmpfs", "-o", "size=200k", "tmpfs") as again:
        for year in ("2021", "2022", "2023"):
            result = toy.run(year)
            assert result["run_status"] == "failed"
            assert "disco está cheio" in result["error"]
            assert finals(settings().data_dir) == []
            assert toy.table(year) == {}
        assert list((settings().data_dir / "bronze" / ".scratch").iterdir()) == []
        again("size=20m")
        assert toy.run("2021")["run_status"] == "success"
        assert len(toy.table("2021")) == 1000
    assert toy.table() == before


@pytest.mark.row("R-012")
def test_no_room_for_what_is_put_aside(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rejected rows wait in TMPDIR while the load goes on."""
    toy.rows = [("BAD", 1, "x" * 1000)] * 1000
    with mounted(tmp_path / "tmp", "-t", "tmpfs", "-o", "size=100k", "tmpfs") as again:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
        result = toy.run()
        assert result["run_status"] == "failed"
        assert "disco está cheio" in result["error"]
        assert (toy.table(), toy.query("SELECT FROM ops.dead_letters")) == ({}, [])
        again("size=20m")
        toy.server.misbehave(status(500))
        assert toy.run(force=True)["rows_rejected"] == 1000  # what came is in bronze


@pytest.mark.row("R-013")
@pytest.mark.parametrize("which", ["", "bronze", "bronze/.scratch", "bronze/toy", "tmp"])
def test_a_place_that_may_not_be_written(
    toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    assert toy.run("2019")["run_status"] == "success"
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    place = tmp_path / "tmp" if which == "tmp" else settings().data_dir / which
    files = {path: path.read_bytes() for path in finals(settings().data_dir)}
    with mounted(place, "--bind", str(place)) as again:
        again("bind,ro")
        result = toy.run()
        assert result["run_status"] == "failed"
        assert "não pode ser escrit" in result["error"]
        assert toy.table() == {}
        kept = {path: path.read_bytes() for path in finals(settings().data_dir)}
        assert files.items() <= kept.items()
        assert which == "tmp" or kept == files  # what came whole is in bronze, and stays
    assert toy.run()["run_status"] == "success"
    assert len(toy.table("2019")) == 3


@pytest.mark.row("R-019")
def test_a_bit_that_turned_is_noticed_before_use(toy: Toy) -> None:
    assert toy.run()["run_status"] == "success"
    before = toy.table()
    (found,) = bronze.same_extraction(
        bronze.newest("toy", ["amounts"], "2024") or pytest.fail("nothing in bronze"), ["amounts"]
    )
    whole, chance = found.file.read_bytes(), random.Random(SEED)  # noqa: S311
    print(f"seed {SEED}")
    os.chmod(found.file, 0o600)
    toy.server.misbehave(status(500))
    for turn in range(500):
        turned, bit = bytearray(whole), chance.randrange(len(whole) * 8)
        turned[bit // 8] ^= 1 << bit % 8
        found.file.write_bytes(turned)
        with pytest.raises(Tampered):
            found.verify()
        if turn % 100 == 0:
            result = toy.run(force=True)
            assert (result["run_status"], toy.table()) == ("failed", before)
            assert "SHA-256" in result["error"]
    found.file.write_bytes(whole)
    assert toy.run(force=True)["source_type"] == "bronze_cache"


@pytest.mark.row("R-028")
def test_a_fault_at_every_call_of_a_load(toy: Toy) -> None:
    """Each leaves the table and what bronze lists as they were, or as the load makes them."""
    assert toy.run("2019")["run_status"] == "success"
    with breaking([settings().data_dir]) as whole:
        assert toy.run("2020")["run_status"] == "success"
    assert {"open", "write", "fsync"} <= set(whole.calls)
    failed = 0
    for place in range(1, len(whole.calls) + 1):
        year = str(2020 + place)
        with breaking([settings().data_dir], place) as disk:
            result = toy.run(year)
        assert len(disk.calls) >= place, "the call was never made"
        if result["run_status"] == "failed":
            failed += 1
            assert toy.table(year) == {}
        else:
            assert len(toy.table(year)) == 3
        for listed in toy.query("SELECT path, sha256 FROM bronze.manifest"):
            file = settings().data_dir / listed["path"]
            assert sha256_of(file) == listed["sha256"]
        assert toy.run(year)["run_status"] == "success"
        assert len(toy.table(year)) == 3
    assert failed >= len(whole.calls) - 3
