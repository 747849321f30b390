"""Does what a student passed count for a subject of the new course?

`evaluate` is pure given its mappers: the same subjects, policy, taxonomy, mapper and year give the
same bytes. Hard rules come first; then coverage; then

    score = 100 × (0.6 coverage + 0.4 critical coverage − 0.1 level penalty)

with the weights and cut-offs of the policy. What is in doubt never decides: when the doubts could
turn the decision, a person decides. Neither does a degraded reading approve, nor a syllabus that
speaks to its judge. `docs/equivalence-engine.md` tells it whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.match import hard_rules
from atalaia.kernel.match.coverage import Coverage, cover
from atalaia.kernel.match.mappers import Mappers, Syllabus
from atalaia.kernel.match.reasons import Story
from atalaia.kernel.match.subjects import Policy, Subject, Taxonomy
from atalaia.kernel.match.syllabus import read
from atalaia.kernel.match.verdict import (
    Breakdown,
    Decision,
    Flagged,
    HardRule,
    Side,
    Verdict,
    Versions,
)

ENGINE_VERSION = "3"
MOST_ORIGINS = 10
_NOTHING, _NO_TERMS = Coverage((), None, 1.0), Breakdown(0.0, 0.0, 0.0)
MOST_UNKNOWN = 0.5  # more of a destination that no concept names, and a person decides


@dataclass(frozen=True, slots=True)
class _Case:
    """What is judged, and what the hard rules say of it. `used` are the origins not left out."""

    origins: tuple[Subject, ...]
    used: tuple[int, ...]
    destination: Subject
    policy: Policy
    rules: tuple[HardRule, ...]


@dataclass(frozen=True, slots=True)
class _Content:
    """What the syllabi come to; all empty where they were not looked at."""

    found: Coverage = _NOTHING
    score: float = 0.0
    terms: Breakdown = _NO_TERMS
    degraded: bool = False
    mapper: str = ""


def evaluate(
    origins: Sequence[Subject],
    destination: Subject,
    *,
    policy: Policy,
    taxonomy: Taxonomy | None,
    mappers: Mappers,
    year: int,
) -> Verdict:
    """Judge whether `origins`, together, count for `destination`.

    `year` is the present one (for the age of what was passed). Without a taxonomy of the area the
    decision is a person's. Raises UsageError for no origin or more than MOST_ORIGINS."""
    if not 1 <= len(origins) <= MOST_ORIGINS:
        raise UsageError(f"Uma avaliação tem de 1 a {MOST_ORIGINS} disciplinas de origem.")
    case = _ruled(tuple(origins), destination, policy, year)
    causes = _broken(case) or ([] if taxonomy else ["sem_taxonomia"])
    if causes or taxonomy is None:
        content = _Content(mapper=mappers.best)
        return _verdict(case, taxonomy, content, _without_content(causes), causes)
    return _judged(case, taxonomy, mappers)


def _ruled(origins: tuple[Subject, ...], destination: Subject, policy: Policy, year: int) -> _Case:
    """The hard rules. An origin that breaks one of its own is left out."""
    own = [hard_rules.of_origin(i, origin, policy, year) for i, origin in enumerate(origins)]
    used = tuple(i for i, rules in enumerate(own) if all(rule.passou for rule in rules))
    rules = [rule for each in own for rule in each]
    rules.append(hard_rules.hours([origins[i] for i in used], destination, policy))
    rules.append(hard_rules.of_destination(destination, policy))
    return _Case(origins, used, destination, policy, tuple(rules))


def _broken(case: _Case) -> list[str]:
    """The rules that decide. One of a single origin does only when no origin is left; then hours
    are short for that very reason, and say nothing more."""
    broken = [rule for rule in case.rules if not rule.passou]
    if case.used:
        broken = [rule for rule in broken if rule.origem is None]
    else:
        broken = [rule for rule in broken if rule.regra != "carga_horaria"]
    return list(dict.fromkeys(rule.regra for rule in broken))


def _without_content(causes: list[str]) -> Decision:
    """Refused for what is certain; what could not be judged is a person's."""
    certain = set(causes) - hard_rules.ASKS_A_PERSON - {"sem_taxonomia"}
    return "INDEFERIDO" if certain else "ANALISE_HUMANA"


