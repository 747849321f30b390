"""The log at its full size, on a server that waits for the disk: writers at once, and speed."""

from __future__ import annotations

import multiprocessing
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from tests.conftest import forget_settings
from tests.kernel.keep.conftest import KEY

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.migrate import upgrade
from atalaia.kernel.keep import audit
from atalaia.kernel.keep.verify import anchor, verify
from atalaia.serve.local.postgres import PrivatePostgres

WRITERS, RECORDS, STREAMS = 16, 100_000, 4

pytestmark = [pytest.mark.night("audit"), pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def _durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A database of a server of its own, as `atalaia up` makes it, exported."""
    folder = tmp_path_factory.mktemp("durable")
    server = PrivatePostgres(folder / "postgres")
    server.start()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DATABASE_URL", server.url())
            patch.setenv("DATA_DIR", str(folder / "data"))
            patch.setenv("AUDIT_ANCHOR_KEY", KEY)
            forget_settings()
            upgrade()
            yield
            forget_settings()
    finally:
        server.stop()


def _write(number: int, count: int, taken: Any) -> None:
    """One writer, a process of its own: its records, and how long each took with its commit."""
    seconds = []
    with connect() as connection:
        for turn in range(count):
            began = time.perf_counter()
            audit.append(
                connection, stream=f"s{number % STREAMS}", action="thing.happened", trigger="cli",
                actor=f"w{number}", subject=str(turn), details={"turn": turn, "rows": 12345},
            )  # fmt: skip
            connection.commit()
            seconds.append(time.perf_counter() - began)
    taken.put(seconds)


@pytest.mark.row("R-049")
@pytest.mark.usefixtures("_durable")
def test_sixteen_writers_leave_one_chain_per_stream(record_property: Any) -> None:
    spawn = multiprocessing.get_context("spawn")
    taken = spawn.Queue()
    each = RECORDS // WRITERS
    writers = [spawn.Process(target=_write, args=(n, each, taken)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    seconds = sorted(one for _ in writers for one in taken.get(timeout=900))
    for writer in writers:
        writer.join()
    found = verify()
    assert [(one.stream, one.status, one.rows) for one in found if one.stream] == [
        (f"s{number}", "pass", RECORDS // STREAMS) for number in range(STREAMS)
    ]
    with connect() as connection:
        (made,) = connection.execute(
            """SELECT count(*) AS rows, count(DISTINCT (actor, subject)) AS written,
                      count(DISTINCT previous) AS links FROM ops.audit_log"""
        ).fetchall()
    assert (made["rows"], made["written"], made["links"]) == (RECORDS, RECORDS, RECORDS - 3)
    p95 = seconds[int(len(seconds) * 0.95)]
    record_property("append_p95_ms", round(p95 * 1000, 2))
    assert p95 < 0.020, f"append p95 {p95 * 1000:.1f} ms"


@pytest.mark.row("R-050")
@pytest.mark.usefixtures("_durable")
def test_a_hundred_thousand_records_are_verified_in_time_and_in_little_memory() -> None:
    """On what the writers left; alone, it makes as much itself."""
    with connect() as connection:
        connection.execute(
            """SELECT count(ops.append_audit('s0', 'a', 'b', 'c', n::text, NULL, 'd', 'e', '{}'))
               FROM generate_series(1, %s - (SELECT count(*) FROM ops.audit_log)) AS n""",
            (RECORDS,),
        )
    anchor()
    began = time.perf_counter()
    found = verify()
    whole = time.perf_counter() - began
    assert (sum(one.rows for one in found), {one.status for one in found}) == (RECORDS, {"pass"})
    with connect() as connection:
        audit.append(connection, stream="s0", action="a", actor="b", trigger="c")
    began = time.perf_counter()
    assert sum(one.rows for one in verify(since_anchor=True)) < 10
    new = time.perf_counter() - began
    assert (whole < 10, new < 1) == (True, True), (
        f"whole {whole:.1f} s, since the anchor {new:.2f} s"
    )
    tracemalloc.start()
    verify()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000
