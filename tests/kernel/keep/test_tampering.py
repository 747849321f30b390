"""Whatever is done to the log, however carefully, is found, and where it begins is named."""

from __future__ import annotations

import tracemalloc
from random import Random
from typing import Any

import pytest
from tests.kernel.keep import tampering
from tests.kernel.keep.conftest import (
    ANCHORED,
    COLUMNS,
    ROWS,
    STREAMS,
    History,
    add,
    failures,
    put,
    rewrite,
    rows,
    superuser,
)

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import NotFound, Tampered, UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import anchor as anchoring
from atalaia.kernel.keep.verify import anchor, verify


def test_what_nobody_touched_holds(history: History) -> None:
    found = verify()
    assert [(one.stream, one.status, one.rows, one.anchors) for one in found] == [
        (stream, "pass", ROWS, len(ANCHORED)) for stream in STREAMS
    ]
    assert [one.hash for one in found] == [rows(stream)[-1].hash for stream in STREAMS]
    assert settings().audit_anchor_file.read_bytes() == history.anchors, "nothing new to anchor"


def detected(history: History, kind: Any, seed: int) -> None:
    """One tampering, found where it is and nowhere else, and not vouched for afterwards."""
    stream, seq = kind(Random(f"{kind.__name__} {seed}"))  # noqa: S311
    anchors = settings().audit_anchor_file.read_bytes()
    found = verify()
    wrong = [(one.stream, one.bad_seq) for one in found if one.status == "fail"]
    assert wrong == [(stream, seq)], (kind.__name__, seed, found)
    assert all(one.problem for one in found if one.status == "fail")
    assert settings().audit_anchor_file.read_bytes() == anchors
    history.restore()


@pytest.mark.row("R-046")
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", tampering.KINDS, ids=lambda kind: kind.__name__)
def test_a_tampering_is_found_where_it_begins(history: History, kind: Any, seed: int) -> None:
    detected(history, kind, seed)


@pytest.mark.night("audit")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", tampering.KINDS, ids=lambda kind: kind.__name__)
def test_fifty_of_each_tampering_are_found_where_they_begin(history: History, kind: Any) -> None:
    for seed in range(50):
        detected(history, kind, seed)


ANOTHER = {
    "stream": "'elsewhere'", "seq": "77", "at": "at + interval '1 second'", "actor": "'eva'",
    "trigger": "'eva'", "action": "'eva'", "subject": "subject || ' '", "reason": "'eva'",
    "tenant_id": "'eva'", "trace_id": "'eva'", "details": "(details::text || ' ')::json",
    "previous": "hash", "hash": "previous",
}  # fmt: skip


@pytest.mark.row("R-046")
@pytest.mark.parametrize("column", COLUMNS)
def test_no_column_can_be_edited(history: History, column: str) -> None:
    with superuser() as connection:
        connection.execute(
            f"""UPDATE ops.audit_log SET {column} = {ANOTHER[column]}
                WHERE stream = 'runs' AND seq = 7""".encode()
        )
    places = {(one.stream, one.bad_seq) for one in failures()}
    moved = {("elsewhere", 1)} if column == "stream" else set()
    assert places == {("runs", 7)} | moved


@pytest.mark.row("R-046")
@pytest.mark.parametrize(("before", "after"), [(None, ""), ("", None)])
def test_no_reason_and_an_empty_reason_are_not_the_same(
    history: History, before: str | None, after: str | None
) -> None:
    seq = next(one.seq for one in rows() if one.reason == before)
    with superuser() as connection:
        connection.execute(
            "UPDATE ops.audit_log SET reason = %s WHERE stream = 'runs' AND seq = %s", (after, seq)
        )
    assert [(one.stream, one.bad_seq) for one in failures()] == [("runs", seq)]


@pytest.mark.parametrize("seq", [0, -3, None])
def test_a_record_outside_the_count_is_found(history: History, seq: int | None) -> None:
    forged = rows()[3]._replace(seq=seq)
    with superuser() as connection:
        connection.execute(
            """ALTER TABLE ops.audit_log DROP CONSTRAINT audit_log_pkey;
               ALTER TABLE ops.audit_log DROP CONSTRAINT IF EXISTS audit_log_seq_check;
               ALTER TABLE ops.audit_log ALTER seq DROP NOT NULL"""
        )
        put(connection, forged._replace(hash=forged.digest()))
    assert [(one.stream, one.bad_seq) for one in failures()] == [
        ("runs", ROWS + 1 if seq is None else seq)
    ]


