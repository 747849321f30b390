"""The whole product in a folder, each part a process that may be killed, and a client beside it.

    with House(folder) as house, house.load() as load:
        house.kill("postgres"); house.postgres.start()
        load.until(200)
    house.settle(load)          # everything accepted was done once, or the test fails

The client keeps its own ledger: a line synced to disk for each request that was answered. What it
was not told of, it asks again with the same key, as any client would.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from redis import Redis
from tests.conftest import forget_settings
from tests.serve.api.server import eventually, new_key
from tests.serve.local.hands import KIND

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import AtalaiaError, Unavailable
from atalaia.kernel.base.migrate import upgrade
from atalaia.kernel.work.items import accept
from atalaia.serve import worker
from atalaia.serve.local.postgres import PrivatePostgres
from atalaia.serve.local.process import free_port
from atalaia.serve.local.redis import PrivateRedis

ROOT = Path(__file__).resolve().parents[3]
BACK_SECONDS = 60.0
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


class House:
    """PostgreSQL, Redis, API, workers and scheduler of `folder`, as `atalaia up` starts them."""

    def __init__(self, folder: Path, *, workers: int = 1, appendonly: bool = False) -> None:
        self.folder, self._workers, self._appendonly = folder, workers, appendonly
        self.postgres = PrivatePostgres(folder / "postgres")
        self.redis = PrivateRedis(folder / "redis")
        self.port = free_port(0)
        self.url = f"http://127.0.0.1:{self.port}"
        self.programs: dict[str, subprocess.Popen[bytes]] = {}
        self.asked: set[str] = set()  # keys of every client so far
        self.accepted: set[str] = set()
        self.kills = 0
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> House:
        try:
            self._stand()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _stand(self) -> None:
        self.postgres.start()
        self.redis.start()
        for name, value in {
            "DATABASE_URL": self.postgres.url(),
            "REDIS_URL": self.redis.url(),
            "ATALAIA_URL": self.url,
            "KEY_PEPPER": secrets.token_urlsafe(32),
            "RATE_LIMIT_PER_MINUTE": "1000000",  # how often may be asked is not what is tested
            "RATE_LIMIT_ROUTE_PER_MINUTE": "1000000",
            "RATE_LIMIT_BURST": "1000000",
            "DATA_DIR": str(self.folder / "data"),
            "ATALAIA_STATE_DIR": str(self.folder / "state"),
            "LOG_DIR": str(self.folder / "logs"),
        }.items():
            self._patch.setenv(name, value)
        forget_settings()
        upgrade()
        with psycopg.connect(self.postgres.url(), autocommit=True) as connection:
            for name in _DURABLE:
                assert connection.execute(f"SHOW {name}").fetchone() == ("on",)  # type: ignore[call-overload]
            connection.execute("CREATE TABLE public.applied (key text, item_id bigint)")
            connection.execute("CREATE EXTENSION IF NOT EXISTS amcheck")
        self.key = new_key("viewer")
        if self._appendonly:
            with Redis.from_url(self.redis.url()) as redis:
                redis.config_set("appendonly", "yes")

    def __exit__(self, *_: object) -> None:
        for name in list(self.programs):
            self.kill(name)
        forget_settings()
        self.redis.stop()
        self.postgres.stop()
        self._patch.undo()
        forget_settings()

    @property
    def names(self) -> list[str]:
        """The programs there are to be, each by its name."""
        return ["api", "scheduler", *(f"worker{n}" for n in range(self._workers))]

    def start(self, *names: str) -> None:
        """Start programs (all by default); they need not have anything to stand on."""
        for name in names or self.names:
            command = {
                "api": ["atalaia.serve.cli", "serve", "--port", str(self.port)],
                "scheduler": ["atalaia.serve.cli", "scheduler"],
            }.get(name, ["tests.serve.local.hands"])
            with self._log(name).open("ab") as log:
                self.programs[name] = subprocess.Popen(
                    [sys.executable, "-m", *command],
                    cwd=ROOT,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def kill(self, name: str) -> None:
        """SIGKILL, and proof that it is gone: a program with what it forked, or a server."""
        if name == "postgres":
            running = self.postgres.running()
            assert running is not None
            os.kill(running.identity.pid, signal.SIGKILL)
            eventually(lambda: not _alive(running.identity.pid), 10, "postgres gone")
        elif name == "redis":
            found = self.redis.running()
            assert found is not None
            os.kill(found.identity.pid, signal.SIGKILL)
            eventually(lambda: self.redis.running() is None, 10, "redis gone")
        else:
            started = self.programs.pop(name)
            _kill_session(started.pid)
            started.wait(20)
        self.kills += 1

    def alive(self) -> None:
        """Fail when a program that was started has ended by itself."""
        for name, process in self.programs.items():
            assert process.poll() is None, f"{name} ended: {self.said(name)}"

    def said(self, name: str) -> str:
        """The end of a program's log."""
        return self._log(name).read_text("utf-8", "replace")[-3000:]

    def _log(self, name: str) -> Path:
        folder = self.folder / "logs"
        folder.mkdir(exist_ok=True)
        return folder / f"{name}.log"

    def get(self, path: str, seconds: float = 35) -> httpx.Response:
        """One GET with a viewer's key."""
        return httpx.get(f"{self.url}{path}", headers={"X-API-Key": self.key}, timeout=seconds)

    def healthy(self) -> bool:
        """Whether the API answers that it and its database are well."""
        with suppress(httpx.TransportError):
            return self.get("/v1/health", 5).json() == {"api": "ok", "db": "ok"}
        return False

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """What a query answers."""
        with transaction() as connection:
            return connection.execute(statement).fetchall()  # type: ignore[arg-type]

    @contextmanager
    def load(self, *, seconds: float = 0.0) -> Iterator[Load]:
        """A client that asks all the time; every item takes `seconds`."""
        load = Load(self, seconds)
        load.start()
        try:
            yield load
        finally:
            load.stop()

    def settle(self, load: Load, seconds: float = BACK_SECONDS) -> float:
        """Wait until all that was accepted is done, by the product itself; returns after how many
        seconds. Fails when anything is missing, was done twice, or died."""
        began = time.monotonic()
        eventually(lambda: self._done(len(self.accepted)), seconds, f"all done: {self._states()}")
        took = time.monotonic() - began
        applied = Counter(row["key"] for row in self.rows("SELECT key FROM public.applied"))
        assert load.ledger() == load.accepted
        assert {key for key in self.accepted if not applied[key]} == set(), "lost"
        assert {key for key, times in applied.items() if times > 1} == set(), "applied twice"
        assert set(applied) <= self.asked, "nobody asked for that"
        assert self.rows("SELECT FROM ops.dead_letters") == []
        assert load.wrong == []
        self.alive()
        return took

    def _states(self) -> str:
        with suppress(AtalaiaError):
            found = self.rows(
                "SELECT kind, status::text, count(*) AS n FROM ops.work_items GROUP BY 1, 2"
            )
            return json.dumps(found)
        return "the database is away"

    def _done(self, at_least: int) -> bool:
        try:
            found = self.rows(
                f"""SELECT count(*) FILTER (WHERE status = 'done') AS done,
                           count(*) FILTER (WHERE status <> 'done') AS others
                    FROM ops.work_items WHERE kind = '{KIND}'"""
            )[0]
        except Unavailable:
            return False
        return bool(found["done"] >= at_least and not found["others"])

    def indexes_hold(self) -> None:
        """amcheck on every B-tree of ours."""
        self.rows(
            """SELECT bt_index_check(c.oid, true) FROM pg_class c
               JOIN pg_am ON pg_am.oid = relam JOIN pg_namespace n ON n.oid = relnamespace
               WHERE relkind = 'i' AND amname = 'btree'
                 AND nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')"""
        )


