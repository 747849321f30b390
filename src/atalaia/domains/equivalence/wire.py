"""What the equivalence service takes: strict, bounded, and no field it does not name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

LONGEST_SYLLABUS = 20_000  # characters of one ementa
MOST_ORIGINS = 10
MOST_HOURS = 10_000
_NO_NUL = r"^[^\x00]*$"

Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_NO_NUL)
]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$")]
Course = Annotated[str, StringConstraints(max_length=80, pattern=_NO_NUL)]
Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=_NO_NUL)
]
Level = Literal[
    "tecnico", "técnico", "graduacao", "graduação", "pos", "pós", "pos-graduacao", "pós-graduação"
]
RequestId = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,100}$")]


class Strict(BaseModel):
    """Fields that are named, and no other."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Destination(Strict):
    """A subject of the course one wants to enter."""

    nome: Text
    carga_horaria: int | float = Field(
        gt=0, le=MOST_HOURS, allow_inf_nan=False, description="horas"
    )
    ementa: str = Field("", max_length=LONGEST_SYLLABUS, pattern=_NO_NUL)
    nivel: Level = "graduacao"
    area: Word | None = Field(None, description="área da taxonomia; sem ela, a do curso")


class Origin(Destination):
    """A subject that was taken, and whether it was passed."""

    aprovado: bool
    ano_conclusao: int | None = Field(None, ge=1950)

    @model_validator(mode="after")
    def _is_past(self) -> Self:
        if self.ano_conclusao is not None and self.ano_conclusao > datetime.now(UTC).year + 1:
            raise ValueError("ano_conclusao está no futuro")
        return self


class Versions(Strict):
    """Which version is to be used, when not the active one."""

    politica: Version | None = None
    taxonomia: Version | None = None


class Options(Strict):
    """How the answer is to be."""

    detalhes: bool = Field(True, description="false: sem itens, evidence e justificativa_detalhada")


_EXAMPLE: dict[str, Any] = {
    "request_id": "2026-000123-CALC1",
    "origem": {
        "nome": "Cálculo Diferencial e Integral I",
        "carga_horaria": 60,
        "ementa": "Limites e continuidade. Derivadas e suas aplicações. Integral definida e "
        "indefinida. Teorema fundamental do cálculo. Técnicas de integração.",
        "aprovado": True,
        "nivel": "graduacao",
        "ano_conclusao": 2023,
    },
    "destino": {
        "nome": "Cálculo I",
        "carga_horaria": 60,
        "ementa": "Funções, limites, continuidade, derivadas, regras de derivação, máximos e "
        "mínimos, integral definida e teorema fundamental do cálculo.",
        "nivel": "graduacao",
    },
}


class Request(Strict):
    """One question. `origem` is one subject, or several that together may count for `destino`."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"example": _EXAMPLE})

    request_id: RequestId
    origem: Origin | Annotated[list[Origin], Field(min_length=1, max_length=MOST_ORIGINS)]
    destino: Destination
    curso: Course | None = None
    policy: Word | None = Field(None, description="sem ela, a que o tenant usa para o curso")
    versions: Versions = Versions()
    options: Options = Options()

    @property
    def origins(self) -> list[Origin]:
        """Always a list."""
        return self.origem if isinstance(self.origem, list) else [self.origem]


class Document(Strict):
    """A policy or a taxonomy, whole, with its code (or area) and version."""

    document: dict[str, Any] = Field(min_length=1)
    activate: bool = False
    reason: Reason


class Activation(Strict):
    """Which version is used from now on, when a request names none."""

    version: Version
    reason: Reason


class Binding(Strict):
    """What a tenant uses for a course ('' for all that have none of their own)."""

    tenant_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    course: Course = ""
    policy: Word
    taxonomy: Word | None = None
    reason: Reason
