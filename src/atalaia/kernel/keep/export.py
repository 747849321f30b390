"""The audit log as a file that anyone can verify with SHA-256 and no database.

The first line says how the hashes are made and where each chain ends; every other line is one
record. Written under a scratch name, synced and renamed: a final name always holds a whole export.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.disk import renamed_when_whole
from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.keep import anchor as anchoring
from atalaia.kernel.keep.anchor import Anchor
from atalaia.kernel.keep.audit import Head, heads, records, snapshot
from atalaia.kernel.keep.chain import Chain, Finding
from atalaia.kernel.keep.record import METHOD, Record

_FORMAT = "atalaia.audit.export/1"
_HASHED = [name for name in Record._fields if name != "hash"]
_METHOD = {
    "name": METHOD,
    "hash": "SHA-256, hexadecimal",
    "over": ["the text " + METHOD, *_HASHED],
    "each": "its length in bytes of UTF-8, in decimal; a colon; those bytes; a comma. null: '-,'",
    "numbers": "decimal",
    "previous": "hash of the record seq - 1 of the same stream; 64 zeros when seq is 1",
    "chain": "seq counts 1, 2, 3 … inside a stream; at never goes back; it ends at its head",
}


def export(out: Path, *, stream: str | None = None) -> dict[str, Any]:
    """Write the log, or one stream of it, to `out`, readable by its owner only. Returns how many
    records and the heads, as they were at one moment. Raises NotFound for an unknown stream."""
    with snapshot() as connection:
        ends = ends_of(connection, stream)
        with renamed_when_whole(out) as file:
            file.writelines(lines(connection, ends))
    return {"out": str(out), "rows": sum(end.seq for end in ends), "heads": _listed(ends)}


def ends_of(connection: psycopg.Connection[TupleRow], stream: str | None = None) -> list[Head]:
    """Where the chains to export end, in the snapshot `connection` has. Raises NotFound."""
    found = [head for head in heads(connection) if stream in (None, head.stream)]
    if stream is not None and not found:
        raise NotFound(f"Não há registros em '{stream}'.")
    return found


def lines(connection: psycopg.Connection[TupleRow], ends: Sequence[Head]) -> Iterator[bytes]:
    """The export of the chains that end there, a line at a time: first how it is to be read."""
    header = {"format": _FORMAT, "exported_at": now().isoformat(), "method": _METHOD}
    yield _line({**header, "heads": _listed(ends)})
    for end in ends:
        for record in records(connection, end.stream):
            yield _line(record._asdict())


def _listed(ends: Iterable[Head]) -> list[dict[str, Any]]:
    return [{"stream": one.stream, "seq": one.seq, "hash": one.hash} for one in ends]


def verify_file(path: Path) -> list[Finding]:
    """What following the chains of an export finds, with nothing but the file and, when there is a
    key, the anchors up to where it ends. Raises UsageError when the file is no export."""
    known = anchoring.anchors() if anchoring.has_key() else []
    with path.open("rb") as file:
        ends = _ends(path, file.readline())
        chains = {name: Chain(name, _until(known, name, head.seq)) for name, head in ends.items()}
        for number, line in enumerate(file, start=2):
            record = _record(line)
            chain = chains.get(record.stream or "") if record else None
            if record is None or chain is None:
                about = "não é um registro" if record is None else "é de uma cadeia não declarada"
                return [Finding(None, "fail", problem=f"a linha {number} do arquivo {about}")]
            chain.follow(record)
    return [chain.end(ends[name]) for name, chain in chains.items()]


def _until(known: list[Anchor], stream: str, seq: int) -> list[Anchor]:
    """An export is older than the anchors that came after it."""
    return [one for one in known if one.stream == stream and one.seq <= seq]


def _ends(path: Path, first: bytes) -> dict[str, Head]:
    try:
        header = json.loads(first)
        if header["format"] != _FORMAT:
            raise ValueError(header["format"])
        return {
            one["stream"]: Head(str(one["stream"]), int(one["seq"]), str(one["hash"]))
            for one in header["heads"]
        }
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(
            f"{path} não é um arquivo de auditoria deste formato ({_FORMAT}).",
            todo="Exporte um: atalaia audit export --out auditoria.ndjson",
        ) from error


def _record(line: bytes) -> Record | None:
    """The record of a line: all the fields and no other, each of its own kind."""
    try:
        values = json.loads(line)
        record = Record(**values)
    except (ValueError, TypeError, RecursionError):
        return None
    texts = [value for name, value in values.items() if name != "seq"]
    plain = all(value is None or isinstance(value, str) for value in texts)
    return record if plain and type(record.seq) is int else None


def _line(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