class Load:
    """Requests for work, and reads, one after the other until stopped."""

    def __init__(self, house: House, seconds: float) -> None:
        self._house, self._seconds = house, seconds
        self._file = house.folder / f"ledger-{secrets.token_hex(3)}.ndjson"
        self.accepted: set[str] = set()
        self.answers: Counter[int] = Counter()
        self.wrong: list[str] = []
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=target, daemon=True) for target in (self._ask, self._read)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop asking; what was asked and not answered is asked again until it is."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive()

    def until(self, accepted: int, seconds: float = 60) -> None:
        """Go on until so many were accepted."""
        eventually(lambda: len(self.accepted) >= accepted, seconds, f"{accepted} accepted")

    def ledger(self) -> set[str]:
        """The keys that the ledger on disk says were accepted."""
        return set(self._file.read_text(encoding="ascii").split())

    def _ask(self) -> None:
        with self._file.open("a", encoding="ascii") as file:
            while not self._stopping.is_set():
                key = secrets.token_hex(8)
                self._house.asked.add(key)
                while not self._accepted(key):
                    time.sleep(0.1)
                file.write(f"{key}\n")
                file.flush()
                os.fsync(file.fileno())
                self.accepted.add(key)
                self._house.accepted.add(key)

    def _accepted(self, key: str) -> bool:
        payload = {"key": key, "seconds": self._seconds}
        try:
            with transaction() as connection:
                accept(connection, KIND, [payload], key=key, actor="client", trigger="api")
        except AtalaiaError:
            return False
        worker.wake()
        return True

    def _read(self) -> None:
        """Reads: an answer is right, or a 503 that says when to come back."""
        while not self._stopping.is_set():
            try:
                answer = self._house.get("/v1/ops/pipeline-runs")
            except httpx.TransportError as error:
                if isinstance(error, httpx.TimeoutException):
                    self.wrong.append("no answer for 35 s")
                time.sleep(0.1)  # the API itself is dead
                continue
            self.answers[answer.status_code] += 1
            if answer.status_code == 503:
                if int(answer.headers.get("retry-after", "0")) <= 0:
                    self.wrong.append("a 503 without Retry-After")
            elif answer.status_code != 200 or "items" not in answer.json():
                self.wrong.append(f"{answer.status_code}: {answer.text[:200]}")
            time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _kill_session(leader: int) -> None:
    """A program and what it forked, which is of its session but maybe not of its group."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(ProcessLookupError):
                if os.getsid(int(entry.name)) == leader:
                    os.kill(int(entry.name), signal.SIGKILL)
