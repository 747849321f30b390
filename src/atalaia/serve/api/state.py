"""What the API stands on, part by part, with the reason when a part does not hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Literal

import psycopg
import redis as redis_client
from rq import Worker

from atalaia.kernel.base.database import connect, row, rows
from atalaia.kernel.base.errors import AtalaiaError
from atalaia.kernel.base.settings import project_dir, settings
from atalaia.kernel.keep.guard import MAX_AGE_HOURS
from atalaia.kernel.keep.pepper import has_pepper
from atalaia.serve import catalog

Status = Literal["ok", "warn", "fail"]
_REDIS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Part:
    """One part: 'warn' leaves the API ready, 'fail' does not. The reason is in pt-BR."""

    name: str
    status: Status
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The part, JSON-ready."""
        return asdict(self)


def database_answers(*, directly: bool) -> bool:
    """Whether PostgreSQL answers now; `directly` asks on a connection of its own, which fails at
    once when nobody listens, instead of waiting for the pool to heal."""
    try:
        if directly:
            with connect() as connection:
                connection.execute("SELECT 1")
        else:
            row("SELECT 1")
    except AtalaiaError:
        return False
    return True


def redis_part() -> Part:
    """Redis only wakes workers: without it work waits, and nothing is lost."""
    url = settings().redis_url
    if not url:
        return Part("redis", "warn", "REDIS_URL não está definida; os workers não são acordados.")
    try:
        with _redis(url) as server:
            server.ping()
    except redis_client.RedisError as error:
        reason = f"O Redis não responde ({type(error).__name__}); o trabalho aceito espera."
        return Part("redis", "warn", reason)
    return Part("redis", "ok")


def workers() -> int | None:
    """Workers listening to the queue now; None when Redis cannot say."""
    url = settings().redis_url
    try:
        if not url:
            return None
        with _redis(url) as server:
            return int(Worker.count(connection=server))
    except redis_client.RedisError:
        return None


def _redis(url: str) -> redis_client.Redis:
    return redis_client.Redis.from_url(
        url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS
    )


@cache
def _heads() -> frozenset[str]:
    from alembic.config import Config  # here: it is a third of what importing the API takes
    from alembic.script import ScriptDirectory

    config = Config(toml_file=str(project_dir() / "pyproject.toml"))
    return frozenset(ScriptDirectory.from_config(config).get_heads())


def migrations_part() -> Part:
    """Whether the database has the schema this program was written for."""
    there = row("SELECT to_regclass('public.alembic_version') IS NOT NULL AS there")
    if not there or not there["there"]:
        return Part("migrations", "fail", "O banco está vazio: rode 'alembic upgrade heads'.")
    applied = {found["version_num"] for found in rows("SELECT version_num FROM alembic_version")}
    if applied == _heads():
        return Part("migrations", "ok")
    missing = ", ".join(sorted(_heads() - applied)) or "nenhuma"
    unknown = ", ".join(sorted(applied - _heads())) or "nenhuma"
    reason = f"Revisões por aplicar: {missing}; desconhecidas deste programa: {unknown}."
    return Part("migrations", "fail", reason)


def domains_part() -> Part:
    """Every installed domain, or the reason why one did not load."""
    broken = catalog.broken()
    if not broken:
        return Part("domains", "ok")
    # The reason may hold a path of this machine; the class of the error is enough here.
    told = "; ".join(f"{one.name} ({one.reason.partition(':')[0]})" for one in broken)
    return Part("domains", "warn", f"Não carregaram: {told}. O log diz mais.")


def keys_part() -> Part:
    """Whether keys can be known here. Without a pepper what is public is answered all the same."""
    if has_pepper():
        return Part("keys", "ok")
    reason = "KEY_PEPPER não está definida: nenhuma chave ou sessão é aceita."
    return Part("keys", "warn", reason)


def data_part(version: int | None) -> Part:
    """Whether there is data to answer from."""
    if version is None:
        return Part("data_version", "warn", "Ainda não há versão dos dados: rode a carga.")
    return Part("data_version", "ok", f"versão {version}")


def backup_part() -> Part:
    """Whether there is a verified backup of the last day to go back to. (Its bytes are not read
    here; the guard before what destroys does.)"""
    newest = row(
        """SELECT clock_timestamp() - max(created_at_utc) AS age,
                  max(created_at_utc) > clock_timestamp() - %s * interval '1 hour' AS young
           FROM ops.backups
           WHERE verified_at_utc IS NOT NULL AND problem IS NULL AND removed_at_utc IS NULL""",
        (MAX_AGE_HOURS,),
    )
    if newest and newest["young"]:
        return Part("backup", "ok")
    if not newest or newest["age"] is None:
        return Part("backup", "warn", "Não há backup verificado: atalaia backup create --verify.")
    days = newest["age"].total_seconds() / 86400
    return Part("backup", "warn", f"O backup verificado mais novo tem {days:.1f} dias.")


def parts(*, away: bool, version: int | None) -> list[Part]:
    """All parts, the database first: what stands on it is not asked when it is away."""
    if not database_answers(directly=away):
        database = Part("database", "fail", "O banco de dados não responde.")
        return [database, redis_part(), domains_part()]
    return [
        Part("database", "ok"),
        _asked("migrations", migrations_part),
        _asked("backup", backup_part),
        redis_part(),
        keys_part(),
        domains_part(),
        data_part(version),
    ]


def _asked(name: str, ask: Callable[[], Part]) -> Part:
    try:
        return ask()
    except (AtalaiaError, psycopg.errors.UndefinedTable):  # away again, or not migrated yet
        return Part(name, "fail", "Não foi possível perguntar ao banco de dados.")


def domain_pipelines() -> dict[str, Any]:
    """What the domains say of their own pipelines, by name. Raises what asking the database may."""
    found: dict[str, Any] = {}
    for domain in catalog.domains():
        if domain.pipelines:
            found |= catalog.brought(domain.pipelines)()
    return found


def pipelines() -> dict[str, Any]:
    """The last run of every job, by job."""
    found = rows(
        """SELECT DISTINCT ON (job_name) job_name, status, reference_period, verdict::text,
                  started_at_utc, finished_at_utc
           FROM ops.pipeline_runs ORDER BY job_name, started_at_utc DESC"""
    )
    return {run.pop("job_name"): run for run in found}
