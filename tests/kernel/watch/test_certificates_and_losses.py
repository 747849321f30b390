"""What the rules measure of certificates and of tables that are gone: just below the limit, at it,
just above, and what is none of their business."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from psycopg.types.json import Jsonb
from tests.kernel.watch.scripted import NOTHING, rows
from tests.kernel.watch.test_measures import HOUR, NOW, SECOND, asked, backup, run, set_to

from atalaia.kernel.base.database import connect
from atalaia.kernel.keep import backup as backups
from atalaia.kernel.watch.platform_rules import RULES
from atalaia.kernel.watch.rules import Source

DAY = 24 * HOUR
AROUND = replace(
    NOTHING, sources=[Source("toy", "toy", "TOY", 24.0, "toy", ("rows",)),
                      Source("plain", "plain", "PLAIN", 24.0, "plain", ("rows",))],
)  # fmt: skip
REFUSED = "O certificado de toy.example não é confiável: certificate has expired."
pytestmark = pytest.mark.usefixtures("database")


def shown(sha256: str, ago: timedelta, valid_for: timedelta, source: str = "toy") -> None:
    """A payload the source sent `ago`, with that certificate, which ends `valid_for` from now."""
    certificate = {"sha256": sha256, "expires_at": (NOW + valid_for).isoformat()}
    exchange = {"url": "https://toy.example/a", "status": 200, "certificate": certificate}
    rows(
        """INSERT INTO bronze.manifest
               (source, dataset, reference_period, path, sha256, size, extracted_at, exchange)
           VALUES (%s, 'rows', '2024', %s, repeat('b', 64), 9, %s, %s) RETURNING 1""",
        source, str(uuid4()), NOW - ago, Jsonb(exchange),
    )  # fmt: skip


@pytest.mark.row("R-101")
def test_a_certificate_that_was_refused() -> None:
    def ended(error: str, verdict: str, ago: timedelta) -> None:
        made = run("toy", "blocked", verdict, ago)
        rows("UPDATE ops.pipeline_runs SET error = %s WHERE run_id = %s RETURNING 1", error, made)

    ended("toy.example respondeu HTTP 500.", "source_failed", 9 * HOUR)
    assert asked("certificate-refused")["toy"].state == "ok", "it failed, and not by that"
    ended(REFUSED, "source_failed", 8 * HOUR)
    found = asked("certificate-refused")["toy"]
    assert (found.state, found.severity, found.says) == ("failed", "normal", REFUSED)
    assert found.arguments["job"] == "toy"
    assert asked("source-failed")["toy"].state == "failed", "which follows from it"
    ended(REFUSED, "we_failed", 7 * HOUR)
    assert asked("certificate-refused")["toy"].state == "ok", "that one is another's"
    ended(REFUSED, "source_failed", 6 * HOUR)
    run("toy", "success", ago=5 * HOUR)
    assert asked("certificate-refused")["toy"].state == "ok"
    (source_failed,) = (rule for rule in RULES if rule.id == "source-failed")
    assert "certificate-refused" in source_failed.depends_on


@pytest.mark.row("R-101")
@pytest.mark.parametrize(
    ("left", "state"),
    [(7 * DAY + SECOND, "ok"), (7 * DAY, "ok"), (7 * DAY - SECOND, "late"), (-DAY, "late")],
)
def test_a_certificate_that_ends_soon(left: timedelta, state: str) -> None:
    assert asked("certificate-changing", AROUND) == {}, "nobody showed any"
    shown("aa", 30 * DAY, left)
    shown("aa", DAY, left)
    shown("zz", DAY, -DAY, source="elsewhere")
    found = asked("certificate-changing", AROUND)
    assert {name: one.state for name, one in found.items()} == {"toy": state}
    assert found["toy"].severity == "low"
    shown("bb", SECOND, 90 * DAY)
    assert asked("certificate-changing", AROUND)["toy"].state == "ok", "it was renewed in time"


@pytest.mark.row("R-101")
@pytest.mark.parametrize(
    ("had_left", "since", "state"),
    [
        (45 * DAY, HOUR, "ok"),
        (45 * DAY + SECOND, HOUR, "late"),
        (300 * DAY, 72 * HOUR, "late"),
        (300 * DAY, 72 * HOUR + SECOND, "ok"),
    ],
)
def test_a_certificate_that_was_replaced_before_its_time(
    had_left: timedelta, since: timedelta, state: str
) -> None:
    shown("aa", 60 * DAY, had_left - since)
    shown("bb", since, 300 * DAY)
    assert asked("certificate-changing", AROUND)["toy"].state == state


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A verified backup of what there is, with one table of its own that people may lose."""
    with set_to(monkeypatch, DATA_DIR=str(tmp_path / "data")):
        with connect(autocommit=True) as connection:
            connection.execute("CREATE TABLE silver.drill_whole (a text) PARTITION BY LIST (a)")
            connection.execute("CREATE TABLE silver.drill_other (a text)")
            for name in "xy":
                connection.execute(
                    f"CREATE TABLE silver.drill_whole_{name} PARTITION OF silver.drill_whole "
                    f"FOR VALUES IN ('{name}')".encode()
                )
        made = backups.create(tmp_path / "a.atl", actor="a", trigger="cli", reason="r")
        rows("UPDATE ops.backups SET verified_at_utc = now() WHERE backup_id = %s RETURNING 1",
             made["backup_id"])  # fmt: skip
        yield tmp_path / "a.atl"


def drop(table: str) -> None:
    with connect(autocommit=True) as connection:
        connection.execute(f"DROP TABLE silver.{table}".encode())


@pytest.mark.row("R-101")
def test_tables_that_a_backup_has_and_the_database_no_more(file: Path) -> None:
    assert asked("tables-gone")[""].state == "ok"
    drop("drill_whole_x")
    assert asked("tables-gone")[""].state == "ok", "partitions come and go"
    drop("drill_other")
    found = asked("tables-gone")[""]
    assert (found.state, found.severity) == ("failed", "critical")
    assert "silver.drill_other" in found.says
    assert found.arguments == {"file": str(file)}, "the backup that has it"
    drop("drill_whole")
    assert asked("tables-gone")[""].value == 3, "with their table, its partitions are gone too"


@pytest.mark.row("R-101")
def test_what_is_no_backup_of_this_schema_is_compared_with_nothing(file: Path) -> None:
    drop("drill_other")
    changed = "UPDATE ops.schema_files SET sha256 = repeat('0', 64) WHERE path = %s RETURNING path"
    (path,) = rows("SELECT min(path) AS name FROM ops.schema_files")
    rows(changed, path["name"])
    assert asked("tables-gone") == {}, "another program's tables may go"


@pytest.mark.row("R-101")
def test_without_a_backup_that_holds_nothing_is_compared(file: Path) -> None:
    drop("drill_other")
    backup(-HOUR)
    assert asked("tables-gone") == {}, "the newest one's file is not on this disk"
    rows("UPDATE ops.backups SET problem = 'x' WHERE file = '/x' RETURNING 1")
    assert asked("tables-gone")[""].state == "failed", "one that is not whole does not count"
    file.unlink()
    assert asked("tables-gone") == {}
