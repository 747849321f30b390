"""Large files, in pieces that may be broken off: tus 1.0, core with creation and termination."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from atalaia.domains.cattle import service
from atalaia.domains.cattle.loading import DOMAIN
from atalaia.domains.cattle.routes import BOUNDED_BY_ITSELF, UNTOLD, WRITES, caller
from atalaia.domains.cattle.service import Bringer
from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import FileRefused, UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest import uploads

router = APIRouter(prefix="/files/uploads", tags=["confinamento"])

VERSION = "1.0.0"
_PIECE_TYPE = "application/offset+octet-stream"


def _headers(**more: Any) -> dict[str, str]:
    return {
        "tus-resumable": VERSION,
        "cache-control": "no-store",
        **{name.replace("_", "-"): str(value) for name, value in more.items()},
    }


def _require_version(request: Request) -> None:
    if request.headers.get("tus-resumable", VERSION) != VERSION:
        raise UsageError(f"Fala-se tus {VERSION}.")


def _number(request: Request, name: str) -> int:
    found = request.headers.get(name, "")
    if not found.isascii() or not found.isdigit() or len(found) > 15:
        raise UsageError(f"Falta o cabeçalho {name}, com um número inteiro.")
    return int(found)


def metadata(said: str) -> dict[str, str]:
    """Upload-Metadata as words: 'filename YS5jc3Y=,reason …'. Raises UsageError."""
    found = {}
    for pair in filter(None, map(str.strip, said.split(","))):
        name, _, value = pair.partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise UsageError("Upload-Metadata não é nome e base64.") from error
    return found


@router.options("", status_code=204, summary="O que se fala de tus", openapi_extra=WRITES)
def options() -> Response:
    """The version, what of it, and the most a file may be."""
    most = settings().upload_max_bytes
    told = {
        "tus_version": VERSION,
        "tus_extension": "creation,termination",
        "tus_max_size": most,
    }
    return Response(status_code=204, headers=_headers(**told))


@router.post("", status_code=201, summary="Anuncia um envio em pedaços (tus)", openapi_extra=WRITES)
def create(request: Request) -> Response:
    """201 with the address the pieces go to."""
    _require_version(request)
    said, who = metadata(request.headers.get("upload-metadata", "")), caller(request)
    made = uploads.create(
        tenant_id=who.tenant_id,
        purpose=DOMAIN,
        filename=said.get("filename", ""),
        size_bytes=_number(request, "upload-length"),
        actor=who.actor,
        reason=said.get("reason", UNTOLD)[:500].replace("\x00", ""),
    )
    return Response(
        status_code=201, headers=_headers(location=f"/files/uploads/{made['upload_id']}")
    )


@router.get(
    "/{upload_id}", response_class=Response, summary="Até onde chegou", openapi_extra=WRITES
)
def head(upload_id: UUID, request: Request) -> Response:
    """How much came, how much it will be, and what file it became when it is complete."""
    upload = uploads.find(upload_id, caller(request).tenant_id)
    told = {"upload_offset": uploads.offset(upload), "upload_length": upload["size_bytes"]}
    if upload["received_as"]:
        told["atalaia_file"] = upload["received_as"]
    return Response(status_code=200, headers=_headers(**told))


@router.patch(
    "/{upload_id}",
    status_code=204,
    summary="Um pedaço",
    openapi_extra=WRITES,
    max_body_size=BOUNDED_BY_ITSELF,
)
async def patch(upload_id: UUID, request: Request) -> Response:
    """204 with the new offset; 409 for a piece that does not begin where the file ends. After the
    last one the file is received, and `Atalaia-File` says as what."""
    upload = await run_in_threadpool(uploads.find, upload_id, caller(request).tenant_id)
    _require_version(request)
    if request.headers.get("content-type") != _PIECE_TYPE:
        raise UsageError(f"Um pedaço vem como {_PIECE_TYPE}.")
    at = _number(request, "upload-offset")
    there = await uploads.append(upload, at, request.stream())
    told: dict[str, Any] = {"upload_offset": there}
    if there == upload["size_bytes"]:
        told["atalaia_file"] = await run_in_threadpool(finish, upload)
        request.app.state.wake()
    return Response(status_code=204, headers=_headers(**told))


@router.delete("/{upload_id}", status_code=204, summary="Desiste de um envio", openapi_extra=WRITES)
def delete(upload_id: UUID, request: Request) -> Response:
    """Its bytes are removed; what was received already stays."""
    upload = uploads.find(upload_id, caller(request).tenant_id)
    if upload["status"] == "open":
        uploads.call_off(upload, "quem o enviava desistiu")
    return Response(status_code=204, headers=_headers())


def finish(upload: uploads.Upload) -> str:
    """Receive an upload that is whole; returns the file's id."""
    by = Bringer(
        upload["tenant_id"], upload["actor"], "resumable", "api", upload["details"].get("reason")
    )

    def receive(path: Path) -> str:
        one = service.receive(path, upload["filename"], by)
        return str(one["duplicate_of"] or one["id"])

    return uploads.finish(upload, receive)


def finish_left() -> int:
    """Receive what came whole before its process died; give up what nobody continued."""
    with transaction() as connection:
        left = uploads.whole(DOMAIN, connection)
    done = 0
    for upload in left:
        try:
            finish(upload)
            done += 1
        except FileRefused:
            continue
    uploads.give_up_old(DOMAIN)
    return done
