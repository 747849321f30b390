"""Metrics: plain integers while work is done, Prometheus text when someone asks.

Answers are counted on the hot path of the API, so counting is an addition on an object the caller
already holds. Everything a scrape must compute (the ledger, dead letters) is asked of the database
at the scrape: a run that crashed never gets to push, but it is in the ledger.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Any, LiteralString

import psycopg
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from atalaia.kernel.base.database import rows
from atalaia.kernel.base.errors import AtalaiaError

# Seconds. 0.8, 1 and 1.5 are the limits of SLO-2, so its p95 can be read off without guessing.
BOUNDS = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 0.8, 1.0, 1.5, 5.0)


class Tally:
    """What was answered on one route with one status: how many, how long, how many bytes."""

    __slots__ = ("buckets", "bytes", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0
        self.bytes = 0

    def add(self, seconds: float, size: int) -> None:
        """Count one answer of `size` bytes that took `seconds`."""
        self.buckets[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds
        self.bytes += size

    @property
    def count(self) -> int:
        """Answers so far."""
        return sum(self.buckets)


class Answers(Collector):
    """Every answer of this process by route, status and whether it came from the bytes cache."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[str, str, str], Tally] = {}

    def tally(self, route: str, status: int, cache: str = "none") -> Tally:
        """The tally of a route template (never a path: paths are unbounded) and a status."""
        return self._tallies.setdefault((route, str(status), cache), Tally())

    def count(self, cache: str) -> int:
        """Answers so far, whatever their route and status, that came from there."""
        return sum(tally.count for key, tally in self._tallies.items() if key[2] == cache)

    def collect(self) -> Iterable[Metric]:
        """The families, from the integers as they stand."""
        requests = CounterMetricFamily(
            "atalaia_http_requests",
            "Answers given",
            labels=["route", "status", "cache"],
        )
        size = CounterMetricFamily(
            "atalaia_http_response_bytes", "Body bytes sent", labels=["route"]
        )
        duration = HistogramMetricFamily(
            "atalaia_http_request_seconds", "Time to answer", labels=["route"]
        )
        by_route: dict[str, Tally] = {}
        for (route, status, cache), tally in sorted(self._tallies.items()):
            requests.add_metric([route, status, cache], tally.count)
            _merge(by_route.setdefault(route, Tally()), tally)
        for route, tally in by_route.items():
            size.add_metric([route], tally.bytes)
            duration.add_metric([route], _cumulative(tally.buckets), tally.seconds)
        return [requests, size, duration]


def _merge(into: Tally, other: Tally) -> None:
    into.buckets = [a + b for a, b in zip(into.buckets, other.buckets, strict=True)]
    into.seconds += other.seconds
    into.bytes += other.bytes


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    total, edges = 0.0, []
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), buckets, strict=True):
        total += count
        edges.append((bound, total))
    return edges


