"""Files that must not pass, made anew each time: none of them is kept in the repository.

`python -m tests.kernel.ingest.corpus FOLDER` has the gate judge every file of a folder and prints
what it said, how long the slowest took and how much memory it all needed.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import struct
import sys
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from atalaia.kernel.base.errors import AtalaiaError
from atalaia.kernel.ingest.gate import admit

CSV = b"place,amount\na,1\nb,2\n"
_BILLION = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]><lolz>&lol2;</lolz>"""
_XXE = b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>"""
_REMOTE = b"""<?xml version="1.0"?>
<!DOCTYPE r SYSTEM "http://127.0.0.1:9/evil.dtd"><r/>"""
_PARAMETER = (
    b"""<?xml version="1.0"?><!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:9/">%p;]><r/>"""
)
_HOSTILE_XML = (_BILLION, _XXE, _REMOTE, _PARAMETER)

Made = tuple[str, bytes]  # name, bytes


def zipped(members: dict[str, bytes], **more: object) -> bytes:
    """A zip of these members; `more` sets fields of every ZipInfo."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for field, value in more.items():
                setattr(info, field, value)
            archive.writestr(info, body)
    return out.getvalue()


def office(parts: dict[str, bytes], types: bytes = b"<Types/>") -> bytes:
    """The bones of a document of Office."""
    return zipped({"[Content_Types].xml": types, **parts})


def bombs(chance: random.Random) -> Iterator[Made]:
    """Small files that would be huge: plain, lying, nested, overlapping, many."""
    zeros = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(zeros.compress(bytes(1 << 20)) for _ in range(64)) + zeros.flush()
    for claimed in (64 << 20, 3_000_000_000, 10 << 30 & 0xFFFFFFFF, 0xFFFFFFF0, 100):
        yield "bomb.zip", _forged(packed, claimed, chance)
        yield "bomb.xlsx", _forged(packed, claimed, chance)
    inner = zipped({"a.csv": bytes(1 << 20)})
    for depth in range(1, 6):
        inner = zipped({f"level{depth}.zip": inner})
        yield "nested.zip", inner
        yield "nested.zip", zipped({f"level{depth}.dat": inner})
    yield "overlap.zip", _overlapping(packed)
    yield "many.zip", zipped({f"{n:06d}": b"" for n in range(20_000)})
    yield "claims.zip", _claims_many()
    yield "bomb.gz", gzip.compress(bytes(64 << 20)) * 40
    yield "twice.gz", gzip.compress(gzip.compress(CSV))
    yield "zip-in.gz", gzip.compress(zipped({"a.csv": CSV}))


def _forged(packed: bytes, claimed: int, chance: random.Random) -> bytes:
    """One member, whose real bytes and whose said size need not agree."""
    name, crc = f"x{chance.randrange(10**6)}.csv".encode(), 0
    local = struct.pack(
        "<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, crc, len(packed), claimed, len(name), 0
    )
    body = local + name + packed
    central = struct.pack(
        "<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0, crc, len(packed), claimed, len(name),
        0, 0, 0, 0, 0, 0,
    ) + name  # fmt: skip
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(central), len(body), 0)
    return body + central + end


def _overlapping(packed: bytes) -> bytes:
    """Two hundred members that are the same bytes."""
    name = b"x.csv"
    local = struct.pack(
        "<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(packed), 64 << 20, len(name), 0
    )
    body = local + name + packed
    central = b"".join(
        struct.pack(
            "<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(packed), 1000, 8,
            0, 0, 0, 0, 0, 0,
        ) + b"x%03d.csv" % n
        for n in range(200)
    )  # fmt: skip
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 200, 200, len(central), len(body), 0)
    return body + central + end


def _claims_many() -> bytes:
    whole = bytearray(zipped({"a.csv": CSV}))
    place = whole.rfind(b"PK\5\6")
    whole[place + 8 : place + 12] = struct.pack("<2H", 60_000, 60_000)
    return bytes(whole)


def escapes(_chance: random.Random) -> Iterator[Made]:
    """Names and kinds of members that lead out of the folder they are unpacked into."""
    for name in (
        "../evil.csv", "a/../../evil.csv", "/etc/cron.d/evil", "C:\\evil.csv", "..\\evil.csv",
        "\\\\server\\share\\x", "a\nb.csv", "c:evil", "//x/y", "a/..", "\x1b[2Jx",
    ):  # fmt: skip
        yield "slip.zip", zipped({"fine.csv": CSV, name: CSV})
        yield "slip.docx", zipped({"[Content_Types].xml": b"<Types/>", name: CSV})
    for kind in (0o120777, 0o010644, 0o020644, 0o060644, 0o140755):
        yield "link.zip", zipped({"a.csv": b"/etc/passwd"}, external_attr=kind << 16)
    yield "same.zip", zipped({"a.csv": CSV, "A.CSV": CSV})


def hostile_xml(chance: random.Random) -> Iterator[Made]:
    """Definitions in XML: alone, in Office, in other encodings, late in the file."""
    for body in _HOSTILE_XML:
        blanks = b" " * chance.randrange(1, 100)
        text = body.decode()
        yield from ((name, body) for name in ("x.xml", "x.kml", "x.gml", "x.csv", "x.svg"))
        yield "late.xml", body.replace(b"?><", b"?><!--" + b"x" * (1 << 20) + b"--><", 1) + blanks
        yield "wide.xml", text.encode("utf-16")
        yield "wide.xml", text.encode("utf-16-be")
        yield "bom.xml", b"\xef\xbb\xbf" + body
        yield "seven.xml", b'<?xml version="1.0" encoding="utf-7"?><r>+ADw-</r>'
        for part in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "_rels/.rels"):
            yield "x.xlsx", office({"xl/a.xml": b"<a/>", part: body})
            yield "x.docx", office({"word/document.xml": text.encode("utf-16"), part: body})
        yield "types.xlsx", office({}, types=body)


def in_disguise(_chance: random.Random) -> Iterator[Made]:
    """Not what the name says, or two things at once, or with something to run."""
    plain = zipped({"a.csv": CSV})
    heads = (
        b"MZ\x90\0", b"\x7fELF\2", b"%PDF-1.7\n", b"GIF89a", b"\x89PNG\r\n", b"\xff\xd8\xff\xe0",
        b"#!/bin/sh\n", b"<?php x", b"<html><script>", b"<!DOCTYPE html>", b"PK\3\4", b"Rar!\x1a",
        b"7z\xbc\xaf\x27", b"\xd0\xcf\x11\xe0", b"{\\rtf1", b"\x1f\x8b\x08",
    )  # fmt: skip
    for head in heads:
        for name in ("x.csv", "x.json", "x.zip", "x.xlsx", "x.parquet", "x.dbf", "x.gz", "x.shp"):
            yield name, head + CSV
    for name in ("x.csv", "x.json", "x.prj", "x.txt"):
        yield name, CSV + plain
        yield name, CSV + b"\0" + CSV
    for head in (b"%PDF-1.4\n", b"GIF89a", b"\xff\xd8\xff", b"MZ", CSV):
        yield "x.zip", head + plain
        yield "x.gz", gzip.compress(CSV) + head
    yield "x.zip", plain + b"trailing"
    yield "x.parquet", b"PAR1" + CSV + plain + b"PAR1"
    for part in ("xl/vbaProject.bin", "word/vbaProject.bin", "xl/macrosheets/sheet1.xml",
                 "xl/activeX/activeX1.xml", "xl/embeddings/oleObject1.bin"):  # fmt: skip
        yield "macro.xlsx", office({"xl/workbook.xml": b"<a/>", part: b"<a/>"})
    yield "macro.docx", office({}, types=b'<Types x="application/vnd.ms-word.macroEnabled"/>')
    yield "program.zip", zipped({"setup.csv": b"MZ\x90\0" + bytes(100)})
    for name in ("x.exe", "x.js", "x.html", "x.xlsm", "x.xls", "x.7z", "x", "x.csv.sh", "x.svg"):
        yield name, CSV


def broken(chance: random.Random) -> Iterator[Made]:
    """Empty, cut, encrypted, turned bits."""
    whole = {
        "x.zip": zipped({"a.csv": CSV * 50, "b.csv": CSV}),
        "x.xlsx": office({"xl/workbook.xml": b"<a/>" * 50}),
        "x.gz": gzip.compress(CSV * 50),
        "x.parquet": b"PAR1" + CSV * 20 + b"PAR1",
    }
    for name in (*whole, "x.csv", "x.json", "x.dbf", "x.shp", "x.docx", "x.xml"):
        yield name, b""
    for name, body in whole.items():
        for _ in range(27):
            yield name, body[: chance.randrange(1, len(body) - 3)]
    locked = bytearray(zipped({"a.csv": CSV}))
    locked[6] |= 1
    locked[locked.rfind(b"PK\1\2") + 8] |= 1
    yield "secret.zip", bytes(locked)
    yield "secret.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000)
    yield "x.dbf", bytes([3, 24, 1, 1]) + struct.pack("<I2H", 10**6, 65, 20) + bytes(80)


FAMILIES: tuple[Callable[[random.Random], Iterator[Made]], ...] = (
    bombs, escapes, hostile_xml, in_disguise, broken,
)  # fmt: skip


def write(folder: Path, seed: int) -> int:
    """Write all of them into `folder`; returns how many."""
    chance, count = random.Random(seed), 0  # noqa: S311
    for family in FAMILIES:
        for name, body in family(chance):
            place = folder / f"{count:04d}-{family.__name__}"
            place.mkdir()
            (place / name).write_bytes(body)
            count += 1
    return count


def main(folder: Path) -> None:
    """Judge every file."""
    passed, said, slowest, crashed = [], {}, 0.0, []
    for path in sorted(folder.glob("*/*")):
        began = time.monotonic()
        where = f"{path.parent.name}/{path.name}"
        try:
            admit(path, path.name)
            passed.append(where)
        except AtalaiaError as error:
            said[where] = error.message
        except Exception as error:
            crashed.append(f"{where}: {type(error).__name__}: {error}")
        slowest = max(slowest, time.monotonic() - began)
    # This process's own peak: ru_maxrss would begin at that of who started it.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    rss = int(status.split("VmHWM:")[1].split()[0]) * 1024
    print(json.dumps({"passed": passed, "said": said, "crashed": crashed, "slowest": slowest,
                      "rss": rss}))  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
