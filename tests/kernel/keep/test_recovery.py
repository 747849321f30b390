"""Restoring: into a database of its own, compared, swapped in; what was in use can come back."""

from __future__ import annotations

import io
import json
import random
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pyarrow
import pytest
from tests.kernel.keep import platform
from tests.kernel.keep.platform import PAYLOAD, TOTAL, WHO, Platform

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.disk import sha256_of
from atalaia.kernel.base.errors import AlreadyRunning, AtalaiaError, NotFound, Tampered, UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import archive, audit, recovery
from atalaia.kernel.keep.restore import alone, named
from atalaia.kernel.keep.verify import verify

FLIPS = 20


@pytest.fixture(scope="module")
def _held(database_of_module: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with platform.cleaned():
        yield platform.fill(tmp_path_factory.mktemp("archives"))


@pytest.fixture(scope="module")
def good(_held: Platform) -> Path:
    """An archive that nobody has harmed."""
    return _held.archive("good.atl")


@pytest.fixture
def held(_held: Platform) -> Platform:
    return _held


def harmed(good: Path, folder: Path, harm: Callable[[bytes], bytes], *, sign: bool = False) -> Path:
    """A copy of `good` with other bytes, and its checksum as it was; with `sign`, one that fits."""
    copy = folder / "harmed.atl"
    copy.write_bytes(harm(good.read_bytes()))
    companion = archive.checksum_file(copy)
    if sign:
        companion.write_text(f"{sha256_of(copy)}  {copy.name}\n")
    else:
        shutil.copy(archive.checksum_file(good), companion)
    return copy


def flipped(data: bytes, place: int, bit: int) -> bytes:
    """`data` with one bit changed."""
    changed = bytearray(data)
    changed[place] ^= 1 << bit
    return bytes(changed)


@pytest.mark.row("R-026", "M-029")
def test_a_bit_flipped_anywhere_is_refused_and_touches_nothing(
    held: Platform, good: Path, tmp_path: Path
) -> None:
    chance = random.Random(26)  # noqa: S311  the same flips in every run
    before = platform.state()
    for _ in range(FLIPS):
        place, bit = chance.randrange(good.stat().st_size), chance.randrange(8)
        bad = harmed(good, tmp_path, lambda data, p=place, b=bit: flipped(data, p, b))
        with pytest.raises(Tampered, match="SHA-256"):
            held.restore(bad)
    assert platform.state() == before
    assert platform.of_this_database() == []


def _other_head(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    """An archive like the given one, but for what its head says."""

    def made(data: bytes) -> bytes:
        plain = pyarrow.CompressedInputStream(pyarrow.BufferReader(data), "zstd").read()
        out = io.BytesIO()
        with (
            tarfile.open(fileobj=io.BytesIO(plain)) as old,
            pyarrow.CompressedOutputStream(pyarrow.PythonFile(out, "w"), "zstd") as packed,
            tarfile.open(fileobj=packed, mode="w|") as new,
        ):
            size = 0
            for member in old:
                content = old.extractfile(member).read()  # type: ignore[union-attr]
                if member.name == archive.HEAD:
                    head = json.loads(content)
                    change(head)
                    content = json.dumps(head).encode()
                elif member.name == archive.END:
                    end = json.loads(content)
                    content = json.dumps({**end, "bytes": size}).encode()
                size += len(content)
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))
            out.close = lambda: None  # type: ignore[method-assign]
        return out.getvalue()

    return made


def _without_file(head: dict[str, Any]) -> None:
    head["holdings"]["bronze"].append({"path": "bronze/lost", "sha256": "0" * 64, "size": 1})


def _cut(share: float) -> Callable[[bytes], bytes]:
    return lambda data: data[: int(len(data) * share)]


