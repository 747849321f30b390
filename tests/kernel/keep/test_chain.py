"""Following a chain: what good hashes do not show is looked at too."""

from __future__ import annotations

from collections.abc import Sequence

from atalaia.kernel.keep.audit import Head
from atalaia.kernel.keep.chain import Chain, Finding
from atalaia.kernel.keep.record import NOTHING_BEFORE, Record


def made(times: Sequence[str]) -> list[Record]:
    """A stream with good hashes, a record at each of `times`."""
    records: list[Record] = []
    for seq, at in enumerate(times, start=1):
        before = records[-1].hash if records else NOTHING_BEFORE
        one = Record("s", seq, at, "a", "b", "c", "", None, "t", "", "{}", before, None)
        records.append(one._replace(hash=one.digest()))
    return records


def followed(records: Sequence[Record], head: Head | None = None) -> Finding:
    """What a chain says of them."""
    chain = Chain("s")
    for record in records:
        chain.follow(record)
    return chain.end(head)


def test_a_record_may_be_as_old_as_the_one_before_but_not_older() -> None:
    good = made(["2026-01-01T00:00:00.000001Z"] * 2 + ["2026-01-01T00:00:00.000002Z"])
    assert (followed(good).status, followed(good).rows) == ("pass", 3)
    back = made([*(str(one.at) for one in good), "2026-01-01T00:00:00.000001Z"])
    assert (followed(back).bad_seq, "mais antiga" in followed(back).problem) == (4, True)


def test_only_the_first_fault_is_told() -> None:
    good = made(["2026"] * 5)
    wrong = [good[0], good[1]._replace(actor="x"), good[2], good[3]._replace(actor="x"), good[4]]
    assert (followed(wrong).bad_seq, followed(wrong).rows) == (2, 1)


def test_a_chain_ends_where_it_was_said_to() -> None:
    good = made(["2026"] * 3)
    end = Head("s", 3, str(good[2].hash))
    assert followed(good, end).status == "pass"
    assert followed(good[:2], end).bad_seq == 3
    assert followed(made(["2026"] * 4), end).bad_seq == 4
    assert followed([], end).bad_seq == 1
    assert followed([], Head("s", 0, NOTHING_BEFORE)).status == "pass"


def test_a_chain_of_another_stream_does_not_fit() -> None:
    """Its records are well made, and moved here: the stream is part of what is hashed."""
    moved = [record._replace(stream="other") for record in made(["2026"] * 2)]
    assert followed(moved).bad_seq == 1
