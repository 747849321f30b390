"""Bronze: raw payloads exactly as they came, immutable, hashed, listed in a manifest.

A payload lives at data/bronze/{source}/{dataset}/{period}/extracted_at={moment}/{file}, with a
manifest.json beside it that says the same as its row in `bronze.manifest`. It is written under a
scratch name, synced and renamed, so a final name always holds whole bytes; nothing overwrites it.
Payloads taken together are listed together, in one transaction: a source of several files is
there whole or not at all, and a file without its row is as good as absent.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.disk import full_disk_is_told, sha256_of, sweep, sync
from atalaia.kernel.base.errors import Tampered
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep.holdings import Holding, KeptFile, register


@dataclass(frozen=True, slots=True)
class BronzeObject:
    """One raw payload. `path` is below the data folder; `dataset` says what its bytes are."""

    bronze_id: int
    source: str
    dataset: str
    reference_period: str
    path: str
    sha256: str
    size: int
    extracted_at: datetime
    exchange: dict[str, Any] | None
    package: dict[str, Any] | None

    @property
    def file(self) -> Path:
        """Where the bytes are on this machine."""
        return settings().data_dir / self.path

    @property
    def age_hours(self) -> float:
        """Hours since the bytes were taken from their source."""
        return (now() - self.extracted_at).total_seconds() / 3600

    def verify(self) -> None:
        """Raise Tampered unless the bytes on disk are the bytes that were stored."""
        if not self.file.exists():
            raise Tampered(
                f"{self.path} sumiu da pasta de dados.",
                todo="Restaure-o de um backup, ou rode o job com --force.",
            )
        if sha256_of(self.file) != self.sha256:
            raise Tampered(
                f"{self.path} já não tem o SHA-256 {self.sha256[:12]}… com que foi guardado.",
                todo="Restaure-o de um backup, ou rode o job com --force.",
            )

    def as_dict(self) -> dict[str, Any]:
        """The object as people see it, JSON-ready."""
        return {**asdict(self), "extracted_at": self.extracted_at.isoformat()}


@contextmanager
def scratch() -> Iterator[Path]:
    """A scratch file on the same disk as bronze, gone afterwards unless `store` took it."""
    folder = settings().data_dir / "bronze" / ".scratch"
    with full_disk_is_told():
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder, "*")
        with NamedTemporaryFile(dir=folder, delete=False) as file:
            path = Path(file.name)
    try:
        with full_disk_is_told():
            yield path
    finally:
        path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A payload at the door: a scratch file, what it is and how it came (by exchange, or inside a
    package, or, when both are None, by a person's hand)."""

    file: Path
    source: str
    dataset: str
    reference_period: str
    filename: str
    exchange: dict[str, Any] | None = None
    package: dict[str, Any] | None = None


def store_all(
    arrivals: Sequence[Arrival], extracted_at: datetime | None = None
) -> list[BronzeObject]:
    """Move payloads that were taken together into bronze and list all of them, or none.

    Bytes already stored for the same source, dataset and period are linked, not copied again; the
    very same extraction stored twice changes nothing, and puts back a file that was lost. Raises
    NoSpace, and Tampered when other bytes already stand under a final name."""
    moment = (extracted_at or now()).astimezone(UTC)
    with full_disk_is_told():
        entries = [_place(arrival, moment) for arrival in arrivals]
    return _list_in_manifest(entries)


def store(
    file: Path,
    *,
    source: str,
    dataset: str,
    reference_period: str,
    filename: str,
    exchange: dict[str, Any] | None = None,
    package: dict[str, Any] | None = None,
    extracted_at: datetime | None = None,
) -> BronzeObject:
    """`store_all` for one payload."""
    arrival = Arrival(
        file=file,
        source=source,
        dataset=dataset,
        reference_period=reference_period,
        filename=filename,
        exchange=exchange,
        package=package,
    )
    return store_all([arrival], extracted_at)[0]


def store_bytes(data: bytes, **where: Any) -> BronzeObject:
    """`store` for bytes in hand (a bundled file). Same arguments."""
    with scratch() as path:
        path.write_bytes(data)
        return store(path, **where)


def _place(arrival: Arrival, moment: datetime) -> dict[str, Any]:
    """Give one payload its final name and its line in manifest.json; returns that line."""
    relative = Path(
        "bronze",
        arrival.source,
        arrival.dataset,
        arrival.reference_period,
        f"extracted_at={moment:%Y%m%dT%H%M%S.%fZ}",
        Path(arrival.filename).name,
    )
    target = settings().data_dir / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    sha256 = sha256_of(arrival.file)
    entry: dict[str, Any] = {
        "source": arrival.source,
        "dataset": arrival.dataset,
        "reference_period": arrival.reference_period,
        "extracted_at": moment.isoformat(),
        "path": relative.as_posix(),
        "sha256": sha256,
        "size": arrival.file.stat().st_size,
        "exchange": arrival.exchange,
        "package": arrival.package,
    }
    if target.exists():
        _refuse_other_bytes(target, sha256)
    elif not _linked_to_twin(arrival, sha256, target):
        sync(arrival.file)
        arrival.file.chmod(0o444)
        arrival.file.rename(target)
    _write_manifest(target.parent / "manifest.json", entry)
    return entry