CASES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _data: b"", "não é um backup"),
    "not ours": (lambda _data: b"PK\3\4 something else" * 99, "não é um backup"),
    "a dump of pg_dump": (lambda _data: b"PGDMP\1\16\0" * 99, "não é um backup"),
    "cut at its head": (_cut(0.02), "não é um backup"),
    "cut in the middle": (_cut(0.5), "não é um backup|não terminou"),
    "without its end": (_cut(0.99), "não é um backup"),
    "other format": (_other_head(lambda h: h.update(format="atalaia.backup/9")), "não é um backup"),
    "newer schema": (
        _other_head(lambda h: h["schema"].update({"db/sql/999_later.sql": "0" * 64})),
        "mais nova, ou de outro programa",
    ),
    "a file of the schema that was changed": (
        _other_head(lambda h: h["schema"].update({"db/sql/001_base.sql": "0" * 64})),
        "mais nova, ou de outro programa",
    ),
    "older schema": (
        _other_head(lambda h: h["schema"].pop("db/sql/012_backup.sql")),
        "esquema mais velho",
    ),
    "a domain that is not here": (
        _other_head(lambda h: h["holdings"].update(satellite=[])),
        "nenhum domínio instalado",
    ),
    "a newer server": (_other_head(lambda h: h.update(server_version=990000)), "PostgreSQL 99"),
    "a role that is not here": (_other_head(lambda h: h["roles"].append("nobody_here")), "papéis"),
    "another installation": (
        _other_head(lambda h: h["audit"][0].__setitem__(2, "ab" * 32)),
        "outra instalação",
    ),
    "a later audit log": (
        _other_head(lambda h: h["audit"][-1].__setitem__(1, 99)),
        "outra instalação",
    ),
    "rows that are not there": (
        _other_head(lambda h: h["census"]["tables"][0].update(rows=10**6)),
        "não é o que entrou",
    ),
    "a sum that does not fit": (
        _other_head(
            lambda h: next(t for t in h["census"]["tables"] if t["name"] == "silver.account")[
                "sums"
            ].update(amount="1000000.01")
        ),
        "silver.account tem outros valores",
    ),
    "a table that is not there": (
        _other_head(
            lambda h: h["census"]["tables"].append(
                {"name": "silver.ghost", "rows": 0, "hash": "0", "sums": {}}
            )
        ),
        "falta a tabela silver.ghost",
    ),
    "a file that is not there": (_other_head(_without_file), "falta o arquivo lost"),
    "a path that leads out": (
        _other_head(lambda h: h["holdings"]["bronze"][0].update(path="../../evil")),
        "fora da pasta de dados",
    ),
}


@pytest.mark.row("R-026", "M-029")
@pytest.mark.parametrize("case", CASES)
def test_what_is_not_whole_ours_and_of_this_schema_is_refused_and_touches_nothing(
    held: Platform, good: Path, tmp_path: Path, case: str
) -> None:
    harm, said = CASES[case]
    before = platform.state()
    bad = harmed(good, tmp_path, harm, sign=True)
    with pytest.raises(AtalaiaError, match=said):
        held.restore(bad)
    assert platform.state() == before
    assert platform.of_this_database() == []
    assert list(settings().data_dir.glob(".restoring-*")) == []


@pytest.mark.row("M-029", "M-031")
def test_no_file_no_checksum_or_another_ones_is_refused(
    held: Platform, good: Path, tmp_path: Path
) -> None:
    before = platform.state()
    with pytest.raises(NotFound, match="Não há o arquivo"):
        held.restore(tmp_path / "nowhere.atl")
    bare = tmp_path / "bare.atl"
    shutil.copy(good, bare)
    with pytest.raises(UsageError, match="não está ao lado"):
        held.restore(bare)
    for content in ("", "hello\n", "\xff", "0" * 64, f"{'0' * 64}  bare.atl\n"):
        archive.checksum_file(bare).write_text(content, encoding="latin-1")
        with pytest.raises(AtalaiaError, match="SHA-256"):
            held.restore(bare)
    assert platform.state() == before


@pytest.mark.row("M-025")
def test_verify_finds_one_changed_byte_of_the_data_itself(
    held: Platform, good: Path, tmp_path: Path
) -> None:
    """The checksum fits, the archive is whole: only the comparison with the census can tell."""

    def one_byte(data: bytes) -> bytes:
        plain = bytearray(pyarrow.CompressedInputStream(pyarrow.BufferReader(data), "zstd").read())
        place = plain.index(b"S\xc3\xa3o 77\t")
        plain[place] = ord("Z")
        return bytes(pyarrow.compress(bytes(plain), codec="zstd", asbytes=True))

    bad = harmed(good, tmp_path, one_byte, sign=True)
    with pytest.raises(Tampered, match=r"silver\.account tem outros valores em 200 linhas"):
        recovery.verify(bad, **WHO)


