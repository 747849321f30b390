"""Metrics: integers that add up, and the ledger's numbers as they are at the scrape."""

from __future__ import annotations

from uuid import uuid4

from prometheus_client.parser import text_string_to_metric_families

from atalaia.kernel.base.database import connect
from atalaia.kernel.watch.metrics import Answers, Gauges, Ledger, exposition, registry


def samples(*collectors: object) -> dict[tuple[str, ...], float]:
    """Every sample, by name and label values."""
    text = exposition(registry(*collectors)).decode()  # type: ignore[arg-type]
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_answers_are_counted_by_route_status_and_cache() -> None:
    answers = Answers()
    hit = answers.tally("/v1/x", 200, "hit")
    assert answers.tally("/v1/x", 200, "hit") is hit
    hit.add(0.0004, 100)
    hit.add(0.9, 50)
    answers.tally("/v1/x", 404).add(0.002, 7)
    found = samples(answers)
    assert found["atalaia_http_requests_total", "hit", "/v1/x", "200"] == 2
    assert found["atalaia_http_requests_total", "none", "/v1/x", "404"] == 1
    assert found["atalaia_http_response_bytes_total", "/v1/x"] == 157
    seconds = "atalaia_http_request_seconds"
    assert found[f"{seconds}_bucket", "0.001", "/v1/x"] == 1
    assert found[f"{seconds}_bucket", "0.005", "/v1/x"] == 2
    assert found[f"{seconds}_bucket", "0.8", "/v1/x"] == 2
    assert found[f"{seconds}_bucket", "1.0", "/v1/x"] == 3
    assert found[f"{seconds}_bucket", "+Inf", "/v1/x"] == 3
    assert found[f"{seconds}_count", "/v1/x"] == 3
    assert abs(found[f"{seconds}_sum", "/v1/x"] - 0.9024) < 1e-9


def test_gauges_and_counters_kept_elsewhere_are_read_at_the_scrape() -> None:
    kept = {"n": 1}
    gauges = Gauges(
        {
            "atalaia_thing_bytes": ("A thing", lambda: kept["n"]),
            "atalaia_thing_total": ("Things", lambda: kept["n"] * 2),
        }
    )
    kept["n"] = 5
    found = samples(gauges)
    assert (found["atalaia_thing_bytes",], found["atalaia_thing_total",]) == (5, 10)


def test_the_ledger_is_asked_at_the_scrape(database: str) -> None:
    ledger = Ledger()
    assert samples(ledger)["atalaia_database_up",] == 1
    with connect(autocommit=True) as connection:
        for status in ("success", "success", "failed"):
            connection.execute(
                """INSERT INTO ops.pipeline_runs (run_id, job_name, domain, reference_period,
                       actor, trigger, trace_id, run_status, finished_at_utc, error)
                   VALUES (%s, 'ibge_admin', 'territory', '2024', 'test', 'python', '-',
                           %s::ops.run_status, '2026-01-31T08:00:00Z', 'x')""",
                (uuid4(), status),
            )
    found = samples(ledger)
    assert found["atalaia_pipeline_runs_total", "ibge_admin", "success"] == 2
    assert found["atalaia_pipeline_runs_total", "ibge_admin", "failed"] == 1
    assert found["atalaia_pipeline_last_success_timestamp_seconds", "ibge_admin"] == 1769846400


def test_of_a_database_without_tables_it_says_only_that_it_is_up(empty_database: str) -> None:
    found = samples(Ledger())
    assert found["atalaia_database_up",] == 1
    assert not any(name[0].startswith("atalaia_pipeline") for name in found)
