"""Real receivers, a real database: what is delivered, what is tried again, when, and by whom."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from tests.conftest import PEPPER, forget_settings
from tests.kernel.tell.house import (
    QUICK,
    attempts,
    do,
    happened,
    made,
    rows,
    sending,
    settled,
    statuses,
    until,
)  # fmt: skip
from tests.kernel.tell.sinks import Answer, Hit, Sink

from atalaia.kernel.tell.schedule import DELAYS, Policy

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sink]:
    with Sink() as found:
        allow(monkeypatch, found)
        yield found
    forget_settings()


def allow(monkeypatch: pytest.MonkeyPatch, *sinks: Sink) -> None:
    """Let webhooks call these sinks; an attempt has a second."""
    monkeypatch.setenv("KEY_PEPPER", PEPPER)
    monkeypatch.setenv("WEBHOOK_INSIDE", ",".join(one.url for one in sinks))
    monkeypatch.setenv("WEBHOOK_TIMEOUT_SECONDS", "1")
    forget_settings()


def test_what_happens_is_told_at_once_and_once(sink: Sink) -> None:
    made("a", f"{sink.url}/in?token=1", "toy.*")
    with sending():
        event = happened(n=1)
        assert sink.arrived.acquire(timeout=30)
        until(settled)
        happened("other.thing")
    (hit,) = sink.hits
    assert hit.path == "/in?token=1"
    assert hit.message == str(event)
    assert statuses() == {"delivered": 1}
    (tried,) = attempts()
    assert (tried["delivered"], tried["status_code"], tried["fault"]) == (True, 204, None)


STATUSES: list[tuple[Answer, str, str | None]] = [
    *((Answer(code), "delivered", None) for code in (200, 201, 202, 204, 206, 226, 299)),
    (Answer(200, body=b"x" * 3_000_000), "delivered", None),
    (Answer(200, {"Content-Encoding": "gzip"}, b"not gzip"), "delivered", None),
    *((Answer(code), "retried", f"http_{code}") for code in (300, 304, 400, 401, 403, 404, 405)),
    *((Answer(code), "retried", f"http_{code}") for code in (408, 409, 413, 418, 422, 425, 451)),
    *((Answer(code), "retried", f"http_{code}") for code in (500, 501, 502, 503, 504, 505, 507)),
    *(
        (Answer(code, {"Location": "LOCATION"}), "retried", f"http_{code}")
        for code in (301, 302, 303, 307, 308)
    ),
    (Answer(429), "retried", "http_429"),
    (Answer(429, {"Retry-After": "soon"}), "retried", "http_429"),
    (Answer(429, {"Retry-After": "7200"}), "later", "http_429"),
    (Answer(503, {"Retry-After": "7200"}), "later", "http_503"),
    (Answer(500, {"Retry-After": "7200"}), "retried", "http_500"),
    (Answer(429, {"Retry-After": "99999999"}), "capped", "http_429"),
    (Answer(204, reset=True), "retried", "connection"),
    (Answer(204, wait=3), "retried", "timeout"),
    (Answer(410), "gone", "http_410"),
    (Answer(999), "retried", "http_999"),
]


@pytest.mark.row("R-041")
def test_each_status_means_what_standard_webhooks_says(sink: Sink) -> None:
    """Forty answers to forty channels; whoever is to be tried again is, once, and takes it then."""
    assert len(STATUSES) >= 40
    with Sink() as trap:
        for number, _ in enumerate(STATUSES):
            made(f"{number:02}", f"{sink.url}/{number}", "toy.made")

        def answer(hit: Hit) -> Answer:
            wanted, what, _ = STATUSES[int(hit.path[1:])]
            if what == "retried" and sum(one.path == hit.path for one in sink.hits) > 1:
                return Answer(204)
            if "Location" in wanted.headers:
                return Answer(wanted.status, {"Location": trap.url})
            return wanted

        sink.answer = answer
        event = happened(n=1)
        later = sum(what in ("later", "capped") for _, what, _ in STATUSES)
        policy = Policy(delays=QUICK.delays, slots=64, poll_seconds=0.2)
        with sending(policy):
            until(lambda: statuses().get("delivered", 0) == len(STATUSES) - later - 1)
            until(lambda: not rows("SELECT FROM ops.deliveries WHERE status = 'sending'"))
        assert trap.hits == [], "a redirect was followed"
    assert {hit.message for hit in sink.hits} == {str(event)}
    hits = Counter(hit.path for hit in sink.hits)
    found = rows(
        """SELECT c.name, d.status::text, c.status::text AS channel, a.error, a.fault::text,
                  extract(epoch FROM d.due_at - clock_timestamp())::float8 AS due
           FROM ops.deliveries d JOIN ops.channels c USING (channel_id)
           JOIN ops.delivery_attempts a USING (delivery_id) WHERE a.number = 1 ORDER BY c.name"""
    )
    told = [row for row in found if len(row["name"]) == 2]
    assert len(told) == len(STATUSES)
    for row, (_, what, error) in zip(told, STATUSES, strict=True):
        assert row["error"] == error, row
        assert row["fault"] == (None if what == "delivered" else "recipient"), row
        assert hits[f"/{int(row['name'])}"] == (2 if what == "retried" else 1), row
        assert row["channel"] == ("disabled" if what == "gone" else "active")
        if what in ("later", "capped"):
            assert row["status"] == "waiting"
            asked = 7200 if what == "later" else 24 * 3600
            assert asked - 120 < row["due"] <= asked
        else:
            assert row["status"] == ("failed" if what == "gone" else "delivered"), row


def test_who_answers_410_is_told_nothing_more(sink: Sink) -> None:
    made("gone", f"{sink.url}/gone")
    made("watch", f"{sink.url}/watch", "webhook.disabled")
    for number in range(12):
        happened(n=number)
    sink.answer = lambda hit: 410 if hit.path == "/gone" else 204
    with sending(Policy(delays=QUICK.delays, per_channel=1)):
        until(settled)
        happened(n=99)
        assert until(lambda: [hit for hit in sink.hits if hit.path == "/watch"])
        until(settled)
    assert sum(hit.path == "/gone" for hit in sink.hits) == 1
    assert statuses() == {"failed": 1, "cancelled": 11, "delivered": 1}


@pytest.mark.row("R-040")
def test_a_dead_receiver_is_tried_ten_times_over_three_days(sink: Sink) -> None:
    """The moment is moved by moving what is due back; between two attempts nothing is sent."""
    sink.answer = lambda _hit: 500
    made("dead", sink.url, "toy.made")
    made("watch", f"{sink.url}/watch", "delivery.exhausted")
    happened(n=1)
    with sending(Policy(poll_seconds=0.1)):
        for number, delay in enumerate(DELAYS, start=1):
            (due,) = until(
                lambda n=number: rows(  # type: ignore[misc]
                    """SELECT extract(epoch FROM d.due_at - a.started_at)::float8
                              - a.duration_ms / 1000.0 AS delay
                       FROM ops.deliveries d JOIN ops.delivery_attempts a USING (delivery_id)
                       JOIN ops.channels c USING (channel_id)
                       WHERE c.name = 'dead' AND d.status = 'waiting' AND d.tries = %s
                         AND a.number = %s""",
                    n,
                    n,
                )
            )
            slack = 2.0  # seconds a busy machine may take to write the outcome down
            assert 0.8 * delay <= float(due["delay"]) <= 1.2 * delay + slack, (number, due)
            assert len([hit for hit in sink.hits if hit.path == "/"]) == number
            do("UPDATE ops.deliveries SET due_at = clock_timestamp() WHERE status = 'waiting'")
            do("SELECT pg_notify('deliveries', '')")
        until(lambda: statuses().get("exhausted") == 1)
        until(lambda: [hit for hit in sink.hits if hit.path == "/watch"])
    dead = [hit for hit in sink.hits if hit.path == "/"]
    assert len(dead) == 10
    assert len({hit.message for hit in dead}) == 1
    (ended,) = rows("SELECT reason FROM ops.deliveries WHERE status = 'exhausted'")
    assert ended["reason"] == "tentativas esgotadas: http_500"


def _flaky(chance: random.Random, *, late: float) -> Callable[[Hit], Answer]:
    """A receiver that answers 5xx, too late by `late` seconds, nothing or slowly, as it likes."""

    def answer(_hit: Hit) -> Answer:
        luck = chance.random()
        if luck < 0.30:
            return Answer(503)
        if luck < 0.40:
            return Answer(204, wait=late)
        if luck < 0.45:
            return Answer(204, reset=True)
        return Answer(204, wait=0.2 if luck < 0.50 else 0.0)

    return answer


@pytest.mark.row("R-039", "R-033")
def test_who_answers_never_waits_for_who_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sixth receiver takes the connection and holds it until the five flaky ones have all there
    is, of far more events than there are slots: none of them waited for an attempt on it to end."""
    chance, released = random.Random(20261123), threading.Event()  # noqa: S311
    policy = Policy(delays=(0.2,) * 30, slots=8, poll_seconds=0.5)
    sinks = [Sink() for _ in range(5)]
    with sinks[0], sinks[1], sinks[2], sinks[3], sinks[4], Sink() as dead:
        allow(monkeypatch, *sinks, dead)
        monkeypatch.setenv("WEBHOOK_TIMEOUT_SECONDS", "120")
        forget_settings()
        for number, sink in enumerate(sinks):
            sink.answer = _flaky(chance, late=0.4)
            made(f"flaky {number}", sink.url, "toy.made")
        dead.held = released
        made("dead", dead.url, "toy.made")
        with sending(policy):
            for number in range(40):
                happened(n=number)
            until(_flaky_ones_have_all, seconds=100)
            held = {hit.message for hit in dead.hits}
            ended = rows(
                """SELECT a.number FROM ops.delivery_attempts a
                   JOIN ops.deliveries d USING (delivery_id) JOIN ops.channels c USING (channel_id)
                   WHERE c.name = 'dead'"""
            )
            released.set()
            until(settled)
    assert len(held) == policy.per_channel, "the dead one was to have what a channel may have"
    assert ended == [], "an attempt on the dead one ended: the flaky ones may have waited for it"
    assert statuses() == {"delivered": 6 * 40}


