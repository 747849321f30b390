"""Who may: a key or a browser's session, the role it holds, and the least role a route asks for.

Nothing is remembered between requests, so a key that was revoked, or a session that was ended, is
refused at the next one. What `needs` asks is in OpenAPI too, as `x-atalaia-access`: the table in
docs/access-matrix.md is made from there, and every cell of it is tried.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, model_validator

from atalaia.kernel.base.database import Connection, pooled
from atalaia.kernel.base.errors import NotAllowed, NotAuthenticated
from atalaia.kernel.keep import keys, sessions
from atalaia.kernel.keep.doors import ACCESS_MARK, LADDER, PUBLIC_MARK, Caller, Rule, Step
from atalaia.serve.api.limits import address_of, limits

COOKIE = "atalaia_session"
FORM_HEADER = "x-atalaia-form"
_LONGEST_KEY = 200
_MOST_FIELDS = 100  # of the body of a write
_CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")
# What a browser says of a request that a page of ours made, or a person who typed the address.
_OUR_PAGES = ("same-origin", "none")

# Declared so that OpenAPI shows both ways; `_presented` reads the headers itself, all of them.
_BEARER = HTTPBearer(auto_error=False, description="a key, as Authorization: Bearer")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="a key, as X-API-Key")


class Body(BaseModel):
    """What a write takes: the fields it names, and no other."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _of_few_fields(cls, given: Any) -> Any:
        """Each field too many is an error with its own words: of thousands there is one."""
        if isinstance(given, dict) and len(given) > _MOST_FIELDS:
            raise ValueError("too many fields")
        return given


def needs(
    role: Step, *, clients: bool = False, own: bool = False, per_minute: int | None = None
) -> Callable[..., Caller]:
    """A dependency that lets `role` and those above it through: the house's only, unless `own` says
    that the route shows each tenant its own. `clients` lets the programs of a tenant in too;
    `per_minute` is the route's own limit for one key. Raises NotAuthenticated, NotAllowed, TooMany.
    """
    rule = Rule(role, clients, own or clients, per_minute)

    def checked(
        request: Request,
        _bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
        _key: Annotated[str | None, Depends(_HEADER)],
    ) -> Caller:
        return _let_in(request, rule)

    checked.rule = rule  # type: ignore[attr-defined]
    return checked


def _let_in(request: Request, rule: Rule) -> Caller:
    who = _caller(request)
    allowed = rule.lets(who.role, who.tenant_id)
    if allowed or not rule.quota:  # who may not come spends nothing of the tenant's
        _count(who, f"{request.method} {request.scope['route'].path}", rule)
    if not allowed:
        raise NotAllowed()
    request.state.caller = who
    return who


def _count(who: Caller, route: str, rule: Rule) -> None:
    """One request more: of the tenant's quota where the route has one, else of the key's. Raises
    TooMany."""
    if not rule.quota or not rule.per_minute:
        limits().spend(who.subject, route, rule.per_minute)
        return
    with pooled() as connection:
        own = keys.quota(connection, who.tenant_id, rule.quota)
    limits().spend_quota(who.tenant_id, rule.quota, own or rule.per_minute)


def domain_door(request: Request) -> None:
    """What stands before every route of a domain (see `kernel/keep/doors.py`). One that is not
    public and forgot to say what it asks is an admin's alone."""
    told = request.scope["route"].openapi_extra or {}
    if PUBLIC_MARK not in told:
        _let_in(request, _told_rule(told))


def _told_rule(told: Mapping[str, Any]) -> Rule:
    return Rule(**told.get(ACCESS_MARK, {"least": "admin"}))


def describe_domain(router: APIRouter) -> None:
    """Write what the door asks into the OpenAPI of a domain's routes. Raises TypeError for what is
    no route of FastAPI's: no door would stand there."""
    for route in router.routes:
        if not isinstance(route, APIRoute):
            raise TypeError(f"{type(route).__name__} is no route that asks who comes")
        told = route.openapi_extra or {}
        if PUBLIC_MARK not in told:
            ways: list[dict[str, list[str]]] = [
                {scheme.scheme_name: []} for scheme in (_BEARER, _HEADER)
            ]
            asked = {ACCESS_MARK: asdict(_told_rule(told)), "security": ways}
            route.openapi_extra = told | asked


def describe(routes: Iterable[APIRoute]) -> None:
    """Write what each route asks into its OpenAPI, from the dependencies it really has."""
    for route in routes:
        rules = _rules_of(route.dependant)
        if rules:
            told = asdict(_together(rules))
            route.openapi_extra = {**(route.openapi_extra or {}), ACCESS_MARK: told}


def require_our_page(request: Request) -> None:
    """Refuse what another site's page had a browser send. Raises NotAllowed."""
    if request.headers.get("sec-fetch-site", "none") not in _OUR_PAGES:
        raise NotAllowed()


def _rules_of(dependant: Dependant) -> list[Rule]:
    own: Rule | None = getattr(dependant.call, "rule", None)
    found = [rule for one in dependant.dependencies for rule in _rules_of(one)]
    return [own, *found] if own else found


def _together(rules: Sequence[Rule]) -> Rule:
    """What several ask at once: a route's own rule, and its router's."""
    limits_of = [rule.per_minute for rule in rules if rule.per_minute]
    return Rule(
        max((rule.least for rule in rules), key=LADDER.index),
        all(rule.clients for rule in rules),
        all(rule.own for rule in rules),
        min(limits_of, default=None),
        next((rule.quota for rule in rules if rule.quota), ""),
    )


@contextmanager
def guesses_counted(request: Request) -> Iterator[None]:
    """Count what is not good against the address it came from, and refuse an address that was
    wrong too often. Raises TooMany."""
    address = address_of(request)
    limits().refuse_locked(address)
    try:
        yield
    except NotAuthenticated:
        limits().failed(address)
        raise


def _caller(request: Request) -> Caller:
    presented, cookie = _presented(request), request.cookies.get(COOKIE)
    if presented is None and cookie is None:
        raise NotAuthenticated()  # nothing was tried: nothing is counted, and nobody asked
    with guesses_counted(request), pooled() as connection:
        if presented is not None:
            return _of_key(connection, presented)
        return _of_session(connection, cookie or "", request)


def _of_key(connection: Connection, presented: str) -> Caller:
    key = keys.find(connection, presented)
    if key is None:
        raise NotAuthenticated()
    return Caller(key.tenant_id, key.name, key.role, key.prefix)


def _of_session(connection: Connection, cookie: str, request: Request) -> Caller:
    found = sessions.find(connection, cookie)
    if found is None:
        raise NotAuthenticated()
    if request.method not in _CHANGES_NOTHING:
        require_our_page(request)
        sent = request.headers.get(FORM_HEADER, "")
        if not hmac.compare_digest(sent.encode(), found.form_token.encode()):
            raise NotAllowed()
    subject = f"session {found.session_id}"
    return Caller(found.tenant_id, found.name, found.role, subject, found, found.expires_at)


def _presented(request: Request) -> str | None:
    """The one key a request carries, or None without any. Two different ones are as good as none,
    and a key that is none is not made up for by a cookie."""
    given = set()
    for value in request.headers.getlist("authorization"):
        scheme, _, key = value.partition(" ")
        given.add(key.strip() if scheme.lower() == "bearer" else "")
    given.update(value.strip() for value in request.headers.getlist("x-api-key"))
    if not given:
        return None
    key = given.pop()
    if given or not key or len(key) > _LONGEST_KEY or not key.isascii():
        raise NotAuthenticated()
    return key
