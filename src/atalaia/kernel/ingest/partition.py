"""Partitions: a table that says so has one for each value of its connectors' constant.

A partition is made by its first load: filled as a plain table without indexes, then attached, which
builds its indexes in one go. That takes about half the time of filling it with them, and readers of
the whole table wait for nothing (decision 0002).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import LiteralString

from psycopg import sql

from atalaia.kernel.base.database import Connection
from atalaia.kernel.ingest.connector import Table
from atalaia.kernel.work.job import Run


def identifier(table: str) -> sql.Composed:
    """A table's name, with its schema, as SQL."""
    return sql.SQL(".").join(map(sql.Identifier, table.split(".")))


def of(table: Table) -> Table:
    """The partition that holds the connector's rows: 'Registro Civil' → fact_…_registro_civil."""
    word = re.sub("[^a-z0-9]+", "_", _value(table).lower())
    return replace(table, name=f"{table.name}_{word}")


def exists(connection: Connection, part: Table) -> bool:
    """Has a load made it yet?"""
    found = connection.execute(
        "SELECT to_regclass(%s) IS NOT NULL AS there", (part.name,)
    ).fetchone()
    return bool(found and found["there"])


@contextmanager
def made(connection: Connection, table: Table, part: Table, run: Run) -> Iterator[None]:
    """The new partition, to be filled within the block with the varying columns only: constants
    and run_id are its defaults until it is attached. Raises UniqueViolation when a key comes twice.
    """
    fixed: dict[str, str | None] = {**table.constants, "run_id": str(run.run_id)}
    names = {"whole": identifier(table.name), "part": identifier(part.name)}
    connection.execute(
        sql.SQL(
            "CREATE TABLE {part} (LIKE {whole} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)"
        ).format(**names)
    )
    _alter(connection, part, "ALTER {0} SET DEFAULT {1}", fixed)
    yield
    _alter(connection, part, "ALTER {0} DROP DEFAULT", fixed)
    connection.execute(
        sql.SQL("ALTER TABLE {whole} ATTACH PARTITION {part} FOR VALUES IN ({value})").format(
            **names, value=sql.Literal(_value(table))
        )
    )


def _alter(
    connection: Connection, part: Table, action: LiteralString, values: dict[str, str | None]
) -> None:
    actions = [
        sql.SQL(action).format(sql.Identifier(column), sql.Literal(value))
        for column, value in values.items()
    ]
    connection.execute(
        sql.SQL("ALTER TABLE {} {}").format(identifier(part.name), sql.SQL(", ").join(actions))
    )


def _value(table: Table) -> str:
    value = table.constants.get(table.partitioned_by or "")
    if not value:
        raise ValueError(f"{table.name}: {table.partitioned_by} must be a constant of the table")
    return value