@pytest.mark.row("R-039", "R-033")
@pytest.mark.parametrize(
    "events",
    [
        30,
        pytest.param(5000, marks=[pytest.mark.night("webhooks-1"), pytest.mark.timeout(1400)]),
    ],
)
def test_flaky_receivers_get_everything(
    events: int, monkeypatch: pytest.MonkeyPatch, record_property: pytest.RecordProperty
) -> None:
    """Each event goes to five endpoints, which answer 5xx, nothing, a reset or late as they like;
    beside half of the events a sixth never answers. What the sinks took is compared with what the
    table says. At its full size, how long the five waited alone and beside it; a sample of that
    says nothing on a busy machine."""
    chance = random.Random(20261123)  # noqa: S311
    record_property("seed", 20261123)
    policy = Policy(delays=(0.2,) * 30, slots=32, lease_seconds=5, poll_seconds=0.5)
    sinks = [Sink() for _ in range(5)]
    with sinks[0], sinks[1], sinks[2], sinks[3], sinks[4], Sink() as dead:
        allow(monkeypatch, *sinks, dead)
        for number, sink in enumerate(sinks):
            sink.answer = _flaky(chance, late=2.0)  # the sender has gone, and comes again
            made(f"flaky {number}", sink.url, "toy.made")
        alone = _p95_wait(events, policy)
        dead.answer = lambda _hit: Answer(204, wait=30)
        made("dead", dead.url, "toy.made")
        beside = _p95_wait(events, policy)
    record_property("p95 wait alone, ms", round(alone * 1000))
    record_property("p95 wait beside a dead one, ms", round(beside * 1000))
    assert dead.hits
    wanted = {str(row["event_id"]) for row in rows("SELECT event_id FROM ops.events")}
    assert len(wanted) == 2 * events
    for number, sink in enumerate(sinks):
        assert set(sink.taken) == wanted, "lost"
        told = rows(
            """SELECT count(*) AS n FROM ops.deliveries d JOIN ops.channels c USING (channel_id)
               WHERE c.name = %s AND d.status = 'delivered'""",
            f"flaky {number}",
        )
        assert told[0]["n"] == 2 * events
    if events >= 1000:
        assert beside < max(alone * 1.2, alone + 0.1), (alone, beside)


def _flaky_ones_have_all() -> bool:
    return not rows(
        """SELECT FROM ops.deliveries d JOIN ops.channels c USING (channel_id)
           WHERE c.name LIKE 'flaky%%' AND d.status <> 'delivered' LIMIT 1"""
    )


def _p95_wait(events: int, policy: Policy) -> float:
    """Announce and wait until the flaky ones have everything; the p95 of the seconds that passed
    until an event was first tried."""
    (before,) = rows("SELECT clock_timestamp() AS at")
    with sending(policy):
        for number in range(events):
            happened(n=number)
        until(_flaky_ones_have_all, seconds=1300)
    (found,) = rows(
        """SELECT percentile_cont(0.95) WITHIN GROUP
                  (ORDER BY extract(epoch FROM a.started_at - d.created_at)) AS wait
           FROM ops.deliveries d JOIN ops.channels c USING (channel_id)
           JOIN ops.delivery_attempts a USING (delivery_id)
           WHERE c.name LIKE 'flaky%%' AND a.number = 1 AND d.created_at >= %s""",
        before["at"],
    )
    return float(found["wait"])
