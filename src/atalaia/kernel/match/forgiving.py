"""Names that people typed: what the strict rules leave undecided, tried as a slip of the hand.

Only against a reference known to be complete: then whoever is meant is in it, and a slip is
forgiven when no other name of the group is near enough to have been meant. A name that some other
group really has is no slip, but a wrong group: it is refused. Everything undecided stays so, with
the nearest candidates, for a person to choose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from atalaia.kernel.match.names import Candidate, Decision, Name, Reconciler
from atalaia.kernel.match.slips import (
    LEAD,
    Slips,
    decoded,
    forgiven,
    lost_letters,
    slips_between,
)
from atalaia.kernel.match.text import fold

_SHOWN = 3
Spellings = tuple[str, str]  # of one name: all its letters, and the reduced spelling


class Forgiving:
    """Decides like `strict`, and where that refuses, forgives what `slips` and a few letters
    explain. `groups` as `strict` was given them."""

    def __init__(self, strict: Reconciler, slips: Slips, groups: Mapping[str, str]) -> None:
        self.strict = strict
        self._slips = slips
        self._words: dict[str, list[str]] = {}
        for written, group in groups.items():
            self._words.setdefault(group, [group]).append(written)
        self._near: dict[tuple[str, date | None], list[tuple[Name, Spellings]]] = {}

    def decide(self, group: str | None, name: str | None, at: date | None = None) -> Decision:
        """The decision for one name; a forgiven one has the method 'slip' and says what it was
        taken for. Without a code: the reason and the nearest candidates."""
        decision = self.strict.decide(group, name, at)
        known = self.strict.group_of(group)
        if decision.code or known is None or not fold(name or ""):
            return decision
        if decision.reason and not decision.reason.startswith("nome desconhecido"):
            return decision
        return self._tried(known, name or "", decision, at)

    def _tried(self, group: str, name: str, refused: Decision, at: date | None) -> Decision:
        lost = lost_letters(decoded(name))
        if lost:
            found = {n for n, (whole, _) in self._names(group, at) if lost.fullmatch(whole)}
            return self._one(found, "letras perdidas, e só um nome as tem assim") or refused
        readings = self._slips.readings(name, self._words.get(group, [group]))
        said = [self.strict.decide(group, reading, at) for reading in readings]
        meant = {d.code: d for d in said if d.code}
        if len(meant) == 1:
            (only,) = meant.values()
            return Decision(
                only.code,
                "slip",
                only.score,
                only.part,
                f"escrito por extenso é {only.candidates[0].name}",
                candidates=only.candidates,
            )
        elsewhere = any(self.strict.known_anywhere(reading) for reading in readings)
        if meant or elsewhere:
            return self._undecided(refused, meant.values(), elsewhere)
        return self._nearest(group, readings, at) or refused

    def _nearest(self, group: str, readings: list[str], at: date | None) -> Decision | None:
        """The one name within a slip or two, when every other is LEAD letters farther."""
        away: dict[str, tuple[int, Name]] = {}
        written = [_spellings(reading, self.strict.spell(reading)) for reading in readings]
        for known, spelled in self._names(group, at):
            slips = min(slips_between(one, spelled) for one in written)
            if known.code not in away or slips < away[known.code][0]:
                away[known.code] = (slips, known)
        nearest = sorted(away.values(), key=lambda one: (one[0], one[1].code))[:2]
        if not nearest:
            return None
        slips, known = nearest[0]
        letters = min(len(whole) for whole, _ in written)
        if slips > forgiven(letters) or (len(nearest) > 1 and nearest[1][0] < slips + LEAD):
            return None
        return self._one({known}, f"a {slips} letra(s) deste nome; todo outro fica mais longe")

    def _one(self, found: Iterable[Name], why: str) -> Decision | None:
        codes = {name.code for name in found}
        if len(codes) != 1:
            return None
        name = min(found, key=lambda one: one.name)
        candidate = Candidate(name.code, name.name, 100.0, name.part)
        return Decision(name.code, "slip", 100.0, name.part, why, candidates=(candidate,))

    def _undecided(self, refused: Decision, meant: Iterable[Decision], elsewhere: bool) -> Decision:
        found = sorted({d.candidates[0] for d in meant}, key=lambda one: one.code)
        reason = "nome de mais de um" if found else refused.reason
        if elsewhere and not found:
            reason = f"o nome existe em outro grupo, não neste; {refused.reason}"
        return Decision(reason=reason, candidates=(*found, *refused.candidates)[:_SHOWN])

    def _names(self, group: str, at: date | None) -> list[tuple[Name, Spellings]]:
        if (group, at) not in self._near:
            self._near[group, at] = [
                (name, _spellings(fold(name.name), key))
                for name, key in self.strict.spellings(group, at).items()
            ]
        return self._near[group, at]


def _spellings(plain: str, key: str) -> Spellings:
    return plain.replace(" ", ""), key
