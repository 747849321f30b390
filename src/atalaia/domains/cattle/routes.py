"""What the routes of the feeding files share: who asks, with which words, and how it is answered.

Each tenant sees its own; what is another's does not exist. A route that the runbook prints without
a body may come without one: then the record says that no reason was told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Path, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from atalaia.domains.cattle.service import Bringer
from atalaia.kernel.keep.doors import Caller, asks

# Of a route whose body is bounded as it comes, by UPLOAD_MAX_BYTES and in our own words.
BOUNDED_BY_ITSELF = 1 << 50
READS = asks("viewer", clients=True, own=True)
WRITES = asks("operator", clients=True, own=True)
UNTOLD = "nenhum motivo foi dito"
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


def bringer(request: Request, reason: str = UNTOLD, origin: str = "http") -> Bringer:
    """The asker as one who brings files."""
    who = caller(request)
    return Bringer(who.tenant_id, who.actor, origin, "api", reason)


def wake_up(request: Request) -> None:
    """Tell the workers that there is something; what was accepted is safe without it."""
    wake: Callable[[], object] = request.app.state.wake
    wake()


def told(one: dict[str, Any]) -> dict[str, Any]:
    """A file as the answer to whoever brought it."""
    names = (
        "id", "filename", "status", "state", "layout", "sha256", "size_bytes", "duplicate_of",
        "error_message", "error_class", "uploaded_at", "batch_id",
    )  # fmt: skip
    return {name: one[name] for name in names} | {"duplicate": one["duplicate_of"] is not None}
