"""atalaia retention: what is old enough to go, shown first, then removed exactly so."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from atalaia.kernel.keep import retention as keeping
from atalaia.kernel.work.runner import whoami
from atalaia.serve.cli import OK
from atalaia.serve.cli.app import Command, Group
from atalaia.serve.cli.backup import Override, Why, said
from atalaia.serve.cli.output import Shape, say, show

retention = typer.Typer(
    cls=Group, add_completion=False, help="O que já pode ir embora: plano, depois a limpeza."
)


@retention.command("plan", cls=Command)
def retention_plan(shape: Shape = None) -> int:
    """O que seria apagado agora, e o nome do plano. Nada é apagado."""
    steps = keeping.plan()
    show(map(asdict, steps), shape)
    say(f"Para apagar exatamente isto: atalaia retention apply {keeping.plan_id(steps)} --reason …")
    return OK


@retention.command("apply", cls=Command)
def retention_apply(
    plan: Annotated[str, typer.Argument(help="O nome que 'retention plan' mostrou.")],
    reason: Why,
    override: Override = False,
    shape: Shape = None,
) -> int:
    """Apaga o que o plano diz, se ele ainda é o mesmo; cada coisa fica na auditoria."""
    done = keeping.apply(
        plan, actor=whoami(), trigger="cli", reason=said(reason), override=override
    )
    show(map(asdict, done), shape)
    say(f"{len(done)} apagados.")
    return OK
