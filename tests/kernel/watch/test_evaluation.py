"""A round of rules on a real database: what is kept, what is told, and what stops nothing."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import psycopg
import pytest
from tests.conftest import PEPPER, forget_settings
from tests.kernel.tell.house import made, sending, until
from tests.kernel.tell.sinks import Sink
from tests.kernel.watch.scripted import LIMIT, MINUTE, SEVERE, START, Script, alerts, rows, told
from tests.kernel.work.toys import recorded

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.errors import AlreadySo, NotFound, UsageError
from atalaia.kernel.tell.schedule import Policy
from atalaia.kernel.watch import alerts as decisions
from atalaia.kernel.watch.evaluation import evaluate
from atalaia.kernel.watch.platform_rules import RULES
from atalaia.kernel.watch.rules import Measure, Rule

IDS = [rule.id for rule in RULES]
BY_ID = {rule.id: rule for rule in RULES}
HOUR = timedelta(hours=1)
TEN = timedelta(seconds=10)


@pytest.fixture(autouse=True)
def _empty(database_of_module: str) -> None:
    with connect(autocommit=True) as connection:
        connection.execute(
            """TRUNCATE ops.alerts, ops.watched, ops.watch_round, ops.maintenance_windows,
                   ops.events, ops.incident_alerts, ops.channels CASCADE"""
        )


def one(rule: str) -> dict[str, Any]:
    (found,) = alerts(rule)
    return found


# Row R-101: each rule at eight moments of its life.


def below(s: Script, r: Rule) -> None:
    s.after(TEN, **{r.id: LIMIT - 1})
    assert (alerts(r.id), told(r.id)) == ([], [])
    (kept,) = rows("SELECT state::text, value FROM ops.watched WHERE rule = %s", r.id)
    assert (kept["state"], kept["value"]) == ("ok", LIMIT - 1)


def at(s: Script, r: Rule) -> None:
    s.after(TEN, **{r.id: LIMIT})
    assert (alerts(r.id), told(r.id)) == ([], [])


def above(s: Script, r: Rule) -> None:
    s.after(TEN, **{r.id: LIMIT + 0.001})
    found = one(r.id)
    assert (found["state"], found["severity"]) == ("failed", r.severity)
    assert (found["runbook"], found["arguments"]) == (r.runbook, {"x": "s"})
    assert (found["owner"], found["dedup_key"]) == (r.owner, f"{r.id}:s")
    assert (found["first_seen_at"], found["told_at"]) == (s.now, s.now)
    s.after(TEN)
    assert (one(r.id)["last_seen_at"], told(r.id)) == (s.now, ["opened"])


def worse(s: Script, r: Rule) -> None:
    s.after(TEN, **{r.id: LIMIT + 1})
    s.after(TEN, **{r.id: SEVERE})
    assert one(r.id)["severity"] == r.severity
    s.after(TEN, **{r.id: SEVERE + 1})
    assert one(r.id)["severity"] == r.severe
    gets_worse = r.severe.rank > r.severity.rank
    assert told(r.id) == (["opened", "escalated"] if gets_worse else ["opened"])


def cooldown(s: Script, r: Rule) -> None:
    s.after(TEN, **{r.id: LIMIT + 1})
    s.after(TEN, **{r.id: 0})
    s.after(HOUR - TEN, **{r.id: LIMIT + 1})
    assert (one(r.id)["count"], told(r.id)) == (2, ["opened", "resolved"])
    s.after(TEN)
    assert told(r.id) == ["opened", "resolved", "opened"], "an hour after it was last told"


def flaps(s: Script, r: Rule) -> None:
    for value in (LIMIT + 1, 0, LIMIT + 1, 0, LIMIT + 1, 0, LIMIT + 1, 0):
        s.after(MINUTE, **{r.id: value})
    found = one(r.id)
    assert (found["flapping"], found["resolved_at"], found["state"]) == (True, None, "failed")
    assert told(r.id) == ["opened", "resolved"]
    s.after(15 * MINUTE)
    assert one(r.id)["resolved_at"] == s.now
    assert told(r.id) == ["opened", "resolved"]


def resolves(s: Script, r: Rule) -> None:
    s.after(TEN, **{r.id: LIMIT + 1})
    s.after(TEN, **{r.id: LIMIT})
    found = one(r.id)
    assert (found["state"], found["resolved_at"]) == ("ok", s.now)
    assert told(r.id) == ["opened", "resolved"]
    s.after(2 * HOUR, **{r.id: LIMIT + 1})
    assert [a["state"] for a in alerts(r.id)] == ["ok", "failed"], "another one, much later"


def unknown(s: Script, r: Rule) -> None:
    s.after(TEN, **{r.id: 0})
    s.after(TEN, **{r.id: OSError("away")})
    (kept,) = rows("SELECT state::text FROM ops.watched WHERE rule = %s", r.id)
    assert (kept["state"], alerts(r.id)) == ("unknown", [])
    s.after(10 * MINUTE - TEN)
    assert alerts(r.id) == []
    s.after(TEN)
    assert (one(r.id)["state"], told(r.id)) == ("unknown", ["opened"])
    s.after(TEN, **{r.id: LIMIT + 1})
    assert one(r.id)["state"] == "failed"
    s.after(TEN, **{r.id: OSError("away")})
    assert one(r.id)["state"] == "unknown", "not knowing resolves nothing"
    s.after(TEN, **{r.id: 0})
    assert one(r.id)["state"] == "ok"


MOMENTS = (below, at, above, worse, cooldown, flaps, resolves, unknown)


@pytest.mark.row("R-101")
@pytest.mark.parametrize("rule", IDS)
@pytest.mark.parametrize("moment", MOMENTS, ids=[m.__name__ for m in MOMENTS])
def test_each_rule_at_each_moment(moment: Any, rule: str) -> None:
    moment(Script(), BY_ID[rule])


def test_one_open_alert_per_cause_is_held_by_the_database() -> None:
    Script().after(TEN, disk_full=LIMIT + 1)
    with connect(autocommit=True) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute(
            """INSERT INTO ops.alerts (rule, dedup_key, title, says, owner, severity, state,
                   runbook, first_seen_at, last_seen_at)
               VALUES ('disk-full', 'disk-full:s', 't', 's', 'o', 'low', 'failed', 'r', now(),
                       now())"""
        )


def test_a_watcher_that_fails_stops_no_other_and_knows_nothing_of_any_subject() -> None:
    s = Script()
    s.after(TEN, **{"source-failed": {"a": 0, "b": 99}, "disk-full": 0})
    found = s.after(TEN, **{"source-failed": RuntimeError("?"), "disk-full": LIMIT + 1})
    assert found.unasked == ("source-failed",)
    assert one("disk-full")["state"] == "failed"
    states = rows("SELECT subject, state::text FROM ops.watched WHERE rule = 'source-failed'")
    assert {row["subject"]: row["state"] for row in states} == {"a": "unknown", "b": "unknown"}
    assert one("source-failed")["state"] == "unknown"
    (kept,) = rows("SELECT * FROM ops.watch_round")
    assert (kept["rules"], kept["unasked"], kept["finished_at"]) == (len(RULES), 1, s.now)


def test_a_statement_that_breaks_its_transaction_breaks_no_other_rule(
    database_of_module: str,
) -> None:
    def breaks(ground: Any) -> Any:
        ground.connection.execute("SELECT 1 / 0")
        yield

    def writes(ground: Any) -> Any:
        ground.connection.execute("DELETE FROM ops.alerts")
        yield

    s = Script()
    rules = [
        replace(RULES[0], measure=breaks),
        replace(RULES[1], measure=writes),
        replace(RULES[4], measure=s._of("disk-full")),
    ]
    s.says["disk-full"] = {"s": 99.0}
    found = evaluate(rules, None, s.memory, moment=START)  # type: ignore[arg-type]
    assert found is not None
    assert found.unasked == (RULES[0].id, RULES[1].id)
    assert len(alerts("disk-full")) == 1


def test_what_is_not_there_any_more_is_over() -> None:
    s = Script()
    s.after(TEN, **{"check-failing": {"a": 99, "b": 99}})
    s.after(TEN, **{"check-failing": {"b": 99}})
    assert {a["subject"]: a["state"] for a in alerts("check-failing")} == {"a": "ok", "b": "failed"}


def test_what_follows_from_an_open_alert_is_shown_and_not_told() -> None:
    s = Script()
    s.after(TEN, **{"redis-lost": {"": 99}, "worker-dead": {"": 99}, "queue-growing": {"q": 99}})
    redis, worker, queue = (one(r) for r in ("redis-lost", "worker-dead", "queue-growing"))
    assert (redis["follows"], worker["follows"]) == (None, redis["alert_id"])
    assert queue["follows"] == worker["alert_id"]
    assert (told("redis-lost"), told("worker-dead"), told("queue-growing")) == (["opened"], [], [])
    s.after(TEN, **{"redis-lost": {"": 0}})
    assert told("worker-dead") == ["opened"], "its cause is over, and it still holds"
    assert told("queue-growing") == []
    s.after(TEN, **{"worker-dead": {"": 0}, "queue-growing": {"q": 0}})
    assert told("queue-growing") == [], "nobody heard of it, nobody hears that it is over"


def test_it_follows_from_the_same_subject_or_the_whole_platform_only() -> None:
    s = Script()
    s.after(TEN, **{"source-failed": {"a": 99}, "source-late": {"a": 99, "b": 99}})
    follows = {a["subject"]: a["follows"] for a in alerts("source-late")}
    assert follows == {"a": one("source-failed")["alert_id"], "b": None}


def window(minutes: int, rules: str = "{}", subjects: str = "{}") -> None:
    rows(
        """INSERT INTO ops.maintenance_windows (title, rules, subjects, starts_at, ends_at,
               created_by, reason) VALUES ('t', %s, %s, %s, %s, 'a', 'r') RETURNING 1""",
        rules, subjects, START, START + minutes * MINUTE,
    )  # fmt: skip


@pytest.mark.parametrize(("rules", "subjects"), [("{}", "{}"), ("{disk-full}", "{s}")])
def test_in_a_window_it_is_kept_and_not_told_until_the_window_is_over(
    rules: str, subjects: str
) -> None:
    window(30, rules, subjects)
    s = Script()
    s.after(TEN, disk_full=LIMIT + 1)
    s.after(29 * MINUTE)
    assert (one("disk-full")["state"], told("disk-full")) == ("failed", [])
    (asked,) = rows("SELECT asked_at FROM ops.watched WHERE rule = 'disk-full'")
    assert asked["asked_at"] == s.now, "it is asked all the same"
    s.after(MINUTE)
    assert told("disk-full") == ["opened"]


def test_a_window_of_something_else_silences_nothing() -> None:
    window(30, "{redis-lost}")
    window(30, "{}", "{other}")
    Script().after(TEN, disk_full=LIMIT + 1)
    assert told("disk-full") == ["opened"]


WHO = {"actor": "ana", "reason": "estou nisso"}


def test_acknowledged_it_is_not_repeated_until_then() -> None:
    s = Script()
    s.after(TEN, disk_full=LIMIT + 1)
    number = one("disk-full")["alert_id"]
    s.after(HOUR)
    assert told("disk-full") == ["opened", "reminded"]
    with transaction() as connection:
        decisions.acknowledge(connection, number, until=s.now + 3 * HOUR, **WHO)
    s.after(HOUR)
    s.after(HOUR)
    assert told("disk-full") == ["opened", "reminded"]
    s.after(HOUR)
    assert told("disk-full") == ["opened", "reminded", "reminded"]
    record, *_ = recorded("alerts")
    assert (record["action"], record["subject"]) == ("alert.acknowledged", str(number))
    assert (record["actor"], record["reason"]) == ("ana", "estou nisso")


def test_silenced_by_a_person_until_then() -> None:
    s = Script()
    s.after(TEN, disk_full=LIMIT + 1)
    number = one("disk-full")["alert_id"]
    with transaction() as connection:
        decisions.silence(connection, number, until=s.now + 5 * HOUR, **WHO)
    s.after(4 * HOUR, disk_full=SEVERE + 1)
    assert told("disk-full") == ["opened"]
    s.after(HOUR)
    assert told("disk-full") == ["opened", "escalated"]


def test_who_decides_about_what_is_over_or_never_was_is_told_so() -> None:
    s = Script()
    s.after(TEN, disk_full=LIMIT + 1)
    s.after(TEN, disk_full=0)
    number, before = one("disk-full")["alert_id"], len(recorded("alerts"))
    with pytest.raises(AlreadySo), transaction() as connection:
        decisions.acknowledge(connection, number, **WHO)
    with pytest.raises(NotFound), transaction() as connection:
        decisions.acknowledge(connection, 10**9, **WHO)
    with pytest.raises(UsageError), transaction() as connection:
        decisions.silence(connection, number, until=START - 365 * 24 * HOUR, **WHO)
    assert len(recorded("alerts")) == before


def test_personal_data_a_measure_met_is_not_kept() -> None:
    s = Script()
    rule = next(r for r in s._rules if r.id == "disk-full")

    def measure(_ground: Any) -> Any:
        yield Measure("s", 99.0, 1.0, "de maria@exemplo.com.br, CPF 529.982.247-25")

    evaluate([replace(rule, measure=measure)], None, s.memory, moment=START)  # type: ignore[arg-type]
    for found in (one("disk-full")["says"], rows("SELECT data::text AS d FROM ops.events")[0]["d"]):
        assert "[e-mail]" in found
        assert "529" not in found


def test_of_many_who_go_round_at_once_one_writes() -> None:
    scripts = [Script() for _ in range(6)]
    ready = Barrier(len(scripts))

    def go(script: Script) -> None:
        script.says["disk-full"] = {"s": 99.0}
        ready.wait()
        evaluate(script._rules, None, script.memory, moment=START)  # type: ignore[arg-type]

    threads = [Thread(target=go, args=(script,)) for script in scripts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(alerts("disk-full")) == 1
    assert told("disk-full") == ["opened"]


@pytest.mark.row("R-102")
def test_what_cannot_be_told_is_kept_and_shown_and_told_once_it_can() -> None:
    s = Script()
    with connect(autocommit=True) as connection:
        connection.execute("ALTER TABLE ops.events RENAME TO events_away")
        try:
            s.after(TEN, disk_full=LIMIT + 1, redis_lost=LIMIT + 1)
            assert (one("disk-full")["state"], one("disk-full")["told"]) == ("failed", None)
        finally:
            connection.execute("ALTER TABLE ops.events_away RENAME TO events")
    s.after(TEN)
    assert (told("disk-full"), told("redis-lost")) == (["opened"], ["opened"])


def standing(kind: str) -> dict[str, int]:
    """How the deliveries to channels of a kind stand."""
    found = rows(
        """SELECT d.status::text AS status, count(*) AS n
           FROM ops.deliveries d JOIN ops.channels c USING (channel_id)
           WHERE c.kind::text = %s GROUP BY 1""",
        kind,
    )
    return {row["status"]: row["n"] for row in found}


@pytest.mark.row("R-102")
def test_no_alert_is_lost_to_a_webhook_that_refuses_and_a_mail_server_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Twenty alerts: each is kept and shown, tried again, and told once somebody listens."""
    with Sink() as sink, socket.create_server(("127.0.0.1", 0)) as nobody:
        for name, value in {
            "KEY_PEPPER": PEPPER,
            "WEBHOOK_INSIDE": sink.url,
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(nobody.getsockname()[1]),
            "SMTP_SECURITY": "none",
            "SMTP_FROM": "avisos@x.example",
        }.items():
            monkeypatch.setenv(name, value)
        nobody.close()
        forget_settings()
        sink.answer = lambda _hit: 503
        made("desk", sink.url, "alert.*")
        made("ana", "ana@x.example", "alert.*", kind="email")
        disks = {f"disk {n}": LIMIT + 1 for n in range(20)}
        with sending(Policy(delays=(0.3,) * 200)):
            Script().after(TEN, disk_full=disks)
            until(lambda: all(row["tries"] > 1 for row in rows("SELECT tries FROM ops.deliveries")))
            kept = alerts("disk-full")
            assert {row["subject"] for row in kept} == set(disks)
            assert {(row["state"], row["told"]) for row in kept} == {("failed", "opened")}
            sink.answer = lambda _hit: 204
            until(lambda: standing("webhook") == {"delivered": 20})
        told_of = {json.loads(hit.body)["data"]["subject"] for hit in sink.hits}
        assert (told_of, len(set(sink.taken))) == (set(disks), 20)
        assert standing("email") == {"waiting": 20}
    forget_settings()


def test_a_rule_is_asked_no_oftener_than_it_wants(database_of_module: str) -> None:
    asked = []

    def measure(ground: Any) -> Any:
        asked.append(ground.moment)
        yield from ()

    rules = [replace(RULES[0], measure=measure, every_seconds=30)]
    s = Script()
    for seconds in (0, 10, 29, 30, 59, 60):
        evaluate(rules, None, s.memory, moment=START + timedelta(seconds=seconds))  # type: ignore[arg-type]
    assert asked == [START + timedelta(seconds=n) for n in (0, 30, 60)]
