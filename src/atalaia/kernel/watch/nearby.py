"""What the platform's rules measure around the database: Redis, workers, disks, the API, and
whether the database itself went away. What must be seen twice is kept in the rule's memory, which
is the process's: after a restart of the scheduler it begins anew."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from atalaia.kernel.base.settings import settings
from atalaia.kernel.watch.rules import Ground, Measure

_REDIS_SECONDS, _API_SECONDS = 5.0, 15.0
_SILENT_SECONDS, _GONE_SECONDS = 50.0, 5.0
_RESTART_SHOWN = timedelta(minutes=5)
_WINDOW = timedelta(minutes=5)
_FEWEST_ANSWERS = 20
_SHARE_PERCENT = 5.0
_SLOW = "1.5"  # a bound of atalaia_http_request_seconds
AWAY_SINCE = "away_since"  # in the memory of database-restarted: who could not go round puts it


def database_restarted(ground: Ground) -> Iterator[Measure]:
    """1 for some minutes after the database was away, or another server process than before."""
    row = ground.connection.execute("SELECT pg_postmaster_start_time() AS started").fetchone()
    assert row is not None  # noqa: S101  a SELECT without FROM gives its row
    memory, started = ground.memory, row["started"]
    away: datetime | None = memory.pop(AWAY_SINCE, None)
    if away or memory.get("started", started) != started:
        told = f"reiniciou em {started:%Y-%m-%d %H:%M:%S} UTC"
        if memory.get("started", started) == started:
            told = "deixou de atender e voltou"
        since = f", fora desde {away:%H:%M:%S}" if away else ""
        memory["seen"], memory["says"] = ground.moment, f"o PostgreSQL {told}{since}"
    memory["started"] = started
    seen: datetime | None = memory.get("seen")
    recent = seen is not None and ground.moment - seen < _RESTART_SHOWN
    says = memory.get("says", "") if recent else f"no ar desde {started:%Y-%m-%d %H:%M:%S} UTC"
    yield Measure("", float(recent), 0, says)


def _seconds_of(memory: dict[str, Any], wrong: bool, now: datetime) -> float:
    """How long it has been wrong, as far as this process saw."""
    if not wrong:
        memory.pop("since", None)
        return 0.0
    since: datetime = memory.setdefault("since", now)
    return (now - since).total_seconds()


def redis_lost(ground: Ground) -> Iterator[Measure]:
    """Seconds since Redis last answered."""
    why = ""
    try:
        ground.around.ping_redis()
    except Exception as error:
        why = type(error).__name__
    seconds = _seconds_of(ground.memory, bool(why), ground.moment)
    says = f"sem resposta há {seconds:.0f} s ({why})" if why else "responde"
    yield Measure("", seconds, _REDIS_SECONDS, says)


def worker_dead(ground: Ground) -> Iterator[Measure]:
    """Seconds without a worker known to live. Raises when Redis, that lists them, is away."""
    seen = ground.around.workers()
    living = [one for one in seen if one.gone is not True and one.silent_seconds <= _SILENT_SECONDS]
    seconds = _seconds_of(ground.memory, not living, ground.moment)
    gone = [one for one in seen if one.gone]
    if living:
        says = f"{len(living)} no ar"
    else:
        listed = ", ".join(one.name for one in seen) or "nenhum se apresentou"
        says = f"sem worker há pelo menos {seconds:.0f} s ({listed})"
    yield Measure("", seconds, _GONE_SECONDS if gone else _SILENT_SECONDS, says)


def disk_full(ground: Ground) -> Iterator[Measure]:
    """Per cent used of each disk that matters; those of one disk are one subject."""
    high = float(settings().disk_high_percent)
    by_disk: dict[int, tuple[list[str], Any]] = {}
    for name, folder in ground.around.folders.items():
        at = next(path for path in (folder, *folder.parents) if path.exists())
        by_disk.setdefault(at.stat().st_dev, ([], shutil.disk_usage(at)))[0].append(name)
    for names, usage in by_disk.values():
        used = 100.0 * usage.used / (usage.used + usage.free)  # as df has it: root's share is gone
        says = f"{used:.1f} % usados, {usage.free / 1e9:.1f} GB livres"
        yield Measure(
            "+".join(sorted(names)), used, high, says, severe=(high + 100.0) / 2,
            arguments={"disk": sorted(names)[0]},
        )  # fmt: skip


def api_down(ground: Ground) -> Iterator[Measure]:
    """Seconds since the API last said that it lives."""
    why = ""
    try:
        ground.around.get_api("/livez")
    except Exception as error:
        why = type(error).__name__
    seconds = _seconds_of(ground.memory, bool(why), ground.moment)
    says = f"sem resposta há {seconds:.0f} s ({why})" if why else "responde"
    yield Measure("", seconds, _API_SECONDS, says, arguments={"url": settings().atalaia_url})


def api_errors(ground: Ground) -> Iterator[Measure]:
    """Per cent of the last minutes' answers that were 5xx."""
    answers, bad, _ = _recent(ground)
    yield _share(answers, bad, "foram 5xx")


def api_slow(ground: Ground) -> Iterator[Measure]:
    """Per cent of the last minutes' answers that took long."""
    answers, _, slow = _recent(ground)
    yield _share(answers, slow, "levaram mais de 1,5 s")


def _share(answers: float, those: float, what: str) -> Measure:
    percent = 100.0 * those / answers if answers >= _FEWEST_ANSWERS else 0.0
    says = f"{those:.0f} de {answers:.0f} respostas dos últimos 5 minutos {what}"
    return Measure("", percent, _SHARE_PERCENT, says, arguments={"url": settings().atalaia_url})


def _recent(ground: Ground) -> tuple[float, float, float]:
    """Answers, those of 5xx and those that took long, since about five minutes ago: counters only
    grow, until their process is another one."""
    now = (ground.moment, *_counted(ground.around.get_api("/metrics")))
    samples: list[tuple[datetime, float, float, float]] = ground.memory.setdefault("samples", [])
    if samples and now[1] < samples[-1][1]:
        samples.clear()
    samples.append(now)
    while len(samples) > 2 and ground.moment - samples[1][0] >= _WINDOW:
        samples.pop(0)
    _, answers, bad, slow = samples[0] if len(samples) > 1 else (None, *now[1:])
    return now[1] - answers, now[2] - bad, now[3] - slow


def _counted(exposition: str) -> tuple[float, float, float]:
    answers = bad = timed = quick = 0.0
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            if sample.name == "atalaia_http_requests_total":
                answers += sample.value
                bad += sample.value if sample.labels["status"].startswith("5") else 0.0
            elif sample.name == "atalaia_http_request_seconds_bucket":
                timed += sample.value if sample.labels["le"] == "+Inf" else 0.0
                quick += sample.value if sample.labels["le"] == _SLOW else 0.0
    return answers, bad, timed - quick
