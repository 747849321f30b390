"""Dead letters decided by people: replayed as they came or corrected, or discarded, with a reason.

Each is decided once: the second of two people who decide at the same time is told so. A decision is
one record of the audit log, in its own transaction.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection
from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.base.redact import redact
from atalaia.kernel.keep import audit
from atalaia.kernel.work.batches import RUN
from atalaia.kernel.work.items import accept

_STREAM = "dead_letters"
_RUN_ATTEMPTS = 12  # some 25 minutes: another run of the same file may be in progress
_ORDINARY_PLACE = re.compile(r".+:[0-9]+")


def replay(
    connection: Connection,
    dead_letter_id: int,
    *,
    actor: str,
    reason: str,
    trigger: str = "python",
    tenant_id: str | None = None,
) -> UUID:
    """Accept the work again, as it came, and resolve the letter, in the caller's transaction. For
    a row of a file that is a run of its job and period: the rules may have changed. Returns the
    new batch. Raises NotFound when there is none waiting (of `tenant_id`, when given)."""
    who = {"actor": actor, "reason": reason, "trigger": trigger}
    (batch,) = replay_all(connection, [dead_letter_id], tenant_id=tenant_id, **who)
    return batch


def replay_all(
    connection: Connection,
    dead_letter_ids: Sequence[int],
    *,
    actor: str,
    reason: str,
    trigger: str = "python",
    tenant_id: str | None = None,
) -> list[UUID]:
    """`replay` for many letters, all of them or, raising NotFound, none. Rows of the same job and
    period ask for one run together. Returns the new batches."""
    who = {"actor": actor, "reason": reason, "trigger": trigger}
    runs: dict[str, UUID] = {}
    asked: list[UUID] = []
    for number in sorted(set(dead_letter_ids)):
        letter = _waiting(connection, number, tenant_id)
        if letter["kind"]:
            asked.append(_again(connection, letter, letter["payload"], corrected=False, **who))
            continue
        payload = _run_of(letter)
        run = json.dumps(payload, sort_keys=True)
        if run in runs:
            _decided(connection, letter, runs[run], corrected=False, **who)
            continue
        runs[run] = _again(connection, letter, payload, corrected=False, **who)
        asked.append(runs[run])
    return asked


def correct(
    connection: Connection,
    dead_letter_id: int,
    payload: Any,
    *,
    actor: str,
    reason: str,
    trigger: str = "python",
    tenant_id: str | None = None,
) -> UUID:
    """Accept the work again as `payload` says it should have been, and resolve the letter. For a
    row of a file, `payload` holds the cells that change; they are kept as a correction, which every
    run applies while the row comes as it came. Returns the new batch.

    Raises NotFound when none waits, and UsageError for a cell that the row does not have, or a row
    whose place in its file is not known."""
    who = {"actor": actor, "reason": reason, "trigger": trigger}
    (batch,) = correct_all(connection, {dead_letter_id: payload}, tenant_id=tenant_id, **who)
    return batch


def correct_all(
    connection: Connection,
    payloads: Mapping[int, Any],
    *,
    actor: str,
    reason: str,
    trigger: str = "python",
    tenant_id: str | None = None,
) -> list[UUID]:
    """`correct` for many letters, by their numbers: all of them or, raising, none. Rows of the same
    job and period ask for one run together. Returns the new batches."""
    who = {"actor": actor, "reason": reason, "trigger": trigger}
    runs: dict[str, UUID] = {}
    asked: list[UUID] = []
    for number, payload in sorted(payloads.items()):
        if "\\u0000" in json.dumps(payload):
            raise UsageError(
                "O conteúdo tem o caractere NUL, que o banco não guarda. Nada foi mudado."
            )
        letter = _waiting(connection, number, tenant_id)
        if letter["kind"]:
            asked.append(_again(connection, letter, payload, corrected=True, **who))
            continue
        _keep_correction(connection, letter, payload, actor, reason)
        again = _run_of(letter)
        run = json.dumps(again, sort_keys=True)
        if run in runs:
            _decided(connection, letter, runs[run], corrected=True, **who)
            continue
        runs[run] = _again(connection, letter, again, corrected=True, **who)
        asked.append(runs[run])
    return asked


def _keep_correction(
    connection: Connection, letter: dict[str, Any], payload: Any, actor: str, reason: str
) -> None:
    becomes = _changed_cells(letter, payload)
    connection.execute(
        """INSERT INTO ops.corrections (dead_letter_id, connector, reference_period, entity_id,
               was, becomes, actor, reason)
           SELECT dead_letter_id, entity_type, reference_period, entity_id, payload, %s, %s, %s
           FROM ops.dead_letters WHERE dead_letter_id = %s""",
        (Jsonb(becomes), actor, reason, letter["dead_letter_id"]),
    )


def _waiting(connection: Connection, dead_letter_id: int, tenant_id: str | None) -> dict[str, Any]:
    """The letter, held until the transaction ends."""
    letter = connection.execute(
        """SELECT d.dead_letter_id, d.entity_id, d.reference_period, d.payload, i.kind,
                  i.max_attempts, r.job_name,
                  coalesce(b.tenant_id, r.tenant_id, %(default)s) AS tenant_id
           FROM ops.dead_letters d
           LEFT JOIN ops.work_items i USING (item_id) LEFT JOIN ops.batches b USING (batch_id)
           LEFT JOIN ops.pipeline_runs r ON r.run_id = d.run_id
           WHERE d.dead_letter_id = %(id)s AND NOT d.resolved
             AND coalesce(b.tenant_id, r.tenant_id, %(default)s)
                 = coalesce(%(tenant)s, b.tenant_id, r.tenant_id, %(default)s)
           FOR UPDATE OF d""",
        {"id": dead_letter_id, "tenant": tenant_id, "default": audit.DEFAULT_TENANT},
    ).fetchone()
    if letter is None:
        raise _none_waits(dead_letter_id)
    return letter


def _changed_cells(letter: dict[str, Any], payload: Any) -> dict[str, Any]:
    row = letter["payload"]
    if not isinstance(payload, dict) or not payload or not payload.keys() <= row.keys():
        raise UsageError(
            f"{letter['dead_letter_id']} é uma linha de arquivo: diga só as células que mudam, "
            "com os nomes de coluna que ela tem. Nada foi mudado.",
            todo='Assim: {"coluna": "valor certo"}.',
        )
    if not _ORDINARY_PLACE.fullmatch(letter["entity_id"]):
        raise UsageError(
            f"Não se sabe em que linha do arquivo {letter['dead_letter_id']} está, então a "
            "correção não teria onde ser aplicada. Nada foi mudado.",
            todo="Corrija a fonte ou a regra e rode o conector de novo.",
        )
    return {name: cell for name, cell in payload.items() if cell != row[name]} or payload


def _run_of(letter: dict[str, Any]) -> dict[str, Any]:
    return {"job_name": letter["job_name"], "reference_period": letter["reference_period"]}


def _again(
    connection: Connection,
    letter: dict[str, Any],
    payload: Any,
    *,
    corrected: bool = False,
    **who: str,
) -> UUID:
    """Accept `payload`, resolve the letter, record both as one decision."""
    number, tenant_id = letter["dead_letter_id"], letter["tenant_id"]
    accepted = accept(
        connection,
        letter["kind"] or RUN,
        [payload],
        tenant_id=tenant_id,
        actor=who["actor"],
        trigger="replay",
        reason=who["reason"],
        key=f"dead letter {number}",
        max_attempts=letter["max_attempts"] or _RUN_ATTEMPTS,
    )
    _decided(connection, letter, accepted.batch_id, corrected=corrected, **who)
    return accepted.batch_id


def _decided(
    connection: Connection, letter: dict[str, Any], batch: UUID, *, corrected: bool, **who: str
) -> None:
    number = letter["dead_letter_id"]
    how = "corrected, replayed" if corrected else "replayed"
    _resolve(connection, [number], who["actor"], f"{how} as {batch}: {who['reason']}")
    details = {"batch_id": str(batch), "corrected": corrected}
    _record(connection, "replayed", number, details, tenant_id=letter["tenant_id"], **who)


def discard(
    connection: Connection,
    dead_letter_ids: Sequence[int],
    *,
    actor: str,
    reason: str,
    trigger: str = "python",
    tenant_id: str | None = None,
) -> None:
    """Resolve letters without doing the work. All of them or, raising NotFound, none."""
    wanted = sorted(set(dead_letter_ids))
    for letter in wanted if tenant_id else ():
        _waiting(connection, letter, tenant_id)
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
           RETURNING dead_letter_id, coalesce(
               (SELECT batch.tenant_id FROM ops.work_items AS item
                JOIN ops.batches AS batch USING (batch_id)
                WHERE item.item_id = dead_letters.item_id),
               (SELECT run.tenant_id FROM ops.pipeline_runs AS run
                WHERE run.run_id = dead_letters.run_id)) AS tenant_id""",
        (actor, redact(notes), list(dead_letter_ids)),
    ).fetchall()
    return {row["dead_letter_id"]: row["tenant_id"] or audit.DEFAULT_TENANT for row in rows}


def _none_waits(dead_letter_id: int) -> NotFound:
    return NotFound(
        f"{dead_letter_id} não espera decisão. Nada foi mudado.",
        todo="'atalaia dlq list --resolved' mostra as decididas, com quem e por quê.",
    )
