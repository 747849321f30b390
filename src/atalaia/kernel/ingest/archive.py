"""A zip looked at before anything in it is unpacked, and unpacked under names of our own.

Everything is read from the directory at its end and from the headers of its members; only their
first bytes are inflated. What is no plain archive of plain files is refused with the reason.
"""

from __future__ import annotations

import re
import stat
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from atalaia.kernel.base.errors import FileRefused
from atalaia.kernel.ingest.names import own, suffix_of

END = b"PK\x05\x06"
END_BYTES = 22 + 0xFFFF  # the directory's end, with the longest comment
_LOCAL = struct.Struct("<4s5H3I2H")
_ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ", b"MSCF")
_PROGRAMS = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")
_DRIVE = re.compile(r"^[A-Za-z]:")
_RATIO_FROM = 1 << 20  # bytes; under this nobody is hurt by how well it was packed
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Limits:
    """The most a zip may be."""

    unpacked_bytes: int = 2_000_000_000
    entries: int = 2_000
    ratio: int = 200  # unpacked / packed


def members(path: Path, limits: Limits) -> list[zipfile.ZipInfo]:
    """The plain files of a zip that keeps to `limits`. Raises FileRefused for any other."""
    with path.open("rb") as file:
        _require_plain_end(file, path.stat().st_size, limits)
    try:
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            found = [one for one in archive.infolist() if not one.is_dir()]
            _require_size(found, limits)
            for one in archive.infolist():
                _require_plain(one)
            _require_apart(archive.infolist(), file, archive.start_dir)
            for one in found:
                with archive.open(one) as data:
                    _require_no_archive(data.read(8))
            return found
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise FileRefused("O zip está quebrado ou incompleto.") from error
    except (struct.error, ValueError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise FileRefused("O zip está quebrado ou incompleto.") from error


def unpack(path: Path, folder: Path, limits: Limits) -> dict[str, Path]:
    """Unpack a zip into `folder`; returns where each member is, by the name it had. No member is
    ever more than its directory said. Raises FileRefused."""
    found, left, out = members(path, limits), limits.unpacked_bytes, {}
    with zipfile.ZipFile(path) as archive:
        for number, one in enumerate(found):
            target = folder / own(number, f"{one.CRC:016x}", one.filename)
            with archive.open(one) as data, target.open("xb") as file:
                try:
                    for chunk in _chunks(data):
                        left -= len(chunk)
                        if left < 0:
                            raise FileRefused("O zip é maior do que diz ser.")
                        file.write(chunk)
                except (zipfile.BadZipFile, EOFError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
                    raise FileRefused("O zip está quebrado ou incompleto.") from error
            out[one.filename] = target
    return out


def _chunks(data: object) -> Iterator[bytes]:
    while chunk := data.read(_CHUNK):  # type: ignore[attr-defined]
        yield chunk


def _require_plain_end(file: BinaryIO, size: int, limits: Limits) -> None:
    """The file is the archive, from its first byte to its last, and says so once."""
    if file.read(4) != b"PK\x03\x04":
        raise FileRefused("O arquivo não começa como um zip.")
    file.seek(max(0, size - END_BYTES))
    start, tail = file.tell(), file.read()
    place = tail.rfind(END)
    if place < 0 or place + 22 > len(tail):
        raise FileRefused("O zip está incompleto: falta o seu fim.")
    disk, first, here, entries, length, offset, comment = struct.unpack(
        "<4H2IH", tail[place + 4 : place + 22]
    )
    if entries > limits.entries:
        raise FileRefused(f"O zip tem mais de {limits.entries} arquivos.")
    if disk or first or here != entries or length == 0xFFFFFFFF or offset == 0xFFFFFFFF:
        raise FileRefused("O zip é de um formato que não se aceita (em partes, ou zip64).")
    if start + place + 22 + comment != size or offset + length != start + place:
        raise FileRefused("O arquivo é um zip e mais alguma coisa.")


def _require_size(found: list[zipfile.ZipInfo], limits: Limits) -> None:
    whole = sum(one.file_size for one in found)
    if not found:
        raise FileRefused("O zip está vazio.")
    if whole > limits.unpacked_bytes:
        raise FileRefused(f"Aberto, o zip passaria de {limits.unpacked_bytes} bytes.")
    packed = sum(one.compress_size for one in found)
    if whole > _RATIO_FROM and whole > limits.ratio * max(1, packed):
        raise FileRefused(f"Aberto, o zip seria mais de {limits.ratio} vezes maior.")


def _require_plain(one: zipfile.ZipInfo) -> None:
    """A file with an ordinary name, not encrypted, packed in an ordinary way."""
    name, mode = one.orig_filename, one.external_attr >> 16
    path = PurePosixPath(name)
    if (
        not name
        or "\\" in name
        or path.is_absolute()
        or ".." in path.parts
        or _DRIVE.match(name)
        or any(ord(letter) < 32 or ord(letter) == 127 for letter in name)
    ):
        raise FileRefused("O zip tem um nome que sai da própria pasta ou tem algo invisível.")
    if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
        raise FileRefused("O zip tem um atalho ou outra coisa que não é arquivo.")
    if one.flag_bits & 0x41:
        raise FileRefused("O zip tem senha.")
    if one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FileRefused("O zip usa uma compressão que não se aceita.")
    if suffix_of(name) in (".zip", ".gz", ".7z", ".rar", ".tar", ".xz", ".bz2", ".jar"):
        raise FileRefused("O zip tem outro arquivo compactado dentro.")


def _require_apart(infos: list[zipfile.ZipInfo], file: BinaryIO, end: int) -> None:
    """Members lie one after the other, each once: overlapping ones are how a small file becomes a
    huge one, and a header that disagrees with the directory is how two programs see two files."""
    names = {one.filename.casefold() for one in infos}
    if len(names) != len(infos):
        raise FileRefused("O zip tem dois arquivos com o mesmo nome.")
    free = 0
    for one in sorted(infos, key=lambda info: info.header_offset):
        file.seek(one.header_offset)
        head = _LOCAL.unpack(file.read(_LOCAL.size))
        name, extra = head[9], head[10]
        if one.header_offset < free or head[0] != b"PK\x03\x04":
            raise FileRefused("O zip tem arquivos uns por cima dos outros.")
        if file.read(name) != one.orig_filename.encode(
            "utf-8" if one.flag_bits & 0x800 else "cp437"
        ):
            raise FileRefused("O zip diz um nome no índice e outro no arquivo.")
        free = one.header_offset + _LOCAL.size + name + extra + one.compress_size
    if free > end:
        raise FileRefused("O zip tem arquivos uns por cima dos outros.")


def _require_no_archive(head: bytes) -> None:
    if head.startswith(_ARCHIVES):
        raise FileRefused("O zip tem outro arquivo compactado dentro.")
    if head.startswith(_PROGRAMS):
        raise FileRefused("O zip tem um programa dentro.")
