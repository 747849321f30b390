"""Errors as RFC 9457 problems: a stable type, a status, and in Portuguese what to do.

What a caller typed is never repeated, and neither is what the database or Python said: those go to
the log under the trace id that the problem carries.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Any
from urllib.parse import quote

import psycopg
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from atalaia.kernel.base.errors import (
    CATALOGUE,
    AtalaiaError,
    ContractBroken,
    DatabaseUnavailable,
    FileRefused,
    TooMany,
    Unavailable,
    UsageError,
    outcome,
)
from atalaia.kernel.base.redact import place_of
from atalaia.kernel.base.trace import log, trace_id

RETRY_AFTER_SECONDS = 5
_LONGEST_INSTANCE = 200
_MOST_ERRORS = 20  # told of one request


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem before it is told: `slug` is the stable part of its type."""

    status: int
    slug: str
    title: str
    detail: str
    run_id: str | None = None
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] | None = None

    def response(self, path: str) -> Response:
        """The answer that tells it, about the request for `path`."""
        body: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": quote(path)[:_LONGEST_INSTANCE],
            "trace_id": trace_id(),
        }
        if self.run_id:
            body["run_id"] = self.run_id
        if self.errors:
            body["errors"] = list(self.errors)
        headers = {"cache-control": "no-store", **(self.headers or {})}
        if self.status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers.setdefault("retry-after", str(RETRY_AFTER_SECONDS))
        return Response(
            json.dumps(body, ensure_ascii=False),
            status_code=self.status,
            headers=headers,
            media_type="application/problem+json",
        )


# What to tell of errors whose own message is for developers and operators.
_DETAILS = {
    "unavailable": "Uma parte de que esta resposta depende está fora do ar. Nada foi perdido; "
    "tente de novo em alguns segundos.",
    "busy": "Outro trabalho ocupa agora o que esta resposta usa. Nada foi mudado; tente de novo em "
    "alguns segundos.",
    "database-unavailable": "O banco de dados está fora do ar. Nada foi perdido; a API volta "
    "sozinha quando ele voltar. Tente de novo em alguns segundos.",
    "not-authenticated": "Este endereço pede uma chave de acesso. Envie-a como "
    "'Authorization: Bearer CHAVE' ou 'X-API-Key: CHAVE', ou entre pelo endereço que "
    "'atalaia sign-in' mostra. Uma chave revogada e um link já usado não valem mais.",
    "link-not-valid": "Ele serve uma vez só, e por poucos minutos: foi usado, venceu, ou não foi "
    "copiado inteiro. Ninguém entrou. Peça outro a quem opera o Atalaia.",
    "not-allowed": "A chave ou a sessão é válida, mas não alcança este endereço: o papel não "
    "chega, o tenant é outro, ou o pedido não veio de uma página do Atalaia. Peça o acesso a quem "
    "administra o Atalaia.",
    "too-many-requests": "Este endereço ou esta chave passou do limite de pedidos. Nada foi feito. "
    "Espere os segundos que o cabeçalho Retry-After diz e tente de novo.",
    "bad-period": "Um período de referência é um ano (2024) ou um mês (2024-07).",
    "unknown-job": "Não há job com esse nome. A lista está em /v1/ops/connector-registry.",
    "internal": "Um erro nosso impediu a resposta. Nada foi alterado. Se continuar, informe o "
    "trace_id a quem opera o Atalaia.",
}
_NOT_READY = Problem(
    503,
    "not-ready",
    "Os dados ainda não estão prontos",
    "O banco responde, mas ainda não tem as tabelas ou visões desta versão. Quem opera deve rodar "
    "'make up' (ou 'alembic upgrade heads') e a carga; depois tente de novo.",
)
_ROUTING = {
    404: (
        "not-found",
        "Não encontrado",
        "Não há nada neste endereço. A lista dos endereços da API está em /openapi.json.",
    ),
    413: (
        "too-large",
        "Pedido grande demais",
        "O corpo do pedido passa do que este endereço aceita. Nada foi feito; envie menos "
        "de uma vez.",
    ),
    405: (
        "method-not-allowed",
        "Método não aceito",
        "Este endereço existe, mas não aceita este método HTTP; o cabeçalho Allow diz quais.",
    ),
}
_INVALID = ("invalid-parameter", "Parâmetro inválido")
_NUL = Problem(
    422,
    *_INVALID,
    "Um texto do pedido tem o caractere NUL, que nenhum texto do Atalaia pode ter. Nada foi "
    "alterado; tire-o e envie de novo.",
)
# Tables, columns or functions that are not there yet, and views never populated.
_UNPREPARED_SQLSTATES = {"42P01", "42703", "42883", "3F000", "55000"}


