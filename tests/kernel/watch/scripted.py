"""Rules whose measures a test says, asked through the real evaluation on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from atalaia.kernel.base.database import connect
from atalaia.kernel.watch.evaluation import Memory, Round, evaluate
from atalaia.kernel.watch.platform_rules import RULES
from atalaia.kernel.watch.rules import Ground, Measure, Rule, Surroundings

START = datetime(2027, 1, 1, 12, tzinfo=UTC)
LIMIT, SEVERE = 10.0, 20.0
MINUTE = timedelta(minutes=1)


def _nobody(*_asked: object) -> Any:
    raise OSError("there is nothing around here")


NOTHING = Surroundings(_nobody, _nobody, _nobody, {})


class Script:
    """The platform's rules, each measuring what `says` has for it (subject → value); a rule that
    has nothing there is fine, and one whose value is an Exception cannot ask."""

    def __init__(self, rules: tuple[Rule, ...] = RULES) -> None:
        self.says: dict[str, dict[str, float | None] | Exception] = {}
        self.now = START
        self.memory = Memory()
        self._rules = [replace(one, measure=self._of(one.id), every_seconds=0) for one in rules]

    def _of(self, rule: str) -> Any:
        def measure(_ground: Ground) -> Iterator[Measure]:
            said = self.says.get(rule, {})
            if isinstance(said, Exception):
                raise said
            for subject, value in said.items():
                yield Measure(
                    subject, value, LIMIT, f"{value}", severe=SEVERE, arguments={"x": subject}
                )

        return measure

    def after(self, by: timedelta, **says: Any) -> Round:
        """Go round so much later, with what is said (rule_id → value of the subject 's')."""
        self.now += by
        for name, value in says.items():
            whole = isinstance(value, dict | Exception)
            self.says[name.replace("_", "-")] = value if whole else {"s": value}
        found = evaluate(self._rules, NOTHING, self.memory, moment=self.now)
        assert found is not None
        return found


def rows(statement: str, *params: Any) -> list[dict[str, Any]]:
    """What a query answers."""
    with connect(autocommit=True) as connection:
        return connection.execute(statement.encode(), params).fetchall()


def alerts(rule: str) -> list[dict[str, Any]]:
    """The alerts of a rule, oldest first."""
    return rows("SELECT * FROM ops.alerts WHERE rule = %s ORDER BY alert_id", rule)


def told(rule: str) -> list[str]:
    """What was announced of a rule's alerts, in order."""
    found = rows(
        """SELECT event_type FROM ops.events WHERE data ->> 'rule' = %s
           ORDER BY data ->> 'last_seen_at', created_at""",
        rule,
    )
    return [row["event_type"].removeprefix("alert.") for row in found]
