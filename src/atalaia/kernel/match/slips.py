"""Slips of the hand: what a name written by a person may have been meant to be.

For lists people type, against a reference known to be complete: text decoded wrongly is decoded
anew, titles around a name are set aside, abbreviations are written out, and a slip of one letter
(two in a long name) is forgiven. Every step is a rule that can be read; which words are titles or
abbreviations is the language's business: the caller says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product

from rapidfuzz.distance import OSA

from atalaia.kernel.match.text import fold

LEAD = 2  # letters by which every other name must be farther: then one more slip could not reverse
_LONG = 9  # letters from which on a second slip is forgiven
_SHORT = 4  # letters below which none is
_MOST_READINGS = 32
_LOST = re.compile("[\ufffd?]+")  # what a decoder or encoder leaves of a letter it does not know
_DECODED_AS = ("cp1252", "latin-1")


@dataclass(frozen=True, slots=True)
class Slips:
    """The words of a language that are written around names, and for short."""

    titles: tuple[str, ...] = ()  # "prefeitura de": set aside in front of a name
    abbreviations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def readings(self, written: str, group: Sequence[str] = ()) -> list[str]:
        """What the name may say, folded, the plainest first. `group`: words for the group, which
        may stand behind the name ("Osasco - SP")."""
        plain = fold(decoded(written))
        for title in sorted(self.titles, key=len, reverse=True):
            if plain.startswith(f"{title} "):
                plain = plain[len(title) + 1 :]
                break
        behind = (word for word in map(fold, group) if plain.endswith(f" {word}"))
        whole = [plain, *(plain.removesuffix(f" {word}") for word in behind)]
        return list(dict.fromkeys(said for one in whole for said in self._in_full(one)))

    def _in_full(self, plain: str) -> list[str]:
        words = [(word, *self.abbreviations.get(word, ())) for word in plain.split()]
        found = islice(product(*words), _MOST_READINGS)
        return [" ".join(chosen) for chosen in found] if plain else []


def decoded(written: str) -> str:
    """UTF-8 that was read as something else, read as UTF-8; any other text as it is."""
    for codec in _DECODED_AS:
        try:
            again = written.encode(codec).decode("utf-8")
        except UnicodeError:
            continue
        return again
    return written


def lost_letters(written: str) -> re.Pattern[str] | None:
    """What the name looks like without its spaces when letters of it were lost; None when none
    were, or when too little is left to tell."""
    parts = _LOST.split(written)
    kept = [fold(part).replace(" ", "") for part in parts]
    if len(parts) < 2 or sum(map(len, kept)) < _SHORT:
        return None
    gaps = [f".{{1,{len(gap)}}}" for gap in _LOST.findall(written)]
    rest = "".join(gap + part for gap, part in zip(gaps, kept[1:], strict=True))
    return re.compile(kept[0] + rest)


def forgiven(letters: int) -> int:
    """How many slips a name of so many letters may have."""
    return 0 if letters < _SHORT else 1 if letters < _LONG else 2


def slips_between(one: Iterable[str], other: Iterable[str]) -> int:
    """Letters wrong, missing, too many or exchanged, between the nearest spellings of two names."""
    return min(OSA.distance(a, b) for a, b in zip(one, other, strict=True))
