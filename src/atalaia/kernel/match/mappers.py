"""Who says which concepts a syllabus teaches, and what happens when one of them is away.

Three readers, the best first: a language model, embeddings, and the lexicon, which is always there.
None has authority. The lexicon and a calibrated embedding find concepts; a model only claims them,
and a claim counts when its quotation stands in the text and the local reading half sees the same.
A reader that is configured and does not answer is left out: the next one serves, and the mapping
says `degraded`.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from atalaia.kernel.ai.breaker import Away
from atalaia.kernel.ai.embedding import Embedder
from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.match import calibration, concepts, syllabus
from atalaia.kernel.match.calibration import Calibration
from atalaia.kernel.match.concepts import Find, Lexicon
from atalaia.kernel.match.subjects import Taxonomy
from atalaia.kernel.match.syllabus import Reading, read
from atalaia.kernel.match.topics import Topic, topics

Vectors = NDArray[np.float32]
LEXICAL = f"lexical/{concepts.VERSION}.{syllabus.VERSION}"
_KEPT = 4096  # mappings one process remembers


@dataclass(frozen=True, slots=True)
class Claim:
    """What a language model says of one concept, with the quotation it gives for it."""

    code: str
    start: int
    end: int


class Claimer(Protocol):
    """A language model that reads a syllabus."""

    @property
    def name(self) -> str:
        """Its name and version, as the verdict shows it."""

    def claims(self, reading: Reading, taxonomy: Taxonomy, deadline: Deadline) -> Sequence[Claim]:
        """The concepts it sees. Raises Away when it cannot be asked."""


@dataclass(frozen=True, slots=True)
class Syllabus:
    """One syllabus, mapped: its topics, and what was found in them."""

    reading: Reading
    finds: tuple[Find, ...]
    topics: tuple[Topic, ...]
    vectors: Vectors | None = field(repr=False, compare=False)  # of `topics`, row by row
    claims: tuple[Claim, ...]
    mapper: str
    degraded: bool
    excluded: frozenset[str] = frozenset()  # concepts that it says it leaves out


@lru_cache(maxsize=32)
def _lexicon(taxonomy: _Hashed) -> Lexicon:
    return Lexicon(taxonomy.taxonomy)


@dataclass(frozen=True)
class _Hashed:
    """A taxonomy that caches may be keyed by."""

    digest: str
    taxonomy: Taxonomy = field(compare=False, hash=False)


class Mappers:
    """The chain. One for a process; safe to use from several threads.

    `embedders` in the order of preference; `language` is asked besides. What was mapped with
    everybody present is remembered; what was mapped without somebody is not."""

    def __init__(
        self,
        embedders: Sequence[Embedder] = (),
        language: Claimer | None = None,
        calibrations: AnyMapping[str, Calibration] | None = None,
    ) -> None:
        self._embedders, self._language = tuple(embedders), language
        self._calibrations = calibrations
        self._known: OrderedDict[str, Syllabus] = OrderedDict()
        self._lock = Lock()

    @property
    def best(self) -> str:
        """The name of the chain with everybody present."""
        return _chain_name(
            self._language.name if self._language else None,
            self._embedders[0].name if self._embedders else None,
        )

    def calibration(self, mapper: str) -> Calibration:
        """How near is near enough for the embedding in a chain's name."""
        return calibration.of(mapper, self._calibrations)

    def map(self, text: str, taxonomy: Taxonomy, deadline: Deadline) -> Syllabus:
        """`text` mapped to the concepts of `taxonomy`."""
        key = hashlib.sha256(
            "\0".join((text, taxonomy.digest, self.best)).encode("utf-8", "surrogatepass")
        ).hexdigest()
        with self._lock:
            known = self._known.get(key)
            if known:
                self._known.move_to_end(key)
                return known
        made = self._mapped(read(text), taxonomy, deadline)
        if not made.degraded:
            with self._lock:
                self._known[key] = made
                while len(self._known) > _KEPT:
                    self._known.popitem(last=False)
        return made

    def embed(self, texts: Sequence[str], mapper: str, deadline: Deadline) -> Vectors | None:
        """`texts` as the embedder in a chain's name sees them; None when it is away."""
        for embedder in self._embedders:
            if embedder.name in mapper:
                try:
                    return embedder.embed(texts, deadline)
                except Away:
                    return None
        return None

    def sees(self, mapper: str) -> bool:
        """Whether there is an embedder in a chain's name."""
        return any(embedder.name in mapper for embedder in self._embedders)

    def _mapped(self, reading: Reading, taxonomy: Taxonomy, deadline: Deadline) -> Syllabus:
        lexicon = _lexicon(_Hashed(taxonomy.digest, taxonomy))
        finds = lexicon.find(reading)
        taught = topics(reading, finds)
        claims, language = self._claimed(reading, taxonomy, deadline)
        vectors, embedder = self._embedded(reading, taught, deadline)
        missing = bool(self._language) and language is None
        second = bool(self._embedders) and embedder is not self._embedders[0]
        name = _chain_name(language, embedder.name if embedder else None)
        excluded = lexicon.named(reading.excluded)
        degraded = missing or second
        return Syllabus(reading, tuple(finds), taught, vectors, claims, name, degraded, excluded)

    def _claimed(
        self, reading: Reading, taxonomy: Taxonomy, deadline: Deadline
    ) -> tuple[tuple[Claim, ...], str | None]:
        """What the model claims, and its name if it answered."""
        if self._language is None:
            return (), None
        try:
            return tuple(self._language.claims(reading, taxonomy, deadline)), self._language.name
        except Away:
            return (), None

    def _embedded(
        self, reading: Reading, taught: Sequence[Topic], deadline: Deadline
    ) -> tuple[Vectors | None, Embedder | None]:
        """The vectors of the topics, and whose they are. Without topics something is asked for all
        the same: a reader that is away is to be known as away."""
        texts = [reading.quote(topic.start, topic.end) for topic in taught]
        for embedder in self._embedders:
            try:
                vectors = embedder.embed(texts or ["."], deadline)
            except Away:
                continue
            return vectors[: len(taught)], embedder
        return None, None


def _chain_name(language: str | None, embedder: str | None) -> str:
    return "+".join(filter(None, (language, embedder, LEXICAL)))
