"""How a request leaves the house: connections to judged addresses, and no wait past the deadline.

`outbound` decides what is asked of whom; nothing else uses this.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from atalaia.kernel.base import telemetry
from atalaia.kernel.base.address import look_up
from atalaia.kernel.base.clock import Deadline, now
from atalaia.kernel.base.errors import SourceFailed, SourceTooSlow, Unreachable
from atalaia.kernel.base.settings import settings

_ANSWER_BYTES = 4096  # how much of a refusal is read, to know its reason
UNTRUSTED = "O certificado de "  # how it is said that a source could not prove who it is


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a machine."""

    url: httpx.URL
    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


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
def client(at_home: bool, most_connections: int) -> httpx.Client:
    """One client for each: a connection made to an operator's own address is nobody else's, and
    who asks does not wait for who tells. What one machine asks to be remembered is told to none."""
    made = httpx.Client(
        headers={"User-Agent": settings().user_agent, "Accept-Encoding": "gzip"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        limits=httpx.Limits(max_connections=most_connections),
    )
    # httpx has no argument for this: a transport given by us would forget HTTP(S)_PROXY.
    for transport in (made._transport, *made._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            proxied = transport is not made._transport
            transport._pool._network_backend = _Backend(inside=at_home or proxied)
    return made


@contextmanager
def asked(
    request: Request, deadline: Deadline, limit: float, *, at_home: bool, most_connections: int = 8
) -> Iterator[httpx.Response]:
    """The answer to a request, whose body is read inside. Raises SourceTooSlow at the deadline,
    SourceFailed for one wait longer than `limit` and for an exchange that broke, Unreachable and
    AddressRefused."""
    token, url = _deadline.set(deadline), request.url
    try:
        with client(at_home, most_connections).stream(
            request.method,
            url,
            content=request.body,
            headers={**request.headers, **telemetry.traceparent()},
            timeout=limit,
        ) as response:
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
    if isinstance(root, ssl.SSLCertVerificationError):
        return SourceFailed(f"{UNTRUSTED}{url.host} não é confiável: {root.verify_message}.")
    if isinstance(root, ssl.SSLError):
        return SourceFailed(f"{url.host} não fala TLS como se espera: {root.reason}.")
    if isinstance(root, ConnectionError) or "refused" in str(error).lower():
        return SourceFailed(f"{url.host} recusou a conexão.")
    if isinstance(root, socket.gaierror | OSError):
        return Unreachable(f"Daqui não se chega a {url.host}.")
    return SourceFailed(f"{url.host} recusou a conexão.")


def _root(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return error


def certificate(response: httpx.Response) -> dict[str, str] | None:
    """What a machine showed to say who it is (SHA-256, expiry); None without TLS. Asked while the
    answer is still being read."""
    stream = response.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream else None
    shown = tls.getpeercert(True) if tls else None
    if not tls or not shown:
        return None
    until = ssl.cert_time_to_seconds(tls.getpeercert()["notAfter"])
    return {
        "sha256": hashlib.sha256(shown).hexdigest(),
        "expires_at": datetime.fromtimestamp(until, UTC).isoformat(),
    }


def beginning(response: httpx.Response) -> str:
    """How the body of an answer begins, as text; the rest is not read."""
    said = b""
    for chunk in response.iter_bytes(_ANSWER_BYTES):
        said += chunk
        if len(said) >= _ANSWER_BYTES:
            break
    return said[:_ANSWER_BYTES].decode("utf-8", "replace")


def retry_after(response: httpx.Response) -> float | None:
    """The seconds a machine asks to be left alone for, or None."""
    value: str = response.headers.get("retry-after", "")
    if value.isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
        return max(0.0, (when - now()).total_seconds())
    except (TypeError, ValueError):
        return None
