"""The one gate for files a person brings: what they are is judged before anything reads them.

By their bytes, not by their name alone; by what they would be unpacked, before they are; in
seconds, with the reason in words. `docs/files.md` lists what passes and what does not.
"""

from __future__ import annotations

import codecs
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import FileRefused
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest.archive import END, END_BYTES, Limits, members
from atalaia.kernel.ingest.names import shown, suffix_of

_SECONDS = 5.0
_CHUNK = 1 << 20
_OOXML_BYTES = 400_000_000  # unpacked; all of it is looked through
_FOREIGN = (  # what text never begins with
    b"PK", b"\x1f\x8b", b"%PDF", b"GIF8", b"\x89PNG", b"\xff\xd8\xff", b"MZ", b"\x7fELF", b"#!",
    b"{\\rtf", b"\xd0\xcf\x11\xe0", b"7z\xbc\xaf", b"Rar!", b"<?php", b"PAR1", b"BZh",
)  # fmt: skip
_PAGES = (b"<!doctype", b"<html", b"<svg", b"<?xml", b"<script")
_XML_ENCODING = re.compile(rb"<\?xml[^>]*encoding\s*=\s*[\"']([^\"']+)", re.IGNORECASE)
_XML_ENCODINGS = {b"utf-8", b"utf-16", b"iso-8859-1", b"windows-1252", b"us-ascii"}
_DBF = frozenset((0x02, 0x03, 0x30, 0x31, 0x32, 0x83, 0x8B, 0x8E, 0xF5))


@dataclass(frozen=True, slots=True)
class Admitted:
    """A file that passed: what it is, how large, and a name that may be shown."""

    kind: str
    size: int
    name: str


def admit(path: Path, name: str) -> Admitted:
    """Judge the file at `path`, which a person calls `name`. Raises FileRefused, within 5 seconds,
    saying what is wrong and that nothing was kept."""
    try:
        kind, judge = _KINDS[suffix_of(name)]
    except KeyError:
        known = ", ".join(sorted(_KINDS))
        raise _refused(name, "o tipo não é um dos que se aceitam", f"Aceitam-se {known}.") from None
    size, cap = _size(path, name), settings().upload_max_bytes
    if size == 0:
        raise _refused(name, "o arquivo está vazio")
    if size > cap:
        raise _refused(name, f"o arquivo passa de {cap} bytes", "Divida-o, ou veja docs/files.md.")
    try:
        judge(path, Deadline(_SECONDS))
        if kind not in ("zip", "ooxml"):
            _require_no_zip_at_the_end(path, size)
    except FileRefused as error:
        raise _refused(name, error.message[:1].lower() + error.message[1:].rstrip(".")) from error
    return Admitted(kind, size, shown(name))


def _refused(name: str, why: str, todo: str = "") -> FileRefused:
    return FileRefused(f"'{shown(name)}' foi recusado: {why}. Nada dele foi lido.", todo=todo)


def _size(path: Path, name: str) -> int:
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise _refused(name, "não é um arquivo, e sim um atalho ou outra coisa")
    return found.st_size


def _pieces(path: Path, deadline: Deadline) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if deadline.passed:
                raise FileRefused("Examiná-lo demora demais")
            yield chunk


def _text(path: Path, deadline: Deadline) -> None:
    """Text in an encoding of official files: no zero bytes, not the beginning of anything else.
    UTF-16 has zero bytes, and is text when its mark stands first and all of it can be read."""
    if _is_utf16(path):
        _utf16(path, deadline)
        return
    for number, chunk in enumerate(_pieces(path, deadline)):
        page = chunk[:256].lstrip(b"\xef\xbb\xbf \r\n\t").lower().startswith(_PAGES)
        if number == 0 and (page or chunk.startswith(_FOREIGN)):
            raise FileRefused("O conteúdo não é o que o nome diz")
        if b"\x00" in chunk:
            raise FileRefused("Não é texto em UTF-8 nem em Latin-1")


