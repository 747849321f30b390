"""Reading the log a page at a time: nothing twice, nothing left out, whatever is written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.kernel.keep.conftest import add

from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.keep.browse import Direction, Page, Place, Wanted, page

pytestmark = pytest.mark.usefixtures("database")


def places(found: Page) -> list[str]:
    return [str(Place(one["stream"], one["seq"])) for one in found.items]


def fill() -> list[str]:
    """Seven records of two streams, and their places, newest first."""
    made = [add(stream) for stream in ("a", "b", "a", "a", "b", "a", "b")]
    return [f"{head.stream}:{head.seq}" for head in reversed(made)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8])
def test_pages_put_together_are_the_log_both_ways(size: int) -> None:
    whole = fill()
    for direction in ("older", "newer"):
        way: Direction = "older" if direction == "older" else "newer"
        met: list[list[str]] = []
        start = None
        while True:
            found = page(Wanted(), limit=size, start=start, direction=way)
            met.append(places(found))
            assert len(met[-1]) <= size
            assert found.total == 7
            before = found.newer if way == "older" else found.older
            assert (before is None) == (len(met) == 1), "only at the end there is no way back"
            start = found.older if way == "older" else found.newer
            if start is None:
                break
        in_order = met if way == "older" else met[::-1]
        assert [one for part in in_order for one in part] == whole


def test_what_is_written_meanwhile_moves_nothing() -> None:
    whole = fill()
    first = page(Wanted(), limit=3)
    add("a")
    add("c")
    second = page(Wanted(), limit=3, start=first.older)
    assert places(second) == whole[3:6]
    back = page(Wanted(), limit=3, start=second.newer, direction="newer")
    assert places(back) == places(first)
    assert str(back.newer) == whole[0], "and what came since is one page further"
    since = page(Wanted(), limit=3, start=back.newer, direction="newer")
    assert (places(since), since.newer) == (["c:1", "a:5"], None)


def test_only_what_fits_everything_asked() -> None:
    add("a", action="one.made", actor="Ana Maria", subject="x", tenant_id="uf")
    add("b", action="one.made", actor="bia", subject="y")
    add("a", action="one.lost", actor="ana lúcia", subject="x")
    moments = [one["at"] for one in page(Wanted(), limit=9).items][::-1]
    tick = timedelta(microseconds=1)
    for wanted, expected in [
        (Wanted(stream="a"), ["a:2", "a:1"]),
        (Wanted(action="one.lost"), ["a:2"]),
        (Wanted(action="one"), []),
        (Wanted(actor="ANA"), ["a:2", "a:1"]),
        (Wanted(actor="%"), []),
        (Wanted(subject="x", action="one.made"), ["a:1"]),
        (Wanted(tenant_id="uf"), ["a:1"]),
        (Wanted(tenant_id="outro"), []),
        (Wanted(since=moments[1]), ["a:2", "b:1"]),
        (Wanted(since=moments[1] + tick), ["a:2"]),
        (Wanted(until=moments[1]), ["a:1"]),
        (Wanted(until=moments[1] + tick), ["b:1", "a:1"]),
    ]:
        found = page(wanted, limit=9)
        assert (places(found), found.total) == (expected, len(expected)), wanted


def test_there_is_nothing_to_go_on_from() -> None:
    fill()
    with pytest.raises(UsageError, match="Não há o registro"):
        page(Wanted(), limit=3, start=Place("a", 99))
