"""Text of unknown encoding, as clean UTF-8: found by its bytes, repaired where it was saved twice.

A file is UTF-8 if all of it is; else it is of the single-byte encodings that Brazilian programs
write the one that makes the most Portuguese of it. Text that was read in a wrong encoding and saved
again ("RaÃ§Ã£o") is turned back line by line.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PIECE = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SINGLE = ("cp1252", "cp850", "mac_roman")  # latin-1 is cp1252 without 0x80…0x9F
_PORTUGUESE = frozenset("áàâãçéêíóôõúüÁÀÂÃÇÉÊÍÓÔÕÚÜºª°ñ–—“”‘’€§")
_TWICE = {
    "cp1252": re.compile("[ÂÃ][\u0080-¿€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â[€\u0080][^\x00-\x1f]?"),
    "mac_roman": re.compile("[√¬][^\x00-\x7f]|‚Ä[^\x00-\x7f]"),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a file is written in. `twice` is the encoding it was wrongly read in before it was saved
    again; `quotes` says whether it has any; `newline` is what ends its lines."""

    encoding: str
    twice: str = ""
    quotes: bool = False
    newline: str = "\n"

    @property
    def is_plain(self) -> bool:
        """True when a reader of UTF-8 can read the file as it lies."""
        return self.encoding in ("utf-8", "utf-8-sig") and not self.twice and not self.quotes


def look(path: Path) -> Seen:
    """Look through the whole file. Text that is none is told as 'latin-1', which anything is."""
    with path.open("rb") as file:
        head = file.read(4)
    encoding = next((name for bom, name in _BOMS if head.startswith(bom)), "")
    if not encoding and _decodes(path, "utf-8"):
        encoding = "utf-8"
    quotes, newlines = _marks(path)
    if not encoding:
        return Seen(_single_byte(path), quotes=quotes, newline=newlines)
    return Seen(encoding, _read_wrongly(path, encoding), quotes, newlines)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in _pieces(path):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _marks(path: Path) -> tuple[bool, str]:
    quotes, newline = False, ""
    for piece in _pieces(path):
        quotes = quotes or b'"' in piece
        newline = newline or ("\n" if b"\n" in piece else "")
    return quotes, newline or "\r"


def _single_byte(path: Path) -> str:
    """Of all bytes beyond ASCII, whose letters are the most Portuguese?"""
    counts: dict[int, int] = {}
    for piece in _pieces(path):
        for byte in set(piece):
            if byte >= 0x80:
                counts[byte] = counts.get(byte, 0) + piece.count(byte)

    def score(encoding: str) -> int:
        total = 0
        for byte, count in counts.items():
            letter = bytes([byte]).decode(encoding, "replace")
            total += count if letter in _PORTUGUESE else -2 * count
        return total

    best = max(_SINGLE, key=score)
    return "latin-1" if best == "cp1252" and all(byte >= 0xA0 for byte in counts) else best


def _read_wrongly(path: Path, encoding: str) -> str:
    """The encoding in which the text was read before it was saved again, or ''."""
    seen = {name: 0 for name in _TWICE}
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        while text := file.read(_PIECE):
            if text.isascii():
                continue
            for name, pattern in _TWICE.items():
                for found in pattern.finditer(text):
                    told = _turned_back(found.group(), name) is not None
                    seen[name] += told or found.group().startswith("â")
                    break
    best = max(seen, key=lambda name: seen[name])
    return best if seen[best] else ""


def _turned_back(text: str, encoding: str) -> str | None:
    """What `text` was before it was read as `encoding` and saved; None when it cannot be told."""
    try:
        out = bytearray()
        for letter in text:
            try:
                out += letter.encode(encoding)
            except UnicodeEncodeError:
                out += letter.encode("latin-1")  # what cp1252 has no letter for is passed through
        return out.decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return None


@dataclass(slots=True)
class Written:
    """What was done to lines on the way: how many were turned back, and had a quote by itself."""

    repaired: int = 0
    stray_quotes: int = 0


def as_utf8(path: Path, seen: Seen, target: Path) -> Written:
    """Write the text of `path` to `target`: UTF-8, one line a row, lines ending in a newline.

    A quote that its line does not close is taken out: kept, it would swallow the lines after it.
    What cannot be decoded becomes U+FFFD, which no cell may hold."""
    done = Written()
    encoding = "utf-8-sig" if seen.encoding == "utf-8" else seen.encoding
    newline = None if seen.newline == "\n" else ""
    with (
        path.open(encoding=encoding, errors="replace", newline=newline) as source,
        target.open("w", encoding="utf-8", newline="\n") as out,
    ):
        while text := source.read(_PIECE):
            text += source.readline()
            if seen.newline != "\n":
                text = text.replace("\r", "\n").replace("\x85", "\n")
            if seen.twice or seen.quotes:
                text = "".join(_clean(line, seen, done) for line in text.splitlines(keepends=True))
            out.write(text)
    return done


def _repaired(line: str, encoding: str) -> str:
    """The line turned back as a whole; where parts of it are right already, those that are not.
    What cannot be turned back becomes U+FFFD: it is not text, and must not pass for it."""
    whole = _turned_back(line, encoding)
    if whole is not None:
        return whole
    return _TWICE[encoding].sub(lambda m: _turned_back(m[0], encoding) or "\ufffd", line)


def _clean(line: str, seen: Seen, done: Written) -> str:
    if seen.twice and not line.isascii() and _TWICE[seen.twice].search(line):
        line, done.repaired = _repaired(line, seen.twice), done.repaired + 1
    if seen.quotes and line.count('"') % 2:
        line, done.stray_quotes = line.replace('"', ""), done.stray_quotes + 1
    return line
