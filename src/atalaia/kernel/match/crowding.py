"""Whether every sentence of the destination can have a topic of the origins to itself.

One concept of a taxonomy may stand in two topics of a syllabus: intermediate code and the code of
the machine are both code generation. An origin that teaches one of them names the concept, and says
nothing of the other. So naming is not enough: of two sentences that only one topic of the origins
can answer, neither is certain. Which sentences those are does not depend on the order of anything:
they are the ones that some largest pairing leaves out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from atalaia.kernel.match.mappers import Syllabus
from atalaia.kernel.match.syllabus import Clause

_DETAILS = re.compile(r"[:(\[–—]")  # what follows tells of what was named before
_LIST = 4  # clauses from which a sentence without details is a list of topics


def crowded(destination: Syllabus, origins: Iterable[Syllabus]) -> frozenset[str]:
    """The concepts of the sentences that may be left without a topic of their own, of those that
    share a concept with some topic of the origins."""
    asked = [codes for codes in _by_sentence(destination).values() if codes]
    offered = [codes for origin in origins for codes in _topics(origin) if codes]
    fit = [[j for j, there in enumerate(offered) if here & there] for here in asked]
    left = _may_be_left([some for some in fit if some])
    answered = [here for here, some in zip(asked, fit, strict=True) if some]
    return frozenset(code for i in left for code in answered[i])


def _by_sentence(syllabus: Syllabus) -> Mapping[int, frozenset[str]]:
    found: dict[int, frozenset[str]] = {}
    for clause in syllabus.reading.clauses:
        codes = _codes(syllabus, clause)
        found[clause.sentence] = found.get(clause.sentence, frozenset()) | codes
    return found


def _topics(syllabus: Syllabus) -> list[frozenset[str]]:
    """What each topic names. A sentence is a topic, but a long list of clauses is as many."""
    reading, topics = syllabus.reading, []
    for sentence, codes in _by_sentence(syllabus).items():
        clauses = [c for c in reading.clauses if c.sentence == sentence]
        detailed = _DETAILS.search(reading.quote(clauses[0].start, clauses[-1].end))
        if detailed or len(clauses) < _LIST:
            topics.append(codes)
        else:
            topics += [_codes(syllabus, c) for c in clauses]
    return topics


def _codes(syllabus: Syllabus, clause: Clause) -> frozenset[str]:
    return frozenset(f.code for f in syllabus.finds if clause.start <= f.start < clause.end)


def _may_be_left(fit: Sequence[Sequence[int]]) -> set[int]:
    """Of rows that each take one of their columns, those that some largest pairing leaves without:
    the ones reached, over columns taken, from a row that was left."""
    taken: dict[int, int] = {}
    left = [row for row in range(len(fit)) if not _placed(row, fit, taken, set())]
    reached, ahead = set(left), list(left)
    while ahead:
        rivals = {taken[column] for column in fit[ahead.pop()]} - reached
        reached |= rivals
        ahead += rivals
    return reached


def _placed(row: int, fit: Sequence[Sequence[int]], taken: dict[int, int], seen: set[int]) -> bool:
    """Give `row` a column, moving others where that helps (an augmenting path)."""
    for column in fit[row]:
        if column in seen:
            continue
        seen.add(column)
        if column not in taken or _placed(taken[column], fit, taken, seen):
            taken[column] = row
            return True
    return False
