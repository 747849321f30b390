"""Uploads that come in pieces and may be broken off: what tus 1.0 calls core and creation.

What came stands in data/uploads/{upload_id}, and how much that is, is the file's length: a process
that dies in the middle of a piece leaves what it had written, and the sender asks where to go on. A
piece that does not begin where the file ends is refused, so none is kept twice or out of order.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.disk import full_disk_is_told, sync
from atalaia.kernel.base.errors import AlreadySo, FileRefused, NotFound
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest.names import shown

OLD_HOURS = 24  # an upload nobody touched for so long is given up

Upload = dict[str, Any]


def folder() -> Path:
    """Where pieces are put together."""
    found = settings().data_dir / "uploads"
    found.mkdir(parents=True, exist_ok=True)
    return found


def create(
    *, tenant_id: str, purpose: str, filename: str, size_bytes: int, actor: str, **details: Any
) -> Upload:
    """Announce an upload. Raises FileRefused when it would be more than a file may be."""
    most = settings().upload_max_bytes
    if size_bytes > most:
        raise FileRefused(
            f"'{shown(filename)}' foi recusado: passa de {most} bytes. Nada dele foi lido.",
            todo="Divida-o em arquivos menores.",
        )
    with transaction() as connection:
        row = connection.execute(
            """INSERT INTO ops.uploads (tenant_id, purpose, filename, size_bytes, actor, details)
               VALUES (%s, %s, %s, %s, %s, %s) RETURNING *""",
            (tenant_id, purpose, filename, size_bytes, actor, Jsonb(details)),
        ).fetchone()
    assert row is not None  # noqa: S101  it was just written
    place(row).touch()
    return dict(row)


def find(upload_id: UUID, tenant_id: str) -> Upload:
    """A tenant's upload. Raises NotFound, also for one that has ended."""
    with transaction() as connection:
        row = connection.execute(
            "SELECT * FROM ops.uploads WHERE upload_id = %s AND tenant_id = %s",
            (upload_id, tenant_id),
        ).fetchone()
    if row is None or row["status"] == "ended":
        why = f": {row['ended_why']}" if row else ""
        raise NotFound(f"Não há esse envio{why}.", todo="Comece-o de novo.")
    return dict(row)


def place(upload: Upload) -> Path:
    """Where its bytes are."""
    return folder() / str(upload["upload_id"])


def offset(upload: Upload) -> int:
    """How many bytes came so far."""
    if upload["status"] == "complete":
        return int(upload["size_bytes"])
    file = place(upload)
    return file.stat().st_size if file.exists() else 0


@contextmanager
def _held(upload: Upload) -> Iterator[int]:
    """Its file, open for writing at its end, by nobody else. Raises AlreadySo."""
    with full_disk_is_told():
        descriptor = os.open(place(upload), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadySo("Outro pedaço deste envio está chegando agora.") from None
            yield descriptor
        finally:
            os.close(descriptor)


async def append(upload: Upload, at: int, pieces: AsyncIterator[bytes]) -> int:
    """Add what comes, beginning at `at`; returns how much there is then. Raises AlreadySo when the
    file does not end at `at`, FileRefused when more comes than was announced."""
    size = int(upload["size_bytes"])
    with _held(upload) as descriptor:
        there = os.fstat(descriptor).st_size
        if upload["status"] != "open" or there != at:
            raise AlreadySo(f"O envio está em {offset(upload)}, e este pedaço começa em {at}.")
        try:
            async for piece in pieces:
                if there + len(piece) > size:
                    raise FileRefused("Veio mais do que foi anunciado. O que veio antes ficou.")
                there += os.write(descriptor, piece)
        finally:
            os.fsync(descriptor)
    with transaction() as connection:
        connection.execute(
            "UPDATE ops.uploads SET touched_at = clock_timestamp() WHERE upload_id = %s",
            (upload["upload_id"],),
        )
    return there


def finish(upload: Upload, receive: Callable[[Path], str]) -> str:
    """Give a whole upload to `receive`, once; returns what became of it. Repeated after a crash it
    does what was left: `receive` must know bytes it has had before. Raises FileRefused, and the
    upload has then ended."""
    if upload["status"] == "complete":
        return str(upload["received_as"])
    with _held(upload):
        copy = place(upload).with_suffix(".whole")
        copy.unlink(missing_ok=True)
        os.link(place(upload), copy)
        try:
            became = receive(copy)
        except FileRefused as error:
            _end(upload, "ended", ended_why=error.message)
            place(upload).unlink(missing_ok=True)
            raise
        finally:
            copy.unlink(missing_ok=True)
        _end(upload, "complete", received_as=became)
        place(upload).unlink(missing_ok=True)
        sync(folder())
    return became


def call_off(upload: Upload, why: str) -> None:
    """End an upload that will not be continued; its bytes are removed."""
    _end(upload, "ended", ended_why=why)
    place(upload).unlink(missing_ok=True)


def _end(upload: Upload, status: str, **also: str) -> None:
    with transaction() as connection:
        connection.execute(
            """UPDATE ops.uploads SET status = %s, received_as = %s, ended_why = %s,
                   touched_at = clock_timestamp()
               WHERE upload_id = %s AND status = 'open'""",
            (status, also.get("received_as"), also.get("ended_why"), upload["upload_id"]),
        )


def whole(purpose: str, connection: Connection) -> list[Upload]:
    """Those that came whole and were not given to anyone: whoever was to do it died."""
    found = connection.execute(
        """SELECT * FROM ops.uploads WHERE status = 'open' AND purpose = %s
             AND touched_at < clock_timestamp() - interval '10 seconds'""",
        (purpose,),
    ).fetchall()
    return [dict(row) for row in found if offset(dict(row)) == row["size_bytes"]]


def give_up_old(purpose: str) -> int:
    """End those nobody touched for OLD_HOURS; returns how many."""
    with transaction() as connection:
        old = connection.execute(
            """SELECT * FROM ops.uploads WHERE status = 'open' AND purpose = %s
                 AND touched_at < clock_timestamp() - make_interval(hours => %s)""",
            (purpose, OLD_HOURS),
        ).fetchall()
    for row in old:
        call_off(dict(row), f"ninguém o continuou por {OLD_HOURS} horas")
    return len(old)
