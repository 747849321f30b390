"""The one HTTP client that leaves the house: deadline, size cap, no redirects followed blindly."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path

import httpx

from atalaia.kernel.base.clock import Deadline, now
from atalaia.kernel.base.errors import NotPublished, SourceFailed, TimedOut, Unreachable
from atalaia.kernel.base.settings import settings

_MAX_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP exchange as it is remembered beside the payload it brought."""

    url: str
    status: int
    fetched_at: datetime
    headers: dict[str, str] = field(default_factory=dict)


@cache
def _client() -> httpx.Client:
    return httpx.Client(
        headers={"User-Agent": settings().user_agent, "Accept-Encoding": "gzip"},
        follow_redirects=True,
        max_redirects=_MAX_REDIRECTS,
        limits=httpx.Limits(max_connections=8),
    )


def download(
    url: str, target: Path, *, deadline: Deadline, params: dict[str, str] | None = None
) -> tuple[Exchange, str, int]:
    """Stream `url` to `target`; returns the exchange, the SHA-256 and the size of the body.

    Raises NotPublished (404, 204, empty body), SourceFailed (any other bad answer, a body cut
    short or too large), Unreachable (no network from here) and TimedOut. `target` is only a
    scratch file: the caller moves it to its final name.
    """
    with _asked(url, params, deadline) as response:
        _refuse(response)
        digest, size = _drain(response, target, deadline)
        if size == 0:
            raise NotPublished(
                f"{_host(url)} answered with an empty body.", status=response.status_code
            )
        exchange = Exchange(str(response.url), response.status_code, now(), dict(response.headers))
    return exchange, digest, size


@contextmanager
def _asked(url: str, params: dict[str, str] | None, deadline: Deadline) -> Iterator[httpx.Response]:
    limit = min(settings().source_timeout_seconds, max(deadline.remaining, 0.001))
    try:
        with _client().stream("GET", url, params=params, timeout=limit) as response:
            yield response
    except httpx.TimeoutException as error:
        if deadline.passed:
            raise TimedOut(f"{_host(url)} did not answer within {deadline.seconds:g} s.") from error
        raise SourceFailed(f"{_host(url)} took longer than {limit:g} s.") from error
    except httpx.ConnectError as error:
        if isinstance(_root(error), socket.gaierror | OSError) and not _refused(error):
            raise Unreachable(f"{_host(url)} cannot be reached from here.") from error
        raise SourceFailed(f"{_host(url)} refused the connection.") from error
    except httpx.HTTPError as error:
        raise SourceFailed(f"{_host(url)} broke off ({type(error).__name__}).") from error


def _root(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return error


def _refused(error: BaseException) -> bool:
    return isinstance(_root(error), ConnectionRefusedError) or "refused" in str(error).lower()


def _host(url: str) -> str:
    return httpx.URL(url).host


def _refuse(response: httpx.Response) -> None:
    status, host = response.status_code, response.url.host
    if status in (204, 404):
        raise NotPublished(f"{host} has nothing at this address (HTTP {status}).", status=status)
    if status >= 300:
        raise SourceFailed(
            f"{host} answered HTTP {status}.", status=status, retry_after=_retry_after(response)
        )


def _retry_after(response: httpx.Response) -> float | None:
    value: str = response.headers.get("retry-after", "")
    if value.isdigit():
        return float(value)
    try:
        when = parsedate_to_datetime(value)
        return max(0.0, (when - now()).total_seconds())
    except (TypeError, ValueError):
        return None


def _drain(response: httpx.Response, target: Path, deadline: Deadline) -> tuple[str, int]:
    digest, size, cap = hashlib.sha256(), 0, settings().source_max_bytes
    with target.open("wb") as file:
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > cap:
                raise SourceFailed(f"{response.url.host} sent more than {cap} bytes.")
            if deadline.passed:
                raise TimedOut(
                    f"{response.url.host} was still sending after {deadline.seconds:g} s."
                )
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest(), size
