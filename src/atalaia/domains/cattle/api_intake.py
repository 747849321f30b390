"""Feeding files come in over HTTP, sent whole."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from atalaia.domains.cattle import service
from atalaia.domains.cattle.routes import (
    BOUNDED_BY_ITSELF,
    UNTOLD,
    WRITES,
    answer,
    bringer,
    told,
    wake_up,
)
from atalaia.domains.cattle.service import Bringer
from atalaia.kernel.base.errors import FileRefused, UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest import bronze

router = APIRouter(tags=["confinamento"])
_MOST_FILES = 200


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
        by = bringer(request, str(reason)[:500].replace("\x00", "") or UNTOLD)
        if not sent:
            raise UsageError("Não veio arquivo nenhum.", todo="Assim: curl -F file=@arquivo.csv")
        taken = [await run_in_threadpool(_take, part, by) for part in sent]
    finally:
        await form.close()
    wake_up(request)
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
