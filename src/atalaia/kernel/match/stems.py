"""Portuguese words brought near to each other: plural, gender and a few endings taken off.

Light on purpose: `integrais` and `integridade` must stay apart. What a stem cannot join, a term of
the taxonomy joins with `*`.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml

from atalaia.kernel.match.text import fold

_FILE = Path(__file__).with_name("words.yml")


def _words(kind: str) -> frozenset[str]:
    said = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return frozenset(fold(word) for word in said[kind].split())


_PLURALS = (
    ("oes", "ao"),
    ("aes", "ao"),
    ("ais", "al"),
    ("eis", "el"),
    ("ois", "ol"),
    ("uis", "ul"),
    ("ns", "m"),
    ("res", "r"),
    ("zes", "z"),
    ("ses", "s"),
)
_NOT_PLURAL = _words("not_plural")
_ENDINGS = ("mente", "ao", "os", "as", "es", "a", "o", "e")


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """The stem of a folded word: "listas" → "list", "ligações" → "ligac"."""
    if len(word) <= 3 or word.isdigit():
        return word
    if word.endswith("s") and not word.endswith("ss") and word not in _NOT_PLURAL:
        word = _singular(word)
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def _singular(word: str) -> str:
    for ending, one in _PLURALS:
        if word.endswith(ending) and len(word) - len(ending) >= 2:
            return word[: -len(ending)] + one
    return word[:-1]


STOPWORDS = _words("stopwords")
FILLER = frozenset(map(stem, _words("filler")))
IN_NAMES = _words("in_names")
