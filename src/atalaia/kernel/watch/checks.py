"""Checks: small questions to the database whose answers are pass, warn or fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from psycopg.types.json import Jsonb

from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.work.job import Run

Status = Literal["pass", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Result:
    """One answer. `details` holds the reason in words and samples of the rows that failed."""

    check_name: str
    status: Status
    observed: str = ""
    threshold: str = ""
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """A named question. `ask` gets a connection and the thresholds of its domain."""

    name: str
    title: str  # pt-BR
    ask: Callable[[Connection, dict[str, Any]], Iterable[Result]]


def after_load(run: Run) -> list[Result]:
    """The checks every load has: do its rows balance, and were any put aside?"""
    counts = run.counts
    accounted = counts.loaded + counts.rejected + counts.duplicate
    return [
        Result(
            "rows_balance",
            "pass" if counts.read == accounted else "fail",
            str(accounted),
            str(counts.read),
        ),
        Result("rows_rejected", "warn" if counts.rejected else "pass", str(counts.rejected), "0"),
    ]


def record(run: Run, results: Iterable[Result]) -> None:
    """Write results to `ops.pipeline_checks` under the run, and into the run itself."""
    with transaction() as connection:
        for result in results:
            connection.execute(
                """INSERT INTO ops.pipeline_checks
                       (run_id, check_name, status, observed, threshold, details)
                   VALUES (%s, %s, %s, %s, %s, %s)""",
                (
                    run.run_id,
                    result.check_name,
                    result.status,
                    result.observed,
                    result.threshold,
                    Jsonb(result.details),
                ),
            )
            run.checks.append(
                {
                    "check_name": result.check_name,
                    "status": result.status,
                    "observed": result.observed,
                    "threshold": result.threshold,
                }
            )
