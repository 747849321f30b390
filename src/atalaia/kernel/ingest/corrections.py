"""Corrected cells, put into a file's rows on their way to the table; bronze keeps what came.

A correction is of one row of one payload (dataset and place) and holds while that row comes as it
came when somebody corrected it: when the source mends it, the correction no longer applies.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from atalaia.kernel.base.database import transaction
from atalaia.kernel.ingest.contract import REASON, ROW
from atalaia.kernel.ingest.dead_letters import as_kept, readable


@dataclass(frozen=True, slots=True)
class Correction:
    """The cells of row `place` of `dataset`, as they were and as they become."""

    dataset: str
    place: int
    was: dict[str, Any]
    becomes: dict[str, Any]


def corrections_of(connector: str, reference_period: str) -> list[Correction]:
    """Those of a connector and period, oldest first: a row may be corrected again."""
    with transaction() as connection:
        found = connection.execute(
            """SELECT entity_id, was, becomes FROM ops.corrections
               WHERE connector = %s AND reference_period = %s ORDER BY dead_letter_id""",
            (connector, reference_period),
        ).fetchall()
    made = []
    for row in found:
        dataset, _, place = row["entity_id"].rpartition(":")
        made.append(Correction(dataset, int(place), row["was"], row["becomes"]))
    return made


def corrected(dataset: str, frame: pl.DataFrame, corrections: Sequence[Correction]) -> pl.DataFrame:
    """`frame` with the corrections of its rows applied, in their order."""
    wanted = [
        c for c in corrections if c.dataset == dataset and c.becomes.keys() <= set(frame.columns)
    ]
    there = frame.filter(pl.col(ROW).is_in([one.place for one in wanted])) if wanted else frame[:0]
    if not there.height:
        return frame
    rows = {row[ROW]: row for row in there.to_dicts()}
    for one in wanted:
        if one.place in rows and _is_as_it_was(rows[one.place], one.was):
            rows[one.place] |= {n: _cell(cell, frame.schema[n]) for n, cell in one.becomes.items()}
            if REASON in frame.columns:  # a row that the reader could not read has its cells now
                rows[one.place][REASON] = None
    patch = pl.DataFrame(list(rows.values()), schema=frame.schema)
    return frame.update(patch, on=ROW, include_nulls=True)


def _cell(cell: Any, dtype: pl.DataType) -> Any:
    """What was written, as the column holds it; null when it cannot."""
    return pl.Series([cell]).cast(dtype, strict=False)[0]


def _is_as_it_was(row: dict[str, Any], was: dict[str, Any]) -> bool:
    """Whether every cell the letter kept is still what it was. It may not have kept them all, and
    may have kept them typed: 12 where the file has '12'."""
    kept = json.loads(json.dumps(as_kept(row), default=readable))
    return all(
        kept[name] == cell or str(kept[name]) == str(cell) != "None"
        for name, cell in was.items()
        if name in kept
    )
