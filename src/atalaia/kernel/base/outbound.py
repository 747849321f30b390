"""The one client that leaves the house: deadline, size cap, judged addresses, clear errors.

HTTP and FTP. Nothing else in Atalaia opens a connection to a machine that is not its own; which
addresses it may be is decided in `address`, for the first one and for each redirect a source says
it needs. `docs/outbound.md` tells it to operators.
"""

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

from atalaia.kernel.base import ftp
from atalaia.kernel.base.address import Place, look_up, place, require_open
from atalaia.kernel.base.clock import Deadline, now
from atalaia.kernel.base.errors import (
    AddressRefused,
    NotPublished,
    SourceFailed,
    SourceTooSlow,
    Unreachable,
)
from atalaia.kernel.base.settings import settings

_SCHEMES = ("http", "https", "ftp")
_ANSWER_BYTES = 4096  # how much of a refusal is read, to know its reason


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange as it is remembered beside the payload it brought."""

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
    inside: str = "",
    redirects: int = 0,
) -> tuple[Exchange, str, int]:
    """Stream `url` to `target`; returns the exchange, the SHA-256 and the size of the body.

    Raises NotPublished (404, 204, empty body), SourceFailed (any other bad answer, a body cut
    short or too large), AddressRefused (not an address to call), Unreachable (no network from
    here) and SourceTooSlow (never later than the deadline, however slowly bytes drip in).

    `timeout_seconds` limits one wait. `inside` is an address an operator set: of that origin, and
    of no other, a URL may lead into the house or its network. At most `redirects` are followed.
    `target` is only a scratch file: the caller moves it to its final name.
    """
    where, limit = place(url, _SCHEMES), timeout_seconds or settings().source_timeout_seconds
    body = _Body(target, where.host)
    with body:
        if where.scheme == "ftp":
            answer = _by_ftp(url, where, body, deadline, limit, inside)
        else:
            asked = httpx.Request("GET", url, params=params or None).url
            answer = _by_http(asked, body, deadline, limit, inside, redirects)
    if body.size == 0:
        raise NotPublished(f"{where.host} respondeu sem conteúdo.", status=answer.status)
    return answer, body.sha256, body.size


def _at_home(where: Place, inside: str) -> bool:
    """Whether an operator allowed this very origin; if not, it must look like a public one."""
    if inside and place(inside, _SCHEMES) == where:
        return True
    require_open(where)
    return False


class _Body:
    """The scratch file of one payload, with its hash, its size and the most it may be."""

    def __init__(self, target: Path, host: str) -> None:
        self._target, self._host, self._cap = target, host, settings().source_max_bytes
        self._digest, self.size = hashlib.sha256(), 0

    def __enter__(self) -> _Body:
        self._file = self._target.open("wb")
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Add to the file. Raises SourceFailed when it is more than anything we accept."""
        self.size += len(chunk)
        if self.size > self._cap:
            raise SourceFailed(f"{self._host} enviou mais de {self._cap} bytes.")
        self._digest.update(chunk)
        self._file.write(chunk)


def _by_ftp(
    url: str, where: Place, body: _Body, deadline: Deadline, limit: float, inside: str
) -> Exchange:
    at_home = _at_home(where, inside)
    addresses = look_up(where.host, where.port, deadline.remaining, inside=at_home)
    ftp.retrieve(url, where, addresses, body.write, deadline=deadline, limit=limit)
    return Exchange(url, ftp.COMPLETE, now(), {"content-length": str(body.size)})


def _by_http(
    asked: httpx.URL, body: _Body, deadline: Deadline, limit: float, inside: str, redirects: int
) -> Exchange:
    for _ in range(redirects + 1):
        at_home = _at_home(place(asked), inside)
        with _asked(asked, deadline, limit, at_home) as response:
            if not response.has_redirect_location:
                _refuse(response)
                for chunk in response.iter_bytes():
                    body.write(chunk)
                return Exchange(str(asked), response.status_code, now(), dict(response.headers))
            asked = _moved(response)
    raise SourceFailed(
        f"{response.url.host} manda para outro endereço (HTTP {response.status_code}).",
        status=response.status_code,
    )


def _moved(response: httpx.Response) -> httpx.URL:
    """Where a redirect leads; what was asked under TLS is not asked again in the open."""
    try:
        found = response.url.join(response.headers["location"])
    except (httpx.InvalidURL, UnicodeError) as error:
        raise AddressRefused("A fonte manda para um endereço que não é uma URL.") from error
    if response.url.scheme == "https" and found.scheme != "https":
        raise AddressRefused(f"{response.url.host} manda para um endereço sem TLS.")
    return found


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
    """Looks a name up once and connects to what was found and judged; TLS and the Host header
    still go by the name. `inside`: the address is an operator's own, or his proxy's."""

    def __init__(self, *, inside: bool) -> None:
        super().__init__()
        self._inside = inside

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failed: httpcore.NetworkError | httpcore.TimeoutException | None = None
        for address in look_up(host, port, _left(timeout), inside=self._inside):
            try:
                return _Stream(
                    super().connect_tcp(
                        address, port, _left(timeout), local_address, socket_options
                    )
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        assert failed is not None  # noqa: S101  a look-up gives an address or raises
        raise failed


@cache
def _client(at_home: bool) -> httpx.Client:
    """One client for each: a connection made to an operator's own address is nobody else's."""
    client = httpx.Client(
        headers={"User-Agent": settings().user_agent, "Accept-Encoding": "gzip"},
        follow_redirects=False,
        limits=httpx.Limits(max_connections=8),
    )
    # httpx has no argument for this: a transport given by us would forget HTTP(S)_PROXY.
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            proxied = transport is not client._transport
            transport._pool._network_backend = _Backend(inside=at_home or proxied)
    return client


@contextmanager
def _asked(
    url: httpx.URL, deadline: Deadline, limit: float, at_home: bool
) -> Iterator[httpx.Response]:
    token = _deadline.set(deadline)
    client = _client(at_home)
    client.cookies.clear()  # what one source asks to be remembered is not told to the next
    try:
        with client.stream("GET", url, timeout=limit) as response:
            yield response
    except httpx.TimeoutException as error:
        if deadline.passed:
            raise SourceTooSlow(
                f"{url.host} não tinha terminado quando os {deadline.seconds:g} s acabaram."
            ) from error
        raise SourceFailed(f"{url.host} demorou mais de {limit:g} s.") from error
    except httpx.ConnectError as error:
        raise _no_connection(url, error) from error
    except httpx.HTTPError as error:
        raise SourceFailed(
            f"{url.host} interrompeu a resposta ({type(error).__name__})."
        ) from error
    finally:
        _deadline.reset(token)


def _no_connection(url: httpx.URL, error: httpx.ConnectError) -> Exception:
    """Whose fault it is that there is no connection: theirs when a machine said no, else ours."""
    root = _root(error)
    if isinstance(root, ssl.SSLError):
        return SourceFailed(f"O certificado de {url.host} não é confiável: {root.reason}.")
    if isinstance(root, ConnectionError) or "refused" in str(error).lower():
        return SourceFailed(f"{url.host} recusou a conexão.")
    if isinstance(root, socket.gaierror | OSError):
        return Unreachable(f"Daqui não se chega a {url.host}.")
    return SourceFailed(f"{url.host} recusou a conexão.")


def _root(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return error


def _refuse(response: httpx.Response) -> None:
    status, host = response.status_code, response.url.host
    coding = response.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip"):  # gzip in gzip, or brotli: a small bomb each
        raise SourceFailed(f"{host} comprimiu a resposta de um modo que não se pediu.")
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
