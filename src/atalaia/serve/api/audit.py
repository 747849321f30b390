"""The audit log over HTTP: records by page, how each chain stands, and the export to verify.

An auditor's key is asked for. A tenant other than the house's own sees the records that are its
own; chains and exports are whole or worth nothing, so they are for the house alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from atalaia.kernel.base.clock import now
from atalaia.kernel.keep import standing
from atalaia.kernel.keep.audit import DEFAULT_TENANT, snapshot
from atalaia.kernel.keep.browse import MOST_COUNTED, Direction, Page, Place, Wanted, page
from atalaia.kernel.keep.doors import Caller
from atalaia.kernel.keep.export import ends_of, lines
from atalaia.serve.api.access import needs
from atalaia.serve.api.answers import answer

router = APIRouter(prefix="/v1/audit", tags=["auditoria"])

Auditor = Annotated[Caller, Depends(needs("auditor", own=True))]
HouseAuditor = Annotated[Caller, Depends(needs("auditor"))]  # chains hold every tenant's records
Stream = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_.-]{0,60}$")]
Text = Annotated[str | None, Query(min_length=1, max_length=200)]
From = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9_.-]{0,60}:[1-9][0-9]{0,17}$")]
_CHUNK_BYTES = 64 * 1024


@router.get("", summary="Quem fez o quê, quando e por quê, do mais novo para o mais velho")
def records(
    who: Auditor,
    stream: Stream = None,
    action: Stream = None,
    actor: Text = None,
    subject: Text = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    start: From = None,
    direction: Direction = "older",
    page_size: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Records, newest first. `start` (a page's `older` or `newer`) and `direction` say where to go
    on; what is appended meanwhile moves nothing. `actor` may be a part of the name."""
    tenant = None if who.tenant_id == DEFAULT_TENANT else who.tenant_id
    wanted = Wanted(tenant, stream, action, actor, subject, since, until)
    return answer(_told(page(wanted, limit=page_size, start=_place(start), direction=direction)))


def _place(text: str | None) -> Place | None:
    if text is None:
        return None
    stream, _, seq = text.partition(":")
    return Place(stream, int(seq))


def _told(found: Page) -> dict[str, object]:
    return {
        "items": found.items,
        "count": len(found.items),
        "total": min(found.total, MOST_COUNTED),
        "more_than_total": found.total > MOST_COUNTED,
        "older": found.older and str(found.older),
        "newer": found.newer and str(found.newer),
    }


@router.get("/streams", summary="Cada cadeia: onde acaba, quando foi conferida e se confere")
def streams(_who: HouseAuditor) -> Response:
    """Every chain's newest record, newest anchor and state, followed just now from that anchor on;
    nothing is written. `verified_at` is when the log was last verified by who anchors it."""
    found = asdict(standing.report())
    chains = found.pop("chains")
    return answer({**found, "items": chains, "count": len(chains)})


@router.get(
    "/export",
    summary="Os registros num arquivo que se confere com SHA-256 e sem banco",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/x-ndjson": {}}}},
)
def export(_who: HouseAuditor, stream: Stream = None) -> StreamingResponse:
    """NDJSON as of one moment: its first line says how to verify and where each chain ends, so
    that a download cut short is seen."""
    opened = ExitStack()
    try:
        connection = opened.enter_context(snapshot())
        ends = ends_of(connection, stream)
    except BaseException:
        opened.close()
        raise
    name = f"auditoria-{stream or 'tudo'}-{now():%Y%m%dT%H%M%SZ}.ndjson"
    return StreamingResponse(
        _in_chunks(lines(connection, ends), opened),
        media_type="application/x-ndjson",
        headers={
            "cache-control": "no-store",
            "content-disposition": f'attachment; filename="{name}"',
        },
    )


def _in_chunks(each: Iterable[bytes], opened: ExitStack) -> Iterator[bytes]:
    """Lines gathered: each piece sent costs a change of thread."""
    with opened:
        chunk = bytearray()
        for line in each:
            chunk += line
            if len(chunk) >= _CHUNK_BYTES:
                yield bytes(chunk)
                chunk.clear()
        yield bytes(chunk)
