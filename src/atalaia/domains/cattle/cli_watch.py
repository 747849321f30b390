"""`atalaia cattle …`: how the feeding files fare, and the words of an incident."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

import typer

from atalaia.domains.cattle import api_watch, repair
from atalaia.domains.cattle.config import config, path
from atalaia.domains.cattle.logfiles import SERVICE
from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import transaction
from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.work.runner import whoami

Why = Annotated[str, typer.Option("--reason", help="Vai à auditoria.")]
Layout = Annotated[str, typer.Option("--layout", help="Como no alerta: trato_curral …")]
_AGE = re.compile(r"(\d{1,4})(min|h|d)")
_UNITS = {"min": "minutes", "h": "hours", "d": "days"}


def status() -> int:
    """Cor, motivos, ação e SLA das últimas 24 horas. Sai com 1 se amarelo, 2 se vermelho."""
    found = api_watch.dashboard()
    colour, sla = found["colour"], found["sla"]
    print(f"{colour['word']}: {'; '.join(colour['reasons'])}")
    print(f"ação: {colour['action']}")
    print(f"SLA: {sla['sla_status']}")
    for one in found["targets"]:
        met = {True: "cumprido", False: "não cumprido", None: "sem dados"}[one["met"]]
        print(f"  {one['title']}: {one['told']} (alvo {one['target']:g} {one['unit']}): {met}")
    for name, one in found["pipelines"].items():
        print(f"  {name}: {one['status']}, {one['waiting']} na fila, {one['in_error']} com erro")
    return {"yellow": 1, "red": 2}.get(colour["colour"], 0)


def errors(
    since: Annotated[str, typer.Option(help="Desde: 4h, 30min, 2d.")] = "4h",
) -> int:
    """As linhas ERROR e FATAL das últimas horas, e não do dia (melhor que o grep da seção X-16)."""
    found = _AGE.fullmatch(since)
    if found is None:
        raise UsageError(f"'{since}' não é um tempo.", todo="Escreva 4h, 30min ou 2d.")
    first = now() - timedelta(**{_UNITS[found[2]]: int(found[1])})
    begins = first.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    folder = config().logs
    stem = SERVICE.removesuffix(".log")
    for file in [*sorted(folder.glob(f"{stem}-*.log")), folder / SERVICE]:
        if not file.exists():
            continue
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line[:19] >= begins and line[20:26].split(" ")[0] in ("ERROR", "FATAL"):
                    print(line, end="")
    return 0


def check_config() -> int:
    """Lê a configuração e diz de onde veio; o que está errado é dito com o lugar."""
    config()
    print(f"configuração: {path() or 'padrões, sem arquivo'}")
    print(f"logs: {config().logs}")
    return 0


def retry_failed(reason: Why) -> int:
    """Tenta de novo as dead letters que podem passar; as permanentes esperam quem decida."""
    with transaction() as connection:
        count = repair.retry_passing(connection, **_who(reason))
    print(f"{count} dead letters voltaram à fila.")
    return 0


def slow(layout: Layout) -> int:
    """Quem segura a tabela de um layout, e as consultas mais lentas."""
    with transaction() as connection:
        held, queries = repair.holding(connection, layout), repair.slow_queries(connection)
    for one in held:
        blocks = ", e outros esperam por ele" if one["blocks"] else ""
        print(f"processo {one['pid']} ({one['state']}) há {one['seconds']} s{blocks}")
    print(f"{len(held)} sessões na tabela do layout {layout}")
    for one in queries:
        print(f"{one['mean_time']:10.1f} ms  {one['calls']:8d}×  {one['query']}")
    return 0


def release(layout: Layout, reason: Why) -> int:
    """Encerra as sessões que seguram a tabela de um layout e fazem outras esperar."""
    with transaction() as connection:
        ended = repair.release(connection, layout, **_who(reason))
    print(f"encerradas: {', '.join(map(str, ended)) or 'nenhuma'}")
    return 0


def _who(reason: str) -> dict[str, str]:
    if not reason.strip():
        raise UsageError("Falta dizer por quê (--reason). Nada foi mudado.")
    return {"actor": whoami(), "reason": reason.strip(), "trigger": "cli"}


def add_to(app: typer.Typer) -> None:
    """Put these commands into the domain's own."""
    app.command("status")(status)
    app.command("errors")(errors)
    app.command("check-config")(check_config)
    app.command("retry-failed")(retry_failed)
    app.command("slow")(slow)
    app.command("release")(release)
