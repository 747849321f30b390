"""PostgreSQL stopped and started again under a running API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from tests.conftest import forget_settings
from tests.domains.territory.world import World
from tests.serve.api.server import eventually, knows_the_data, running

from atalaia.kernel.base.migrate import upgrade
from atalaia.serve.local.postgres import PrivatePostgres

BACK_WITHIN_SECONDS = 30.0
KEPT = "/v1/geo/choropleth?indicator=deaths_total&period=2019"
NEW = "/v1/geo/choropleth?indicator=deaths_total&period=2018"


@pytest.fixture
def server(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PrivatePostgres]:
    """A PostgreSQL of the test's own, migrated, with two years of one number, exported."""
    found = PrivatePostgres(tmp_path_factory.mktemp("pg"))
    found.start()
    monkeypatch.setenv("DATABASE_URL", found.url())
    monkeypatch.setenv("DATA_DIR", str(found.folder / "files"))
    forget_settings()
    upgrade()
    world = World()
    place = world.municipality(1, square=(-43, -18, 1))
    for year, value in (("2018", 7), ("2019", 9)):
        world.fact(place, "deaths_total", year, value)
    world.refresh()
    try:
        yield found
    finally:
        forget_settings()
        found.stop()


@pytest.mark.row("T-078", "T-130")
def test_it_stays_up_says_so_serves_what_it_has_and_comes_back(
    server: PrivatePostgres, tmp_path: Path
) -> None:
    with running(tmp_path) as api:
        eventually(lambda: knows_the_data(api), 10, "the data version")
        before = api.get(KEPT)
        assert before.status_code == 200
        assert api.get("/v1/health").json() == {"api": "ok", "db": "ok"}
        identity = api.process.pid

        server.stop()
        began = time.monotonic()
        health = api.get("/v1/health")
        assert time.monotonic() - began < 4, "no longer than opening a connection may take"
        assert (health.status_code, health.json()) == (503, {"api": "ok", "db": "down"})
        assert "max-age" not in health.headers["cache-control"]
        assert int(health.headers["retry-after"]) > 0
        assert api.get("/livez").status_code == 200
        assert api.get("/readyz").json()["ready"] is False
        assert api.get("/health").json()["db"] == "down"

        eventually(lambda: "x-atalaia-degraded" in api.get(KEPT).headers, 5, "degraded")
        kept = api.get(KEPT)
        assert (kept.status_code, kept.content) == (200, before.content)
        assert api.get(KEPT, If_None_Match=before.headers["etag"]).status_code == 304
        with ThreadPoolExecutor(30) as many:
            began = time.monotonic()
            refused = list(many.map(lambda _: api.get(NEW), range(60)))
            assert time.monotonic() - began < 10, "a new question is refused, not kept waiting"
        assert {answer.status_code for answer in refused} == {503}
        assert {answer.json()["type"] for answer in refused} == {"/problems/database-unavailable"}
        assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
        assert all("max-age" not in answer.headers["cache-control"] for answer in refused)

        server.start()
        eventually(
            lambda: api.get("/v1/health").json() == {"api": "ok", "db": "ok"},
            BACK_WITHIN_SECONDS,
            "health ok again",
        )
        eventually(lambda: api.get(NEW).status_code == 200, BACK_WITHIN_SECONDS, "new questions")
        assert "x-atalaia-degraded" not in api.get(KEPT).headers
        assert api.process.pid == identity
        assert api.process.poll() is None
        said = [line["message"] for line in api.lines()]
        assert sum("the database is away" in message for message in said) == 1
        assert sum("the database is back" in message for message in said) == 1


@pytest.mark.row("T-130")
def test_it_starts_with_the_database_down_and_finds_it_later(
    server: PrivatePostgres, tmp_path: Path
) -> None:
    server.stop()
    with running(tmp_path) as api:
        assert api.get("/v1/health").json() == {"api": "ok", "db": "down"}
        refused = api.get(NEW)
        assert refused.status_code == 503
        assert "volta" in refused.json()["detail"], "the message says that it heals by itself"
        server.start()
        eventually(
            lambda: api.get("/v1/health").json() == {"api": "ok", "db": "ok"},
            BACK_WITHIN_SECONDS,
            "health ok",
        )
        eventually(lambda: api.get(NEW).status_code == 200, BACK_WITHIN_SECONDS, "answers")


def test_what_changed_while_it_was_cut_off_is_noticed(
    server: PrivatePostgres, tmp_path: Path
) -> None:
    with running(tmp_path) as api:
        before = api.get(KEPT).json()["items"][0]["value"]
        with psycopg.connect(server.url(), autocommit=True) as connection:
            # Only the API's listening connection is cut; the data changes before it is back.
            connection.execute(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE application_name = 'atalaia-api-data-version'"""
            )
            connection.execute("UPDATE silver.fact_indicator SET value = value + 1")
            connection.execute("SELECT gold.refresh_materialized_views()")

        def changed() -> bool:
            answer = api.get(KEPT)
            assert answer.status_code == 200, "the database was there all the time"
            return bool(answer.json()["items"][0]["value"] == before + 1)

        eventually(changed, 10, "the new value")
