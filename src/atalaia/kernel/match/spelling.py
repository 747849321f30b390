"""Spelling: what is left of a name when particles, doubled letters and equal sounds are set aside.

Two spellings of one name ("Santa Isabel do Pará", "Santa Izabel do Pará") get one key. Which words
are weak and which letters sound alike is the language's business: the caller says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_DOUBLED = re.compile(r"([bcdfghjklmnpqrstvwxz])\1+")  # vowels stay: "Pedro II" is not "Pedro I"


@dataclass(frozen=True, slots=True)
class Spelling:
    """How to reduce a name: words that say nothing, and letters written for one another."""

    weak_words: frozenset[str] = frozenset()
    same_sound: Mapping[str, str] = field(default_factory=dict)  # {"th": "t", "y": "i"}, in order

    def key(self, folded: str) -> str:
        """The reduced spelling of a folded name: no spaces; '' when nothing is left."""
        words = [word for word in folded.split() if word not in self.weak_words]
        key = "".join(words)
        for written, sound in self.same_sound.items():
            key = key.replace(written, sound)
        return _DOUBLED.sub(r"\1", key)