def _is_utf16(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(4)
    return head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and head[2:] != b"\x00\x00"


def _utf16(path: Path, deadline: Deadline) -> None:
    decoder = codecs.getincrementaldecoder("utf-16")()
    try:
        for number, chunk in enumerate(_pieces(path, deadline)):
            text = decoder.decode(chunk)
            page = text[:256].lstrip().lower().encode("utf-8", "replace").startswith(_PAGES)
            if "\x00" in text or (number == 0 and page):
                raise FileRefused("O conteúdo não é o que o nome diz")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise FileRefused("Não é UTF-16 até o fim, como o seu começo diz") from error


def _xml(path: Path, deadline: Deadline) -> None:
    _look_through_xml(_pieces(path, deadline), deadline)


def _look_through_xml(pieces: Iterator[bytes], deadline: Deadline) -> None:
    """XML that defines nothing of its own: neither DOCTYPE nor ENTITY, in UTF-8, UTF-16 or Latin-1.
    Zero bytes are left out, so that UTF-16 is read too."""
    before = b""
    for number, piece in enumerate(pieces):
        plain = piece.replace(b"\x00", b"")
        if number == 0:
            _require_xml_head(plain)
        seen = before + plain
        if b"<!DOCTYPE" in seen or b"<!ENTITY" in seen:
            raise FileRefused("O XML traz definições próprias (DOCTYPE ou ENTITY)")
        if deadline.passed:
            raise FileRefused("Examiná-lo demora demais")
        before = seen[-16:]


def _require_xml_head(plain: bytes) -> None:
    head = plain.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t")
    if not head.startswith(b"<"):
        raise FileRefused("O conteúdo não é XML")
    found = _XML_ENCODING.search(head[:200])
    if found and found[1].lower() not in _XML_ENCODINGS:
        raise FileRefused("O XML está numa codificação que não se aceita")


def _zip(path: Path, _deadline: Deadline) -> None:
    members(path, Limits(unpacked_bytes=settings().upload_max_unpacked_bytes))


def _ooxml(path: Path, deadline: Deadline) -> None:
    """A spreadsheet or document of Office: a zip of XML without macros."""
    with path.open("rb") as file:
        if file.read(4) == b"\xd0\xcf\x11\xe0":
            raise FileRefused("Tem senha, ou é de um Office antigo")
    found = members(path, Limits(unpacked_bytes=_OOXML_BYTES))
    names = {one.filename.casefold() for one in found}
    if "[content_types].xml" not in names:
        raise FileRefused("O conteúdo não é um documento do Office")
    if any(one.endswith((".bin", ".vba", ".exe", ".js")) and "vba" in one for one in names) or any(
        "macrosheets/" in one or "activex/" in one or "embeddings/" in one for one in names
    ):
        raise FileRefused("Tem macros ou programas dentro")
    with zipfile.ZipFile(path) as archive:
        for one in found:
            if one.filename.casefold().endswith((".xml", ".rels", ".vml")):
                _require_plain_part(archive, one, deadline)


def _require_plain_part(archive: zipfile.ZipFile, one: zipfile.ZipInfo, deadline: Deadline) -> None:
    def pieces() -> Iterator[bytes]:
        with archive.open(one) as data:
            while chunk := data.read(_CHUNK):
                if b"macroEnabled" in chunk and one.filename.startswith("["):
                    raise FileRefused("Tem macros ou programas dentro")
                yield chunk

    try:
        _look_through_xml(pieces(), deadline)
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise FileRefused("O arquivo está quebrado ou incompleto") from error


def _gzip(path: Path, deadline: Deadline) -> None:
    """One stream, whole, of text, and no more of it than may be unpacked."""
    inflate, cap, size = zlib.decompressobj(31), settings().upload_max_unpacked_bytes, 0
    try:
        for piece in _pieces(path, deadline):
            while piece and not inflate.eof:
                plain = inflate.decompress(piece, _CHUNK)
                if size == 0 and plain.startswith(_FOREIGN):
                    raise FileRefused("Tem outro arquivo compactado, ou um programa, dentro")
                size, piece = size + len(plain), inflate.unconsumed_tail
                if size > cap or deadline.passed:
                    raise FileRefused(f"Aberto, passaria de {cap} bytes, ou demora demais")
            if inflate.eof and (piece or inflate.unused_data):
                raise FileRefused("É um gzip e mais alguma coisa")
    except zlib.error as error:
        raise FileRefused("O gzip está quebrado") from error
    if not inflate.eof:
        raise FileRefused("O gzip está incompleto")


def _between(first: bytes, last: bytes = b"") -> Callable[[Path, Deadline], None]:
    def judge(path: Path, _deadline: Deadline) -> None:
        with path.open("rb") as file:
            begins = file.read(len(first)) == first
            file.seek(-min(path.stat().st_size, max(1, len(last))), 2)
            if not begins or (last and file.read() != last):
                raise FileRefused("O conteúdo não é o que o nome diz, ou está incompleto")

    return judge


def _dbf(path: Path, _deadline: Deadline) -> None:
    with path.open("rb") as file:
        head = file.read(32)
    rows, header, width = (
        int.from_bytes(head[a:b], "little") for a, b in ((4, 8), (8, 10), (10, 12))
    )
    short = path.stat().st_size < header + rows * width
    if len(head) < 32 or head[0] not in _DBF or short:
        raise FileRefused("O conteúdo não é o que o nome diz, ou está incompleto")


def _require_no_zip_at_the_end(path: Path, size: int) -> None:
    with path.open("rb") as file:
        file.seek(max(0, size - END_BYTES))
        if END in file.read():
            raise FileRefused("É também um zip")


_KINDS: dict[str, tuple[str, Callable[[Path, Deadline], None]]] = {
    **dict.fromkeys((".csv", ".tsv", ".txt", ".prj", ".cpg", ".json", ".geojson"), ("text", _text)),
    **dict.fromkeys((".ndjson", ".jsonl"), ("text", _text)),
    **dict.fromkeys((".xml", ".kml", ".gml"), ("xml", _xml)),
    **dict.fromkeys((".shp", ".shx"), ("shapefile", _between(b"\x00\x00\x27\x0a"))),
    **dict.fromkeys((".xlsx", ".docx"), ("ooxml", _ooxml)),
    ".parquet": ("parquet", _between(b"PAR1", b"PAR1")),
    ".dbf": ("dbf", _dbf),
    ".zip": ("zip", _zip),
    ".gz": ("gzip", _gzip),
}
