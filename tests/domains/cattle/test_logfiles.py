"""The four log files: the runbook's own lines over them, and what cannot be forged into them."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from atalaia.domains.cattle.logfiles import FILES, Handler, LogFiles, attach, word
from atalaia.domains.cattle.maintenance import alert_lines, clear_logs
from atalaia.kernel.base.database import connect
from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.trace import log

NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that this process's lines go to."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.setLevel("INFO")
    attach(tmp_path / "etl")
    yield tmp_path / "etl"
    root.handlers[:] = before
    root.setLevel(level)


def shell(line: str, folder: Path) -> str:
    """What the runbook's line answers, its folder being this one."""
    done = subprocess.run(
        ["bash", "-c", line.replace("/var/log/etl", str(folder))],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.row("B-074", "B-075", "B-076", "B-077", "B-012")
def test_the_four_files_are_there_and_each_has_its_own(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    files = LogFiles(folder)
    log("INFO", "all is well")
    log("ERROR", "it broke", error="ValidationError", file="f1")
    log("CRITICAL", "it is over", why="OSError")
    files.processed(NOW, "f1", 1234)
    files.audit(NOW, "ana", "file.requeued", "f1", reason="porque sim")
    said = {name: (folder / name).read_text().splitlines() for name in FILES}
    assert len(said["etl-service.log"]) == 4
    assert [line.split()[2] for line in said["errors.log"]] == ["ERROR", "FATAL"]
    assert [line.split()[2:5] for line in said["metrics.log"]] == [
        ["PROCESSING_TIME", "f1", "1234"]
    ]
    assert said["audit.log"][0].split()[2:6] == ["AUDIT", "ana", "file.requeued", "f1"]


@pytest.mark.row("B-056")
def test_the_fourth_field_of_an_alert_is_its_name(folder: Path) -> None:
    for rule in ("etl-dlq", "etl-idle", "etl-dlq"):
        log("WARNING", "ALERT", rule=rule, subject="", told="opened")
    log("WARNING", "ALERT", rule="disk-full", subject="", told="opened")
    line = """grep "ALERT" /var/log/etl/etl-service.log | awk '{print $4}' | sort | uniq -c"""
    found = [one.split() for one in shell(line, folder).splitlines()]
    assert found == [["2", "etl-dlq"], ["1", "etl-idle"]]
    assert alert_lines(folder) == {"etl-dlq": 2, "etl-idle": 1}


@pytest.mark.row("B-079")
def test_the_sixth_field_of_an_error_is_its_class(folder: Path) -> None:
    for kind in ("ValidationError", "DataError", "ValidationError"):
        log("ERROR", "a message with blanks", error=kind, file="f")
    log("ERROR", "no file, no class")
    line = "awk '/ERROR/ {print $6}' /var/log/etl/errors.log | sort | uniq -c | sort -nr"
    found = [one.split() for one in shell(line, folder).splitlines()]
    assert found[0] == ["2", "ValidationError"]
    assert sorted(found[1:]) == [["1", "DataError"], ["1", "Error"]]


@pytest.mark.row("B-081")
def test_the_fifth_field_of_a_time_is_milliseconds(folder: Path) -> None:
    LogFiles(folder).processed(NOW, "f1", 1000, rows=5)
    LogFiles(folder).processed(NOW, "f2", 2000, rows=9)
    line = (
        'grep "PROCESSING_TIME" /var/log/etl/metrics.log | '
        """awk '{sum+=$5; count++} END {print "Average:", sum/count "ms"}'"""
    )
    assert shell(line, folder) == "Average: 1500ms\n"


@pytest.mark.row("B-078")
def test_errors_are_found_by_the_day_of_the_machine(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "America/Sao_Paulo")
    time.tzset()
    try:
        LogFiles(folder).error(datetime.now(UTC) - timedelta(hours=4), "DataError", "x", "f")
        line = (
            """grep -E "(ERROR|FATAL)" /var/log/etl/etl-service.log | """
            """grep "$(date -d '4 hours ago' '+%Y-%m-%d')" """
        )
        assert "DataError" in shell(line, folder)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.row("B-045")
def test_a_slow_query_leaves_its_line(
    database: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLOW_QUERY_MS", "50")
    settings.cache_clear()
    with connect(autocommit=True) as connection:
        connection.execute("SELECT pg_sleep(0.1), 'segredo'")
        connection.execute("SELECT 1")
    line = 'grep "SLOW_QUERY" /var/log/etl/etl-service.log | tail -20'
    (found,) = shell(line, folder).splitlines()
    assert "pg_sleep(?)" in found
    assert "segredo" not in found


@pytest.mark.row("B-082")
@pytest.mark.parametrize(
    "name",
    [
        "a\nERROR fake.csv",
        "a\r\n2027-01-01 00:00:00 ERROR etl-service file=x FakeError",
        "a\u2028ALERT etl-idle",
        'a" ERROR etl-service file=x FakeError "',
        "\x1b[2J PROCESSING_TIME f 0",
        "\x00FATAL",
    ],
)
def test_no_name_of_a_file_forges_a_line(folder: Path, name: str) -> None:
    files = LogFiles(folder)
    files.said(NOW, "INFO", name, file=name)
    files.audit(NOW, name, name, name, reason=name)
    files.processed(NOW, name, 7, layout=name)
    files.alert(NOW, name, subject=name)
    log("INFO", "received", filename=name)
    text = "".join((folder / one).read_text() for one in FILES)
    assert text.count("\n") == 6
    assert all(line.isprintable() for line in text.splitlines())
    assert shell("grep -cE '(ERROR|FATAL)' /var/log/etl/*.log || true", folder).count(":0") == 4
    assert shell("awk '$3 == \"ALERT\"' /var/log/etl/etl-service.log | wc -l", folder) == "1\n"
    assert (
        shell("grep PROCESSING_TIME /var/log/etl/metrics.log | awk '{print $5}'", folder) == "7\n"
    )


def test_what_is_anothers_is_not_in_them(folder: Path) -> None:
    log("ERROR", "theirs", domain="territory", error="X")
    log("ERROR", "theirs", kind="equivalence.item", error="X")
    log("ERROR", "ours", kind="cattle.file", error="X")
    log("ERROR", "of the house", error="X")
    said = (folder / "errors.log").read_text()
    assert (said.count("theirs"), said.count("ours"), said.count("house")) == (0, 1, 1)


def test_what_identifies_a_person_is_in_none(folder: Path) -> None:
    LogFiles(folder).error(NOW, "DataError", "a linha de maria@exemplo.com.br, CPF 123.456.789-09")
    said = (folder / "errors.log").read_text()
    assert "maria@" not in said
    assert "123.456" not in said
    assert word("maria@exemplo.com.br") == "[e-mail]"


@pytest.mark.row("B-080")
def test_a_line_is_there_as_soon_as_it_is_written_and_after_the_file_was_moved(
    folder: Path,
) -> None:
    log("INFO", "one")
    (folder / "etl-service.log").rename(folder / "etl-service-20270101.log")
    log("INFO", "two")
    assert "one" in (folder / "etl-service-20270101.log").read_text()
    assert (folder / "etl-service.log").read_text().count("two") == 1


def test_attached_again_a_line_is_written_once(folder: Path) -> None:
    attach(folder)
    assert sum(isinstance(one, Handler) for one in logging.getLogger().handlers) == 1
    log("INFO", "once")
    assert (folder / "etl-service.log").read_text().count("once") == 1


@pytest.mark.row("B-048")
def test_the_weekly_cleaning_removes_old_rotated_files_and_never_one_in_use(
    tmp_path: Path,
) -> None:
    folder, order = tmp_path / "etl", []
    files = LogFiles(folder)
    files.touch()
    files.said(NOW, "INFO", "x")
    files.audit(NOW, "a", "b", "c")
    for name in ("etl-service-20270101.log", "audit-20270101.log", "errors-20270301.log"):
        (folder / name).write_text("x\n")
    present = datetime.now(UTC)
    old = (present - timedelta(days=31)).timestamp()
    for name in ("etl-service-20270101.log", "audit-20270101.log", "metrics.log"):
        os.utime(folder / name, (old, old))

    def export() -> Path:
        order.append((folder / "audit-20270101.log").exists())
        return tmp_path / "audit.ndjson"

    done = clear_logs(folder, 30, present, export)
    assert order == [True], "the audit log is exported before anything is removed"
    assert done["removed"] == ["audit-20270101.log", "etl-service-20270101.log"]
    day = f"{present:%Y%m%d}"
    assert done["rotated"] == [f"etl-service-{day}.log", f"audit-{day}.log"]
    shell('find /var/log/etl/ -name "*.log" -mtime +30 -delete', folder)
    assert {name for name in FILES if (folder / name).exists()} == set(FILES)
    again = clear_logs(folder, 30, present, export)
    assert (again["rotated"], again["removed"]) == ([], [])
