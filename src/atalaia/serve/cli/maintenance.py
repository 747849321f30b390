"""Maintenance windows on the command line."""

from __future__ import annotations

from typing import Annotated

import typer

from atalaia.kernel.base.database import transaction
from atalaia.kernel.watch import maintenance as windows
from atalaia.kernel.work.runner import whoami
from atalaia.serve.cli import OK
from atalaia.serve.cli.app import Command, Group
from atalaia.serve.cli.data import Limit, ask
from atalaia.serve.cli.letters import Why, said
from atalaia.serve.cli.moments import moment
from atalaia.serve.cli.output import Shape, say, show, show_one

maintenance = typer.Typer(cls=Group, add_completion=False, help="Janelas de manutenção.")


@maintenance.command("list", cls=Command)
def maintenance_list(limit: Limit = 20, shape: Shape = None) -> int:
    """As janelas, da mais nova para a mais velha."""
    found = ask(
        """SELECT w.window_id, w.title, w.rules, w.subjects, w.starts_at, m.until, w.created_by,
                  w.reason, m.starts_at <= now() AND now() < m.until AS active
           FROM ops.maintenance_windows w JOIN ops.maintenance m USING (window_id)
           ORDER BY w.starts_at DESC, w.window_id DESC LIMIT %(limit)s""",
        {"limit": limit},
    )
    show(found, shape, ("window_id", "title", "starts_at", "until", "active", "reason"))
    return OK


@maintenance.command("add", cls=Command)
def maintenance_add(
    title: Annotated[str, typer.Argument(help="O que será feito.")],
    until: Annotated[str, typer.Option("--until", help="Até quando: 2h, 2027-01-31T22:00-03:00.")],
    reason: Why,
    start: Annotated[str, typer.Option("--from", help="Desde quando; padrão: agora.")] = "0m",
    rules: Annotated[
        list[str] | None, typer.Option("--rule", help="Só desta regra; repete-se.")
    ] = None,
    subjects: Annotated[
        list[str] | None, typer.Option("--subject", help="Só deste job, fonte ou disco; repete-se.")
    ] = None,
    shape: Shape = None,
) -> int:
    """Anuncia uma janela: alertas dela ficam à vista e não avisam, checks continuam, e as
    execuções que começam nela não contam nos SLOs."""
    with transaction() as connection:
        made = windows.add(
            connection, title=title, starts_at=moment(start), ends_at=moment(until),
            rules=rules or (), subjects=subjects or (), actor=whoami(), reason=said(reason),
            trigger="cli",
        )  # fmt: skip
    show_one(made, shape)
    return OK


@maintenance.command("cancel", cls=Command)
def maintenance_cancel(
    window_id: Annotated[int, typer.Argument(help="O número que 'maintenance list' mostra.")],
    reason: Why,
) -> int:
    """Termina uma janela agora."""
    with transaction() as connection:
        windows.cancel(connection, window_id, actor=whoami(), reason=said(reason), trigger="cli")
    say(f"Janela {window_id}: terminada.")
    return OK