@pytest.mark.row("M-028", "M-030", "R-036")
def test_a_restore_brings_all_of_it_back_and_a_rollback_all_of_the_other(held: Platform) -> None:
    file = held.archive("before.atl")
    was = platform.state()
    with transaction() as connection:  # what the restore is to undo
        connection.execute("UPDATE silver.account SET amount = 0 WHERE number <= 100")
        connection.execute("DELETE FROM silver.account WHERE number > 150")
        connection.execute("CREATE TABLE silver.junk (n int)")
        audit.append(connection, stream="runs", action="run.closed", actor="bia", trigger="cli")
    held.payload.file.chmod(0o644)
    held.payload.file.write_bytes(b"ruined")
    changed = platform.total()
    with connect() as connection:
        log = connection.execute("SELECT count(*) AS n FROM ops.audit_log").fetchone()

    done = held.restore(file)

    assert platform.total() == (TOTAL, platform.ACCOUNTS)
    held.payload.verify()
    damaged = list(held.payload.file.parent.glob("*.damaged-*"))
    assert [path.read_bytes() for path in damaged] == [b"ruined"]
    damaged[0].unlink()
    assert platform.state() == was
    # The log did not go back in time: it has what was done since, and the restore.
    assert {one.status for one in verify() if one.stream} == {"pass"}
    with connect() as connection:
        now = connection.execute(
            """SELECT count(*) AS n, max(actor) FILTER (WHERE actor = 'bia') AS bia,
                      max(details::text) FILTER (WHERE action = 'backup.restored') AS restored
               FROM ops.audit_log"""
        ).fetchone()
        kept = connection.execute("SELECT count(*) AS n FROM ops.backups").fetchone()
    assert log is not None
    assert now is not None
    assert (now["n"], now["bia"]) == (log["n"] + 2, "bia")  # the override, the restore
    assert json.loads(now["restored"])["kept"] == done["kept"]
    assert kept is not None
    assert kept["n"] >= 1, "the backup it came from is still listed"
    assert platform.of_this_database() == [done["kept"]]

    back = recovery.rollback(**WHO, override=True)

    assert back["in_use"] == done["kept"]
    assert platform.total() == changed
    assert {one.status for one in verify() if one.stream} == {"pass"}
    recovery.rollback(**WHO, override=True)  # and forth again
    assert platform.total() == (TOTAL, platform.ACCOUNTS)
    assert platform.state() == was


