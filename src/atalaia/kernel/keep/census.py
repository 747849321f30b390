"""What a database holds, table by table: rows, sums to the cent, and a hash of all of it.

The hash of a table is the sum of a 64-bit hash of each row's text: it depends on no order, so a
restored table has it whatever place its rows got. It finds what was lost or changed by accident;
against a person who means it, the archive has its SHA-256 and the audit log its chains.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

# Text forms depend on these; a table must have one hash on every server.
_FORMS = """
    SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD';
    SET LOCAL intervalstyle = 'iso_8601'; SET LOCAL bytea_output = 'hex';
    SET LOCAL extra_float_digits = 1;
    SET LOCAL search_path = pg_catalog, public
"""
# Ordinary tables and partitions; what an extension brings comes back with the extension.
_TABLES = """
    SELECT n.nspname AS schema, c.relname AS name,
           array(SELECT a.attname::text FROM pg_attribute AS a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                   AND a.atttypid = 'numeric'::regtype ORDER BY a.attname) AS numbers
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence <> 't'
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass
                      AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY 1, 2
"""
_SEQUENCES = """
    SELECT format('%I.%I', schemaname, sequencename) AS name, last_value
    FROM pg_sequences ORDER BY 1
"""


class Table(NamedTuple):
    """One table: how many rows, their hash, and the sum of each column of exact numbers."""

    name: str
    rows: int
    hash: str
    sums: dict[str, str]


class Census(NamedTuple):
    """A database at one moment."""

    tables: list[Table]
    sequences: dict[str, int | None]

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def hash(self) -> str:
        """One hash over all rows, in hexadecimal."""
        lines = [f"{table.name} {table.rows} {table.hash}" for table in self.tables]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """As the head of an archive has it."""
        return {
            "tables": [table._asdict() for table in self.tables],
            "sequences": self.sequences,
        }

    @staticmethod
    def of(written: dict[str, Any]) -> Census:
        """The census `as_dict` wrote."""
        return Census([Table(**table) for table in written["tables"]], written["sequences"])


def take(
    connection: psycopg.Connection[Any], counted: Callable[[str], None] = lambda _table: None
) -> Census:
    """Count every table, in the transaction that `connection` has open: one moment if that is
    REPEATABLE READ. `counted` hears the name of each table that is through."""
    with connection.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
        cursor.execute(_FORMS)
        found = cursor.execute(_TABLES).fetchall()
        tables = []
        for schema, name, numbers in found:
            tables.append(_count(cursor, schema, name, numbers))
            counted(tables[-1].name)
        sequences: dict[str, int | None] = dict(cursor.execute(_SEQUENCES).fetchall())
        cursor.execute("RESET search_path")
    return Census(tables, sequences)


def _count(cursor: psycopg.Cursor[Any], schema: str, name: str, numbers: list[str]) -> Table:
    table = sql.Identifier(schema, name)
    sums = sql.SQL("").join(
        sql.SQL(", coalesce(sum(t.{}), 0)::text").format(sql.Identifier(column))
        for column in numbers
    )
    query = sql.SQL(
        """SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text {}
           FROM {} AS t"""
    ).format(sums, table)
    rows, total, *others = cursor.execute(query).fetchone() or (0, "0")
    return Table(f"{schema}.{name}", rows, total, dict(zip(numbers, others, strict=True)))


def differences(expected: Census, found: Census) -> list[str]:
    """What is not equal, in words for people; nothing when all of it is."""
    said = []
    there = {table.name: table for table in found.tables}
    for table in expected.tables:
        other = there.pop(table.name, None)
        if other is None:
            said.append(f"falta a tabela {table.name}")
        elif other.rows != table.rows:
            said.append(f"{table.name} tem {other.rows} linhas, e não {table.rows}")
        elif other != table:
            said.append(f"{table.name} tem outros valores em {table.rows} linhas")
    said += [f"a tabela {name} não é do backup" for name in there]
    # A sequence belongs to no moment: the dump has what it had come to by then, or more.
    for name, value in expected.sequences.items():
        if (found.sequences.get(name) or 0) < (value or 0):
            said.append(f"a sequência {name} ficou para trás")
    return said
