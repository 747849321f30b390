"""Deaths from the raw CSV to the queryable silver table, in one run for the whole file.

Beside it, on the same server: a server-side COPY of the ready rows into an empty table with
silver's exact columns, keys and indexes (the limit), and dlt's default and Arrow merges.
×20 is the real file twenty times over, each copy six years earlier, so that no key repeats.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from atalaia.domains.territory import bundle
from atalaia.kernel.base.database import transaction
from atalaia.kernel.domain import connector_job
from atalaia.kernel.ingest import bronze
from atalaia.kernel.ingest.connector import Connector
from atalaia.kernel.work.runner import run_job
from rig import Line, peers_python, private_database, report, seconds

_FACT = (
    "territory_id, reference_period, value, indicator_code, source, dataset, category, "
    "marker, unit, run_id"
)


def raw_frame() -> pl.DataFrame:
    """The bundled deaths, all years, as they came."""
    files = [r for r in bundle.resources() if r.dataset == "deaths"]
    return pl.concat(
        [pl.read_csv(io.BytesIO(bundle.read_raw(r)), infer_schema=False) for r in files]
    )


def times(frame: pl.DataFrame, n: int) -> pl.DataFrame:
    """`frame` n times over, the k-th copy 6·k years earlier."""
    year = pl.col("year").cast(pl.Int32)
    return pl.concat(
        [frame.with_columns((year - 6 * k).cast(pl.String).alias("year")) for k in range(n)]
    )


def put_in_bronze(connector: Connector, frame: pl.DataFrame) -> None:
    """Make `frame` the newest payload of the connector."""
    with bronze.scratch() as path:
        frame.write_csv(path)
        bronze.store(
            path,
            source=connector.folder,
            dataset=connector.datasets[0],
            reference_period="2020",
            filename="deaths.csv",
            package={"name": "benchmark"},
        )


def ingest(connector: Connector) -> dict[str, object]:
    """One run over the newest payload; it must succeed."""
    job = connector_job(connector, domain="territory", title="", wave="")
    result = run_job(job, reference_period="2020", timeout_seconds=3600)
    assert result["run_status"] == "success", result
    return result


def in_own_process(n: int) -> dict[str, float]:
    """Run the load of ×n in a process of its own; its seconds, rows and peak memory in MB."""
    done = subprocess.run(
        [sys.executable, __file__, "child", str(n)], check=True, capture_output=True, text=True
    )
    answer: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def child(n: int) -> None:
    """What `in_own_process` runs: the payload is already in bronze."""
    connector = _connector(n)
    result: dict[str, object] = {}
    spent = seconds(lambda: result.update(ingest(connector)))
    print(
        json.dumps(
            {
                "seconds": spent,
                "rows": result["rows_read"],
                "peak_mb": peak_mb(),
                **{k: result[k] for k in ("rows_inserted", "rows_updated", "run_id")},
            }
        )
    )


def peak_mb() -> float:
    """This process's own peak of resident memory. (ru_maxrss would begin at the parent's.)"""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def _connector(n: int) -> Connector:
    """The deaths connector, with one run covering every month of the ×n file."""
    from atalaia.domains.territory.sources.registro_civil_deaths import deaths_connector

    months = [f"{y}-{m:02}" for y in range(2021 - 6 * n, 2021) for m in range(1, 13)]
    return replace(deaths_connector(lambda _period: months), refresh_after_hours=10**6)


def limit(folder: Path) -> float:
    """Server-side COPY of the ready rows into an empty twin of silver.fact_indicator."""
    ready = folder / "ready.csv"
    with transaction() as connection:
        connection.execute("DROP TABLE IF EXISTS twin")
        connection.execute("CREATE TABLE twin (LIKE silver.fact_indicator INCLUDING ALL)")

    def copy() -> None:
        with transaction() as connection:
            connection.execute(f"COPY twin ({_FACT}) FROM '{ready}' (FORMAT csv)")

    return seconds(copy)


def write_ready_rows(folder: Path) -> None:
    """What our load left in silver, as a file the server reads."""
    statement = (
        f"COPY (SELECT {_FACT} FROM silver.fact_indicator "
        "WHERE indicator_code = 'deaths_total') TO STDOUT (FORMAT csv)"
    )
    with (
        (folder / "ready.csv").open("wb") as file,
        transaction() as connection,
        connection.cursor().copy(statement) as copy,
    ):
        for block in copy:
            file.write(block)
    (folder / "ready.csv").chmod(0o644)
    folder.chmod(0o755)


def empty_silver() -> None:
    """As before the first load."""
    with transaction() as connection:
        for row in connection.execute(
            "SELECT inhrelid::regclass::text AS part FROM pg_inherits "
            "WHERE inhparent = 'silver.fact_indicator'::regclass"
        ).fetchall():
            connection.execute(f"DROP TABLE {row['part']}")


def measure(n: int, folder: Path) -> tuple[list[Line], dict[str, float], dict[str, float]]:
    """The three loads of ×n beside the limit; the first one and the one with nothing changed."""
    frame, connector = times(raw_frame(), n), _connector(n)
    put_in_bronze(connector, frame)
    in_own_process(n)
    write_ready_rows(folder)
    rounds = 3 if n == 1 else 1
    first, floor = [], []
    for _ in range(rounds):
        empty_silver()
        first.append(in_own_process(n))
        floor.append(limit(folder))
    base = sorted(floor)[len(floor) // 2]
    best = sorted(first, key=lambda x: x["seconds"])[len(first) // 2]
    again = in_own_process(n)
    assert again["rows_inserted"] == again["rows_updated"] == 0, again
    changed = (
        frame.with_row_index()
        .with_columns(
            pl.when(pl.col("index") % 100 == 0)
            .then((pl.col("deaths").cast(pl.Int64) + 1).cast(pl.String))
            .otherwise(pl.col("deaths"))
            .alias("deaths")
        )
        .drop("index")
    )
    put_in_bronze(connector, changed)
    one_percent = in_own_process(n)
    check_exactly(one_percent)
    lines = [
        Line(
            f"×{n} first load / COPY of ready rows",
            best["seconds"],
            base,
            "s",
            best["seconds"] / base,
            1.5,
        ),
        Line(
            f"×{n} nothing changed / COPY of ready rows",
            again["seconds"],
            base,
            "s",
            again["seconds"] / base,
            1.0,
        ),
        Line(
            f"×{n} 1 % changed / COPY of ready rows",
            one_percent["seconds"],
            base,
            "s",
            one_percent["seconds"] / base,
            1.5,
        ),
    ]
    return lines, best, again


def check_exactly(result: dict[str, float]) -> None:
    """Exactly the rows that changed carry the run's id."""
    with transaction() as connection:
        found = connection.execute(
            "SELECT count(*) AS n FROM silver.fact_indicator WHERE run_id = %s", (result["run_id"],)
        ).fetchone()
    assert found is not None
    assert found["n"] == result["rows_updated"] > 0, (found, result)


