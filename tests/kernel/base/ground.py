"""A network of the tests' own, where every address there is answers and is watched.

    unshare --net --mount … python -m tests.kernel.base.ground

In it a DNS server answers for names that lead inside, or now out and now in. The program has the
outbound client try every address of `urls()` as each of FIELDS, and prints as JSON which machines
were reached. Only PUBLIC may be.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote
from uuid import UUID

from atalaia.kernel.base.clock import Deadline, now
from atalaia.kernel.base.errors import AtalaiaError
from atalaia.kernel.base.outbound import download
from atalaia.kernel.tell.queue import Delivery
from atalaia.kernel.tell.webhook import checked_url, send

PUBLIC = "93.184.216.34"
FIELDS = ("address", "redirect", "redirect nobody asked for")
WEBHOOKS = ("webhook kept", "webhook sent", "webhook sent openly")
_PORTS = (80, 8080, 21, 22, 25, 443, 3306, 6379, 11211)
_INSIDE = (
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1",  # noqa: S104
    "169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1",
)  # fmt: skip
_INSIDE_V6 = (
    "::1", "::", "fd00:ec2::254", "fc00::1", "fe80::1", "fec0::1", "ff02::1", "::ffff:0:7f00:1",
    "2001:db8::1", "100::1", "64:ff9b:1::7f00:1",
)  # fmt: skip
_NAMES = {
    "public.test": [PUBLIC],
    "loop.test": ["127.0.0.1"],
    "lan.test": ["192.168.1.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "both.test": [PUBLIC, "127.0.0.1"],
    "both-again.test": ["127.0.0.1", PUBLIC],
    "zero.test": ["0.0.0.0"],  # noqa: S104
}
_TURNING = "turning"  # names that begin so lead out when first asked, and inside ever after
_reached: list[tuple[str, int]] = []
_asked: Counter[str] = Counter()


def spellings(address: str) -> Iterator[str]:
    """Ways to write one IPv4 address in a URL, that some program or other understands."""
    parts = [int(part) for part in address.split(".")]
    number = struct.unpack("!I", socket.inet_aton(address))[0]
    high, low = number >> 16, number & 0xFFFF
    yield from (
        address, f"{address}.", str(number), hex(number), f"0{number:o}", f"{parts[0]}.{low}",
        ".".join(hex(part) for part in parts), ".".join(f"0{part:o}" for part in parts),
        f"{parts[0]}.{parts[1]}.{parts[2] << 8 | parts[3]}", address.replace(".", "。"),
        address.translate({ord(str(n)): 0xFF10 + n for n in range(10)}),
        address.translate({ord(str(n)): 0x2460 + n - 1 for n in range(1, 10)}),
        f"[::ffff:{address}]", f"[::ffff:{high:x}:{low:x}]", f"[::{high:x}:{low:x}]",
        f"[64:ff9b::{high:x}:{low:x}]", f"[2002:{high:x}:{low:x}::1]",
        f"[2001:0:{high:x}:{low:x}::{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}]",
        f"{address}:8080", f"public.test@{address}", f"user:pass@{address}",
        f"{address}%00.public.test", f"public.test\\@{address}", f"{address}\t",
    )  # fmt: skip


def urls() -> list[str]:
    """Every address that must not be reached, each once."""
    found = [f"http://{one}/x" for address in _INSIDE for one in spellings(address)]
    found += [f"http://[{address}]/x" for address in _INSIDE_V6]
    found += [f"http://{name}/x" for name in _NAMES if name != "public.test"]
    found += ["http://localhost/x", "http://LOCALHOST./x", "http://ⓛocalhost/x"]
    found += [f"http://public.test:{port}/x" for port in (22, 25, 443, 3306, 6379, 11211)]
    found += [
        f"{scheme}://{PUBLIC}/etc/passwd" for scheme in ("file", "gopher", "dict", "ldap", "tftp")
    ]
    found += ["file:///etc/passwd", "ftp://127.0.0.1/x", "ftp://loop.test/x", "ftp://public.test/"]
    found += ["ftp://public.test:2121/x", "ftp://public.test/a%0d%0aDELE%20b", "//127.0.0.1/x"]
    return list(dict.fromkeys(found))


def main() -> None:
    """Try everything and say what was reached."""
    _every_address_is_ours()
    threading.Thread(target=_name_server, args=(_udp(),), daemon=True).start()
    for port in _PORTS:
        threading.Thread(target=_watch, args=(_tcp(port),), daemon=True).start()
    said = {"canaries": _canaries(), "public_before": _get("http://public.test/x")}
    said |= {"tried": {}, "reached": {}, "urls": len(urls())}
    for field in FIELDS:
        outcomes, before = Counter[str](), len(_reached)
        for url in urls():
            outcomes[_get(_as(field, url), redirects=field == "redirect")] += 1
        said["tried"][field] = outcomes
        said["reached"][field] = sorted({one for one in _reached[before:] if one[0] != PUBLIC})
    for field in WEBHOOKS:
        outcomes, before = Counter[str](), len(_reached)
        for url in (url.replace("http://", "https://", field != WEBHOOKS[2]) for url in urls()):
            outcomes[_kept(url) if field == WEBHOOKS[0] else _told(url)] += 1
        said["tried"][field] = outcomes
        said["reached"][field] = sorted({one for one in _reached[before:] if one[0] != PUBLIC})
    before = len(_reached)
    said["webhook turning"] = [_told(f"https://{_TURNING}-w{n % 5}.test/x") for n in range(20)]
    said["webhook public"] = [_kept("https://public.test/x"), _told("https://public.test/x")]
    said["reached"]["webhook turning"] = [one for one in _reached[before:] if one[0] != PUBLIC]
    said["webhook reached"] = sorted({one for one in _reached[before:] if one[0] == PUBLIC})
    before = len(_reached)
    said["turning"] = [_get(f"http://{_TURNING}{n % 5}.test/x") for n in range(20)]
    said["turning"] += [
        _get(_as("redirect", f"http://{_TURNING}-{n % 5}.test/x"), redirects=True)
        for n in range(20)
    ]
    said["reached"]["turning"] = sorted({one for one in _reached[before:] if one[0] != PUBLIC})
    said["public_after"] = _get("http://public.test/x")
    print(json.dumps(said))


def _as(field: str, url: str) -> str:
    return url if field == "address" else f"http://public.test/to?{quote(url, safe='')}"


def _get(url: str, *, redirects: bool = False) -> str:
    with TemporaryDirectory() as folder:
        target = Path(folder) / "body"
        try:
            download(url, target, deadline=Deadline(3), timeout_seconds=1, redirects=int(redirects))
        except AtalaiaError as error:
            return type(error).__name__
        return target.read_text()


def _kept(url: str) -> str:
    """What is said when somebody makes a webhook of that address."""
    try:
        return checked_url(url) and "kept"
    except AtalaiaError as error:
        return type(error).__name__


def _told(url: str) -> str:
    """What an attempt comes to when that address is in the table, however it got there."""
    one = UUID(int=1)
    delivery = Delivery(
        one, 1, 0, "default", one, "toy.made", {}, now(), "-", one, "webhook", url, 1, both=False
    )
    return send(delivery).error or "delivered"


def _every_address_is_ours() -> None:
    for command in (
        "link set lo up",
        "route add local 0.0.0.0/0 dev lo",
        "-6 route add local ::/0 dev lo",
    ):
        subprocess.run(["ip", *command.split()], check=True)


def _canaries() -> int:
    """How many inside addresses would have been reached by a client that does not look."""
    for address in _INSIDE:
        with suppress(OSError), socket.create_connection((address, 80), timeout=2) as open_one:
            open_one.sendall(b"anybody?\r\n")
            open_one.recv(1)
    return len({address for address, _ in _reached})


def _tcp(port: int) -> socket.socket:
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)


def _udp() -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    found.bind(("127.0.0.1", 53))
    return found


def _watch(door: socket.socket) -> None:
    while True:
        guest, _ = door.accept()
        threading.Thread(target=_answer, args=(guest,), daemon=True).start()


def _answer(guest: socket.socket) -> None:
    with guest, suppress(OSError):
        address, port = guest.getsockname()[:2]
        _reached.append((address.removeprefix("::ffff:"), port))
        guest.settimeout(2)
        line = guest.recv(65536).split(b"\r\n")[0].decode("latin-1")
        _, _, asked = line.partition("/to?")
        if asked:
            from urllib.parse import unquote

            where = unquote(asked.split(" ")[0]).encode()
            guest.sendall(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + where)
            guest.sendall(b"\r\nConnection: close\r\n\r\n")
        else:
            guest.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\npublic"
            )


def _name_server(server: socket.socket) -> None:
    while True:
        query, sender = server.recvfrom(512)
        labels, place = [], 12
        while query[place]:
            labels.append(query[place + 1 : place + 1 + query[place]].decode())
            place += 1 + query[place]
        kind = struct.unpack("!H", query[place + 1 : place + 3])[0]
        found = _addresses(".".join(labels).lower()) if kind == 1 else []
        head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, len(found), 0, 0)
        records = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 0, 4) + socket.inet_aton(one) for one in found
        )
        server.sendto(head + query[12 : place + 5] + records, sender)


def _addresses(name: str) -> list[str]:
    if not name.startswith(_TURNING):
        return _NAMES.get(name, [])
    _asked[name] += 1
    return [PUBLIC if _asked[name] == 1 else "127.0.0.1"]


if __name__ == "__main__":
    sys.exit(main())