def _refuse_other_bytes(target: Path, sha256: str) -> None:
    if sha256_of(target) != sha256:
        raise Tampered(
            f"{target.name} já está no bronze com outros bytes. Nada foi sobrescrito.",
            todo="Restaure o bronze de um backup antes de rodar de novo.",
        )


def _linked_to_twin(arrival: Arrival, sha256: str, target: Path) -> bool:
    """Bytes the source sends again take no second place on disk."""
    twin = newest(arrival.source, [arrival.dataset], arrival.reference_period)
    if twin is None or twin.sha256 != sha256 or not twin.file.exists():
        return False
    try:
        os.link(twin.file, target)
    except OSError:  # a disk without hard links
        return False
    return True


def _write_manifest(path: Path, entry: dict[str, Any]) -> None:
    """manifest.json of one folder: what its files share, and a line for each of them."""
    own = ("path", "sha256", "size", "exchange", "package")
    shared = {k: v for k, v in entry.items() if k not in own}
    files = json.loads(path.read_text(encoding="utf-8"))["files"] if path.exists() else []
    files = [f for f in files if f["path"] != entry["path"]] + [{k: entry[k] for k in own}]
    text = json.dumps({**shared, "files": files}, ensure_ascii=False, indent=1, default=str)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        sync(temporary)
        temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


def _list_in_manifest(entries: list[dict[str, Any]]) -> list[BronzeObject]:
    with transaction() as connection:
        return [BronzeObject(**_listed(connection, entry)) for entry in entries]


def _listed(connection: Connection, entry: dict[str, Any]) -> dict[str, Any]:
    connection.execute(
        """INSERT INTO bronze.manifest (source, dataset, reference_period, path, sha256, size,
               extracted_at, exchange, package)
           VALUES (%(source)s, %(dataset)s, %(reference_period)s, %(path)s, %(sha256)s,
               %(size)s, %(extracted_at)s, %(exchange)s, %(package)s)
           ON CONFLICT (path) DO NOTHING""",
        {
            **entry,
            "exchange": entry["exchange"] and Jsonb(entry["exchange"]),
            "package": entry["package"] and Jsonb(entry["package"]),
        },
    )
    found = connection.execute(
        "SELECT * FROM bronze.manifest WHERE path = %s", (entry["path"],)
    ).fetchone()
    assert found is not None  # noqa: S101  it was there, or was just written
    if found["sha256"] != entry["sha256"]:
        raise Tampered(f"{entry['path']} consta com outros bytes. Nada foi sobrescrito.")
    return found


def newest(source: str, datasets: list[str], reference_period: str) -> BronzeObject | None:
    """The newest payload of one source and period, in the order of preference of `datasets`."""
    with transaction() as connection:
        found = connection.execute(
            """SELECT * FROM bronze.manifest
               WHERE source = %s AND dataset = ANY(%s) AND reference_period = %s
               ORDER BY array_position(%s, dataset), extracted_at DESC LIMIT 1""",
            (source, datasets, reference_period, datasets),
        ).fetchone()
    return BronzeObject(**found) if found else None


def holds(source: str, dataset: str, reference_period: str, sha256: str) -> bool:
    """Whether these very bytes are listed and their file is there (its bytes are not read)."""
    with transaction() as connection:
        found = connection.execute(
            """SELECT * FROM bronze.manifest
               WHERE source = %s AND dataset = %s AND reference_period = %s AND sha256 = %s""",
            (source, dataset, reference_period, sha256),
        ).fetchall()
    return any(BronzeObject(**row).file.exists() for row in found)


def same_extraction(first: BronzeObject, datasets: list[str]) -> list[BronzeObject]:
    """All payloads of `datasets` that were taken together with `first` (a source of several
    files, or of several datasets)."""
    with transaction() as connection:
        found = connection.execute(
            """SELECT * FROM bronze.manifest
               WHERE source = %s AND dataset = ANY(%s) AND reference_period = %s
                 AND extracted_at = %s
               ORDER BY array_position(%s, dataset), path""",
            (first.source, datasets, first.reference_period, first.extracted_at, datasets),
        ).fetchall()
    return [BronzeObject(**row) for row in found]


def free_bytes() -> int:
    """Free space on bronze's disk, in bytes."""
    folder = settings().data_dir
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free


def _kept(connection: psycopg.Connection[Any]) -> Iterator[KeptFile]:
    """Every payload, as the manifest that `connection` sees lists it."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        for row in cursor.execute("SELECT path, sha256, size FROM bronze.manifest ORDER BY path"):
            yield KeptFile(*row)


register(Holding("bronze", files=_kept))
