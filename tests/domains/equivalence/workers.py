"""A worker process of the service, for tests that kill it: it reads with the lexicon alone."""

from __future__ import annotations

import time

import psycopg

from atalaia.domains.equivalence import batch
from atalaia.kernel.base.errors import AtalaiaError
from atalaia.kernel.match.mappers import Mappers
from atalaia.kernel.work.drain import drain

_LEXICAL = Mappers()
_REST_SECONDS = 0.02


def work(_step: str, _nth: int, lease: float) -> None:
    """Drain again and again, as a worker that is woken does."""
    batch.mappers = lambda: _LEXICAL  # type: ignore[assignment]
    while True:
        try:
            drain(batch.WORK, lease_seconds=lease)
        except (AtalaiaError, psycopg.Error):
            time.sleep(_REST_SECONDS)
        time.sleep(_REST_SECONDS)
