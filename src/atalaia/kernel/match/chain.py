"""The chain of readers that the settings ask for, one for a process."""

from __future__ import annotations

from functools import cache

from atalaia.kernel.ai.breaker import Breaker
from atalaia.kernel.ai.embedding import Embedder, LocalEmbedder, Remembered, RemoteEmbedder
from atalaia.kernel.ai.language import LanguageModel
from atalaia.kernel.ai.service import Service
from atalaia.kernel.base.settings import Settings, settings
from atalaia.kernel.match.claimer import ModelClaims
from atalaia.kernel.match.mappers import Mappers


def chain(said: Settings, *, failures: int = 3, rest_seconds: float = 30.0) -> Mappers:
    """LLM_URL and EMBED_URL where they are set, then the model that is installed, then words.

    After `failures` in a row a service is left alone for `rest_seconds`."""

    def service(name: str, url: str, key: str) -> Service:
        breaker = Breaker(name, failures=failures, rest_seconds=rest_seconds)
        return Service(name, url, key, breaker)

    embedders: list[Embedder] = [LocalEmbedder()]
    if said.embed_url:
        remote = service("embeddings", said.embed_url, said.embed_key)
        embedders.insert(0, RemoteEmbedder(remote, said.embed_model))
    language = None
    if said.llm_url:
        model = service("modelo de linguagem", said.llm_url, said.llm_key)
        language = ModelClaims(LanguageModel(model, said.llm_model))
    return Mappers([Remembered(embedder) for embedder in embedders], language)


@cache
def configured() -> Mappers:
    """The chain of this process. `configured.cache_clear()` makes it anew."""
    return chain(settings())
