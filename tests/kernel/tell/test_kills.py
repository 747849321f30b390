"""kill -9 of the sender with a message in its hand: nothing is lost, repetitions share their id."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from tests.conftest import forget_settings
from tests.forks import Forks
from tests.kernel.tell.house import (
    attempts,
    happened,
    made,
    rows,
    sending,
    settled,
    statuses,
    until,
)
from tests.kernel.tell.sinks import Answer, Sink
from tests.kernel.tell.test_sender import allow

SEED = 43


@pytest.mark.row("R-043", "R-033")
@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    "kills",
    [8, pytest.param(200, marks=[pytest.mark.night("webhooks-2"), pytest.mark.timeout(1400)])],
)
def test_a_sender_killed_mid_delivery_loses_nothing(
    kills: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    record_property: pytest.RecordProperty,
) -> None:  # fmt: skip
    """A kill counts when the receiver has the request and has not answered, and the pid is gone."""
    record_property("seed", SEED)
    chance = random.Random(SEED)  # noqa: S311
    with Sink() as sink:
        allow(monkeypatch, sink)
        # What takes half a second here takes more than one on a machine that is busy.
        monkeypatch.setenv("WEBHOOK_TIMEOUT_SECONDS", "30")
        forget_settings()
        made("a", sink.url)
        sink.answer = lambda _hit: Answer(204, wait=0.5)
        with Forks("tests.kernel.tell.killed", log=tmp_path / "sender.log") as forks:
            for number in range(kills):
                happened(n=number)
                while sink.arrived.acquire(blocking=False):
                    pass  # what an earlier sender sent
                pid = forks.start("tests.kernel.tell.killed:send")
                assert sink.arrived.acquire(timeout=60), "the sender came to nothing"
                in_hand = rows("SELECT FROM ops.deliveries WHERE status = 'sending'")
                assert in_hand, "it had nothing in its hand"
                _wait(chance.uniform(0.0, 0.3))
                forks.kill(pid)
        sink.answer = lambda _hit: 204
        with sending():
            until(settled, seconds=300)
    wanted = {str(row["event_id"]) for row in rows("SELECT event_id FROM ops.events")}
    assert len(wanted) == kills
    assert {hit.message for hit in sink.hits} == wanted, "lost, or under another id"
    assert set(sink.taken) == wanted
    assert statuses() == {"delivered": kills}
    assert len(sink.hits) > kills, "no kill ever made a repetition: were they kills at all?"
    bodies = {(hit.message, hit.body) for hit in sink.hits}
    assert len(bodies) == kills, "a repetition says the same"
    assert {row["delivered"] for row in attempts()} == {True}
    forget_settings()


def _wait(seconds: float) -> None:
    """Let the killing fall anywhere in the half second the receiver takes."""
    time.sleep(seconds)
