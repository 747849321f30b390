"""PostgreSQL, written as SQL. One way to connect, one pool per process, one transaction helper."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from functools import cache
from typing import Any, LiteralString, Self

import psycopg
from psycopg.errors import DeadlockDetected, DiskFull, LockNotAvailable, QueryCanceled
from psycopg.rows import DictRow, RowFactory, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from atalaia.kernel.base.clock import Deadline
from atalaia.kernel.base.errors import Busy, DatabaseUnavailable, NoSpace, TimedOut
from atalaia.kernel.base.kept import kept
from atalaia.kernel.base.settings import database_url, settings
from atalaia.kernel.base.slow import Timed
from atalaia.kernel.base.trace import trace_id

Connection = psycopg.Connection[DictRow]
_POOL = "atalaia-api"
_SLICE_SECONDS, _STARVED_SECONDS = 0.1, 0.02  # one wait for a connection of the pool


def _unavailable(error: Exception) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"O PostgreSQL de DATABASE_URL não atende ({type(error).__name__}). Nada foi gravado.",
        todo="Veja 'atalaia status'; 'make up' inicia de novo o servidor privado.",
    )


def _name(program: str) -> str:
    """What pg_stat_activity calls a connection: the program, and the trace it works for."""
    return f"{program} {trace_id()}".strip()


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
            application_name=_name("atalaia"),
            cursor_factory=Timed,
        )
    except psycopg.OperationalError as error:
        raise _unavailable(error) from error


@contextmanager
def transaction(url: str = "") -> Iterator[Connection]:
    """One connection, one transaction: committed at the end, rolled back on error. The connection
    may have served another transaction before; nothing is left on it of that. Raises NoSpace when
    the server's disk is full."""
    address = url or database_url()
    connection = _kept_or_new(address)
    try:
        with ExitStack() as failed:
            failed.callback(_undo, connection)
            yield connection
            if not connection.closed:
                connection.commit()
                kept.give(address, connection)
            failed.pop_all()
    except DiskFull as error:
        raise NoSpace() from error
    except psycopg.OperationalError as error:
        if _was_lost(error):
            raise _unavailable(error) from error
        raise


@contextmanager
def statements() -> Iterator[Connection]:
    """One connection on which each statement is a transaction of its own. Locks taken for the
    session are let go at the end."""
    address = database_url()
    connection = _kept_or_new(address)
    with ExitStack() as failed:
        failed.callback(connection.close)
        connection.autocommit = True
        yield connection
        with suppress(psycopg.Error):  # the server went away: then so did the locks
            connection.execute("SELECT pg_advisory_unlock_all()")
            kept.give(address, connection)
            failed.pop_all()


def _kept_or_new(address: str) -> Connection:
    return kept.take(address, _name("atalaia")) or connect(url=address)


def _undo(connection: Connection) -> None:
    with suppress(psycopg.Error):
        connection.rollback()  # closing would do, but a moment later: the next would still wait
    connection.close()


def clock_of(connection: Connection) -> datetime:
    """The present, as the database has it: what leases, schedules and rules go by."""
    row = connection.execute("SELECT clock_timestamp() AS now").fetchone()
    assert row is not None  # noqa: S101  a SELECT without FROM gives its row
    moment: datetime = row["now"]
    return moment


def _was_lost(error: psycopg.OperationalError) -> bool:
    """Did the server go away, or shut the door? A timeout is its own answer."""
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


class _Counter:
    """How the pool's connections stand with those who want one."""

    def __init__(self) -> None:
        self.in_use = 0
        self.refused = False  # the server gave none when it was last asked
        self.lock = threading.Lock()

    @property
    def starved(self) -> bool:
        """Is there none to wait for: none in use that could come back, and no new one to be had?"""
        return self.refused and self.in_use == 0


_counter = _Counter()


class _Pooled(psycopg.Connection[DictRow]):
    """A connection of the pool. How the attempt to open one ended is told to all who wait: the
    pool itself tries again in silence."""

    @classmethod
    def connect(cls, *args: Any, **kwargs: Any) -> Self:
        try:
            found = super().connect(*args, **kwargs)
        except psycopg.OperationalError:
            _counter.refused = True
            raise
        _counter.refused = False
        return found


def _alive(connection: Connection) -> None:
    """Raise unless the server answers on this connection. Asked before each use, it costs a round
    trip, which also tells the server for which trace the connection works now."""
    connection.execute("SELECT set_config('application_name', %s, false)", (_name(_POOL),))


@cache
def pool() -> ConnectionPool[Connection]:
    """The process's pool. It opens without a server and heals by itself when one comes back."""
    _counter.refused = False
    return ConnectionPool(
        database_url(),
        connection_class=_Pooled,
        min_size=1,
        max_size=settings().pool_max_connections,
        timeout=settings().connect_timeout_seconds,
        reconnect_timeout=10,
        max_idle=120,
        check=_alive,
        kwargs={
            "autocommit": True,
            "row_factory": dict_row,
            "connect_timeout": settings().connect_timeout_seconds,
            "application_name": _POOL,
            "cursor_factory": Timed,
            "options": f"-c statement_timeout={settings().statement_timeout_ms} "
            f"-c lock_timeout={settings().lock_timeout_ms}",
        },
        open=True,
    )


def _the_pool() -> ConnectionPool[Connection]:
    with _counter.lock:  # threads that come first together must not make one each
        return pool()


def _get() -> Connection:
    """A connection of the pool. When all are in use it is waited for; when the server refuses to
    give one, who asks is told so at once. Raises PoolTimeout."""
    whole = Deadline(settings().connect_timeout_seconds)
    while True:
        try:
            found = _the_pool().getconn(_STARVED_SECONDS if _counter.starved else _SLICE_SECONDS)
        except PoolTimeout:
            if _counter.starved or whole.passed:
                raise
            continue
        with _counter.lock:
            _counter.in_use += 1
        return found


def _put(connection: Connection) -> None:
    with _counter.lock:
        _counter.in_use -= 1
    _the_pool().putconn(connection)


@contextmanager
def pooled() -> Iterator[Connection]:
    """A connection of the pool, in autocommit. Raises DatabaseUnavailable, Busy when a lock is not
    to be had in time, TimedOut when a statement takes longer than the setting allows, and NoSpace
    when the server's disk is full."""
    try:
        connection = _get()
        try:
            yield connection
        finally:
            _put(connection)
    except PoolTimeout as error:
        raise _unavailable(error) from error
    except (LockNotAvailable, DeadlockDetected) as error:
        raise Busy() from error
    except QueryCanceled as error:
        raise TimedOut(
            "A consulta passou do tempo que tem e foi interrompida. Nada foi mudado.",
            todo="Peça menos de uma vez, ou aumente STATEMENT_TIMEOUT_MS.",
        ) from error
    except DiskFull as error:
        raise NoSpace() from error
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
