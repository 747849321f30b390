"""Sources over HTTP: how each was, day by day and period by period, and what that stands on."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from atalaia.kernel.base.database import pooled
from atalaia.kernel.watch import evidence, sources
from atalaia.serve import catalog
from atalaia.serve.api.access import needs
from atalaia.serve.api.answers import answer

router = APIRouter(
    prefix="/v1/ops/sources", tags=["operação"], dependencies=[Depends(needs("viewer"))]
)

Source = Annotated[str, Path(max_length=80)]


@router.get("", summary="As fontes, com 90 dias de cada uma")
def all_sources() -> Response:
    """Every source: how often it was late, failed, silent or changed, and its last 90 days."""
    with pooled() as connection:
        items = sources.listed(connection, catalog.expected())
    return answer({"items": items, "count": len(items)})


@router.get("/{source_name}", summary="Uma fonte")
def one_source(source_name: Source) -> Response:
    """The same of one source, with its contracts, certificates and last runs."""
    with pooled() as connection:
        return answer(sources.one(connection, source_name, catalog.expected()))


@router.get("/{source_name}/coverage", summary="Que períodos há, e como está cada um")
def source_coverage(source_name: Source) -> Response:
    """Each period ever asked for: how its last run ended and what stands of it."""
    with pooled() as connection:
        items = sources.coverage(connection, source_name)
    return answer({"items": items, "count": len(items)})


@router.get(
    "/{source_name}/evidence",
    summary="O que sustenta o veredito sobre uma fonte",
    status_code=200,
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}},
)
def source_evidence(
    source_name: Source, run_id: Annotated[UUID | None, Query()] = None
) -> Response:
    """A ZIP with the run, exchange, hashes, contract, checks and log lines: JSON and words."""
    with pooled() as connection:
        expected = catalog.expected().get(source_name)
        found = evidence.gathered(
            connection, source_name, expected, str(run_id) if run_id else None
        )
    name = f"evidencia-{found['run']['run_id']}.zip"
    return Response(
        evidence.packed(found),
        media_type="application/zip",
        headers={
            "cache-control": "no-store",
            "content-disposition": f'attachment; filename="{name}"',
        },
    )
