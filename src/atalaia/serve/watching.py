"""What the alert rules stand on here: which rules there are, and how what is around is asked."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from redis import Redis
from rq import Worker

from atalaia.kernel.base.clock import Deadline, now
from atalaia.kernel.base.errors import AtalaiaError, SourceError, Unavailable, UsageError
from atalaia.kernel.base.outbound import download
from atalaia.kernel.base.redact import place_of
from atalaia.kernel.base.settings import settings, state_dir
from atalaia.kernel.base.trace import log
from atalaia.kernel.watch import contacts, heartbeat, incidents
from atalaia.kernel.watch.evaluation import Memory, Round, evaluate
from atalaia.kernel.watch.heartbeat import Sign
from atalaia.kernel.watch.nearby import AWAY_SINCE
from atalaia.kernel.watch.platform_rules import RULES
from atalaia.kernel.watch.rules import Rule, Source, Surroundings, WorkerSeen, causes_first
from atalaia.serve import catalog, worker
from atalaia.serve.local.layout import layout

_SECONDS = 2.0
_BEAT_SECONDS = 5.0
_HEARD = (200, 201, 202, 204)


def sign_file() -> Path:
    """Where the last round leaves its sign."""
    return state_dir() / "run" / "watch.json"


def rules() -> tuple[Rule, ...]:
    """The platform's rules and those of every installed domain."""
    found: tuple[Rule, ...] = RULES
    for domain in catalog.domains():
        try:
            found = tuple(causes_first((*found, *domain.alerts)))
        except UsageError as error:  # the others' are asked all the same
            log("ERROR", "the alert rules of a domain were left out", domain=domain.name,
                why=str(error))  # fmt: skip
    return found


def surroundings() -> Surroundings:
    """How what is around is asked on this machine."""
    return Surroundings(_ping_redis, _workers, _get_api, _folders(), _sources())


def _redis() -> Redis:
    return Redis.from_url(
        settings().redis_url, decode_responses=True,
        socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS,
    )  # fmt: skip


def _ping_redis() -> None:
    with _redis() as connection:
        connection.ping()


def _workers() -> list[WorkerSeen]:
    """Everybody on RQ's list, with what it last said."""
    with _redis() as connection:
        keys: Any = connection.smembers(Worker.redis_workers_keys)
        return [
            _seen(key.removeprefix(Worker.redis_worker_namespace_prefix), said)
            for key in sorted(keys)
            if (said := connection.hgetall(key)) and said.get("last_heartbeat")
        ]


def _seen(name: str, said: Mapping[str, str]) -> WorkerSeen:
    heard = datetime.fromisoformat(said["last_heartbeat"].replace("Z", "+00:00"))
    heard = heard if heard.tzinfo else heard.replace(tzinfo=UTC)
    silent = (now() - heard).total_seconds()
    ours = name.startswith(f"{worker.QUEUE}-{socket.gethostname()}-")
    pid = name.rpartition("-")[2]
    gone = not Path(f"/proc/{pid}").exists() if ours and pid.isdigit() else None
    return WorkerSeen(name, silent, gone)


def _get_api(path: str) -> str:
    url = settings().atalaia_url.rstrip("/")
    with TemporaryDirectory() as folder:
        target = Path(folder) / "answer"
        download(
            url + path, target, deadline=Deadline(_SECONDS), timeout_seconds=_SECONDS, inside=url
        )
        return target.read_text(encoding="utf-8")


def _folders() -> dict[str, Path]:
    """Data and logs and, where the server is this machine's, the database with its WAL."""
    found = {"dados": settings().data_dir, "registros": settings().log_dir}
    private = layout().postgres
    if private.owns(settings().database_url):
        found["banco"] = private.data
    return found


def _sources() -> tuple[Source, ...]:
    """What is asked over the network; a bundled file is as new as its package."""
    return tuple(
        Source(
            connector.name,
            connector.name,
            connector.source,
            connector.refresh_hours,
            connector.folder,
            connector.datasets,
        )
        for domain in catalog.domains()
        for connector in domain.connectors
        if connector.base_url and connector.refresh_hours
    )


def beat(url: str) -> None:
    """Ask the outside address once. Raises SourceError when it was not heard."""
    with TemporaryDirectory() as folder:
        try:
            download(
                url, Path(folder) / "answer", deadline=Deadline(_BEAT_SECONDS),
                timeout_seconds=_BEAT_SECONDS, inside=url,
            )  # fmt: skip
        except SourceError as error:
            if error.status not in _HEARD:  # heard, with nothing to say
                raise


class Watch:
    """The scheduler's part: goes round when it is time, leaves a sign, and is heard outside."""

    def __init__(self) -> None:
        self._memory = Memory()
        self._next_at = self._next_beat = Deadline(0)
        self._failing_since = ""
        self._contacts_wrong: dict[str, str] = {}

    def keep_watch(self) -> Round | None:
        """Go round once if it is time. Raises DatabaseUnavailable; the sign says so."""
        if not self._next_at.passed:
            return None
        self._next_at = Deadline(settings().watch_seconds)
        at = now()
        try:
            found = evaluate(rules(), surroundings(), self._memory)
        except Exception as error:
            away = self._memory.of_rule.setdefault("database-restarted", {})
            away.setdefault(AWAY_SINCE, at)
            self._failing_since = self._failing_since or at.isoformat(timespec="seconds")
            ours = isinstance(error, AtalaiaError)
            problem = str(error) if ours else place_of(error)
            heartbeat.leave(sign_file(), Sign(at.isoformat(), problem, self._failing_since))
            if ours:
                raise
            raise Unavailable(f"As regras de alerta não foram avaliadas: {problem}.") from error
        self._failing_since = ""
        heartbeat.leave(sign_file(), Sign(at.isoformat()))
        self._beat()
        incidents.go_round(self._levels)
        return found

    def _levels(self, domain: str) -> Sequence[contacts.Level]:
        """Those of the domain, or of CONTACTS_FILE; while they are wrong, that is said once and
        levels have nobody."""
        try:
            found = catalog.voice(domain).levels()
        except UsageError as error:
            if str(error) != self._contacts_wrong.get(domain):
                log("ERROR", "contacts are not used", domain=domain, why=str(error))
            self._contacts_wrong[domain] = str(error)
            return contacts.DEFAULT
        self._contacts_wrong.pop(domain, None)
        return found

    def _beat(self) -> None:
        url = settings().heartbeat_url
        if not url or not self._next_beat.passed:
            return
        self._next_beat = Deadline(settings().heartbeat_seconds)
        try:
            beat(url)
        except AtalaiaError as error:
            log("WARNING", "the outside heartbeat was not heard", why=type(error).__name__)
