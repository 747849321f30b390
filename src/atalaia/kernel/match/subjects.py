"""The words of the equivalence engine: what is compared, by which policy and taxonomy.

Plain values. `from_dict` is strict: an unknown key is a UsageError, because a rule that is not
understood must not look as if it were in force.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Self

import orjson

from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.match.text import fold

LEVELS = {"tecnico": 0, "graduacao": 1, "pos": 2}
_LEVEL_WORDS = {
    "tecnico": "tecnico",
    "graduacao": "graduacao",
    "pos": "pos",
    "pos graduacao": "pos",
}


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject of a course: of origin (passed or not) or of destination.

    `carga_horaria` in hours; `nivel` tecnico, graduacao or pos; `ano_conclusao` the year it was
    passed (None: not known); `area` the taxonomy's area, where the sender says it."""

    nome: str
    carga_horaria: float
    ementa: str
    aprovado: bool = True
    nivel: str = "graduacao"
    ano_conclusao: int | None = None
    area: str | None = None

    def __post_init__(self) -> None:
        level = _LEVEL_WORDS.get(fold(self.nivel))
        if level is None:
            raise UsageError(
                f"Nível desconhecido: {self.nivel!r}.", todo="Use tecnico, graduacao ou pos."
            )
        object.__setattr__(self, "nivel", level)
        hours = self.carga_horaria
        if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= 10_000:
            raise UsageError("A carga horária é um número de horas entre 1 e 10000.")

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """Read one. Raises UsageError for a key that is not known or is missing."""
        return cls(**_known(cls, said, "disciplina", required={"nome", "carga_horaria", "ementa"}))

    @property
    def rank(self) -> int:
        """0 for tecnico, 1 for graduacao, 2 for pos."""
        return LEVELS[self.nivel]


