"""The intake over HTTP: files sent whole or in pieces, how they fare, and what was put aside.

Each tenant sees its own; what is another's does not exist. A route that the runbook prints without
a body may come without one: then the record says that no reason was told.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import date, datetime, timedelta
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

import orjson
from fastapi import APIRouter, Body, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from atalaia.domains.cattle import deviations as sums
from atalaia.domains.cattle import listing, service
from atalaia.domains.cattle.service import Bringer
from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import pooled
from atalaia.kernel.base.errors import FileRefused, NotFound, UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest import bronze
from atalaia.kernel.keep.doors import Caller, asks
from atalaia.kernel.work import letters

router = APIRouter(tags=["confinamento"])

READS = asks("viewer", clients=True, own=True)
WRITES = asks("operator", clients=True, own=True)
UNTOLD = "nenhum motivo foi dito"
_MOST_FILES = 200
# Of a route whose body is bounded as it comes, by UPLOAD_MAX_BYTES and in our own words.
BOUNDED_BY_ITSELF = 1 << 50
Words = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]+$"),
]
FileId = Annotated[UUID, Path(description="o identificador que o envio devolveu")]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


class Asked(BaseModel):
    """What a write takes: the fields it names, and no other."""

    model_config = ConfigDict(extra="forbid")
    reason: Words = UNTOLD


class Mapping(Asked):
    """What the headers are (header → column, '' for none), and what else was asked."""

    columns: dict[Annotated[str, Field(max_length=300)], Annotated[str, Field(max_length=60)]] = (
        Field(default_factory=dict, max_length=500)
    )
    layout: Annotated[str, Field(max_length=60)] | None = None
    decimal_mark: Literal[",", "."] | None = None
    date_order: Literal["DD/MM", "MM/DD"] | None = None


class Resolution(Asked):
    """What is decided of a dead letter: done again, done again with these cells, or not done."""

    action: Literal["discard", "replay", "correct"] = "discard"
    payload: dict[str, Any] | None = None


class Corrections(Asked):
    """Cells by the number of their dead letter: all of them are corrected, or none."""

    rows: dict[int, dict[str, Any]] = Field(min_length=1, max_length=1000)


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`body` as JSON that nobody on the way keeps."""
    text = orjson.dumps(body, default=_plain)
    return Response(
        text, status, {"cache-control": "no-store", **(headers or {})}, "application/json"
    )


def _plain(value: Any) -> Any:
    return float(value) if hasattr(value, "as_tuple") else str(value)


def caller(request: Request) -> Caller:
    """Who asks; the door has let them in."""
    found: Caller = request.state.caller
    return found


def _by(request: Request, reason: str = UNTOLD, origin: str = "http") -> Bringer:
    who = caller(request)
    return Bringer(who.tenant_id, who.actor, origin, "api", reason)


def _wake(request: Request) -> None:
    wake: Callable[[], object] = request.app.state.wake
    wake()


def told(one: dict[str, Any]) -> dict[str, Any]:
    """A file as the answer to whoever brought it."""
    names = (
        "id", "filename", "status", "state", "layout", "sha256", "size_bytes", "duplicate_of",
        "error_message", "error_class", "uploaded_at", "batch_id",
    )  # fmt: skip
    return {name: one[name] for name in names} | {"duplicate": one["duplicate_of"] is not None}


@router.post(
    "/files",
    status_code=202,
    summary="Envia arquivos (multipart, campo 'file')",
    openapi_extra=WRITES,
    max_body_size=BOUNDED_BY_ITSELF,
)
async def send(request: Request) -> Response:
    """One or more files, at once. 202: they are kept and will be loaded. The same bytes again are
    answered as a duplicate of the first. When none is accepted: 422, with the reason."""
    parser = MultiPartParser(
        request.headers,
        _bounded(request.stream(), settings().upload_max_bytes + (1 << 20)),
        max_files=_MOST_FILES,
        max_fields=20,
    )
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise UsageError(
            "O corpo não é multipart/form-data com arquivos.",
            todo="Assim: curl -F file=@arquivo.csv …/files",
        ) from error
    try:
        sent = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        reason = next((v for k, v in form.multi_items() if k == "reason"), UNTOLD)
        by = _by(request, str(reason)[:500].replace("\x00", "") or UNTOLD)
        if not sent:
            raise UsageError("Não veio arquivo nenhum.", todo="Assim: curl -F file=@arquivo.csv")
        taken = [await run_in_threadpool(_take, part, by) for part in sent]
    finally:
        await form.close()
    _wake(request)
    refused = [one for one in taken if isinstance(one, FileRefused)]
    if len(refused) == len(taken):
        raise refused[0]
    items = [
        {"status": "error", "error_message": one.message} if isinstance(one, FileRefused)
        else told(one)
        for one in taken
    ]  # fmt: skip
    first = items[0] if len(items) == 1 else {}
    return answer({**first, "items": items, "count": len(items)}, 202)


