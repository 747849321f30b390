"""Readiness: may this installation be relied on now? Hard failures say no; warnings say look.

Five questions: versions (PostgreSQL, PostGIS, Python), schema, SLO-1, ops tracking (SLO-3) and the
last run of the quality suite. Every finding names its question, in pt-BR.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import AtalaiaError
from atalaia.kernel.watch import slo

QUALITY_JOB = "quality_suite"
Status = Literal["ready", "ready_with_warnings", "not_ready"]
Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Minimum:
    """`needed`: below it nothing works. `documented`: the runbook's own, a warning when unmet."""

    title: str
    needed: Version
    documented: Version


MINIMUMS = {
    "python": Minimum("Python", (3, 11), (3, 12)),
    "postgresql": Minimum("PostgreSQL", (15,), (16,)),
    "postgis": Minimum("PostGIS", (3, 3), (3, 5)),
}


@dataclass(slots=True)
class Readiness:
    """What was found. `details` holds the figures behind the findings."""

    hard_failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """The verdict in one word."""
        if self.hard_failures:
            return "not_ready"
        return "ready_with_warnings" if self.warnings else "ready"

    def exit_code(self, *, strict: bool = False) -> int:
        """0 ready; 2 with a hard failure; 1 with warnings when `strict` (warnings = fail)."""
        if self.hard_failures:
            return 2
        return 1 if strict and self.warnings else 0

    def as_dict(self) -> dict[str, Any]:
        """The finding, JSON-ready."""
        return {
            "status": self.status,
            "hard_failures": self.hard_failures,
            "warnings": self.warnings,
            **self.details,
        }


def assess(*, include_blocked_as_success: bool = False) -> Readiness:
    """Ask everything of the database of DATABASE_URL. A database that does not answer is a hard
    failure, not an exception; an unset DATABASE_URL is a UsageError."""
    found = Readiness()
    try:
        with transaction() as connection:
            connection.execute("SET TRANSACTION READ ONLY")
            _ask(connection, found, include_blocked_as_success)
    except AtalaiaError as error:
        if not error.retryable:
            raise
        found.hard_failures.append(f"banco: {error}")
    return found


def _ask(connection: Connection, found: Readiness, include_blocked_as_success: bool) -> None:
    _versions(connection, found)
    if not _schema(connection, found):
        return  # the other questions are about tables that may not be there
    jobs = slo.counted(connection)
    forgiving = slo.slo_1(jobs, include_blocked_as_success=True)
    first = slo.slo_1(jobs, include_blocked_as_success=include_blocked_as_success)
    _service_level("SLO-1", first, found, ours=forgiving.state == "missed")
    _service_level("ops tracking (SLO-3)", slo.slo_3(jobs), found)
    _quality(connection, found)


def _versions(connection: Connection, found: Readiness) -> None:
    row = connection.execute(
        """SELECT current_setting('server_version') AS postgresql,
                  (SELECT extversion FROM pg_extension WHERE extname = 'postgis') AS postgis"""
    ).fetchone()
    versions = {"python": platform.python_version(), **(row or {})}
    found.details["versions"] = versions
    for name, text in versions.items():
        hard, warning = judge_version(MINIMUMS[name], text)
        found.hard_failures += hard
        found.warnings += warning


def judge_version(minimum: Minimum, text: str | None) -> tuple[list[str], list[str]]:
    """(hard failures, warnings) of one version; `text` is as the program itself prints it."""
    if text is None:
        return [f"{minimum.title}: não está instalado"], []
    version = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
    if version < minimum.needed:
        return [f"{minimum.title} {text}: precisa ser {_dotted(minimum.needed)} ou mais novo"], []
    if version < minimum.documented:
        words = f"abaixo do mínimo documentado {_dotted(minimum.documented)}; funciona"
        return [], [f"{minimum.title} {text}: {words}"]
    return [], []


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


_CREATED = re.compile(
    r"^\s*(CREATE|DROP)\s+(?:OR\s+REPLACE\s+)?(?:MATERIALIZED\s+)?(?:TABLE|VIEW)\s+"
    r"(?:IF\s+(?:NOT\s+)?EXISTS\s+)?([\w.]+)",
    re.IGNORECASE | re.MULTILINE,
)


