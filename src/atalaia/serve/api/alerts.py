"""Alerts and service levels over HTTP. They are about the installation, so they are the house's.

An alert is acknowledged or silenced by an operator, with a reason; it resolves by itself.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import AwareDatetime

from atalaia.kernel.base.database import pooled, row
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.watch import alerts as decisions
from atalaia.kernel.watch import slo
from atalaia.kernel.watch.severity import Severity
from atalaia.serve.api.access import needs
from atalaia.serve.api.answers import Page, PageSize, answer
from atalaia.serve.api.work import Decision

router = APIRouter(prefix="/v1", tags=["vigia"])

Viewer = Annotated[Caller, Depends(needs("viewer"))]
Operator = Annotated[Caller, Depends(needs("operator"))]
AlertId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Rule = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_-]{1,60}$")]
_COLUMNS = """
    a.alert_id, a.rule, a.subject, a.dedup_key, a.title, a.says, a.owner, a.severity, a.state,
    a.shown, a.value, a.threshold, a.runbook, a.arguments, a.first_seen_at, a.last_seen_at,
    a.count, a.flapping, a.follows, a.told, a.told_at, a.acknowledged, a.acknowledged_at,
    a.acknowledged_by, a.acknowledge_reason, a.acknowledged_until, a.silenced_by,
    a.silence_reason, a.silenced_until, a.window_id, a.resolved_at,
    (SELECT i.incident_id FROM ops.incident_alerts i WHERE i.alert_id = a.alert_id) AS incident_id
"""


@router.get("/alerts", summary="Alertas: o que precisa de alguém, do mais grave ao menos")
def alerts(
    _who: Viewer,
    status: Literal["open", "resolved", "all"] = "open",
    state: Literal["ok", "late", "failed", "unknown", "silenced"] | None = None,
    severity: Severity | None = None,
    rule: Rule = None,
    page: Page = 1,
    page_size: PageSize = 50,
) -> Response:
    """Open ones, worst first; resolved ones, newest first. `state` is as shown, with silence in
    it; `evaluated_at` is when the rules were last asked, and `unasked` how many could not be."""
    found = row(
        f"""WITH fitting AS (
               SELECT {_COLUMNS} FROM ops.alerts_now a
               WHERE (%(status)s = 'all' OR (a.resolved_at IS NULL) = (%(status)s = 'open'))
                 AND (%(state)s::text IS NULL OR a.shown::text = %(state)s)
                 AND (%(severity)s::text IS NULL OR a.severity::text = %(severity)s)
                 AND (%(rule)s::text IS NULL OR a.rule = %(rule)s)),
           page AS (
               SELECT * FROM fitting
               ORDER BY resolved_at DESC NULLS FIRST, shown = 'silenced', follows IS NOT NULL,
                        acknowledged, severity DESC, first_seen_at, alert_id
               LIMIT %(size)s OFFSET %(skip)s)
           SELECT json_build_object(
               'items', coalesce((SELECT json_agg(page) FROM page), '[]'),
               'count', (SELECT count(*) FROM page), 'total', (SELECT count(*) FROM fitting),
               'page', %(page)s::int, 'page_size', %(size)s::int,
               'open', coalesce((SELECT json_object_agg(shown, n) FROM (
                   SELECT shown, count(*) AS n FROM ops.alerts_now
                   WHERE resolved_at IS NULL GROUP BY shown) AS s), '{{}}'),
               'evaluated_at', (SELECT finished_at FROM ops.watch_round),
               'unasked', (SELECT unasked FROM ops.watch_round))::text AS body""",  # noqa: S608  constants
        {
            "status": status,
            "state": state,
            "severity": severity,
            "rule": rule,
            "page": page,
            "size": page_size,
            "skip": (page - 1) * page_size,
        },
    )
    return answer(found["body"] if found else "null")


@router.get("/alerts/{alert_id}", summary="Um alerta, com o que veio dele e o que foi decidido")
def alert(alert_id: AlertId, _who: Viewer) -> Response:
    """One alert, the ones that follow from it, and what the audit log has about it."""
    found = row(
        f"""SELECT (to_jsonb(named) || jsonb_build_object(
               'followers', coalesce((
                   SELECT jsonb_agg(jsonb_build_object(
                       'alert_id', f.alert_id, 'rule', f.rule, 'subject', f.subject,
                       'title', f.title, 'shown', f.shown, 'severity', f.severity)
                       ORDER BY f.alert_id)
                   FROM ops.alerts_now f WHERE f.follows = named.alert_id), '[]'),
               'history', coalesce((
                   SELECT jsonb_agg(jsonb_build_object(
                       'at', l.at, 'actor', l.actor, 'action', l.action, 'reason', l.reason,
                       'details', l.details) ORDER BY l.seq)
                   FROM ops.audit_log l
                   WHERE l.stream = 'alerts' AND l.subject = named.alert_id::text), '[]')
               ))::text AS body
           FROM (SELECT {_COLUMNS} FROM ops.alerts_now a WHERE a.alert_id = %s) AS named""",  # noqa: S608  constants
        (alert_id,),
    )
    if found is None:
        raise NotFound("Não há esse alerta.", todo="A lista está em /v1/alerts.")
    return answer(found["body"])


class Acknowledgement(Decision):
    """Why, and until when it holds; without a moment, until it is resolved."""

    until: AwareDatetime | None = None


class Silence(Decision):
    """Why, and until when nobody is told."""

    until: AwareDatetime


@router.post("/alerts/{alert_id}/ack", summary="Diz que alguém cuida do alerta")
def acknowledge(alert_id: AlertId, decision: Acknowledgement, who: Operator) -> Response:
    """Nobody is reminded of it until it is resolved, or until `until`."""
    with pooled() as connection, connection.transaction():
        decisions.acknowledge(
            connection,
            alert_id,
            until=decision.until,
            actor=who.actor,
            reason=decision.reason,
            trigger="api",
        )
    return answer({"alert_id": alert_id, "acknowledged": True})


@router.post("/alerts/{alert_id}/silence", summary="Não avisa ninguém até um momento")
def silence(alert_id: AlertId, decision: Silence, who: Operator) -> Response:
    """Nobody is told of it until then; it is still asked and shown."""
    with pooled() as connection, connection.transaction():
        decisions.silence(
            connection,
            alert_id,
            until=decision.until,
            actor=who.actor,
            reason=decision.reason,
            trigger="api",
        )
    return answer({"alert_id": alert_id, "silenced_until": decision.until})


@router.get("/alert-states", summary="Cada regra e assunto, também os que estão bem")
def states(_who: Viewer, rule: Rule = None) -> Response:
    """The last answer of each rule about each subject: value, limit, state, since, when asked."""
    found = row(
        """WITH listed AS (
               SELECT rule, subject, state, value, threshold, says, since, asked_at
               FROM ops.watched WHERE %(rule)s::text IS NULL OR rule = %(rule)s
               ORDER BY rule, subject)
           SELECT json_build_object(
               'items', coalesce(json_agg(listed), '[]'), 'count', count(*),
               'evaluated_at', (SELECT finished_at FROM ops.watch_round))::text AS body
           FROM listed""",
        {"rule": rule},
    )
    return answer(found["body"] if found else "null")


@router.get("/slos", summary="Níveis de serviço, com o ponto de referência e o orçamento de erro")
def slos(_who: Viewer, at: AwareDatetime | None = None) -> Response:
    """SLO-1 and SLO-3 of the 7 days before `at` (the last completed evaluation, when not given):
    state, error budget and burn rate; runs begun in a maintenance window are left out."""
    with pooled() as connection:
        return answer(slo.report(connection, at))
