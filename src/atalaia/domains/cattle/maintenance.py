"""What comes round: the check of each morning, the week's and the month's maintenance.

They are jobs, so each leaves its run, its steps and its check in the ledger; `atalaia run
etl_weekly --reference-period 2026-11-30` does at any time what the schedule does on Mondays.
"""

from __future__ import annotations

import os
import tarfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg import sql

from atalaia.domains.cattle import journal, sla
from atalaia.domains.cattle.colours import SLA_WORDS, WORDS, judge, sla_status
from atalaia.domains.cattle.config import config
from atalaia.domains.cattle.logfiles import AUDIT, FILES, SERVICE, LogFiles
from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import clock_of, connect, transaction
from atalaia.kernel.base.disk import renamed_when_whole
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep.export import export
from atalaia.kernel.watch import checks
from atalaia.kernel.work.batches import RUN
from atalaia.kernel.work.job import Job, Run
from atalaia.kernel.work.schedule import Scheduled

DOMAIN = "cattle"
CHECK = "check_etl_colour"
_STATUS: dict[str, checks.Status] = {
    "green": "pass", "no_data": "pass", "yellow": "warn", "red": "fail",
}  # fmt: skip
_EXPORTS_KEPT = 5


def daily_check(run: Run) -> None:
    """Judge the last 24 hours; green is written into the operational log as OK (B-009)."""
    known, files = config(), LogFiles(config().logs)
    files.touch()
    with run.step("judge") as step, transaction() as connection:
        at = clock_of(connection)
        found = sla.figures(connection, known, at)
        told = sla.uploaded(connection, known, at)
        letters = connection.execute(
            "SELECT count(*) AS n FROM etl.etl_dead_letter_queue WHERE NOT resolved"
        ).fetchone()
        judged = judge(found, known.dashboard, known.sla)
        step |= {
            "colour": judged.colour,
            "reasons": list(judged.reasons),
            "action": judged.action,
            "loaded": found.loaded,
            "failed": found.failed,
            "dead_letters": letters["n"] if letters else 0,
            "sla": SLA_WORDS[sla_status(told.loaded, told.total, known.sla)],
        }
    level = "INFO" if judged.colour in ("green", "no_data") else "WARNING"
    status = "STATUS OK" if judged.colour == "green" else f"STATUS {WORDS[judged.colour]}"
    files.said(
        at, level, status, colour=judged.colour, reasons="; ".join(judged.reasons),
        action=judged.action, dead_letters=step["dead_letters"],
    )  # fmt: skip
    reason = "; ".join(judged.reasons)
    details = {"reason": reason, "todo": judged.action} if judged.colour != "green" else {}
    result = checks.Result(CHECK, _STATUS[judged.colour], judged.colour, "green", details)
    checks.record(run, [result])


def weekly(run: Run) -> None:
    """Logs, archive, report, backup of the configuration: the runbook's Monday."""
    known, day = config(), f"{now():%Y%m%d}"
    with run.step("logs") as step:
        journal.write(LogFiles(known.logs))
        step |= clear_logs(known.logs, known.retention.log_days, now(), export_audit)
    with run.step("archive") as step, transaction() as connection:
        moved = connection.execute(
            "SELECT * FROM etl.archive_old_data(%s)",
            (timedelta(days=known.retention.archive_days),),
        ).fetchone()
        step |= moved or {}
    with run.step("report") as step, transaction() as connection:
        text = "\n".join(
            row["weekly_report"]
            for row in connection.execute("SELECT etl.weekly_report() AS weekly_report")
        )
        target = known.folders.reports / "perf_report.txt"
        with renamed_when_whole(target) as file:
            file.write(text.encode() + b"\n")
        step |= {"file": str(target)}
    with run.step("configuration") as step:
        step |= back_up_configuration(known.folders.configuration, known.folders.backups, day)


