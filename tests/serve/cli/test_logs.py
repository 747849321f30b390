"""`atalaia logs` as an operator types it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.serve.cli.conftest import Run


def _line(hours: float, message: str, level: str = "INFO", trace: str = "t1") -> str:
    at = datetime.now(UTC) - timedelta(hours=hours)
    fields = {"ts": at.isoformat(), "level": level, "service": "api", "message": message}
    return json.dumps(fields | {"trace_id": trace}) + "\n"


@pytest.fixture
def written(database: str) -> Path:
    """Logs of two parts over six hours, one of them rotated."""
    folder = Path(os.environ["LOG_DIR"])
    folder.mkdir(parents=True)
    (folder / "api.log.1").write_text(_line(6, "old") + _line(3.5, "rotated", trace="t2"))
    (folder / "api.log").write_text(_line(1, "new", "ERROR"))
    (folder / "worker.log").write_text(_line(2, "work", "WARNING", "t2"))
    return folder


def messages(out: str) -> list[str]:
    return [json.loads(line)["message"] for line in out.splitlines()]


@pytest.mark.row("X-16")
def test_the_last_four_hours(here: Run, written: Path) -> None:
    said = here("logs", "--since", "4h", "--format", "ndjson")
    assert (said.code, messages(said.out)) == (0, ["rotated", "work", "new"])
    said = here("logs", "api", "--since", "4h", "--until", "2h", "--format", "ndjson")
    assert messages(said.out) == ["rotated"]


def test_a_trace_a_level_a_word_and_how_many(here: Run, written: Path) -> None:
    def told(*words: str) -> list[str]:
        return messages(here("logs", *words, "--format", "ndjson").out)

    assert told("--trace", "t2") == ["rotated", "work"]
    assert told("--level", "warning") == ["work", "new"]
    assert told("--grep", "rotated") == ["rotated"]
    assert told("-n", "2") == ["work", "new"]
    assert told("--since", "2000-01-01") == ["old", "rotated", "work", "new"]
    said = here("logs")
    assert [line.partition(":")[0] for line in said.out.splitlines()] == [
        "api", "api", "worker", "api",
    ]  # fmt: skip


@pytest.mark.parametrize("words", [("--since", "ontem"), ("--level", "loud"), ("--follow",)])
def test_what_cannot_be_is_refused(here: Run, written: Path, words: tuple[str, ...]) -> None:
    assert here("logs", *words).code == 64
