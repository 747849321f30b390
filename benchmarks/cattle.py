"""A feeding file of 1,000,000 rows from the request that sends it to the last row in its table, as
the product does it: the API takes it, a worker loads it.

Beside it, on the same server: a server-side COPY of the ready rows into an empty table with the
same columns, keys and indexes (the limit). Meanwhile /health is asked ten times a second, and the
worker's memory is watched. Rows must balance exactly, and each bad row have its own reason.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

import feeding
from rig import Line, report, seconds
from service import Service, p95, private_house, resident_mb, until

ROWS, ROUNDS = 1_000_000, 3
_TABLE = "etl.desvio_carregamento"
_PATIENCE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one file took: seconds in all, those of the worker, MB, and /health meanwhile in ms."""

    whole: float
    worker: float
    peak_mb: float
    health: list[float]


def asked(statement: str, *values: Any) -> list[dict[str, Any]]:
    """What a query answers."""
    from atalaia.kernel.base.database import transaction

    with transaction() as connection:
        found = connection.execute(statement.encode(), values)
        return found.fetchall() if found.description else []


def tenant(service: Service, name: str) -> None:
    """A new organisation, whose key the service asks with from now on."""
    from atalaia.kernel.base.database import transaction
    from atalaia.kernel.keep import keys
    from atalaia.kernel.keep.keys import Who

    who = Who("benchmark", "python", "benchmark")
    with transaction() as connection:
        keys.create_tenant(connection, name, name=name, who=who)
        made = keys.create(connection, name=name, role="client", tenant_id=name, who=who)
    service.key = made.secret


@contextmanager
def watched(service: Service, worker: int) -> Iterator[tuple[list[float], list[float]]]:
    """(milliseconds of each /health, peaks in MB) while the block runs."""
    over, health, peaks = threading.Event(), list[float](), list[float]()

    def watch() -> None:
        with service.client() as client:
            while not over.is_set():
                began = time.perf_counter()
                answer = client.get("/health")
                health.append((time.perf_counter() - began) * 1000)
                assert answer.status_code == 200, answer.text
                peaks.append(resident_mb(worker))
                over.wait(0.1)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield health, peaks
    finally:
        over.set()
        thread.join()


def send(client: httpx.Client, file: Path) -> str:
    """Have the API take it; returns its id."""
    with file.open("rb") as body:
        answer = client.post("/files", files={"file": (file.name, body, "text/csv")})
    assert answer.status_code == 202, answer.text
    found: str = answer.json()["id"]
    return found


def loaded(service: Service, worker: int, file: Path, made: feeding.Made) -> Loaded:
    """Send it and wait for its last row; nothing may be missing."""
    with watched(service, worker) as (health, peaks), service.client() as client:
        began = time.perf_counter()
        file_id = send(client, file)
        until(
            lambda: asked("SELECT id FROM etl.etl_file WHERE id = %s AND completed_at IS NOT NULL",
                          file_id),
            _PATIENCE_SECONDS,
        )  # fmt: skip
        whole = time.perf_counter() - began
    (one,) = asked(
        """SELECT *, extract(epoch FROM completed_at - processing_started_at)::float8 AS took
           FROM etl.etl_file WHERE id = %s""", file_id,
    )  # fmt: skip
    check_exactly(one, made)
    return Loaded(whole, one["took"], max(peaks), health)


def check_exactly(one: dict[str, Any], made: feeding.Made) -> None:
    """Every row is loaded, put aside with the reason that is its own, or a duplicate."""
    assert one["state"] == "partly_loaded", (one["state"], one["error_message"])
    counts = tuple(one[f"rows_{kind}"] for kind in ("read", "loaded", "rejected", "duplicate"))
    assert counts == (made.rows, made.good, sum(made.bad.values()), made.duplicates), counts
    (there,) = asked(f"SELECT count(*) AS n FROM {_TABLE} WHERE file_seq = %s", one["seq"])
    assert there["n"] == made.good, there
    letters = asked(
        "SELECT entity_id, original_error FROM etl.etl_dead_letter_queue WHERE file_id = %s",
        str(one["id"]),
    )
    told = {int(row["entity_id"].rpartition(":")[2]): row["original_error"] for row in letters}
    assert told == {place: feeding.REASONS[kind] for place, kind in made.places.items()}
    assert len(letters) == len(told)


def limit(folder: Path) -> float:
    """Server-side COPY of the rows that are in the table into an empty twin of it."""
    ready = folder / "ready.csv"
    asked(f"COPY {_TABLE} TO '{ready}' (FORMAT csv)")
    asked("DROP TABLE IF EXISTS twin")
    asked(f"CREATE TABLE twin (LIKE {_TABLE} INCLUDING ALL)")
    spent = seconds(lambda: asked(f"COPY twin FROM '{ready}' (FORMAT csv)"))
    asked("DROP TABLE twin")
    return spent


def main(rows: int, rounds: int) -> bool:
    """Measure and report."""
    with private_house() as folder:
        folder.chmod(0o755)
        file = folder / "carga.csv"
        made = feeding.make(file, rows)
        service = Service(folder)
        try:
            tenant(service, "first")
            service.start_api()
            worker = service.start("worker").pid
            with service.client() as client:
                alone = [seconds(lambda: client.get("/health")) * 1000 for _ in range(50)]
            ours, floor = [], []
            for number in range(rounds):
                tenant(service, f"round-{number}")
                ours.append(loaded(service, worker, file, made))
                floor.append(limit(folder))
                asked(f"TRUNCATE {_TABLE}")
        finally:
            service.stop()
        return told(file, made, ours, floor, alone)


def told(
    file: Path, made: feeding.Made, ours: list[Loaded], floor: list[float], alone: list[float]
) -> bool:
    """The bars, by the medians of the rounds; memory and health by their worst."""
    base = statistics.median(floor)
    whole = statistics.median(one.whole for one in ours)
    peak = max(one.peak_mb for one in ours)
    health = p95([took for one in ours for took in one.health])
    notes = {
        "file": f"{made.rows} rows, {file.stat().st_size / 1e6:.0f} MB, latin-1, decimal comma",
        "rows": f"{made.good} loaded + {sum(made.bad.values())} put aside"
        f" + {made.duplicates} duplicates",
        "worker's own seconds": [round(one.worker, 1) for one in ours],
        "rounds": [
            f"{one.whole:.1f} / {copy:.1f} s" for one, copy in zip(ours, floor, strict=True)
        ],
    }
    lines = [
        Line("file sent to last row / COPY of ready rows", whole, base, "s", whole / base, 2.5),
        Line("worker's memory / 512 MB", peak, 512, "MB", peak / 512, 1.0),
        Line("/health p95 meanwhile / 200 ms", health, p95(alone), "ms", health / 200, 1.0),
    ]
    return report("cattle", lines, notes)


if __name__ == "__main__":
    sizes = [int(word) for word in sys.argv[1:]]
    sys.exit(0 if main(*(sizes + [ROWS, ROUNDS][len(sizes) :])) else 1)
