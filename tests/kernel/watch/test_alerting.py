"""What is done about a finding, as tables: the decider knows nothing but what it is given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.watch.alerting import (
    FLAP_STILL,
    UNKNOWN_AFTER,
    Decision,
    Kept,
    Known,
    Window,
    decide,
)
from atalaia.kernel.watch.rules import Finding, Measure, Rule, State, causes_first, judge
from atalaia.kernel.watch.severity import Severity

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
LOW, NORMAL, HIGH, CRITICAL = Severity


def rule(name: str = "r", **more: object) -> Rule:
    known = {"title": "t", "fires": "f", "owner": "o", "severity": NORMAL, "runbook": "b"}
    return Rule(id=name, measure=lambda _ground: (), **(known | more))  # type: ignore[arg-type]


@pytest.mark.row("R-101")
@pytest.mark.parametrize(
    ("value", "state", "severity"),
    [
        (9.999, "ok", NORMAL),
        (10.0, "ok", NORMAL),
        (10.001, "late", NORMAL),
        (20.0, "late", NORMAL),
        (20.001, "late", CRITICAL),
        (None, "unknown", NORMAL),
        (float("nan"), "unknown", NORMAL),
    ],
)
def test_above_its_limit_and_not_at_it(value: float | None, state: str, severity: Severity) -> None:
    found = judge(rule(), Measure("", value, 10.0, "", severe=20.0, bad="late"))
    assert (found.state, found.severity) == (state, severity)


def finding(state: State, severity: Severity = NORMAL) -> Finding:
    return Finding("", state, severity, "")


def asked(
    state: State,
    kept: Kept | None = None,
    before: Known | None = None,
    severity: Severity = NORMAL,
    quiet: bool = False,
) -> Decision:
    return decide(finding(state, severity), before, kept, NOW, cooldown=HOUR, quiet=quiet)


OPEN = Kept(told="opened", told_at=NOW - MINUTE, told_severity=NORMAL)
OLD = Kept(told="opened", told_at=NOW - HOUR, told_severity=NORMAL)
YOUNG = Kept(told="opened", told_at=NOW - HOUR + SECOND, told_severity=NORMAL)


def over(told_at: datetime, resolved_at: datetime = NOW - MINUTE) -> Kept:
    return Kept(resolved_at, "resolved", told_at, NORMAL)


@pytest.mark.row("R-101")
@pytest.mark.parametrize(
    ("state", "kept", "severity", "do", "tell"),
    [
        ("ok", None, NORMAL, "nothing", None),
        ("failed", None, NORMAL, "open", "opened"),
        ("late", None, LOW, "open", "opened"),
        ("failed", OPEN, NORMAL, "keep", None),
        ("failed", OPEN, HIGH, "keep", "escalated"),
        ("failed", OPEN, LOW, "keep", None),
        ("failed", OLD, NORMAL, "keep", None),  # not one to insist on
        ("failed", Kept(told="opened", told_at=NOW - HOUR, told_severity=HIGH), HIGH, "keep",
         "reminded"),
        ("failed", Kept(told="reminded", told_at=NOW - HOUR + SECOND, told_severity=HIGH), HIGH,
         "keep", None),
        ("failed", Kept(told="opened", told_at=NOW - HOUR, told_severity=HIGH, acknowledged=True),
         HIGH, "keep", None),
        ("failed", Kept(told="opened", told_at=NOW - HOUR, told_severity=HIGH, acknowledged=True),
         CRITICAL, "keep", "escalated"),
        ("failed", Kept(), NORMAL, "keep", "opened"),  # it was quiet until now
        ("ok", OPEN, NORMAL, "resolve", "resolved"),
        ("ok", Kept(), NORMAL, "resolve", None),  # nobody ever heard of it
        ("unknown", OPEN, NORMAL, "keep", None),
        ("unknown", None, NORMAL, "nothing", None),
        ("ok", over(NOW - MINUTE), NORMAL, "nothing", None),
        ("failed", over(NOW - MINUTE), NORMAL, "reopen", None),
        ("failed", over(NOW - HOUR + SECOND), NORMAL, "reopen", None),
        ("failed", over(NOW - HOUR), NORMAL, "open", "opened"),
        ("failed", over(NOW - MINUTE), CRITICAL, "reopen", "opened"),  # worse than was told
        ("failed", Kept(told="resolved", told_at=NOW - HOUR, told_severity=NORMAL), NORMAL, "keep",
         "opened"),
        ("ok", Kept(told="resolved", told_at=NOW - MINUTE, told_severity=NORMAL), NORMAL,
         "resolve", None),
        ("failed", Kept(NOW - MINUTE), NORMAL, "reopen", "opened"),
        ("failed", Kept(NOW - 2 * HOUR), NORMAL, "open", "opened"),
    ],
)  # fmt: skip
def test_what_is_done_and_told(
    state: State, kept: Kept | None, severity: Severity, do: str, tell: str | None
) -> None:
    found = asked(state, kept, severity=severity)
    assert (found.do, found.tell) == (do, tell)
    silent = asked(state, kept, severity=severity, quiet=True)
    assert (silent.do, silent.tell) == (do, None)


@pytest.mark.row("R-101")
def test_not_knowing_is_never_fine_and_opens_after_ten_minutes() -> None:
    since = Known("unknown", NOW - UNKNOWN_AFTER)
    assert asked("unknown", before=since).do == "open"
    assert asked("unknown", before=Known("unknown", NOW - UNKNOWN_AFTER + SECOND)).do == "nothing"
    assert asked("unknown", before=Known("ok", NOW - HOUR)).do == "nothing"
    assert asked("unknown", before=Known("ok", NOW - HOUR)).known == Known("unknown", NOW)


@pytest.mark.row("R-101")
def test_what_flaps_stays_open_until_it_held_still() -> None:
    three = (NOW - 3 * MINUTE, NOW - 2 * MINUTE, NOW - MINUTE)
    fourth = asked("ok", OPEN, Known("failed", NOW - MINUTE, three))
    assert (fourth.do, fourth.flapping, fourth.tell) == ("keep", True, None)
    assert fourth.known == Known("ok", NOW, (*three, NOW))
    third = asked("ok", OPEN, Known("failed", NOW - MINUTE, three[1:]))
    assert (third.do, third.flapping) == ("resolve", False)
    four = (*three, NOW - 30 * SECOND)
    still = Known("ok", NOW - FLAP_STILL, four)
    assert asked("ok", OPEN, still).do == "resolve"
    assert asked("ok", OPEN, Known("ok", NOW - FLAP_STILL + SECOND, four)).do == "keep"
    long_ago = tuple(at - HOUR for at in four)
    assert asked("ok", OPEN, Known("ok", NOW - SECOND, long_ago)).do == "resolve"


def test_not_knowing_in_between_turns_nothing() -> None:
    known = Known("failed", NOW - MINUTE)
    unknown = asked("unknown", OPEN, known).known
    assert asked("failed", OPEN, unknown).known.changes == ()


STATES = st.sampled_from(["ok", "late", "failed", "unknown"])


@given(
    st.lists(st.tuples(st.integers(5, 4000), STATES, st.sampled_from(Severity), st.booleans())),
)
@settings(max_examples=300, deadline=None)
def test_whatever_happens_one_telling_a_cooldown_and_none_in_silence(
    course: list[tuple[int, State, Severity, bool]],
) -> None:
    """A cause's life, kept as evaluation keeps it. Told again before the cooldown is over only
    because it got worse, or to say that it is over; and it is over only when it is known to be."""
    life = Life()
    for seconds, state, severity, quiet in course:
        life.goes_on(timedelta(seconds=seconds), finding(state, severity), quiet)


class Life:
    """What is known and kept of one cause, and what was told of it."""

    def __init__(self) -> None:
        self.now = NOW
        self.known: Known | None = None
        self.kept: Kept | None = None
        self.told: list[tuple[datetime, str, Severity]] = []

    def goes_on(self, by: timedelta, asked: Finding, quiet: bool) -> None:
        self.now += by
        was_open = self.kept is not None and self.kept.resolved_at is None
        found = decide(asked, self.known, self.kept, self.now, cooldown=HOUR, quiet=quiet)
        if was_open:
            assert found.do in ("keep", "resolve"), "one open alert per cause"
        else:
            assert found.do in ("open", "reopen", "nothing")
        if found.do == "resolve":
            assert asked.state == "ok"
        if asked.state in ("late", "failed"):
            assert found.do in ("open", "reopen", "keep"), "what is bad has an open alert"
        if found.tell:
            assert not quiet
            self._may_tell(found.tell, asked.severity)
        self._keep(found, asked.severity)

    def _may_tell(self, what: str, severity: Severity) -> None:
        if what == "resolved":
            assert self.told, "nobody is told that what he never heard of is over"
            assert self.told[-1][1] != "resolved"
        elif self.told:
            at, _, before = self.told[-1]
            assert self.now - at >= HOUR or severity.rank > before.rank

    def _keep(self, found: Decision, severity: Severity) -> None:
        self.known = found.known
        old = Kept() if found.do == "open" else self.kept
        if old is None or found.do == "nothing":
            return
        ended = self.now if found.do == "resolve" else None
        if found.tell:
            self.told.append((self.now, found.tell, severity))
            self.kept = Kept(ended, found.tell, self.now, severity)
        else:
            self.kept = Kept(ended, old.told, old.told_at, old.told_severity)


@pytest.mark.parametrize(
    ("rules", "subjects", "covered"),
    [
        ([], [], True),
        (["r"], [], True),
        (["q"], [], False),
        ([], ["s"], True),
        ([], ["t"], False),
        (["r"], ["s"], True),
        (["r"], ["t"], False),
    ],
)
def test_a_window_covers_what_it_names(
    rules: list[str], subjects: list[str], covered: bool
) -> None:
    assert Window(rules, subjects).covers("r", "s") == covered


def test_causes_are_asked_before_what_follows_from_them() -> None:
    rules = [rule("c", depends_on=("b",)), rule("a"), rule("b", depends_on=("a",))]
    assert [one.id for one in causes_first(rules)] == ["a", "b", "c"]
    for wrong, words in (
        ([rule("a"), rule("a")], "mesmo id"),
        ([rule("a", depends_on=("b",))], "não existe"),
        ([rule("a", depends_on=("b",)), rule("b", depends_on=("a",))], "círculo"),
    ):
        with pytest.raises(UsageError, match=words):
            causes_first(wrong)
