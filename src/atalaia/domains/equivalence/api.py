"""The equivalence service over HTTP: one question now, many later, and what was answered.

`evaluate` never waits for the queue, and a batch is never done while its request waits. Each tenant
sees its own. What an admin does is in `admin.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi import Request as HttpRequest
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse

from atalaia.domains.equivalence import admin, batch, catalog, export, service, store
from atalaia.domains.equivalence.mapping import mappers
from atalaia.domains.equivalence.service import Asker
from atalaia.domains.equivalence.store import Wanted
from atalaia.domains.equivalence.wire import Request
from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import connect, pooled
from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.keep.doors import Caller, asks
from atalaia.kernel.work import batches, bell

router = APIRouter(prefix="/v1/equivalences", tags=["equivalência"])
_IN_MEMORY_BYTES = 8 << 20
EVALUATE, BATCH = "equivalence.evaluate", "equivalence.batch"  # quotas: a tenant's, a minute
EVALUATE_PER_MINUTE, BATCH_PER_MINUTE = 60, 10

_ASKS = asks("operator", clients=True, quota=EVALUATE, per_minute=EVALUATE_PER_MINUTE)
_READS = asks("viewer", clients=True)
_ITEMS = {"$ref": "#/components/schemas/Request"}
_BATCH_ASKS = asks("operator", clients=True, quota=BATCH, per_minute=BATCH_PER_MINUTE) | {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "array", "items": _ITEMS}},
            "application/x-ndjson": {"schema": _ITEMS},
        },
    }
}
Key = Annotated[str | None, Header(min_length=8, max_length=200, pattern=r"^[\x21-\x7e]+$")]
Before = Annotated[int | None, Query(ge=1, le=2**63 - 1)]
PageSize = Annotated[int, Query(ge=1, le=500)]
Page = Annotated[int, Query(ge=1, le=100_000)]
Decision = Literal["DEFERIDO", "ANALISE_HUMANA", "INDEFERIDO"]
Code = Annotated[str | None, Query(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Version = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$")]


def json(body: Any, status: int = 200) -> Response:
    """`body` as JSON that nobody on the way keeps; a str is JSON already."""
    text = body if isinstance(body, str) else orjson.dumps(body, default=_plain)
    return Response(text, status, {"cache-control": "no-store"}, "application/json")


def _plain(value: Any) -> float:
    return float(value)  # a numeric


def caller(request: HttpRequest) -> Caller:
    """Who asks, as the door let them in."""
    found: Caller = request.state.caller
    return found


@router.post("/evaluate", openapi_extra=_ASKS, summary="Avalia uma equivalência, agora")
def evaluate(asked: Request, request: HttpRequest) -> Response:
    """The decision with all that led to it. The same request_id with the same body gives the same
    bytes; with another body, 409."""
    who = caller(request)
    return json(service.answer(asked, Asker(who.tenant_id, who.actor, "api"), mappers()))


@router.post(
    "/batch",
    status_code=202,
    openapi_extra=_BATCH_ASKS,
    summary="Aceita um lote de pedidos",
    max_body_size=batch.MOST_BYTES + 1,  # one more: that it is too much is said in its own words
)
async def accept(request: HttpRequest, idempotency_key: Key = None) -> Response:
    """A JSON array of requests, or JSON lines: up to 100,000. All of them are accepted, or none;
    accepted, they will be done. With an Idempotency-Key the same batch is accepted once. How it
    stands is at `/v1/jobs/{id}`, what each item gave at `/v1/jobs/{id}/results`."""
    with SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as body:
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > batch.MOST_BYTES:
                raise UsageError(f"O lote passa de {batch.MOST_BYTES >> 20} MB. Nada foi aceito.")
            body.write(chunk)
        return await run_in_threadpool(_accept, body, caller(request), idempotency_key)


def _accept(body: Any, who: Caller, key: str | None) -> Response:
    try:
        with batch.read(body) as read, pooled() as connection, connection.transaction():
            accepted = batches.request_lines(
                connection,
                batch.KIND,
                read.lines(),
                actor=who.actor,
                trigger="api",
                key=key and f"api {key}",
                tenant_id=who.tenant_id,
            )
            total = read.total
    except batch.Refused as error:
        raise RequestValidationError(error.errors) from error
    bell.ring()
    address = f"/v1/jobs/{accepted.batch_id}"
    found = json({"id": accepted.batch_id, "total": total, "status_url": address,
                  "results_url": f"{address}/results"}, 202)  # fmt: skip
    found.headers["location"] = address
    return found


def wanted(
    request: HttpRequest,
    since: datetime | None = None,
    until: datetime | None = None,
    decisao: Decision | None = None,
    policy: Code = None,
    mapper: Annotated[str | None, Query(max_length=100)] = None,
    degraded: bool | None = None,
    batch_id: UUID | None = None,
) -> Wanted:
    """The filters of a list, of the caller's own tenant."""
    return Wanted(
        caller(request).tenant_id, since, until, decisao, policy, mapper, degraded, batch_id
    )