class Gauges(Collector):
    """Numbers somebody else keeps, read at the scrape: name → (help, how to read it)."""

    def __init__(self, gauges: dict[str, tuple[str, Callable[[], float]]]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[Metric]:
        """One family per number; a name ending in _total is a counter."""
        for name, (text, read) in self._gauges.items():
            counter = name.endswith("_total")
            yield (CounterMetricFamily if counter else GaugeMetricFamily)(name, text, value=read())


class Ledger(Collector):
    """What the ledger says. With the database away only `atalaia_database_up` 0 is told; with one
    that has no tables yet, only that it is up."""

    def collect(self) -> Iterable[Metric]:
        """Runs by job and status, the last success of each job, and what waits for whom."""
        up = GaugeMetricFamily("atalaia_database_up", "1 when the database answers")
        try:
            told = [*_of_runs(rows(_RUNS)), *(_counted(*one) for one in _COUNTED)]
        except AtalaiaError:
            up.add_metric([], 0)
            return [up]
        except psycopg.errors.UndefinedTable:
            told = []
        up.add_metric([], 1)
        return [up, *told]


_RUNS = """
SELECT job_name, status, count(*) AS runs,
       extract(epoch FROM max(finished_at_utc))::float8 AS finished
FROM ops.pipeline_runs GROUP BY job_name, status ORDER BY job_name, status
"""
# What is there now: name, help, label, and the question, which answers `label` and `value`.
_COUNTED: tuple[tuple[str, str, str, LiteralString], ...] = (
    (
        "atalaia_dead_letters_rows",
        "Dead letters not resolved",
        "domain",
        """SELECT domain AS label, count(*) AS value FROM ops.dead_letters
           WHERE NOT resolved GROUP BY domain ORDER BY domain""",
    ),
    (
        "atalaia_queue_items",
        "Work accepted and not ended, by state",
        "status",
        """SELECT label, (SELECT count(*) FROM ops.work_items WHERE status::text = label
                           AND status IN ('queued', 'running')) AS value
           FROM unnest(ARRAY['queued', 'running']) AS label""",
    ),
    (
        "atalaia_queue_oldest_seconds",
        "How long the oldest due item has waited, by kind",
        "kind",
        """SELECT kind AS label, greatest(0, extract(epoch FROM
                  clock_timestamp() - min(due_at)))::float8 AS value
           FROM ops.work_items WHERE status = 'queued' GROUP BY kind ORDER BY kind""",
    ),
    (
        "atalaia_workers_alive",
        "Workers whose lease holds",
        "",
        """SELECT count(*) AS value FROM ops.workers
           WHERE ended_at IS NULL AND leased_until > clock_timestamp()
             AND name NOT LIKE '% sender'""",
    ),
    (
        "atalaia_senders_alive",
        "Senders of webhooks and e-mail whose lease holds",
        "",
        """SELECT count(*) AS value FROM ops.workers
           WHERE ended_at IS NULL AND leased_until > clock_timestamp()
             AND name LIKE '% sender'""",
    ),
    (
        "atalaia_deliveries_rows",
        "Deliveries that ended, by how; one that is sent again leaves its place",
        "outcome",
        """SELECT label, (SELECT count(*) FROM ops.deliveries WHERE status::text = label) AS value
           FROM unnest(ARRAY['delivered', 'exhausted', 'failed', 'cancelled']) AS label""",
    ),
    (
        "atalaia_delivery_attempts_total",
        "Attempts to deliver, by whose fault a failure was",
        "fault",
        """SELECT coalesce(fault::text, 'none') AS label, count(*) AS value
           FROM ops.delivery_attempts GROUP BY fault ORDER BY label""",
    ),
    (
        "atalaia_alerts_open",
        "Alerts not resolved",
        "severity",
        """SELECT label, (SELECT count(*) FROM ops.alerts
                           WHERE resolved_at IS NULL AND severity::text = label) AS value
           FROM unnest(enum_range(NULL::ops.severity)::text[]) AS label""",
    ),
    (
        "atalaia_incidents_open",
        "Incidents not resolved",
        "",
        "SELECT count(*) AS value FROM ops.incidents WHERE status <> 'resolved'",
    ),
    (
        "atalaia_deliveries_waiting",
        "Deliveries not ended, by state",
        "status",
        """SELECT label, (SELECT count(*) FROM ops.deliveries WHERE status::text = label
                           AND status IN ('waiting', 'sending')) AS value
           FROM unnest(ARRAY['waiting', 'sending']) AS label""",
    ),
    (
        "atalaia_backup_last_verified_timestamp_seconds",
        "When the newest verified backup was made",
        "",
        """SELECT extract(epoch FROM max(created_at_utc))::float8 AS value FROM ops.backups
           WHERE verified_at_utc IS NOT NULL AND problem IS NULL AND removed_at_utc IS NULL
           HAVING count(*) > 0""",
    ),
)


def _of_runs(runs: list[dict[str, Any]]) -> list[Metric]:
    total = CounterMetricFamily(
        "atalaia_pipeline_runs", "Runs in the ledger", labels=["job_name", "status"]
    )
    last = GaugeMetricFamily(
        "atalaia_pipeline_last_success_timestamp_seconds",
        "When each job last succeeded",
        labels=["job_name"],
    )
    for run in runs:
        total.add_metric([run["job_name"], run["status"]], run["runs"])
        if run["status"] == "success":
            last.add_metric([run["job_name"]], run["finished"])
    return [total, last]


def _counted(name: str, text: str, label: str, question: LiteralString) -> Metric:
    family = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    found = family(name, text, labels=[label] if label else [])
    for one in rows(question):
        found.add_metric([one["label"]] if label else [], one["value"])
    return found


def registry(*collectors: Collector) -> CollectorRegistry:
    """A registry of this process: its memory and CPU, and what `collectors` tell."""
    found = CollectorRegistry()
    ProcessCollector(registry=found)
    for collector in collectors:
        found.register(collector)
    return found


def exposition(found: CollectorRegistry) -> bytes:
    """The Prometheus text format of everything in a registry."""
    return generate_latest(found)
