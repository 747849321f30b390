"""Who would be told outside: a collector of traces and errors, that keeps all it is sent."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Receiver:
    """Bodies and headers that came, by path."""

    url: str = ""
    status: int = 200
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Everything that came, as text."""
        parts = (f"{path} {headers} ".encode() + body for path, headers, body in self.came)
        return b"\n".join(parts).decode("utf-8", "replace")


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A real HTTP server on a free port."""
    found = Receiver()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            found.came.append((self.path, dict(self.headers), body))
            self.send_response(found.status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