Filters = Annotated[Wanted, Depends(wanted)]


@router.get("/evaluations", openapi_extra=_READS, summary="O que foi avaliado, do mais novo")
def evaluations(filters: Filters, before: Before = None, page_size: PageSize = 50) -> Response:
    """The tenant's evaluations. `next` is the `before` of the following page, null at the end; what
    is evaluated meanwhile moves nothing."""
    with pooled() as connection:
        items, following = store.page(connection, filters, before, page_size)
        counts = store.counted(connection, filters)
    return json({"items": items, "count": len(items), **counts, "next": following})


@router.get(
    "/evaluations/export",
    openapi_extra=asks("auditor", own=True),
    summary="As avaliações filtradas, em CSV",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}},
)
def exported(filters: Filters) -> StreamingResponse:
    """CSV in UTF-8 with `;`, oldest first, as of one moment; as a spreadsheet opens it."""
    opened = ExitStack()
    connection = opened.enter_context(connect())
    name = f"equivalencias-{now():%Y%m%dT%H%M%SZ}.csv"
    return StreamingResponse(
        _closing(export.csv(store.each(connection, filters)), opened),
        media_type="text/csv; charset=utf-8",
        headers={
            "cache-control": "no-store",
            "content-disposition": f'attachment; filename="{name}"',
        },
    )


def _closing(pieces: Iterator[bytes], opened: ExitStack) -> Iterator[bytes]:
    with opened:
        yield from pieces


@router.get("/evaluations/{evaluation_id}", openapi_extra=_READS, summary="Uma avaliação, inteira")
def evaluation(evaluation_id: UUID, request: HttpRequest) -> Response:
    """What was answered, by whom it was asked, and the hash of what was asked."""
    with pooled() as connection:
        found = store.one(connection, caller(request).tenant_id, evaluation_id)
    if found is None:
        raise NotFound("Não há avaliação com esse identificador.")
    return json(found)


@router.get("/batches", openapi_extra=_READS, summary="Os lotes, do mais novo")
def batch_list(request: HttpRequest, page: Page = 1, page_size: PageSize = 50) -> Response:
    """The tenant's batches, and how each stands."""
    with pooled() as connection:
        items = store.batches(
            connection, caller(request).tenant_id, batch.KIND, (page - 1) * page_size, page_size
        )
    return json({"items": items, "count": len(items), "page": page, "page_size": page_size})


@router.get("/policies", openapi_extra=_READS, summary="As políticas que o tenant pode usar")
def policies(request: HttpRequest, code: Code = None, version: Version = None) -> Response:
    """Every version, the tenant's own and the house's; whole when `code` is given."""
    return _listed("policy", request, code, version)


@router.get("/taxonomies", openapi_extra=_READS, summary="As taxonomias que o tenant pode usar")
def taxonomies(request: HttpRequest, code: Code = None, version: Version = None) -> Response:
    """Every version, the tenant's own and the house's; whole when `code` (the area) is given."""
    return _listed("taxonomy", request, code, version)


def _listed(
    kind: catalog.Kind, request: HttpRequest, code: str | None, version: str | None
) -> Response:
    with pooled() as connection:
        items = catalog.listed(connection, kind, caller(request).tenant_id, code, version)
    return json({"items": items, "count": len(items)})


ROUTER = APIRouter()  # each route keeps its own prefix; a router inside another would be no route
ROUTER.routes.extend((*router.routes, *admin.router.routes))
