"""The Reconciliation Service API 0.2 over HTTP, for OpenRefine and whoever else speaks it.

Public and read only, counted by address. OpenRefine's server asks for manifest, queries and data
extension; its page, in the browser, for suggestions and the preview. So that it may, answers here
allow every origin: they are the same for all, and no key or cookie is looked at. No JSONP: it would
have a page run what we send.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.match.reconciliation import Service
from atalaia.serve import catalog
from atalaia.serve.api.limits import address_of, limits

MOST_BYTES = 1_000_000  # of one request
_PREVIEW = {
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
}


def _counted(request: Request) -> None:
    """Count the request of this address. Raises TooMany."""
    route = f"{request.method} {request.scope['route'].path}"
    limits().spend(f"address:{address_of(request)}", route)


router = APIRouter(prefix="/reconcile", tags=["reconciliação"], dependencies=[Depends(_counted)])

Named = Annotated[str, Path(max_length=80, description="the service: municipalities")]
Text = Annotated[str, Query(max_length=200)]
Limit = Annotated[int, Query(ge=1, le=100)]


@router.get("/{service}", summary="O manifesto, ou as respostas a consultas")
def asked(
    request: Request,
    service: Named,
    queries: Annotated[str | None, Query(max_length=100_000)] = None,
    query: Annotated[str | None, Query(max_length=10_000)] = None,
    extend: Annotated[str | None, Query(max_length=100_000)] = None,
) -> Response:
    """Without parameters the manifest; with `queries`, `query` or `extend` what they ask."""
    return _answered(request, service, {"queries": queries, "query": query, "extend": extend})


@router.post("/{service}", summary="As respostas a consultas, em formulário")
async def posted(request: Request, service: Named) -> Response:
    """The same, form-encoded: `queries={"q0": {"query": …}}` or `extend={"ids": […], …}`."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise UsageError(f"O pedido passa de {MOST_BYTES} bytes. Nada foi feito.")
    try:
        form = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise UsageError("O corpo não é um formulário em UTF-8.") from error
    given = {name: form[name][0] for name in ("queries", "query", "extend") if name in form}
    if not given:
        raise UsageError("O formulário não traz 'queries', 'query' nem 'extend'.")
    return await run_in_threadpool(_answered, request, service, given)


@router.get("/{service}/suggest/{what}", summary="Sugestões enquanto se digita")
def suggest(
    service: Named,
    what: Literal["entity", "property", "type"],
    prefix: Text = "",
    limit: Limit = 10,
) -> Response:
    """Things, properties or types whose name begins like `prefix`."""
    return _json(_service(service).suggest(what, prefix, limit))


@router.get("/{service}/properties", summary="As propriedades que se podem buscar")
def properties(service: Named, type: Text = "", limit: Limit = 100) -> Response:
    """What data extension can give of a type."""
    return _json(_service(service).propose(type, limit))


@router.get("/{service}/preview", summary="Uma página pequena sobre um resultado")
def preview(service: Named, id: Text) -> Response:
    """HTML for the frame OpenRefine opens; it loads nothing and runs nothing."""
    return _open(Response(_service(service).preview(id), media_type="text/html", headers=_PREVIEW))


def _answered(request: Request, name: str, given: Mapping[str, str | None]) -> Response:
    service = _service(name)
    if (asked_for := given.get("queries")) is not None:
        return _json(service.answer(asked_for))
    if (asked_for := given.get("query")) is not None:
        return _json(service.single(asked_for))
    if (asked_for := given.get("extend")) is not None:
        return _json(service.extend(asked_for))
    return _json(service.manifest(f"{str(request.base_url).rstrip('/')}/reconcile/{name}"))


def _service(name: str) -> Service:
    return catalog.reconciliation(name)


def _json(told: dict[str, Any]) -> Response:
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return _open(Response(text, media_type="application/json"))


def _open(response: Response) -> Response:
    response.headers["access-control-allow-origin"] = "*"
    return response
