"""The sender: claims what is due and has a thread tell each, until told to stop.

It lives in the scheduler's process and needs no Redis: PostgreSQL's NOTIFY says that something was
announced, and a look every few seconds finds what nobody told of. There may be several. One that
dies loses nothing: its lease runs out, and what it had in hand is sent again under the same id.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import Connection, connect, pooled, statements
from atalaia.kernel.base.errors import AtalaiaError, DatabaseUnavailable, LeaseLost
from atalaia.kernel.base.redact import place_of
from atalaia.kernel.base.trace import log, trace
from atalaia.kernel.tell import mail, queue, webhook
from atalaia.kernel.tell.events import WAKE
from atalaia.kernel.tell.queue import Delivery
from atalaia.kernel.tell.schedule import Outcome, Policy
from atalaia.kernel.work.drain import Fault, leased

Act = Callable[[Delivery], Outcome]

ACTS: Mapping[str, Act] = {"webhook": webhook.send, "email": mail.send}
SENDER = "sender"  # what its lease is called in ops.workers
_STOP_SECONDS = 3.0  # what is in hand then is sent again by the next sender
_AGAIN_SECONDS = 1.0  # between two tries to reach a database that is away


class Sender:
    """A sender of this process; `run` is its loop."""

    def __init__(
        self,
        policy: Policy = Policy(),  # noqa: B008  it cannot change
        *,
        acts: Mapping[str, Act] = ACTS,
        fault: Fault = lambda _step: None,
    ) -> None:
        self._policy, self._acts, self._fault = policy, acts, fault
        self._stopped, self._woken = threading.Event(), threading.Event()
        self._lock, self._in_hand = threading.Lock(), 0

    def stop(self) -> None:
        """Have `run` return soon."""
        self._stopped.set()
        self._woken.set()

    def run(self) -> None:
        """Send until stopped, whether the database is there or not."""
        threading.Thread(target=self._listen, name="tell-listen", daemon=True).start()
        away = ""
        while not self._stopped.is_set():
            try:
                with leased(self._policy.lease_seconds, SENDER) as worker_id:
                    away = ""
                    self._send_as(worker_id)
            except LeaseLost:
                log("WARNING", "the sender's lease ran out; it takes a new one")
            except (AtalaiaError, psycopg.Error) as error:
                if type(error).__name__ != away:
                    away = type(error).__name__
                    log("ERROR", "cannot send what is due", why=away)
                self._stopped.wait(_AGAIN_SECONDS)

    def _send_as(self, worker_id: Any) -> None:
        """Claim and send under one lease. Returns when stopped and little is left in hand."""
        looked = 0.0
        with statements() as connection:
            while not self._stopped.is_set():
                self._woken.clear()
                if time.monotonic() - looked >= self._policy.poll_seconds:
                    looked = time.monotonic()
                    if given_back := queue.give_back(connection):
                        log("WARNING", "a sender died", given_back=given_back)
                self._begin(connection, worker_id)
                self._woken.wait(self._pause(connection))
        until = time.monotonic() + _STOP_SECONDS
        while self._in_hand and time.monotonic() < until:
            time.sleep(0.05)

    def _begin(self, connection: Connection, worker_id: Any) -> None:
        room = self._policy.slots - self._in_hand
        if room <= 0:
            return
        self._fault("before claim")
        for delivery in queue.claim(connection, worker_id, room, self._policy):
            with self._lock:
                self._in_hand += 1
            threading.Thread(
                target=self._attempt, args=(delivery,), name="tell-send", daemon=True
            ).start()

    def _pause(self, connection: Connection) -> float:
        """Until something is due, a slot is free or somebody announces, whichever is first; what
        another sender set free is found by looking."""
        due = queue.seconds_to_next(connection)
        return min(self._policy.poll_seconds, 1.0 if due is None else max(due, 0.0) + 0.005)

    def _attempt(self, delivery: Delivery) -> None:
        try:
            with trace(delivery.trace_id):
                began, start = now(), time.monotonic()
                self._fault("before send")
                outcome = self._outcome(delivery)
                self._fault("after send")
                spent = round((time.monotonic() - start) * 1000)
                self._settle(delivery, outcome, began, spent)
                self._fault("after settle")
        finally:
            with self._lock:
                self._in_hand -= 1
            self._woken.set()

    def _outcome(self, delivery: Delivery) -> Outcome:
        try:
            return self._acts[delivery.kind](delivery)
        except Exception as error:  # a defect of ours must not lose the delivery
            log("ERROR", "a delivery could not be sent", error=place_of(error))
            return Outcome(error=type(error).__name__, fault="ours")

    def _settle(self, delivery: Delivery, outcome: Outcome, began: Any, spent: int) -> None:
        """Write the outcome, however long the database is away: until then the delivery is ours."""
        while True:
            try:
                with pooled() as connection:
                    status = queue.settle(
                        connection, delivery, outcome,
                        began=began, duration_ms=spent, policy=self._policy,
                    )  # fmt: skip
            except LeaseLost:
                log("WARNING", "a delivery passed to another sender")
                return
            except (AtalaiaError, psycopg.Error) as error:
                log("ERROR", "an outcome could not be written yet", why=type(error).__name__)
                if self._stopped.wait(_AGAIN_SECONDS):
                    return
                continue
            log(
                "INFO" if outcome.delivered else "WARNING",
                "delivery attempted",
                delivery_id=str(delivery.delivery_id),
                status=status,
                code=outcome.status_code,
                error=outcome.error,
                fault=outcome.fault,
                ms=spent,
            )
            return

    def _listen(self) -> None:
        """Wake the loop when somebody announces."""
        while not self._stopped.is_set():
            try:
                with connect(autocommit=True) as connection:
                    connection.execute(f"LISTEN {WAKE}")
                    self._woken.set()
                    while not self._stopped.is_set():
                        for _ in connection.notifies(timeout=1.0, stop_after=1):
                            self._woken.set()
            except (DatabaseUnavailable, psycopg.OperationalError):
                self._stopped.wait(_AGAIN_SECONDS)
