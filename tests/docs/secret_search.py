"""Looks for secrets in text: by the form of well-known ones, by what they are assigned to, and by
how random they look."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

_KNOWN = {
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "key of ours": r"atl_[0-9a-f]{12}_[A-Za-z0-9_-]{43}",
    "AWS": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "GitHub": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,})",
    "GitLab": r"\bglpat-[\w-]{20}",
    "Slack": r"\bxox[abprs]-[\w-]{10,}",
    "Google": r"\bAIza[\w-]{35}",
    "Stripe": r"\b[sr]k_live_[0-9A-Za-z]{16,}",
    "npm": r"\bnpm_[A-Za-z0-9]{36}",
    "PyPI": r"\bpypi-[\w-]{50,}",
    "JWT": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}",
    "key of an AI service": r"\bsk-[A-Za-z0-9_-]{20,}",
}
_FORMS = re.compile("|".join(f"(?P<k{n}>{form})" for n, form in enumerate(_KNOWN.values())))
# What is plainly no password: a variable, a placeholder, the user's own name, a word of ours.
_IN_ADDRESS = re.compile(r"\b[a-z][a-z+]*://([\w.-]+):([^\s:/@'\"`]{3,})@[\w.\[-]")
_NO_PASSWORD = re.compile(r"[{$<%*]|^(?:password|senha|secret|x+|[\w-]{1,12})$", re.I)
_ASSIGNED = re.compile(
    r"(?i)(?:passw(?:or)?d|secret|token|api_?key|pepper|private_?key)\w*['\"]?\s*[:=]\s*"
    r"['\"]?([A-Za-z0-9+/_=.-]{20,})"
)
_RANDOM = re.compile(r"(?<![\w+.-])[A-Za-z0-9+_-]{32,}={0,2}(?!\w)")
_IS_A_HASH = re.compile(r"sha(?:1|256|384|512)[-:=]|integrity", re.I)
_HEX = re.compile(r"[0-9a-fA-F-]+")
_BITS = 4.3  # a character of 32 random base64 characters has about 4.6, one of prose about 4
_DIGITS = 3  # names and sentences run together have few


def found(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, kind, what) of everything that looks like a secret."""
    for number, line in enumerate(text.splitlines(), 1):
        for hit in _FORMS.finditer(line):
            yield number, list(_KNOWN)[int((hit.lastgroup or "k0")[1:])], hit[0]
        for hit in _IN_ADDRESS.finditer(line):
            if not _NO_PASSWORD.search(hit[2]):
                yield number, "password in an address", hit[2]
        for hit in _ASSIGNED.finditer(line):
            if _looks_random(hit[1], bits=3.5, digits=2):
                yield number, "assigned", hit[1]
        if not _IS_A_HASH.search(line):
            for hit in _RANDOM.finditer(line):
                if _looks_random(hit[0], bits=_BITS, digits=_DIGITS):
                    yield number, "random", hit[0]


def _looks_random(text: str, *, bits: float, digits: int) -> bool:
    if _HEX.fullmatch(
        text
    ):  # hashes and ids: what is random in hexadecimal cannot be told from them
        return False
    mixed = any(c.islower() for c in text) and any(c.isupper() for c in text)
    counts = Counter(text)
    entropy = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return mixed and sum(c.isdigit() for c in text) >= digits and entropy >= bits
