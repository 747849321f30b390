"""Planned against fed, and where a row came from."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from atalaia.domains.cattle import deviations as sums
from atalaia.domains.cattle.routes import (
    READS,
    FileId,
    Number,
    answer,
    caller,
)
from atalaia.kernel.base.clock import now

router = APIRouter(tags=["confinamento"])


@router.get(
    "/v1/cattle/deviations", summary="Previsto e realizado, o pior primeiro", openapi_extra=READS
)
def deviations(
    request: Request,
    by: sums.By = "diet",
    since: Annotated[date | None, Query(alias="from")] = None,
    until: Annotated[date | None, Query(alias="to")] = None,
    stage: sums.Stage | None = None,
) -> Response:
    """In kg and %, with their days, and the files and runs each sum stands on. Without dates: the
    last 30 days."""
    last = until or now().date()
    first = since or last - timedelta(days=30)
    return answer(sums.deviations(caller(request).tenant_id, by, first, last, stage))


@router.get(
    "/v1/explain/feeding/{layout}/{file_id}/{row}", summary="De onde veio uma linha",
    openapi_extra=READS,
)  # fmt: skip
def explain(
    layout: Annotated[str, Path(pattern=r"^[a-z_]{1,40}$")], file_id: FileId, row: Number,
    request: Request,
) -> Response:  # fmt: skip
    """Row → run → contract → the file's bytes, by SHA-256, and the line in it."""
    return answer(sums.explain(f"feeding/{layout}/{file_id}/{row}", caller(request).tenant_id))
