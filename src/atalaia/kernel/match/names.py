"""Which code does a name stand for? Decided from a reference and explicit rules, and explained.

A name is looked for inside its group (a state, a country …) among the names valid at that time:

1. `exact`   it is a name of the reference, letter for letter
2. `folded`  it is one without case, accents and punctuation
3. `rule`    an explicit rule names it: another name of one code, or a part of it
4. `fuzzy`   one code alone is spelled nearly the same: at least `least_score`, and `margin` above
             every other code

Anything else is refused, with the reason and the nearest candidates. Nothing is decided by order
or chance: the same reference and the same rules give the same answer. Distinct names are decided
once; rows are joined to the decisions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import polars as pl
from rapidfuzz import fuzz, process

from atalaia.kernel.match.spelling import Spelling
from atalaia.kernel.match.text import fold, folded

Method = Literal["exact", "folded", "rule", "fuzzy", "slip"]  # slip: see `forgiving`
CODE, METHOD, PART, REASON = "_code", "_method", "_part", "_reason"  # what `reconcile` adds
_ASKED = ["group", "name", "_epoch"]
_ANSWER = {
    "group": pl.String,
    "name": pl.String,
    "_epoch": pl.UInt32,
    CODE: pl.String,
    METHOD: pl.String,
    PART: pl.Boolean,
    REASON: pl.String,
}
_SHOWN = 3  # candidates kept with a decision
_WORTH_SHOWING = 60.0  # a likeness below this is none


@dataclass(frozen=True, slots=True)
class Name:
    """A name of one code in its group, valid in [valid_from, valid_to); None is without limit.

    With `evidence` it is a rule: not the reference's own name. `part`: what bears this name is only
    a part of the code, so its rows are to be added up."""

    code: str
    name: str
    group: str
    valid_from: date | None = None
    valid_to: date | None = None
    evidence: str = ""
    part: bool = False

    def valid(self, at: date) -> bool:
        """Was the name in force on that day?"""
        return (self.valid_from or date.min) <= at < (self.valid_to or date.max)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A name that was weighed: its score, 0 to 100, is the similarity of the reduced spellings."""

    code: str
    name: str
    score: float
    part: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about one name, and why. Without a code, `reason` (pt-BR) says why not."""

    code: str | None = None
    method: Method | None = None
    score: float = 0.0
    part: bool = False
    evidence: str = ""
    reason: str | None = None
    candidates: tuple[Candidate, ...] = ()


class Reconciler:
    """Decides names against `names`, the reference's and the rules'. `groups` are other ways to
    write a group ({"Minas Gerais": "MG"}); case, accents and punctuation never matter in them."""

    def __init__(
        self,
        names: Iterable[Name],
        *,
        groups: Mapping[str, str] | None = None,
        spelling: Spelling | None = None,
        least_score: float = 97,
        margin: float = 10,
    ) -> None:
        known = sorted(names, key=lambda n: (n.group, n.code, n.evidence != "", n.name))
        self._ever: dict[str, dict[str, list[Name]]] = defaultdict(lambda: defaultdict(list))
        for each in known:
            self._ever[each.group][fold(each.name)].append(each)
        self._codes = {n.code for n in known if not n.evidence}
        self._summed = frozenset(n.code for n in known if n.part)
        spelled = {group: group for group in self._ever} | dict(groups or {})
        self._groups = {fold(written): group for written, group in spelled.items()}
        self._certain = _certain(self._ever, self._codes)
        self._spelling = spelling or Spelling()
        self._least_score, self._margin = least_score, margin
        # the days on which some name begins or ends to be valid: between two nothing changes
        self._turns = sorted({d for n in known for d in (n.valid_from, n.valid_to) if d})
        self._spelled: dict[tuple[str, date], dict[Name, str]] = {}
        self._answers = pl.DataFrame(schema=_ANSWER)

    @property
    def summed(self) -> frozenset[str]:
        """The codes some rule gives parts to: their rows are to be added up."""
        return self._summed

    def decide(self, group: str | None, name: str | None, at: date | None = None) -> Decision:
        """The decision for one name on day `at` (None: at the latest time the names know)."""
        return self._decide(group or "", name or "", self._day(self._epoch(at)))

    def candidates(
        self, group: str, name: str, at: date | None = None, limit: int | None = None
    ) -> list[Candidate]:
        """The codes of the group by likeness of spelling, the nearest first, one entry a code."""
        return self._candidates(group, fold(name), self._day(self._epoch(at)))[:limit]

    def group_of(self, written: str | None) -> str | None:
        """The group that is written so, if there is one."""
        return self._group(written)

    def spellings(self, group: str, at: date | None = None) -> dict[Name, str]:
        """The names of a group valid on day `at`, with their reduced spelling."""
        return self._spellings(group, self._day(self._epoch(at))) if group in self._ever else {}

    def known_anywhere(self, name: str) -> bool:
        """Is it, but for case and accents, a name of any group at any time?"""
        plain = fold(name)
        return any(plain in names for names in self._ever.values())

    def spell(self, name: str) -> str:
        """The reduced spelling of any name."""
        return self._spelling.key(fold(name))

    def reconcile(
        self, frame: pl.DataFrame, *, group: str, name: str, at: str | None = None
    ) -> pl.DataFrame:
        """`frame` with `_code`, `_method`, `_part` and `_reason` for every row, in its order.

        `group`, `name` and `at` (dates, optional) are column names."""
        epoch = pl.lit(len(self._turns), dtype=pl.UInt32)
        if at:
            epoch = pl.lit(pl.Series(self._turns, dtype=pl.Date)).search_sorted(pl.col(at), "right")
        keyed = frame.with_columns(epoch.cast(pl.UInt32).alias("_epoch"))
        on = [group, name, "_epoch"]
        answered = self._join(keyed, on)
        new = answered.filter(pl.col(PART).is_null()).select(on).unique()
        if new.height:
            asked = new.rename(dict(zip(on, _ASKED, strict=True)))
            self._answers = pl.concat([self._answers, self._decided(asked)])
            answered = self._join(keyed, on)
        return answered.drop("_epoch")

    def _join(self, keyed: pl.DataFrame, on: list[str]) -> pl.DataFrame:
        """Every row with the answer on its name, nulls where it was never asked for."""
        return keyed.join(
            self._answers,
            left_on=on,
            right_on=_ASKED,
            how="left",
            nulls_equal=True,
            maintain_order="left",
        )

    def _decided(self, new: pl.DataFrame) -> pl.DataFrame:
        """The decisions on names met for the first time: the certain ones by a join, which says
        what `decide` would say, the few others one by one."""
        groups = {written: self._group(written) for written in new["group"].unique()}
        judged = new.with_columns(
            pl.col("group").replace_strict(groups, return_dtype=pl.String).alias("_group"),
            folded(pl.col("name")).alias("_plain"),
        ).join(self._certain, on=["_group", "_plain"], how="left")
        certain = pl.col(CODE).is_not_null()
        own = pl.col("_own")
        method = (
            pl.when(own.is_null())
            .then(pl.lit("rule"))
            .when(own == pl.col("name"))
            .then(pl.lit("exact"))
            .otherwise(pl.lit("folded"))
        )
        sure = judged.filter(certain).with_columns(
            method.alias(METHOD), pl.lit(None, dtype=pl.String).alias(REASON)
        )
        rows = sure.select(list(_ANSWER)).rows()  # a frame would hold the whole batch in memory
        for group, name, epoch in judged.filter(~certain).select(_ASKED).iter_rows():
            d = self._decide(group or "", name or "", self._day(epoch))
            rows.append((group, name, epoch, d.code, d.method, d.part, d.reason))
        return pl.DataFrame(rows, schema=_ANSWER, orient="row")

    def _group(self, written: str | None) -> str | None:
        return self._groups.get(fold(written or ""))

    def _epoch(self, at: date | None) -> int:
        return len(self._turns) if at is None else bisect_right(self._turns, at)

    def _day(self, epoch: int) -> date:
        return self._turns[epoch - 1] if epoch else date.min

    def _decide(self, written_group: str, name: str, day: date) -> Decision:
        group, plain = self._group(written_group), fold(name)
        if group is None:
            return Decision(reason=f"grupo desconhecido: {written_group}")
        if not plain:
            return Decision(reason="sem nome")
        ever = self._ever[group].get(plain, [])
        same = [n for n in ever if n.valid(day)]
        if len({n.code for n in same}) > 1:
            found = tuple(Candidate(n.code, n.name, 100.0, n.part) for n in same)
            return Decision(reason=f"nome de mais de um: {_words(found)}", candidates=found)
        if same:
            return self._checked(_sure(name, same))
        if ever:
            found = tuple(Candidate(n.code, n.name, 100.0, n.part) for n in ever)
            return Decision(reason="nome que não valia nessa data", candidates=found)
        return self._checked(self._weighed(self._candidates(group, plain, day)))

    def _spellings(self, group: str, day: date) -> dict[Name, str]:
        if (group, day) not in self._spelled:
            self._spelled[group, day] = {
                name: self._spelling.key(plain)
                for plain, names in self._ever[group].items()
                for name in names
                if name.valid(day)
            }
        return self._spelled[group, day]

    def _candidates(self, group: str, plain: str, day: date) -> list[Candidate]:
        key = self._spelling.key(plain)
        spelled = self._spellings(group, day) if key else {}
        weighed = max(0.0, min(_WORTH_SHOWING, self._least_score - self._margin))
        found = process.extract(key, spelled, scorer=fuzz.ratio, limit=None, score_cutoff=weighed)
        best: dict[str, Candidate] = {}
        for _, score, known in sorted(found, key=lambda f: (-f[1], f[2].code, f[2].part)):
            best.setdefault(known.code, Candidate(known.code, known.name, score, known.part))
        return list(best.values())

    def _weighed(self, found: list[Candidate]) -> Decision:
        shown = tuple(found[:_SHOWN])
        if not shown or shown[0].score < self._least_score:
            return Decision(
                reason=f"nome desconhecido; parecidos: {_words(shown)}", candidates=shown
            )
        first, second = shown[0], shown[1].score if len(shown) > 1 else 0.0
        if first.score - second < self._margin:
            return Decision(reason=f"nome ambíguo: {_words(shown)}", candidates=shown)
        return Decision(
            first.code,
            "fuzzy",
            first.score,
            first.part,
            f"grafia quase igual à de {first.name}; a seguinte fica em {second:.0f}",
            candidates=shown,
        )

    def _checked(self, decision: Decision) -> Decision:
        """A rule may name a code this reference does not have: then it decides nothing."""
        if decision.code is None or decision.code in self._codes:
            return decision
        return Decision(
            reason=f"a regra dá o código {decision.code}, que a referência não tem",
            candidates=decision.candidates,
        )


def _certain(ever: Mapping[str, Mapping[str, list[Name]]], codes: set[str]) -> pl.DataFrame:
    """The names that mean one thing at all times. `_own` is the reference's spelling, if any."""
    rows = [
        (group, plain, name.code, name.part, None if name.evidence else name.name)
        for group, names in ever.items()
        for plain, (name, *more) in names.items()
        if plain
        and not more
        and name.code in codes
        and name.valid_from is None
        and name.valid_to is None
    ]
    text = pl.String
    schema = {"_group": text, "_plain": text, CODE: text, PART: pl.Boolean, "_own": text}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _sure(written: str, same: list[Name]) -> Decision:
    own = [n for n in same if not n.evidence]
    method: Method = "folded" if own else "rule"
    if any(n.name == written for n in own):
        method = "exact"
    first = (own or same)[0]
    found = Candidate(first.code, first.name, 100.0, first.part)
    return Decision(first.code, method, 100.0, first.part, first.evidence, candidates=(found,))


def _words(candidates: Iterable[Candidate]) -> str:
    return ", ".join(f"{c.name} ({c.score:.0f})" for c in candidates) or "nenhum"
