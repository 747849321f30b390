"""Model services: what each fault costs, when one is left alone, when it is asked again."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from tests.kernel.ai.models import Served

from atalaia.kernel.ai.breaker import Away, Breaker
from atalaia.kernel.ai.embedding import LocalEmbedder, RemoteEmbedder
from atalaia.kernel.ai.language import LanguageModel
from atalaia.kernel.ai.mocks import MODES, embed_app, llm_app
from atalaia.kernel.ai.service import Service
from atalaia.kernel.base.clock import Deadline

FAULTS = [mode for mode in MODES if mode not in ("obey", "credulous")]
ASKED = '{"conceitos": {"a": "Pilhas"}, "ementa": "Pilhas e filas"}'


@pytest.fixture(scope="module")
def embeddings() -> Iterator[Served]:
    with Served(embed_app()) as server:
        yield server


@pytest.fixture(scope="module")
def model() -> Iterator[Served]:
    with Served(llm_app()) as server:
        yield server


def embedder(server: Served, breaker: Breaker | None = None) -> RemoteEmbedder:
    return RemoteEmbedder(Service("embeddings", server.url, "", breaker), "letras")


def embed_once(server: Served, seconds: float) -> object:
    return embedder(server).embed(["pilhas"], Deadline(seconds))


def ask(server: Served, seconds: float = 20) -> object:
    asked = LanguageModel(Service("modelo", server.url, ""), "m")
    return asked.complete("s", ASKED, {}, lambda said: said["conceitos"], Deadline(seconds))


def test_both_answer(embeddings: Served, model: Served) -> None:
    embeddings.behave("")
    model.behave("")
    rows = embedder(embeddings).embed(["pilhas", "filas", "pilhas"], Deadline(20))
    assert rows.shape[0] == 3
    assert np.array_equal(rows[0], rows[2])
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert ask(model) == [{"codigo": "a", "trecho": "Pilhas e filas"}]


@pytest.mark.row("R-077")
@pytest.mark.parametrize("mode", FAULTS)
def test_a_fault_is_away_and_never_later_than_the_deadline(
    mode: str, embeddings: Served, model: Served
) -> None:
    for server in (embeddings, model):
        server.behave(mode, seconds=60)
        began = time.monotonic()
        act = embed_once if server is embeddings else ask
        with pytest.raises(Away):
            act(server, 2)
        # the deadline and one second on a quiet machine; far from the fault's minute on any
        assert time.monotonic() - began < 12
        server.behave("")


@pytest.mark.row("R-077", "E-026")
def test_the_breaker_opens_then_tries_again_and_closes(embeddings: Served) -> None:
    breaker = Breaker("embeddings", failures=3, rest_seconds=0.5)
    asked = embedder(embeddings, breaker)
    embeddings.behave("500")
    for _ in range(3):
        with pytest.raises(Away):
            asked.embed(["pilhas"], Deadline(20))
    assert breaker.state == "opened"
    before = len(embeddings.asked())
    with pytest.raises(Away):
        asked.embed(["pilhas"], Deadline(20))
    assert len(embeddings.asked()) == before, "an open breaker lets nothing through"
    embeddings.behave("")
    time.sleep(0.6)
    assert asked.embed(["pilhas"], Deadline(20)).shape[0] == 1
    assert breaker.state == "closed"


def test_a_trial_that_fails_opens_it_again(embeddings: Served) -> None:
    breaker = Breaker("embeddings", failures=1, rest_seconds=0.3)
    asked = embedder(embeddings, breaker)
    embeddings.behave("half_json")
    for _ in range(2):
        with pytest.raises(Away):
            asked.embed(["pilhas"], Deadline(20))
        assert breaker.state == "opened"
        time.sleep(0.4)
    embeddings.behave("")


def test_nobody_there_is_away() -> None:
    with pytest.raises(Away):
        RemoteEmbedder(Service("e", "http://127.0.0.1:9", ""), "m").embed(["a"], Deadline(5))


def test_what_a_text_is_embedded_with_does_not_change_a_bit_of_its_vector() -> None:
    local = LocalEmbedder()
    texts = [f"árvores {word} {n}" for n in range(3) for word in ("binárias", "de busca", "B")]
    together = local.embed(texts, Deadline(60))
    backwards = local.embed(texts[::-1], Deadline(60))[::-1]
    alone = np.concatenate([local.embed([text], Deadline(60)) for text in texts[:3]])
    assert together.tobytes() == np.ascontiguousarray(backwards).tobytes()
    assert together[:3].tobytes() == alone.tobytes()
