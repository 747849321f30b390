"""atalaia runbook: procedures that run, and keep what they said."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

import typer

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import NotAuthenticated, Unavailable, UsageError
from atalaia.kernel.watch import runbook as texts
from atalaia.kernel.watch.runbook import Cell, Runbook
from atalaia.kernel.work.runner import whoami
from atalaia.serve.cli import CRITICAL, OK, WARNING
from atalaia.serve.cli.app import Command, Group
from atalaia.serve.cli.data import Limit
from atalaia.serve.cli.output import Format, Shape, say, show, show_one

Name = Annotated[str, typer.Argument(help="O nome que 'runbook list' mostra.")]
RunId = Annotated[UUID, typer.Argument(help="O número que 'runbook runs' mostra.")]
Why = Annotated[str, typer.Option("--reason", help="Por quê; fica na auditoria.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Confirma o que pede confirmação.")]

runbook = typer.Typer(
    cls=Group, add_completion=False, help="Procedimentos que se executam e guardam a prova."
)


@runbook.command("list", cls=Command)
def runbook_list(shape: Shape = None) -> int:
    """Os runbooks que há: de quem são, a que alertas respondem, quantas células têm."""
    found: list[dict[str, Any]] = []
    for name in texts.names():
        try:
            found.append(told(texts.find(name)))
        except UsageError as error:
            say(error.message)
    show(found, shape, ("name", "title", "severity", "owner", "alerts", "arguments", "place"))
    return OK


def told(found: Runbook) -> dict[str, Any]:
    """What lists say of a runbook."""
    return {
        "name": found.name,
        "title": found.head.title,
        "severity": found.head.severity,
        "owner": found.head.owner,
        "alerts": list(found.head.alerts),
        "arguments": [argument.name for argument in found.head.arguments],
        "place": found.head.place,
        "cells": len(found.cells),
        "danger": any(cell.danger for cell in found.cells),
        "sha256": found.sha256,
    }


@runbook.command("show", cls=Command)
def runbook_show(name: Name, shape: Shape = None) -> int:
    """O texto de um runbook; com --format json, as suas células."""
    found = texts.find(name)
    if shape in (None, Format.TABLE) and sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(found.text.partition("\n---\n")[2]))
    elif shape in (None, Format.TABLE):
        print(found.text)
    else:
        show_one(told(found) | {"cells": [shown(cell) for cell in found.cells]}, shape)
    return OK


def shown(cell: Cell) -> dict[str, Any]:
    """What is said of a cell before it is executed."""
    return {
        "name": cell.name,
        "source": cell.source.strip(),
        "confirm": cell.confirm,
        "danger": cell.danger,
        "optional": cell.optional,
        "timeout_seconds": cell.timeout,
        "line": cell.line,
    }


@runbook.command("run", cls=Command)
def runbook_run(
    name: Name,
    reason: Why,
    argument: Annotated[
        list[str] | None, typer.Option("--arg", help="nome=valor; um --arg para cada.")
    ] = None,
    cell: Annotated[str | None, typer.Option("--cell", help="Só esta célula.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="Desta célula em diante.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Mostra e não executa nada.")] = False,
    yes: Yes = False,
    shape: Shape = None,
) -> int:
    """Executa um runbook, célula a célula, e guarda o que cada uma disse.

    Sai com 0 quando todas deram o esperado, 1 quando espera a aprovação de outra pessoa, 2 quando
    uma não deu.
    """
    from atalaia.kernel.watch import runbook_run as running
    from atalaia.kernel.watch.runbook_evidence import catch_up

    found = texts.find(name)
    given = _given(argument or [])
    if dry_run:
        chosen = found.chosen(cell, start)
        values = found.values(given, chosen)
        for one in chosen:
            _tell_cell(one)
        say(f"Nada foi executado. Argumentos: {values or 'nenhum'}.")
        return OK
    state = running.begin(
        found, given, actor=whoami(), trigger="cli", reason=reason, only=cell, start=start
    )
    _require_confirmable(found, [one.name for one in state.cells if one.status == "pending"], yes)
    with suppress(Unavailable):
        catch_up()
    say(f"{found.name}: execução {state.run_id}")
    return _go(state, yes, shape)


@runbook.command("resume", cls=Command)
def runbook_resume(run_id: RunId, reason: Why, yes: Yes = False, shape: Shape = None) -> int:
    """Segue uma execução que parou: a que esperava aprovação, falhou ou foi interrompida."""
    from atalaia.kernel.watch import runbook_run as running
    from atalaia.kernel.watch.runbook_evidence import load

    state = load(str(run_id))
    running.resume(state, actor=whoami(), reason=_said(reason))
    left = [one.name for one in state.cells if one.status not in ("passed", "skipped")]
    _require_confirmable(texts.find(state.runbook), left, yes)
    return _go(state, yes, shape)


def _go(state: Any, yes: bool, shape: Format | None) -> int:
    from atalaia.kernel.watch import runbook_run as running

    hearing = running.Hearing(_tell_cell, say, lambda one: yes or _asked(one))
    running.proceed(state, hearing)
    for one in state.cells:
        say(f"  {one.status:8} {one.name}{f': {one.why}' if one.why else ''}")
    ends = {"succeeded": "terminou bem", "waiting": "espera", "failed": "parou"}
    say(f"{state.runbook} {ends[state.status]}. {state.error or ''}".strip())
    for line in running.next_step(state):
        say(line)
    if not state.saved or state.records:
        say("A prova está guardada ao lado; vai para o banco quando ele responder.")
    if shape is not None:
        show_one(_without_texts(asdict(state)), shape)
    return {"succeeded": OK, "waiting": WARNING}.get(state.status, CRITICAL)


def _without_texts(state: dict[str, Any]) -> dict[str, Any]:
    hidden = ("text", "records", "saved")
    return {name: value for name, value in state.items() if name not in hidden}


def _tell_cell(cell: Cell) -> None:
    marks = " (confirma)" if cell.confirm else " (pede uma segunda pessoa)" if cell.danger else ""
    say(f"── {cell.name}{marks}")
    for line in cell.source.strip().splitlines():
        say(f"   $ {line}")


def _require_confirmable(found: Runbook, names: list[str], yes: bool) -> None:
    asking = [cell.name for cell in found.cells if cell.confirm and cell.name in names]
    if asking and not yes and not sys.stdin.isatty():
        raise UsageError(
            f"{', '.join(asking)} pede confirmação. Nada foi executado.", todo="Repita com --yes."
        )


def _asked(cell: Cell) -> bool:
    return bool(typer.confirm(f"Executar '{cell.name}'?", default=False, err=True))


def _given(written: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in written]
    if not all(name and equals for name, equals, _ in pairs):
        raise UsageError("--arg é nome=valor. Nada foi executado.")
    return {name: value for name, _, value in pairs}


def _said(reason: str) -> str:
    if not reason.strip():
        raise UsageError("--reason não pode ser vazio. Nada foi mudado.")
    return reason.strip()


@runbook.command("approve", cls=Command)
def runbook_approve(run_id: RunId, reason: Why) -> int:
    """Aprova, como segunda pessoa, a célula que espera. Pede a chave de quem aprova.

    Quem iniciou não aprova, nem a chave da própria máquina. Sem terminal, a chave vem pela
    entrada padrão.
    """
    from atalaia.kernel.watch.runbook_approval import approve

    done = approve(str(run_id), _approver(), reason=_said(reason), trigger="cli")
    say(f"'{done['cell']}' de {done['runbook']} foi aprovada, uma vez.")
    if done["trigger"] == "cli":
        say(f"Quem iniciou segue com: atalaia runbook resume {run_id} --reason …")
    else:
        from atalaia.serve.runbooks import ask_to_go_on

        ask_to_go_on(str(run_id), actor="segunda pessoa", reason=_said(reason))
    return OK


def _approver() -> Any:
    """Who the key belongs to that the second person types or pipes in."""
    from atalaia.kernel.keep import keys
    from atalaia.kernel.keep.audit import DEFAULT_TENANT
    from atalaia.kernel.watch.runbook_approval import Approver

    if sys.stdin.isatty():
        secret = typer.prompt("A chave de quem aprova", hide_input=True, err=True)
    else:
        secret = sys.stdin.readline()
    with transaction() as connection:
        key = keys.find(connection, str(secret).strip())
    if key is None or key.tenant_id != DEFAULT_TENANT:
        raise NotAuthenticated("Essa chave não vale aqui. Nada foi aprovado.")
    return Approver(key.name, key.prefix, key.role)


@runbook.command("runs", cls=Command)
def runbook_runs(
    run_id: Annotated[UUID | None, typer.Argument(help="Só esta, com cada célula.")] = None,
    limit: Limit = 20,
    shape: Shape = None,
) -> int:
    """As execuções de runbooks, da mais nova para a mais velha; de uma, o que cada célula disse."""
    from atalaia.kernel.watch.runbook_evidence import catch_up, load
    from atalaia.kernel.watch.runbook_runs import listed

    catch_up()
    if run_id is None:
        with transaction() as connection:
            found = listed(connection, limit)
        show(found, shape, ("runbook_run_id", "runbook", "status", "actor", "started_at", "error"))
        return OK
    state = _without_texts(asdict(load(str(run_id))))
    if shape not in (None, Format.TABLE) or not sys.stdout.isatty():
        show_one(state, shape)
        return OK
    cells = state.pop("cells")
    show_one(state, shape)
    for cell in cells:
        say(f"── {cell['name']}: {cell['status']} {cell['why'] or ''}")
        print(cell["output"])
    return OK


@runbook.command("verify", cls=Command)
def runbook_verify(
    name: Annotated[str | None, typer.Argument(help="Só este; padrão: todos.")] = None,
    shape: Shape = None,
) -> int:
    """Confere que cada comando de cada célula existe, sem executar nada. Sai com 2 se algum não."""
    from atalaia.serve.cli.runbook_check import problems_of

    names = [name] if name else texts.names()
    found = [{"runbook": one, "problem": said} for one in names for said in problems_of(one)]
    show(found, shape)
    say(f"{len(names)} runbooks, {len(found)} problemas.")
    return CRITICAL if found else OK
