"""Rules of reconciliation in a YAML file people can read: other names, parts, refused blocks.

Every rule carries its evidence. An unknown key is an error: a rule that is not understood must not
look as if it were in force.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from atalaia.kernel.match.names import REASON, Name
from atalaia.kernel.match.slips import Slips
from atalaia.kernel.match.spelling import Spelling


@dataclass(frozen=True, slots=True)
class Refusal:
    """Rows of a dataset that are known to be false at the source: all columns have these values."""

    dataset: str
    where: dict[str, str | int]
    reason: str  # pt-BR, as it stands in the dead letter
    evidence: str


@dataclass(frozen=True, slots=True)
class Rules:
    """What one file says: names beside the reference's, refused blocks, how near is near enough."""

    names: tuple[Name, ...]
    refused: tuple[Refusal, ...]
    spelling: Spelling
    least_score: float
    margin: float
    slips: Slips


def read_rules(path: Path) -> Rules:
    """The rules of one file. Raises ValueError where it is not understood."""
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    _only(said, {"spelling", "accept", "slips", "aliases", "parts", "refused"}, str(path.name))
    spelling, accept = said["spelling"], said["accept"]
    _only(spelling, {"weak_words", "same_sound"}, "spelling")
    _only(accept, {"least_score", "margin"}, "accept")
    return Rules(
        names=(*map(_alias, said["aliases"]), *(n for p in said["parts"] for n in _parts(p))),
        refused=tuple(map(_refusal, said["refused"])),
        spelling=Spelling(frozenset(spelling["weak_words"]), spelling["same_sound"]),
        least_score=accept["least_score"],
        margin=accept["margin"],
        slips=_slips(said.get("slips", {})),
    )


def refuse(
    frame: pl.DataFrame, refusals: tuple[Refusal, ...], dataset: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(kept, refused) rows of one dataset's `frame`; the refused ones with `_reason`."""
    reason: pl.Expr = pl.lit(None, dtype=pl.String)
    for refusal in refusals:
        if refusal.dataset == dataset:
            hit = reduce(
                lambda a, b: a & b, [pl.col(c) == value for c, value in refusal.where.items()]
            )
            reason = pl.when(hit).then(pl.lit(refusal.reason)).otherwise(reason)
    judged = frame.with_columns(reason.alias(REASON))
    bad = pl.col(REASON).is_not_null()
    return judged.filter(~bad).drop(REASON), judged.filter(bad)


def _slips(said: dict[str, Any]) -> Slips:
    _only(said, {"titles", "abbreviations"}, "slips")
    return Slips(
        tuple(said.get("titles", ())),
        {short: tuple(meant) for short, meant in said.get("abbreviations", {}).items()},
    )


def _alias(said: dict[str, Any]) -> Name:
    where = f"alias {said.get('name')}"
    _only(said, {"group", "name", "code", "evidence", "valid_from", "valid_to"}, where)
    return Name(**_with_evidence(said, where))


def _parts(said: dict[str, Any]) -> list[Name]:
    where = f"parts of {said.get('code')}"
    _only(said, {"code", "group", "evidence", "names"}, where)
    _with_evidence(said, where)
    code, group, evidence = said["code"], said["group"], said["evidence"]
    return [Name(code, name, group, evidence=evidence, part=True) for name in said["names"]]


def _refusal(said: dict[str, Any]) -> Refusal:
    where = f"refused {said.get('where')}"
    _only(said, {"dataset", "where", "reason", "evidence"}, where)
    return Refusal(**_with_evidence(said, where))


def _with_evidence(said: dict[str, Any], where: str) -> dict[str, Any]:
    if not said.get("evidence"):
        raise ValueError(f"{where}: a rule needs its evidence")
    return said


def _only(said: dict[str, Any], known: set[str], where: str) -> None:
    unknown = set(said) - known
    if unknown:
        raise ValueError(f"{where}: not understood: {', '.join(sorted(unknown))}")
