"""What each of the platform's rules measures, on a real database: just below its limit, at it,
just above, and what is none of its business."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.kernel.watch.scripted import NOTHING, rows

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import audit
from atalaia.kernel.watch import nearby, runbook
from atalaia.kernel.watch.platform_rules import RULES
from atalaia.kernel.watch.rules import (
    Finding,
    Ground,
    Measure,
    Source,
    Surroundings,
    WorkerSeen,
    judge,
)

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
BY_ID = {rule.id: rule for rule in RULES}
pytestmark = pytest.mark.usefixtures("database")


def asked(
    rule: str,
    around: Surroundings = NOTHING,
    at: datetime = NOW,
    memory: dict[str, Any] | None = None,
) -> dict[str, Finding]:
    """What the rule finds, by subject; what it would offer can be executed as it is offered."""
    own = {} if memory is None else memory
    with connect(autocommit=True) as connection, connection.transaction():
        connection.execute("SET TRANSACTION READ ONLY")
        found = list(BY_ID[rule].measure(Ground(connection, at, around, own)))
    assert all(one.says for one in found), "said in words"
    offers = runbook.find(BY_ID[rule].runbook)
    for one in found:
        known = {a.name: one.arguments[a.name] for a in offers.head.arguments
                 if a.name in one.arguments}  # fmt: skip
        offers.values(known, offers.chosen(None, None))
    return {one.subject: judge(BY_ID[rule], one) for one in found}


def state(rule: str, subject: str = "", **more: Any) -> str | None:
    found = asked(rule, **more).get(subject)
    return found and found.state


_period = iter(range(1900, 2900))


def run(job: str, status: str, verdict: str | None = None, ago: timedelta = HOUR) -> str:
    (made,) = rows(
        """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period, run_status,
               verdict, started_at_utc, finished_at_utc, actor, trigger, trace_id, error)
           VALUES (%s, %s, 'd', %s, %s, %s, %s, %s, 'a', 'cli', 't', 'quebrou')
           RETURNING run_id::text""",
        uuid4(), job, str(next(_period)), status, verdict, NOW - ago,
        None if status == "running" else NOW - ago,
    )  # fmt: skip
    return str(made["run_id"])


@pytest.mark.row("R-101")
def test_a_source_that_failed() -> None:
    run("ibge", "success", ago=9 * HOUR)
    run("mine", "failed", "we_failed")
    assert state("source-failed", "ibge") == "ok"
    run("ibge", "blocked", "source_failed", ago=8 * HOUR)
    found = asked("source-failed")
    assert (found["ibge"].state, found["ibge"].severity) == ("failed", "normal")
    assert found["mine"].state == "ok", "that is our fault"
    assert found["ibge"].arguments["job"] == "ibge"
    run("ibge", "running", ago=timedelta())
    assert state("source-failed", "ibge") == "failed", "one that goes on says nothing yet"
    run("ibge", "blocked", "source_failed", ago=7 * HOUR)
    assert asked("source-failed")["ibge"].severity == "normal"
    run("ibge", "blocked", "source_failed", ago=6 * HOUR)
    assert asked("source-failed")["ibge"].severity == "high"
    run("ibge", "success", ago=5 * HOUR)
    assert state("source-failed", "ibge") == "ok"


@pytest.mark.row("R-101", "E-018")
def test_a_job_that_fails_by_our_fault() -> None:
    run("a", "success", ago=9 * HOUR)
    run("b", "blocked", "source_failed")
    run("c", "blocked", "not_published")
    run("a", "failed", "we_failed", ago=8 * HOUR)
    found = asked("run-failing")
    assert (found["a"].state, found["a"].severity) == ("failed", "low")
    assert {name: one.state for name, one in found.items()} == {"a": "failed", "b": "ok", "c": "ok"}
    run("a", "failed", ago=7 * HOUR)
    assert asked("run-failing")["a"].severity == "low"
    run("a", "blocked", "we_failed", ago=6 * HOUR)
    assert asked("run-failing")["a"].severity == "high"
    run("a", "cancelled", ago=5 * HOUR)
    assert asked("run-failing")["a"].severity == "high", "one that was called off says nothing"
    run("a", "success", "we_failed", ago=4 * HOUR)
    assert state("run-failing", "a") == "ok", "it went well, on what was kept"


@pytest.mark.row("R-101")
@pytest.mark.parametrize(
    ("ago", "expected"),
    [(48 * HOUR - SECOND, "ok"), (48 * HOUR, "ok"), (48 * HOUR + SECOND, "late")],
)
def test_a_source_that_is_late(ago: timedelta, expected: str) -> None:
    around = replace(NOTHING, sources=[Source(one, one, one, 24.0) for one in ("ours", "never")])
    run("ours", "success", ago=ago)
    run("ours", "blocked", "source_failed", ago=HOUR)
    assert state("source-late", "ours", around=around) == expected
    assert state("source-late", "never", around=around) is None, "never run is not late"


@contextmanager
def set_to(monkeypatch: pytest.MonkeyPatch, **values: str) -> Iterator[None]:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.row("R-101")
def test_dead_letters_that_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched, bundled = run("a", "success"), run("b", "success")

    def letter(ago: timedelta, resolved: bool = False, of: str = fetched) -> None:
        rows(
            """INSERT INTO ops.dead_letters (domain, entity_type, entity_id, error_type, reason,
                   payload, run_id, reference_period, created_at_utc, resolved, resolved_at)
               VALUES ('d', 'src', '1', 'permanent', 'r', '{}', %s, '2020', %s, %s, %s)
               RETURNING 1""",
            of, NOW - ago, resolved, NOW if resolved else None,
        )  # fmt: skip

    with set_to(monkeypatch, WATCH_DEAD_LETTERS_PER_HOUR="2"):
        rows("UPDATE ops.pipeline_runs SET trigger = 'up' WHERE run_id = %s RETURNING 1", bundled)
        for _ in range(5):
            letter(HOUR)
            letter(timedelta(), resolved=True)
            letter(timedelta(), of=bundled)
        assert state("dead-letters-growing", "d") is None
        letter(HOUR - SECOND)
        letter(SECOND)
        assert state("dead-letters-growing", "d") == "ok"
        letter(SECOND)
        found = asked("dead-letters-growing")["d"]
        assert (found.state, found.arguments) == ("failed", {"source": "src"})


@pytest.mark.row("R-101")
@pytest.mark.parametrize(
    ("waits", "items", "expected"),
    [(299, 3, ("ok", "ok")), (300, 3, ("ok", "ok")), (301, 3, ("late", "ok")),
     (10, 4, ("ok", "late")), (-60, 9, ("ok", "ok"))],
)  # fmt: skip
def test_a_queue_that_grows(
    monkeypatch: pytest.MonkeyPatch, waits: int, items: int, expected: tuple[str, str]
) -> None:
    (batch,) = rows(
        """INSERT INTO ops.batches
               (tenant_id, kind, request_sha256, total, actor, trigger, trace_id)
           VALUES ('default', 'k', '', %s, 'a', 'cli', 't') RETURNING batch_id""",
        items,
    )
    rows(
        """INSERT INTO ops.work_items (batch_id, position, kind, payload, max_attempts, due_at)
           SELECT %s, n, 'k', '{}', 3, %s FROM generate_series(1, %s) AS n RETURNING 1""",
        batch["batch_id"], NOW - waits * SECOND, items,
    )  # fmt: skip
    with set_to(monkeypatch, WATCH_QUEUE_SECONDS="300", WATCH_QUEUE_ITEMS="3"):
        found = asked("queue-growing")
    assert (found["espera"].state, found["itens"].state) == expected


@pytest.mark.row("R-101")
def test_a_check_that_fails_until_it_passes() -> None:
    def answer(status: str, name: str = "c") -> None:
        rows(
            """INSERT INTO ops.pipeline_checks (run_id, check_name, subject, status)
               VALUES (%s, %s, 's', %s) RETURNING 1""",
            of, name, status,
        )  # fmt: skip

    of = run("a", "success")
    answer("warn")
    answer("fail", "run_outcome")
    assert asked("check-failing") == {}
    answer("fail")
    assert state("check-failing", "c") == "failed"
    answer("warn")
    assert state("check-failing", "c") == "failed"
    answer("pass")
    assert asked("check-failing") == {}


@pytest.mark.row("R-101")
@pytest.mark.parametrize(
    ("failed", "severity"), [(3, None), (4, "normal"), (5, "normal"), (6, "high")]
)
def test_a_budget_that_burns(failed: int, severity: str | None) -> None:
    """Of 100 runs 5 may fail; above 75 % of that somebody is told, above all of it it is bad."""
    assert asked("slo-burning") == {}
    rows(
        """WITH made AS (
               INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period,
                   run_status, started_at_utc, finished_at_utc, actor, trigger, trace_id)
               SELECT gen_random_uuid(), 'a', 'd', n::text,
                      (CASE WHEN n <= %s THEN 'failed' ELSE 'success' END)::ops.run_status,
                      %s, %s, 'a', 'cli', 't' FROM generate_series(1, 100) AS n RETURNING run_id)
           INSERT INTO ops.pipeline_checks (run_id, check_name, status)
           SELECT run_id, 'x', 'pass' FROM made RETURNING 1""",
        failed, NOW - HOUR, NOW - HOUR,
    )  # fmt: skip
    found = asked("slo-burning")
    assert found["SLO-3"].state == "ok"
    assert found["SLO-1"].state == ("failed" if severity else "ok")
    assert severity is None or found["SLO-1"].severity == severity
    run("a", "blocked", "source_failed")
    assert asked("slo-burning")["SLO-3"].state == "failed", "a run without a check"


def backup(ago: timedelta, verified: bool = True, **columns: Any) -> None:
    rows(
        """INSERT INTO ops.backups (backup_id, file, sha256, size, created_at_utc, seconds,
               row_count, data_hash, actor, trigger, verified_at_utc, problem, removed_at_utc)
           VALUES (%s, '/x', repeat('0', 64), 1, %s, 1, 1, 'h', 'a', 'cli', %s, %s, %s)
           RETURNING 1""",
        uuid4(), NOW - ago, NOW if verified else None, columns.get("problem"),
        columns.get("removed"),
    )  # fmt: skip


@pytest.mark.row("R-101")
def test_a_backup_that_is_late() -> None:
    assert asked("backup-late") == {}, "nothing to lose yet"
    run("a", "success", ago=24 * HOUR)
    assert state("backup-late") == "ok"
    run("a", "success", ago=24 * HOUR + SECOND)
    assert state("backup-late") == "late"
    backup(HOUR, verified=False)
    backup(HOUR, problem="x")
    backup(HOUR, removed=NOW)
    assert state("backup-late") == "late"
    backup(24 * HOUR)
    assert state("backup-late") == "ok"
    assert state("backup-late", at=NOW + SECOND) == "late"
    assert asked("backup-late", at=NOW + 48 * HOUR)[""].severity == "high"
    assert asked("backup-late", at=NOW + 48 * HOUR + SECOND)[""].severity == "critical"


@pytest.mark.row("R-101")
def test_deliveries_that_were_given_up() -> None:
    rows("INSERT INTO tenants (tenant_id, name) VALUES ('theirs', 'x') RETURNING 1")
    ours, theirs = (
        rows(
            """INSERT INTO ops.channels (tenant_id, kind, name, address, event_types, created_by)
               VALUES (%s, 'webhook', 'plantão', 'https://x.br', '{*}', 'a')
               RETURNING channel_id, tenant_id""",
            tenant,
        )[0]
        for tenant in ("default", "theirs")
    )

    def delivery(status: str, ago: timedelta, to: dict[str, Any] = ours) -> None:
        (event,) = rows(
            """INSERT INTO ops.events (tenant_id, event_type, data, trace_id)
               VALUES (%s, 'a.b', '{}', 't') RETURNING event_id""",
            to["tenant_id"],
        )
        rows(
            """INSERT INTO ops.deliveries (tenant_id, event_id, channel_id, status, finished_at)
               VALUES (%s, %s, %s, %s, %s) RETURNING 1""",
            to["tenant_id"], event["event_id"], to["channel_id"], status, NOW - ago,
        )  # fmt: skip

    delivery("delivered", HOUR)
    delivery("cancelled", HOUR)
    delivery("exhausted", 24 * HOUR)
    assert asked("delivery-exhausted") == {}
    delivery("exhausted", HOUR)
    delivery("failed", HOUR, to=theirs)
    found = asked("delivery-exhausted")
    assert {name: one.state for name, one in found.items()} == {
        "plantão": "failed", "theirs/plantão": "failed",
    }  # fmt: skip
    assert found["theirs/plantão"].arguments == {
        "channel": str(theirs["channel_id"]), "tenant": "theirs",
    }  # fmt: skip


@pytest.fixture
def signing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with set_to(monkeypatch, AUDIT_ANCHOR_KEY="k" * 32):
        yield


def record() -> None:
    with connect() as connection:
        audit.append(connection, stream="runs", action="a", actor="b", trigger="c")


@pytest.mark.row("R-101")
def test_an_audit_log_that_was_changed(signing: None) -> None:
    record()
    record()
    assert state("audit-broken") == "ok"
    with connect() as connection:
        connection.execute("ALTER TABLE ops.audit_log DISABLE TRIGGER audit_only_grows")
    assert asked("audit-broken")[""].severity == "critical", "its guard is off"
    with connect() as connection:
        connection.execute("UPDATE ops.audit_log SET actor = 'x' WHERE seq = 1")
        connection.execute("ALTER TABLE ops.audit_log ENABLE ALWAYS TRIGGER audit_only_grows")
    found = asked("audit-broken")[""]
    assert (found.state, found.arguments) == ("failed", {"stream": "runs"})


def test_an_audit_log_that_cannot_be_compared_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    with set_to(monkeypatch, AUDIT_ANCHOR_KEY=""):
        assert asked("anchor-late") == {}
        record()
        assert state("audit-broken") == "unknown"


@pytest.mark.row("R-101")
@pytest.mark.parametrize(("older", "expected"), [(-30, "ok"), (30, "late")])
def test_anchors_that_are_late(signing: None, older: int, expected: str) -> None:
    file = settings().audit_anchor_file
    assert state("anchor-late") == "late", "there never were any"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    at = datetime.now(UTC).timestamp() - 3 * settings().audit_anchor_seconds - older
    os.utime(file, (at, at))
    assert state("anchor-late") == expected


def away() -> None:
    raise ConnectionError


@pytest.mark.row("R-101")
@pytest.mark.parametrize(
    ("rule", "part", "limit"), [("redis-lost", "ping_redis", 5), ("api-down", "get_api", 15)]
)
def test_what_does_not_answer(rule: str, part: str, limit: int) -> None:
    memory: dict[str, Any] = {}
    gone = replace(NOTHING, **{part: lambda *_: away()})
    there = replace(NOTHING, **{part: lambda *_: "ok"})

    def found(around: Surroundings, seconds: float) -> str | None:
        return state(rule, around=around, at=NOW + seconds * SECOND, memory=memory)

    assert found(gone, 0) == "ok", "a single time may be a blink"
    assert found(gone, limit) == "ok"
    assert found(gone, limit + 1) == "failed"
    assert found(there, limit + 2) == "ok"
    assert found(gone, limit + 3) == "ok", "it is counted anew"


@pytest.mark.row("R-101")
@pytest.mark.parametrize(
    ("seen", "limit"),
    [
        ([], 50),
        ([WorkerSeen("w", 51, None)], 50),
        ([WorkerSeen("w", 1, True)], 5),
        ([WorkerSeen("w", 51, False), WorkerSeen("v", 1, True)], 5),
    ],
)
def test_no_worker_that_lives(seen: list[WorkerSeen], limit: int) -> None:
    memory: dict[str, Any] = {}

    def found(workers: list[WorkerSeen], seconds: float) -> str | None:
        around = replace(NOTHING, workers=lambda: workers)
        return state("worker-dead", around=around, at=NOW + seconds * SECOND, memory=memory)

    assert found(seen, 0) == "ok"
    assert found(seen, limit) == "ok"
    assert found(seen, limit + 1) == "failed"
    for alive in (WorkerSeen("w", 50, None), WorkerSeen("w", 1, False)):
        assert found([*seen, alive], limit + 2) == "ok"
    with pytest.raises(ConnectionError):
        asked("worker-dead", replace(NOTHING, workers=away))


@pytest.mark.row("R-101")
def test_a_disk_that_fills_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    around = replace(NOTHING, folders={"dados": tmp_path / "not" / "yet", "registros": tmp_path})
    (found,) = asked("disk-full", around).values()
    assert (found.subject, found.arguments) == ("dados+registros", {"disk": "dados"})
    used = found.value
    assert used is not None
    disk = os.statvfs(tmp_path)
    taken = disk.f_blocks - disk.f_bfree
    assert used == pytest.approx(100 * taken / (taken + disk.f_bavail), abs=1.0)
    # The machine's own disk is what it is: the limit goes around it.
    for limit, severity in ((99, None), (max(1, int(used) - 1), "high")):
        with set_to(monkeypatch, DISK_HIGH_PERCENT=str(limit)):
            (found,) = asked("disk-full", around).values()
        assert found.state == ("failed" if severity and used > limit else "ok")
    assert judge(BY_ID["disk-full"], Measure("", 95.001, 90, "x", severe=95)).severity == "critical"


@pytest.mark.row("R-101")
def test_a_database_that_was_away_or_is_another_process() -> None:
    memory: dict[str, Any] = {}
    assert state("database-restarted", memory=memory) == "ok"
    memory[nearby.AWAY_SINCE] = NOW - HOUR
    assert state("database-restarted", memory=memory) == "failed"
    assert state("database-restarted", memory=memory, at=NOW + 299 * SECOND) == "failed"
    assert state("database-restarted", memory=memory, at=NOW + 300 * SECOND) == "ok"
    memory["started"] -= SECOND
    assert state("database-restarted", memory=memory, at=NOW + HOUR) == "failed"
    assert state("database-restarted", memory={}) == "ok", "who just began knows of no other"


def metrics(ok: int, bad: int, slow: int) -> str:
    total = ok + bad + slow
    return f"""# TYPE atalaia_http_requests_total counter
