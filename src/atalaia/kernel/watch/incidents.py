"""Incidents: declared by a person, from alerts or by hand; updated, escalated, reminded, resolved.

Each step is an event of the timeline, which only grows, and of the audit log, in one transaction
with what it changes; its text is made from the figures of that moment, in the words of whose
incident it is (`voices.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import AlreadySo, NotFound, UsageError
from atalaia.kernel.base.redact import redact
from atalaia.kernel.keep import audit
from atalaia.kernel.watch import contacts
from atalaia.kernel.watch.severity import NAMES, Severity
from atalaia.kernel.watch.telling import tell
from atalaia.kernel.watch.voices import Voices, platform_only

STREAM = "incidents"
UPDATE_EVERY = timedelta(minutes=30)
POSTMORTEM_AFTER = timedelta(hours=24)
Status = Literal["investigating", "identified", "monitoring"]
LevelsOf = Callable[[str], Sequence[contacts.Level]]  # of a domain's name; '' is the platform


def declare(
    connection: Connection,
    *,
    actor: str,
    reason: str,
    trigger: str = "python",
    alerts: Sequence[int] = (),
    title: str = "",
    severity: Severity | None = None,
    impact: str = "",
    affected: Sequence[str] = (),
    commander: str = "",
    domain: str = "",
    voices: Voices = platform_only,
) -> dict[str, Any]:
    """Declare one. What is not given is taken from the alerts: the worst one's title and severity,
    their subjects, and when the first of them was seen. Raises UsageError without alerts and
    without title or severity, NotFound for an alert there is not, AlreadySo for one that belongs
    to another incident; nothing was changed then."""
    found = _alerts(connection, alerts)
    worst = max(found, key=lambda one: Severity(one["severity"]).rank, default=None)
    title = title or (worst["title"] if worst else "")
    how_bad = severity or (Severity(worst["severity"]) if worst else None)
    if not title.strip() or how_bad is None:
        raise UsageError(
            "Um incidente sem alertas pede título e severidade. Nada foi mudado.",
            todo="atalaia incident declare --title … --severity P2 --reason …",
        )
    row = connection.execute(
        """INSERT INTO ops.incidents (title, severity, impact, affected, commander, domain,
               started_at, declared_at, declared_by, next_update_due_at)
           VALUES (%(title)s, %(severity)s, %(impact)s, %(affected)s, %(commander)s, %(domain)s,
                   least(%(since)s, now()), now(), %(actor)s, now() + %(every)s)
           RETURNING *""",
        {
            "title": redact(title), "severity": how_bad, "actor": actor, "every": UPDATE_EVERY,
            "impact": redact(impact) or "; ".join(one["says"] for one in found),
            "affected": list(affected) or sorted({one["subject"] or one["rule"] for one in found}),
            "commander": redact(commander) or actor, "domain": domain,
            "since": min((one["first_seen_at"] for one in found), default=None),
        },
    ).fetchone()  # fmt: skip
    assert row is not None  # noqa: S101  INSERT … RETURNING gives its row
    for one in found:
        connection.execute(
            "INSERT INTO ops.incident_alerts (alert_id, incident_id) VALUES (%s, %s)",
            (one["alert_id"], row["incident_id"]),
        )
        details = {"alert_id": one["alert_id"], "rule": one["rule"], "subject": one["subject"]}
        _event(connection, row, "alert", actor, f"{one['title']}: {one['says']}", details)
    text = voices(domain).declaration(connection, row)
    _step(connection, row, "declared", actor, trigger, reason, text)
    return row


def _alerts(connection: Connection, numbers: Sequence[int]) -> list[dict[str, Any]]:
    found = connection.execute(
        """SELECT a.*, i.incident_id FROM ops.alerts a
           LEFT JOIN ops.incident_alerts i USING (alert_id)
           WHERE a.alert_id = ANY (%s) ORDER BY a.first_seen_at, a.alert_id FOR UPDATE OF a""",
        (list(numbers),),
    ).fetchall()
    if len(found) < len(set(numbers)):
        raise NotFound("Não há um desses alertas. Nada foi mudado.")
    for one in found:
        if one["incident_id"]:
            raise AlreadySo(
                f"O alerta {one['alert_id']} já é do incidente {one['incident_id']}. Nada mudou."
            )
    return found


def update(
    connection: Connection,
    incident_id: int,
    *,
    actor: str,
    reason: str,
    trigger: str = "python",
    status: Status | None = None,
    severity: Severity | None = None,
    next_steps: str = "",
    eta: str = "",
    voices: Voices = platform_only,
) -> dict[str, Any]:
    """Say what was done (`reason`) and how it stands; the next update is due half an hour later.
    Raises NotFound, and AlreadySo for one that is resolved."""
    _open(connection, incident_id)
    row = connection.execute(
        """UPDATE ops.incidents
           SET status = coalesce(%s::ops.incident_status, status),
               severity = coalesce(%s::ops.severity, severity),
               next_update_due_at = now() + %s, reminded_at = NULL
           WHERE incident_id = %s RETURNING *""",
        (status, severity, UPDATE_EVERY, incident_id),
    ).fetchone()
    assert row is not None  # noqa: S101  its row is locked
    said = (redact(reason), redact(next_steps), redact(eta))
    text = voices(row["domain"]).news(connection, row, *said)
    _step(connection, row, "updated", actor, trigger, reason, text)
    return row


def resolve(
    connection: Connection,
    incident_id: int,
    *,
    actor: str,
    reason: str,
    root_cause: str,
    resolution: str,
    prevention: str = "",
    trigger: str = "python",
    voices: Voices = platform_only,
) -> dict[str, Any]:
    """It is over: why it was, what ended it, what prevents it. The post-mortem is due a day later.
    Raises NotFound, AlreadySo for one that is resolved, UsageError without cause or resolution."""
    if not root_cause.strip() or not resolution.strip():
        raise UsageError("Resolver pede a causa e o que foi feito. Nada foi mudado.")
    _open(connection, incident_id)
    row = connection.execute(
        """UPDATE ops.incidents
           SET status = 'resolved', resolved_at = now(), resolved_by = %s, root_cause = %s,
               resolution = %s, prevention = %s, next_update_due_at = NULL,
               postmortem_due_at = now() + %s
           WHERE incident_id = %s RETURNING *""",
        (actor, redact(root_cause), redact(resolution), redact(prevention), POSTMORTEM_AFTER,
         incident_id),
    ).fetchone()  # fmt: skip
    assert row is not None  # noqa: S101  its row is locked
    text = voices(row["domain"]).end(row)
    _step(connection, row, "resolved", actor, trigger, reason, text)
    return row


def _open(connection: Connection, incident_id: int) -> Mapping[str, Any]:
    row = connection.execute(
        "SELECT * FROM ops.incidents WHERE incident_id = %s FOR UPDATE", (incident_id,)
    ).fetchone()
    if row is None:
        raise NotFound("Não há esse incidente.", todo="'atalaia incident list' mostra os que há.")
    if row["status"] == "resolved":
        raise AlreadySo(f"O incidente {incident_id} já foi resolvido. Nada foi mudado.")
    return row


def postmortem_written(
    connection: Connection,
    incident_id: int,
    *,
    where: str,
    actor: str,
    reason: str,
    trigger: str = "python",
) -> dict[str, Any]:
    """Say where its post-mortem is; nobody is reminded of it then. Raises NotFound, UsageError for
    an incident that is not over, AlreadySo when it was said before."""
    row = connection.execute(
        "SELECT * FROM ops.incidents WHERE incident_id = %s FOR UPDATE", (incident_id,)
    ).fetchone()
    if row is None:
        raise NotFound("Não há esse incidente.", todo="'atalaia incident list' mostra os que há.")
    if row["status"] != "resolved" or not where.strip():
        raise UsageError(
            "O post-mortem se escreve de um incidente resolvido, e diz onde está. Nada foi mudado."
        )
    if _has_event(connection, incident_id, "postmortem"):
        raise AlreadySo(f"O post-mortem do incidente {incident_id} já foi entregue. Nada mudou.")
    _step(connection, row, "postmortem", actor, trigger, reason, redact(where))
    return row


def _has_event(connection: Connection, incident_id: int, kind: str) -> bool:
    found = connection.execute(
        "SELECT FROM ops.incident_events WHERE incident_id = %s AND kind = %s", (incident_id, kind)
    )
    return found.fetchone() is not None


def go_round(levels: LevelsOf, moment: datetime | None = None) -> list[str]:
    """Escalate and remind of open incidents what is due at `moment` (the database's present, when
    not given), and of post-mortems nobody wrote. Returns what was done, as 'escalated 7'. Each is
    done once, whoever goes round."""
    with transaction() as connection:
        found = connection.execute(
            """SELECT *, coalesce(%(at)s, now()) AS present FROM ops.incidents AS i
               WHERE status <> 'resolved'
                  OR postmortem_due_at <= coalesce(%(at)s, now()) AND NOT EXISTS (
                         SELECT FROM ops.incident_events AS e
                         WHERE e.incident_id = i.incident_id
                           AND e.kind IN ('postmortem', 'postmortem_due'))
               ORDER BY incident_id FOR UPDATE SKIP LOCKED""",
            {"at": moment},
        ).fetchall()
        return [what for row in found for what in _due(connection, row, levels)]


def _due(connection: Connection, row: dict[str, Any], levels_of: LevelsOf) -> list[str]:
    done, now = [], row.pop("present")
    if row["status"] == "resolved":
        return [_postmortem_due(connection, row)]
    levels = levels_of(row["domain"])
    level = contacts.level_at((now - row["declared_at"]).total_seconds() / 60, levels)
    number = row["incident_id"]
    if level > row["escalation_level"]:
        connection.execute(
            "UPDATE ops.incidents SET escalation_level = %s WHERE incident_id = %s",
            (level, number),
        )
        called = contacts.roles(level, levels)
        says = f"escalado ao nível {level}: {', '.join(called) or 'ninguém configurado'}"
        told = {"level": level, "roles": called}
        _event(connection, row, "escalated", "scheduler", says, told)
        _tell(connection, row, "escalated", says, key=f"level {level}")
        done.append(f"escalated {number}")
    due = row["next_update_due_at"]
    if due <= now and (row["reminded_at"] is None or row["reminded_at"] < due):
        connection.execute(
            "UPDATE ops.incidents SET reminded_at = %s WHERE incident_id = %s", (now, number)
        )
        says = f"a atualização prometida para {due:%H:%M} UTC ainda não foi dada"
        _event(connection, row, "reminded", "scheduler", says, {"due_at": due.isoformat()})
        _tell(connection, row, "update_due", says, key=f"due {due.isoformat()}")
        done.append(f"reminded {number}")
    return done


def _postmortem_due(connection: Connection, row: Mapping[str, Any]) -> str:
    due = row["postmortem_due_at"]
    says = f"o post-mortem prometido para {due:%Y-%m-%d %H:%M} UTC ainda não foi entregue"
    _event(connection, row, "postmortem_due", "scheduler", says, {"due_at": due.isoformat()})
    _tell(connection, row, "postmortem_due", says, key="postmortem")
    return f"postmortem_due {row['incident_id']}"


def _step(
    connection: Connection,
    row: Mapping[str, Any],
    what: str,
    actor: str,
    trigger: str,
    reason: str,
    text: str,
) -> None:
    """What every change leaves: an event, the news of it and, last, its record."""
    details = {"text": text, "status": row["status"], "severity": row["severity"]}
    event = _event(connection, row, what, actor, redact(reason), details)
    _tell(connection, row, what, text, key=f"event {event}")
    audit.append(
        connection, stream=STREAM, action=f"incident.{what}", actor=actor, trigger=trigger,
        subject=str(row["incident_id"]), reason=reason,
        details={"status": row["status"], "severity": row["severity"], "title": row["title"]},
    )  # fmt: skip


def _event(
    connection: Connection,
    row: Mapping[str, Any],
    kind: str,
    actor: str,
    says: str,
    details: Mapping[str, Any],
) -> int:
    made = connection.execute(
        """INSERT INTO ops.incident_events (incident_id, kind, actor, says, details)
           VALUES (%s, %s, %s, %s, %s) RETURNING event_id""",
        (row["incident_id"], kind, actor, says, Jsonb(dict(details))),
    ).fetchone()
    assert made is not None  # noqa: S101  INSERT … RETURNING gives its row
    number: int = made["event_id"]
    return number


def _tell(connection: Connection, row: Mapping[str, Any], what: str, text: str, key: str) -> None:
    names = NAMES[Severity(row["severity"])]
    data = {
        "incident_id": row["incident_id"], "title": row["title"], "text": text,
        "status": row["status"], "severity": row["severity"], "sev": names.sev, "p": names.p,
        "word": names.word, "affected": row["affected"], "domain": row["domain"],
    }  # fmt: skip
    tell(connection, f"incident.{what}", data, key=f"incident {row['incident_id']} {key}")
