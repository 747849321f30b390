"""The smallest source there is: a CSV of places and amounts, one file a year, into one table.

The kernel is tested with it, so that its tests stand with no domain installed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
from tests.sources.server import Answer, Asked, SourceServer

from atalaia.kernel.base.database import statements
from atalaia.kernel.domain import connector_job
from atalaia.kernel.ingest.bronze import BronzeObject
from atalaia.kernel.ingest.connector import AsItCame, Connector, Request, Scope, Table
from atalaia.kernel.ingest.contract import ROW, Column, Contract
from atalaia.kernel.work.job import Job, Run
from atalaia.kernel.work.runner import run_job

CONTRACT = Contract(
    version=1,
    datasets={
        "amounts": {
            "place": Column(pattern=r"^[a-z]+$"),
            "amount": Column("integer", minimum=0),
            "note": Column(required=False),
        }
    },
)
TABLE = Table(
    name="silver.toy",
    types={"place": "text", "year": "text", "amount": "bigint", "note": "text"},
    key=("place", "year"),
)
_DDL = """CREATE TABLE silver.toy (
    place text NOT NULL, year text NOT NULL, amount bigint, note text, run_id uuid NOT NULL,
    PRIMARY KEY (place, year))"""
BATCH = 100  # rows


def parse(objects: Sequence[BronzeObject]) -> Iterator[tuple[str, pl.DataFrame]]:
    """Every file in batches of BATCH rows, every cell as text."""
    for found in objects:
        frame = pl.read_csv(found.file, infer_schema=False).with_row_index(ROW, offset=1)
        for start in range(0, max(frame.height, 1), BATCH):
            yield found.dataset, frame.slice(start, BATCH)


class Shaper(AsItCame):
    """One row of the table for each row of the file."""

    def __init__(self, run: Run) -> None:
        super().__init__(run, "year")
        self.year = run.reference_period


CONNECTOR = Connector(
    name="toy",
    source="Toy",
    folder="toy",
    datasets=("amounts",),
    contract=CONTRACT,
    table=TABLE,
    parse=parse,
    shaper=Shaper,
    scope=lambda year: Scope({"year": [year]}),
    base_url="http://toy.invalid",
    requests=lambda year: (Request("amounts", f"/{year}.csv", f"{year}.csv"),),
)

Row = tuple[Any, ...]  # place, amount, note


def as_csv(rows: Sequence[Row], header: Sequence[str] = ("place", "amount", "note")) -> bytes:
    """The file as the source sends it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


class Toy:
    """The source, its table and its job, as a test handles them."""

    def __init__(self, server: SourceServer) -> None:
        self.server = server
        self.rows: list[Row] = [("a", 1, ""), ("b", 2, "x"), ("c", 3, "")]
        self.connector = CONNECTOR
        with statements() as connection:
            connection.execute(_DDL)

    def answer(self, asked: Asked) -> Answer | None:
        """The file, for any year."""
        return Answer(as_csv(self.rows), "text/csv") if asked.path.endswith(".csv") else None

    def change(self, **fields: Any) -> None:
        """Another connector: `change(scope=…)`."""
        self.connector = replace(self.connector, **fields)

    def job(self, after: Callable[[Run], None] = lambda _run: None) -> Job:
        """Its job."""
        return connector_job(self.connector, domain="kernel", title="Toy", wave="", after=after)

    def run(self, year: str = "2024", **options: Any) -> dict[str, Any]:
        """Run the job."""
        return run_job(self.job(), reference_period=year, **options)

    def query(self, statement: str, *params: Any) -> list[dict[str, Any]]:
        """What a query answers."""
        with statements() as connection:
            cursor = connection.execute(statement, params)
            return cursor.fetchall() if cursor.description else []

    def table(self, year: str = "2024") -> dict[str, Row]:
        """place → (amount, note) in the table."""
        found = self.query("SELECT * FROM silver.toy WHERE year = %s", year)
        return {row["place"]: (row["amount"], row["note"]) for row in found}

    def runs_of(self, year: str = "2024") -> dict[str, str]:
        """place → the run that wrote its row last."""
        found = self.query("SELECT place, run_id FROM silver.toy WHERE year = %s", year)
        return {row["place"]: str(row["run_id"]) for row in found}
