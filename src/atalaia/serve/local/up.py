"""`atalaia up` and `atalaia down`: every part standing, in order, and exactly those ended again."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import NoSpace, UsageError
from atalaia.kernel.base.schema import applied_files, files_on_disk
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import keys
from atalaia.kernel.keep.guard import require_backup
from atalaia.kernel.work.runner import whoami
from atalaia.serve.local import parts, status
from atalaia.serve.local.layout import (
    Layout,
    given,
    given_database_url,
    given_redis_url,
    read_env,
    write_env,
)
from atalaia.serve.local.loading import code_version
from atalaia.serve.local.status import Part

Tell = Callable[[str], None]
DEFAULT_PORT = 8000
_ROOM_BYTES = 1_000_000_000  # a cluster, the bundled data in bronze, silver and gold, and WAL
_KEY_NAME = "operador local"
_OWN_SECRETS = ("AUDIT_ANCHOR_KEY", "KEY_PEPPER")  # made here when nobody gave them


@dataclass(slots=True)
class Standing:
    """An instance after `stand`: its address, and what had to be started."""

    url: str
    started: list[str] = field(default_factory=list)


def stand(home: Layout, *, port: int, tell: Tell) -> Standing:
    """Have servers, schema and key standing, and API, worker and scheduler started; `answering`
    waits for them. What runs already with the same code and settings is left alone. Raises
    PortTaken before anything is touched, NoSpace, Unavailable and DatabaseUnavailable."""
    chosen = parts.api_port(home, port)
    _require_room(home)
    standing = Standing(f"http://127.0.0.1:{chosen}")
    tell("servidores")
    write_env(home.env_file, _addresses(home, standing))
    tell("esquema do banco")
    _migrate()
    _sync_lists()
    _require_key(home)
    version = hashlib.sha256(
        "\0".join(
            [code_version(), *map("=".join, sorted(read_env(home.env_file).items()))]
        ).encode()
    ).hexdigest()
    tell("API, worker e agendador")
    for name in parts.PROGRAMS:
        if parts.start_program(home, name, version=version, port=chosen).fresh:
            standing.started.append(name)
    parts.remember_port(home, chosen)
    return standing


def answering(home: Layout) -> list[Part]:
    """Every part, once each has had its time to start. Raises Unavailable when the API has not."""
    parts.wait_for_api(home, settings().atalaia_url)
    return status.parts(home)


def fall(home: Layout) -> list[str]:
    """Stop every part that was started here, the last started first. Returns their names."""
    stopped = [name for name in reversed(parts.PROGRAMS) if parts.stop_program(home, name)]
    if home.redis.stop():
        stopped.append("redis")
    if home.postgres.stop():
        stopped.append("postgres")
    return stopped


def require_deletable(home: Layout, *, override: bool, reason: str) -> None:
    """Raise unless the private database may be deleted: outside production, for a reason, behind
    a verified backup or with the override recorded. It must be running, to be asked."""
    if settings().env == "production":
        raise UsageError("Em produção (ENV=production) os dados não se apagam por aqui.")
    if given_database_url(home):
        raise UsageError("O banco de DATABASE_URL não é desta pasta. Nada foi parado nem apagado.")
    if not reason.strip():
        raise UsageError("--delete-data pede --reason. Nada foi parado nem apagado.")
    require_backup(
        "down --delete-data", override=override, actor=whoami(), trigger="cli", reason=reason
    )


def delete(home: Layout) -> None:
    """Remove what the private servers keep. They must be stopped."""
    for folder in (home.postgres.folder, home.redis.folder):
        shutil.rmtree(folder, ignore_errors=True)


def _require_room(home: Layout) -> None:
    free = shutil.disk_usage(home.folder).free
    if free < _ROOM_BYTES:
        raise NoSpace(
            f"Há {free / 1e6:.0f} MB livres em {home.folder}; são precisos "
            f"{_ROOM_BYTES / 1e6:.0f} MB. Nada foi iniciado nem alterado.",
            todo="Libere espaço e rode de novo.",
        )


def _addresses(home: Layout, standing: Standing) -> Mapping[str, str]:
    """The servers to use, started when they are ours."""
    database_url, redis_url = given_database_url(home), given_redis_url(home)
    if not database_url:
        if home.postgres.running() is None:
            standing.started.append("postgres")
        home.postgres.start()
        database_url = home.postgres.url()
    if not redis_url:
        if home.redis.running() is None:
            standing.started.append("redis")
        home.redis.start()
        redis_url = home.redis.url()
    known = read_env(home.env_file)
    addresses = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "ATALAIA_URL": standing.url,
        "ATALAIA_TOKEN": known.get("ATALAIA_TOKEN", ""),
    }
    for name in _OWN_SECRETS:
        own, asked = known.get(name, ""), given(name)
        if asked in ("", own):
            addresses[name] = own or secrets.token_urlsafe(32)
    return addresses


def _migrate() -> None:
    """Apply what is not applied. Asking is cheap; Alembic, which is not, is loaded only to act (or
    to refuse a file that was changed after it was applied)."""
    if applied_files() == files_on_disk():
        return
    from atalaia.kernel.base.migrate import upgrade

    upgrade()


def _sync_lists() -> None:
    """What the manifests list is what the database lists: sources and contracts."""
    from atalaia.kernel.domain import sync_contracts, sync_registry
    from atalaia.serve import catalog

    for domain in catalog.domains():
        with transaction() as connection:
            sync_registry(domain, connection)
            sync_contracts(domain, connection)


def _require_key(home: Layout) -> None:
    """Have an operator's key: the one in `env` when the database knows it, else a new one."""
    known = read_env(home.env_file)
    with transaction() as connection:
        present = keys.find(connection, known.get("ATALAIA_TOKEN", ""))
        if present and present.role == "operator":
            return
        who = keys.Who(whoami(), "up", _KEY_NAME)
        made = keys.create(connection, name=_KEY_NAME, role="operator", who=who)
    write_env(home.env_file, {**known, "ATALAIA_TOKEN": made.secret})


def wanted_port() -> int:
    """The port asked for by ATALAIA_PORT (0: any free one), else 8000."""
    from atalaia.kernel.base.errors import UsageError

    text = os.environ.get("ATALAIA_PORT", str(DEFAULT_PORT))
    if not text.isdigit() or int(text) > 65535:
        raise UsageError(f"ATALAIA_PORT='{text}' não é uma porta.", todo="Use 1024 a 65535, ou 0.")
    return int(text)


def restart(home: Layout, name: str) -> None:
    """Stop one part and have it standing again with the same address."""
    if name == "postgres" and home.postgres.stop():
        home.postgres.start()
    elif name == "redis" and home.redis.stop():
        home.redis.start()
    elif name in parts.PROGRAMS:
        parts.stop_program(home, name)
    stand(home, port=_current_port(), tell=lambda _text: None)
    answering(home)


def _current_port() -> int:
    return int(settings().atalaia_url.rpartition(":")[2].strip("/") or DEFAULT_PORT)
