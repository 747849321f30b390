"""A model that is a service: one JSON question, one JSON answer, never past the deadline.

What is sent is only what the caller hands over; nothing of the house is added but a key. An answer
that is not JSON, is too large, too late or says it failed is one failure for the breaker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import httpx
import orjson

from atalaia.kernel.ai.breaker import Away, Breaker
from atalaia.kernel.base import outbound
from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import AddressRefused, SourceFailed

T = TypeVar("T")
MOST_BYTES = 4_000_000  # of one answer


class Service:
    """One model at one address. `url` is an operator's own: it may be inside the house."""

    def __init__(self, name: str, url: str, key: str, breaker: Breaker | None = None) -> None:
        self._name, self._url, self._key = name, url.rstrip("/"), key
        self.breaker = breaker or Breaker(name)

    def ask(
        self, path: str, question: Mapping[str, Any], read: Callable[[Any], T], deadline: Deadline
    ) -> T:
        """What `read` makes of the answer to a question posted to `path`; what it cannot read is
        one more failure. Raises Away."""
        if deadline.passed:
            raise Away(f"Não sobrou tempo para {self._name}.")
        return self.breaker.call(lambda: read(self._asked(path, question, deadline)))

    def _asked(self, path: str, question: Mapping[str, Any], deadline: Deadline) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        url = self._url if self._url.endswith(path) else self._url + path
        status, body = outbound.ask(
            url,
            orjson.dumps(question),
            headers,
            deadline=deadline,
            inside=_origin(self._url),
            most_bytes=MOST_BYTES,
        )
        if status != 200:
            raise SourceFailed(f"{self._name} respondeu HTTP {status}.", status=status)
        return orjson.loads(body)


def _origin(url: str) -> str:
    try:
        read = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise AddressRefused("O endereço do modelo não é uma URL válida.") from error
    return str(read.copy_with(path="/", query=None))
