"""One concept in two topics: naming it once does not cover both. What an origin leaves out, and
what only looks alike, does not decide either."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from atalaia.kernel.ai.embedding import Vectors
from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.match.engine import evaluate
from atalaia.kernel.match.mappers import Mappers
from atalaia.kernel.match.subjects import Policy, Subject, Taxonomy
from atalaia.kernel.match.verdict import Verdict

TAXONOMY = Taxonomy.from_dict(
    {
        "area": "t",
        "version": "1",
        "label": "Teste",
        "concepts": {
            "c.lexica": ["Análise léxica"],
            "c.sintatica": ["Análise sintática"],
            "c.geracao": ["Geração de código", "código intermediário", "código objeto"],
            "c.uml": ["Diagramas da UML"],
            "c.requisitos": ["Engenharia de requisitos", "casos de uso"],
        },
        "subjects": {"comp": {"names": ["Compiladores"], "critical": ["c.geracao"]}},
    }
)
TAUGHT = ("Análise léxica", "Análise sintática", "Código intermediário", "Geração de código objeto")


def verdict(*origins: str, to: Sequence[str] = TAUGHT, mappers: Mappers | None = None) -> Verdict:
    given: dict[str, Any] = {"carga_horaria": 60, "ano_conclusao": 2024}
    return evaluate(
        [Subject("Tradutores", ementa=said, **given) for said in origins],
        Subject("Compiladores", 60, ". ".join(to) + "."),
        policy=Policy(),
        taxonomy=TAXONOMY,
        mappers=mappers or Mappers(),
        year=2026,
    )


def state(given: Verdict, code: str) -> str:
    return next(item.situacao for item in given.itens if item.conceito == code)


def test_two_topics_of_a_critical_concept_ask_for_two_topics_of_the_origin() -> None:
    assert verdict(". ".join(TAUGHT)).decisao == "DEFERIDO"
    once = verdict(". ".join(TAUGHT[:3]) + ". Teoria dos números e criptografia.")
    assert (once.decisao, once.motivos) == ("ANALISE_HUMANA", ("duvida",))
    assert state(once, "c.geracao") == "duvidoso"
    assert {state(once, "c.lexica"), state(once, "c.sintatica")} == {"coberto"}


def test_two_origins_together_may_answer_both() -> None:
    assert (
        verdict(
            "Análise léxica. Código intermediário. Otimizações diversas.",
            "Análise sintática. Código objeto. Outras questões.",
        ).decisao
        == "DEFERIDO"
    )


def test_a_topic_that_answers_another_sentence_does_not_answer_in_passing_too() -> None:
    asked = ["Engenharia de requisitos", "Diagramas da UML", "Análise léxica", "Código objeto"]
    passing = "Diagramas da UML: casos de uso. Análise léxica. Código objeto. Grafos e redes."
    given = verdict(passing, to=asked)
    assert state(given, "c.requisitos") == "duvidoso"
    own = "Diagramas da UML. Casos de uso. Análise léxica. Código objeto. Grafos e redes."
    assert state(verdict(own, to=asked), "c.requisitos") == "coberto"
    assert verdict(own, to=asked).score > given.score


def test_a_long_list_is_as_many_topics_as_it_has() -> None:
    assert (
        verdict("Análise léxica, análise sintática, código intermediário, código objeto.").decisao
        == "DEFERIDO"
    )


def test_the_order_of_the_syllabi_changes_nothing() -> None:
    said = ["Análise léxica", "Análise sintática", "Código intermediário", "Grafos em redes"]
    seen = {
        (given.decisao, frozenset((i.conceito, i.situacao) for i in given.itens))
        for order in permutations(said)
        for given in [verdict(". ".join(order))]
    }
    assert len(seen) == 1


@pytest.mark.parametrize(
    "left_out",
    [
        "Não inclui geração de código.",
        "Com exceção da geração de código.",
        "À exceção de código objeto.",
        "Fica fora do programa: código objeto.",
        "Ficam de fora: geração de código.",
        "A geração de código não é objeto desta disciplina.",
        "Deixa de abordar geração de código.",
        "O código objeto será deixado de fora.",
        "Geração de código excetuada.",
    ],
)
def test_what_an_origin_says_it_leaves_out_is_in_doubt_though_it_names_it(left_out: str) -> None:
    given = verdict(". ".join(TAUGHT) + ". " + left_out)
    assert (given.decisao, state(given, "c.geracao")) == ("ANALISE_HUMANA", "duvidoso")
    assert [one.motivo for one in given.trechos_ignorados] == ["negated"]
    other = "Código intermediário. Geração de código objeto. Projeto de tradutores."
    assert state(verdict(". ".join(TAUGHT) + ". " + left_out, other), "c.geracao") == "coberto"


def test_mutually_exclusive_events_are_no_exclusion() -> None:
    given = verdict(". ".join(TAUGHT) + ". Eventos mutuamente excludentes.")
    assert (given.decisao, given.trechos_ignorados) == ("DEFERIDO", ())


class _Alike:
    """An embedder to which everything is the same."""

    name = "usem3@same"

    def embed(self, texts: Sequence[str], deadline: Deadline) -> Vectors:
        return np.ones((len(texts), 4), dtype=np.float32) / 2


def test_a_likeness_alone_covers_nothing_critical() -> None:
    given = verdict(
        "Análise léxica. Análise sintática. Tradução para a máquina alvo.",
        mappers=Mappers([_Alike()]),
    )
    assert (given.decisao, state(given, "c.geracao")) == ("ANALISE_HUMANA", "duvidoso")


def test_a_critical_concept_the_destination_does_not_show_may_be_what_is_not_covered() -> None:
    asked = ["Análise léxica", "Análise sintática", "Diagramas da UML", "Requisitos: casos de uso"]
    asked += ["Análise léxica de textos", "Produção final"]
    said = ". ".join([*asked[:-1], "Código objeto"])
    given = verdict(said, to=asked)
    assert "critico_nao_visto" in given.motivos
    assert given.decisao == "ANALISE_HUMANA"
