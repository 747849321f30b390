"""What a route asks of who comes, and who that is: said where domains can say it too.

    @router.get("/rain/stations", openapi_extra=asks("viewer"))
    def stations(request: Request) -> Response:
        who: Caller = request.state.caller          # its tenant is who.tenant_id

A domain's route that is neither PUBLIC nor asks for anything lets nobody but an admin in. What a
route asks stands in its OpenAPI, from where docs/access-matrix.md is made.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from atalaia.kernel.keep import sessions
from atalaia.kernel.keep.audit import DEFAULT_TENANT
from atalaia.kernel.keep.keys import Role, Who

# Each role may all that the ones before it may. 'client' (a tenant's program) is on no step.
Step = Literal["viewer", "auditor", "operator", "admin"]
LADDER: tuple[Step, ...] = ("viewer", "auditor", "operator", "admin")
ACCESS_MARK, PUBLIC_MARK = "x-atalaia-access", "x-atalaia-public"
# The same answer for everyone, without a key; kept per data version, and by proxies on the way.
PUBLIC: dict[str, Any] = {PUBLIC_MARK: True}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a key, or a person in a browser (then it has the `session`)."""

    tenant_id: str
    name: str
    role: Role
    subject: str  # the key's prefix, or the session's number: what a record and a limit go by
    session: sessions.Session | None = None
    expires_at: datetime | None = None

    @property
    def actor(self) -> str:
        """Who the audit log says acted: no key of two of one name is taken for the other."""
        return f"{self.name} ({self.subject})"

    def because(self, reason: str) -> Who:
        """Who makes a change, for its record."""
        return Who(self.actor, "api", reason)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a route asks: the least role; whether programs of a tenant may; and whether a tenant
    other than the house is let in, which then sees its own only."""

    least: Step
    clients: bool = False
    own: bool = False
    per_minute: int | None = None  # what one key may ask of it, when less than of others
    quota: str = ""  # its name, when all keys of a tenant are counted together

    def lets(self, role: str, tenant_id: str) -> bool:
        """Whether a caller of that role and tenant may."""
        steps = LADDER[LADDER.index(self.least) :]
        good = role in steps or (self.clients and role == "client")
        return good and (self.own or tenant_id == DEFAULT_TENANT)


def asks(
    role: Step,
    *,
    clients: bool = False,
    own: bool = False,
    per_minute: int | None = None,
    quota: str = "",
) -> dict[str, Any]:
    """The `openapi_extra` of a domain's route that lets `role` and those above it through: the
    house's only, unless `own` says that it shows each tenant its own. `clients` lets the programs
    of a tenant in too; `per_minute` is the route's own limit for one key.

    A route with a `quota` is counted by tenant, and `per_minute` is what each may ask of it unless
    `keys.set_quota` says otherwise; it counts for no other limit."""
    if quota and not per_minute:
        raise ValueError("a quota has a number of requests a minute")
    return {ACCESS_MARK: asdict(Rule(role, clients, own or clients, per_minute, quota))}
