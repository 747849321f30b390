"""A syllabus read: sentences that say what is taught, clauses, words, and where each stands.

Not everything a syllabus mentions is taught: a sentence may exclude ("exceto grafos"), may name
what is required before it, may be bibliography, or may not be of a syllabus at all but speak to who
reads it (`instructions`). Such passages are kept with their reason and are no evidence.
Offsets are of the text as it was sent.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from atalaia.kernel.match.instructions import is_innocent, is_instruction, opens_a_list, plain
from atalaia.kernel.match.stems import STOPWORDS, stem
from atalaia.kernel.match.text import fold

VERSION = "2"
AsideKind = Literal["instruction", "negated", "requirement", "reference"]
MAX_CHARACTERS = 20_000  # of one syllabus; the rest is not read, and said so

_NUMBERED = r"\s*(?:(?:\d{1,2}(?:\.\d{1,2})*[.)]|\d{1,2}\.\d{1,2}|[-–—*•●▪·])\s+)?"
_SENTENCE = re.compile(rf"(?:\.(?=\s|$)|[;!?\n\r•●▪·|])+{_NUMBERED}|^{_NUMBERED}(?<=\s)")
_CAPITAL = re.compile(r"(?<=[^\W\d_]\s)(?=[A-ZÀ-Ý<`{])")
_PERIOD = re.compile(r"\.(?=\s|$)|[!?\n\r]")
_EMPTY_LINE = re.compile(r"\n\s*\n")
_CLAUSE = re.compile(r"[,:()\[\]/–—]|\s-\s")
_WORD = re.compile(r"[^\W_]+")
_TAUGHT = (
    r"(?:abord|inclu|contempl|trat|cobr|estud|apresent|compreend|abrang|vist|ve|explor|integr)"
)
_OUTSIDE = (
    r"\bfora d[oa]s? (?:escopo|programa|ementa|conteudo|curso|disciplina|unidade)s?\b"
    rf"|\b(?:fica|ficam|ficou|ficaram|ficara|ficarao|deixad[oa]s?) (?:de )?fora\b"
    rf"|\bdeix\w+ de (?:fora|ser {_TAUGHT}\w*|{_TAUGHT}\w*)"
)
_NEGATED = re.compile(
    rf"\bnao (?:se |sao |sera |serao |e |ha |estao |esta |foram |foi )?{_TAUGHT}\w*"
    r"|\bnao (?:faz|fazem) parte\b|\bnao (?:e|sao|sera|serao) (?:objeto|tema|parte)\b"
    r"|\bnao ha (?:estudo|conteudo|enfoque)\b|\bexceto\b|\bexcetu\w+|\b(?:a|com) excecao d\w+"
    r"|\bexcluid\w+|\bexcluind\w+|\bexclui\b|\bsalvo\b"
    rf"|\bsem (?:a |o )?(?:{_TAUGHT}\w*|inclusao|abordagem|mencao)\b|{_OUTSIDE}"
    r"|\b(?:does|do|is|are|will) not (?:be )?(?:cover|includ|address|teach|treat)\w*"
    r"|\bexclud(?:es|ed|ing)\b|\bexcept\b|\bnot covered\b|\bwithout covering\b"
)
_AFTER_ALL = re.compile(r"\b(?:mas|porem|contudo|entretanto|todavia|but|however)\b")
_BACKWARD = re.compile(
    rf"\bnao (?:se |sao |sera |serao |e |estao |esta |foram |foi ){_TAUGHT}\w*|\bfora d[oe]\b"
    rf"|{_OUTSIDE}|\bexcetuad\w+|\bnao (?:e|sao|sera|serao) (?:objeto|tema|parte)\b"
    r"|\bnot (?:be )?covered\b|\bnao (?:faz|fazem) parte\b|\bexcluid\w+"
)
_REQUIREMENT = re.compile(
    r"\bpre ?requisitos?\b|\bconhecimentos? previos?\b|\b(?:supoe|pressupoe)\b"
    r"|\b(?:vist|tratad|abordad|estudad)[oa]s? em (?:outra|disciplina)|\bprerequisites?\b"
)
_REFERENCE = re.compile(r"^(?:bibliografia|referencias?|bibliography|references)\b")


@dataclass(frozen=True, slots=True)
class Word:
    """A word that carries meaning."""

    folded: str
    stem: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Clause:
    """A stretch between commas: the least thing that names a topic. `sentence` numbers it."""

    start: int
    end: int
    sentence: int
    words: tuple[Word, ...]

    @property
    def stems(self) -> frozenset[str]:
        """The stems of its words."""
        return frozenset(word.stem for word in self.words)


@dataclass(frozen=True, slots=True)
class Aside:
    """A passage that is no evidence, and why."""

    kind: AsideKind
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What one syllabus says it teaches."""

    text: str
    sentences: tuple[tuple[Word, ...], ...]
    clauses: tuple[Clause, ...]
    asides: tuple[Aside, ...]
    cut: bool = False  # longer than MAX_CHARACTERS
    excluded: tuple[tuple[Word, ...], ...] = ()  # what the negated asides speak of

    @property
    def suspicious(self) -> tuple[Aside, ...]:
        """The passages that speak to the reader instead of saying what is taught."""
        return tuple(aside for aside in self.asides if aside.kind == "instruction")

    @property
    def words(self) -> int:
        """How many words say what is taught."""
        return sum(map(len, self.sentences))

    def quote(self, start: int, end: int) -> str:
        """The text itself between two offsets."""
        return self.text[start:end]

    def taught(self) -> str:
        """The text without its asides: all that an outside model is ever given."""
        return "; ".join(
            self.quote(words[0].start, words[-1].end) for words in self.sentences if words
        )


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """Read a syllabus. The same text always gives the same reading."""
    seen, places = plain(text[:MAX_CHARACTERS])
    sentences: list[tuple[Word, ...]] = []
    clauses: list[Clause] = []
    asides: list[Aside] = []
    excluded: list[tuple[Word, ...]] = []
    until = 0  # how far an order reaches
    for start, end in _sentences(seen):
        whole = seen[start:end]
        if start < until or is_instruction(whole):
            order = start if start < until else _order(seen, start, end)
            until = max(until, _reach(seen, order, end))
            asides.append(_aside("instruction", order, end, places))
            end = order
            if not seen[start:end].strip():
                continue
            whole = seen[start:end]
        if _REFERENCE.search(fold(whole)):
            asides.append(_aside("reference", start, len(seen), places))
            break
        kept, left_out = _without_excluded(seen, start, end, places, asides)
        excluded += [tuple(_words(seen, a, b, places)) for a, b in left_out]
        words = [w for a, b in kept for w in _words(seen, a, b, places)]
        if not words:
            continue
        clauses += [c for a, b in kept for c in _clauses(seen, a, b, len(sentences), places)]
        sentences.append(tuple(words))
    cut = len(text) > MAX_CHARACTERS
    return Reading(text, tuple(sentences), tuple(clauses), tuple(asides), cut, tuple(excluded))


