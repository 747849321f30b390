"""Metrics: plain integers while work is done, Prometheus text when someone asks.

Answers are counted on the hot path of the API, so counting is an addition on an object the caller
already holds. Everything a scrape must compute (the ledger, dead letters) is asked of the database
at the scrape: a run that crashed never gets to push, but it is in the ledger.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Any

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
        """Runs by job and status, the last success of each job, dead letters that wait."""
        up = GaugeMetricFamily("atalaia_database_up", "1 when the database answers")
        try:
            told = [*_of_runs(rows(_RUNS)), _of_letters(rows(_DEAD_LETTERS))]
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
_DEAD_LETTERS = """
SELECT domain, count(*) AS rows FROM ops.dead_letters WHERE NOT resolved GROUP BY domain
"""


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


def _of_letters(letters: list[dict[str, Any]]) -> Metric:
    waiting = GaugeMetricFamily(
        "atalaia_dead_letters_rows", "Dead letters not resolved", labels=["domain"]
    )
    for letter in letters:
        waiting.add_metric([letter["domain"]], letter["rows"])
    return waiting


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
