"""What a program reads: one shape per --format, results on stdout, all else on stderr."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.serve.cli.conftest import Run

ATALAIA = [sys.executable, "-m", "atalaia.serve.cli"]


def test_a_list_in_every_shape(here: Run) -> None:
    """The same jobs, however they are asked for; a pipe without --format gets NDJSON."""
    as_json = json.loads(here("jobs", "--format", "json").out)
    as_ndjson = [json.loads(line) for line in here("jobs", "--format", "ndjson").out.splitlines()]
    as_csv = list(csv.DictReader(io.StringIO(here("jobs", "--format", "csv").out)))
    table = here("jobs", "--format", "table").out
    assert len(as_json) >= 5
    assert as_json == as_ndjson == as_csv
    assert here("jobs").out == here("jobs", "--format", "ndjson").out
    assert all(job["title"] in table for job in as_json)
    assert len(here("jobs", "--format", "json").out.splitlines()) == 1


def test_an_empty_list_is_still_a_list(here: Run, database: str) -> None:
    assert here("runs", "--format", "json").out == "[]\n"
    assert here("runs", "--format", "ndjson").out == ""
    said = here("runs", "--format", "table")
    assert (said.code, said.out) == (0, "")
    assert "Nada" in said.err


def test_no_colour_where_none_is_wanted(here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in here("domains", "--format", "table").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in here("domains", "--format", "table").out


def test_nobody_reads_on(database: str) -> None:
    """`atalaia logs | head -0`: no traceback, no complaint, and the code a shell expects."""
    folder = Path(os.environ["LOG_DIR"])
    folder.mkdir(parents=True)
    (folder / "api.log").write_text("line\n" * 200_000, encoding="utf-8")
    process = subprocess.Popen(
        [*ATALAIA, "logs", "api", "-n", "200000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(5)
    process.stdout.close()
    assert process.wait(30) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


def test_interrupted(database: str) -> None:
    folder = Path(os.environ["LOG_DIR"])
    folder.mkdir(parents=True)
    (folder / "api.log").write_text("first\n", encoding="utf-8")
    process = subprocess.Popen(
        [*ATALAIA, "logs", "api", "--follow"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "first\n"
    with (folder / "api.log").open("a", encoding="utf-8") as log:
        log.write("second\n")
    assert process.stdout.readline() == "second\n"
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_what_nobody_foresaw_is_told_without_our_insides(
    here: Run, database: str, tmp_path: Path
) -> None:
    """A table someone dropped: one message, exit 2, the traceback in a file only we read."""
    import psycopg

    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP TABLE ops.connector_registry")
    said = here("registry")
    assert (said.code, said.out) == (2, "")
    assert "connector_registry" in said.err
    assert "Traceback" not in said.err
    log = tmp_path / "state" / "logs" / "cli.log"
    assert str(log) in said.err
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert log.stat().st_mode & 0o077 == 0


def test_a_domain_that_does_not_load_shows_red(here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from atalaia.kernel import domain
    from atalaia.serve import catalog

    entry = EntryPoint("broken_one", "no_such_module:DOMAIN", "atalaia.domains")
    monkeypatch.setattr(domain, "entry_points", lambda group: [entry])
    catalog._found.cache_clear()
    try:
        said = here("domains", "--format", "json")
        unknown = here("run", "ibge_admin", "-p", "2024")
    finally:
        catalog._found.cache_clear()
    assert said.code == 2
    (row,) = json.loads(said.out)
    assert row["domain"] == "broken_one"
    assert row["status"] == "failed"
    assert "no_such_module" in row["reason"]
    assert unknown.code == 64
    assert "broken_one" in unknown.err
