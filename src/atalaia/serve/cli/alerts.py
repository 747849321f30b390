"""Alerts on the command line: what needs somebody, and that somebody is at it."""

from __future__ import annotations

from typing import Annotated

import typer

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.work.runner import whoami
from atalaia.serve.cli import CRITICAL, OK, WARNING
from atalaia.serve.cli.app import Command, Group
from atalaia.serve.cli.data import Limit, ask
from atalaia.serve.cli.letters import Why, said
from atalaia.serve.cli.moments import moment
from atalaia.serve.cli.output import Shape, say, show, show_one

alerts = typer.Typer(cls=Group, add_completion=False, help="O que precisa de alguém agora.")
Number = Annotated[int, typer.Argument(help="O número que 'alerts list' mostra.")]
Until = Annotated[
    str | None, typer.Option("--until", help="Até quando: 2h, 1d, 2027-01-31T22:00-03:00.")
]


@alerts.command("list", cls=Command)
def alerts_list(
    everything: Annotated[bool, typer.Option("--all", help="Os resolvidos também.")] = False,
    limit: Limit = 100,
    shape: Shape = None,
) -> int:
    """Os alertas abertos, do mais grave ao menos. Sai com 2 se um crítico ou alto não tem quem
    cuide, 1 se há outros."""
    found = ask(
        """SELECT alert_id, rule, subject, title, says, severity::text, shown::text AS state, owner,
                  runbook, arguments, first_seen_at, last_seen_at, count, flapping, follows,
                  acknowledged, acknowledged_by, resolved_at
           FROM ops.alerts_now WHERE %(all)s OR resolved_at IS NULL
           ORDER BY resolved_at DESC NULLS FIRST, shown = 'silenced', follows IS NOT NULL,
                    acknowledged, severity DESC, first_seen_at LIMIT %(limit)s""",
        {"all": everything, "limit": limit},
    )
    columns = ("alert_id", "severity", "state", "title", "says", "first_seen_at", "runbook")
    show(found, shape, columns)
    calling = [
        one
        for one in found
        if one["state"] not in ("ok", "silenced") and not one["acknowledged"] and not one["follows"]
    ]
    if any(one["severity"] in ("critical", "high") for one in calling):
        return CRITICAL
    return WARNING if calling else OK


@alerts.command("show", cls=Command)
def alerts_show(alert_id: Number, shape: Shape = None) -> int:
    """Um alerta inteiro."""
    found = ask("SELECT * FROM ops.alerts_now WHERE alert_id = %(id)s", {"id": alert_id})
    if not found:
        raise NotFound(f"Não há o alerta {alert_id}.", todo="'atalaia alerts list' mostra todos.")
    show_one(found[0], shape)
    return OK


@alerts.command("ack", cls=Command)
def alerts_ack(alert_id: Number, reason: Why, until: Until = None) -> int:
    """Diz que alguém cuida dele: não é lembrado até se resolver, ou até --until."""
    from atalaia.kernel.watch.alerts import acknowledge

    at = moment(until) if until else None
    with transaction() as connection:
        who = {"actor": whoami(), "reason": said(reason), "trigger": "cli"}
        acknowledge(connection, alert_id, until=at, **who)
    say(f"Alerta {alert_id}: reconhecido.")
    return OK


@alerts.command("silence", cls=Command)
def alerts_silence(
    alert_id: Number,
    reason: Why,
    until: Annotated[str, typer.Option("--until", help="Até quando: 2h, 1d, 2027-01-31T22:00Z.")],
) -> int:
    """Não avisa ninguém sobre ele até --until; ele continua à vista."""
    from atalaia.kernel.watch.alerts import silence

    with transaction() as connection:
        who = {"actor": whoami(), "reason": said(reason), "trigger": "cli"}
        silence(connection, alert_id, until=moment(until), **who)
    say(f"Alerta {alert_id}: silenciado.")
    return OK


@alerts.command("rules", cls=Command)
def alerts_rules(shape: Shape = None) -> int:
    """Cada regra: quando dispara, quem responde, que runbook oferece."""
    from atalaia.serve.watching import rules

    rows = (
        {
            "rule": rule.id,
            "severity": str(rule.severity),
            "owner": rule.owner,
            "fires": rule.fires,
            "runbook": rule.runbook,
            "depends_on": list(rule.depends_on),
            "cooldown_minutes": rule.cooldown_minutes,
        }
        for rule in rules()
    )
    show(rows, shape, ("rule", "severity", "owner", "fires", "runbook"))
    return OK
