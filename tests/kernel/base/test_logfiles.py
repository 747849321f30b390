"""Reading the logs back: rotated files, hours across midnight, traces, levels, forged lines."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from atalaia.kernel.base.logfiles import Wanted, of_trace, read

NOON = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)  # an hour and a half after midnight


def line(at: datetime, message: str, level: str = "INFO", trace: str = "t1") -> str:
    return json.dumps(
        {"ts": at.isoformat(), "level": level, "service": "api", "message": message,
         "trace_id": trace}
    ) + "\n"  # fmt: skip


def told(folder: Path, wanted: Wanted, *names: str) -> list[str]:
    files = {name: folder / f"{name}.log" for name in names or ("api",)}
    return [found.fields.get("message", found.text) for found in read(files, wanted)]


@pytest.mark.row("X-16")
def test_the_last_four_hours_are_four_hours_also_after_midnight(tmp_path: Path) -> None:
    """The runbook's grep for a day misses what was before midnight; these are the lines of 4 h,
    of the rotated files too and in order of time, whichever file they stand in."""
    before = {
        hours: line(NOON - timedelta(hours=hours), f"{hours} h ago") for hours in (6, 5, 3, 2, 1)
    }
    with gzip.open(tmp_path / "api.log.2.gz", "wt") as oldest:
        oldest.write(before[6] + before[5])
    (tmp_path / "api.log.1").write_text(before[3])
    (tmp_path / "api.log").write_text(before[2])
    (tmp_path / "worker.log").write_text(before[1])
    since = NOON - timedelta(hours=4)
    wanted = Wanted(since=since)
    assert told(tmp_path, wanted, "worker", "api") == ["3 h ago", "2 h ago", "1 h ago"]
    until = NOON - timedelta(hours=2)
    assert told(tmp_path, Wanted(since=since, until=until)) == ["3 h ago"]
    assert told(tmp_path, Wanted()) == ["6 h ago", "5 h ago", "3 h ago", "2 h ago"]


def test_level_trace_and_words(tmp_path: Path) -> None:
    (tmp_path / "api.log").write_text(
        line(NOON, "a", "INFO") + line(NOON, "b", "WARNING", "t2") + line(NOON, "c", "ERROR")
    )
    assert told(tmp_path, Wanted(level="WARNING")) == ["b", "c"]
    assert told(tmp_path, Wanted(trace="t2")) == ["b"]
    assert told(tmp_path, Wanted(contains='"c"')) == ["c"]
    assert [one["message"] for one in of_trace(tmp_path, "t1", most=1)] == ["c"]
    assert of_trace(tmp_path, "-", most=9) == [], "no trace is everybody's"


def test_postgres_and_redis_have_moments_and_levels_too(tmp_path: Path) -> None:
    (tmp_path / "postgres.log").write_text(
        "2026-11-23 01:00:00.100 UTC [7] ERROR:  deadlock detected\n"
        "\tDETAIL: of two\n"
        "2026-11-23 01:00:02.100 UTC [7] LOG:  fine\n"
    )
    wanted = Wanted(level="ERROR")
    found = list(read({"postgres": tmp_path / "postgres.log"}, wanted))
    assert [(one.at.second, one.level) for one in found] == [(0, "ERROR"), (0, "ERROR")]
    assert "of two" in found[1].text, "the rest of an error goes with it"


@pytest.mark.row("R-071")
def test_what_was_written_by_others_forges_no_line(tmp_path: Path) -> None:
    """A carriage return, an escape or a line separator inside a line stays inside that line."""
    evil = '\r{"level": "ERROR"}\x1b[2J\u2028ERROR trace_id=forged\x85\x0b\x0c'
    (tmp_path / "redis.log").write_text(f"1:M 23 Nov 2026 01:00:00.000 * {evil}\n", newline="\n")
    (found,) = read({"redis": tmp_path / "redis.log"}, Wanted())
    assert found.fields == {}
    assert len(found.text.splitlines()) == 1
    assert "\x1b" not in found.text
    assert found.text.isprintable()


def test_what_others_wrote_is_redacted(tmp_path: Path) -> None:
    (tmp_path / "postgres.log").write_text(
        "2026-11-23 01:00:00.100 UTC [7] DETAIL:  Key (cpf)=(529.982.247-25) already exists.\n"
    )
    (text,) = told(tmp_path, Wanted(), "postgres")
    assert "529" not in text
    assert "already exists" in text
