"""A file by FTP, from an address already judged: passive, anonymous, in binary.

The machine that answers the command connection also sends the data: where a server says that its
data is to be fetched elsewhere, it is not believed.
"""

from __future__ import annotations

import ftplib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from urllib.parse import unquote, urlsplit

from atalaia.kernel.base.address import Place
from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import AddressRefused, NotPublished, SourceFailed, SourceTooSlow

COMPLETE = 226  # how a server says that all of it was sent
_CHUNK_BYTES = 1 << 16


def retrieve(
    url: str,
    where: Place,
    addresses: Sequence[str],
    write: Callable[[bytes], None],
    *,
    deadline: Deadline,
    limit: float,
) -> None:
    """Give the file at `url` to `write`, piece by piece, all of it before the deadline; `limit`
    is the longest one wait may take. Raises NotPublished when the server has no such file,
    SourceTooSlow, SourceFailed, and AddressRefused for a path that is more than a path."""
    path = unquote(urlsplit(url).path).lstrip("/")
    if not path or any(ord(letter) < 32 for letter in path):
        raise AddressRefused("O endereço de FTP não aponta para um arquivo.")
    with _translated(where.host, deadline, limit):
        session = _Session(_connected(addresses, where.port, limit, deadline))
        with _cut_at(deadline, session), closing(session.client):
            session.greet()
            _receive(session, path, write, where.host)


class _Session:
    """An FTP client on a socket that is open already, and the data connection beside it."""

    def __init__(self, opened: socket.socket) -> None:
        self.client = ftplib.FTP(encoding="utf-8")  # noqa: S321  public files, by the only way
        self.client.sock, self.client.af = opened, opened.family
        self.client.timeout = opened.gettimeout()
        self.client.host = opened.getpeername()[0]
        self.client.file = opened.makefile("r", encoding="utf-8", errors="replace")
        self.data: socket.socket | None = None

    def greet(self) -> None:
        """Say who we are: nobody in particular."""
        self.client.welcome = self.client.getresp()
        self.client.login("anonymous", "anonymous")
        self.client.voidcmd("TYPE I")

    def cut(self) -> None:
        """End both connections, whoever waits on them."""
        for one in (self.client.sock, self.data):
            if one is not None:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


def _connected(
    addresses: Sequence[str], port: int, limit: float, deadline: Deadline
) -> socket.socket:
    failed: OSError = OSError("no address")
    for address in addresses:
        try:
            return socket.create_connection(
                (address, port), timeout=max(0.01, min(limit, deadline.remaining))
            )
        except OSError as error:
            failed = error
    raise failed


@contextmanager
def _cut_at(deadline: Deadline, session: _Session) -> Iterator[None]:
    """At the deadline the connections are cut: a timeout is of one wait, not of the whole."""
    timer = threading.Timer(deadline.remaining, session.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _receive(session: _Session, path: str, write: Callable[[bytes], None], host: str) -> None:
    announced = None
    with suppress(ftplib.error_perm):  # a server need not know SIZE
        announced = session.client.size(path)
    data, received = session.client.transfercmd(f"RETR {path}"), 0
    session.data = data
    with data:
        while chunk := data.recv(_CHUNK_BYTES):
            received += len(chunk)
            write(chunk)
    session.client.voidresp()
    if announced is not None and received != announced:
        raise SourceFailed(f"{host} anunciou {announced} bytes e enviou {received}.")


@contextmanager
def _translated(host: str, deadline: Deadline, limit: float) -> Iterator[None]:
    """The words of ftplib and of sockets, as our errors."""
    try:
        yield
    except ftplib.error_perm as error:
        code = int(str(error)[:3]) if str(error)[:3].isdigit() else None
        if code == 550:
            raise NotPublished(f"{host} não tem este arquivo (FTP 550).", status=code) from error
        raise SourceFailed(f"{host} recusou o pedido (FTP {code}).", status=code) from error
    except (ftplib.Error, OSError, EOFError, UnicodeError) as error:
        if deadline.passed:
            raise SourceTooSlow(
                f"{host} não tinha terminado quando os {deadline.seconds:g} s acabaram."
            ) from error
        if isinstance(error, TimeoutError):
            raise SourceFailed(f"{host} demorou mais de {limit:g} s.") from error
        if isinstance(error, ConnectionRefusedError):
            raise SourceFailed(f"{host} recusou a conexão.") from error
        raise SourceFailed(f"{host} interrompeu o envio ({type(error).__name__}).") from error
