"""Municipality names as hands write them: typos, abbreviations, lost accents, mojibake.

`misspelt(places, seed, count)` draws (state, what was written, code). A slip that happens to write
another name of the same state is drawn again: what was meant is then beyond anybody's knowledge.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from atalaia.kernel.match.text import fold


class Place(Protocol):
    """A municipality: its code, its name, the abbreviation of its state."""

    code: str
    name: str
    uf: str


_SHORT = {
    "São": ("S.", "S", "S. "),
    "Santa": ("Sta.", "Sta", "S."),
    "Santo": ("Sto.", "Sto", "S."),
    "Nossa Senhora": ("N. Sra.", "N. S.", "Nsa. Sra."),
    "General": ("Gal.", "Gen."),
    "Coronel": ("Cel.", "Cel"),
    "Presidente": ("Pres.",),
    "Governador": ("Gov.",),
    "Senador": ("Sen.",),
    "Capitão": ("Cap.",),
    "Marechal": ("Mal.",),
    "Doutor": ("Dr.",),
    "Engenheiro": ("Eng.",),
    "Conselheiro": ("Cons.",),
    "Padre": ("Pe.",),
    "Bom Jesus": ("B. Jesus",),
    "Conceição": ("Conc.",),
    "Ribeirão": ("Rib.",),
}
_BESIDE = {"a": "qs", "e": "rw", "i": "uo", "o": "ip", "u": "yi", "s": "ad", "r": "et", "t": "ry"}


def _somewhere(draw: random.Random, name: str) -> int:
    return draw.choice([n for n, letter in enumerate(name) if letter.isalpha()])


def _wrong(draw: random.Random, name: str) -> str:
    at = _somewhere(draw, name)
    letter = draw.choice(_BESIDE.get(name[at].lower(), "abcdefghijlmnoprstuvz"))
    return name[:at] + letter + name[at + 1 :]


def _missing(draw: random.Random, name: str) -> str:
    at = _somewhere(draw, name)
    return name[:at] + name[at + 1 :]


def _too_many(draw: random.Random, name: str) -> str:
    at = _somewhere(draw, name)
    return name[:at] + draw.choice("aeiourstnl") + name[at:]


def _exchanged(draw: random.Random, name: str) -> str:
    at = draw.randrange(len(name) - 1)
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def _doubled(draw: random.Random, name: str) -> str:
    at = _somewhere(draw, name)
    return name[:at] + name[at] + name[at:]


def _no_accents(_draw: random.Random, name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))


def _short(draw: random.Random, name: str) -> str:
    for word, shorts in _SHORT.items():
        if re.search(rf"\b{word}\b", name):
            return re.sub(rf"\b{word}\b", draw.choice(shorts), name, count=1)
    return name


def _no_particle(_draw: random.Random, name: str) -> str:
    return re.sub(r" (do|da|de|dos|das|d') ?", " ", name, count=1)


def _joined(_draw: random.Random, name: str) -> str:
    return name.replace(" ", "", 1)


def _no_hyphen(draw: random.Random, name: str) -> str:
    return re.sub("[-'’]", draw.choice((" ", "")), name)


def _mojibake(draw: random.Random, name: str) -> str:
    raw = name.encode()
    return raw.decode(draw.choice(("latin-1", "cp1252")), "replace")


def _lost(draw: random.Random, name: str) -> str:
    return name.encode("ascii", "replace").decode() if draw.random() < 0.5 else _ascii(name)


def _ascii(name: str) -> str:
    return name.encode().decode("ascii", "replace")


def _title(draw: random.Random, name: str) -> str:
    return draw.choice(("Mun. de ", "Município de ", "MUNICIPIO DE ", "Pref. Mun. de ")) + name


def _upper(_draw: random.Random, name: str) -> str:
    return name.upper()


SLIPS: tuple[Callable[[random.Random, str], str], ...] = (
    _wrong,
    _missing,
    _too_many,
    _exchanged,
    _doubled,
    _no_accents,
    _short,
    _short,
    _no_particle,
    _joined,
    _no_hyphen,
    _mojibake,
    _lost,
    _title,
    _upper,
)
_TWICE = 0.2  # how often a second slip falls on the same name


def misspelt(places: Sequence[Place], seed: int, count: int) -> Iterator[tuple[str, str, str]]:
    """`count` slips: (state, what was written, code of who was meant)."""
    draw = random.Random(seed)  # noqa: S311  drawn again with the same seed
    names: dict[str, set[str]] = {}
    for place in places:
        names.setdefault(place.uf, set()).add(fold(place.name))
    drawn = 0
    while drawn < count:
        place = draw.choice(places)
        written = draw.choice(SLIPS)(draw, place.name)
        if draw.random() < _TWICE:
            written = draw.choice(SLIPS)(draw, written)
        another = fold(written) in names[place.uf] - {fold(place.name)}
        if written == place.name or another:
            continue
        drawn += 1
        yield place.uf, written, place.code
