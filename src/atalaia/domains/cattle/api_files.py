"""How the feeding files fare: their list and history, what was rejected, what each column is."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path as FilePath
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Body, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from atalaia.domains.cattle import listing, service
from atalaia.domains.cattle.routes import (
    READS,
    WRITES,
    Asked,
    FileId,
    answer,
    bringer,
    caller,
    told,
    wake_up,
)

router = APIRouter(tags=["confinamento"])


class Mapping(Asked):
    """What the headers are (header → column, '' for none), and what else was asked."""

    columns: dict[Annotated[str, Field(max_length=300)], Annotated[str, Field(max_length=60)]] = (
        Field(default_factory=dict, max_length=500)
    )
    layout: Annotated[str, Field(max_length=60)] | None = None
    decimal_mark: Literal[",", "."] | None = None
    date_order: Literal["DD/MM", "MM/DD"] | None = None


@router.get("/files", summary="Os arquivos, o mais novo primeiro", openapi_extra=READS)
def files(
    request: Request,
    status: Literal["uploaded", "processing", "loaded", "error"] | None = None,
    state: Annotated[
        Literal[
            "received", "awaiting_mapping", "requeued", "processing", "retrying", "loaded",
            "partly_loaded", "duplicate", "refused", "failed",
        ] | None,
        Query(),
    ] = None,
    layout: Annotated[str | None, Query(max_length=60, pattern=r"^[a-z_]+$")] = None,
    q: Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")] = None,
    since: datetime | None = None,
    until: datetime | None = None,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    page_size: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:  # fmt: skip
    """`more` says whether there is another page. A file keeps its place: newer ones stand before
    it."""
    found = listing.files(
        {
            "tenant": caller(request).tenant_id,
            "status": status,
            "state": state,
            "layout": layout,
            "q": q,
            "since": since,
            "until": until,
            "size": page_size,
            "skip": (page - 1) * page_size,
        }
    )
    items = found[:page_size]
    listed = {
        "items": items,
        "count": len(items),
        "page": page,
        "page_size": page_size,
        "more": len(found) > page_size,
    }
    return answer(listed)


@router.get("/files/{file_id}", summary="Um arquivo e a sua história", openapi_extra=READS)
def one_file(file_id: FileId, request: Request) -> Response:
    """What it is, what was found in it, its counts, its checks, and each state it was in."""
    return answer(listing.shown_file(file_id, caller(request).tenant_id))


@router.get(
    "/files/{file_id}/rejected",
    summary="As linhas postas de lado, em CSV",
    openapi_extra=READS,
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}},
)
def rejected(file_id: FileId, request: Request) -> Response:
    """With the reason of each; cells that begin like formulas are made harmless."""
    tenant = caller(request).tenant_id
    stem = FilePath(str(listing.shown_file(file_id, tenant)["filename"])).stem
    name = f"{stem}-recusadas.csv"
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in name)
    headers = {
        "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
    }
    return StreamingResponse(
        listing.rejected_csv(file_id, tenant), media_type="text/csv; charset=utf-8", headers=headers
    )


@router.post(
    "/files/{file_id}/reprocess", status_code=202, summary="Processa de novo", openapi_extra=WRITES
)
def reprocess(
    file_id: FileId, request: Request, asked: Annotated[Asked | None, Body()] = None
) -> Response:
    """202; a file that waits or is in hand already is left so (asked twice, done once)."""
    one = service.reprocess(file_id, bringer(request, (asked or Asked()).reason))
    wake_up(request)
    return answer(told(one), 202)


@router.get("/files/{file_id}/mapping", summary="Que coluna é cada cabeçalho", openapi_extra=READS)
def mapping(file_id: FileId, request: Request) -> Response:
    """What each header was taken for and how that is known, and what is asked of a person."""
    one = listing.shown_file(file_id, caller(request).tenant_id)
    names = (
        "id", "filename", "state", "layout", "mapping", "questions", "decimal_mark", "date_format",
        "encoding", "delimiter", "detected",
    )  # fmt: skip
    return answer({name: one[name] for name in names})


@router.post(
    "/files/{file_id}/mapping",
    status_code=202,
    summary="Diz o que são as colunas",
    openapi_extra=WRITES,
)
def say_mapping(file_id: FileId, said: Mapping, request: Request) -> Response:
    """Remembered for the later files of the same organisation; this one is processed now."""
    formats = {
        name: value
        for name, value in (("decimal_mark", said.decimal_mark), ("date_order", said.date_order))
        if value
    }
    one = service.answer(
        file_id, bringer(request, said.reason), columns=said.columns, formats=formats,
        layout=said.layout,
    )  # fmt: skip
    wake_up(request)
    return answer(told(one), 202)