def test_who_is_connected_is_cut_off_and_finds_the_restored_one(held: Platform) -> None:
    """A writer that never stops loses its connection, not its rows' meaning: what it committed
    before the swap is in the database that was kept, what it commits after is in the new one."""
    file = held.archive("connected.atl")
    with connect() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS silver.written (n int)")
    stop, cut, wrote = threading.Event(), [0], [0]

    def write() -> None:
        while not stop.is_set():
            try:
                with psycopg.connect(settings().database_url, connect_timeout=20) as own:
                    while not stop.is_set():
                        own.execute("INSERT INTO silver.written VALUES (%s)", (wrote[0],))
                        own.commit()
                        wrote[0] += 1
            except psycopg.errors.UndefinedTable:
                stop.set()  # it is in the restored one, which never had the table
            except psycopg.OperationalError:
                cut[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    done = held.restore(file)
    writer.join(30)
    assert not writer.is_alive()
    assert (cut[0] >= 1, wrote[0] > 0) == (True, True)
    with psycopg.connect(platform.url_of(done["kept"])) as kept:
        assert kept.execute("SELECT count(*) FROM silver.written").fetchone() == (wrote[0],)


def test_a_revoked_key_stays_revoked_and_nobody_stays_signed_in(held: Platform) -> None:
    insert = """INSERT INTO api_keys (tenant_id, name, role, prefix, key_hmac)
                VALUES ('default', 'k', 'viewer', 'atl_gone', sha256('gone'))"""
    with connect() as connection:
        connection.execute(insert.encode())
        connection.execute(
            """WITH link AS (
                   INSERT INTO ops.sign_in_links (tenant_id, name, role, token_hmac, expires_at)
                   VALUES ('default', 'x', 'admin', sha256('l'), clock_timestamp() + interval '1 h')
                   RETURNING link_id)
               INSERT INTO ops.sessions (link_id, tenant_id, name, role, token_hmac, expires_at)
               SELECT link_id, 'default', 'x', 'admin', sha256('s'),
                      clock_timestamp() + interval '1 h' FROM link"""
        )
    file = held.archive("keys.atl")
    with connect() as connection:
        connection.execute("UPDATE api_keys SET revoked_at = clock_timestamp()")
    held.restore(file)
    with connect() as connection:
        found = connection.execute(
            """SELECT (SELECT count(*) FROM api_keys WHERE revoked_at IS NULL) AS keys,
                      (SELECT count(*) FROM ops.sessions WHERE ended_at IS NULL) AS sessions,
                      (SELECT count(*) FROM ops.sign_in_links WHERE used_at IS NULL) AS links,
                      (SELECT count(*) FROM api_keys) AS all_keys"""
        ).fetchone()
    assert found == {"keys": 0, "sessions": 0, "links": 0, "all_keys": 1}


def test_what_runbooks_did_since_the_backup_is_still_told(held: Platform) -> None:
    """The one that says what was wrong runs before the restore that mends it: its evidence stays,
    and so does how one ended that was at work during the backup."""

    def write(run_id: UUID, status: str, output: str) -> None:
        with transaction() as connection:
            connection.execute(
                """INSERT INTO ops.runbook_runs (runbook_run_id, runbook, sha256, text, arguments,
                       status, actor, trigger, reason, trace_id, started_at, finished_at)
                   VALUES (%(id)s, 'x', repeat('0', 64), '', '{}',
                           %(status)s::ops.runbook_status, 'a', 'cli', 'r', '-', now(),
                           CASE WHEN %(status)s::text <> 'running' THEN now() END)
                   ON CONFLICT (runbook_run_id) DO UPDATE SET status = excluded.status,
                       finished_at = excluded.finished_at""",
                {"id": run_id, "status": status},
            )
            connection.execute(
                """INSERT INTO ops.runbook_cells (runbook_run_id, position, name, status, attempts,
                       output, output_sha256, output_bytes)
                   VALUES (%s, 0, 'c', 'passed', 1, %s, '', 0)
                   ON CONFLICT (runbook_run_id, position) DO UPDATE SET output = excluded.output""",
                (run_id, output),
            )

    at_work, since, goes_on = uuid4(), uuid4(), uuid4()
    write(at_work, "running", "half")
    file = held.archive("runbooks.atl")
    write(at_work, "succeeded", "whole")
    write(since, "failed", "said")
    write(goes_on, "running", "half")
    held.restore(file)
    with transaction() as connection:
        found = connection.execute(
            """SELECT runbook_run_id, r.status::text, c.output
               FROM ops.runbook_runs AS r JOIN ops.runbook_cells AS c USING (runbook_run_id)"""
        ).fetchall()
    assert {row["runbook_run_id"]: (row["status"], row["output"]) for row in found} == {
        at_work: ("succeeded", "whole"), since: ("failed", "said"),
    }, "who still runs writes itself"  # fmt: skip


def test_one_restore_at_a_time_and_what_a_dead_one_left_is_removed(
    held: Platform, good: Path
) -> None:
    with alone() as control:
        control.execute(f'CREATE DATABASE "{named("restoring", "dead")}"'.encode())
        with pytest.raises(AlreadyRunning):
            held.restore(good)
    settings().data_dir.joinpath(".restoring-dead").mkdir()
    assert named("restoring", "dead") in platform.of_this_database()
    recovery.verify(good, **WHO)
    assert named("restoring", "dead") not in platform.of_this_database()
    assert list(settings().data_dir.glob(".restoring-*")) == []


def test_files_of_bronze_come_back_to_a_disk_that_has_none(held: Platform, good: Path) -> None:
    shutil.rmtree(settings().data_dir / "bronze")
    held.restore(good)
    held.payload.verify()
    assert held.payload.file.read_bytes() == PAYLOAD
    assert held.payload.file.stat().st_mode & 0o777 == 0o444


def test_a_drill_is_a_backup_restored_elsewhere_compared_and_timed(held: Platform) -> None:
    before, others = platform.state(), platform.of_this_database()
    done = recovery.drill(held.folder / "drills", **WHO)
    assert (done["passed"], done["problem"]) == (True, None)
    with connect() as connection:
        row = connection.execute(
            """SELECT drill_id, passed, restore_seconds, compare_seconds, row_count,
                      verified_at_utc IS NOT NULL AS verified
               FROM ops.restore_drills JOIN ops.backups USING (backup_id, row_count)"""
        ).fetchall()
    assert [(one["drill_id"], one["passed"], one["verified"]) for one in row] == [
        (done["drill_id"], True, True)
    ]
    assert row[0]["restore_seconds"] > 0
    assert row[0]["compare_seconds"] > 0
    assert (platform.state(), platform.of_this_database()) == (before, others)
