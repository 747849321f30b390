"""Keys over HTTP: an admin lists, makes and revokes those of the own tenant."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import Field

from atalaia.kernel.base.database import pooled, transaction
from atalaia.kernel.keep import keys
from atalaia.kernel.keep.doors import Caller
from atalaia.serve.api.access import Body, needs
from atalaia.serve.api.answers import answer

router = APIRouter(prefix="/v1/access", tags=["acesso"])
Admin = Annotated[Caller, Depends(needs("admin", own=True))]
REASON = r"\S"  # one sign that can be read, at least


class KeyWanted(Body):
    """A key to be made."""

    name: str = Field(min_length=1, max_length=keys.LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]*\S")
    role: keys.Role
    expires_days: int | None = Field(None, ge=1, le=3650)
    reason: str = Field(min_length=1, max_length=500, pattern=REASON)


@router.get("/keys", summary="As chaves do próprio tenant, também as que acabaram")
def key_list(who: Admin) -> Response:
    """Prefix, name, role, when it was made, last used and ended; `status` says which are good."""
    with pooled() as connection:
        found = keys.listed(connection, who.tenant_id)
    return answer({"items": found, "count": len(found)})


@router.post("/keys", status_code=201, summary="Faz uma chave, que só esta resposta mostra")
def key_create(wanted: KeyWanted, who: Admin) -> Response:
    """The new key, in `key`: it cannot be shown again."""
    with transaction() as connection:
        made = keys.create(
            connection,
            name=wanted.name,
            role=wanted.role,
            expires_days=wanted.expires_days,
            tenant_id=who.tenant_id,
            who=who.because(wanted.reason.strip()),
        )
    return answer({"key": made.secret, **_told(made.key)}, 201)


@router.delete("/keys/{key_id}", summary="Revoga uma chave, em todos os processos, agora")
def key_revoke(
    key_id: Annotated[int, Path(ge=1, le=2**63 - 1)],
    who: Admin,
    reason: Annotated[str, Query(min_length=1, max_length=500, pattern=REASON)],
) -> Response:
    """The key as it was. One of another tenant is as unknown as one that never was."""
    with transaction() as connection:
        old = keys.revoke(
            connection, key_id, tenant_id=who.tenant_id, who=who.because(reason.strip())
        )
    return answer({**_told(old), "status": "revoked"})


def _told(key: keys.Key) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "prefix": key.prefix,
        "name": key.name,
        "role": key.role,
        "tenant_id": key.tenant_id,
    }
