"""What routes that are nobody else's business have in common: their pages and their JSON."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import Query, Response

Page = Annotated[int, Query(ge=1, le=1_000_000)]
PageSize = Annotated[int, Query(ge=1, le=500)]


def answer(body: Any, status: int = 200) -> Response:
    """`body` as JSON that nobody on the way keeps; a str is JSON already, as PostgreSQL made it."""
    text = body if isinstance(body, str) else orjson.dumps(body)
    return Response(text, status, {"cache-control": "no-store"}, "application/json")
