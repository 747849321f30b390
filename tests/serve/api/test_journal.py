"""The access log's writer: whole lines, in batches, all of them, or counted as dropped."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from tests.serve.api.server import eventually

from atalaia.serve.api import journal
from atalaia.serve.api.journal import Journal, LineMaker


def opened(path: Path) -> int:
    return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)


def test_lines_are_written_by_themselves_within_a_second(tmp_path: Path) -> None:
    log = tmp_path / "log"
    one = Journal(opened(log))
    one.start()
    try:
        one.add(LineMaker("GET", "/v1/x", 200, 5, cache="hit"), "t1", 0.001)
        eventually(lambda: log.read_text(encoding="utf-8").endswith("\n"), 1.5, "the line")
    finally:
        one.stop()


def test_what_is_left_is_written_at_the_end(tmp_path: Path) -> None:
    log = tmp_path / "log"
    one = Journal(opened(log))
    one.start()
    maker = LineMaker("GET", "/v1/x", 200, 5, cache="hit")
    for n in range(12_345):
        one.add(maker, f"t{n}", 0.001)
    one.stop()
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert [line["trace_id"] for line in lines] == [f"t{n}" for n in range(12_345)]


def test_a_path_cannot_forge_a_line(tmp_path: Path) -> None:
    path = '/v1/x"}\n{"level":"FORGED ção'
    maker = LineMaker("GET", path, 200, 5, cache="none")
    line = maker.line("2026-01-31T08:00:00.000+00:00", "t", 0.5)
    assert line.count("\n") == 1
    told = json.loads(line)
    assert (told["path"], told["level"], told["seconds"]) == (path, "INFO", 0.5)


def test_moments_are_utc_to_the_millisecond() -> None:
    one = Journal()
    for now in (0.0, 1_795_371_234.2345, 1_795_371_234.2349, 1_795_371_234.999, 1_795_371_235.0):
        told = datetime.fromisoformat(one.moment(now))
        assert told.utcoffset() is not None
        assert int(told.timestamp() * 1000) == int(now * 1000)


def test_a_full_disk_drops_and_counts(tmp_path: Path) -> None:
    one = Journal(os.open("/dev/full", os.O_WRONLY))
    one.start()
    maker = LineMaker("GET", "/v1/x", 200, 5, cache="hit")
    for n in range(7):
        one.add(maker, f"t{n}", 0.001)
    one.stop()
    assert one.dropped == 7


def test_memory_does_not_fill_when_nobody_writes() -> None:
    one = Journal()  # never started
    maker = LineMaker("GET", "/v1/x", 200, 5, cache="hit")
    extra = 10
    for _ in range(journal._MOST_LINES + extra):
        one.add(maker, "t", 0.0)
    assert one.dropped == extra
