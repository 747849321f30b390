"""`atalaia logs`: what the parts registered, since when, under which trace, how bad."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Annotated

import typer

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.base.logfiles import LEVELS, Line, Parser, Wanted, read
from atalaia.serve.cli import OK
from atalaia.serve.cli.output import Shape, show
from atalaia.serve.local.layout import layout
from atalaia.serve.local.parts import named

_POLL_SECONDS = 0.5
_FEW = 50  # lines shown when nothing says which
_AGE = re.compile(r"(\d{1,6})(s|min|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}

Part = Annotated[str | None, typer.Argument(help="postgres, redis, api, worker …")]


def logs(
    part: Part = None,
    lines: Annotated[
        int | None, typer.Option("--lines", "-n", min=1, help="Quantas, das últimas.")
    ] = None,
    since: Annotated[str, typer.Option(help="Desde: 4h, 30min, 2d, ou 2026-11-23T02:00.")] = "",
    until: Annotated[str, typer.Option(help="Até, do mesmo modo.")] = "",
    trace: Annotated[str, typer.Option(help="Só deste trace_id.")] = "",
    level: Annotated[str, typer.Option(help=f"No mínimo: {', '.join(LEVELS)}.")] = "",
    contains: Annotated[str, typer.Option("--grep", help="Só linhas com este texto.")] = "",
    follow: Annotated[bool, typer.Option("--follow", help="Continua mostrando.")] = False,
    shape: Shape = None,
) -> int:
    """O que as partes registraram, também nos arquivos já rodados, em ordem de tempo.

    Sem --since nem --trace, as últimas 50 linhas. Com --follow, o arquivo em uso e o que vier.
    Horas sem fuso são UTC, como nos registros.
    """
    if level.upper() not in ("", *LEVELS):
        raise UsageError(f"'{level}' não é um nível.", todo=f"Há: {', '.join(LEVELS)}.")
    if follow and part is None:
        raise UsageError("--follow pede o nome de uma parte.", todo="atalaia logs api --follow")
    wanted = Wanted(_moment(since), _moment(until), level.upper(), trace, contains)
    files = _files(part)
    part = part and named(part)
    growing = _growing(part, files[part]) if follow and part else iter(())
    written = takewhile(lambda line: line is not None, growing) if follow else read(files, wanted)
    found: Iterable[Line] = (line for line in written if line and wanted.takes(line))
    most = lines or (None if since or trace else _FEW)
    if most:
        found = deque(found, maxlen=most)
    if shape is not None:
        columns = ("ts", "service", "level", "message", "trace_id")
        show((line.as_dict() for line in found), shape, columns)
    else:
        for line in found:
            _print(line, alone=part is not None)
    for more in growing:
        if more and wanted.takes(more):
            _print(more, alone=True)
    return OK


def _files(part: str | None) -> dict[str, Path]:
    home = layout()
    files = {path.stem: path for path in sorted(home.logs.glob("*.log"))}
    files |= {"postgres": home.postgres.log, "redis": home.redis.log}
    files = {name: path for name, path in files.items() if path.exists()}
    if part is None:
        return files
    if part not in files:
        known = ", ".join(files) or "nenhum"
        raise NotFound(f"Não há registro de '{part}'.", todo=f"Há de: {known}.")
    return {part: files[part]}


def _moment(text: str) -> datetime | None:
    """A moment as people write it: an age ('4h') or a date and time."""
    if not text:
        return None
    age = _AGE.fullmatch(text)
    if age:
        return now() - timedelta(seconds=int(age[1]) * _SECONDS[age[2]])
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"'{text}' não é um momento.", todo="Escreva 4h, 30min, 2d, ou 2026-11-23T02:00."
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _print(line: Line, *, alone: bool) -> None:
    print(line.text if alone else f"{line.service}: {line.text}", flush=True)


def _growing(service: str, path: Path) -> Iterator[Line | None]:
    """What the file has, None, and then lines as they come; from the beginning again when it was
    rotated."""
    parser, told = Parser(service), False
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        while True:
            line = file.readline()
            if line:
                yield parser.line(line)
                continue
            if not told:
                told = True
                yield None
            if path.stat().st_size < file.tell():
                file.seek(0)
            time.sleep(_POLL_SECONDS)
