"""Which concepts of a taxonomy a syllabus names, in its own words.

A term is found where its words stand near each other in one sentence, in any order. A find all
of whose words belong to a longer find of another concept is dropped: "grupos de permutações" does
not name groups in general.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from atalaia.kernel.match.stems import STOPWORDS, stem
from atalaia.kernel.match.subjects import Taxonomy
from atalaia.kernel.match.syllabus import Reading, Word
from atalaia.kernel.match.text import fold

VERSION = "1"
_SLACK = 3  # words that may stand between those of a term
_LEAST = 3  # letters of a beginning
_Token = tuple[str, bool]  # what a word must be; True: how it must begin


@dataclass(frozen=True, slots=True)
class Find:
    """A concept and the stretch of the text that names it; `words` are where its words begin."""

    code: str
    start: int
    end: int
    words: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Term:
    code: str
    tokens: tuple[_Token, ...]
    whole: frozenset[str]  # those of its tokens that are whole words


class Lexicon:
    """The terms of one taxonomy, ready to be looked for. Lives as long as the process."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._exact: dict[str, list[_Term]] = defaultdict(list)
        self._begins: dict[str, list[_Term]] = defaultdict(list)
        for concept in taxonomy.concepts:
            for written in dict.fromkeys((concept.label, *concept.terms)):
                tokens = _tokens(written)
                if tokens:
                    whole = frozenset(word for word, open_ended in tokens if not open_ended)
                    self._file(_Term(concept.code, tokens, whole))
        self._lengths = sorted({len(beginning) for beginning in self._begins})

    def find(self, reading: Reading) -> list[Find]:
        """Every concept named in the sentences of `reading`, in the order of the text."""
        found = [find for words in reading.sentences for find in self._in_sentence(words)]
        return sorted(found, key=lambda f: (f.start, f.end, f.code))

    def named(self, sentences: Iterable[tuple[Word, ...]]) -> frozenset[str]:
        """The concepts that these words name."""
        return frozenset(find.code for words in sentences for find in self._in_sentence(words))

    def _file(self, term: _Term) -> None:
        """Under its rarest-looking word: a whole one before a beginning, then the longest."""
        word, open_ended = min(term.tokens, key=lambda t: (t[1], -len(t[0]), t[0]))
        (self._begins if open_ended else self._exact)[word].append(term)

    def _in_sentence(self, words: tuple[Word, ...]) -> list[Find]:
        finds: dict[tuple[str, frozenset[int]], Find] = {}
        stems = {word.stem for word in words}
        for at, word in enumerate(words):
            for term in self._candidates(word):
                if not term.whole <= stems:
                    continue
                places = _places(term.tokens, words, at)
                if places:
                    find = _find(term.code, words, places)
                    finds[find.code, find.words] = find
        return _without_swallowed(list(finds.values()))

    def _candidates(self, word: Word) -> list[_Term]:
        found = list(self._exact.get(word.stem, ()))
        for length in self._lengths:
            if length > len(word.folded):
                break
            found += self._begins.get(word.folded[:length], ())
        return found


def _tokens(written: str) -> tuple[_Token, ...]:
    tokens = []
    for piece in written.split():
        for word in fold(piece).split():
            if piece.endswith("*") and len(word) >= _LEAST:
                tokens.append((word, True))
            elif word not in STOPWORDS:
                tokens.append((stem(word), False))
    return tuple(dict.fromkeys(tokens))


def _is(token: _Token, word: Word) -> bool:
    wanted, open_ended = token
    return word.folded.startswith(wanted) if open_ended else word.stem == wanted


def _places(tokens: tuple[_Token, ...], words: tuple[Word, ...], at: int) -> list[int] | None:
    """The nearest places of all `tokens` around `at`, one word for each; None: not all are near."""
    reach = len(tokens) - 1 + _SLACK
    near = sorted(
        range(max(0, at - reach), min(len(words), at + reach + 1)), key=lambda i: (abs(i - at), i)
    )
    taken: list[int] = []
    for token in tokens:
        place = next((i for i in near if i not in taken and _is(token, words[i])), None)
        if place is None:
            return None
        taken.append(place)
    return taken if max(taken) - min(taken) <= reach else None


def _find(code: str, words: tuple[Word, ...], places: list[int]) -> Find:
    first, last = words[min(places)], words[max(places)]
    return Find(code, first.start, last.end, frozenset(words[i].start for i in places))


def _without_swallowed(finds: list[Find]) -> list[Find]:
    return [
        f
        for f in finds
        if not any(f.words < other.words and f.code != other.code for other in finds)
    ]
