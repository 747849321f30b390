"""OpenLineage 2-0-2: what each run read and wrote, told to a receiver that may be away.

A run does nothing for it: events are made from its own record in the ledger, after the fact, by the
scheduler, and `ops.lineage_told` remembers which were taken. Each run has a START and exactly one
of COMPLETE, FAIL and ABORT. Told at least once: an event is known again by its run and type.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psycopg

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.database import Connection, transaction
from atalaia.kernel.base.errors import AtalaiaError
from atalaia.kernel.base.outbound import post
from atalaia.kernel.base.redact import redact
from atalaia.kernel.base.settings import settings
from atalaia.kernel.base.trace import log

_PRODUCER = "https://openlineage.io/atalaia"
_SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = "https://openlineage.io/spec/facets"
_AT_ONCE = 100
_SECONDS = 5.0  # a receiver has to take one event
_BATCH_SECONDS = 30.0  # then what was taken is remembered
_AGAIN_SECONDS = 60.0  # after it did not
_ENDS = {"success": "COMPLETE", "cancelled": "ABORT"}
_MEANT_FOR_LATER = (408, 425, 429)

_LONGEST_PERIOD = len("2024-07-31")
# The spec's versions of the facets we write.
_VERSIONS = {
    "nominalTime": "1-0-1/NominalTimeRunFacet",
    "parent": "1-1-0/ParentRunFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "sourceCodeLocation": "1-0-1/SourceCodeLocationJobFacet",
    "schema": "1-1-1/SchemaDatasetFacet",
    "dataQualityMetrics": "1-0-2/DataQualityMetricsInputDatasetFacet",
    "dataQualityAssertions": "1-0-1/DataQualityAssertionsDatasetFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
}


def enabled() -> bool:
    """Whether anybody wants to be told."""
    return bool(settings().openlineage_url or settings().openlineage_file)


class Telling:
    """Tells what is due, and leaves a receiver that is away alone for a while."""

    def __init__(self) -> None:
        self._not_before = 0.0

    def keep_told(self) -> int:
        """Tell up to a hundred events; returns how many were. What is away is told once a minute,
        in the log, and asked again."""
        if not enabled() or time.monotonic() < self._not_before:
            return 0
        try:
            with transaction() as connection:
                return self._tell(connection) if _alone(connection) else 0
        except (AtalaiaError, psycopg.Error) as error:
            self._wait(error)
            return 0

    def _tell(self, connection: Connection) -> int:
        whole, told = Deadline(_BATCH_SECONDS), 0
        for run, kind in due(connection):
            if whole.passed:
                break
            try:
                refused = _send(event(connection, run, kind))
            except (AtalaiaError, OSError) as error:
                self._wait(error)
                break
            connection.execute(
                """INSERT INTO ops.lineage_told (run_id, event_type, refused_status)
                   VALUES (%s, %s, %s)""",
                (run["run_id"], kind, refused),
            )
            told += 1
        return told

    def _wait(self, error: Exception) -> None:
        self._not_before = time.monotonic() + _AGAIN_SECONDS
        log("WARNING", "lineage waits", error=type(error).__name__)


def _alone(connection: Connection) -> bool:
    found = connection.execute(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('lineage', 0)) AS got"
    ).fetchone()
    return bool(found and found["got"])


def due(connection: Connection) -> Iterator[tuple[dict[str, Any], str]]:
    """Runs and the events of them that nobody was told yet, the oldest first."""
    found = connection.execute(
        """SELECT r.*, started.run_id IS NOT NULL AS start_told
           FROM ops.pipeline_runs AS r
           LEFT JOIN ops.lineage_told AS started
               ON started.run_id = r.run_id AND started.event_type = 'START'
           LEFT JOIN ops.lineage_told AS ended
               ON ended.run_id = r.run_id AND ended.event_type <> 'START'
           WHERE started.run_id IS NULL
              OR (ended.run_id IS NULL AND r.run_status <> 'running')
           ORDER BY r.started_at_utc, r.run_id LIMIT %s""",
        (_AT_ONCE,),
    ).fetchall()
    for run in found:
        if not run["start_told"]:
            yield run, "START"
        if run["run_status"] != "running":
            yield run, _ENDS.get(run["run_status"], "FAIL")


def event(connection: Connection, run: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """One event about a run, as the spec has it."""
    ended = kind != "START"
    moment = run["finished_at_utc"] if ended else run["started_at_utc"]
    return {
        "eventType": kind,
        "eventTime": moment.astimezone(UTC).isoformat(),
        "producer": _PRODUCER,
        "schemaURL": _SPEC,
        "run": {"runId": str(run["run_id"]), "facets": _run_facets(connection, run, ended)},
        "job": {
            "namespace": settings().openlineage_namespace,
            "name": run["job_name"],
            "facets": {
                "sourceCodeLocation": _facet(
                    "sourceCodeLocation",
                    type="python",
                    url=f"urn:atalaia:{run['domain']}:{run['job_name']}",
                    version=version("atalaia"),
                )
            },
        },
        "inputs": _inputs(connection, run, ended),
        "outputs": _outputs(connection, run, ended),
    }


def _facet(name: str, **fields: Any) -> dict[str, Any]:
    numbered, _, kind = _VERSIONS[name].partition("/")
    url = f"{_FACETS}/{numbered}/{kind}.json#/$defs/{kind}"
    return {"_producer": _PRODUCER, "_schemaURL": url, **fields}


def _run_facets(connection: Connection, run: Mapping[str, Any], ended: bool) -> dict[str, Any]:
    facets: dict[str, Any] = {}
    if len(run["reference_period"]) <= _LONGEST_PERIOD:  # else it is of a file, not of a time
        start, end = nominal(run["reference_period"])
        facets["nominalTime"] = _facet("nominalTime", nominalStartTime=start, nominalEndTime=end)
    batch = connection.execute(
        """SELECT batch_id, kind FROM ops.batches WHERE trace_id = %s AND %s <> '-'
           ORDER BY created_at LIMIT 1""",
        (run["trace_id"], run["trace_id"]),
    ).fetchone()
    if batch:
        job = {"namespace": settings().openlineage_namespace, "name": batch["kind"]}
        facets["parent"] = _facet("parent", run={"runId": str(batch["batch_id"])}, job=job)
    if ended and run["error"]:
        facets["errorMessage"] = _facet(
            "errorMessage", message=redact(run["error"]), programmingLanguage="Python"
        )
    return facets


def nominal(period: str) -> tuple[str, str]:
    """The first moment of a reference period, and the first after it."""
    start = date.fromisoformat(period + "-01-01"[len(period) - 4 :])
    if len(period) == 4:
        end = date(start.year + 1, 1, 1)
    elif len(period) == 7:
        end = (start + timedelta(days=31)).replace(day=1)
    else:
        end = start + timedelta(days=1)
    return _midnight(start), _midnight(end)


def _midnight(day: date) -> str:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).isoformat()


def _inputs(connection: Connection, run: Mapping[str, Any], ended: bool) -> list[dict[str, Any]]:
    """What the run read from bronze; what its checks looked at, when it read nothing."""
    read = connection.execute(
        """SELECT m.source, m.dataset, m.reference_period, sum(m.size)::bigint AS size
           FROM ops.run_bronze AS b JOIN bronze.manifest AS m USING (bronze_id)
           WHERE b.run_id = %s GROUP BY 1, 2, 3 ORDER BY 1, 2, 3""",
        (run["run_id"],),
    ).fetchall()
    namespace = settings().openlineage_namespace
    names = ["/".join(("bronze", one["source"], one["dataset"], one["reference_period"]))
             for one in read]  # fmt: skip
    found: list[dict[str, Any]] = [
        {"namespace": namespace, "name": name, "inputFacets": {}} for name in names
    ]
    for one, dataset in zip(read, found, strict=True):
        dataset["inputFacets"] = {
            "dataQualityMetrics": _facet("dataQualityMetrics", bytes=one["size"], columnMetrics={})
        }
    if ended:
        found = found or [{"namespace": namespace, "name": run["job_name"], "inputFacets": {}}]
        found[0]["inputFacets"] |= _quality(connection, run, alone=len(found) == 1)
    return found


def _quality(connection: Connection, run: Mapping[str, Any], *, alone: bool) -> dict[str, Any]:
    asked = connection.execute(
        """SELECT check_name, subject, status::text FROM ops.pipeline_checks
           WHERE run_id = %s ORDER BY check_id LIMIT 500""",
        (run["run_id"],),
    ).fetchall()
    told = [
        {
            "assertion": f"{one['check_name']} {one['subject']}".strip(),
            "success": one["status"] != "fail",
        }
        for one in asked
    ]
    facets = {"dataQualityAssertions": _facet("dataQualityAssertions", assertions=told)}
    if alone:
        facets["dataQualityMetrics"] = _facet(
            "dataQualityMetrics", rowCount=run["rows_read"], columnMetrics={}
        )
    return facets


def _outputs(connection: Connection, run: Mapping[str, Any], ended: bool) -> list[dict[str, Any]]:
    contracts = connection.execute(
        """SELECT table_name, columns FROM ops.source_schema_contracts
           WHERE active AND connector = %s""",
        (run["job_name"],),
    ).fetchall()
    return [
        {
            "namespace": settings().openlineage_namespace,
            "name": one["table_name"],
            "facets": {
                "schema": _facet(
                    "schema", fields=[{"name": k, "type": v} for k, v in one["columns"].items()]
                )
            },
            "outputFacets": {
                "outputStatistics": _facet("outputStatistics", rowCount=run["rows_loaded"])
            }
            if ended
            else {},
        }
        for one in contracts
    ]


def _send(told: dict[str, Any]) -> int | None:
    """Give one event to the file, the receiver, or both; the status when the receiver refuses it
    for good. Raises AtalaiaError or OSError when it is to be tried again."""
    known = settings()
    text = json.dumps(told, ensure_ascii=False)
    if known.openlineage_file:
        _append(Path(known.openlineage_file), text)
    return _posted(known.openlineage_url, text) if known.openlineage_url else None


def _append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())


def _posted(url: str, text: str) -> int | None:
    headers = {"Content-Type": "application/json"}
    if settings().openlineage_key:
        headers["Authorization"] = f"Bearer {settings().openlineage_key}"
    answer = post(
        url, text.encode(), headers, deadline=Deadline(_SECONDS), inside=[url], most_connections=2
    )
    if 200 <= answer.status < 300:
        return None
    if answer.status >= 500 or answer.status in _MEANT_FOR_LATER or answer.status < 400:
        raise AtalaiaError(f"O receptor respondeu {answer.status}.")
    return answer.status
