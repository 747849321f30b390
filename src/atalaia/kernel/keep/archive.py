"""The archive: one file that holds all of a platform, and what makes it one.

A tar compressed by zstd (`tar --zstd -tf F` lists it), in this order:

    atalaia-backup.json   the head: what is inside, table by table and file by file
    database/000001 …     what pg_dump wrote, in pieces; together they are one custom-format dump
    files/<sha256>        a file of a holding, once however many names it has
    end.json              how much there was: an archive without it is not one

Beside it stands `<F>.checksum`, as sha256sum writes it. Both are written under other names, synced,
and renamed, the checksum first: an archive that has its name has its checksum.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from atalaia.kernel.base.disk import renamed_when_whole, sha256_of
from atalaia.kernel.base.errors import NotFound, Tampered, UsageError
from atalaia.kernel.base.reading import json_of

FORMAT = "atalaia.backup/1"
HEAD, END = "atalaia-backup.json", "end.json"
_PIECE_BYTES = 8_000_000
_READ_BYTES = 1_000_000
_HEAD_MAX_BYTES = 200_000_000
Advance = Callable[[int], None]


def checksum_file(archive: Path) -> Path:
    """Where the SHA-256 of an archive stands."""
    return archive.with_name(f"{archive.name}.checksum")


class Writer:
    """Adds members. `written` counts their bytes before compression, `members` how many."""

    def __init__(self, tar: tarfile.TarFile, advance: Advance) -> None:
        self._tar, self._advance = tar, advance
        self.written = self.members = 0

    def put(self, name: str, data: bytes) -> None:
        """A member from memory."""
        self._add(name, io.BytesIO(data), len(data))

    def put_stream(self, folder: str, stream: IO[bytes]) -> None:
        """A stream of unknown length, as numbered pieces: a tar must know how long a member is."""
        number = 0
        while piece := stream.read(_PIECE_BYTES):
            number += 1
            self.put(f"{folder}/{number:06}", piece)

    def put_file(self, name: str, path: Path) -> None:
        """A file of the disk."""
        with path.open("rb") as file:
            self._add(name, file, path.stat().st_size)

    def _add(self, name: str, data: IO[bytes], size: int) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        self._tar.addfile(member, data)
        self.written += size
        self.members += 1
        self._advance(size)


class _Hashed:
    """A file that is hashed as it is written; tarfile and the compressor only write."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest, self.size = file, hashlib.sha256(), 0
        self.closed = False

    def write(self, data: Any) -> int:
        view = bytes(data)
        self.digest.update(view)
        self.size += len(view)
        return self._file.write(view)

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.closed = True


class Written:
    """What an archive came to; filled when `writing` ends."""

    sha256 = ""
    size = 0


@contextmanager
def writing(out: Path, head: dict[str, Any], advance: Advance) -> Iterator[tuple[Writer, Written]]:
    """An archive to put members into; it has its name, with its checksum, after the `with`."""
    import pyarrow  # here: it is most of what importing this module would take

    made = Written()
    with renamed_when_whole(out) as file:
        hashed = _Hashed(file)
        with (
            pyarrow.CompressedOutputStream(pyarrow.PythonFile(hashed, "w"), "zstd") as packed,
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            writer = Writer(tar, advance)
            writer.put(HEAD, json.dumps({"format": FORMAT, **head}, default=str).encode())
            yield writer, made
            end = {"members": writer.members, "bytes": writer.written}
            writer.put(END, json.dumps(end).encode())
        made.sha256, made.size = hashed.digest.hexdigest(), hashed.size
        with renamed_when_whole(checksum_file(out)) as companion:
            companion.write(f"{made.sha256}  {out.name}\n".encode())


def require_intact(archive: Path) -> str:
    """The SHA-256 of an archive that is the one its checksum is of. Raises NotFound when there is
    none, UsageError without a checksum, Tampered when they do not fit."""
    if not archive.is_file():
        raise NotFound(
            f"Não há o arquivo {archive}. Nada foi tocado.",
            todo="'atalaia backup list' mostra os que há.",
        )
    try:
        said = checksum_file(archive).read_text(encoding="utf-8")
    except (FileNotFoundError, UnicodeDecodeError):
        said = ""
    known = re.match(r"([0-9a-f]{64})  (\S.*)\n?$", said)
    if not known:
        raise UsageError(
            f"{checksum_file(archive).name} não está ao lado do backup, ou não é um SHA-256. Sem "
            "ele não há como saber se o arquivo está inteiro; nada foi tocado.",
            todo="Traga os dois arquivos do mesmo lugar.",
        )
    found = sha256_of(archive)
    if known[1] != found:
        raise Tampered(
            f"{archive.name} não tem o SHA-256 com que foi feito: foi cortado, alterado ou é "
            "outro. Nada foi tocado.",
            todo="Use outra cópia dele, ou outro backup: 'atalaia backup list'.",
        )
    return found


@contextmanager
def reading(archive: Path) -> Iterator[tuple[dict[str, Any], Iterator[tuple[str, IO[bytes]]]]]:
    """The head of an archive and, one after the other, its members. Raises Tampered when it is no
    archive of ours, or not all of one."""
    import pyarrow

    with archive.open("rb") as file:
        try:
            with (
                pyarrow.CompressedInputStream(pyarrow.PythonFile(file, "r"), "zstd") as packed,
                tarfile.open(fileobj=packed, mode="r|") as tar,
            ):
                head, size = _head(tar)
                yield head, _members(tar, size)
        except (tarfile.TarError, pyarrow.ArrowException, EOFError, OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno:
                raise
            raise _no_archive(archive) from error


def head_of(archive: Path) -> dict[str, Any]:
    """The head alone. Raises Tampered for what is no archive of ours."""
    with reading(archive) as (head, _members):
        return head


def _head(tar: tarfile.TarFile) -> tuple[dict[str, Any], int]:
    member = tar.next()
    if member is None or member.name != HEAD or member.size > _HEAD_MAX_BYTES:
        raise ValueError("no head")
    file = tar.extractfile(member)
    head: dict[str, Any] = json_of(file.read() if file else b"")
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise ValueError("another format")
    return head, member.size


def _members(tar: tarfile.TarFile, size: int) -> Iterator[tuple[str, IO[bytes]]]:
    count = 1
    while (member := tar.next()) is not None:
        file = tar.extractfile(member)
        if file is None:
            raise ValueError("not a file")
        if member.name == END:
            if json.load(file) != {"members": count, "bytes": size}:
                raise ValueError("members are missing")
            return
        yield member.name, file
        count, size = count + 1, size + member.size
    raise ValueError("no end")


def _no_archive(archive: Path) -> Tampered:
    return Tampered(
        f"{archive.name} não é um backup do Atalaia, ou não está inteiro. Nada foi tocado.",
        todo="'atalaia backup list' mostra os que há.",
    )


def copied(source: IO[bytes], target: IO[bytes], advance: Advance) -> str:
    """Copy a member; returns the SHA-256 of its bytes."""
    digest = hashlib.sha256()
    while piece := source.read(_READ_BYTES):
        digest.update(piece)
        target.write(piece)
        advance(len(piece))
    return digest.hexdigest()
