"""The rules file: read whole or refused, every rule with its evidence."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from atalaia.kernel.match.names import REASON, Name
from atalaia.kernel.match.rules import Refusal, read_rules, refuse

GOOD: dict[str, Any] = {
    "spelling": {"weak_words": ["de"], "same_sound": {"th": "t"}},
    "accept": {"least_score": 97, "margin": 10},
    "slips": {"titles": ["vila de"], "abbreviations": {"st": ["santo"]}},
    "aliases": [
        {"group": "G", "name": "Old", "code": "1", "evidence": "why", "valid_to": date(2000, 1, 1)}
    ],
    "parts": [{"code": "2", "group": "G", "evidence": "quarters", "names": ["East", "West"]}],
    "refused": [
        {"dataset": "d", "where": {"year": 2019, "state": "G"}, "reason": "r", "evidence": "e"}
    ],
}


def _written(folder: Path, **change: Any) -> Path:
    path = folder / "rules.yml"
    path.write_text(yaml.safe_dump({**GOOD, **change}), encoding="utf-8")
    return path


def test_rules_are_read(tmp_path: Path) -> None:
    rules = read_rules(_written(tmp_path))
    assert rules.names == (
        Name("1", "Old", "G", valid_to=date(2000, 1, 1), evidence="why"),
        Name("2", "East", "G", evidence="quarters", part=True),
        Name("2", "West", "G", evidence="quarters", part=True),
    )
    assert rules.refused == (Refusal("d", {"year": 2019, "state": "G"}, "r", "e"),)
    assert (rules.least_score, rules.margin) == (97, 10)
    assert rules.spelling.key("casa de thor") == "casator"
    assert rules.slips.readings("Vila de St. Thor") == ["st thor", "santo thor"]


@pytest.mark.parametrize(
    "change",
    [
        {"aliasses": []},
        {"spelling": {"weak_words": [], "same_sound": {}, "loud": 1}},
        {"accept": {"least_score": 97, "margin": 10, "luck": 1}},
        {"aliases": [{"group": "G", "name": "Old", "code": "1", "evidence": "e", "cod": "2"}]},
        {"parts": [{"code": "2", "group": "G", "evidence": "e", "names": [], "name": "x"}]},
        {"refused": [{"dataset": "d", "where": {}, "reason": "r", "evidence": "e", "if": 1}]},
        {"slips": {"titles": [], "abbreviation": {}}},
    ],
)
def test_a_rule_that_is_not_understood_is_an_error(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not understood"):
        read_rules(_written(tmp_path, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"aliases": [{"group": "G", "name": "Old", "code": "1"}]},
        {"aliases": [{"group": "G", "name": "Old", "code": "1", "evidence": ""}]},
        {"parts": [{"code": "2", "group": "G", "evidence": "", "names": ["East"]}]},
        {"refused": [{"dataset": "d", "where": {"a": 1}, "reason": "r", "evidence": ""}]},
    ],
)
def test_a_rule_without_evidence_is_an_error(tmp_path: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="evidence"):
        read_rules(_written(tmp_path, **change))


def test_a_block_is_refused_whole_and_nothing_else() -> None:
    block = Refusal("d", {"year": 2019, "state": "G"}, "false block", "e")
    frame = pl.DataFrame(
        {"year": [2019, 2019, 2018, None], "state": ["G", "H", "G", "G"], "v": [1, 2, 3, 4]}
    )
    kept, refused = refuse(frame, (block,), "d")
    assert kept.columns == frame.columns
    assert kept["v"].to_list() == [2, 3, 4]
    assert refused["v"].to_list() == [1]
    assert refused[REASON].to_list() == ["false block"]
    kept, refused = refuse(frame, (block,), "another dataset")
    assert (kept.height, refused.height) == (4, 0)
