"""A record of the audit log and the bytes its hash is taken over (docs/audit.md has them in words).

Every field is text or absent, whatever a tampered row holds, so that a bad row is found and not
stumbled over.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

METHOD = "atalaia.audit/1"
NOTHING_BEFORE = "00" * 32  # `previous` of a stream's first record


class Record(NamedTuple):
    """One record as it is hashed, exported and verified; its fields in the order of the hash."""

    stream: str | None
    seq: int | None
    at: str | None  # UTC, 2026-01-31T12:00:00.123456Z
    actor: str | None
    trigger: str | None
    action: str | None
    subject: str | None
    reason: str | None
    tenant_id: str | None
    trace_id: str | None
    details: str | None  # the JSON text itself
    previous: str | None  # hexadecimal
    hash: str | None  # hexadecimal

    def digest(self) -> str:
        """What `hash` must be: SHA-256 of the encoded fields, in hexadecimal."""
        seq = None if self.seq is None else str(self.seq)
        fields = (METHOD, self.stream, seq, *self[2:-1])
        return hashlib.sha256(encode(fields)).hexdigest()


def encode(fields: Iterable[str | None]) -> bytes:
    """Each field as `<bytes in UTF-8, counted>:<those bytes>,`, an absent one as `-,`: no two
    different lists of fields give the same bytes."""
    return b"".join(
        b"-,"
        if field is None
        else b"%d:%b," % (len(raw := field.encode("utf-8", "surrogatepass")), raw)
        for field in fields
    )


def canonical(details: Mapping[str, Any]) -> str:
    """`details` as the log keeps it: keys sorted, no blanks, text as itself. Raises ValueError for
    NaN and infinity, TypeError for what JSON does not have."""
    return json.dumps(
        details, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