def test_a_record_of_no_stream_is_found(history: History) -> None:
    forged = rows()[3]._replace(stream=None)
    with superuser() as connection:
        connection.execute(
            """ALTER TABLE ops.audit_log DROP CONSTRAINT audit_log_pkey;
               ALTER TABLE ops.audit_log ALTER stream DROP NOT NULL"""
        )
        put(connection, forged)
    (found,) = failures()
    assert (found.stream, "fora de qualquer cadeia" in found.problem) == (None, True)


@pytest.mark.usefixtures("database")
def test_a_long_chain_is_followed_in_little_memory() -> None:
    with transaction() as connection:
        connection.execute(
            """SELECT count(ops.append_audit('long', 'a', 'b', 'c', repeat('x', 500), NULL, 'd',
                                             'e', '{}')) FROM generate_series(1, 10000)"""
        )
    tracemalloc.start()
    (found,) = [one for one in verify(stream="long") if one.stream]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.status, found.rows) == ("pass", 10_000)
    assert peak < 8_000_000, "all at once would be 20 MB"


# Anchors.


@pytest.mark.usefixtures("database", "_key")
def test_the_first_verification_says_that_it_had_nothing_to_compare_with() -> None:
    assert verify() == [], "nothing is recorded: nothing is missing"
    assert not settings().audit_anchor_file.exists()
    add()
    assert [(one.stream, one.status) for one in verify()] == [(None, "warn"), ("runs", "pass")]
    assert [(one.stream, one.status, one.anchors) for one in verify()] == [("runs", "pass", 1)]
    add()
    verify(stream="runs")
    assert [one.seq for one in anchoring.anchors()] == [1, 2]


@pytest.mark.usefixtures("database")
def test_without_a_key_the_chain_is_followed_and_anchors_are_said_to_be_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AUDIT_ANCHOR_KEY", raising=False)
    settings.cache_clear()
    add()
    found = verify()
    assert [(one.stream, one.status) for one in found] == [(None, "warn"), ("runs", "pass")]
    assert "AUDIT_ANCHOR_KEY" in found[0].problem
    with superuser() as connection:
        connection.execute("UPDATE ops.audit_log SET actor = 'eva'")
    assert [one.stream for one in failures()] == ["runs"]
    with pytest.raises(UsageError, match="AUDIT_ANCHOR_KEY"):
        anchor()


def test_since_the_anchor_only_what_is_new_is_read(history: History) -> None:
    """A change before the last anchor is the whole verification's to find."""
    for _ in range(3):
        add()
    _edit(5)
    found = {one.stream: one for one in verify(since_anchor=True)}
    assert (found["runs"].status, found["runs"].rows, found["runs"].seq) == ("pass", 4, ROWS + 3)
    assert [(one.stream, one.bad_seq) for one in failures()] == [("runs", 5)]


@pytest.mark.parametrize("seq", [ROWS, ROWS + 2])
def test_since_the_anchor_a_change_is_found(history: History, seq: int) -> None:
    for _ in range(3):
        add()
    _edit(seq)
    assert [one.bad_seq for one in failures(since_anchor=True)] == [seq]


def test_since_the_anchor_a_cut_end_and_another_chain_are_found(history: History) -> None:
    with superuser() as connection:
        connection.execute("DELETE FROM ops.audit_log WHERE stream = 'runs' AND seq > 30")
        rewrite(connection, [one._replace(actor="eva") for one in rows("access")])
    places = [(one.stream, one.bad_seq) for one in failures(since_anchor=True)]
    assert places == [("access", ROWS), ("runs", ROWS)]


def test_a_chain_that_does_not_hold_is_not_anchored(history: History) -> None:
    add()
    _edit(ROWS + 1)
    with pytest.raises(Tampered, match=rf"'runs', linha {ROWS + 1}"):
        anchor()
    assert settings().audit_anchor_file.read_bytes() == history.anchors


def test_a_stream_nobody_knows_is_said_to_be_unknown(history: History) -> None:
    with pytest.raises(NotFound, match="elsewhere"):
        verify(stream="elsewhere")
    assert [one.stream for one in verify(stream="runs")] == ["runs"]
    with superuser() as connection:
        connection.execute("DELETE FROM ops.audit_log WHERE stream = 'runs'")
    assert [one.bad_seq for one in failures(stream="runs")] == [1], "an anchor knows it"


def _edit(seq: int) -> None:
    with superuser() as connection:
        connection.execute(
            "UPDATE ops.audit_log SET actor = 'eva' WHERE stream = 'runs' AND seq = %s", (seq,)
        )