def _sentences(seen: str) -> list[tuple[int, int]]:
    found, at = [], 0
    for mark in _SENTENCE.finditer(seen):
        found.append((at, mark.start()))
        at = mark.end()
    found.append((at, len(seen)))
    return [(a, b) for a, b in found if seen[a:b].strip()]


def _order(seen: str, start: int, end: int) -> int:
    """Where the order begins in a sentence that gives one: a topic before it, that nothing but a
    capital letter separates from it, is still a topic."""
    starts = [mark.start() + start for mark in _CAPITAL.finditer(seen[start:end])]
    return max((at for at in starts if is_innocent(seen[start:at])), default=start)


def _reach(seen: str, start: int, end: int) -> int:
    """How far an order reaches: over semicolons to the end of its period; where it opens a list,
    to the next empty line."""
    stop = _EMPTY_LINE if opens_a_list(seen[start:end]) else _PERIOD
    found = stop.search(seen, end)
    return found.start() if found else len(seen)


def _without_excluded(
    seen: str, start: int, end: int, places: list[int] | None, asides: list[Aside]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The stretches of one sentence that say what is taught, and those that say what is not; the
    latter, and requirements, become asides."""
    low = _same_length_fold(seen[start:end])
    if _REQUIREMENT.search(low):
        asides.append(_aside("requirement", start, end, places))
        return [], []
    cue = _NEGATED.search(low)
    if cue is None:
        return [(start, end)], []
    after = _AFTER_ALL.search(low, cue.end())
    until = start + after.end() if after else end
    since = start if _BACKWARD.search(low) else start + cue.start()
    asides.append(_aside("negated", since, until, places))
    kept = [(a, b) for a, b in ((start, since), (until, end)) if seen[a:b].strip()]
    return kept, [(since, until)]


def _same_length_fold(text: str) -> str:
    """`fold`, but every character keeps its place."""
    low = []
    for character in text.lower():
        base = unicodedata.normalize("NFD", character)[0]
        low.append(base if base.isalnum() else " ")
    return "".join(low)[: len(text)]


def _words(seen: str, start: int, end: int, places: list[int] | None) -> list[Word]:
    found = []
    for mark in _WORD.finditer(seen, start, end):
        folded = fold(mark.group()).replace(" ", "")
        if folded and folded not in STOPWORDS:
            a, b = _original(mark.start(), mark.end(), places)
            found.append(Word(folded, stem(folded), a, b))
    return found


def _clauses(
    seen: str, start: int, end: int, sentence: int, places: list[int] | None
) -> list[Clause]:
    edges, at = [], start
    for mark in _CLAUSE.finditer(seen, start, end):
        edges.append((at, mark.start()))
        at = mark.end()
    edges.append((at, end))
    found = []
    for a, b in edges:
        words = tuple(_words(seen, a, b, places))
        if words:
            found.append(Clause(words[0].start, words[-1].end, sentence, words))
    return found


def _aside(kind: AsideKind, start: int, end: int, places: list[int] | None) -> Aside:
    return Aside(kind, *_original(start, end, places))


def _original(start: int, end: int, places: list[int] | None) -> tuple[int, int]:
    """Offsets in the text as sent, of a stretch of the text as read."""
    if places is None:
        return start, end
    return places[start], places[end - 1] + 1
