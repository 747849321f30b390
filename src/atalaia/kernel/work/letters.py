"""Dead letters decided by people: replayed as they came or corrected, or discarded, with a reason.

Each is decided once: the second of two people who decide at the same time is told so. A decision is
one record of the audit log, in its own transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.keep import audit
from atalaia.kernel.work.items import accept

_STREAM = "dead_letters"
_NO_PAYLOAD = object()


def replay(
    connection: Connection,
    dead_letter_id: int,
    *,
    actor: str,
    reason: str,
    trigger: str = "python",
    payload: Any = _NO_PAYLOAD,
) -> UUID:
    """Accept the work again, as it came or with a corrected `payload`, and resolve the letter, in
    the caller's transaction. Returns the new batch. Raises NotFound when there is none waiting, and
    UsageError for a row of a file, which only a run can read again."""
    letter = connection.execute(
        """SELECT d.payload, i.kind, i.max_attempts, b.tenant_id
           FROM ops.dead_letters d
           LEFT JOIN ops.work_items i USING (item_id) LEFT JOIN ops.batches b USING (batch_id)
           WHERE d.dead_letter_id = %s AND NOT d.resolved FOR UPDATE OF d""",
        (dead_letter_id,),
    ).fetchone()
    if letter is None:
        raise _none_waits(dead_letter_id)
    if letter["kind"] is None:
        raise UsageError(
            f"{dead_letter_id} é uma linha de arquivo. Nada foi mudado.",
            todo="Corrija a fonte ou a regra e rode o conector de novo: ela se resolve sozinha.",
        )
    accepted = accept(
        connection,
        letter["kind"],
        [letter["payload"] if payload is _NO_PAYLOAD else payload],
        tenant_id=letter["tenant_id"],
        actor=actor,
        trigger="replay",
        reason=reason,
        key=f"dead letter {dead_letter_id}",
        max_attempts=letter["max_attempts"],
    )
    corrected = "" if payload is _NO_PAYLOAD else "corrected, "
    _resolve(
        connection, [dead_letter_id], actor, f"{corrected}replayed as {accepted.batch_id}: {reason}"
    )
    details = {"batch_id": str(accepted.batch_id), "corrected": payload is not _NO_PAYLOAD}
    who = {"actor": actor, "trigger": trigger, "reason": reason, "tenant_id": letter["tenant_id"]}
    _record(connection, "replayed", dead_letter_id, details, **who)
    return accepted.batch_id


def discard(
    connection: Connection,
    dead_letter_ids: Sequence[int],
    *,
    actor: str,
    reason: str,
    trigger: str = "python",
) -> None:
    """Resolve letters without doing the work. All of them or, raising NotFound, none."""
    wanted = sorted(set(dead_letter_ids))
    tenants = _resolve(connection, wanted, actor, f"discarded: {reason}")
    if missing := [letter for letter in wanted if letter not in tenants]:
        raise _none_waits(missing[0])
    for letter in wanted:
        who = {"actor": actor, "trigger": trigger, "reason": reason, "tenant_id": tenants[letter]}
        _record(connection, "discarded", letter, {}, **who)


def _record(
    connection: Connection, what: str, dead_letter_id: int, details: dict[str, Any], **who: str
) -> None:
    """The one record of a decision; `who` also says why, and for whom."""
    audit.append(
        connection,
        stream=_STREAM,
        action=f"dead_letter.{what}",
        subject=str(dead_letter_id),
        details=details,
        **who,
    )


def _resolve(
    connection: Connection, dead_letter_ids: Sequence[int], actor: str, notes: str
) -> dict[int, str]:
    """Resolve those that wait; returns whose each of them was."""
    rows = connection.execute(
        """UPDATE ops.dead_letters
           SET resolved = true, resolved_at = clock_timestamp(), resolved_by = %s, notes = %s
           WHERE dead_letter_id = ANY(%s) AND NOT resolved
           RETURNING dead_letter_id,
               (SELECT batch.tenant_id FROM ops.work_items AS item
                JOIN ops.batches AS batch USING (batch_id)
                WHERE item.item_id = dead_letters.item_id) AS tenant_id""",
        (actor, notes, list(dead_letter_ids)),
    ).fetchall()
    return {row["dead_letter_id"]: row["tenant_id"] or audit.DEFAULT_TENANT for row in rows}


def _none_waits(dead_letter_id: int) -> NotFound:
    return NotFound(
        f"{dead_letter_id} não espera decisão. Nada foi mudado.",
        todo="'atalaia dlq list --resolved' mostra as decididas, com quem e por quê.",
    )
