"""The watchdog: a process of its own that raises when nobody watches. It asks files, not the
database, so that it can tell of a database that is away."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from atalaia.serve.cli.output import Shape, show_one

MAX_SECONDS = 90.0


def watchdog(
    max_seconds: Annotated[
        float, typer.Option("--max-seconds", min=1, help="Depois de tanto silêncio, soa.")
    ] = MAX_SECONDS,
    shape: Shape = None,
) -> int:
    """Sai com 2 quando o agendador não dá sinal ou as regras de alerta não são avaliadas. Para o
    cron de cada minuto, ou um temporizador do systemd: não precisa do banco."""
    from atalaia.kernel.base.settings import state_dir
    from atalaia.kernel.watch import heartbeat

    run = state_dir() / "run"
    found = heartbeat.judge(
        _touched(run / "scheduler.heartbeat"),
        heartbeat.read(run / "watch.json"),
        datetime.now(UTC),
        max_seconds,
    )
    show_one(asdict(found), shape)
    return found.code


def _touched(file: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError:
        return None