atalaia_http_requests_total{{route="/a",status="200",cache="none"}} {ok + slow}
atalaia_http_requests_total{{route="/a",status="503",cache="none"}} {bad}
# TYPE atalaia_http_request_seconds histogram
atalaia_http_request_seconds_bucket{{route="/a",le="1.5"}} {ok + bad}
atalaia_http_request_seconds_bucket{{route="/a",le="5.0"}} {total}
atalaia_http_request_seconds_bucket{{route="/a",le="+Inf"}} {total}
"""


@pytest.mark.row("R-101")
@pytest.mark.parametrize("rule", ["api-errors", "api-slow"])
@pytest.mark.parametrize(
    ("good", "wrong", "expected"),
    [(95, 5, "ok"), (94, 6, "failed"), (10, 9, "ok"), (10, 10, "failed"), (0, 0, "ok")],
)
def test_the_share_of_the_last_minutes(rule: str, good: int, wrong: int, expected: str) -> None:
    memory: dict[str, Any] = {}

    def found(seconds: int, ok: int, those: int) -> str | None:
        said = metrics(ok, *((those, 0) if rule == "api-errors" else (0, those)))
        around = replace(NOTHING, get_api=lambda _path: said)
        return state(rule, around=around, at=NOW + seconds * SECOND, memory=memory)

    assert found(0, 1000, 900) == "ok", "what was before is not counted"
    assert found(60, 1000 + good, 900 + wrong) == expected
    assert found(400, 1000 + good, 900 + wrong) in (expected, "ok")
    assert found(800, 1000 + good, 900 + wrong) == "ok", "five minutes later it is over"
    assert found(810, 3, 0) == "ok", "another process counts from nothing"
