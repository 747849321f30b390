"""Signing in from a browser: a link that is good once, and the session it opens.

Both are secrets we give out and never keep (`pepper.py`). A session ends by itself when nobody used
it for SESSION_IDLE_MINUTES and after SESSION_HOURS, and at once when it is ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import LinkNotValid, NotFound
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep.audit import DEFAULT_TENANT, append
from atalaia.kernel.keep.keys import STREAM, Role, Who
from atalaia.kernel.keep.pepper import is_kept_as, keyed_hash, new_secret

_LONGEST_SECRET = 64
# Open: not ended, used not long ago, and its last moment not come.
_OPEN = """ended_at IS NULL AND expires_at > clock_timestamp()
    AND seen_at > clock_timestamp() - make_interval(mins => %(idle)s)"""


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is open now. To change anything, its pages must send the `form_token`."""

    session_id: int
    tenant_id: str
    name: str
    role: Role
    expires_at: datetime
    form_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just opened. `secret` is the cookie, here and never again."""

    session: Session
    secret: str = field(repr=False)


def create_link(
    connection: Connection,
    *,
    name: str,
    role: Role,
    who: Who,
    minutes: int | None = None,
    tenant_id: str = DEFAULT_TENANT,
) -> str:
    """Make a link for `name` to sign in with that role; returns its secret. Raises NotFound without
    the tenant."""
    secret = new_secret()
    made = connection.execute(
        """INSERT INTO ops.sign_in_links (tenant_id, name, role, token_hmac, expires_at)
           SELECT tenant_id, %s, %s, %s, clock_timestamp() + make_interval(mins => %s)
           FROM tenants WHERE tenant_id = %s RETURNING link_id""",
        (name, role, keyed_hash(secret, "link"), minutes or settings().sign_in_minutes, tenant_id),
    ).fetchone()
    if made is None:
        raise NotFound(f"Não há o tenant '{tenant_id}'. Nada foi mudado.")
    _record(connection, "link.created", f"link {made['link_id']}", tenant_id, who, role=role)
    return secret


def open_session(connection: Connection, link: str) -> NewSession:
    """Use a link up and open its session. Raises LinkNotValid for a link that is not ours, was
    used or is too old: which of them, nobody is told."""
    if len(link) > _LONGEST_SECRET:
        raise LinkNotValid()
    secret = new_secret()
    made = connection.execute(
        """WITH used AS (
               UPDATE ops.sign_in_links SET used_at = clock_timestamp()
               WHERE token_hmac = %s AND used_at IS NULL AND expires_at > clock_timestamp()
               RETURNING link_id, tenant_id, name, role)
           INSERT INTO ops.sessions (link_id, tenant_id, name, role, token_hmac, expires_at)
           SELECT link_id, tenant_id, name, role, %s, clock_timestamp() + make_interval(hours => %s)
           FROM used RETURNING session_id, link_id, tenant_id, name, role, expires_at""",
        (keyed_hash(link, "link"), keyed_hash(secret, "session"), settings().session_hours),
    ).fetchone()
    if made is None:
        raise LinkNotValid()
    link_id = made.pop("link_id")
    session = Session(**made, form_token=_form_token(secret))
    who = Who(session.name, "api", None)
    subject = f"session {session.session_id}"
    _record(connection, "session.opened", subject, session.tenant_id, who, link=link_id)
    return NewSession(session, secret)


def find(connection: Connection, secret: str) -> Session | None:
    """The session that has this cookie, if it is open."""
    if len(secret) > _LONGEST_SECRET:
        return None
    found = connection.execute(
        f"""SELECT session_id, tenant_id, name, role, expires_at, token_hmac,
                   seen_at < clock_timestamp() - interval '1 minute' AS stale
            FROM ops.sessions WHERE token_hmac = %(hmac)s AND {_OPEN}""",  # noqa: S608
        {"hmac": keyed_hash(secret, "session"), "idle": settings().session_idle_minutes},
    ).fetchone()
    if not found or not is_kept_as(secret, "session", bytes(found.pop("token_hmac"))):
        return None
    if found.pop("stale"):
        _touch(connection, found["session_id"])
    return Session(**found, form_token=_form_token(secret))


def end(connection: Connection, session_id: int, *, who: Who) -> None:
    """End one session now. Raises NotFound when it is not open."""
    ended = _end(connection, "session_id = %(id)s", {"id": session_id}, who)
    if not ended:
        raise NotFound("Não há sessão aberta com esse número. Nada foi mudado.")


def end_all(connection: Connection, *, who: Who) -> int:
    """End every open session now, whoever's it is; returns how many there were."""
    return _end(connection, "true", {}, who)


def still_open(connection: Connection, session_ids: Sequence[int]) -> set[int]:
    """Which of these sessions are open now; being asked about is not being used."""
    found = connection.execute(
        f"""SELECT session_id FROM ops.sessions
            WHERE session_id = ANY(%(ids)s) AND {_OPEN}""",  # noqa: S608
        {"ids": list(session_ids), "idle": settings().session_idle_minutes},
    )
    return {row["session_id"] for row in found}


def listed(connection: Connection) -> list[dict[str, Any]]:
    """The open sessions, the newest first."""
    return connection.execute(
        f"""SELECT session_id, name, role, tenant_id, created_at, seen_at, expires_at
            FROM ops.sessions WHERE {_OPEN} ORDER BY session_id DESC""",  # noqa: S608
        {"idle": settings().session_idle_minutes},
    ).fetchall()


def _end(connection: Connection, which: str, values: dict[str, Any], who: Who) -> int:
    ended = connection.execute(
        f"""UPDATE ops.sessions SET ended_at = clock_timestamp() WHERE {which} AND {_OPEN}
            RETURNING session_id, tenant_id""",  # noqa: S608  `which` is ours
        {**values, "idle": settings().session_idle_minutes},
    ).fetchall()
    for one in ended:
        _record(connection, "session.ended", f"session {one['session_id']}", one["tenant_id"], who)
    return len(ended)


def _form_token(secret: str) -> str:
    return keyed_hash(secret, "form").hex()


def _touch(connection: Connection, session_id: int) -> None:
    with suppress(psycopg.Error):  # a session that ends too early is better than no answer
        connection.execute(
            "UPDATE ops.sessions SET seen_at = clock_timestamp() WHERE session_id = %s",
            (session_id,),
        )


def _record(
    connection: Connection, action: str, subject: str, tenant_id: str, who: Who, **details: Any
) -> None:
    append(
        connection, stream=STREAM, action=action, actor=who.actor, trigger=who.trigger,
        subject=subject, reason=who.reason, tenant_id=tenant_id, details=details,
    )  # fmt: skip
