"""A round of all rules.

It asks every rule by itself, so that one that cannot ask says unknown of what it watches and
stops no other; then writes what follows from the answers in one transaction. What is to be told is
told in that transaction too: an alert is kept and shown whether or not anybody can be reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection, clock_of, connect, statements, transaction
from atalaia.kernel.base.redact import place_of, redact
from atalaia.kernel.base.trace import log
from atalaia.kernel.watch.alerting import Decision, Kept, Known, Window, decide
from atalaia.kernel.watch.rules import (
    Finding,
    Ground,
    Measure,
    Rule,
    Surroundings,
    causes_first,
    judge,
)
from atalaia.kernel.watch.runbook import offered
from atalaia.kernel.watch.severity import NAMES, Severity
from atalaia.kernel.watch.telling import tell

_ASK_MS = 3000
_ROUND_LOCK = 1635214945  # 'awca': one scheduler goes round at a time


@dataclass(slots=True)
class Memory:
    """What rules keep between rounds in one process, and when each was last asked."""

    of_rule: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: dict[str, tuple[datetime, list[Measure] | None]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Round:
    """A completed round: what was done about what, and the rules that could not ask."""

    done: tuple[tuple[str, str, Decision], ...]  # (rule, subject, decision)
    unasked: tuple[str, ...]


def evaluate(
    rules: Sequence[Rule],
    around: Surroundings,
    memory: Memory,
    *,
    moment: datetime | None = None,
) -> Round | None:
    """Go round once. None when another scheduler is at it. `moment` stands for the present (the
    database's, when not given). Raises DatabaseUnavailable; nothing was changed then."""
    ordered = causes_first(rules)
    with statements() as connection:
        began = moment or clock_of(connection)
        answers = {rule.id: _ask(connection, rule, around, memory, began) for rule in ordered}
        if connection.broken:
            connect().close()  # raises what it is: the database went away meanwhile
    with transaction() as connection:
        held = connection.execute(
            "SELECT pg_try_advisory_xact_lock(%s) AS mine", (_ROUND_LOCK,)
        ).fetchone()
        if not held or not held["mine"]:
            return None
        desk = _Desk(connection, began)
        done = tuple(one for rule in ordered for one in desk.settle(rule, answers[rule.id]))
        unasked = tuple(rule.id for rule in ordered if answers[rule.id] is None)
        connection.execute(
            """INSERT INTO ops.watch_round AS r (started_at, finished_at, rules, unasked)
               VALUES (%(at)s, coalesce(%(given)s, clock_timestamp()), %(rules)s, %(unasked)s)
               ON CONFLICT (only_one) DO UPDATE SET (started_at, finished_at, rules, unasked) =
                   (excluded.started_at, excluded.finished_at, excluded.rules, excluded.unasked)""",
            {"at": began, "given": moment, "rules": len(ordered), "unasked": len(unasked)},
        )
    for rule_id, subject, decision in done:
        if decision.tell:
            log("WARNING", "ALERT", rule=rule_id, subject=subject, told=decision.tell)
    return Round(done, unasked)


def _ask(
    connection: Connection, rule: Rule, around: Surroundings, memory: Memory, now: datetime
) -> list[Measure] | None:
    """What a rule measured, now or as lately as it wants to be asked; None when it could not."""
    last = memory.asked.get(rule.id)
    if last and timedelta() <= now - last[0] < timedelta(seconds=rule.every_seconds):
        return last[1]
    own = memory.of_rule.setdefault(rule.id, {})
    try:
        with connection.transaction():
            connection.execute("SET TRANSACTION READ ONLY")
            connection.execute(f"SET LOCAL statement_timeout = {_ASK_MS}")
            found = list(rule.measure(Ground(connection, now, around, own)))
    except Exception as error:  # whatever it is, the others are asked
        if last is None or last[1] is not None:
            log("WARNING", "a rule could not ask", rule=rule.id, why=place_of(error))
        memory.asked[rule.id] = (now, None)
        return None
    memory.asked[rule.id] = (now, found)
    return found


_ALERTS: LiteralString = """
    SELECT DISTINCT ON (dedup_key) alert_id, rule, subject, resolved_at, told, told_at,
           told_severity::text, silenced_until > %(now)s AS silenced,
           acknowledged_at IS NOT NULL AND coalesce(acknowledged_until > %(now)s, true)
               AS acknowledged
    FROM ops.alerts ORDER BY dedup_key, alert_id DESC
"""


class _Desk:
    """A round's transaction: what was known before it, and what is written of it."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection, self._now = connection, now
        self._known: dict[str, dict[str, Known]] = {}
        for row in connection.execute("SELECT * FROM ops.watched"):
            known = Known(row["state"], row["since"], tuple(row["changes"]))
            self._known.setdefault(row["rule"], {})[row["subject"]] = known
        self._alerts = {
            (row["rule"], row["subject"]): row for row in connection.execute(_ALERTS, {"now": now})
        }
        self._windows = [
            Window(row["rules"], row["subjects"])
            for row in connection.execute(
                "SELECT rules, subjects FROM ops.maintenance WHERE starts_at <= %s AND %s < until",
                (now, now),
            )
        ]
        self._open = {
            key: row["alert_id"] for key, row in self._alerts.items() if not row["resolved_at"]
        }

    def settle(
        self, rule: Rule, measured: list[Measure] | None
    ) -> Iterator[tuple[str, str, Decision]]:
        """Decide about every subject of a rule, and write it."""
        for finding in self._findings(rule, measured):
            key = (rule.id, finding.subject)
            row = self._alerts.get(key)
            cause = self._cause(rule, finding.subject)
            silenced = bool(row and row["silenced"]) or any(
                window.covers(*key) for window in self._windows
            )
            decision = decide(
                finding,
                self._known.get(rule.id, {}).get(finding.subject),
                _kept(row) if row else None,
                self._now,
                cooldown=timedelta(minutes=rule.cooldown_minutes),
                quiet=silenced or cause is not None,
            )
            self._write(rule, finding, decision, cause)
            yield rule.id, finding.subject, decision

    def _findings(self, rule: Rule, measured: list[Measure] | None) -> list[Finding]:
        """One for each subject. Who cannot ask knows nothing of any; what is not there any more
        has nothing wrong with it."""
        known = self._known.get(rule.id, {})
        if measured is None:
            said = "não foi possível perguntar"
            return [Finding(name, "unknown", rule.severity, said) for name in known or [""]]
        found = {one.subject: judge(rule, one) for one in measured}
        gone = [name for name in known if name not in found]
        return [
            *found.values(),
            *(Finding(name, "ok", rule.severity, "não há mais o que observar") for name in gone),
        ]

    def _cause(self, rule: Rule, subject: str) -> int | None:
        """The open alert this one would follow from."""
        keys = [(cause, name) for cause in rule.depends_on for name in (subject, "")]
        return next((self._open[key] for key in keys if key in self._open), None)

    def _write(self, rule: Rule, finding: Finding, decision: Decision, cause: int | None) -> None:
        known = decision.known
        values = {
            "rule": rule.id, "subject": finding.subject, "state": finding.state,
            "value": finding.value, "threshold": finding.threshold, "says": redact(finding.says),
            "since": known.since, "now": self._now, "changes": list(known.changes),
            "key": f"{rule.id}:{finding.subject}", "owner": rule.owner,
            "title": rule.title.format(subject=finding.subject), "severity": finding.severity,
            "runbook": rule.runbook, "arguments": Jsonb(dict(finding.arguments)),
            "flapping": decision.flapping, "cause": cause, "do": decision.do,
            "alert": self._alerts.get((rule.id, finding.subject), {}).get("alert_id"),
        }  # fmt: skip
        self._connection.execute(_WATCHED, values)
        if decision.do == "nothing":
            return
        still = decision.do == "keep" and finding.state == "ok"
        row = self._connection.execute(_DO["still" if still else decision.do], values).fetchone()
        assert row is not None  # noqa: S101  each of them returns its row
        if decision.do == "resolve":
            self._open.pop((rule.id, finding.subject), None)
        else:
            self._open[rule.id, finding.subject] = row["alert_id"]
        if decision.tell and _told(self._connection, decision.tell, row):
            self._connection.execute(
                """UPDATE ops.alerts SET told = %s, told_at = %s, told_severity = severity
                   WHERE alert_id = %s""",
                (decision.tell, self._now, row["alert_id"]),
            )


def _kept(row: Mapping[str, Any]) -> Kept:
    told = row["told_severity"]
    return Kept(
        row["resolved_at"],
        row["told"],
        row["told_at"],
        Severity(told) if told else None,
        bool(row["acknowledged"]),
    )


_WATCHED: LiteralString = """
    INSERT INTO ops.watched AS w
        (rule, subject, state, value, threshold, says, since, asked_at, changes)
    VALUES (%(rule)s, %(subject)s, %(state)s, %(value)s, %(threshold)s, %(says)s, %(since)s,
            %(now)s, %(changes)s)
    ON CONFLICT (rule, subject) DO UPDATE
    SET (state, value, threshold, says, since, asked_at, changes) =
        (excluded.state, excluded.value, excluded.threshold, excluded.says, excluded.since,
         excluded.asked_at, excluded.changes)
"""
_FACTS: LiteralString = """
    title = %(title)s, says = %(says)s, owner = %(owner)s, severity = %(severity)s,
    state = %(state)s, value = %(value)s, threshold = %(threshold)s, runbook = %(runbook)s,
    arguments = %(arguments)s, last_seen_at = %(now)s, flapping = %(flapping)s, follows = %(cause)s
"""
_DO: dict[str, LiteralString] = {
    "open": """
        INSERT INTO ops.alerts (rule, subject, dedup_key, title, says, owner, severity, state,
            value, threshold, runbook, arguments, first_seen_at, last_seen_at, flapping, follows)
        VALUES (%(rule)s, %(subject)s, %(key)s, %(title)s, %(says)s, %(owner)s, %(severity)s,
            %(state)s, %(value)s, %(threshold)s, %(runbook)s, %(arguments)s, %(since)s, %(now)s,
            %(flapping)s, %(cause)s) RETURNING *""",
    "reopen": "UPDATE ops.alerts SET"
    + _FACTS
    + """, resolved_at = NULL, count = count + 1, acknowledged_at = NULL, acknowledged_by = NULL,
            acknowledge_reason = NULL, acknowledged_until = NULL
        WHERE alert_id = %(alert)s RETURNING *""",
    "keep": "UPDATE ops.alerts SET" + _FACTS + """ WHERE alert_id = %(alert)s RETURNING *""",
    # It flaps and holds still for the moment: open yet, it says what was wrong with it.
    "still": """
        UPDATE ops.alerts SET flapping = true, follows = %(cause)s
        WHERE alert_id = %(alert)s RETURNING *""",
    "resolve": """
        UPDATE ops.alerts SET state = 'ok', resolved_at = %(now)s, flapping = false,
            says = %(says)s, value = %(value)s, follows = NULL
        WHERE alert_id = %(alert)s RETURNING *""",
}


def _told(connection: Connection, what: str, alert: Mapping[str, Any]) -> bool:
    """Tell it, in the round's transaction; one that could not be told is told in a later round."""
    names = NAMES[Severity(alert["severity"])]
    facts = ("alert_id", "rule", "subject", "title", "says", "owner", "severity", "state", "value",
             "threshold", "runbook", "arguments", "count", "flapping")  # fmt: skip
    data = {name: alert[name] for name in facts} | {
        "sev": names.sev, "p": names.p, "word": names.word, "text": _text(alert),
        "first_seen_at": alert["first_seen_at"].isoformat(),
        "last_seen_at": alert["last_seen_at"].isoformat(),
    }  # fmt: skip
    key = f"alert {alert['alert_id']} {alert['count']} {what} {alert['last_seen_at'].isoformat()}"
    return tell(connection, f"alert.{what}", data, key=key)


def _text(alert: Mapping[str, Any]) -> str:
    """What a person reads of it."""
    return (
        f"{alert['says']}\nSeveridade: {NAMES[Severity(alert['severity'])].word}. "
        f"Responsável: {alert['owner']}.\n"
        f"O que fazer: {offered(alert['runbook'], alert['arguments'])}"
    )
