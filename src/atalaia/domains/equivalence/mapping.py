"""The mappers of this process, made once from its settings when they are first asked for."""

from __future__ import annotations

from functools import cache

from atalaia.kernel.ai.embedding import LocalEmbedder, Remembered
from atalaia.kernel.match.mappers import Mappers


@cache
def mappers() -> Mappers:
    """The chain that EMBED_URL, LLM_URL and the installed model give."""
    return Mappers([Remembered(LocalEmbedder())])
