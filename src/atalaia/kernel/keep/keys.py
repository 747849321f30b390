"""Tenants and their keys: a key is shown once, kept as a keyed hash, and revoked at once.

`atl_` + 12 digits that name it + `_` + 32 random bytes. The prefix, all but the random bytes, is no
secret: lists and the audit log show it. Nothing is remembered between two questions, so a key that
was revoked is refused at the next one, in every process.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import psycopg

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.keep.audit import DEFAULT_TENANT, append
from atalaia.kernel.keep.pepper import SECRET_BYTES, is_kept_as, keyed_hash, new_secret

Role = Literal["viewer", "auditor", "operator", "admin", "client"]
ROLES: tuple[Role, ...] = get_args(Role)
STREAM = "access"
LONGEST_NAME = 80
MOST_PER_MINUTE = 1_000_000
_KEY = re.compile(r"(atl_[0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NOBODYS = bytes(SECRET_BYTES)  # compared with when nothing was found: that takes as long

_COLUMNS = """key_id, prefix, name, role, tenant_id, created_at, expires_at, last_used_at,
    revoked_at, CASE WHEN revoked_at IS NOT NULL THEN 'revoked'
         WHEN expires_at <= clock_timestamp() THEN 'expired' ELSE 'active' END AS status"""


@dataclass(frozen=True, slots=True)
class Who:
    """Who makes a change and why, for its record."""

    actor: str
    trigger: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is good now."""

    key_id: int
    tenant_id: str
    name: str
    role: Role
    prefix: str


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. `secret` is the whole key, here and never again."""

    key: Key
    secret: str = field(repr=False)


def create(
    connection: Connection,
    *,
    name: str,
    role: Role,
    who: Who,
    tenant_id: str = DEFAULT_TENANT,
    expires_days: int | None = None,
) -> NewKey:
    """Make a key, in the transaction `connection` has open. Raises NotFound without the tenant."""
    made = _insert(connection, name, role, tenant_id, expires_days)
    _record(connection, "key.created", made.key, who, expires_days=expires_days)
    return made


def rotate(
    connection: Connection, key: int | str, *, who: Who, tenant_id: str | None = None
) -> NewKey:
    """Revoke a key and make another like it, valid for as long as that one was made for. Raises
    NotFound when there is none that is good."""
    old, valid = _revoke(connection, key, tenant_id)
    made = _insert(connection, old.name, old.role, old.tenant_id, valid)
    _record(connection, "key.rotated", old, who, new=made.key.prefix)
    return made


def revoke(
    connection: Connection, key: int | str, *, who: Who, tenant_id: str | None = None
) -> Key:
    """End a key, by its number or prefix; of that tenant only, when one is named. Raises NotFound
    when there is none that is good."""
    old, _ = _revoke(connection, key, tenant_id)
    _record(connection, "key.revoked", old, who)
    return old


def find(connection: Connection, presented: str) -> Key | None:
    """The key that `presented` is, if it is one of ours and good."""
    form = _KEY.fullmatch(presented)
    if form is None:
        return None
    found = connection.execute(
        """SELECT key_id, tenant_id, name, role, prefix, key_hmac,
                  coalesce(last_used_at < clock_timestamp() - interval '5 minutes', true) AS stale
           FROM api_keys WHERE prefix = %s AND revoked_at IS NULL
             AND (expires_at IS NULL OR expires_at > clock_timestamp())""",
        (form[1],),
    ).fetchone()
    kept = bytes(found.pop("key_hmac")) if found else _NOBODYS
    if not is_kept_as(presented, "key", kept) or not found:
        return None
    if found.pop("stale"):
        _touch(connection, found["key_id"])
    return Key(**found)


def still_good(connection: Connection, prefixes: Sequence[str]) -> set[str]:
    """Which of these keys, by prefix, are good now."""
    found = connection.execute(
        """SELECT prefix FROM api_keys WHERE prefix = ANY(%s) AND revoked_at IS NULL
             AND (expires_at IS NULL OR expires_at > clock_timestamp())""",
        (list(prefixes),),
    )
    return {row["prefix"] for row in found}


def listed(connection: Connection, tenant_id: str | None = None) -> list[dict[str, Any]]:
    """Every key of a tenant, or of all, newest first; also the ones that ended."""
    return connection.execute(
        f"""SELECT {_COLUMNS} FROM api_keys
            WHERE %(tenant)s::text IS NULL OR tenant_id = %(tenant)s ORDER BY key_id DESC""",  # noqa: S608
        {"tenant": tenant_id},
    ).fetchall()


def create_tenant(connection: Connection, tenant_id: str, *, name: str, who: Who) -> None:
    """Make a tenant. Raises UsageError for what is no identifier, and when there is one."""
    if not _TENANT.fullmatch(tenant_id):
        raise UsageError(
            "O identificador de um tenant tem de 1 a 63 letras minúsculas sem acento, algarismos, "
            "'-' ou '_', e começa por letra ou algarismo. Nada foi mudado."
        )
    done = connection.execute(
        "INSERT INTO tenants (tenant_id, name) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (tenant_id, named(name)),
    )
    if not done.rowcount:
        raise UsageError(f"Já há o tenant '{tenant_id}'. Nada foi mudado.")
    append(
        connection, stream=STREAM, action="tenant.created", actor=who.actor, trigger=who.trigger,
        subject=tenant_id, reason=who.reason, tenant_id=tenant_id,
    )  # fmt: skip


def tenants(connection: Connection) -> list[dict[str, Any]]:
    """Every tenant, with how many keys of it are good now."""
    return connection.execute(
        """SELECT t.tenant_id, t.name, t.created_at, t.quotas,
                  count(k.key_id) FILTER (
                      WHERE k.revoked_at IS NULL
                        AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())) AS keys
           FROM tenants AS t LEFT JOIN api_keys AS k USING (tenant_id)
           GROUP BY t.tenant_id ORDER BY t.tenant_id"""
    ).fetchall()


def quota(connection: Connection, tenant_id: str, name: str) -> int | None:
    """How often a minute a tenant may ask for what is counted under that name; None when nobody
    set it."""
    found = connection.execute(
        "SELECT (quotas ->> %s)::int AS per_minute FROM tenants WHERE tenant_id = %s",
        (name, tenant_id),
    ).fetchone()
    return found["per_minute"] if found else None


def set_quota(
    connection: Connection, tenant_id: str, name: str, per_minute: int | None, *, who: Who
) -> None:
    """Set it, from the next request on in every process; None gives it back to what the route says.
    Raises NotFound without the tenant, UsageError for no positive number."""
    if per_minute is not None and not 1 <= per_minute <= MOST_PER_MINUTE:
        raise UsageError(f"Um limite vai de 1 a {MOST_PER_MINUTE} por minuto. Nada foi mudado.")
    done = connection.execute(
        """UPDATE tenants SET quotas = CASE WHEN %(limit)s::int IS NULL THEN quotas - %(name)s::text
               ELSE quotas || jsonb_build_object(%(name)s::text, %(limit)s::int) END
           WHERE tenant_id = %(tenant)s""",
        {"limit": per_minute, "name": name, "tenant": tenant_id},
    )
    if not done.rowcount:
        raise _no_tenant(tenant_id)
    append(
        connection, stream=STREAM, action="tenant.quota_set", actor=who.actor, trigger=who.trigger,
        subject=tenant_id, reason=who.reason, tenant_id=tenant_id,
        details={"quota": name, "per_minute": per_minute},
    )  # fmt: skip


def _no_tenant(tenant_id: str) -> NotFound:
    return NotFound(
        f"Não há o tenant '{tenant_id}'. Nada foi mudado.",
        todo="'atalaia tenants list' mostra os que há.",
    )


def named(name: str) -> str:
    """A name without the blanks around it. Raises UsageError for what is none."""
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise UsageError(
            f"Um nome tem de 1 a {LONGEST_NAME} caracteres, numa linha. Nada foi mudado."
        )
    return name


def _insert(
    connection: Connection, name: str, role: Role, tenant_id: str, expires_days: int | None
) -> NewKey:
    prefix = f"atl_{secrets.token_hex(6)}"
    secret = f"{prefix}_{new_secret()}"
    made = connection.execute(
        """INSERT INTO api_keys (tenant_id, name, role, prefix, key_hmac, expires_at)
           SELECT tenant_id, %(name)s, %(role)s, %(prefix)s, %(hmac)s,
                  clock_timestamp() + make_interval(days => %(days)s::int)
           FROM tenants WHERE tenant_id = %(tenant)s RETURNING key_id""",
        {
            "name": named(name), "role": role, "prefix": prefix, "tenant": tenant_id,
            "hmac": keyed_hash(secret, "key"), "days": expires_days,
        },
    ).fetchone()  # fmt: skip
    if made is None:
        raise _no_tenant(tenant_id)
    return NewKey(Key(made["key_id"], tenant_id, name.strip(), role, prefix), secret)


def _revoke(
    connection: Connection, key: int | str, tenant_id: str | None
) -> tuple[Key, int | None]:
    """The key as it was, and for how many days it had been made."""
    found = connection.execute(
        """UPDATE api_keys SET revoked_at = clock_timestamp()
           WHERE (key_id::text = %(key)s OR prefix = %(key)s) AND revoked_at IS NULL
             AND (%(tenant)s::text IS NULL OR tenant_id = %(tenant)s)
           RETURNING key_id, tenant_id, name, role, prefix,
                     round(extract(epoch FROM expires_at - created_at) / 86400)::int AS valid""",
        {"key": str(key), "tenant": tenant_id},
    ).fetchone()
    if found is None:
        raise NotFound("Não há chave válida com esse identificador. Nada foi mudado.")
    valid = found.pop("valid")
    return Key(**found), valid


def _touch(connection: Connection, key_id: int) -> None:
    # When a key was last used is worth less than the answer it was used for.
    with suppress(psycopg.Error):
        connection.execute(
            "UPDATE api_keys SET last_used_at = clock_timestamp() WHERE key_id = %s", (key_id,)
        )


def _record(connection: Connection, action: str, key: Key, who: Who, **details: Any) -> None:
    append(
        connection,
        stream=STREAM,
        action=action,
        actor=who.actor,
        trigger=who.trigger,
        subject=key.prefix,
        reason=who.reason,
        tenant_id=key.tenant_id,
        details={"role": key.role, **details},
    )
