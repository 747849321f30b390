"""Who may: keys, the roles they hold, and the least role a route asks for.

A key is known here only by its SHA-256. Nothing is remembered between requests, so a revoked key is
refused at the next one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Depends, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from atalaia.kernel.base.database import row
from atalaia.kernel.base.errors import NotAllowed, NotAuthenticated

Role = Literal["viewer", "auditor", "operator", "admin"]
# Each role may all that the ones before it may. 'client' (a tenant's program) is on no step.
_LADDER: tuple[Role, ...] = ("viewer", "auditor", "operator", "admin")
_LONGEST_KEY = 200

# Declared so that OpenAPI shows both ways; `_presented` reads the headers itself, all of them.
_BEARER = HTTPBearer(auto_error=False, description="a key, as Authorization: Bearer")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="a key, as X-API-Key")


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key it is."""

    key_id: int
    tenant_id: str
    name: str
    role: Role | Literal["client"]


def caller(presented: str) -> Caller:
    """The owner of a key. Raises NotAuthenticated for a key that is not ours or was revoked."""
    digest = hashlib.sha256(presented.encode()).digest()
    found = row(
        "SELECT key_id, tenant_id, name, role, key_sha256 FROM api_keys "
        "WHERE key_sha256 = %s AND revoked_at IS NULL",
        (digest,),
    )
    if not found or not hmac.compare_digest(bytes(found.pop("key_sha256")), digest):
        raise NotAuthenticated()
    return Caller(**found)


def _presented(request: Request) -> str:
    """The one key a request carries. Two different ones are as good as none."""
    keys = set()
    for value in request.headers.getlist("authorization"):
        scheme, _, key = value.partition(" ")
        keys.add(key.strip() if scheme.lower() == "bearer" else "")
    keys.update(value.strip() for value in request.headers.getlist("x-api-key"))
    if len(keys) != 1:
        raise NotAuthenticated()
    key = keys.pop()
    if not key or len(key) > _LONGEST_KEY or not key.isascii():
        raise NotAuthenticated()
    return key


def needs(role: Role, *, clients: bool = False) -> Callable[..., Caller]:
    """A dependency that lets `role` and those above it through, and with `clients` the programs of
    a tenant too: for routes that show each tenant its own."""

    def checked(
        request: Request,
        _bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
        _key: Annotated[str | None, Depends(_HEADER)],
    ) -> Caller:
        who = caller(_presented(request))
        allowed = ("client",) * clients + _LADDER[_LADDER.index(role) :]
        if who.role not in allowed:
            raise NotAllowed()
        return who

    return checked
