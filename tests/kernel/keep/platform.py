"""A small platform to back up: rows whose sum must hold, money, an audit log, a bronze object.

The databases that a restore leaves behind are removed with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest import bronze
from atalaia.kernel.keep import audit, backup, census, holdings, recovery
from atalaia.kernel.keep.restore import live_name, maintenance_url

WHO = {"actor": "ana", "trigger": "cli", "reason": "teste"}
PAYLOAD = b"place;amount\nsanta maria;10,50\n" * 5000
ACCOUNTS = 200
TOTAL = "1000000.00"


@dataclass(frozen=True, slots=True)
class Platform:
    """One that holds something; `folder` is for archives."""

    folder: Path
    payload: bronze.BronzeObject

    def archive(self, name: str = "one.atl") -> Path:
        """A new backup."""
        made = backup.create(self.folder / name, **WHO)
        return Path(made["file"])

    def restore(self, file: Path, **options: Any) -> dict[str, Any]:
        """Restore with no backup to guard it, unless told otherwise."""
        return recovery.restore(file, **{**WHO, "override": True, **options})


def fill(folder: Path) -> Platform:
    """Give the database of DATABASE_URL something to lose."""
    with connect() as connection:
        connection.execute(
            """CREATE TABLE silver.account (number int PRIMARY KEY, holder text NOT NULL,
                   amount numeric(14, 2) NOT NULL, rate double precision, seen timestamptz,
                   place public.geometry (Point, 4674), note jsonb)"""
        )
        connection.execute(
            """INSERT INTO silver.account
               SELECT n, 'São ' || n, %s::numeric / %s, n / 7.0, '2026-01-31T23:59:59.123456Z',
                      public.ST_SetSRID(public.ST_MakePoint(-n / 9.0, n / 11.0), 4674),
                      jsonb_build_object('n', n)
               FROM generate_series(1, %s) AS n""",
            (TOTAL, ACCOUNTS, ACCOUNTS),
        )
        connection.execute(
            """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period,
                   run_status, finished_at_utc, actor, trigger, trace_id)
               VALUES (gen_random_uuid(), 'toy', 'toy', '2026', 'success', clock_timestamp(),
                   'ana', 'cli', 't')"""
        )
        for number in range(5):
            audit.append(
                connection, stream="runs", action="run.closed", actor="ana", trigger="cli",
                subject=str(number),
            )  # fmt: skip
    payload = bronze.store_bytes(
        PAYLOAD, source="toy", dataset="amounts", reference_period="2026", filename="toy.csv",
        exchange={"url": "http://toy", "status": 200},
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    return Platform(folder, payload)


@contextmanager
def cleaned() -> Iterator[None]:
    """A platform of the kernel alone, whatever domains other tests of this process brought in.
    Afterwards every database that restores made of this one is removed."""
    known = dict(holdings._registered)
    for name in known.keys() - {"bronze"}:
        del holdings._registered[name]
    try:
        yield
    finally:
        holdings._registered.update(known)
        with psycopg.connect(maintenance_url(), autocommit=True) as control:
            for name in of_this_database():
                control.execute(
                    sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
                )


def of_this_database() -> list[str]:
    """The names of the databases that were made of the one in use."""
    with psycopg.connect(maintenance_url()) as control:
        found = control.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY 1",
            (live_name().replace("_", "\\_") + "\\_%",),
        ).fetchall()
    return [name for (name,) in found]


def state() -> str:
    """One hash of the database in use and of its files, the tables of backups left out."""
    with connect() as connection:
        found = census.take(connection)
    digest = hashlib.sha256()
    for table in found.tables:
        if table.name not in ("ops.backups", "ops.restore_drills", "ops.audit_log"):
            digest.update(repr(table).encode())
    files = settings().data_dir / "bronze"
    for path in sorted(files.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(files)).encode() + path.read_bytes())
    return digest.hexdigest()


def total() -> tuple[str, int]:
    """The money of all accounts, to the cent, and how many there are."""
    with transaction() as connection:
        found = connection.execute(
            "SELECT sum(amount)::text AS total, count(*) AS n FROM silver.account"
        ).fetchone()
    assert found is not None
    return found["total"], found["n"]


def url_of(name: str) -> str:
    """The address of another database of the same server."""
    parts = conninfo_to_dict(settings().database_url)
    return psycopg.conninfo.make_conninfo(**{**parts, "dbname": name})
