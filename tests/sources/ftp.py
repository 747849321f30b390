"""A source by FTP, at home: one folder of files, and misbehaviour on command."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import DTPHandler, FTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import ThreadedFTPServer


class FtpServer:
    """The files of `folder` for anybody. `fault` is None, 'drip', 'cut', 'short', 'silence' or
    'refuse'; `downloads` are the paths that were asked for."""

    def __init__(self, folder: Path) -> None:
        self.fault: str | None = None
        self.downloads: list[str] = []
        authorizer = DummyAuthorizer()
        authorizer.add_anonymous(str(folder))
        source = self

        class Data(DTPHandler):
            def send(self, data: bytes) -> int:
                if source.fault == "drip":
                    time.sleep(0.05)
                    data = data[:1]
                return int(super().send(data))

            def use_sendfile(self) -> bool:
                return False

        class Handler(FTPHandler):  # type: ignore[misc]
            dtp_handler = Data
            use_sendfile = False
            auth_failed_timeout = 0.1

            def ftp_RETR(self, file: str) -> Any:
                source.downloads.append(file)
                if source.fault == "silence":
                    time.sleep(5)
                if source.fault == "refuse":
                    self.respond("450 Busy.")
                    return None
                if source.fault == "cut":
                    self.close()
                    return None
                return super().ftp_RETR(file)

            def ftp_SIZE(self, path: str) -> None:
                if source.fault == "short":
                    self.respond("213 999999")
                else:
                    super().ftp_SIZE(path)

        Handler.authorizer = authorizer
        self._handler = Handler
        self._server = ThreadedFTPServer(("127.0.0.1", 0), Handler, ioloop=IOLoop())
        self.url = f"ftp://127.0.0.1:{self._server.address[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        with suppress(OSError, ValueError):
            self._server.serve_forever(timeout=0.02, handle_exit=False)

    def elsewhere(self) -> None:
        """Say that the data is to be fetched from another machine."""
        self._handler.masquerade_address = "10.9.8.7"

    def __enter__(self) -> FtpServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close_all()
        self._thread.join(5)
