"""Following the data version: LISTEN tells at once, a poll tells what LISTEN missed.

Runs beside the API for as long as it lives and survives the database: while it is away the version
stays what it last was, and the connection is tried again every half second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg

from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.base.settings import database_url, settings
from atalaia.kernel.base.trace import log

POLL_SECONDS = 2.0
RETRY_SECONDS = 0.5
CHANNEL = "data_version"


class DataVersion:
    """The version of the data that answers are made from. `away` is True from the first failed
    attempt to reach the database until one succeeds; `version` is None until first read."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.version: int | None = None
        self.away = False
        self._changed, self._listening = changed, False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to follow, in the running event loop."""
        self._task = asyncio.create_task(self._follow(), name="data-version")

    async def stop(self) -> None:
        """End following."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _follow(self) -> None:
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError, TimeoutError, UsageError) as error:
                if self._listening:  # only this connection may be gone: ask before saying more
                    self._listening = False
                    continue
                self._lost(error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        limit = settings().connect_timeout_seconds
        connection = await psycopg.AsyncConnection.connect(
            database_url(),
            autocommit=True,
            connect_timeout=limit,
            application_name="atalaia-api-data-version",
        )
        async with connection:
            await connection.execute(f"LISTEN {CHANNEL}")
            while True:
                async with asyncio.timeout(limit):
                    await self._read(connection)
                # Ends at the first notification or after the poll's time; either way, read again.
                async for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
                    pass

    async def _read(self, connection: psycopg.AsyncConnection) -> None:
        try:
            cursor = await connection.execute("SELECT version FROM gold.data_version")
            found = await cursor.fetchone()
        except psycopg.errors.UndefinedTable:  # not migrated yet; the database itself is there
            found = None
        self._listening = True
        self._back()
        version = int(found[0]) if found else None
        if version != self.version:
            self.version = version
            self._changed()

    def _lost(self, error: Exception) -> None:
        if not self.away:
            self.away = True
            log("WARNING", "the database is away; trying again", error=type(error).__name__)

    def _back(self) -> None:
        if self.away:
            self.away = False
            log("INFO", "the database is back")