def of_error(error: AtalaiaError) -> Problem:
    """The problem an error of ours means. Messages of UsageErrors are written for the caller."""
    meaning = outcome(error)
    told = isinstance(error, UsageError | FileRefused | ContractBroken)
    own = told and meaning.slug not in _DETAILS
    detail = f"{error.message} {error.todo}".strip() if own else _DETAILS.get(meaning.slug, "")
    headers = {"www-authenticate": "Bearer"} if meaning.status == HTTPStatus.UNAUTHORIZED else {}
    if isinstance(error, TooMany):
        headers["retry-after"] = str(ceil(error.retry_after))
    run_id = getattr(error, "run_id", None)
    return Problem(
        meaning.status,
        meaning.slug,
        meaning.title,
        detail or _DETAILS["internal"],
        run_id=str(run_id) if run_id else None,
        headers=headers,
    )


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """The problem of an HTTP error that routing or a limit raised."""
    title = HTTPStatus(status).phrase
    detail = "O pedido não pôde ser atendido como está."
    slug, title, detail = _ROUTING.get(status, (f"http-{status}", title, detail))
    return Problem(status, slug, title, detail, headers=headers)


def of_invalid(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """The problem of parameters that do not have the agreed form."""
    told = [{"field": _field(one), "reason": _reason(one)} for one in errors[:_MOST_ERRORS]]
    sentence = "; ".join(f"{one['field']}: {one['reason']}" for one in told)
    return Problem(422, *_INVALID, f"Corrija e envie de novo. {sentence}.", errors=told)


def _field(error: Mapping[str, Any]) -> str:
    place = [str(part) for part in error.get("loc", ())]
    return ".".join(place[1:] or place)


_REASONS = {
    "missing": "é obrigatório",
    "extra_forbidden": "este campo não existe aqui",
    "unknown": "há um parâmetro desconhecido; este endereço aceita: {known}",
    "int_parsing": "deve ser um número inteiro",
    "int_from_float": "deve ser um número inteiro",
    "bool_parsing": "deve ser true ou false",
    "uuid_parsing": "deve ser um UUID",
    "json_invalid": "não é JSON válido",
    "repeated": "está repetido no mesmo pedido",
    "greater_than_equal": "deve ser pelo menos {ge}",
    "less_than_equal": "deve ser no máximo {le}",
    "string_too_short": "deve ter pelo menos {min_length} caractere(s)",
    "string_too_long": "deve ter no máximo {max_length} caracteres",
    "literal_error": "deve ser um destes: {expected}",
    "enum": "deve ser um destes: {expected}",
    "string_pattern_mismatch": "não tem o formato esperado",
}


def _reason(error: Mapping[str, Any]) -> str:
    template = _REASONS.get(str(error.get("type")), "não tem o formato esperado")
    context = dict(error.get("ctx") or {})
    if "expected" in context:  # pydantic writes English between the values
        context["expected"] = str(context["expected"]).replace("'", "").replace(" or ", " ou ")
    return template.format(**context)


def catalogue() -> dict[str, tuple[int, str]]:
    """Every problem slug the API may answer with: its status and title."""
    known = {meaning.slug: (meaning.status, meaning.title) for meaning in CATALOGUE.values()}
    known |= {slug: (status, title) for status, (slug, title, _) in _ROUTING.items()}
    known[_INVALID[0]] = (422, _INVALID[1])
    known[_NOT_READY.slug] = (_NOT_READY.status, _NOT_READY.title)
    return dict(sorted(known.items()))


def of_any(error: Exception) -> Problem:
    """The problem of whatever went wrong; what is a fault of ours is logged by its class."""
    if isinstance(error, AtalaiaError):
        problem = of_error(error)
    elif isinstance(error, psycopg.Error) and error.sqlstate in _UNPREPARED_SQLSTATES:
        problem = _NOT_READY
    elif isinstance(error, psycopg.DataError) and error.sqlstate is None and "NUL" in str(error):
        problem = _NUL  # said by psycopg, before anything is sent
    elif isinstance(error, psycopg.OperationalError):
        problem = of_error(DatabaseUnavailable())
    else:
        problem = of_error(AtalaiaError())
    away = isinstance(error, Unavailable)  # said once, by who notices that it is away
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not away:
        log("ERROR", f"request failed: {problem.slug}", error=place_of(error))
    return problem


def install(app: FastAPI) -> None:
    """Make `app` tell every error as a problem."""

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101  as registered
        return of_invalid(error.errors()).response(request.url.path)

    @app.exception_handler(HTTPException)
    async def _status(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  as registered
        return of_status(error.status_code, error.headers).response(request.url.path)

    @app.exception_handler(AtalaiaError)
    @app.exception_handler(psycopg.Error)
    async def _ours(request: Request, error: Exception) -> Response:
        return of_any(error).response(request.url.path)
