"""PostgreSQL, written as SQL. One way to connect, one pool per process, one transaction helper."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, LiteralString

import psycopg
from psycopg.errors import QueryCanceled
from psycopg.rows import DictRow, RowFactory, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from atalaia.kernel.base.errors import DatabaseUnavailable, TimedOut
from atalaia.kernel.base.settings import database_url, settings

Connection = psycopg.Connection[DictRow]


def _unavailable(error: Exception) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"O PostgreSQL de DATABASE_URL não atende ({type(error).__name__}). Nada foi gravado.",
        todo="Veja 'atalaia status'; 'make up' inicia de novo o servidor privado.",
    )


def connect(
    *, autocommit: bool = False, url: str = "", row_factory: RowFactory[Any] = dict_row
) -> psycopg.Connection[Any]:
    """A new connection whose rows are dicts. Raises DatabaseUnavailable."""
    try:
        return psycopg.connect(
            url or database_url(),
            autocommit=autocommit,
            row_factory=row_factory,
            connect_timeout=settings().connect_timeout_seconds,
            application_name="atalaia",
        )
    except psycopg.OperationalError as error:
        raise _unavailable(error) from error


@contextmanager
def transaction(url: str = "") -> Iterator[Connection]:
    """One connection, one transaction: committed at the end, rolled back on error."""
    connection = connect(url=url)
    try:
        with connection:
            yield connection
    except psycopg.OperationalError as error:
        if _was_lost(error):
            raise _unavailable(error) from error
        raise


def _was_lost(error: psycopg.OperationalError) -> bool:
    """Did the server go away, or shut the door? A full disk or a timeout is its own answer."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


@cache
def pool() -> ConnectionPool[Connection]:
    """The process's pool. It opens without a server and heals by itself when one comes back."""
    return ConnectionPool(
        database_url(),
        connection_class=psycopg.Connection[DictRow],
        min_size=1,
        max_size=settings().pool_max_connections,
        timeout=settings().connect_timeout_seconds,
        reconnect_timeout=10,
        max_idle=120,
        check=ConnectionPool.check_connection,
        kwargs={
            "autocommit": True,
            "row_factory": dict_row,
            "connect_timeout": settings().connect_timeout_seconds,
            "application_name": "atalaia-api",
            "options": f"-c statement_timeout={settings().statement_timeout_ms}",
        },
        open=True,
    )


@contextmanager
def pooled() -> Iterator[Connection]:
    """A connection of the pool, in autocommit. Raises DatabaseUnavailable, and TimedOut when a
    statement takes longer than the setting allows."""
    try:
        with pool().connection() as connection:
            yield connection
    except PoolTimeout as error:
        raise _unavailable(error) from error
    except QueryCanceled as error:
        raise TimedOut(
            "A consulta passou do tempo que tem e foi interrompida. Nada foi mudado.",
            todo="Peça menos de uma vez, ou aumente STATEMENT_TIMEOUT_MS.",
        ) from error
    except psycopg.OperationalError as error:
        if _was_lost(error):
            raise _unavailable(error) from error
        raise


def rows(sql: LiteralString, params: Any = None) -> list[dict[str, Any]]:
    """All rows of a query, as dicts, by the pool."""
    with pooled() as connection:
        return connection.execute(sql, params).fetchall()


def row(sql: LiteralString, params: Any = None) -> dict[str, Any] | None:
    """The first row of a query, or None, by the pool."""
    with pooled() as connection:
        return connection.execute(sql, params).fetchone()
