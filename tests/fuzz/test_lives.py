"""Lives of a batch and of a webhook: whatever people, workers and time do, no state is impossible.

R-081 asks for six machines of 2,000 lives with 50 steps. The incident's is beside its own tests
(`tests/kernel/watch/test_incidents.py`); those of files, of equivalence and of ETP/TR are with
their domains.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import AlreadySo, LeaseLost, NotFound
from atalaia.kernel.keep.keys import Who
from atalaia.kernel.tell import channels, replay
from atalaia.kernel.work import batches, letters
from atalaia.kernel.work.items import Item, accept, claim, give_back, release
from atalaia.kernel.work.reconcile import reconcile

WHO: dict[str, Any] = {"actor": "ana", "reason": "porque sim", "trigger": "cli"}
_ANA = Who("ana", "cli", "porque sim")
MOST = 3  # attempts
pytestmark = pytest.mark.usefixtures("database_of_module")


class Batch(RuleBasedStateMachine):
    """One batch of three items, done by workers that die and come back, beside a model of it."""

    def __init__(self) -> None:
        super().__init__()
        self.db = connect(autocommit=True)
        self.kind, self.worker = f"life{uuid4().hex[:8]}", uuid4()
        self.hand: list[Item] = []  # claimed and not settled, as the worker believes
        self.is_: dict[int, str] = {}
        self.tried: dict[int, int] = {}
        self.called_off, self.letters = False, 0
        self._hire()

    def teardown(self) -> None:
        self.db.close()

    def _hire(self) -> None:
        self.db.execute(
            """INSERT INTO ops.workers (worker_id, name, leased_until)
               VALUES (%s, 'life', clock_timestamp() + interval '1 hour')""",
            (self.worker,),
        )

    @initialize()
    def is_accepted(self) -> None:
        with self.db.transaction():
            made = accept(self.db, self.kind, [1, 2, 3], actor="a", trigger="api",
                          max_attempts=MOST)  # fmt: skip
        self.batch = made.batch_id
        rows = self.db.execute(
            "SELECT item_id FROM ops.work_items WHERE batch_id = %s", (self.batch,)
        )
        self.is_ = dict.fromkeys((one["item_id"] for one in rows), "queued")
        self.tried = dict.fromkeys(self.is_, 0)

    @rule(most=st.integers(1, 3))
    def are_claimed(self, most: int) -> None:
        self.db.execute("UPDATE ops.work_items SET due_at = clock_timestamp() WHERE batch_id = %s "
                        "AND status = 'queued'", (self.batch,))  # fmt: skip
        for item in claim(self.db, self.kind, self.worker, most):
            assert self.is_[item.item_id] == "queued"
            self.is_[item.item_id] = "running"
            self.tried[item.item_id] += 1
            assert item.attempt == self.tried[item.item_id] <= MOST
            self.hand.append(item)

    @precondition(lambda self: self.hand)
    @rule()
    def one_is_done(self) -> None:
        item = self.hand.pop(0)
        try:
            with item.effect(self.db, {"ok": True}):
                pass
        except LeaseLost:
            assert not self._mine(item)
        else:
            assert self._mine(item)
            self.is_[item.item_id] = "done"

    @precondition(lambda self: self.hand)
    @rule(kind=st.sampled_from(["transient", "permanent"]))
    def one_fails(self, kind: Any) -> None:
        item = self.hand.pop(0)
        mine = self._mine(item)
        assert give_back(self.db, item, "x", kind, 0) == mine
        if mine:
            last = kind == "permanent" or item.attempt >= MOST
            self._ends(item, "cancelled" if self.called_off else "dead" if last else "queued")

    @precondition(lambda self: self.hand)
    @rule()
    def what_is_left_is_given_back(self) -> None:
        held = [item for item in self.hand if self._mine(item)]
        release(self.db, self.hand)
        for item in held:
            self.is_[item.item_id] = "cancelled" if self.called_off else "queued"
            self.tried[item.item_id] -= 1
        self.hand = []

    @rule()
    def the_worker_dies(self) -> None:
        """Its lease runs out; what it had in its hand it still believes to have."""
        over = "UPDATE ops.workers SET leased_until = clock_timestamp() WHERE worker_id = %s"
        self.db.execute(over, (self.worker,))
        reconcile()
        for number, status in self.is_.items():
            if status == "running":
                last = "dead" if self.tried[number] >= MOST else "queued"
                self.is_[number] = "cancelled" if self.called_off else last
                self.letters += self.is_[number] == "dead"
        self.worker = uuid4()
        self._hire()

    @rule()
    def is_called_off(self) -> None:
        try:
            with self.db.transaction():
                batches.cancel(self.db, self.batch, **WHO)
        except AlreadySo:
            assert self.called_off or not {"queued", "running"} & {*self.is_.values()}
            return
        assert not self.called_off
        self.called_off = True
        for number, status in self.is_.items():
            if status == "queued":
                self.is_[number] = "cancelled"

    @precondition(lambda self: self.letters)
    @rule(again=st.booleans())
    def a_letter_is_decided(self, again: bool) -> None:
        (first, *_) = self._letters()
        with self.db.transaction():
            if again:
                letters.replay(self.db, first, **WHO)
            else:
                letters.discard(self.db, [first], **WHO)
        self.letters -= 1
        with pytest.raises(NotFound), self.db.transaction():
            letters.discard(self.db, [first], **WHO)
        # What was accepted again is another batch's: this life goes on without it.
        self.db.execute("UPDATE ops.work_items SET kind = kind || 'again' WHERE kind = %s "
                        "AND batch_id <> %s", (self.kind, self.batch))  # fmt: skip

    def _mine(self, item: Item) -> bool:
        """Whether the item is still in the hand that took it this time."""
        return self.is_[item.item_id] == "running" and item.attempt == self.tried[item.item_id]

    def _ends(self, item: Item, status: str) -> None:
        self.is_[item.item_id] = status
        self.letters += status == "dead"

    def _letters(self) -> list[int]:
        found = self.db.execute(
            """SELECT dead_letter_id FROM ops.dead_letters JOIN ops.work_items USING (item_id)
               WHERE batch_id = %s AND NOT resolved ORDER BY 1""",
            (getattr(self, "batch", None),),
        ).fetchall()
        return [one["dead_letter_id"] for one in found]

    @invariant()
    def accepted_is_done_failed_cancelled_or_on_its_way(self) -> None:
        if not self.is_:
            return
        rows = self.db.execute(
            "SELECT item_id, status::text FROM ops.work_items WHERE batch_id = %s", (self.batch,)
        ).fetchall()
        assert {one["item_id"]: one["status"] for one in rows} == self.is_
        assert len(self._letters()) == self.letters
        progress = self.db.execute(
            "SELECT * FROM ops.batch_progress WHERE batch_id = %s", (self.batch,)
        ).fetchone()
        assert progress
        for status in ("queued", "running", "done", "dead", "cancelled"):
            assert progress[status] == [*self.is_.values()].count(status)
        assert (progress["finished_at"] is not None) == (
            not {"queued", "running"} & {*self.is_.values()}
        )


class Webhook(RuleBasedStateMachine):
    """One webhook made, changed, tried out, rotated, disabled and enabled by people."""

    def __init__(self) -> None:
        super().__init__()
        self.db, self.id = connect(autocommit=True), UUID(int=0)
        self.active, self.secrets, self.waiting, self.records = True, set[str](), 0, 1

    def teardown(self) -> None:
        self.db.close()

    @initialize()
    def is_made(self) -> None:
        with self.db.transaction():
            made = channels.create(
                self.db, "webhook", tenant="default", name=uuid4().hex,
                address="https://exemplo.gov.br/x", event_types=["life.*"], who=_ANA,
            )  # fmt: skip
        self.id, self.secrets = made.channel["channel_id"], {made.secret}

    @rule()
    def is_tried_out(self) -> None:
        try:
            with self.db.transaction():
                channels.test(self.db, "webhook", self.id, tenant="default", who=_ANA)
        except AlreadySo:
            assert not self.active
            return
        assert self.active
        self.waiting, self.records = self.waiting + 1, self.records + 1

    @rule(on=st.booleans())
    def is_switched(self, on: bool) -> None:
        act = channels.enable if on else channels.disable
        try:
            with self.db.transaction():
                act(self.db, "webhook", self.id, tenant="default", who=_ANA)
        except AlreadySo:
            assert self.active == on
            return
        assert self.active != on
        self.active, self.records = on, self.records + 1
        if not on:
            self.waiting = 0

    @rule(hours=st.sampled_from([0, 24]))
    def gets_a_new_secret(self, hours: int) -> None:
        with self.db.transaction():
            made = channels.rotate(
                self.db, self.id, tenant="default", who=_ANA, overlap_hours=hours
            )
        assert made.secret not in self.secrets
        self.secrets.add(made.secret)
        self.records += 1

    @rule(address=st.sampled_from(["https://exemplo.gov.br/y", "https://outro.gov.br/"]))
    def is_changed(self, address: str) -> None:
        with self.db.transaction():
            channels.change(
                self.db, "webhook", self.id, tenant="default", who=_ANA, address=address
            )
        self.records += 1

    @rule()
    def what_was_cancelled_is_sent_again(self) -> None:
        found = self._deliveries("cancelled")
        if not found:
            return
        try:
            with self.db.transaction():
                replay.replay(self.db, found[:1], tenant="default", who=_ANA)
        except (AlreadySo, NotFound):
            assert not self.active
            return
        assert self.active
        self.waiting += 1  # its record is the delivery's, not the channel's

    @rule(tenant=st.sampled_from(["mine", "theirs"]))
    def is_nobody_elses(self, tenant: str) -> None:
        for act in (channels.enable, channels.disable):
            with pytest.raises(NotFound), self.db.transaction():
                act(self.db, "webhook", self.id, tenant=tenant, who=_ANA)

    def _deliveries(self, status: str) -> list[UUID]:
        found = self.db.execute(
            "SELECT delivery_id FROM ops.deliveries WHERE channel_id = %s AND status::text = %s",
            (self.id, status),
        ).fetchall()
        return [one["delivery_id"] for one in found]

    @invariant()
    def it_is_what_it_is(self) -> None:
        row = self.db.execute(
            "SELECT * FROM ops.channels WHERE channel_id = %s", (self.id,)
        ).fetchone()
        if row is None:
            return
        assert (row["status"] == "active") == self.active
        assert (row["disabled_at"] is None) == self.active
        assert row["secret_number"] == len(self.secrets)
        assert len(self._deliveries("waiting")) == self.waiting
        told = self.db.execute(
            "SELECT count(*) AS n FROM ops.audit_log WHERE subject = %s", (str(self.id),)
        ).fetchone()
        assert told
        assert told["n"] == self.records, "each change is one record"


def _lived(machine: Any, lives: int, steps: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=lives, stateful_step_count=steps, deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


@pytest.mark.parametrize("machine", [Batch, Webhook])
def test_no_way_leads_to_what_cannot_be(machine: Any) -> None:
    _lived(machine, 6, 15)


@pytest.mark.timeout(1480)
@pytest.mark.parametrize(
    "machine",
    [
        pytest.param(Batch, marks=pytest.mark.night("fuzz-lives-1")),
        pytest.param(Webhook, marks=pytest.mark.night("fuzz-lives-2")),
    ],
)
def test_two_thousand_lives_of_fifty_steps(machine: Any) -> None:
    _lived(machine, 2000, 50)
