"""Incidents over HTTP: what is being done about it, by whom, since when, and what was told."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Response

from atalaia.kernel.base.database import row
from atalaia.kernel.base.errors import NotFound
from atalaia.serve.api.access import Caller, needs
from atalaia.serve.api.answers import Page, PageSize, answer

router = APIRouter(prefix="/v1/incidents", tags=["vigia"])

Viewer = Annotated[Caller, Depends(needs("viewer"))]
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
