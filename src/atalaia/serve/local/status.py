"""What is true of every part right now: up, down or unknown, since when, and how we know."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from redis import Redis
from redis.exceptions import RedisError

from atalaia.kernel.base.settings import settings
from atalaia.serve.local import process
from atalaia.serve.local.layout import Layout
from atalaia.serve.local.parts import answers

State = Literal["up", "down", "unknown"]
HEALTHY = b'{"api":"ok","db":"ok"}'
_HEARTBEAT_SECONDS = 90  # a program says something every 10 s; silent this long, we do not know
_SECONDS = 2
_QUEUE = "atalaia"  # as in serve.worker, which is not imported: it would load all of RQ


@dataclass(frozen=True, slots=True)
class Part:
    """One part as it was found. `since` is when it was started (UTC), where that can be known."""

    part: str
    state: State
    detail: str
    address: str = ""
    pid: int | None = None
    since: str | None = None


def parts(home: Layout) -> list[Part]:
    """Every part, found by asking it."""
    return [_postgres(home), _redis(home), _api(home), _worker(home), _scheduler(home)]


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def public_address(url: str) -> str:
    """Where a server is, without its password."""
    try:
        known = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return "endereço ilegível"
    return f"{known.get('host', '')}:{known.get('port', '5432')}/{known.get('dbname', '')}"


def _postgres(home: Layout) -> Part:
    url = settings().database_url
    if not url:
        return Part("postgres", "down", "DATABASE_URL não está definida")
    own = home.postgres.running() if home.postgres.owns(url) else None
    kind = "servidor privado" if home.postgres.owns(url) else "servidor de DATABASE_URL"
    address = public_address(url)
    try:
        with psycopg.connect(url, connect_timeout=_SECONDS, row_factory=dict_row) as connection:
            found = connection.execute(
                "SELECT pg_postmaster_start_time() AS since, current_setting('server_version') AS v"
            ).fetchone()
    except psycopg.Error as error:
        if own:
            said = f"{kind}: o processo existe, mas não atende ({type(error).__name__})"
            return Part("postgres", "unknown", said, address, own.identity.pid, _when(own.since))
        return Part("postgres", "down", f"{kind}: não responde", address)
    assert found is not None  # noqa: S101  a SELECT without FROM gives its row
    since = found["since"].astimezone(UTC).isoformat(timespec="seconds")
    pid = own.identity.pid if own else None
    return Part("postgres", "up", f"{kind}, versão {found['v']}", address, pid, since)


def _redis(home: Layout) -> Part:
    url = settings().redis_url
    if not url:
        return Part("redis", "down", "REDIS_URL não está definida")
    own = home.redis.running() if home.redis.owns(url) else None
    kind = "servidor privado" if home.redis.owns(url) else "servidor de REDIS_URL"
    address = url.rpartition("@")[2].removeprefix("redis://")
    try:
        with Redis.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS) as redis:
            server: Any = redis.info("server")
    except (RedisError, ValueError) as error:
        if own:
            said = f"{kind}: o processo existe, mas não atende ({type(error).__name__})"
            return Part("redis", "unknown", said, address, own.identity.pid, _when(own.since))
        return Part("redis", "down", f"{kind}: não responde", address)
    since = _when(time.time() - server["uptime_in_seconds"])
    pid = own.identity.pid if own else None
    return Part("redis", "up", f"{kind}, versão {server['redis_version']}", address, pid, since)


def _api(home: Layout) -> Part:
    url = settings().atalaia_url.rstrip("/")
    own = process.remembered(home.pid_file("api"))
    pid, since = (own.pid, _when(own.since)) if own else (None, None)
    status, body = answers(f"{url}/v1/health", _SECONDS)
    if status == 200 and body == HEALTHY:
        said = "atende" if own else "atende, mas não foi iniciada por esta pasta"
        return Part("api", "up", said, url, pid, since)
    if status == 503 and body.startswith(b'{"api":"ok"'):
        return Part("api", "up", "atende; o banco de dados não", url, pid, since)
    if own:
        said = f"o processo existe, mas responde {status}" if status else "o processo não responde"
        return Part("api", "unknown", said, url, pid, since)
    said = "outro programa atende nesse endereço" if status else "não está no ar"
    return Part("api", "down", said, url)


def _worker(home: Layout) -> Part:
    own = process.remembered(home.pid_file("worker"))
    if own is None:
        return Part("worker", "down", "não está no ar")
    try:
        seen = _worker_heartbeat(own.pid)
    except (RedisError, ValueError):
        said = "o processo existe; sem Redis não há como saber se trabalha"
        return Part("worker", "unknown", said, "", own.pid, _when(own.since))
    return _by_heartbeat("worker", own, seen)


def _worker_heartbeat(pid: int) -> float | None:
    """When the worker last told Redis that it lives; by its own key, which a flush only delays."""
    with Redis.from_url(
        settings().redis_url,
        decode_responses=True,
        socket_timeout=_SECONDS,
        socket_connect_timeout=_SECONDS,
    ) as redis:
        key = f"rq:worker:{_QUEUE}-{socket.gethostname()}-{pid}"
        seen: Any = redis.hget(key, "last_heartbeat")
    return datetime.fromisoformat(seen.replace("Z", "+00:00")).timestamp() if seen else None


def _scheduler(home: Layout) -> Part:
    own = process.remembered(home.pid_file("scheduler"))
    if own is None:
        return Part("scheduler", "down", "não está no ar")
    try:
        seen: float | None = (home.folder / "run" / "scheduler.heartbeat").stat().st_mtime
    except OSError:
        seen = None
    return _by_heartbeat("scheduler", own, seen)


def _by_heartbeat(part: str, own: process.Identity, seen: float | None) -> Part:
    if seen is None and time.time() - own.since < _HEARTBEAT_SECONDS:
        return Part(part, "up", "acabou de começar", "", own.pid, _when(own.since))
    silent = time.time() - seen if seen else None
    if silent is None or silent > _HEARTBEAT_SECONDS:
        said = "o processo existe, mas não dá sinal" + (f" há {silent:.0f} s" if silent else "")
        return Part(part, "unknown", said, "", own.pid, _when(own.since))
    return Part(part, "up", f"deu sinal há {silent:.0f} s", "", own.pid, _when(own.since))
