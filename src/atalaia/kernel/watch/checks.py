"""Checks: small questions to the database whose answers are pass, warn or fail.

A check may give several answers in one run, each under its own subject (a rule, a source, a job).
A fail opens a row in `ops.corrective_actions`, the next pass of the same check and subject closes
it (db/sql/008_watch.sql does both). Limits are never in code: each domain has a YAML of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.base.reading import Unreadable, yaml_of
from atalaia.kernel.work.job import Job, Run

Status = Literal["pass", "warn", "fail"]
_UNREADABLE = "schema"  # the subject of a check whose table is not what it was
_NOT_AS_ASKED = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedFunction,  # `text < integer`: a column changed its type
    psycopg.errors.DatatypeMismatch,
    psycopg.errors.InvalidTextRepresentation,
)


@dataclass(frozen=True, slots=True)
class Result:
    """One answer. `details` holds `reason` and `todo` in words, and samples of failed rows."""

    check_name: str
    status: Status
    observed: str = ""
    threshold: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    subject: str = ""


class Limits:
    """The thresholds of a domain, as its YAML has them. A missing one is an error that names it."""

    def __init__(self, sections: Mapping[str, Any], origin: str) -> None:
        self._sections, self._origin = sections, origin

    def section(self, name: str) -> Mapping[str, Any]:
        """All limits of one section. Raises UsageError when there is none of that name."""
        found = self._sections.get(name)
        if not isinstance(found, Mapping):
            raise UsageError(
                f"{self._origin} não tem a seção '{name}'. Nenhum check foi perguntado.",
                todo="Reponha-a; o controle de versão tem os valores entregues.",
            )
        return found

    def number(self, section: str, name: str) -> float:
        """One limit. Raises UsageError when it is missing or not a number."""
        value = self.section(section).get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(
                f"{self._origin}: '{section}.{name}' deve ser um número, não {value!r}. "
                "Nenhum check foi perguntado.",
                todo="Corrija o arquivo e rode quality_suite de novo.",
            )
        return value


def read_limits(path: Path) -> Limits:
    """The thresholds written in a YAML file. Raises UsageError when it cannot be read."""
    try:
        content = yaml_of(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, Unreadable) as error:
        raise UsageError(
            f"{path.name} não pode ser lido: {str(error).splitlines()[0]}. Nenhum check foi feito.",
            todo="Corrija o arquivo e rode quality_suite de novo.",
        ) from error
    return Limits(content if isinstance(content, Mapping) else {}, path.name)


@dataclass(frozen=True, slots=True)
class Check:
    """A named question. `ask` gets a connection and the limits of its domain."""

    name: str
    title: str  # pt-BR
    ask: Callable[[Connection, Limits], Iterable[Result]]


def at_most(
    name: str, subject: str, observed: float, limit: float, reason: str, **details: Any
) -> Result:
    """pass when `observed` does not exceed `limit`, else fail with the reason."""
    good = observed <= limit
    said = {} if good else {"reason": reason, **details}
    return Result(name, "pass" if good else "fail", f"{observed:g}", f"<= {limit:g}", said, subject)


def at_least(
    name: str, subject: str, observed: float, limit: float, reason: str, **details: Any
) -> Result:
    """pass when `observed` reaches `limit`, else fail with the reason."""
    good = observed >= limit
    said = {} if good else {"reason": reason, **details}
    return Result(name, "pass" if good else "fail", f"{observed:g}", f">= {limit:g}", said, subject)


def once_held(connection: Connection, check_name: str, subject: str) -> bool:
    """True when an earlier answer shows that what is asked about was once here: it passed, or it
    was already a loss. What never was is no loss."""
    seen = connection.execute(
        """SELECT FROM ops.pipeline_checks
           WHERE check_name = %s AND subject = %s AND status IN ('pass', 'fail') LIMIT 1""",
        (check_name, subject),
    )
    return seen.fetchone() is not None


def after_load(run: Run) -> list[Result]:
    """The checks every load has: do its rows balance, and were any put aside?"""
    counts = run.counts
    accounted = counts.loaded + counts.rejected + counts.duplicate
    subject = f"{run.job.name}/{run.reference_period}"
    return [
        Result(
            "rows_balance",
            "pass" if counts.balance else "fail",
            str(accounted),
            str(counts.read),
            subject=subject,
        ),
        Result(
            "rows_rejected",
            "warn" if counts.rejected else "pass",
            str(counts.rejected),
            "0",
            subject=subject,
        ),
    ]


def suite(
    questions: Sequence[Check],
    limits_file: Path,
    *,
    name: str,
    domain: str,
    title: str,
    wave: str = "",
) -> Job:
    """The job that asks every check and records the answers under its own run.

    A fail is a finding, not a failed run: the run succeeds when every question could be asked.
    It reads no source and loads no row, so its row counts stay 0."""

    def body(run: Run) -> None:
        limits = read_limits(limits_file)
        answers: list[Result] = []
        for check in questions:
            with run.step(check.name, title=check.title) as detail:
                given = _answers(check, limits)
                detail |= Counter(answer.status for answer in given)
                answers += given
        record(run, answers)

    return Job(
        name=name,
        domain=domain,
        title=title,
        body=body,
        plan=lambda _run: {
            "checks": [check.name for check in questions],
            "thresholds": limits_file.name,
        },
        wave=wave,
        default_periods=lambda: [f"{now():%Y}"],
    )


def _answers(check: Check, limits: Limits) -> list[Result]:
    try:
        with transaction() as connection:
            connection.execute("SET TRANSACTION READ ONLY")
            given = list(check.ask(connection, limits))
            if _was_unreadable(connection, check):
                given.append(Result(check.name, "pass", subject=_UNREADABLE))
    except _NOT_AS_ASKED as error:
        said = {
            "reason": str(error).splitlines()[0],
            "todo": "Aplicar as migrações: python scripts/init_db.py",
        }
        return [Result(check.name, "fail", details=said, subject=_UNREADABLE)]
    nothing = Result(check.name, "warn", details={"reason": "não havia o que examinar"})
    return given or [nothing]


def _was_unreadable(connection: Connection, check: Check) -> bool:
    open_action = connection.execute(
        """SELECT FROM ops.corrective_actions
           WHERE check_name = %s AND subject = %s AND closed_at_utc IS NULL""",
        (check.name, _UNREADABLE),
    )
    return open_action.fetchone() is not None


def record(run: Run, results: Iterable[Result]) -> None:
    """Write results to `ops.pipeline_checks` under the run, and into the run itself; the database
    opens and closes corrective actions with them."""
    with transaction() as connection:
        written = connection.execute(
            """INSERT INTO ops.pipeline_checks
                   (run_id, check_name, subject, status, observed, threshold, details)
               SELECT %s, check_name, subject, status, observed, threshold, details
               FROM ROWS FROM (jsonb_to_recordset(%s) AS (
                   check_name text, subject text, status ops.check_status,
                   observed text, threshold text, details jsonb)) WITH ORDINALITY AS asked
               ORDER BY ordinality
               RETURNING check_id, check_name, subject, status::text, observed, threshold,
                         details->>'reason' AS reason""",
            (run.run_id, Jsonb([asdict(result) for result in results], dumps=_dumps)),
        ).fetchall()
    run.checks += written


def _dumps(value: Any) -> str:
    return json.dumps(value, default=str)
