"""The second person: lets one dangerous cell of one run be executed, once.

Who approves is who the key or the session says, never who a variable of the environment says. Not
the one who started the run, by key or by name; and not by the key that `atalaia up` keeps for the
machine itself, which whoever sits at it can use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import AlreadySo, NotAllowed, NotFound, Unavailable
from atalaia.kernel.base.redact import redact
from atalaia.kernel.keep import audit
from atalaia.kernel.watch.runbook_evidence import STREAM

APPROVERS = ("operator", "admin")


@dataclass(frozen=True, slots=True)
class Approver:
    """Who approves: the name and the subject (a key's prefix, or 'session 7')."""

    name: str
    subject: str
    role: str

    @property
    def actor(self) -> str:
        """As the audit log has it."""
        return f"{self.name} ({self.subject})"


def approve(run_id: str, approver: Approver, *, reason: str, trigger: str) -> dict[str, Any]:
    """Approve the cell that the run waits at. Returns the run's trigger and the cell's name.

    Raises NotFound, AlreadySo when nothing waits or it was approved before, and NotAllowed when
    this is not a second person; that is recorded too."""
    with transaction() as connection:
        found = connection.execute(
            """SELECT r.runbook, r.sha256, r.actor, r.trigger, c.position, c.name
               FROM ops.runbook_runs r LEFT JOIN ops.runbook_cells c
                   ON c.runbook_run_id = r.runbook_run_id AND c.status = 'waiting'
               WHERE r.runbook_run_id = %s FOR UPDATE OF r""",
            (run_id,),
        ).fetchone()
        if found is None:
            raise NotFound("Não há essa execução de um runbook. Nada foi mudado.")
        if found["name"] is None:
            raise AlreadySo("Essa execução não espera aprovação. Nada foi mudado.")
        refused = _refused(connection, found["actor"], approver)
        if not refused:
            _insert(connection, run_id, found["position"], approver, reason)
        _record(connection, run_id, found, approver, reason, trigger, refused)
    if refused:
        raise NotAllowed(f"{refused} Nada foi aprovado.", todo="Peça a outra pessoa que aprove.")
    return {"trigger": found["trigger"], "cell": found["name"], "runbook": found["runbook"]}


def _refused(connection: Connection, starter: str, approver: Approver) -> str:
    """Why this is no second person, in words; '' when it is one."""
    if approver.role not in APPROVERS:
        return "Quem aprova tem o papel operator ou admin."
    name, _, subject = starter.partition(" (")
    same_name = name.strip().casefold() == approver.name.strip().casefold()
    if same_name or subject.rstrip(")") == approver.subject:
        return "Quem iniciou a execução não a aprova."
    of_the_machine = connection.execute(
        """SELECT FROM ops.audit_log made JOIN api_keys k ON k.prefix = made.subject
           WHERE made.stream = 'access' AND made.action = 'key.created' AND made.trigger = 'up'
             AND (k.prefix = %s OR k.name = %s) LIMIT 1""",
        (approver.subject, approver.name),
    ).fetchone()
    if of_the_machine is not None:
        return "A chave da própria máquina não é de uma segunda pessoa."
    return ""


def _insert(
    connection: Connection, run_id: str, position: int, approver: Approver, reason: str
) -> None:
    done = connection.execute(
        """INSERT INTO ops.runbook_approvals (runbook_run_id, position, actor, reason)
           VALUES (%s, %s, %s, %s)
           ON CONFLICT (runbook_run_id, position) WHERE spent_at IS NULL DO NOTHING""",
        (run_id, position, approver.actor, redact(reason)),
    )
    if not done.rowcount:
        raise AlreadySo("Essa célula já está aprovada. Nada foi mudado.")


def _record(
    connection: Connection,
    run_id: str,
    found: dict[str, Any],
    approver: Approver,
    reason: str,
    trigger: str,
    refused: str,
) -> None:
    details = {"runbook": found["runbook"], "sha256": found["sha256"], "cell": found["name"]}
    audit.append(
        connection,
        stream=STREAM,
        action="runbook.approval_refused" if refused else "runbook.approved",
        actor=approver.actor,
        trigger=trigger,
        subject=run_id,
        reason=reason,
        details=details | ({"why": refused} if refused else {"started_by": found["actor"]}),
    )


def spend(run_id: str, position: int) -> str | None:
    """Use the approval of a cell up; returns who gave it, None when nobody has, or when the
    database cannot be asked."""
    try:
        with transaction() as connection:
            found = connection.execute(
                """UPDATE ops.runbook_approvals SET spent_at = clock_timestamp()
                   WHERE runbook_run_id = %s AND position = %s AND spent_at IS NULL
                   RETURNING actor""",
                (run_id, position),
            ).fetchone()
    except (Unavailable, psycopg.OperationalError, psycopg.errors.UndefinedTable):
        return None
    return str(found["actor"]) if found else None
