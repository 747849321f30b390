"""A breaker before each provider: after a few failures it is left alone, then tried again.

One failure is an answer that did not come, came too late, or was not what was asked for. While the
breaker is open nobody waits for the provider; after `rest_seconds` one call tries it (half-open).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from purgatory import SyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState

from atalaia.kernel.base.errors import AtalaiaError

T = TypeVar("T")


class Away(AtalaiaError):
    """O provedor não respondeu."""

    retryable = True


class Breaker:
    """The breaker of one provider. `failures` in a row open it; it rests for `rest_seconds`."""

    def __init__(self, provider: str, *, failures: int = 3, rest_seconds: float = 30.0) -> None:
        self.provider = provider
        self._factory = SyncCircuitBreakerFactory(failures, rest_seconds)

    @property
    def state(self) -> str:
        """closed, opened or half-opened."""
        return str(self._factory.get_breaker(self.provider).context.state)

    def call(self, ask: Callable[[], T]) -> T:
        """What `ask` gives. Raises Away when it fails, or while the breaker is open."""
        try:
            with self._factory.get_breaker(self.provider):
                return ask()
        except OpenedState as error:
            raise Away(f"{self.provider} está em repouso após falhas seguidas.") from error
        except (AtalaiaError, ValueError, KeyError, TypeError, IndexError) as error:
            raise Away(f"{self.provider} não respondeu: {error}") from error
