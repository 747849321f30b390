"""Maintenance windows over HTTP: work announced beforehand, about which nobody is called."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from atalaia.kernel.base.database import row
from atalaia.serve.api.access import Caller, needs
from atalaia.serve.api.answers import Page, PageSize, answer

router = APIRouter(prefix="/v1/maintenance-windows", tags=["vigia"])

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
