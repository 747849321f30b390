"""The SQL of feeding files: their rows in etl.etl_file, and what people said of headers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from atalaia.domains.cattle.reading import Detected, Said
from atalaia.kernel.base.database import Connection
from atalaia.kernel.ingest.bronze import BronzeObject
from atalaia.kernel.work.job import Run

File = dict[str, Any]


def file(connection: Connection, file_id: UUID | str, tenant_id: str) -> File | None:
    """A tenant's file, or None."""
    return connection.execute(
        "SELECT * FROM etl.etl_file WHERE id = %s AND tenant_id = %s", (file_id, tenant_id)
    ).fetchone()


def held(connection: Connection, file_id: UUID | str, tenant_id: str) -> File | None:
    """The same, kept as it is by others until the transaction ends."""
    return connection.execute(
        "SELECT * FROM etl.etl_file WHERE id = %s AND tenant_id = %s FOR UPDATE",
        (file_id, tenant_id),
    ).fetchone()


def same_bytes(connection: Connection, sha256: str, tenant_id: str) -> File | None:
    """The file of these bytes, which a tenant has at most one of; held."""
    return connection.execute(
        """SELECT * FROM etl.etl_file WHERE tenant_id = %s AND sha256 = %s
             AND duplicate_of IS NULL AND bronze_id IS NOT NULL FOR UPDATE""",
        (tenant_id, sha256),
    ).fetchone()


def add(connection: Connection, new: File) -> File | None:
    """A new file; None when the same bytes came in at the same moment."""
    return connection.execute(
        """INSERT INTO etl.etl_file (id, tenant_id, filename, state, origin, sha256, size_bytes,
               bronze_id, duplicate_of, error_message, error_class, changed_by, change_reason)
           VALUES (%(id)s, %(tenant_id)s, %(filename)s, %(state)s, %(origin)s, %(sha256)s,
               %(size_bytes)s, %(bronze_id)s, %(duplicate_of)s, %(error_message)s,
               %(error_class)s, %(changed_by)s, %(change_reason)s)
           ON CONFLICT DO NOTHING RETURNING *""",
        {
            "bronze_id": None,
            "duplicate_of": None,
            "error_message": None,
            "error_class": None,
            **new,
        },
    ).fetchone()


def bronze_of(connection: Connection, one: File) -> BronzeObject:
    """Its bytes."""
    found = connection.execute(
        "SELECT * FROM bronze.manifest WHERE bronze_id = %s", (one["bronze_id"],)
    ).fetchone()
    assert found is not None  # noqa: S101  a foreign key
    return BronzeObject(**found)


def move(
    connection: Connection,
    file_id: UUID | str,
    state: str,
    *,
    actor: str,
    reason: str | None = None,
    **also: Any,
) -> None:
    """Bring a file into a state; `also` are its error, its batch. PostgreSQL refuses what is no
    legal move."""
    connection.execute(
        """UPDATE etl.etl_file
           SET state = %(state)s, changed_by = %(actor)s, change_reason = %(reason)s,
               error_message = %(error_message)s, error_class = %(error_class)s,
               batch_id = coalesce(%(batch_id)s, batch_id)
           WHERE id = %(id)s""",
        {
            "error_message": None,
            "error_class": None,
            "batch_id": None,
            **also,
            "id": file_id,
            "state": state,
            "actor": actor,
            "reason": reason,
        },
    )


def keep_detected(connection: Connection, file_id: UUID | str, found: Detected) -> None:
    """What was found in a file, and what is to be asked about it."""
    connection.execute(
        """UPDATE etl.etl_file
           SET layout = %s, encoding = %s, delimiter = %s, decimal_mark = %s, date_format = %s,
               detected = %s, mapping = %s, questions = %s
           WHERE id = %s""",
        (
            found.layout.name,
            found.encoding,
            found.delimiter or None,
            found.formats.decimal_mark,
            found.formats.date_format,
            Jsonb(
                {
                    "header_line": found.header_line + 1,
                    "sheet": found.sheet or None,
                    "how": found.formats.how,
                    "notes": found.notes,
                }
            ),
            Jsonb([one.as_dict() for one in found.recognised.matched]),
            Jsonb(found.questions),
            file_id,
        ),
    )


def said(connection: Connection, tenant_id: str) -> Said:
    """What the tenant's people said of headers and formats before."""
    found = Said({}, {}, {})
    columns: dict[tuple[str, str], str] = {}
    formats: dict[str, dict[str, str]] = {}
    layouts: dict[str, str] = {}
    for row in connection.execute(
        "SELECT layout, kind, said_of, answer FROM etl.file_answer WHERE tenant_id = %s",
        (tenant_id,),
    ):
        if row["kind"] == "column":
            columns[row["layout"], row["said_of"]] = row["answer"]
        elif row["kind"] == "format":
            formats.setdefault(row["layout"], {})[row["said_of"]] = row["answer"]
        else:
            layouts[row["said_of"]] = row["answer"]
    found.columns, found.formats, found.layouts = columns, formats, layouts
    return found


def remember(
    connection: Connection,
    tenant_id: str,
    answers: list[tuple[str, str, str, str]],
    *,
    actor: str,
    reason: str,
) -> None:
    """Keep answers (layout, kind, of what, answer); a later one takes the place of an earlier."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO etl.file_answer (tenant_id, layout, kind, said_of, answer, actor, reason)
               VALUES (%s, %s, %s, %s, %s, %s, %s)
               ON CONFLICT (tenant_id, layout, kind, said_of) DO UPDATE
               SET answer = excluded.answer, actor = excluded.actor, reason = excluded.reason,
                   decided_at = clock_timestamp()""",
            [(tenant_id, *answer, actor, reason) for answer in answers],
        )


def run_began(connection: Connection, run: Run) -> None:
    """A run has the file in hand, if it may."""
    connection.execute(
        """UPDATE etl.etl_file f
           SET state = 'processing', run_id = %s, changed_by = %s, change_reason = %s
           WHERE id = %s AND tenant_id = %s AND (state = 'processing' OR EXISTS (
               SELECT FROM etl.file_transition
               WHERE from_state = f.state AND to_state = 'processing'))""",
        (run.run_id, run.actor, run.reason, run.reference_period, run.tenant_id),
    )


def run_ended(
    connection: Connection, run: Run, state: str, error: str | None, error_class: str | None
) -> None:
    """How the run left the file it had in hand."""
    counts = run.counts
    connection.execute(
        """UPDATE etl.etl_file
           SET state = %s, error_message = %s, error_class = %s, rows_read = %s, rows_loaded = %s,
               rows_rejected = %s, rows_duplicate = %s, changed_by = %s, change_reason = %s
           WHERE id = %s AND run_id = %s AND state = 'processing'""",
        (
            state,
            error,
            error_class,
            counts.read,
            counts.loaded,
            counts.rejected,
            counts.duplicate,
            run.actor,
            run.reason,
            run.reference_period,
            run.run_id,
        ),
    )
