"""The one HTTP client that leaves the house: deadline, size cap, few redirects, clear errors."""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

import httpcore
import httpx

from atalaia.kernel.base.clock import Deadline, now
from atalaia.kernel.base.errors import NotPublished, SourceFailed, SourceTooSlow, Unreachable
from atalaia.kernel.base.settings import settings

_MAX_REDIRECTS = 3
_ANSWER_BYTES = 4096  # how much of a refusal is read, to know its reason


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP exchange as it is remembered beside the payload it brought."""

    url: str
    status: int
    fetched_at: datetime
    headers: dict[str, str] = field(default_factory=dict)


def download(
    url: str,
    target: Path,
    *,
    deadline: Deadline,
    params: dict[str, str] | None = None,
    timeout_seconds: float | None = None,
) -> tuple[Exchange, str, int]:
    """Stream `url` to `target`; returns the exchange, the SHA-256 and the size of the body.

    Raises NotPublished (404, 204, empty body), SourceFailed (any other bad answer, a body cut
    short or too large), Unreachable (no network from here) and SourceTooSlow (never later than
    the deadline, however slowly bytes drip in). `timeout_seconds` limits one wait. `target` is
    only a scratch file: the caller moves it to its final name.
    """
    with _asked(url, params, deadline, timeout_seconds) as response:
        _refuse(response)
        digest, size = _drain(response, target)
        if size == 0:
            raise NotPublished(f"{_host(url)} respondeu sem conteúdo.", status=response.status_code)
        exchange = Exchange(str(response.url), response.status_code, now(), dict(response.headers))
    return exchange, digest, size


_deadline: ContextVar[Deadline] = ContextVar("deadline")


def _left(timeout: float | None) -> float:
    """A wait on the network: as long as allowed, and never past the deadline in hand."""
    remaining = _deadline.get().remaining
    if not remaining:
        raise httpcore.ReadTimeout("the deadline has passed")
    return remaining if timeout is None else min(timeout, remaining)


class _Stream(httpcore.NetworkStream):
    """A connection that waits no longer than the deadline. httpx's own limits are per read, so a
    source that sends a byte now and then would never meet them."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        return _Stream(
            super().connect_tcp(host, port, _left(timeout), local_address, socket_options)
        )


@cache
def _client() -> httpx.Client:
    client = httpx.Client(
        headers={"User-Agent": settings().user_agent, "Accept-Encoding": "gzip"},
        follow_redirects=True,
        max_redirects=_MAX_REDIRECTS,
        limits=httpx.Limits(max_connections=8),
    )
    # httpx has no argument for this: a transport given by us would forget HTTP(S)_PROXY.
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = _Backend()
    return client


@contextmanager
def _asked(
    url: str, params: dict[str, str] | None, deadline: Deadline, timeout_seconds: float | None
) -> Iterator[httpx.Response]:
    limit = timeout_seconds or settings().source_timeout_seconds
    token = _deadline.set(deadline)
    try:
        with _client().stream("GET", url, params=params, timeout=limit) as response:
            yield response
    except httpx.TimeoutException as error:
        if deadline.passed:
            raise SourceTooSlow(
                f"{_host(url)} não tinha terminado quando os {deadline.seconds:g} s acabaram."
            ) from error
        raise SourceFailed(f"{_host(url)} demorou mais de {limit:g} s.") from error
    except httpx.ConnectError as error:
        raise _no_connection(url, error) from error
    except httpx.HTTPError as error:
        raise SourceFailed(
            f"{_host(url)} interrompeu a resposta ({type(error).__name__})."
        ) from error
    finally:
        _deadline.reset(token)


def _no_connection(url: str, error: httpx.ConnectError) -> Exception:
    """Whose fault it is that there is no connection: theirs when a machine said no, else ours."""
    root = _root(error)
    if isinstance(root, ssl.SSLError):
        return SourceFailed(f"O certificado de {_host(url)} não é confiável: {root.reason}.")
    if isinstance(root, ConnectionError) or "refused" in str(error).lower():
        return SourceFailed(f"{_host(url)} recusou a conexão.")
    if isinstance(root, socket.gaierror | OSError):
        return Unreachable(f"Daqui não se chega a {_host(url)}.")
    return SourceFailed(f"{_host(url)} recusou a conexão.")


def _root(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return error


def _host(url: str) -> str:
    return httpx.URL(url).host


def _refuse(response: httpx.Response) -> None:
    status, host = response.status_code, response.url.host
    if status in (204, 404):
        raise NotPublished(f"{host} não tem nada neste endereço (HTTP {status}).", status=status)
    if status >= 300:
        raise SourceFailed(
            f"{host} respondeu HTTP {status}.",
            status=status,
            retry_after=_retry_after(response),
            answer=_beginning(response),
        )


def _beginning(response: httpx.Response) -> str:
    said = b""
    for chunk in response.iter_bytes(_ANSWER_BYTES):
        said += chunk
        if len(said) >= _ANSWER_BYTES:
            break
    return said[:_ANSWER_BYTES].decode("utf-8", "replace")


def _retry_after(response: httpx.Response) -> float | None:
    value: str = response.headers.get("retry-after", "")
    if value.isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
        return max(0.0, (when - now()).total_seconds())
    except (TypeError, ValueError):
        return None


def _drain(response: httpx.Response, target: Path) -> tuple[str, int]:
    digest, size, cap = hashlib.sha256(), 0, settings().source_max_bytes
    with target.open("wb") as file:
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > cap:
                raise SourceFailed(f"{response.url.host} enviou mais de {cap} bytes.")
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest(), size
