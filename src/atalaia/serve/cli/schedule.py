"""The schedule on the command line: looked at, paused, resumed, run beside its hour."""

from __future__ import annotations

from typing import Annotated

import typer

from atalaia.kernel.work import schedule as due
from atalaia.kernel.work.runner import whoami
from atalaia.serve.cli import OK
from atalaia.serve.cli.app import Command, Group
from atalaia.serve.cli.data import ask
from atalaia.serve.cli.letters import Why, said, wake_up
from atalaia.serve.cli.output import Shape, say, show

schedule = typer.Typer(cls=Group, add_completion=False, help="O que vem de tempo em tempo.")
Name = Annotated[str, typer.Argument(help="O nome que 'schedule list' mostra.")]


@schedule.command("list", cls=Command)
def schedule_list(shape: Shape = None) -> int:
    """O que está na agenda, quando vem e a última vez que veio."""
    columns = ("name", "recurrence", "next_due_at", "last_due_at", "last_missed", "paused_at")
    show(ask(due.LISTED), shape, columns)
    return OK


@schedule.command("pause", cls=Command)
def schedule_pause(name: Name, reason: Why) -> int:
    """Deixa de pedir, até 'schedule resume'."""
    due.pause(name, actor=whoami(), reason=said(reason), trigger="cli")
    say(f"{name}: em pausa.")
    return OK


@schedule.command("resume", cls=Command)
def schedule_resume(name: Name, reason: Why) -> int:
    """Volta a pedir, da próxima vez em diante; o que caiu na pausa não é feito."""
    moment = due.resume(name, actor=whoami(), reason=said(reason), trigger="cli")
    say(f"{name}: a próxima vez é {moment:%Y-%m-%d %H:%M} UTC.")
    return OK


@schedule.command("run-now", cls=Command)
def schedule_run_now(name: Name, reason: Why) -> int:
    """Pede agora, fora de hora; a agenda fica como está."""
    from atalaia.serve.scheduler import payload_of, scheduled

    one = scheduled(name)
    who = {"actor": whoami(), "reason": said(reason), "trigger": "cli"}
    batch = due.run_now(one, payload_of(one), **who)
    wake_up()
    say(f"{name}: aceito como {batch}; 'atalaia work show {batch}' diz como vai.")
    return OK
