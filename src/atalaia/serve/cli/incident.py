"""Incidents on the command line: declared, updated, resolved; their snapshot and post-mortem."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.watch import contacts, incident_texts, incidents
from atalaia.kernel.watch.severity import severity_of
from atalaia.kernel.work.runner import whoami
from atalaia.serve import catalog
from atalaia.serve.cli import CRITICAL, OK
from atalaia.serve.cli.app import Command, Group
from atalaia.serve.cli.data import Limit, ask
from atalaia.serve.cli.letters import Why, said
from atalaia.serve.cli.output import Shape, say, show, show_one

incident = typer.Typer(cls=Group, add_completion=False, help="Incidentes.")
Number = Annotated[int, typer.Argument(help="O número que 'incident list' mostra.")]
Bad = Annotated[str | None, typer.Option("--severity", help="P1…P4, SEV-1…SEV-4, Crítico…")]


class Status(StrEnum):
    """How it stands."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"


def _who(reason: str) -> dict[str, Any]:
    return {"actor": whoami(), "reason": said(reason), "trigger": "cli"}


@incident.command("list", cls=Command)
def incident_list(limit: Limit = 20, shape: Shape = None) -> int:
    """Os incidentes, do mais novo para o mais velho. Sai com 2 se um está aberto."""
    found = ask(
        """SELECT incident_id, title, severity::text, status::text, commander, declared_at,
                  escalation_level, next_update_due_at, resolved_at
           FROM ops.incidents ORDER BY declared_at DESC, incident_id DESC LIMIT %(limit)s""",
        {"limit": limit},
    )
    show(found, shape)
    return CRITICAL if any(one["resolved_at"] is None for one in found) else OK


@incident.command("show", cls=Command)
def incident_show(incident_id: Number, shape: Shape = None) -> int:
    """Um incidente com a linha do tempo, e quem é chamado no nível em que está."""
    found = ask("SELECT * FROM ops.incidents WHERE incident_id = %(id)s", {"id": incident_id})
    if not found:
        raise NotFound(
            f"Não há o incidente {incident_id}.", todo="'atalaia incident list' mostra os que há."
        )
    events = ask(
        """SELECT at, kind, actor, says FROM ops.incident_events WHERE incident_id = %(id)s
           ORDER BY event_id""",
        {"id": incident_id},
    )
    levels = catalog.voice(found[0]["domain"]).levels()
    called = contacts.people(found[0]["escalation_level"], levels)
    show_one({**found[0], "contacts": called, "events": events}, shape)
    return OK


@incident.command("declare", cls=Command)
def incident_declare(
    reason: Why,
    alerts: Annotated[
        list[int] | None, typer.Option("--alert", help="Número de um alerta; repete-se.")
    ] = None,
    title: Annotated[str, typer.Option("--title", help="Padrão: o do alerta mais grave.")] = "",
    severity: Bad = None,
    impact: Annotated[str, typer.Option("--impact", help="Quem sente o quê.")] = "",
    affected: Annotated[
        list[str] | None, typer.Option("--affected", help="O que é afetado; repete-se.")
    ] = None,
    commander: Annotated[str, typer.Option("--commander", help="Quem conduz.")] = "",
    domain: Annotated[
        str | None, typer.Option("--domain", help="De que domínio. Padrão: o dos alertas.")
    ] = None,
    shape: Shape = None,
) -> int:
    """Declara um incidente, de alertas ou à mão, e mostra o texto que foi avisado."""
    with transaction() as connection:
        made = incidents.declare(
            connection, voices=catalog.voice, domain=_whose(domain, alerts or ()),
            alerts=alerts or (), title=title, impact=impact, affected=affected or (),
            severity=severity_of(severity) if severity else None, commander=commander,
            **_who(reason),
        )  # fmt: skip
    return _told(made, shape)


def _whose(given: str | None, alerts: Sequence[int]) -> str:
    """The domain that was named, or the one whose rules all these alerts are of."""
    if given is None:
        found = ask("SELECT rule FROM ops.alerts WHERE alert_id = ANY (%(ids)s)",
                    {"ids": list(alerts)})  # fmt: skip
        return catalog.owner_of({one["rule"] for one in found})
    known = [one.name for one in catalog.domains()]
    if given and given not in known:
        raise NotFound(f"Não há o domínio '{given}'.", todo=f"Há: {', '.join(known)}.")
    return given


@incident.command("update", cls=Command)
def incident_update(
    incident_id: Number,
    reason: Annotated[str, typer.Option("--reason", help="O que foi feito; fica na auditoria.")],
    status: Annotated[Status | None, typer.Option("--status", help="Como está.")] = None,
    severity: Bad = None,
    next_steps: Annotated[str, typer.Option("--next", help="O que vem a seguir.")] = "",
    eta: Annotated[str, typer.Option("--eta", help="Previsão.")] = "",
    shape: Shape = None,
) -> int:
    """Diz o que foi feito e como está; a próxima atualização é esperada em 30 minutos."""
    with transaction() as connection:
        made = incidents.update(
            connection, incident_id, status=status.value if status else None,
            severity=severity_of(severity) if severity else None, next_steps=next_steps, eta=eta,
            voices=catalog.voice, **_who(reason),
        )  # fmt: skip
    return _told(made, shape)


@incident.command("resolve", cls=Command)
def incident_resolve(
    incident_id: Number,
    cause: Annotated[str, typer.Option("--cause", help="A causa.")],
    resolution: Annotated[str, typer.Option("--resolution", help="O que resolveu.")],
    reason: Why,
    prevention: Annotated[str, typer.Option("--prevention", help="O que evita outra vez.")] = "",
    shape: Shape = None,
) -> int:
    """Encerra um incidente. O post-mortem é esperado em 24 horas."""
    with transaction() as connection:
        made = incidents.resolve(
            connection, incident_id, root_cause=cause, resolution=resolution,
            prevention=prevention, voices=catalog.voice, **_who(reason),
        )  # fmt: skip
    return _told(made, shape)


def _told(row: dict[str, Any], shape: Shape) -> int:
    (last,) = ask(
        """SELECT details ->> 'text' AS text FROM ops.incident_events
           WHERE incident_id = %(id)s AND details ? 'text' ORDER BY event_id DESC LIMIT 1""",
        {"id": row["incident_id"]},
    )
    say(last["text"])
    show_one({**row, "text": last["text"]}, shape, ("text",))
    return OK


@incident.command("snapshot", cls=Command)
def incident_snapshot(
    reason: Why,
    incident_id: Annotated[int | None, typer.Argument(help="De um, ou de nenhum.")] = None,
    shape: Shape = None,
) -> int:
    """Guarda num arquivo o retrato de agora: alertas, execuções, fila, prontidão, registros."""
    from atalaia.kernel.watch import snapshot

    show_one(snapshot.take(incident_id=incident_id, **_who(reason)), shape)
    return OK


@incident.command("postmortem", cls=Command)
def incident_postmortem(
    incident_id: Number,
    written: Annotated[
        str, typer.Option("--written", help="Está pronto, e está aqui (endereço ou arquivo).")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", help="Com --written; vai à auditoria.")] = "",
) -> int:
    """O rascunho do post-mortem, em Markdown: fatos da linha do tempo e da auditoria.

    Com --written diz que foi entregue, e ninguém mais é lembrado dele.
    """
    with transaction() as connection:
        if written:
            incidents.postmortem_written(connection, incident_id, where=written, **_who(reason))
            say(f"O post-mortem do incidente {incident_id} está em {written}.")
            return OK
        print(incident_texts.postmortem(connection, incident_id))
    return OK