def dlt_seconds(mode: str, folder: Path, url: str) -> dict[str, float]:
    """dlt's merge of the same ready rows."""
    narrow = folder / "narrow.csv"
    ready = pl.read_csv(folder / "ready.csv", has_header=False, infer_schema=False)
    ready[:, :-1].write_csv(narrow, include_header=False)  # run_id is ours
    done = subprocess.run(
        [peers_python(), str(Path(__file__).with_name("dlt_merge.py")), mode, str(narrow), url],
        check=True,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    answer: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def beside_dlt(first: float, again: float, folder: Path, url: str) -> list[Line]:
    """dlt's merge into an empty table beside our first load, and into one that has the rows
    already beside our load with nothing changed."""
    lines = []
    for mode, bar in (("default", 15.0), ("arrow", 3.0)):
        theirs = dlt_seconds(mode, folder, url)
        for name, ours, key in (("first load", first, "first"), ("rows are there", again, "again")):
            ratio = theirs[key] / ours
            title = f"dlt {mode} merge / ours, {name}"
            lines.append(Line(title, ours, theirs[key], "s", ratio, bar, at_most=False))
    return lines


def durability() -> dict[str, object]:
    """The server's own word that it is durable."""
    with transaction() as connection:
        return {
            name: connection.execute(f"SHOW {name}").fetchone()[name]  # type: ignore[index]
            for name in ("fsync", "synchronous_commit", "full_page_writes")
        }


def main(sizes: Sequence[int]) -> bool:
    """Measure and report."""
    lines: list[Line] = []
    with private_database() as (url, folder):
        from atalaia.domains.territory.manifest import DOMAIN
        from atalaia.domains.territory.seed import seed_bundle

        seed_bundle()
        run_job(DOMAIN.job("ibge_admin"), reference_period="2024")
        notes: dict[str, object] = durability()
        for n in sizes:
            part, best, again = measure(n, folder)
            lines += part
            notes[f"×{n}"] = f"{best['rows']:.0f} rows, {best['peak_mb']:.0f} MB at most"
            if n == 1:
                lines += beside_dlt(best["seconds"], again["seconds"], folder, url)
            empty_silver()
        if 20 in sizes:
            lines += memory_lines(folder)
    return report("load", lines, notes)


def memory_lines(folder: Path) -> list[Line]:
    """Peak memory of our process at ×5 and ×20."""
    peaks = {}
    for n in (5, 20):
        put_in_bronze(_connector(n), times(raw_frame(), n))
        empty_silver()
        peaks[n] = in_own_process(n)["peak_mb"]
    return [
        Line("memory ×20 / 1 GB", peaks[20], 1024, "MB", peaks[20] / 1024, 1.0),
        Line("memory ×20 / ×5", peaks[20], peaks[5], "MB", peaks[20] / peaks[5], 1.1),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(int(sys.argv[2]))
    else:
        sys.exit(0 if main([int(a) for a in sys.argv[1:]] or [1, 20]) else 1)
