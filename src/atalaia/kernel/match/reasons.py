"""The reasons of a verdict in Portuguese, for the student, the clerk and the auditor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from atalaia.kernel.match.subjects import Policy, Subject
from atalaia.kernel.match.verdict import Breakdown, Decision, HardRule, Item

_NAMES = {
    "DEFERIDO": "Deferido",
    "INDEFERIDO": "Indeferido",
    "ANALISE_HUMANA": "Encaminhado a análise humana",
}
_CAUSES = {
    "aprovacao": "sem aprovação na origem",
    "prazo": "a disciplina foi concluída há mais tempo do que a política aceita",
    "carga_horaria": "a carga horária de origem não alcança o mínimo",
    "entrada_minima_origem": "a ementa de origem é curta demais para comparar",
    "entrada_minima_destino": "a ementa de destino é curta demais para comparar",
    "ano_desconhecido": "não se sabe o ano de conclusão da origem",
    "sem_taxonomia": "não há taxonomia desta área",
    "fora_da_taxonomia": "a taxonomia da área quase não reconhece a ementa de destino",
    "duvida": "há trechos em dúvida que podem mudar a decisão",
    "critico_faltante": "falta conteúdo crítico do destino",
    "critico_nao_visto": "não se reconhece na ementa um conteúdo crítico da disciplina",
    "degradado": "um leitor estava indisponível, e no modo degradado não se aprova sem uma pessoa",
    "instrucao": "uma ementa traz texto dirigido a quem avalia, que foi desconsiderado",
    "cortado": "uma ementa é longa demais e não foi lida até o fim",
}
_STATES = {"coberto": "coberto", "duvidoso": "em dúvida", "faltante": "não encontrado"}
_METHODS = {"lexical": "termo", "embedding": "semelhança", "llm": "modelo, confirmado no texto"}


@dataclass(frozen=True, slots=True)
class Story:
    """Everything a reason may mention."""

    decision: Decision
    causes: tuple[str, ...]
    score: float
    terms: Breakdown
    items: tuple[Item, ...]
    rules: tuple[HardRule, ...]

    def short(self) -> str:
        """One sentence or two: the decision and what it came from."""
        causes = [_CAUSES[cause] for cause in self.causes if cause != "score"]
        head = _NAMES[self.decision]
        if not self.items:
            return f"{head}: {'; '.join(causes)}."
        covered = sum(item.situacao == "coberto" for item in self.items)
        told = [f"{covered} de {len(self.items)} conteúdos do destino cobertos", *causes]
        text = f"{head} (pontuação {_number(self.score)}): {'; '.join(told)}."
        lacking = [i.rotulo for i in self.items if i.critico and i.situacao == "faltante"]
        return text + (f" Críticos que faltam: {', '.join(lacking)}." if lacking else "")

    def detailed(self, policy: Policy, origins: Sequence[Subject]) -> str:
        """Every rule, term and item, with the quotations."""
        lines = [self.short(), "", "Regras:"]
        lines += [f"- {'atendida' if r.passou else 'NÃO atendida'}: {r.texto}" for r in self.rules]
        if self.items:
            lines += ["", "Conteúdos do destino:", *(self._line(i, origins) for i in self.items)]
            lines += ["", self._sum(policy)]
        return "\n".join(lines)

    def _line(self, item: Item, origins: Sequence[Subject]) -> str:
        critical = ", crítico" if item.critico else ""
        line = f"- {item.rotulo} (peso {_number(item.peso)}{critical}): {_STATES[item.situacao]}"
        seen = [e for e in item.evidencias if e.lado == "origem"]
        if seen:
            first = seen[0]
            where = f" de {origins[first.indice].nome}" if len(origins) > 1 else ""
            line += f" — “{first.trecho}”{where} ({_METHODS[first.metodo]})"
        return line

    def _sum(self, policy: Policy) -> str:
        terms = self.terms
        return (
            f"Pontuação = 100 × ({_number(policy.weight_coverage)} × {_number(terms.cobertura)} "
            f"+ {_number(policy.weight_critical)} × {_number(terms.cobertura_critica)} "
            f"− {_number(policy.weight_level)} × {_number(terms.penalidade_nivel)}) "
            f"= {_number(self.score)}; defere a partir de {_number(policy.approve_at)}, "
            f"analisa a partir de {_number(policy.review_at)}."
        )


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".").replace(".", ",")