@dataclass(frozen=True, slots=True)
class Policy:
    """What an institution asks for. Shares are between 0 and 1, cut-offs between 0 and 100.

    `content`: least coverage of an automatic approval. `hours`: least share of the destination's
    hours. `max_age_years`: None is without limit. `minimum_words`: a shorter syllabus is not
    judged. `approve_at`, `review_at`: at this score DEFERIDO; below that one INDEFERIDO."""

    code: str = "padrao_75"
    version: str = "1"
    content: float = 0.75
    hours: float = 0.75
    max_age_years: int | None = 8
    minimum_words: int = 5
    weight_coverage: float = 0.6
    weight_critical: float = 0.4
    weight_level: float = 0.1
    approve_at: float = 85.0
    review_at: float = 70.0

    def __post_init__(self) -> None:
        shares = (self.content, self.weight_coverage, self.weight_critical, self.weight_level)
        if not all(0 <= share <= 1 for share in shares) or not 0 < self.hours <= 2:
            raise UsageError("Na política, conteúdo, carga e pesos são frações entre 0 e 1.")
        if not 0 <= self.review_at <= self.approve_at <= 100:
            raise UsageError("Na política, 0 ≤ review_at ≤ approve_at ≤ 100.")
        if abs(self.weight_coverage + self.weight_critical - 1) > 1e-9:
            raise UsageError("Na política, os pesos de cobertura e de críticos somam 1.")
        if self.minimum_words < 1 or (self.max_age_years is not None and self.max_age_years < 0):
            raise UsageError("Na política, minimum_words ≥ 1 e max_age_years ≥ 0.")

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Self:
        """Read one. Raises UsageError for an unknown key or a value that cannot be."""
        return cls(**_known(cls, said, "política", required=set()))

    def as_dict(self) -> dict[str, Any]:
        """As it is stored and shown; `from_dict` reads it back."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Concept:
    """A thing that is taught. `terms` say how syllabi write it: the words of one term in any order,
    near each other; `encade*` stands for every word that begins so."""

    code: str
    label: str
    terms: tuple[str, ...] = ()
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class TypicalSubject:
    """A subject as most courses have it: its names, and what nobody may pass it without."""

    code: str
    names: tuple[str, ...]
    critical: tuple[str, ...]


@dataclass(frozen=True)
class Taxonomy:
    """The concepts of one area, and the subjects that say which of them are critical."""

    area: str
    version: str
    label: str
    concepts: tuple[Concept, ...]
    subjects: tuple[TypicalSubject, ...] = ()

    @classmethod
    def from_dict(cls, said: Mapping[str, Any]) -> Taxonomy:
        """Read `{area, version, label, concepts: {code: [label, term, …]}, weights: {code: n},
        subjects: {code: {names: [], critical: []}}}`. Raises UsageError where it is not so."""
        _only(said, {"area", "version", "label", "concepts", "weights", "subjects"}, "taxonomia")
        weights = said.get("weights") or {}
        concepts = tuple(
            Concept(code, str(words[0]), tuple(map(str, words[1:])), float(weights.get(code, 1)))
            for code, words in _mapping(said, "concepts").items()
            if _is_words(code, words)
        )
        codes = {concept.code for concept in concepts}
        subjects = tuple(
            _typical(code, one, codes) for code, one in (said.get("subjects") or {}).items()
        )
        strays = set(weights) - codes
        if strays or not concepts or any(c.weight <= 0 for c in concepts):
            raise UsageError(
                "A taxonomia precisa de conceitos, e os pesos são positivos e de conceitos dela"
                + (f"; não existem: {', '.join(sorted(strays))}." if strays else ".")
            )
        return cls(str(said["area"]), str(said["version"]), str(said["label"]), concepts, subjects)

    def as_dict(self) -> dict[str, Any]:
        """As it is stored and shown; `from_dict` reads it back."""
        return {
            "area": self.area,
            "version": self.version,
            "label": self.label,
            "concepts": {c.code: [c.label, *c.terms] for c in self.concepts},
            "weights": {c.code: c.weight for c in self.concepts if c.weight != 1},
            "subjects": {
                s.code: {"names": list(s.names), "critical": list(s.critical)}
                for s in self.subjects
            },
        }

    @cached_property
    def by_code(self) -> dict[str, Concept]:
        """Concepts by their codes."""
        return {concept.code: concept for concept in self.concepts}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what it says: two taxonomies with one version and other words differ here."""
        said = orjson.dumps(self.as_dict(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(said).hexdigest()


def _typical(code: str, said: Mapping[str, Any], codes: set[str]) -> TypicalSubject:
    _only(said, {"names", "critical"}, f"disciplina {code}")
    critical = tuple(map(str, said.get("critical") or ()))
    strays = set(critical) - codes
    if strays or not said.get("names"):
        raise UsageError(
            f"A disciplina {code} precisa de nomes e de críticos que sejam conceitos da taxonomia"
            + (f"; não existem: {', '.join(sorted(strays))}." if strays else ".")
        )
    return TypicalSubject(code, tuple(map(str, said["names"])), critical)


def _is_words(code: str, words: Any) -> bool:
    if not isinstance(words, list | tuple) or not words or not all(fold(str(w)) for w in words):
        raise UsageError(f"O conceito {code} é uma lista: o rótulo e depois os termos.")
    return True


def _mapping(said: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = said.get(key)
    if not isinstance(value, Mapping):
        raise UsageError(f"Na taxonomia, '{key}' é um objeto.")
    return value


def _only(said: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = set(said) - known
    if unknown:
        raise UsageError(f"{where}: campo desconhecido: {', '.join(sorted(map(str, unknown)))}.")


def _known(cls: Any, said: Mapping[str, Any], where: str, *, required: set[str]) -> dict[str, Any]:
    _only(said, {f.name for f in fields(cls)}, where)
    missing = required - set(said)
    if missing:
        raise UsageError(f"{where}: falta {', '.join(sorted(missing))}.")
    return dict(said)
