"""Dead letters: rows put aside with a reason, exactly as they came, until someone decides."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from atalaia.kernel.base.database import Connection
from atalaia.kernel.ingest.contract import REASON, ROW
from atalaia.kernel.work.job import Run


class Rejected:
    """Rejected rows of one payload, kept on disk while the load goes on, so memory stays flat."""

    def __init__(self, file: Path) -> None:
        self._file = file.open("w", encoding="utf-8")
        self.count = 0

    def clear(self) -> None:
        """Forget every row: the payload is read again from its start."""
        self._file.seek(0)
        self._file.truncate()
        self.count = 0

    def add(self, frame: pl.DataFrame, where: str) -> None:
        """Put the rows of `frame` aside; `where` names their payload."""
        for row in frame.iter_rows(named=True):
            reason, place = row.pop(REASON), row.pop(ROW, None)
            self.add_row(row, reason, f"{where}:{place}")

    def add_row(self, row: dict[str, Any], reason: str, entity_id: str) -> None:
        """Put one row aside."""
        payload = as_kept(row)
        line = {"entity_id": entity_id, "reason": _storable(reason), "payload": payload}
        self._file.write(json.dumps(line, ensure_ascii=False, default=readable) + "\n")
        self.count += 1

    def write(self, connection: Connection, run: Run, connector: str) -> None:
        """Bring `ops.dead_letters` to what this run rejected: a row already waiting for the same
        reason keeps waiting, one that is rejected no longer is resolved by this run."""
        self._file.flush()
        connection.execute(
            "CREATE TEMP TABLE rejected (entity_id text, reason text, payload jsonb) ON COMMIT DROP"
        )
        with (
            connection.cursor().copy("COPY rejected FROM STDIN") as copy,
            Path(self._file.name).open(encoding="utf-8") as lines,
        ):
            for line in lines:
                entry = json.loads(line)
                payload = json.dumps(entry["payload"], ensure_ascii=False)
                copy.write_row((entry["entity_id"], entry["reason"], payload))
        where = {
            "domain": run.job.domain,
            "connector": connector,
            "run_id": run.run_id,
            "period": run.reference_period,
        }
        connection.execute(
            """UPDATE ops.dead_letters d
               SET resolved = true, resolved_at = clock_timestamp(), resolved_by = %(run_id)s::text,
                   notes = 'a later run no longer rejects this row'
               WHERE d.domain = %(domain)s AND d.entity_type = %(connector)s
                 AND d.reference_period = %(period)s AND NOT d.resolved
                 AND NOT EXISTS (SELECT FROM rejected r WHERE r.entity_id = d.entity_id
                                 AND r.reason = d.reason AND r.payload = d.payload)""",
            where,
        )
        connection.execute(
            """INSERT INTO ops.dead_letters (domain, entity_type, entity_id, error_type, reason,
                   payload, run_id, reference_period)
               SELECT %(domain)s, %(connector)s, r.entity_id, 'permanent', r.reason, r.payload,
                      %(run_id)s, %(period)s FROM rejected r
               WHERE NOT EXISTS (SELECT FROM ops.dead_letters d WHERE NOT d.resolved
                   AND d.domain = %(domain)s AND d.entity_type = %(connector)s
                   AND d.reference_period = %(period)s AND d.entity_id = r.entity_id
                   AND d.reason = r.reason AND d.payload = r.payload)""",
            where,
        )

    def close(self) -> None:
        """Close the scratch file."""
        self._file.close()


def as_kept(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as a dead letter keeps it."""
    return {column: _storable(value) for column, value in row.items()}


def _storable(value: Any) -> Any:
    """A cell as PostgreSQL can keep it: its text has no NUL, its JSON neither NaN nor infinity."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value


def readable(value: object) -> str:
    """What JSON has no word for, as text."""
    return value.hex() if isinstance(value, bytes) else str(value)


@contextmanager
def rejected_rows() -> Iterator[Rejected]:
    """A place for the rejected rows of one load; gone afterwards."""
    with TemporaryDirectory(prefix="atalaia-") as folder:
        rejected = Rejected(Path(folder) / "rejected.ndjson")
        try:
            yield rejected
        finally:
            rejected.close()
