"""The mappers of this process, made once from its settings when they are first asked for."""

from __future__ import annotations

from atalaia.kernel.match.chain import configured
from atalaia.kernel.match.mappers import Mappers


def mappers() -> Mappers:
    """The chain that EMBED_URL, LLM_URL and the installed model give."""
    return configured()
