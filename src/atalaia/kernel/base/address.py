"""Which addresses the house speaks to, decided once for each connection.

A URL is read by one parser, its name is looked up once, every address found is judged, and the
connection is made to one of those very addresses: a name that answers otherwise a moment later
changes nothing. What an operator set himself (`inside`) may be at home; nothing else may.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from atalaia.kernel.base.errors import AddressRefused, Unreachable

PORTS = {"http": 80, "https": 443, "ftp": 21}
_OPEN_PORTS = {"http": {80, 8080}, "https": {443, 8443}, "ftp": {21}}
_UNICAST_V6 = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")
# What `is_global` lets pass, and is inside all the same: metadata of Azure and of Oracle's cloud,
# relays of 6to4.
_INSIDE_ALL_THE_SAME = tuple(
    map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24"))
)
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads: what must be equal for two URLs to be of one origin."""

    scheme: str
    host: str
    port: int


def place(url: str | httpx.URL, schemes: Collection[str] = ("http", "https")) -> Place:
    """Where `url` leads. Raises AddressRefused for what is no plain address of `schemes`: a user
    in it, an address spelled as one number, in octal or in hexadecimal, a backslash."""
    if isinstance(url, str) and _UNSAFE.search(url):
        raise AddressRefused("O endereço tem uma barra invertida ou algo invisível.")
    try:
        read = httpx.URL(url)
        host = read.raw_host.decode("ascii").rstrip(".").lower()
    except (httpx.InvalidURL, UnicodeError) as error:
        raise AddressRefused("O endereço não é uma URL válida.") from error
    if read.scheme not in schemes:
        raise AddressRefused(f"O endereço não começa por {' ou '.join(sorted(schemes))}.")
    if read.userinfo:
        raise AddressRefused("O endereço traz usuário ou senha.")
    if not host or set(host) & {"%", " "} or _spelled_oddly(host):
        raise AddressRefused("O endereço não tem um nome de máquina escrito por extenso.")
    return Place(read.scheme, host, read.port or PORTS[read.scheme])


def _spelled_oddly(host: str) -> bool:
    """Is it an IPv4 address to some programs, though not in its one proper form?"""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return bool(_NUMBER.fullmatch(host.rpartition(".")[2]))
    return False


def require_open(where: Place) -> None:
    """Raise AddressRefused unless `where` is on a port where such data is offered, and is not an
    address of the inside written as a number. What a name leads to, only `look_up` knows."""
    if where.port not in _OPEN_PORTS[where.scheme]:
        raise AddressRefused(f"A porta {where.port} não é uma em que se publicam dados.")
    try:
        written = str(ip_address(where.host))
    except ValueError:
        return
    _require_public(where.host, [written])


def look_up(host: str, port: int, seconds: float, *, inside: bool) -> list[str]:
    """The addresses of `host`, in the system's order, within `seconds`. Raises Unreachable when
    there is none, and AddressRefused when any of them is not public (unless `inside`)."""
    found = _resolved(host, port, seconds)
    if not inside:
        _require_public(host, found)
    return found


def _resolved(host: str, port: int, seconds: float) -> list[str]:
    """The system's own look-up has no limit of time: it is waited for in a thread."""
    answer: list[str] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        answer.extend(dict.fromkeys(str(entry[4][0]) for entry in found))

    asking = threading.Thread(target=ask, name="look-up", daemon=True)
    asking.start()
    asking.join(seconds)
    if not answer:
        raise Unreachable(f"Daqui não se chega a {host}.")
    return list(answer)


def _require_public(host: str, addresses: Collection[str]) -> None:
    if not all(is_public(one) for one in addresses):
        raise AddressRefused(
            f"{host} é um endereço interno, que daqui não se chama.",
            todo="Uma fonte de dentro de casa é indicada em SOURCE_<NOME>_BASE_URL.",
        )


def is_public(address: str) -> bool:
    """Whether an IP address is anybody's: not private, loopback, link-local, shared, multicast,
    reserved or a provider's inside, and no such IPv4 address wrapped in an IPv6 one."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        wrapped = _wrapped(ip)
        if wrapped is not None:
            return is_public(str(wrapped))
        return ip.is_global and ip in _UNICAST_V6 and not ip.is_multicast
    shut = ip.is_multicast or ip.is_reserved or any(ip in net for net in _INSIDE_ALL_THE_SAME)
    return ip.is_global and not shut


def _wrapped(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a mapped, 6to4, Teredo or NAT64 one stands for."""
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
