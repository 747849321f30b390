"""The schedule: rows of `ops.schedule`, asked for when due, on the database's clock.

The transaction that accepts the work also moves `next_due_at` on, holding the row: a scheduler that
dies before it commits has asked for nothing, and of several, one asks. Each moment is asked for
once; those that nobody was there to ask for are caught up by one, which says how many they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection, clock_of, transaction
from atalaia.kernel.base.errors import AlreadySo, NotFound
from atalaia.kernel.keep import audit
from atalaia.kernel.work.items import accept
from atalaia.kernel.work.recurrence import Recurrence, decide

_STREAM = "schedule"
LISTED: LiteralString = """
    SELECT s.name, s.kind, s.payload, s.recurrence, s.next_due_at, s.paused_at, s.paused_by,
           s.pause_reason, last.due_at AS last_due_at, last.asked_at AS last_asked_at,
           last.missed AS last_missed, last.batch_id AS last_batch_id,
           (SELECT p.finished_at FROM ops.batch_progress p WHERE p.batch_id = last.batch_id)
               AS last_finished_at
    FROM ops.schedule s
    LEFT JOIN LATERAL (
        SELECT due_at, asked_at, missed, batch_id FROM ops.schedule_asked a
        WHERE a.name = s.name ORDER BY asked_at DESC, due_at DESC LIMIT 1) AS last ON true
    ORDER BY s.name
"""
Complete = Callable[["Scheduled"], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Work that comes round: items of `kind`, when `recurrence` says (see recurrence.py)."""

    name: str
    kind: str
    recurrence: str
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """A moment that was asked for, and how many before it were missed."""

    name: str
    due_at: datetime
    missed: int
    batch_id: UUID


def sync(listed: Sequence[Scheduled], moment: datetime | None = None) -> None:
    """Bring `ops.schedule` to what is listed. What is new, or comes round otherwise than before, is
    due the next time it would be; what is no longer listed stays and is not asked for."""
    with transaction() as connection:
        now = moment or clock_of(connection)
        for one in listed:
            connection.execute(
                """INSERT INTO ops.schedule AS s (name, kind, payload, recurrence, next_due_at)
                   VALUES (%s, %s, %s, %s, %s)
                   ON CONFLICT (name) DO UPDATE
                   SET (kind, payload, recurrence) =
                           (excluded.kind, excluded.payload, excluded.recurrence),
                       next_due_at = CASE WHEN s.recurrence = excluded.recurrence
                                          THEN s.next_due_at ELSE excluded.next_due_at END
                   WHERE (s.kind, s.payload, s.recurrence)
                         IS DISTINCT FROM (excluded.kind, excluded.payload, excluded.recurrence)""",
                (
                    one.name,
                    one.kind,
                    Jsonb(dict(one.payload)),
                    one.recurrence,
                    Recurrence.parse(one.recurrence).after(now),
                ),
            )


def ask_for_due(
    listed: Sequence[Scheduled],
    *,
    complete: Complete = lambda one: one.payload,
    moment: datetime | None = None,
    fault: Callable[[str], None] = lambda _step: None,
) -> list[Asked]:
    """Ask for everything listed that is due, in one transaction. `complete` gives the payload of
    the item. `moment` stands for the present (the database's, when not given); `fault` is told
    each step. Rows that another scheduler has in hand are left to it."""
    with transaction() as connection:
        now = moment or clock_of(connection)
        found = [_ask_one(connection, one, complete, now, fault) for one in listed]
    fault("committed")
    return [one for one in found if one]


