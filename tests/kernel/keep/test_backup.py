"""A backup: one file, whole or not there, of one moment, that anyone can check with sha256sum."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import re
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.kernel.keep import platform
from tests.kernel.keep.platform import TOTAL, WHO, Platform

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.errors import NoSpace, UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import archive, backup, recovery


@pytest.fixture(scope="module")
def held(database_of_module: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with platform.cleaned():
        yield platform.fill(tmp_path_factory.mktemp("archives"))


@pytest.mark.row("M-020", "M-021", "M-022")
def test_a_backup_is_a_file_of_0600_with_the_sha256_that_sha256sum_finds(held: Platform) -> None:
    name = "backup-20260215T120000Z.db"
    assert re.fullmatch(r"backup-\d{8}T\d{6}Z\.db", name)
    file = held.archive(name)
    companion = held.folder / f"{name}.checksum"
    assert sorted(path.name for path in held.folder.glob("*backup-2026*")) == [name, companion.name]
    for path in (file, companion):
        assert path.stat().st_mode & 0o777 == 0o600
    said = subprocess.run(
        ["sha256sum", "-c", companion.name],
        cwd=held.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout.strip()) == (0, f"{name}: OK")
    assert companion.read_text() == f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {name}\n"
    with transaction() as connection:
        row = connection.execute(
            "SELECT sha256, size, missing_files FROM ops.backups WHERE file = %s", (str(file),)
        ).fetchone()
        told = connection.execute(
            "SELECT actor, reason FROM ops.audit_log WHERE action = 'backup.created'"
        ).fetchall()
    assert row == {
        "sha256": companion.read_text()[:64], "size": file.stat().st_size, "missing_files": 0,
    }  # fmt: skip
    assert told[-1] == {"actor": "ana", "reason": "teste"}


def test_a_backup_is_never_written_over(held: Platform) -> None:
    file = held.archive("kept.atl")
    before = file.read_bytes()
    with pytest.raises(UsageError, match="já existe"):
        held.archive("kept.atl")
    assert file.read_bytes() == before


def test_it_holds_the_database_the_files_once_and_the_ends_of_the_log(
    held: Platform,
) -> None:
    head = archive.head_of(held.archive("inside.atl"))
    tables = {table["name"]: table for table in head["census"]["tables"]}
    assert tables["silver.account"]["rows"] == platform.ACCOUNTS
    assert tables["silver.account"]["sums"] == {"amount": TOTAL}
    assert head["holdings"]["bronze"][0]["sha256"] == hashlib.sha256(platform.PAYLOAD).hexdigest()
    assert ["runs", 5] in [one[:2] for one in head["audit"]]
    assert any(line.startswith("search_path=ops") for line in head["settings"])
    with archive.reading(held.folder / "inside.atl") as (_head, members):
        names = [name for name, member in members if member.read()]
    assert names[0] == "database/000001"
    assert names[-1] == f"files/{held.payload.sha256}"


def test_a_file_that_is_lost_or_changed_on_disk_is_told_and_does_not_stop_the_backup(
    held: Platform,
) -> None:
    file = held.payload.file
    file.chmod(0o644)
    file.write_bytes(b"others")
    try:
        made = backup.create(held.folder / "damaged.atl", **WHO)
        assert made["missing_files"] == 1
        assert archive.head_of(held.folder / "damaged.atl")["missing"] == [held.payload.path]
        # It is a good backup of what there was, and says what there was not.
        assert recovery.verify(held.folder / "damaged.atl", **WHO)["missing_files"] == 1
    finally:
        file.write_bytes(platform.PAYLOAD)


def _move_money(stop: threading.Event, moved: list[int]) -> None:
    """Transfers between accounts, and one new row in two tables at once, until told to stop."""
    with psycopg.connect(settings().database_url) as connection:
        while not stop.is_set():
            moved[0] += 1
            a, b = moved[0] % 200 + 1, (moved[0] * 7) % 200 + 1
            connection.execute(
                "UPDATE silver.account SET amount = amount - 1 WHERE number = %s", (a,)
            )
            connection.execute(
                "UPDATE silver.account SET amount = amount + 1 WHERE number = %s", (b,)
            )
            connection.execute("INSERT INTO silver.left_hand VALUES (%s)", (moved[0],))
            connection.commit()
            connection.execute("INSERT INTO silver.right_hand VALUES (%s)", (moved[0],))
            connection.execute("DELETE FROM silver.left_hand WHERE n = %s", (moved[0],))
            connection.commit()


def back_up_while_writing(held: Platform, count: int) -> list[int]:
    """That many backups, each verified; returns what was committed while each was made."""
    with connect() as connection:
        connection.execute("CREATE TABLE silver.left_hand (n int PRIMARY KEY)")
        connection.execute("CREATE TABLE silver.right_hand (n int PRIMARY KEY)")
    stop, moved = threading.Event(), [0]
    writer = threading.Thread(target=_move_money, args=(stop, moved))
    writer.start()
    counts = []
    try:
        for number in range(count):
            before = moved[0]
            file = held.archive(f"moving-{number}.atl")
            counts.append(moved[0] - before)
            recovery.verify(file, **WHO)  # equal to the census of the very same snapshot
            tables = {t["name"]: t for t in archive.head_of(file)["census"]["tables"]}
            assert tables["silver.account"]["sums"]["amount"] == TOTAL
            # every number is in exactly one hand at any one moment
            hands = tables["silver.left_hand"]["rows"] + tables["silver.right_hand"]["rows"]
            assert before - 1 <= hands <= moved[0]
            assert tables["silver.left_hand"]["rows"] <= 1
    finally:
        stop.set()
        writer.join()
    return counts


@pytest.mark.row("M-024", "R-027", "R-036")
def test_what_is_restored_is_one_moment_however_much_is_written_meanwhile(held: Platform) -> None:
    counts = back_up_while_writing(held, 2)
    assert min(counts) > 3, f"nothing was written while the backups ran: {counts}"


_LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, 16_000))
from atalaia.serve.cli import main
sys.argv = ["atalaia", "backup", "create", "--out", sys.argv[1]]
sys.exit(main())
"""


@pytest.mark.row("M-026")
def test_a_full_disk_is_told_and_leaves_no_file(held: Platform, tmp_path: Path) -> None:
    """On a disk of 16 kB where one may be mounted; else a limit on files says no at that size."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = not subprocess.call(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)], stderr=subprocess.DEVNULL
    )
    code = _LIMITED.replace("resource.setrlimit", "#") if mounted else _LIMITED
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, str(small / "full.atl")],
            capture_output=True, text=True, check=False, env=os.environ, timeout=60,
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert "disco está cheio" in done.stderr
        assert "Traceback" not in done.stderr
        assert list(small.iterdir()) == []
    finally:
        if mounted:
            subprocess.check_call(["umount", str(small)])


def test_the_limit_on_files_is_met_like_a_full_disk(held: Platform) -> None:
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16_000, 16_000))
        with pytest.raises(NoSpace):
            held.archive("limited.atl")

    context = multiprocessing.get_context("fork")
    child = context.Process(target=limited)
    child.start()
    child.join()
    assert child.exitcode == 0
    assert [path for path in held.folder.iterdir() if "limited" in path.name] == []
