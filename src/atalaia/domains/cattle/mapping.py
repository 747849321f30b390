"""Which header is which column: the same word, a known other word, what a person said once, or a
word so near (≥ 0.95) that it can be no other. What is less near is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rapidfuzz.fuzz import ratio

from atalaia.domains.cattle.layout import LAYOUTS, Layout
from atalaia.kernel.match.text import fold

SURE, NEAR = 0.95, 0.75
NONE = ""  # a person's answer: this header is none of our columns


@dataclass(frozen=True, slots=True)
class Matched:
    """A header, the column it is ('' when none), how that is known, and how near the words are."""

    header: str
    place: int
    column: str
    how: str  # exact | alias | person | fuzzy | ignored | asked
    score: float

    def as_dict(self) -> dict[str, Any]:
        """As it is kept and shown."""
        return asdict(self)


@dataclass(slots=True)
class Recognised:
    """What was made of a file's headers. `questions` are what a person must say first."""

    layout: Layout | None
    matched: list[Matched] = field(default_factory=list)
    questions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def columns(self) -> dict[str, int]:
        """Column → place in the file."""
        return {one.column: one.place for one in self.matched if one.column}


def plain(header: str) -> str:
    """A header as it is compared: folded, '%' as a word, units as words of their own."""
    return fold(header.replace("%", " pc ").replace("(kg)", " kg ").replace("_", " "))


def recognise(
    headers: Sequence[str], said: Mapping[tuple[str, str], str], layout: str = ""
) -> Recognised:
    """The layout that has most of the headers, and their columns. `said` is what people said of
    headers before: (layout, header) → column. `layout` names the only one that is tried."""
    tried = [_of(one, headers, said) for one in LAYOUTS if not layout or one.name == layout]
    return max(tried, key=fit)


def fit(found: Recognised) -> tuple[bool, int, float]:
    """How well the headers are a layout; the greater, the better."""
    assert found.layout is not None  # noqa: S101  `_of` sets it
    missing = found.layout.required - set(found.columns)
    had = len(found.columns)
    return not missing, had - 2 * len(missing), had / max(1, len(found.layout.read))


def _of(layout: Layout, headers: Sequence[str], said: Mapping[tuple[str, str], str]) -> Recognised:
    known: dict[str, tuple[str, str]] = {}
    for name, one in layout.read.items():
        for alias in one.aliases:
            known.setdefault(plain(alias), (name, "alias"))
    for name in layout.read:
        known[plain(name)] = (name, "exact")
    found = Recognised(layout)
    taken: set[str] = set()
    for place, header in enumerate(headers):
        found.matched.append(_match(layout, header, place, known, said, taken))
        taken.add(found.matched[-1].column)
    _second_look(found, known, taken - {""})
    _ask(found)
    return found


def _match(
    layout: Layout,
    header: str,
    place: int,
    known: Mapping[str, tuple[str, str]],
    said: Mapping[tuple[str, str], str],
    taken: set[str],
) -> Matched:
    word = plain(header)
    if (layout.name, word) in said:
        return Matched(header, place, said[layout.name, word], "person", 1.0)
    if word in known and known[word][0] not in taken:
        return Matched(header, place, *known[word], 1.0)
    return Matched(header, place, "", "ignored", 0.0)


def _second_look(found: Recognised, known: Mapping[str, tuple[str, str]], taken: set[str]) -> None:
    """What no word says, by how near the words are; a column goes to the nearest header only."""
    for number, one in enumerate(found.matched):
        word = plain(one.header)
        if one.how != "ignored" or not word:
            continue
        free = {w: c for w, (c, _) in known.items() if c not in taken}
        best = max(free, key=lambda w: ratio(word, w), default="")
        score = round(ratio(word, best) / 100, 3) if best else 0.0
        if score >= SURE:
            found.matched[number] = Matched(one.header, one.place, free[best], "fuzzy", score)
            taken.add(free[best])
        elif score >= NEAR:
            found.matched[number] = Matched(one.header, one.place, "", "asked", score)
            found.questions.append(
                {"ask": "column", "header": one.header, "candidates": [free[best]], "score": score}
            )


def _ask(found: Recognised) -> None:
    """A question about a header is put only if its column is missed; one about what is missing is
    put always."""
    assert found.layout is not None  # noqa: S101
    missing = found.layout.required - set(found.columns)
    offered = {name for q in found.questions for name in q["candidates"]}
    found.questions += [{"ask": "missing", "column": name} for name in sorted(missing - offered)]
