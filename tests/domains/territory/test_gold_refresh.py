"""Refreshing gold: the first time and again, told once committed, unnoticed by readers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from tests.domains.territory.world import World

from atalaia.domains.territory.gold import VIEWS
from atalaia.kernel.base.database import connect


@pytest.fixture
def world(database: str) -> World:
    return World()


@pytest.mark.row("T-064", "X-09")
def test_refresh_works_on_a_fresh_database_and_again_and_again(world: World) -> None:
    versions = [world.refresh() for _ in range(3)]
    assert versions == [versions[0], versions[0] + 1, versions[0] + 2]
    assert world.one("SELECT version FROM gold.data_version") == versions[-1]


@pytest.mark.row("T-064", "X-09")
@pytest.mark.parametrize("view", VIEWS)
def test_refresh_populates_a_view_that_never_was(world: World, view: str) -> None:
    world.fact(world.municipality(1), "x", "2019", 5)
    world.refresh()
    world.rows(f"REFRESH MATERIALIZED VIEW gold.{view} WITH NO DATA")
    with pytest.raises(psycopg.errors.FeatureNotSupported):
        world.rows(f"REFRESH MATERIALIZED VIEW CONCURRENTLY gold.{view}")  # the fault is real
    for _ in range(2):
        world.refresh()
        assert world.one(f"SELECT count(*) FROM gold.{view}") > 0


@pytest.mark.row("T-065", "T-066", "T-067")
@pytest.mark.parametrize(
    "view", ["mv_territory_ranking", "mv_map_choropleth", "mv_territory_map_summary"]
)
def test_the_printed_concurrent_refresh_works(world: World, view: str) -> None:
    first = world.municipality(1)
    world.fact(first, "x", "2019", 5)
    world.refresh()
    second = world.municipality(2)
    world.facts([(second, "x", "2019", 6)])
    world.rows(f"REFRESH MATERIALIZED VIEW CONCURRENTLY gold.{view};")
    found = world.rows(f"SELECT territory_id FROM gold.{view}")
    assert {first, second} <= {row["territory_id"] for row in found}


@pytest.mark.row("T-069")
def test_views_show_what_was_loaded_only_after_a_refresh(world: World) -> None:
    place = world.municipality(1, square=(-44, -19, 1))
    world.fact(place, "x", "2019", 5)
    world.refresh()

    def shown() -> tuple[Any, Any, Any]:
        return (
            world.one("SELECT value::int FROM gold.mv_map_choropleth"),
            world.one("SELECT value::int FROM gold.mv_territory_ranking"),
            world.one(
                "SELECT name FROM gold.mv_territory_map_summary WHERE territory_id = %s", place
            ),
        )

    world.rows("UPDATE silver.fact_indicator SET value = 6")
    world.rows("UPDATE silver.dim_territory SET name = 'Novo' WHERE territory_id = %s", place)
    assert shown() == (5, 5, "Lugar 1")
    world.refresh()
    assert shown() == (6, 6, "Novo")


def test_a_refresh_tells_the_new_version_once_it_is_committed(world: World) -> None:
    with connect(autocommit=True) as listener, connect() as writer:
        listener.execute("LISTEN data_version")
        found = writer.execute("SELECT gold.refresh_materialized_views() AS version").fetchone()
        assert found is not None
        assert list(listener.notifies(timeout=0.2)) == []
        writer.commit()
        (told,) = listener.notifies(timeout=5, stop_after=1)
    assert told.payload == str(found["version"])


def test_a_refresh_that_fails_leaves_views_and_version_as_they_were(world: World) -> None:
    world.fact(world.municipality(1), "x", "2019", 5)
    before = world.refresh()
    world.rows("UPDATE silver.fact_indicator SET value = 6")
    refreshed_often = "SELECT gold.refresh_materialized_views() FROM generate_series(1, 50)"
    with connect() as connection:
        connection.execute("SET LOCAL statement_timeout = 100")
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(refreshed_often)
    assert world.one("SELECT version FROM gold.data_version") == before
    assert world.one("SELECT value::int FROM gold.mv_map_choropleth") == 5


@contextmanager
def readers_watching() -> Iterator[list[tuple[float, int]]]:
    """A reader asks all three views again and again; (seconds, rows) of each answer."""
    answers: list[tuple[float, int]] = []
    stop = threading.Event()
    failures: list[BaseException] = []

    def read() -> None:
        try:
            with connect(autocommit=True) as connection:
                while not stop.is_set():
                    began = time.monotonic()
                    counts = [
                        connection.execute(f"SELECT count(*) AS n FROM gold.{v}").fetchone()["n"]
                        for v in VIEWS
                    ]
                    answers.append((time.monotonic() - began, counts[0]))
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()
    assert failures == []


@pytest.mark.row("T-068")
def test_a_refresh_makes_no_reader_wait(world: World) -> None:
    places = world.many(200)
    world.facts((p, "x", str(y), n) for y in range(1900, 2000) for n, p in enumerate(places))
    world.refresh()
    world.facts((p, "x", "2000", n) for n, p in enumerate(places))

    with readers_watching() as answers:
        began = len(answers)
        world.refresh()
        during = answers[began:]
    assert len(during) > 3, "the refresh was over before anyone could have been kept waiting"
    assert max(seconds for seconds, _ in answers) < 1.0
    assert {rows for _, rows in answers} <= {20_000, 20_200}


@pytest.mark.row("T-068")
def test_the_reader_above_would_notice_a_refresh_that_blocks(world: World) -> None:
    world.refresh()
    with readers_watching() as answers, connect() as connection:
        connection.execute("REFRESH MATERIALIZED VIEW gold.mv_map_choropleth")  # the planted fault
        time.sleep(1.3)  # as long as a slow one would hold its lock
        connection.commit()
    assert max(seconds for seconds, _ in answers) >= 1.0
