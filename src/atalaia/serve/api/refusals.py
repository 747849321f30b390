"""What each operation may refuse with, written into OpenAPI in one place.

FastAPI describes a refusal of its own that this API never gives. Ours are all one shape (RFC 9457,
see `problems`), and which of them an operation gives follows from what it is: whether it asks for a
key, takes parameters, names a thing in its path, changes something. A route says in its own
`responses` only what is its alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from atalaia.kernel.base.errors import AlreadySo, TooMany
from atalaia.kernel.keep.doors import ACCESS_MARK, PUBLIC_MARK
from atalaia.serve.api.problems import RETRY_AFTER_SECONDS

_SCHEMA = "Problem"
PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": _SCHEMA,
    "description": "RFC 9457. `detail` is for people; `type` never changes.",
    "properties": {
        "type": {"type": "string", "pattern": r"^/problems/[a-z0-9-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "trace_id": {"type": "string"},
        "run_id": {"type": "string", "format": "uuid"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "reason": {"type": "string"}},
                "required": ["field", "reason"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["type", "title", "status", "detail", "instance", "trace_id"],
    "additionalProperties": False,
}
_WORDS = {
    "400": "O pedido não pode ser atendido como está",
    "401": "Falta uma chave, ou ela não vale",
    "403": "A chave não alcança isto",
    "404": "Não há isso, ou não é de quem pergunta",
    "409": AlreadySo.__doc__ or "",
    "413": "O corpo do pedido passa do que se aceita",
    "422": "Um parâmetro ou campo não tem a forma combinada",
    "429": TooMany.__doc__ or "",
    "503": "O que a resposta precisa está fora do ar",
    "504": "A consulta passou do tempo que tem",
}
WAIT = {
    "Retry-After": {
        "description": f"Segundos de espera; de um 503, {RETRY_AFTER_SECONDS}",
        "schema": {"type": "integer", "minimum": 0},
    }
}
_READS = ("get", "head")


def install(app: FastAPI) -> None:
    """Make `app` describe its refusals as it gives them."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if not app.openapi_schema:
            _describe(plain())
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def _describe(document: dict[str, Any]) -> None:
    """Put the refusals of every operation of `document` in the place of FastAPI's."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for gone in ("HTTPValidationError", "ValidationError"):
        schemas.pop(gone, None)
    schemas[_SCHEMA] = PROBLEM
    for methods in document["paths"].values():
        for method, operation in methods.items():
            told = operation["responses"]
            told.pop("422", None)
            for status in _statuses(method, operation):
                told.setdefault(status, refusal(status))
            operation["responses"] = dict(sorted(told.items()))


def _statuses(method: str, operation: dict[str, Any]) -> Iterator[str]:
    changes = method not in _READS
    parameters = operation.get("parameters", ())
    if ACCESS_MARK in operation:
        yield from ("401", "403", "429")
    if changes:
        yield from ("400", "404", "409", "413")
    if changes or parameters or PUBLIC_MARK in operation:
        yield "422"
    if parameters:
        yield from ("400", "404")
    yield from ("503", "504")


def refusal(status: str) -> dict[str, Any]:
    """The refusal with that status, as OpenAPI has it."""
    schema = {"$ref": f"#/components/schemas/{_SCHEMA}"}
    told: dict[str, Any] = {
        "description": _WORDS[status],
        "content": {"application/problem+json": {"schema": schema}},
    }
    return told | {"headers": WAIT} if status in ("429", "503") else told
