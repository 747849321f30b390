"""Following one chain of the audit log, record by record, to the first that does not fit.

Pure: it knows neither the database nor files, only records in the order they are given.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from atalaia.kernel.keep.anchor import Anchor
from atalaia.kernel.keep.audit import Head
from atalaia.kernel.keep.record import NOTHING_BEFORE, Record


@dataclass(frozen=True, slots=True)
class Finding:
    """What following a chain found; `stream` is None for what is not about one stream.

    `bad_seq` is the first record that does not fit what stands before it."""

    stream: str | None
    status: Literal["pass", "warn", "fail"]
    rows: int = 0
    seq: int = 0
    hash: str = ""
    anchors: int = 0
    bad_seq: int | None = None
    problem: str = ""


class Chain:
    """One stream. Give its records to `follow` in order, then ask `end`.

    `anchors` are all that is known of the stream; with `since`, one of them, the chain is followed
    from that record on, and what stands before it is taken from the anchor.
    """

    def __init__(
        self, stream: str, anchors: Iterable[Anchor] = (), since: Anchor | None = None
    ) -> None:
        self.stream = stream
        self._seq = since.seq - 1 if since else 0
        self._anchored = {one.seq: one for one in anchors if one.seq > self._seq}
        self._hash = None if since else NOTHING_BEFORE
        self._at = ""
        self._rows = self._met = 0
        self._bad: tuple[int, str] | None = None

    def follow(self, record: Record) -> bool:
        """Take the next record; False once one did not fit: later ones say nothing more."""
        if self._bad is None:
            self._bad = self._fault(record)
        if self._bad is None:
            self._seq, self._hash, self._at = self._seq + 1, record.hash, record.at or ""
            self._rows += 1
            self._met += self._seq in self._anchored
        return self._bad is None

    def end(self, head: Head | None = None) -> Finding:
        """What was found, once no record is left. `head` is where the chain should end, if that is
        known from elsewhere."""
        bad = self._bad or self._cut(head)
        return Finding(
            stream=self.stream,
            status="fail" if bad else "pass",
            rows=self._rows,
            seq=self._seq,
            hash=self._hash or "",
            anchors=self._met,
            bad_seq=bad[0] if bad else None,
            problem=bad[1] if bad else "",
        )

    def _fault(self, record: Record) -> tuple[int, str] | None:
        """The first thing wrong with `record` as the one after the last, and where to look."""
        wanted = self._seq + 1
        if record.seq is None or record.seq > wanted:
            return wanted, f"a linha {wanted} não existe mais"
        if record.seq < wanted:
            return record.seq, f"a linha {record.seq} não tem lugar aqui: repetida ou inventada"
        if self._hash is not None and record.previous != self._hash:
            return wanted, "não continua a linha anterior: o hash anterior é outro"
        if record.digest() != record.hash:
            return wanted, "o conteúdo não é o que foi registrado: o hash não confere"
        if (record.at or "") < self._at:
            return wanted, "é mais antiga que a linha anterior"
        anchor = self._anchored.get(wanted)
        if anchor and anchor.hash != record.hash:
            return wanted, (
                f"a cadeia foi reescrita: a âncora de {anchor.anchored_at} guarda outro hash"
            )
        return None

    def _cut(self, head: Head | None) -> tuple[int, str] | None:
        """Whether the chain ends before, or elsewhere than, where it was known to reach."""
        missing = self._seq + 1
        beyond = [anchor for seq, anchor in self._anchored.items() if seq > self._seq]
        if beyond:
            last = max(beyond, key=lambda anchor: anchor.seq)
            return missing, (
                f"faltam linhas a partir desta: a âncora de {last.anchored_at} guarda a linha "
                f"{last.seq}; o fim foi cortado, ou o banco voltou a um estado antigo"
            )
        if head and (head.seq, head.hash) != (self._seq, self._hash):
            return min(missing, head.seq + 1), (
                f"o fim declarado é a linha {head.seq}, e a cadeia acaba na {self._seq}"
            )
        return None
