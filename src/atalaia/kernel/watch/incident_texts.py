"""What is told of an incident, in pt-BR, from the figures of the moment; and its post-mortem."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.watch.severity import NAMES, Severity

STATUSES = {
    "investigating": "Investigando",
    "identified": "Causa identificada",
    "monitoring": "Acompanhando",
    "resolved": "Resolvido",
}


def declaration(connection: Connection, row: Mapping[str, Any]) -> str:
    """What is told when it is declared."""
    return "\n".join(
        [
            f"🚨 INCIDENTE DECLARADO: {row['title']}",
            "",
            f"Severidade: {severity_words(row['severity'])}",
            f"Início: {_when(row['started_at'])}",
            f"Afetado: {', '.join(row['affected']) or 'a apurar'}",
            f"Impacto: {row['impact'] or 'a apurar'}",
            f"Quem conduz: {row['commander']}",
            f"Agora: {figures(connection, row['incident_id'])}",
            "",
            f"Próxima atualização até {_when(row['next_update_due_at'])}.",
        ]
    )


def news(
    connection: Connection, row: Mapping[str, Any], done: str, next_steps: str, eta: str
) -> str:
    """What is told while it goes on."""
    return "\n".join(
        [
            f"📊 INCIDENTE, ATUALIZAÇÃO: {row['title']}",
            "",
            f"Situação: {STATUSES[row['status']]} · {severity_words(row['severity'])}",
            f"Feito: {done}",
            f"A seguir: {next_steps or 'a definir'}",
            f"Previsão: {eta or 'sem previsão'}",
            f"Agora: {figures(connection, row['incident_id'])}",
            "",
            f"Próxima atualização até {_when(row['next_update_due_at'])}, se não for resolvido.",
        ]
    )


def end(row: Mapping[str, Any]) -> str:
    """What is told when it is over."""
    return "\n".join(
        [
            f"✅ INCIDENTE RESOLVIDO: {row['title']}",
            "",
            f"Resolvido: {_when(row['resolved_at'])}",
            f"Duração: {duration(row['resolved_at'] - row['started_at'])}",
            f"Causa: {row['root_cause']}",
            f"Resolução: {row['resolution']}",
            f"Prevenção: {row['prevention'] or 'a definir no post-mortem'}",
            "",
            f"Post-mortem até {_when(row['postmortem_due_at'])}.",
        ]
    )


def severity_words(step: str) -> str:
    """A step by all its names: Crítico (P1, SEV-1)."""
    names = NAMES[Severity(step)]
    return f"{names.word} ({names.p}, {names.sev})"


def duration(length: timedelta) -> str:
    """Whole hours and minutes: '1 hora e 5 minutos'."""
    hours, minutes = divmod(int(length.total_seconds()) // 60, 60)
    words = [
        f"{count} {one if count == 1 else many}"
        for count, one, many in ((hours, "hora", "horas"), (minutes, "minuto", "minutos"))
        if count
    ]
    return " e ".join(words) or "menos de 1 minuto"


def figures(connection: Connection, incident_id: int) -> str:
    """How things stand at this moment, in one sentence of numbers."""
    row = connection.execute(
        """SELECT (SELECT count(*) FROM ops.incident_alerts i JOIN ops.alerts a USING (alert_id)
                   WHERE i.incident_id = %s AND a.resolved_at IS NULL) AS own,
                  (SELECT count(*) FROM ops.alerts WHERE resolved_at IS NULL) AS alerts,
                  (SELECT count(*) FROM ops.work_items
                   WHERE status = 'queued' AND due_at <= now()) AS waiting,
                  (SELECT count(*) FROM ops.dead_letters WHERE NOT resolved) AS letters,
                  (SELECT count(*) FROM ops.pipeline_runs WHERE run_status IN ('failed', 'blocked')
                   AND started_at_utc > now() - interval '24 hours') AS failed""",
        (incident_id,),
    ).fetchone()
    assert row is not None  # noqa: S101  a SELECT without FROM gives its row
    return (
        f"{row['own']} alertas deste incidente abertos, {row['alerts']} ao todo; "
        f"{row['waiting']} itens na fila; {row['letters']} linhas postas de lado; "
        f"{row['failed']} execuções sem sucesso em 24 horas"
    )


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def postmortem(connection: Connection, incident_id: int) -> str:
    """A draft in Markdown: the facts are from the timeline, the alerts and the audit log; what only
    people know is left to be written. Raises NotFound."""
    row = connection.execute(
        "SELECT * FROM ops.incidents WHERE incident_id = %s", (incident_id,)
    ).fetchone()
    if row is None:
        raise NotFound("Não há esse incidente.", todo="'atalaia incident list' mostra os que há.")
    until = row["resolved_at"]
    lasted = duration(until - row["started_at"]) if until else "ainda aberto"
    return "\n".join(
        [
            f"# Post-mortem: {row['title']}",
            "",
            f"Incidente {incident_id} · {severity_words(row['severity'])} · "
            f"{STATUSES[row['status']]}",
            "",
            "| | |",
            "|---|---|",
            f"| Início | {_when(row['started_at'])} |",
            f"| Declarado | {_when(row['declared_at'])} por {row['declared_by']} |",
            f"| Resolvido | {_when(until) if until else '–'} |",
            f"| Duração | {lasted} |",
            f"| Afetado | {', '.join(row['affected']) or '–'} |",
            f"| Nível de escalação | {row['escalation_level']} |",
            "",
            "## Impacto",
            "",
            row["impact"] or "_A escrever._",
            "",
            "## Linha do tempo",
            "",
            *_timeline(connection, incident_id),
            "",
            "## Alertas",
            "",
            *_alert_lines(connection, incident_id),
            "",
            "## Decisões registradas na auditoria",
            "",
            *_records(connection, row),
            "",
            "## Causa, resolução, prevenção",
            "",
            f"- Causa: {row['root_cause'] or '_a escrever_'}",
            f"- Resolução: {row['resolution'] or '_a escrever_'}",
            f"- Prevenção: {row['prevention'] or '_a escrever_'}",
            "",
            "## O que deu certo, o que não deu, o que muda",
            "",
            "_A escrever: sem culpados; cada mudança com responsável e prazo._",
            "",
        ]
    )


def _timeline(connection: Connection, incident_id: int) -> list[str]:
    found = connection.execute(
        """SELECT at, kind, actor, says FROM ops.incident_events WHERE incident_id = %s
           ORDER BY event_id""",
        (incident_id,),
    )
    return [f"- {_when(e['at'])} · {e['kind']} · {e['actor']}: {_line(e['says'])}" for e in found]


def _alert_lines(connection: Connection, incident_id: int) -> list[str]:
    found = connection.execute(
        """SELECT a.* FROM ops.incident_alerts i JOIN ops.alerts a USING (alert_id)
           WHERE i.incident_id = %s ORDER BY a.first_seen_at, a.alert_id""",
        (incident_id,),
    ).fetchall()
    return [
        f"- {a['title']} ({a['count']}×), visto de {_when(a['first_seen_at'])} a "
        f"{_when(a['last_seen_at'])}; runbook `{a['runbook']}`"
        for a in found
    ] or ["Nenhum: foi declarado à mão."]


def _records(connection: Connection, row: Mapping[str, Any]) -> list[str]:
    """What the audit log has of the incident and its alerts, with where it stands in its chain."""
    found = connection.execute(
        """SELECT stream, seq, at, actor, action, reason FROM ops.audit_log
           WHERE (stream = 'incidents' AND subject = %(id)s)
              OR (stream = 'alerts' AND subject IN (
                  SELECT alert_id::text FROM ops.incident_alerts WHERE incident_id::text = %(id)s))
           ORDER BY at, stream, seq""",
        {"id": str(row["incident_id"])},
    ).fetchall()
    return [
        f"- {_when(r['at'])} · `{r['stream']}:{r['seq']}` · {r['action']} · {r['actor']}: "
        f"{_line(r['reason'] or '')}"
        for r in found
    ] or ["Nenhuma."]


def _line(text: str) -> str:
    return " ".join(text.split())
