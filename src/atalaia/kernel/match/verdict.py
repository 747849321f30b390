"""What the engine answers. `canonical` gives the same bytes for the same verdict, always."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import orjson

Decision = Literal["DEFERIDO", "ANALISE_HUMANA", "INDEFERIDO"]
Side = Literal["origem", "destino"]
State = Literal["coberto", "duvidoso", "faltante"]


@dataclass(frozen=True, slots=True)
class HardRule:
    """A rule that comes before the content. `origem`: the number of the origin subject (None: all
    of them together); `texto` in Portuguese says what was found and what was asked."""

    regra: str
    passou: bool
    texto: str
    origem: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """A quotation: `trecho` stands in the syllabus from `inicio` to `fim`."""

    lado: Side
    indice: int  # which origin subject; 0 for the destination
    trecho: str
    inicio: int
    fim: int
    metodo: str  # lexical, embedding or llm
    confianca: float


@dataclass(frozen=True, slots=True)
class Item:
    """Something the destination teaches: a concept, or a topic that no concept names (`conceito`
    None). `situacao` coberto, duvidoso or faltante."""

    conceito: str | None
    rotulo: str
    peso: float
    critico: bool
    situacao: State
    evidencias: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Flagged:
    """A passage that was not taken as content: an instruction, an exclusion, a requirement …"""

    lado: Side
    indice: int
    motivo: str
    trecho: str
    inicio: int
    fim: int


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The three terms of the score, each between 0 and 1."""

    cobertura: float
    cobertura_critica: float
    penalidade_nivel: float


@dataclass(frozen=True, slots=True)
class Versions:
    """Everything the answer depends on besides its input."""

    motor: str
    mapper: str
    politica: str
    taxonomia: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One decision and all that led to it."""

    decisao: Decision
    score: float
    breakdown: Breakdown
    hard_rules: tuple[HardRule, ...]
    itens: tuple[Item, ...]
    faltantes: tuple[str, ...]
    criticos_faltantes: tuple[str, ...]
    duvidosos: tuple[str, ...]
    motivos: tuple[str, ...]  # codes of what decided, in the order of their force
    justificativa_curta: str
    justificativa_detalhada: str
    evidence: tuple[Evidence, ...]
    trechos_ignorados: tuple[Flagged, ...]
    origens_usadas: tuple[int, ...]
    area: str | None
    disciplina_tipo: str | None
    degraded_mode: bool
    mapper: str
    versions: Versions

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)

    def canonical(self) -> bytes:
        """JSON with sorted keys: equal verdicts, equal bytes."""
        return orjson.dumps(self.as_dict(), option=orjson.OPT_SORT_KEYS)
