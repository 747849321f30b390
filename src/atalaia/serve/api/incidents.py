"""Incidents over HTTP: what is being done about it, by whom, since when, and what was told."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Response
from pydantic import Field, StringConstraints

from atalaia.kernel.base.database import Connection, pooled, row
from atalaia.kernel.base.errors import NotFound
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.watch import contacts, incident_texts, snapshot
from atalaia.kernel.watch import incidents as steps
from atalaia.kernel.watch.severity import Severity
from atalaia.serve import catalog
from atalaia.serve.api.access import needs
from atalaia.serve.api.answers import Page, PageSize, answer
from atalaia.serve.api.work import Decision, Words

router = APIRouter(prefix="/v1/incidents", tags=["vigia"])

Viewer = Annotated[Caller, Depends(needs("viewer"))]
Operator = Annotated[Caller, Depends(needs("operator"))]
Text = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=r"^[^\x00]*$")
]
IncidentId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("", summary="Incidentes, do mais novo para o mais velho")
def incidents(
    _who: Viewer,
    status: Literal["open", "resolved", "all"] = "all",
    page: Page = 1,
    page_size: PageSize = 50,
) -> Response:
    """Incidents, newest first, with how many alerts each has."""
    found = row(
        """WITH fitting AS (
               SELECT i.*, (SELECT count(*) FROM ops.incident_alerts a
                            WHERE a.incident_id = i.incident_id) AS alerts,
                      i.next_update_due_at < now() AS update_overdue
               FROM ops.incidents i
               WHERE %(status)s = 'all' OR (i.status = 'resolved') = (%(status)s = 'resolved')),
           page AS (SELECT * FROM fitting ORDER BY declared_at DESC, incident_id DESC
                    LIMIT %(size)s OFFSET %(skip)s)
           SELECT json_build_object(
               'items', coalesce((SELECT json_agg(page) FROM page), '[]'),
               'count', (SELECT count(*) FROM page), 'total', (SELECT count(*) FROM fitting),
               'page', %(page)s::int, 'page_size', %(size)s::int)::text AS body""",
        {"status": status, "page": page, "size": page_size, "skip": (page - 1) * page_size},
    )
    return answer(found["body"] if found else "null")


@router.get("/{incident_id}", summary="Um incidente: linha do tempo, alertas, retratos")
def incident(incident_id: IncidentId, _who: Viewer) -> Response:
    """One incident with its timeline, oldest first, its alerts and its snapshots."""
    found = row(
        """SELECT (to_jsonb(i) || jsonb_build_object(
               'update_overdue', i.next_update_due_at < now(),
               'events', coalesce((SELECT jsonb_agg(to_jsonb(e) - 'incident_id' ORDER BY e.event_id)
                   FROM ops.incident_events e WHERE e.incident_id = i.incident_id), '[]'),
               'alerts', coalesce((SELECT jsonb_agg(jsonb_build_object(
                       'alert_id', a.alert_id, 'rule', a.rule, 'subject', a.subject,
                       'title', a.title, 'says', a.says, 'severity', a.severity,
                       'shown', a.shown, 'runbook', a.runbook, 'arguments', a.arguments,
                       'first_seen_at', a.first_seen_at, 'resolved_at', a.resolved_at)
                       ORDER BY a.alert_id)
                   FROM ops.incident_alerts l JOIN ops.alerts_now a USING (alert_id)
                   WHERE l.incident_id = i.incident_id), '[]'),
               'snapshots', coalesce((SELECT jsonb_agg(to_jsonb(s) - 'incident_id'
                                                       ORDER BY s.snapshot_id)
                   FROM ops.incident_snapshots s WHERE s.incident_id = i.incident_id), '[]')
               ))::text AS body
           FROM ops.incidents i WHERE i.incident_id = %s""",
        (incident_id,),
    )
    if found is None:
        raise NotFound("Não há esse incidente.", todo="A lista está em /v1/incidents.")
    return answer(found["body"])


class Declaration(Decision):
    """What is not given is taken from the alerts."""

    alerts: list[Annotated[int, Field(ge=1, le=2**63 - 1)]] = Field(default=[], max_length=100)
    title: Text = ""
    severity: Severity | None = None
    impact: Text = ""
    affected: list[Words] = Field(default=[], max_length=100)
    commander: Text = ""
    domain: str | None = Field(None, max_length=60, description="whose; the alerts' by default")


class News(Decision):
    """`reason` is what was done."""

    status: steps.Status | None = None
    severity: Severity | None = None
    next_steps: Text = ""
    eta: Text = ""


class Written(Decision):
    """Where the post-mortem is."""

    where: Words


class End(Decision):
    """Why it was, what ended it, what prevents it."""

    root_cause: Words
    resolution: Words
    prevention: Text = ""


@router.post("", summary="Declara um incidente, de alertas ou à mão", status_code=201)
def declare(declaration: Declaration, who: Operator) -> Response:
    """The new incident. Without alerts it needs a title and a severity."""
    with pooled() as connection, connection.transaction():
        given = _given(declaration) | {"domain": _whose(connection, declaration)}
        made = steps.declare(connection, voices=catalog.voice, **given, **_by(who, declaration))
    return answer(made, 201)


@router.post("/{incident_id}/update", summary="Diz o que foi feito e como está")
def update(incident_id: IncidentId, news: News, who: Operator) -> Response:
    """The incident as it stands; the next update is due half an hour later."""
    with pooled() as connection, connection.transaction():
        made = steps.update(
            connection, incident_id, voices=catalog.voice, **_given(news), **_by(who, news)
        )
    return answer(made)


@router.post("/{incident_id}/resolve", summary="Encerra um incidente")
def resolve(incident_id: IncidentId, end: End, who: Operator) -> Response:
    """The incident as it ended; its post-mortem is due a day later."""
    with pooled() as connection, connection.transaction():
        made = steps.resolve(
            connection, incident_id, voices=catalog.voice, **_given(end), **_by(who, end)
        )
    return answer(made)


@router.post("/{incident_id}/snapshot", summary="Guarda o retrato de agora", status_code=201)
def take_snapshot(incident_id: IncidentId, decision: Decision, who: Operator) -> Response:
    """What everything looks like now, kept in one file with its SHA-256."""
    return answer(snapshot.take(incident_id=incident_id, **_by(who, decision)), 201)


@router.get("/{incident_id}/postmortem", summary="Rascunho do post-mortem, em Markdown")
def postmortem(incident_id: IncidentId, _who: Viewer) -> Response:
    """`text`: the facts are from the timeline, the alerts and the audit log."""
    with pooled() as connection:
        return answer({"text": incident_texts.postmortem(connection, incident_id)})


@router.post("/{incident_id}/postmortem", summary="Diz onde está o post-mortem")
def postmortem_written(incident_id: IncidentId, written: Written, who: Operator) -> Response:
    """The incident; nobody is reminded of its post-mortem any more."""
    with pooled() as connection, connection.transaction():
        made = steps.postmortem_written(
            connection, incident_id, where=written.where, **_by(who, written)
        )
    return answer(made)


@router.get("/{incident_id}/contacts", summary="Quem é chamado no nível em que o incidente está")
def called(incident_id: IncidentId, _who: Operator) -> Response:
    """The people of the incident's level of escalation: its domain's, or of CONTACTS_FILE."""
    found = row(
        "SELECT escalation_level, domain FROM ops.incidents WHERE incident_id = %s", (incident_id,)
    )
    if found is None:
        raise NotFound("Não há esse incidente.", todo="A lista está em /v1/incidents.")
    level = found["escalation_level"]
    return answer(
        {"level": level, "items": contacts.people(level, catalog.voice(found["domain"]).levels())}
    )


def _whose(connection: Connection, declaration: Declaration) -> str:
    """The domain that was named, or the one whose rules all its alerts are of. Raises NotFound."""
    if declaration.domain is None:
        found = connection.execute(
            "SELECT rule FROM ops.alerts WHERE alert_id = ANY (%s)", (declaration.alerts,)
        )
        return catalog.owner_of({one["rule"] for one in found})
    if declaration.domain and declaration.domain not in [one.name for one in catalog.domains()]:
        raise NotFound("Não há esse domínio. Nada foi mudado.")
    return declaration.domain


def _given(body: Decision) -> dict[str, Any]:
    return body.model_dump(exclude={"reason"})


def _by(who: Caller, decision: Decision) -> dict[str, Any]:
    return {"actor": who.actor, "reason": decision.reason, "trigger": "api"}
