"""Rules every row of a table must keep, asked in one pass over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg import sql

from atalaia.kernel.base.database import Connection
from atalaia.kernel.watch.checks import Limits, Result, at_most

_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class RowRule:
    """`broken` is the SQL condition, over the row `t`, of a row that breaks the rule. `limit` names
    the threshold: how many such rows are borne."""

    subject: str
    broken: LiteralString
    limit: str
    reason: str  # pt-BR
    todo: str  # pt-BR


def ask_rows(
    connection: Connection,
    check: str,
    table: tuple[str, str],
    rules: Sequence[RowRule],
    limits: Limits,
    *,
    section: str,
    when_empty: str,
) -> list[Result]:
    """One answer per rule, with samples of the rows that break it. A table with no row answers
    none of them: each is a warn that says `when_empty`."""
    counted = connection.execute(
        sql.SQL("SELECT count(*) AS everything, {} FROM {} AS t").format(
            sql.SQL(", ").join(
                sql.SQL("count(*) FILTER (WHERE {}) AS {}").format(
                    sql.SQL(rule.broken), sql.Identifier(rule.subject)
                )
                for rule in rules
            ),
            sql.Identifier(*table),
        )
    ).fetchone()
    if not counted or not counted["everything"]:
        return [
            Result(check, "warn", "0", details={"reason": when_empty}, subject=rule.subject)
            for rule in rules
        ]
    answers = []
    for rule in rules:
        answer = at_most(
            check,
            rule.subject,
            counted[rule.subject],
            limits.number(section, rule.limit),
            rule.reason,
            todo=rule.todo,
        )
        if answer.status == "fail":
            answer.details["samples"] = _samples(connection, table, rule)
        answers.append(answer)
    return answers


def _samples(
    connection: Connection, table: tuple[str, str], rule: RowRule
) -> list[dict[str, object]]:
    """The first rows that break a rule, as JSON without their geometry."""
    query = sql.SQL("SELECT to_jsonb(t) - 'geometry' AS row FROM {} AS t WHERE {} LIMIT {}")
    found = connection.execute(query.format(sql.Identifier(*table), sql.SQL(rule.broken), _SAMPLES))
    return [row["row"] for row in found]