def expected_relations(files: list[Path]) -> list[str]:
    """Tables and views that stand once `files` are applied in the order of their numbers."""
    standing: dict[str, None] = {}
    for file in sorted(files, key=lambda path: path.name):
        for verb, name in _CREATED.findall(file.read_text(encoding="utf-8")):
            if verb.upper() == "CREATE":
                standing[name] = None
            else:
                standing.pop(name, None)
    return list(standing)


def _schema(connection: Connection, found: Readiness) -> bool:
    package = Path(__file__).resolve().parents[2]
    files = [path for path in package.rglob("*.sql") if path.parent.parts[-2:] == ("db", "sql")]
    row = connection.execute("SELECT to_regclass('ops.schema_files') AS ledger").fetchone()
    applied: set[str] = set()
    if row and row["ledger"]:
        listed = connection.execute("SELECT path FROM ops.schema_files").fetchall()
        applied = {entry["path"] for entry in listed}
    pending = sorted(f.name for f in files if f.relative_to(package).as_posix() not in applied)
    names = expected_relations([f for f in files if f.name not in pending])
    gone = connection.execute(
        "SELECT name FROM unnest(%s::text[]) AS name WHERE to_regclass(name) IS NULL", (names,)
    ).fetchall()
    missing = [entry["name"] for entry in gone]
    found.details["schema"] = {"pending": pending, "missing": missing}
    todo = "rode python scripts/init_db.py"
    if pending:
        found.hard_failures.append(f"schema: falta aplicar {', '.join(pending)}; {todo}")
    if missing:
        found.hard_failures.append(f"schema: não existe {', '.join(missing)}")
    return not pending and not missing


def _service_level(
    question: str, verdict: slo.Verdict, found: Readiness, *, ours: bool = True
) -> None:
    """A missed level is a hard failure when it is `ours`: one that is missed only because sources
    were away is a warning, for what was loaded before still stands."""
    found.details[verdict.slo.lower().replace("-", "_")] = verdict.as_dict()
    if verdict.state == "unknown":
        found.warnings.append(f"{question}: nenhuma execução terminou em {slo.WINDOW_DAYS} dias")
    elif verdict.state == "missed":
        worst = ", ".join(f"{job} {pct:.1f} %" for job, pct in verdict.worst[:5])
        words = f"{question}: {verdict.pct:.1f} %, abaixo de {verdict.target_pct:g} % ({worst})"
        if ours:
            found.hard_failures.append(words)
        else:
            found.warnings.append(f"{words}, só por execuções blocked")


def _quality(connection: Connection, found: Readiness) -> None:
    last = connection.execute(
        """SELECT run_id::text, run_status::text, started_at_utc, error FROM ops.pipeline_runs
           WHERE job_name = %s AND run_status <> 'running'
           ORDER BY started_at_utc DESC LIMIT 1""",
        (QUALITY_JOB,),
    ).fetchone()
    if last is None:
        found.warnings.append("quality suite: ainda não rodou")
        return
    if last["run_status"] != "success":
        found.hard_failures.append(
            f"quality suite: a última execução terminou {last['run_status']}: {last['error']}"
        )
    tally = _tally(connection, last["run_id"])
    found.details["quality_suite"] = {"run_id": last["run_id"], **tally}
    if tally["fail"]:
        found.hard_failures.append(f"quality suite: fail em {', '.join(tally['failed'])}")
    if tally["warn"]:
        found.warnings.append(f"quality suite: {tally['warn']} respostas em warn")
    newer = connection.execute(
        """SELECT count(*) AS runs FROM ops.pipeline_runs
           WHERE run_status = 'success' AND rows_loaded > 0 AND finished_at_utc > %s""",
        (last["started_at_utc"],),
    ).fetchone()
    if newer and newer["runs"]:
        words = f"{newer['runs']} cargas terminaram depois da última execução"
        found.warnings.append(f"quality suite: {words}")


def _tally(connection: Connection, run_id: str) -> dict[str, Any]:
    rows = connection.execute(
        """SELECT status::text, count(*) AS answers,
                  array_agg(DISTINCT concat_ws(' · ', check_name, nullif(subject, ''))) AS names
           FROM ops.pipeline_checks WHERE run_id = %s AND check_name <> 'run_outcome'
           GROUP BY status""",
        (run_id,),
    ).fetchall()
    counts = {row["status"]: row["answers"] for row in rows}
    failed: list[str] = next((row["names"] for row in rows if row["status"] == "fail"), [])
    return {status: counts.get(status, 0) for status in ("pass", "warn", "fail")} | {
        "failed": failed
    }
