"""Bronze: raw payloads exactly as they came, immutable, hashed, listed in a manifest.

A payload lives at data/bronze/{source}/{dataset}/{period}/extracted_at={moment}/{file}, with a
manifest.json beside it that says the same as its row in `bronze.manifest`. It is written under a
scratch name, synced and renamed, so a final name always holds whole bytes; nothing overwrites it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from psycopg.types.json import Jsonb

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import NoSpace, Tampered
from atalaia.kernel.base.settings import settings


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
                f"{self.path} is gone from the data folder.",
                todo="Restore it from a backup, or run the job with --force.",
            )
        if sha256_of(self.file) != self.sha256:
            raise Tampered(
                f"{self.path} no longer has its SHA-256 {self.sha256[:12]}….",
                todo="Restore it from a backup, or run the job with --force.",
            )

    def as_dict(self) -> dict[str, Any]:
        """The object as people see it, JSON-ready."""
        return {**asdict(self), "extracted_at": self.extracted_at.isoformat()}


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def scratch() -> Iterator[Path]:
    """A scratch file on the same disk as bronze, gone afterwards unless `store` took it."""
    folder = settings().data_dir / "bronze" / ".scratch"
    with _disk_errors():
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=folder, delete=False) as file:
            path = Path(file.name)
    try:
        with _disk_errors():
            yield path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NoSpace() from error
        raise


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
    """Move `file` into bronze under its final name and list it in the manifest.

    Bytes already stored for this source, dataset and period are linked, not copied again."""
    moment = extracted_at or now()
    folder = (
        Path("bronze")
        / source
        / dataset
        / reference_period
        / f"extracted_at={moment:%Y%m%dT%H%M%S.%fZ}"
    )
    relative = folder / Path(filename).name
    target = settings().data_dir / relative
    sha256, size = sha256_of(file), file.stat().st_size
    twin = newest(source, [dataset], reference_period)
    with _disk_errors():
        target.parent.mkdir(parents=True, exist_ok=True)
        if twin and twin.sha256 == sha256 and twin.file.exists():
            file.unlink()
            os.link(twin.file, target)
        else:
            _sync(file)
            file.chmod(0o444)
            file.rename(target)
        entry = {
            "source": source,
            "dataset": dataset,
            "reference_period": reference_period,
            "path": relative.as_posix(),
            "sha256": sha256,
            "size": size,
            "extracted_at": moment.isoformat(),
            "exchange": exchange,
            "package": package,
        }
        _write_manifest(target.parent / "manifest.json", entry)
    return _list_in_manifest(entry)


def store_bytes(data: bytes, **where: Any) -> BronzeObject:
    """`store` for bytes in hand (a bundled file). Same arguments."""
    with scratch() as path:
        path.write_bytes(data)
        return store(path, **where)


def _write_manifest(path: Path, entry: dict[str, Any]) -> None:
    text = json.dumps(entry, ensure_ascii=False, indent=1, default=str)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    _sync(temporary)
    temporary.rename(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _list_in_manifest(entry: dict[str, Any]) -> BronzeObject:
    values = {
        **entry,
        "exchange": entry["exchange"] and Jsonb(entry["exchange"]),
        "package": entry["package"] and Jsonb(entry["package"]),
    }
    with transaction() as connection:
        found = connection.execute(
            """INSERT INTO bronze.manifest (source, dataset, reference_period, path, sha256, size,
                   extracted_at, exchange, package)
               VALUES (%(source)s, %(dataset)s, %(reference_period)s, %(path)s, %(sha256)s,
                   %(size)s, %(extracted_at)s, %(exchange)s, %(package)s)
               RETURNING *""",
            values,
        ).fetchone()
    assert found is not None  # noqa: S101  INSERT … RETURNING gives its row
    return BronzeObject(**found)


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


def same_extraction(first: BronzeObject) -> list[BronzeObject]:
    """All payloads that were taken together with `first` (a source of several files)."""
    with transaction() as connection:
        found = connection.execute(
            """SELECT * FROM bronze.manifest
               WHERE source = %s AND dataset = %s AND reference_period = %s AND extracted_at = %s
               ORDER BY path""",
            (first.source, first.dataset, first.reference_period, first.extracted_at),
        ).fetchall()
    return [BronzeObject(**row) for row in found]


def free_bytes() -> int:
    """Free space on bronze's disk, in bytes."""
    folder = settings().data_dir
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free
