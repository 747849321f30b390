"""Files and dead letters as they are shown: lists, one file with its story, its rejected rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any, LiteralString
from uuid import UUID

from atalaia.kernel.base.database import pooled, row, rows
from atalaia.kernel.base.errors import NotFound

_COLUMNS: LiteralString = """
    id, filename, status::text, state::text, origin, layout, sha256, size_bytes, encoding,
    delimiter, decimal_mark, date_format, uploaded_at, processing_started_at, completed_at,
    updated_at, error_message, error_class, rows_read, rows_loaded, rows_rejected, rows_duplicate,
    run_id, batch_id, duplicate_of
"""
_ONE: LiteralString = (
    "SELECT "  # noqa: S608  no value is put in
    + _COLUMNS
    + """, detected, mapping, questions,
           (SELECT json_build_object('path', b.path, 'sha256', b.sha256, 'size', b.size)
            FROM bronze.manifest b WHERE b.bronze_id = f.bronze_id) AS bronze,
           (SELECT coalesce(json_agg(json_build_object('state', e.state, 'at', e.at,
                'actor', e.actor, 'reason', e.reason, 'run_id', e.run_id, 'error', e.error)
                ORDER BY e.event_id), '[]')
            FROM etl.etl_file_event e WHERE e.file_id = f.id) AS timeline,
           (SELECT coalesce(json_agg(json_build_object('check_name', c.check_name,
                'status', c.status, 'observed', c.observed, 'threshold', c.threshold,
                'details', c.details) ORDER BY c.check_id), '[]')
            FROM ops.pipeline_checks c WHERE c.run_id = f.run_id) AS checks
        FROM etl.etl_file f WHERE id = %s AND tenant_id = %s"""
)
RETRYABLE = ("transient", "rate_limited", "resource")


def files(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """A tenant's files, the newest first; one more than `size`, when there are more."""
    return rows(
        "SELECT "
        + _COLUMNS
        + """FROM etl.etl_file
            WHERE tenant_id = %(tenant)s
              AND (%(status)s::text IS NULL OR status = %(status)s::etl.file_status)
              AND (%(state)s::text IS NULL OR state = %(state)s::etl.file_state)
              AND (%(layout)s::text IS NULL OR layout = %(layout)s)
              AND (%(q)s::text IS NULL OR strpos(lower(filename), lower(%(q)s)) > 0)
              AND (%(since)s::timestamptz IS NULL OR uploaded_at >= %(since)s)
              AND (%(until)s::timestamptz IS NULL OR uploaded_at < %(until)s)
            ORDER BY seq DESC LIMIT %(size)s + 1 OFFSET %(skip)s""",
        asked,
    )


def shown_file(file_id: UUID, tenant_id: str) -> dict[str, Any]:
    """One file: what it is, what was found, how it came to be as it is. Raises NotFound."""
    found = row(_ONE, (file_id, tenant_id))
    if found is None:
        raise NotFound("Não há esse arquivo.", todo="A lista está em /files.")
    return found


def rejected_csv(file_id: UUID, tenant_id: str) -> Iterator[bytes]:
    """The rows of a file that wait, with their reasons, as CSV that a spreadsheet opens without
    running anything: a cell that begins like a formula gets an apostrophe before it."""
    with pooled() as connection, connection.transaction():
        cursor = connection.cursor("rejected")
        cursor.execute(
            """SELECT d.id, d.entity_id, d.original_error, l.payload
               FROM etl.etl_dead_letter_queue d JOIN ops.dead_letters l ON l.dead_letter_id = d.id
               WHERE d.file_id = %s AND d.tenant_id = %s AND NOT d.resolved AND d.run_id IS NOT NULL
               ORDER BY d.id""",
            (str(file_id), tenant_id),
        )
        names: list[str] = []
        for one in cursor:
            if not names:
                names = list(one["payload"])
                yield _line(["id", "linha", "motivo", *names]).encode("utf-8-sig")
            cells = [one["payload"].get(name) for name in names]
            place = one["entity_id"].rpartition(":")[2]
            yield _line([one["id"], place, one["original_error"], *cells]).encode()
        if not names:
            yield _line(["id", "linha", "motivo"]).encode("utf-8-sig")


def _line(cells: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerow([_harmless(cell) for cell in cells])
    return out.getvalue()


def _harmless(cell: Any) -> str:
    text = "" if cell is None else str(cell)
    plain = text.lstrip(" \u00a0\ufeff\r\n")
    return f"'{text}" if plain[:1] in ("=", "+", "-", "@", "\t", "|") or text[:1] == "\t" else text


def dead_letters(tenant_id: str, resolved: bool | None, limit: int) -> list[dict[str, Any]]:
    """A tenant's dead letters, oldest first."""
    return rows(
        """SELECT d.*, l.payload FROM etl.etl_dead_letter_queue d
           JOIN ops.dead_letters l ON l.dead_letter_id = d.id
           WHERE d.tenant_id = %(tenant)s
             AND (%(resolved)s::boolean IS NULL OR d.resolved = %(resolved)s)
           ORDER BY d.id LIMIT %(limit)s""",
        {"tenant": tenant_id, "resolved": resolved, "limit": limit},
    )
