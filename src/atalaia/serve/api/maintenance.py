"""Maintenance windows over HTTP: work announced beforehand, about which nobody is called."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import AwareDatetime, Field, StringConstraints

from atalaia.kernel.base.database import pooled, row
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.watch import maintenance
from atalaia.serve.api.access import needs
from atalaia.serve.api.answers import Page, PageSize, answer
from atalaia.serve.api.work import Decision, Words

router = APIRouter(prefix="/v1/maintenance-windows", tags=["vigia"])

Operator = Annotated[Caller, Depends(needs("operator"))]
WindowId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]+$")]
Viewer = Annotated[Caller, Depends(needs("viewer"))]


@router.get("", summary="Janelas de manutenção, da mais nova para a mais velha")
def windows(_who: Viewer, page: Page = 1, page_size: PageSize = 50) -> Response:
    """Windows by when they start, newest first; `active` is one that holds now."""
    found = row(
        """WITH page AS (
               SELECT w.*, m.until, m.starts_at <= now() AND now() < m.until AS active
               FROM ops.maintenance_windows w JOIN ops.maintenance m USING (window_id)
               ORDER BY w.starts_at DESC, w.window_id DESC LIMIT %(size)s OFFSET %(skip)s)
           SELECT json_build_object(
               'items', coalesce((SELECT json_agg(page) FROM page), '[]'),
               'count', (SELECT count(*) FROM page),
               'total', (SELECT count(*) FROM ops.maintenance_windows),
               'page', %(page)s::int, 'page_size', %(size)s::int)::text AS body""",
        {"page": page, "size": page_size, "skip": (page - 1) * page_size},
    )
    return answer(found["body"] if found else "null")


class Window(Decision):
    """What will be done and when; rules and subjects it is about, all when none is named."""

    title: Words
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    rules: list[Name] = Field(default=[], max_length=100)
    subjects: list[Name] = Field(default=[], max_length=100)


@router.post("", summary="Anuncia uma janela de manutenção", status_code=201)
def announce(window: Window, who: Operator) -> Response:
    """Alerts of it are kept and not told; runs that begin in it are left out of the SLOs."""
    with pooled() as connection, connection.transaction():
        made = maintenance.add(
            connection, **window.model_dump(exclude={"reason"}), actor=who.actor,
            reason=window.reason, trigger="api",
        )  # fmt: skip
    return answer(made, 201)


@router.post("/{window_id}/cancel", summary="Termina uma janela agora")
def cancel(window_id: WindowId, decision: Decision, who: Operator) -> Response:
    """What still holds is told in the next round."""
    with pooled() as connection, connection.transaction():
        made = maintenance.cancel(
            connection, window_id, actor=who.actor, reason=decision.reason, trigger="api"
        )
    return answer(made)