def monthly(run: Run) -> None:
    """Reindex beside the work, statistics, deep cleaning, and which alerts there were."""
    with connect(autocommit=True) as connection:
        connection.execute("SET statement_timeout = 0")
        name = connection.info.dbname
        with run.step("reindex", database=name):
            connection.execute(
                sql.SQL("REINDEX DATABASE CONCURRENTLY {}").format(sql.Identifier(name))
            )
        with run.step("analyze"):
            connection.execute("ANALYZE")
        with run.step("cleanup") as step:
            step |= {
                row["what"]: row["removed"]
                for row in connection.execute("SELECT * FROM etl.deep_cleanup()")
            }
    with run.step("alerts") as step:
        step |= {"lines": dict(alert_lines(config().logs))}


def alert_lines(folder: Path) -> Counter[str]:
    """How often each alert stands in the logs, the rotated ones too (field 4, as awk has it)."""
    found: Counter[str] = Counter()
    for path in sorted(folder.glob(f"{Path(SERVICE).stem}*.log")):
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                words = line.split()
                if len(words) > 3 and words[2] == "ALERT":
                    found[words[3]] += 1
    return found


def clear_logs(
    folder: Path, days: int, moment: datetime, export_first: Callable[[], Path]
) -> dict[str, Any]:
    """Rotate each file that has lines, to `name-YYYYMMDD.log`; then, once the audit log is exported
    and it is in no file only (X-17), remove rotated ones older than `days`. What is written to
    meanwhile is made anew by its next line."""
    files = LogFiles(folder)
    files.touch()
    exported = export_first()
    rotated = []
    for name in FILES:
        path, stem = folder / name, Path(name).stem
        target = folder / f"{stem}-{moment:%Y%m%d}.log"
        if path.stat().st_size and not target.exists():
            path.rename(target)
            rotated.append(target.name)
    files.touch()
    limit = moment - timedelta(days=days)
    removed = []
    for path in sorted(folder.glob("*-????????.log")):
        if datetime.fromtimestamp(path.stat().st_mtime, UTC) < limit:
            path.unlink()
            removed.append(path.name)
    return {"rotated": rotated, "removed": removed, "audit": str(exported)}


def export_audit() -> Path:
    """The whole audit log as a file of its own, the newest few kept; returns where."""
    folder = settings().data_dir / "audit" / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{Path(AUDIT).stem}-{now():%Y%m%dT%H%M%S}.ndjson"
    export(target)
    for old in sorted(folder.glob("audit-*.ndjson"))[:-_EXPORTS_KEPT]:
        old.unlink()
    return target


def back_up_configuration(source: Path, target: Path, day: str) -> dict[str, Any]:
    """`etl-config-YYYYMMDD.tar.gz`, readable by its owner only: it may hold secrets."""
    if not source.is_dir():
        return {"file": None, "why": f"não há {source}"}
    target.mkdir(parents=True, exist_ok=True)
    made = target / f"etl-config-{day}.tar.gz"
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(file.fileno(), 0o600)
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            archive.add(source, arcname=str(source).lstrip("/"))
    return {"file": str(made), "bytes": made.stat().st_size}


def _job(name: str, title: str, body: Callable[[Run], None], *steps: str) -> Job:
    return Job(
        name=name,
        domain=DOMAIN,
        title=title,
        body=body,
        plan=lambda _run: {"steps": list(steps)},
        period_kind="day",
    )


JOBS = (
    _job("etl_daily_check", "Conecta Boi: verificação matinal", daily_check, "judge"),
    _job(
        "etl_weekly", "Conecta Boi: manutenção semanal", weekly,
        "logs", "archive", "report", "configuration",
    ),
    _job(
        "etl_monthly", "Conecta Boi: manutenção mensal", monthly,
        "reindex", "analyze", "cleanup", "alerts",
    ),
)  # fmt: skip
SCHEDULE = (
    Scheduled("etl_daily_check", RUN, "daily 08:00", {"job_name": "etl_daily_check"}),
    Scheduled("etl_weekly", RUN, "weekly mon 06:00", {"job_name": "etl_weekly"}),
    Scheduled("etl_monthly", RUN, "first sun 04:00", {"job_name": "etl_monthly"}),
)
