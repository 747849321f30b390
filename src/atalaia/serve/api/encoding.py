"""Content codings: which one a client takes best, and the bytes in it."""

from __future__ import annotations

import gzip

import brotli

IDENTITY, GZIP, BROTLI = "identity", "gzip", "br"
_SMALLEST_BYTES = 600  # below this a coding saves less than its header costs
_MOST_REMEMBERED = 256
_remembered: dict[bytes, str] = {}


def best_coding(accept_encoding: bytes | None) -> str:
    """The coding to answer with, given an Accept-Encoding header."""
    if accept_encoding is None:
        return IDENTITY
    found = _remembered.get(accept_encoding)
    if found is None:
        found = _negotiate(accept_encoding.decode("latin-1").lower())
        if len(_remembered) < _MOST_REMEMBERED:
            _remembered[accept_encoding] = found
    return found


def _negotiate(header: str) -> str:
    weights: dict[str, float] = {}
    for part in header.split(","):
        name, _, parameters = part.strip().partition(";")
        weights[name.strip()] = _weight(parameters)
    anything = weights.get("*", 0.0)
    gzip_weight = weights.get(GZIP, anything)
    brotli_weight = weights.get(BROTLI, anything)
    if max(gzip_weight, brotli_weight) <= 0:
        return IDENTITY
    return BROTLI if brotli_weight >= gzip_weight else GZIP


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def worth_coding(size: int, content_type: str) -> bool:
    """Whether a body of that size and type gets smaller by a coding."""
    kind = content_type.partition(";")[0]
    textual = kind.startswith("text/") or kind.endswith(("json", "xml", "javascript", "wasm"))
    return textual and size >= _SMALLEST_BYTES


def encoded(body: bytes, coding: str, *, lasting: bool = False) -> bytes:
    """`body` in `coding`. `lasting` bodies are sent for long and deserve a slower, tighter one."""
    if coding == BROTLI:
        coded: bytes = brotli.compress(body, quality=9 if lasting else 3)
        return coded
    if coding == GZIP:
        return gzip.compress(body, compresslevel=9 if lasting else 4, mtime=0)
    return body
