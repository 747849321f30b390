"""The one client that leaves the house: deadline, size cap, judged addresses, clear errors.

HTTP and FTP. Nothing else in Atalaia opens a connection to a machine that is not its own; which
addresses it may be is decided in `address`, for the first one and for each redirect a source says
it needs. `docs/outbound.md` tells it to operators.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx

from atalaia.kernel.base import ftp, transport
from atalaia.kernel.base.address import Place, look_up, place, require_open
from atalaia.kernel.base.clock import Deadline, now
from atalaia.kernel.base.errors import AddressRefused, NotPublished, SourceFailed
from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.transport import Request

_SCHEMES = ("http", "https", "ftp")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange as it is remembered beside the payload it brought."""

    url: str
    status: int
    fetched_at: datetime
    headers: dict[str, str] = field(default_factory=dict)
    certificate: dict[str, str] | None = None  # the source's: sha256, expires_at (under TLS only)


@dataclass(frozen=True, slots=True)
class Posted:
    """What was answered to a message: the status, how long to leave its receiver alone if it said
    so, and how the answer begins."""

    status: int
    retry_after: float | None
    answer: str


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


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    deadline: Deadline,
    inside: Collection[str] = (),
    most_connections: int,
) -> Posted:
    """Send `body` to `url`, once; no redirect is followed. Any status is an answer: what it means
    is the caller's to say.

    `inside` are the origins that an operator allowed in the house or its network. Raises
    AddressRefused, Unreachable, SourceFailed (no answer, or a broken one) and SourceTooSlow."""
    at_home = any(_at_home_of(url, one) for one in inside)
    if not at_home:
        require_open(place(url))
    request = Request(httpx.URL(url), "POST", body, {**headers, "Accept-Encoding": "identity"})
    with transport.asked(
        request, deadline, deadline.seconds, at_home=at_home, most_connections=most_connections
    ) as response:
        retry_after = transport.retry_after(response)
        try:
            packed = "content-encoding" in response.headers
            said = "" if packed else transport.beginning(response)
        except httpx.HTTPError:  # the status has come: that is the answer
            said = ""
        return Posted(response.status_code, retry_after, said)


def ask(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    deadline: Deadline,
    inside: str = "",
    most_bytes: int,
) -> tuple[int, bytes]:
    """Post a question and read the whole answer: its status and its bytes. No redirect is followed.

    `inside` is an origin an operator set, as for `download`. Raises AddressRefused, Unreachable,
    SourceFailed (no answer, a broken one, more than `most_bytes`) and SourceTooSlow."""
    at_home = _at_home(place(url), inside)
    request = Request(httpx.URL(url), "POST", body, {**headers, "Accept-Encoding": "identity"})
    with transport.asked(request, deadline, deadline.seconds, at_home=at_home) as response:
        if "content-encoding" in response.headers:
            raise SourceFailed(f"{request.url.host} comprimiu a resposta sem que se pedisse.")
        answer = bytearray()
        for chunk in response.iter_bytes():
            answer += chunk
            if len(answer) > most_bytes:
                raise SourceFailed(f"{request.url.host} respondeu mais de {most_bytes} bytes.")
        return response.status_code, bytes(answer)


def _at_home_of(url: str, inside: str) -> bool:
    return place(url, _SCHEMES) == place(inside, _SCHEMES)


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
        with transport.asked(Request(asked), deadline, limit, at_home=at_home) as response:
            if not response.has_redirect_location:
                shown = transport.certificate(response)
                _refuse(response)
                for chunk in response.iter_bytes():
                    body.write(chunk)
                return Exchange(
                    str(asked), response.status_code, now(), dict(response.headers), shown
                )
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
            retry_after=transport.retry_after(response),
            answer=transport.beginning(response),
        )
