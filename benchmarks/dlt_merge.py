"""dlt's merge of the same rows into the same server; run by the peers' Python (peers.lock).

Usage: dlt_merge.py default|arrow READY_CSV DATABASE_URL. Prints the seconds of the second run, that
is of a merge into a table that already has the rows, and of the first.
"""

import csv
import json
import os
import sys
import time

os.environ.update(RUNTIME__DLTHUB_TELEMETRY="false", DLT_TELEMETRY="false")

import dlt
import pyarrow.csv

KEY = ["indicator_code", "reference_period", "territory_id", "source", "dataset", "category"]
COLUMNS = [
    "territory_id",
    "reference_period",
    "value",
    "indicator_code",
    "source",
    "dataset",
    "category",
    "marker",
    "unit",
]


def rows(path: str):
    """The rows as dicts, as a plain resource yields them."""
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, fieldnames=COLUMNS):
            row["value"] = int(row["value"])
            yield row


def table(path: str):
    """The rows as one Arrow table."""
    yield pyarrow.csv.read_csv(
        path,
        read_options=pyarrow.csv.ReadOptions(column_names=COLUMNS),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={"marker": "string", "category": "string", "territory_id": "string"}
        ),
    )


def main(mode: str, path: str, url: str) -> None:
    """Merge twice and print the seconds of each as JSON."""
    source = rows if mode == "default" else table
    resource = dlt.resource(
        source, name="fact_indicator", primary_key=KEY, write_disposition="merge"
    )
    seconds = []
    for _ in range(2):
        pipeline = dlt.pipeline(
            f"bench_{mode}", dataset_name=f"dlt_{mode}", destination=dlt.destinations.postgres(url)
        )
        began = time.perf_counter()
        pipeline.run(resource(path))
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"first": seconds[0], "again": seconds[1]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