def _judged(case: _Case, taxonomy: Taxonomy, mappers: Mappers) -> Verdict:
    """The verdict by content."""
    policy, deadline = case.policy, Deadline(settings().http_client_timeout)
    target = mappers.map(case.destination.ementa, taxonomy, deadline)
    sources = {i: mappers.map(case.origins[i].ementa, taxonomy, deadline) for i in case.used}
    found = cover(case.destination.nome, target, sources, taxonomy, mappers)
    penalty = max(0, case.destination.rank - min(case.origins[i].rank for i in case.used)) / 2
    certain, hopeful = found.shares(doubts=False), found.shares(doubts=True)
    score = _score(certain, penalty, policy)
    low = _by_score(found, score, certain[0], policy, doubts=False)
    high = _by_score(found, _score(hopeful, penalty, policy), hopeful[0], policy, doubts=True)
    decision, causes = _settled(low, high, found)
    read_all = (target, *sources.values())
    reservations = _reservations(read_all, found)
    if reservations and decision == "DEFERIDO":
        decision = "ANALISE_HUMANA"
    worst = next((s for s in read_all if s.degraded), target)
    terms = Breakdown(round(certain[0], 4), round(certain[1], 4), penalty)
    degraded = "degradado" in reservations
    content = _Content(found, score, terms, degraded, worst.mapper)
    return _verdict(case, taxonomy, content, decision, [*causes, *reservations])


def _reservations(read_all: Sequence[Syllabus], found: Coverage) -> list[str]:
    """Why nothing may be approved without a person, whatever the score."""
    held = {
        "degradado": found.blind or any(s.degraded for s in read_all),
        "critico_nao_visto": bool(found.unseen),
        "instrucao": any(s.reading.suspicious for s in read_all),
        "cortado": any(s.reading.cut for s in read_all),
    }
    return [reason for reason, holds in held.items() if holds]


def _score(shares: tuple[float, float], penalty: float, policy: Policy) -> float:
    worth = (
        policy.weight_coverage * shares[0]
        + policy.weight_critical * shares[1]
        - policy.weight_level * penalty
    )
    return round(min(100.0, max(0.0, 100 * worth)), 2)


def _by_score(
    found: Coverage, score: float, whole: float, policy: Policy, *, doubts: bool
) -> Decision:
    """What the score says, the doubts taken as covered or as missing."""
    if found.lacks_critical(doubts=doubts):
        return "INDEFERIDO"
    if score < policy.review_at:
        return "INDEFERIDO"
    if score < policy.approve_at or round(whole, 9) < policy.content:
        return "ANALISE_HUMANA"
    return "DEFERIDO"


def _settled(low: Decision, high: Decision, found: Coverage) -> tuple[Decision, list[str]]:
    """The decision that the doubts cannot turn, or a person's."""
    if not any(item.conceito for item in found.items):
        return "ANALISE_HUMANA", ["fora_da_taxonomia"]
    if low != high:
        return "ANALISE_HUMANA", ["duvida"]
    if low != "ANALISE_HUMANA" and found.unknown > MOST_UNKNOWN:
        return "ANALISE_HUMANA", ["fora_da_taxonomia"]
    if low == "INDEFERIDO" and found.lacks_critical(doubts=True):
        return low, ["critico_faltante"]
    return low, ["score"]


def _verdict(
    case: _Case,
    taxonomy: Taxonomy | None,
    content: _Content,
    decision: Decision,
    causes: Sequence[str],
) -> Verdict:
    found = content.found
    lacking = [item for item in found.items if item.situacao == "faltante"]
    story = Story(decision, tuple(causes), content.score, content.terms, found.items, case.rules)
    policy = case.policy
    return Verdict(
        decisao=decision,
        score=content.score,
        breakdown=content.terms,
        hard_rules=case.rules,
        itens=found.items,
        faltantes=tuple(item.rotulo for item in lacking),
        criticos_faltantes=tuple(item.rotulo for item in lacking if item.critico),
        duvidosos=tuple(i.rotulo for i in found.items if i.situacao == "duvidoso"),
        motivos=tuple(causes),
        justificativa_curta=story.short(),
        justificativa_detalhada=story.detailed(policy, case.origins),
        evidence=tuple(e for item in found.items for e in item.evidencias),
        trechos_ignorados=_ignored(case),
        origens_usadas=case.used,
        area=taxonomy.area if taxonomy else None,
        disciplina_tipo=found.subject.code if found.subject else None,
        degraded_mode=content.degraded,
        mapper=content.mapper,
        versions=Versions(
            motor=ENGINE_VERSION,
            mapper=content.mapper,
            politica=f"{policy.code}@{policy.version}",
            taxonomia=f"{taxonomy.area}@{taxonomy.version}" if taxonomy else None,
        ),
    )


def _ignored(case: _Case) -> tuple[Flagged, ...]:
    """The passages of all syllabi that were not taken as content."""
    sides: list[tuple[Side, int, str]] = [("origem", i, case.origins[i].ementa) for i in case.used]
    return tuple(
        Flagged(side, i, aside.kind, text[aside.start : aside.end], aside.start, aside.end)
        for side, i, text in (*sides, ("destino", 0, case.destination.ementa))
        for aside in read(text).asides
    )