def _ask_one(
    connection: Connection,
    one: Scheduled,
    complete: Complete,
    now: datetime,
    fault: Callable[[str], None],
) -> Asked | None:
    row = connection.execute(
        """SELECT recurrence, next_due_at,
                  ARRAY(SELECT due_at FROM ops.schedule_asked AS asked
                        WHERE asked.name = s.name AND due_at >= least(next_due_at, %s)) AS asked
           FROM ops.schedule AS s WHERE name = %s AND paused_at IS NULL
           FOR UPDATE SKIP LOCKED""",
        (now, one.name),
    ).fetchone()
    if row is None:
        return None
    decision = decide(Recurrence.parse(row["recurrence"]), row["next_due_at"], now, row["asked"])
    fault("decided")
    if decision.next_due != row["next_due_at"]:
        connection.execute(
            "UPDATE ops.schedule SET next_due_at = %s WHERE name = %s",
            (decision.next_due, one.name),
        )
    if decision.ask_for is None:
        return None
    due = decision.ask_for
    batch = _accept(connection, one, complete(one), key=f"{one.name} {due:%Y-%m-%dT%H:%M}")
    connection.execute(
        """INSERT INTO ops.schedule_asked (name, due_at, asked_at, missed, batch_id)
           VALUES (%s, %s, %s, %s, %s)""",
        (one.name, due, now, decision.missed, batch),
    )
    fault("asked")
    return Asked(one.name, due, decision.missed, batch)


def _accept(
    connection: Connection,
    one: Scheduled,
    payload: Mapping[str, Any],
    *,
    key: str | None,
    actor: str = "scheduler",
    trigger: str = "schedule",
    reason: str = "",
) -> UUID:
    return accept(
        connection,
        one.kind,
        [dict(payload)],
        key=key,
        actor=actor,
        trigger=trigger,
        reason=reason or f"{one.name}: {one.recurrence}",
    ).batch_id


def run_now(
    one: Scheduled, payload: Mapping[str, Any], *, actor: str, reason: str, trigger: str = "python"
) -> UUID:
    """Ask for it beside its schedule, which stays as it is. Returns the batch."""
    with transaction() as connection:
        who = {"actor": actor, "trigger": trigger, "reason": reason}
        batch = _accept(connection, one, payload, key=None, **who)
        _record(connection, "run_now", one.name, {"batch_id": str(batch)}, **who)
    return batch


def pause(name: str, *, actor: str, reason: str, trigger: str = "python") -> None:
    """Ask for it no more until it is resumed. Raises NotFound, and AlreadySo when it is paused."""
    with transaction() as connection:
        _in_hand(connection, name, paused=False)
        connection.execute(
            """UPDATE ops.schedule SET paused_at = clock_timestamp(), paused_by = %s,
                   pause_reason = %s WHERE name = %s""",
            (actor, reason, name),
        )
        _record(connection, "paused", name, {}, actor=actor, trigger=trigger, reason=reason)


def resume(name: str, *, actor: str, reason: str, trigger: str = "python") -> datetime:
    """Ask for it again from the next time on: what fell into the pause was not wanted. Returns
    when it is due. Raises NotFound, and AlreadySo when it is not paused."""
    with transaction() as connection:
        row = _in_hand(connection, name, paused=True)
        due = Recurrence.parse(row["recurrence"]).after(clock_of(connection))
        connection.execute(
            """UPDATE ops.schedule SET paused_at = NULL, paused_by = NULL, pause_reason = NULL,
                   next_due_at = %s WHERE name = %s""",
            (due, name),
        )
        who = {"actor": actor, "trigger": trigger, "reason": reason}
        _record(connection, "resumed", name, {"next_due_at": due.isoformat()}, **who)
    return due


def _in_hand(connection: Connection, name: str, *, paused: bool) -> dict[str, Any]:
    row = connection.execute(
        "SELECT recurrence, paused_at FROM ops.schedule WHERE name = %s FOR UPDATE", (name,)
    ).fetchone()
    if row is None:
        raise NotFound(
            f"Não há '{name}' na agenda. Nada foi mudado.",
            todo="'atalaia schedule list' mostra o que há.",
        )
    if (row["paused_at"] is not None) != paused:
        stands = "já está em pausa" if row["paused_at"] else "não está em pausa"
        raise AlreadySo(f"'{name}' {stands}. Nada foi mudado.")
    return row


def _record(
    connection: Connection, what: str, name: str, details: dict[str, Any], **who: str
) -> None:
    audit.append(
        connection,
        stream=_STREAM,
        action=f"schedule.{what}",
        subject=name,
        details=details,
        **who,
    )