async def _bounded(stream: AsyncIterator[bytes], most: int) -> AsyncGenerator[bytes, None]:
    came = 0
    async for piece in stream:
        came += len(piece)
        if came > most:
            raise FileRefused(f"O envio passa de {most} bytes. Nada dele foi guardado.")
        yield piece


def _take(part: UploadFile, by: Bringer) -> dict[str, Any] | FileRefused:
    with bronze.scratch() as path:
        with path.open("wb") as out:
            while piece := part.file.read(1 << 20):
                out.write(piece)
        try:
            return service.receive(path, part.filename or "", by)
        except FileRefused as error:
            return error


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
    one = service.reprocess(file_id, _by(request, (asked or Asked()).reason))
    _wake(request)
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
        file_id, _by(request, said.reason), columns=said.columns, formats=formats,
        layout=said.layout,
    )  # fmt: skip
    _wake(request)
    return answer(told(one), 202)


@router.get("/dlq", summary="O que espera uma decisão, o mais velho primeiro", openapi_extra=READS)
def dlq(
    request: Request,
    status: Literal["unresolved", "resolved", "all"] = "unresolved",
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
) -> Response:
    """Rows that were put aside, and files that could not be finished."""
    resolved = {"unresolved": False, "resolved": True, "all": None}[status]
    items = listing.dead_letters(caller(request).tenant_id, resolved, limit)
    return answer({"items": items, "count": len(items), "limit": limit})


@router.post(
    "/dlq/resolve-transient", summary="Tenta de novo o que pode ter passado", openapi_extra=WRITES
)
def resolve_transient(request: Request, asked: Annotated[Asked | None, Body()] = None) -> Response:
    """Those of kind transient, rate_limited and resource are done again; others are left."""
    who = caller(request)
    with pooled() as connection, connection.transaction():
        found = connection.execute(
            """SELECT id FROM etl.etl_dead_letter_queue
               WHERE tenant_id = %s AND NOT resolved AND error_type = ANY(%s) ORDER BY id""",
            (who.tenant_id, list(listing.RETRYABLE)),
        ).fetchall()
        batches = letters.replay_all(
            connection, [one["id"] for one in found], **_decides(who, asked or Asked())
        )
        service.take_up_again(connection, batches)
    _wake(request)
    return answer({"resolved": len(found), "batches": batches})


@router.post(
    "/dlq/correct",
    status_code=202,
    summary="Corrige muitas linhas de uma vez",
    openapi_extra=WRITES,
)
def correct_many(asked: Corrections, request: Request) -> Response:
    """All of them or none; rows of one file ask for one run together."""
    who = caller(request)
    with pooled() as connection, connection.transaction():
        _require_cattle(connection, list(asked.rows), who.tenant_id)
        batches = letters.correct_all(connection, asked.rows, **_decides(who, asked))
    _wake(request)
    return answer({"decided": len(asked.rows), "batches": batches}, 202)


@router.post("/dlq/{letter_id}/resolve", summary="Decide uma", openapi_extra=WRITES)
def resolve(
    letter_id: Number, request: Request, asked: Annotated[Resolution | None, Body()] = None
) -> Response:
    """Without a body: it will not be done, and stays kept. `replay`: done again as it came.
    `correct`: done again with the cells of `payload`."""
    who, said = caller(request), asked or Resolution()
    by = _decides(who, said)
    batches: list[UUID] = []
    with pooled() as connection, connection.transaction():
        _require_cattle(connection, [letter_id], who.tenant_id)
        if said.action == "correct":
            if not said.payload:
                raise UsageError("Falta dizer as células certas, em payload.")
            batches = letters.correct_all(connection, {letter_id: said.payload}, **by)
        elif said.action == "replay":
            batches = letters.replay_all(connection, [letter_id], **by)
            service.take_up_again(connection, batches)
        else:
            letters.discard(connection, [letter_id], **by)
    _wake(request)
    return answer({"id": letter_id, "resolved": True, "batches": batches})


def _decides(who: Caller, asked: Asked) -> dict[str, Any]:
    return {
        "actor": who.actor,
        "reason": asked.reason,
        "trigger": "api",
        "tenant_id": who.tenant_id,
    }


def _require_cattle(connection: Any, ids: list[int], tenant_id: str) -> None:
    found = connection.execute(
        """SELECT count(*) AS n FROM etl.etl_dead_letter_queue
           WHERE id = ANY(%s) AND tenant_id = %s""",
        (ids, tenant_id),
    ).fetchone()
    if found["n"] != len(set(ids)):
        raise NotFound("Não há essa entrada. Nada foi mudado.", todo="A lista está em /dlq.")


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
