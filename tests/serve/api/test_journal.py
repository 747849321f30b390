"""The access log's writer: whole lines, in batches, all of them, or counted as dropped."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.serve.api.server import eventually

from atalaia.kernel.watch.metrics import Tally
from atalaia.serve.api import journal
from atalaia.serve.api.journal import Journal, Kind, LineMaker


def opened(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)


def kind(tally: Tally | None = None) -> Kind:
    return Kind(tally or Tally(), 5, LineMaker("GET", "/v1/x", 200, 5, cache="hit"))


def leave(one: Journal, number: int, of: Kind | None = None) -> None:
    now = time.perf_counter()
    one.take((of or kind(), (b"x-trace-id", b"t%d" % number), now - 0.001, now))


def test_lines_are_written_by_themselves_within_a_second(tmp_path: Path) -> None:
    log = tmp_path / "log"
    one = Journal(opened(log))
    one.start()
    try:
        leave(one, 1)
        eventually(lambda: log.read_text(encoding="utf-8").endswith("\n"), 1.5, "the line")
    finally:
        one.stop()


def test_what_is_left_is_written_at_the_end_and_counted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    one, tally = Journal(opened(log)), Tally()
    one.start()
    began = datetime.now(UTC)
    for n in range(12_345):
        leave(one, n, kind(tally))
    one.stop()
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["trace_id"] for line in lines] == [f"t{n}" for n in range(12_345)]
    assert {line["seconds"] for line in lines} == {0.001}
    assert (tally.count, tally.bytes) == (12_345, 5 * 12_345)
    moments = [datetime.fromisoformat(line["ts"]) for line in lines]
    assert moments == sorted(moments)
    assert began - timedelta(seconds=1) < moments[0] <= moments[-1] < datetime.now(UTC)


def test_counts_are_there_as_soon_as_they_are_asked_for() -> None:
    one, tally = Journal(), Tally()  # never started
    for n in range(7):
        leave(one, n, kind(tally))
    one.settle()
    assert tally.count == 7


def test_a_path_cannot_forge_a_line(tmp_path: Path) -> None:
    path = '/v1/x"}\n{"level":"FORGED ção'
    maker = LineMaker("GET", path, 200, 5, cache="none")
    line = b"".join(maker.pieces(b"2026-01-31T08:00:00.000+00:00", b"t", 0.5))
    assert line.count(b"\n") == 1
    told = json.loads(line)
    assert (told["path"], told["level"], told["seconds"]) == (path, "INFO", 0.5)


def test_moments_are_utc_to_the_millisecond() -> None:
    one = Journal()
    for now in (0.0, 1_795_371_234.2345, 1_795_371_234.2349, 1_795_371_234.999, 1_795_371_235.0):
        told = datetime.fromisoformat(one.moment(now).decode())
        assert told.utcoffset() is not None
        assert int(told.timestamp() * 1000) == int(now * 1000)


def test_a_full_disk_drops_and_counts() -> None:
    one = Journal(os.open("/dev/full", os.O_WRONLY))
    one.start()
    for n in range(7):
        leave(one, n)
    one.stop()
    assert one.dropped == 7


def test_a_reader_that_does_not_read_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_MOST_BYTES", 100_000)
    reader, writer = os.pipe()
    one, tally = Journal(writer), Tally()
    one.start()
    for _ in range(5):
        for n in range(2_000):
            leave(one, n, kind(tally))
        one.settle()
    assert tally.count == 10_000, "what nobody reads is counted all the same"
    assert len(one._pending) < 1_000_000
    began = time.monotonic()
    one.stop()
    assert time.monotonic() - began < 5
    text = os.read(reader, 1 << 20)
    os.close(reader)
    assert text.count(b"\n") + one.dropped == 10_000
