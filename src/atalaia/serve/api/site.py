"""The front end's files: read once, compressed once, sent from memory.

Any path that is no file and looks like a page gets index.html: the front end routes it. A new build
is noticed by the time and size of its index.html.
"""

from __future__ import annotations

import asyncio
import hashlib
import mimetypes
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from fastapi import Response
from starlette.types import Receive, Scope, Send

from atalaia.serve.api.encoding import BROTLI, GZIP, IDENTITY, best_coding, encoded, worth_coding
from atalaia.serve.api.problems import Problem, of_status

_LOOK_AGAIN_SECONDS = 1.0
_NEVER_CHANGES = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
_CSP = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "worker-src 'self' blob:",  # MapLibre starts its workers from blobs
        "style-src 'self' 'unsafe-inline'",  # Mantine and MapLibre set style attributes
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_PAGE_HEADERS = {
    "content-security-policy": _CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
}
_SUFFIX = {BROTLI: ".br", GZIP: ".gz"}


@dataclass(frozen=True, slots=True)
class Place:
    """What stands in for a route in logs and metrics: paths here are whatever people type."""

    path: str


_PAGE, _FILE, _NOTHING = Place("(page)"), Place("(file)"), Place("(unknown)")


@dataclass(slots=True)
class _File:
    path: Path
    type: str
    cache_control: str
    etag: str
    bodies: dict[str, bytes] = field(default_factory=dict)

    def body(self, coding: str) -> tuple[bytes, str]:
        """The bytes in `coding` (or as they are, when coding does not help), and which it was."""
        if coding not in self.bodies:
            self.bodies[coding] = self._made(coding)
        found = self.bodies[coding]
        return found, IDENTITY if found is self.bodies[IDENTITY] else coding

    def _made(self, coding: str) -> bytes:
        plain = self.bodies[IDENTITY]
        if coding == IDENTITY or not worth_coding(len(plain), self.type):
            return plain
        ready = self.path.with_name(self.path.name + _SUFFIX[coding])
        if ready.is_file():
            return ready.read_bytes()
        return encoded(plain, coding, lasting=True)


class Site:
    """ASGI application of one built front end, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._files: dict[str, _File] = {}
        self._stamp: tuple[int, int] | None = None
        self._looked = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer GET and HEAD with a file, a page, or a problem in words."""
        response = await self._answer(scope)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response:
        scope["route"] = _NOTHING
        if scope["method"] not in ("GET", "HEAD"):
            return of_status(405, {"allow": "GET, HEAD"}).response(scope["path"])
        await asyncio.to_thread(self._look)
        if self._stamp is None:
            return _NOT_BUILT.response(scope["path"])
        name = scope["path"].lstrip("/")
        page = not PurePosixPath(name).suffix
        found = self._files.get(name) or (self._files["index.html"] if page else None)
        if found is None:
            return of_status(404).response(scope["path"])
        scope["route"] = _PAGE if found.type.startswith("text/html") else _FILE
        return await self._file(found, dict(scope["headers"]))

    async def _file(self, found: _File, asked: dict[bytes, bytes]) -> Response:
        headers = {
            **_PAGE_HEADERS,
            "cache-control": found.cache_control,
            "etag": found.etag,
            "vary": "Accept-Encoding",
        }
        if found.etag.encode() in asked.get(b"if-none-match", b""):
            return Response(status_code=304, headers=headers)
        coding = best_coding(asked.get(b"accept-encoding"))
        body, used = await asyncio.to_thread(found.body, coding)
        if used != IDENTITY:
            headers["content-encoding"] = used
        return Response(body, headers={**headers, "content-type": found.type})

    def _look(self) -> None:
        """Read the folder again when its index.html is another than before."""
        now = time.monotonic()
        if now - self._looked < _LOOK_AGAIN_SECONDS:
            return
        try:
            status = (self._folder / "index.html").stat()
        except OSError:
            self._stamp = None
        else:
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp != self._stamp:
                self._files = dict(_read(self._folder))
                self._stamp = stamp
        self._looked = now


def _read(folder: Path) -> list[tuple[str, _File]]:
    files = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix in _SUFFIX.values():
            continue
        name = path.relative_to(folder).as_posix()
        if name.startswith("."):  # .vite/manifest.json is the build's own business
            continue
        files.append((name, _file_of(path, name)))
    return files


def _file_of(path: Path, name: str) -> _File:
    body = path.read_bytes()
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return _File(
        path,
        _TYPES.get(path.suffix, guessed),
        _NEVER_CHANGES if name.startswith("assets/") else _ASK_AGAIN,
        f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"',
        {IDENTITY: body},
    )


_NOT_BUILT = Problem(
    503,
    "front-end-missing",
    "A tela ainda não foi construída",
    "A API está no ar (veja /v1/health), mas não há frontend/dist. Rode 'make up' ou "
    "'npm --prefix frontend run build'; esta página aparece sem reiniciar nada.",
)
