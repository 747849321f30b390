"""What an admin does: tenants and keys of everybody by the house's, policies and taxonomies of the
own tenant, and dead letters of the service. Each change has its reason, and its record.
"""

from __future__ import annotations

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints

from atalaia.domains.equivalence import catalog
from atalaia.domains.equivalence.wire import (
    Activation,
    Binding,
    Document,
    Reason,
    Strict,
    Word,
)
from atalaia.kernel.base.database import pooled
from atalaia.kernel.keep import keys
from atalaia.kernel.keep.doors import Caller, asks
from atalaia.kernel.work import bell, letters

router = APIRouter(prefix="/admin", tags=["administração"])
_HOUSE = asks("admin")
_OWN = asks("admin", own=True)
DOMAIN = "equivalence"
Tenant = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Quota = Annotated[str, StringConstraints(pattern=r"^equivalence\.(evaluate|batch)$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class TenantWanted(Strict):
    """Somebody keys and work belong to."""

    tenant_id: Tenant
    name: Name
    reason: Reason


class QuotaWanted(Strict):
    """What a tenant may ask a minute; null gives it back to the default."""

    tenant_id: Tenant
    quota: Quota
    per_minute: int | None = Field(ge=1, le=keys.MOST_PER_MINUTE)
    reason: Reason


class KeyWanted(Strict):
    """A key for a tenant: a program's (client), unless it says otherwise."""

    tenant_id: Tenant
    name: Name
    role: keys.Role = "client"
    expires_days: int | None = Field(None, ge=1, le=3650)
    reason: Reason


class KeyEnded(Strict):
    """A key that is good no more."""

    prefix: Annotated[str, StringConstraints(pattern=r"^atl_[0-9a-f]{12}$")]
    reason: Reason


class Activated(Activation):
    """Which version of which."""

    code: Word


class Requeued(Strict):
    """Dead letters whose work is to be done again, all of them or none."""

    ids: list[Annotated[int, Field(ge=1, le=2**63 - 1)]] = Field(min_length=1, max_length=1000)
    reason: Reason


def _json(body: Any, status: int = 200) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(orjson.dumps(body), status, headers, "application/json")


def _who(request: Request) -> Caller:
    found: Caller = request.state.caller
    return found


@router.get("/tenants", openapi_extra=_HOUSE, summary="Os tenants, suas chaves e limites")
def tenants() -> Response:
    """Every tenant, with how many of its keys are good and its own limits."""
    with pooled() as connection:
        found = keys.tenants(connection)
    return _json({"items": found, "count": len(found)})


@router.post("/tenants", status_code=201, openapi_extra=_HOUSE, summary="Faz um tenant")
def tenant_create(wanted: TenantWanted, request: Request) -> Response:
    """It uses what the house uses, until it is bound to something else."""
    with pooled() as connection, connection.transaction():
        keys.create_tenant(
            connection, wanted.tenant_id, name=wanted.name,
            who=_who(request).because(wanted.reason),
        )  # fmt: skip
    return _json({"tenant_id": wanted.tenant_id, "name": wanted.name}, 201)


@router.post("/quotas", openapi_extra=_HOUSE, summary="Muda o limite por minuto de um tenant")
def quota_set(wanted: QuotaWanted, request: Request) -> Response:
    """In force at the next request, in every process."""
    with pooled() as connection, connection.transaction():
        keys.set_quota(
            connection, wanted.tenant_id, wanted.quota, wanted.per_minute,
            who=_who(request).because(wanted.reason),
        )  # fmt: skip
    return _json(wanted.model_dump(exclude={"reason"}))


@router.get("/keys", openapi_extra=_HOUSE, summary="As chaves de todos, ou de um tenant")
def key_list(tenant_id: Annotated[str | None, Query(max_length=63)] = None) -> Response:
    """Also the ones that ended; never the key itself."""
    with pooled() as connection:
        found = keys.listed(connection, tenant_id)
    return _json({"items": found, "count": len(found)})


@router.post("/keys", status_code=201, openapi_extra=_HOUSE, summary="Faz uma chave de um tenant")
def key_create(wanted: KeyWanted, request: Request) -> Response:
    """The new key, in `key`: only this answer shows it."""
    with pooled() as connection, connection.transaction():
        made = keys.create(
            connection, name=wanted.name, role=wanted.role, tenant_id=wanted.tenant_id,
            expires_days=wanted.expires_days, who=_who(request).because(wanted.reason),
        )  # fmt: skip
    return _json({"key": made.secret, **_told(made.key)}, 201)


@router.post("/keys/revoke", openapi_extra=_HOUSE, summary="Revoga uma chave, agora")
def key_revoke(ended: KeyEnded, request: Request) -> Response:
    """It is refused by every process from its next request on."""
    with pooled() as connection, connection.transaction():
        old = keys.revoke(connection, ended.prefix, who=_who(request).because(ended.reason))
    return _json({**_told(old), "status": "revoked"})


def _told(key: keys.Key) -> dict[str, Any]:
    return {"prefix": key.prefix, "name": key.name, "role": key.role, "tenant_id": key.tenant_id}


@router.post("/policies", status_code=201, openapi_extra=_OWN, summary="Acrescenta uma política")
def policy_add(wanted: Document, request: Request) -> Response:
    """A version of the own tenant's; it never changes. The same again changes nothing."""
    return _added("policy", wanted, request)


@router.post("/taxonomies", status_code=201, openapi_extra=_OWN, summary="Acrescenta uma taxonomia")
def taxonomy_add(wanted: Document, request: Request) -> Response:
    """A version of the own tenant's; it never changes. The same again changes nothing."""
    return _added("taxonomy", wanted, request)


def _added(kind: catalog.Kind, wanted: Document, request: Request) -> Response:
    who = _who(request)
    with pooled() as connection, connection.transaction():
        made = catalog.add(
            connection, kind, wanted.document, tenant_id=who.tenant_id,
            who=who.because(wanted.reason), activate=wanted.activate,
        )  # fmt: skip
    return _json(made, 201)


@router.post("/policies/activate", openapi_extra=_OWN, summary="Põe uma versão em uso")
def policy_activate(wanted: Activated, request: Request) -> Response:
    """It is used from now on where a request names no version."""
    return _activated("policy", wanted, request)


@router.post("/taxonomies/activate", openapi_extra=_OWN, summary="Põe uma versão em uso")
def taxonomy_activate(wanted: Activated, request: Request) -> Response:
    """It is used from now on where a request names no version."""
    return _activated("taxonomy", wanted, request)


def _activated(kind: catalog.Kind, wanted: Activated, request: Request) -> Response:
    who = _who(request)
    with pooled() as connection, connection.transaction():
        changed = catalog.set_active(
            connection, kind, wanted.code, wanted.version, tenant_id=who.tenant_id,
            who=who.because(wanted.reason),
        )  # fmt: skip
    return _json({"code": wanted.code, "version": wanted.version, "changed": changed})


@router.get("/bindings", openapi_extra=_HOUSE, summary="Quem usa que política em que curso")
def bindings() -> Response:
    """Of every tenant; the one of course '' is for all courses that have none of their own."""
    with pooled() as connection:
        found = connection.execute(
            """SELECT tenant_id, course, policy, taxonomy, updated_at, updated_by
               FROM equivalence.bindings ORDER BY tenant_id, course"""
        ).fetchall()
    return _json({"items": found, "count": len(found)})


@router.post("/bindings", openapi_extra=_HOUSE, summary="Vincula um curso a uma política")
def bind(wanted: Binding, request: Request) -> Response:
    """In force at the next request."""
    with pooled() as connection, connection.transaction():
        catalog.bind(
            connection, wanted.tenant_id, wanted.course, wanted.policy, wanted.taxonomy,
            who=_who(request).because(wanted.reason),
        )  # fmt: skip
    return _json(wanted.model_dump(exclude={"reason"}))


@router.get("/dead-letters", openapi_extra=_OWN, summary="Itens que não puderam ser avaliados")
def dead_letters(request: Request, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> Response:
    """The tenant's that wait for a decision, newest first; without what was sent."""
    with pooled() as connection:
        found = connection.execute(
            """SELECT d.dead_letter_id, d.entity_id, d.error_type, d.reason, d.created_at_utc,
                      i.batch_id, i.position, i.attempt
               FROM ops.dead_letters d JOIN ops.work_items i USING (item_id)
               JOIN ops.batches b USING (batch_id)
               WHERE d.domain = %s AND NOT d.resolved AND b.tenant_id = %s
               ORDER BY d.dead_letter_id DESC LIMIT %s""",
            (DOMAIN, _who(request).tenant_id, limit),
        ).fetchall()
    return _json({"items": found, "count": len(found)})


@router.post("/dead-letters/requeue", openapi_extra=_OWN, summary="Avalia de novo o que parou")
def requeue(wanted: Requeued, request: Request) -> Response:
    """Each is accepted again, as it came; all of them or none. Returns the new batches."""
    who = _who(request)
    with pooled() as connection, connection.transaction():
        made = letters.replay_all(
            connection, wanted.ids, actor=who.actor, reason=wanted.reason, trigger="api",
            tenant_id=who.tenant_id,
        )  # fmt: skip
    bell.ring()
    return _json({"batches": made, "count": len(made)}, 202)
