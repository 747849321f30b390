"""Anchors: heads of the audit log kept outside the database, where its superuser cannot reach.

One line of JSON each in AUDIT_ANCHOR_FILE, signed with AUDIT_ANCHOR_KEY together with the line
before it: no line can be made, changed, moved or taken out of the middle without the key. A chain
that was cut at its end, put back to an older state or written anew from its first record no longer
has what an anchor says. (Taking the last lines off, or the whole file, is seen only by who has a
copy: keep one on another machine.)
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.disk import sync
from atalaia.kernel.base.errors import Tampered, UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep.audit import Head
from atalaia.kernel.keep.record import encode

_METHOD = "atalaia.audit.anchor/1"
_MIN_KEY_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class Anchor:
    """One line: at `anchored_at` the head of `stream` was record `seq` with this `hash`."""

    stream: str
    seq: int
    hash: str
    anchored_at: str
    mac: str

    def line(self) -> bytes:
        """The line of the file, its end included."""
        return json.dumps(asdict(self), ensure_ascii=False).encode() + b"\n"


def has_key() -> bool:
    """Whether anchors can be signed and trusted here."""
    return bool(settings().audit_anchor_key)


def anchors() -> list[Anchor]:
    """Every anchor, oldest first; none when there is no file. Raises Tampered, naming the line,
    when one is not what was written with this key."""
    try:
        content = settings().audit_anchor_file.read_bytes()
    except FileNotFoundError:
        return []
    return _trusted(content)


def write(heads: Iterable[Head]) -> int:
    """Add the heads that the file does not end with already; returns how many. They are on disk
    when this returns. Raises Tampered, and adds nothing, when the file is not to be trusted."""
    with _alone() as descriptor:
        content = _whole(descriptor)
        known = _trusted(content)
        newest = {anchor.stream: (anchor.seq, anchor.hash) for anchor in known}
        mac = known[-1].mac if known else ""
        lines = []
        for head in heads:
            if newest.get(head.stream) != (head.seq, head.hash):
                made = _signed(head, now().isoformat(), mac)
                lines.append(made.line())
                mac = made.mac
        # A line without its end is one whose writer died: it was never an anchor.
        os.ftruncate(descriptor, content.rfind(b"\n") + 1)
        with os.fdopen(os.dup(descriptor), "ab") as file:
            file.writelines(lines)
        os.utime(descriptor)  # brought up to date, even when there was nothing to add
        os.fsync(descriptor)
    return len(lines)


def seconds_since_written() -> float:
    """How long ago the file was last brought up to date; infinite when there is none."""
    try:
        return time.time() - settings().audit_anchor_file.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _trusted(content: bytes) -> list[Anchor]:
    found: list[Anchor] = []
    *lines, _unfinished = content.split(b"\n")
    for number, line in enumerate(lines, start=1):
        anchor = _read(line)
        before = found[-1].mac if found else ""
        signed = anchor and _signed(
            Head(anchor.stream, anchor.seq, anchor.hash), anchor.anchored_at, before
        )
        if not anchor or not signed or not hmac.compare_digest(signed.line(), line + b"\n"):
            raise Tampered(
                f"A linha {number} de {settings().audit_anchor_file.name} não foi assinada com "
                "esta chave, ou foi alterada ou mudada de lugar depois. Nenhuma âncora vale.",
                todo="Compare com a sua cópia das âncoras. Se AUDIT_ANCHOR_KEY ou o banco são "
                "outros de propósito, guarde o arquivo em outro lugar e rode 'atalaia audit "
                "verify'.",
            )
        found.append(anchor)
    return found


def _read(line: bytes) -> Anchor | None:
    """The anchor a line says it is. Whether it is one, its signature over every byte decides."""
    try:
        anchor = Anchor(**json.loads(line))
    except (ValueError, TypeError):
        return None
    texts = (anchor.stream, anchor.hash, anchor.anchored_at, anchor.mac)
    whole = type(anchor.seq) is int and all(isinstance(text, str) for text in texts)
    return anchor if whole else None


def _signed(head: Head, anchored_at: str, before: str) -> Anchor:
    fields = (_METHOD, head.stream, str(head.seq), head.hash, anchored_at, before)
    mac = hmac.new(require_key(), encode(fields), hashlib.sha256).hexdigest()
    return Anchor(head.stream, head.seq, head.hash, anchored_at, mac)


def require_key() -> bytes:
    """The key. Raises UsageError when there is none, or one that could be guessed."""
    key = settings().audit_anchor_key
    if len(key) < _MIN_KEY_CHARACTERS:
        raise UsageError(
            f"AUDIT_ANCHOR_KEY {'é curta demais' if key else 'não está definida'}, e sem ela "
            "nenhuma âncora pode ser assinada nem conferida.",
            todo=f"Defina-a, ou AUDIT_ANCHOR_KEY_FILE, com {_MIN_KEY_CHARACTERS} caracteres ou "
            "mais: openssl rand -hex 32",
        )
    return key.encode()


@contextmanager
def _alone() -> Iterator[int]:
    """The file, open and ours alone. It is made with its folder when it is not there."""
    file: Path = settings().audit_anchor_file
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
        sync(file.parent)
    finally:
        os.close(descriptor)


def _whole(descriptor: int) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        return file.read()
