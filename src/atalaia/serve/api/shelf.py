"""Rendered answers, kept whole: headers and bytes ready to send, by address and data version."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from atalaia.kernel.watch.metrics import Tally
from atalaia.serve.api.encoding import IDENTITY, encoded, worth_coding
from atalaia.serve.api.journal import Header, Kind, LineMaker

Address = tuple[bytes, bytes]  # path and query as they came over the wire

_ENTRY_OVERHEAD_BYTES = 4_096  # objects around the bytes of one entry, generously
_LARGE_BYTES = 1_000_000  # what is this large is worth a slower, tighter coding
_MOST_ADDRESSES = 16  # ways of writing the same question that one entry remembers
_MOST_ACCEPTED = 32  # ways of writing what a client accepts, likewise
_ROOM_KEPT = 0.9  # of the capacity, once it was exceeded: so that not every new entry evicts one


@dataclass(slots=True)
class Prepared:
    """One answer in one coding: `lines` are its headers as they go over the wire."""

    status: int
    headers: list[Header]
    lines: bytes
    body: bytes
    kind: Kind


TallyOf = Callable[[int], Tally]  # the tally of a status on the entry's route


class Entry:
    """One answered question. `generation` is the shelf's when it was asked; once the shelf's has
    moved on, or the entry was evicted (-1), its bytes are not to be sent any more."""

    __slots__ = (
        "_common",
        "_identity",
        "_path",
        "_tally",
        "_type",
        "addresses",
        "etag",
        "generation",
        "key",
        "lasting",
        "not_modified",
        "ready",
        "route",
        "size",
        "used",
        "variants",
    )

    def __init__(
        self,
        key: tuple[str, str],
        generation: int,
        body: bytes,
        headers: dict[bytes, bytes],
        route: Any,
        tally: TallyOf,
    ) -> None:
        self.key, self.generation, self.route, self._identity = key, generation, route, body
        self.etag = b'W/"' + hashlib.blake2b(body, digest_size=12).hexdigest().encode() + b'"'
        cache_control = headers.get(b"cache-control", b"")
        self.lasting = b"immutable" in cache_control or len(body) > _LARGE_BYTES
        self._type = headers.get(b"content-type", b"application/octet-stream")
        self._path, self._tally = key[0], tally
        self._common: list[Header] = [
            (b"etag", self.etag),
            (b"cache-control", cache_control),
            (b"vary", b"Accept-Encoding"),
            (b"x-content-type-options", b"nosniff"),
            *((name, value) for name, value in headers.items() if name == b"link"),
        ]
        self.addresses: list[Address] = []
        self.size = len(body) + _ENTRY_OVERHEAD_BYTES
        self.used = perf_counter()
        self.variants: dict[str, Prepared] = {}
        self.ready: dict[bytes | None, Prepared] = {}  # by Accept-Encoding, as it was written
        self.not_modified = self._prepared(304, self._common[:3], b"")
        self.add(IDENTITY, body)

    def _prepared(self, status: int, headers: list[Header], body: bytes) -> Prepared:
        return Prepared(
            status,
            headers,
            b"".join(b"%b: %b\r\n" % header for header in headers),
            body,
            Kind(
                self._tally(status),
                len(body),
                LineMaker("GET", self._path, status, len(body), cache="hit"),
            ),
        )

    def encode(self, coding: str) -> bytes:
        """The body in `coding` (slow: call it outside the event loop)."""
        if not worth_coding(len(self._identity), self._type.decode("latin-1")):
            return self._identity
        return encoded(self._identity, coding, lasting=self.lasting)

    def add(self, coding: str, body: bytes) -> None:
        """Keep `body` as the answer to clients that take `coding`."""
        headers: list[Header] = [
            (b"content-type", self._type),
            (b"content-length", str(len(body)).encode()),
            *self._common,
        ]
        if body is not self._identity:
            headers.append((b"content-encoding", coding.encode()))
            self.size += len(body)
        self.variants[coding] = self._prepared(200, headers, body)

    def accept(self, accept_encoding: bytes | None, answer: Prepared) -> None:
        """Give `answer` at once to who asks with that Accept-Encoding."""
        if len(self.ready) < _MOST_ACCEPTED:
            self.ready[accept_encoding] = answer

    def same_as(self, other: Entry) -> bool:
        """Whether both say the same, byte for byte."""
        return self.etag == other.etag and self._identity == other._identity


class Shelf:
    """The entries of this process: at most `capacity` bytes, least recently used go first (who
    gives an entry sets its `used`, in seconds of `time.perf_counter`).

    `entries` has one entry per question; `addresses` has it under every way of writing the
    question that was met, so that the hot path neither parses nor sorts a query.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity, self.size, self.generation = capacity, 0, 0
        self.addresses: dict[Address, Entry] = {}
        self._entries: dict[tuple[str, str], Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def renew(self) -> None:
        """Data has changed: nothing kept so far is to be sent again."""
        self.generation += 1

    def get(self, key: tuple[str, str]) -> Entry | None:
        """The entry of that question, if its bytes are of the present data."""
        entry = self._entries.get(key)
        return entry if entry and entry.generation == self.generation else None

    def put(self, entry: Entry) -> Entry:
        """Keep an entry; gives the one to use. When what it says is what the outdated entry of the
        same question said, that one is kept, with the codings it already has."""
        if entry.generation != self.generation or entry.size > self.capacity:
            return entry
        old = self._entries.get(entry.key)
        if old is not None and old.same_as(entry):
            old.generation, old.used = entry.generation, entry.used
            return old
        if old is not None:
            self._drop(old)
        self._entries[entry.key] = entry
        self.size += entry.size
        self._make_room()
        return entry

    def add_variant(self, entry: Entry, coding: str, body: bytes) -> None:
        """Keep one more coding of an entry."""
        before = entry.size
        entry.add(coding, body)
        if self._entries.get(entry.key) is entry:
            self.size += entry.size - before
            self._make_room()

    def remember(self, address: Address, entry: Entry) -> None:
        """Find `entry` under `address` from now on."""
        on_shelf = self._entries.get(entry.key) is entry
        if on_shelf and len(entry.addresses) < _MOST_ADDRESSES and address not in self.addresses:
            entry.addresses.append(address)
            self.addresses[address] = entry

    def _make_room(self) -> None:
        if self.size <= self.capacity:
            return
        for entry in sorted(self._entries.values(), key=lambda entry: entry.used):
            self._drop(entry)
            if self.size <= self.capacity * _ROOM_KEPT:
                return

    def _drop(self, entry: Entry) -> None:
        del self._entries[entry.key]
        self.size -= entry.size
        entry.generation = -1
        for address in entry.addresses:
            self.addresses.pop(address, None)
