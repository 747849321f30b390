"""atalaia backup: all of the platform in one file, and back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from atalaia.kernel.base.errors import UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import backup as backing
from atalaia.kernel.keep import recovery
from atalaia.kernel.work.runner import whoami
from atalaia.serve import catalog
from atalaia.serve.cli import CRITICAL, OK, WARNING
from atalaia.serve.cli.app import Command, Group
from atalaia.serve.cli.output import Reason, Shape, say, show, show_one

Why = Annotated[str, typer.Option("--reason", help="Por quê; fica na auditoria.")]
Override = Annotated[
    bool,
    typer.Option(
        "--override-without-backup",
        help="Segue sem backup verificado de menos de 24 h; fica na auditoria.",
    ),
]
File = Annotated[Path, typer.Argument(help="O arquivo; o .checksum está ao lado.")]
_COLUMNS = ("backup_id", "file", "created_at_utc", "size", "row_count", "verified_at_utc")

backup = typer.Typer(
    cls=Group, add_completion=False, help="Tudo num arquivo só: fazer, conferir, restaurar."
)


@backup.callback()
def _everything_is_kept() -> None:
    """A domain registers what it keeps when it is loaded; one that did not would be left out."""
    catalog.domains()


@backup.command("create", cls=Command)
def backup_create(
    out: Annotated[Path, typer.Option("--out", "-o", help="O arquivo a escrever.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Restaura num banco à parte e compara tudo.")
    ] = False,
    reason: Reason = None,
    shape: Shape = None,
) -> int:
    """Escreve banco, arquivos brutos e auditoria, de um só momento, e o SHA-256 ao lado.

    Sai com 1 quando algum arquivo bruto já não estava no disco, 2 quando --verify não bate.
    """
    who = whoami()
    with _bar() as watcher:
        made = backing.create(out, actor=who, trigger="cli", reason=reason, watcher=watcher)
        if verify:
            file = Path(made["file"])
            recovery.verify(file, actor=who, trigger="cli", reason=reason, watcher=watcher)
            made["verified"] = True
    show_one(made, shape)
    for broken in catalog.broken():
        say(f"O domínio {broken.name} não carregou; o que ele guarda em disco não foi copiado.")
    if made["missing_files"]:
        say(f"Aviso: {made['missing_files']} arquivos brutos não estão no disco como vieram.")
    return WARNING if made["missing_files"] or catalog.broken() else OK


@backup.command("list", cls=Command)
def backup_list(shape: Shape = None) -> int:
    """Os backups que esta instalação fez, do mais novo para o mais velho."""
    show(backing.known(), shape, (*_COLUMNS, "present", "problem"))
    return OK


@backup.command("verify", cls=Command)
def backup_verify(file: File, reason: Reason = None, shape: Shape = None) -> int:
    """Restaura num banco à parte e compara linhas, somas, hashes, auditoria e arquivos."""
    with _bar() as watcher:
        found = recovery.verify(file, actor=whoami(), trigger="cli", reason=reason, watcher=watcher)
    show_one(found, shape)
    return OK


@backup.command("restore", cls=Command)
def backup_restore(
    file: Annotated[Path, typer.Option("--from", help="O backup a restaurar.")],
    reason: Why,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Aceita o backup de outra instalação.")
    ] = False,
    older: Annotated[
        bool, typer.Option("--older", help="Aceita um esquema mais velho, e o migra.")
    ] = False,
    override: Override = False,
    shape: Shape = None,
) -> int:
    """Restaura num banco novo, compara tudo e só então troca; o de agora fica guardado."""
    with _bar() as watcher:
        done = recovery.restore(
            file, actor=whoami(), trigger="cli", reason=said(reason), override=override,
            adopt=adopt, older=older, watcher=watcher,
        )  # fmt: skip
    show_one(done, shape)
    say("Feito. Para voltar atrás: atalaia backup rollback --reason …")
    return OK


@backup.command("rollback", cls=Command)
def backup_rollback(reason: Why, override: Override = False, shape: Shape = None) -> int:
    """Volta ao banco que a última restauração guardou; o de agora fica guardado."""
    done = recovery.rollback(actor=whoami(), trigger="cli", reason=said(reason), override=override)
    show_one(done, shape)
    return OK


@backup.command("drill", cls=Command)
def backup_drill(
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Onde fica o backup; padrão: DATA_DIR/backups.")
    ] = None,
    reason: Reason = None,
    shape: Shape = None,
) -> int:
    """Ensaio: faz um backup, restaura-o à parte, compara tudo e registra quanto levou."""
    with _bar() as watcher:
        done = recovery.drill(
            (folder or settings().data_dir / "backups").absolute(),
            actor=whoami(), trigger="cli", reason=reason or "ensaio", watcher=watcher,
        )  # fmt: skip
    show_one(done, shape)
    return OK if done["passed"] else CRITICAL


@backup.command("base", cls=Command)
def backup_base(shape: Shape = None) -> int:
    """Cópia base do servidor privado: a partir dela se volta a qualquer segundo."""
    from atalaia.serve.local import wal
    from atalaia.serve.local.layout import layout

    with _bar() as watcher:
        watcher.stage("cópia base")
        show_one(wal.take_base(layout().postgres), shape)
    return OK


@backup.command("restore-to", cls=Command)
def backup_restore_to(
    moment: Annotated[str, typer.Argument(help="2026-11-23T02:00:00Z")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Uma pasta de estado nova.")],
    shape: Shape = None,
) -> int:
    """O banco privado como era naquele segundo, numa pasta nova; o que está no ar não é tocado."""
    from atalaia.serve.local import wal
    from atalaia.serve.local.layout import keep_secrets, layout

    try:
        target = datetime.fromisoformat(moment)
    except ValueError as error:
        raise UsageError(f"'{moment}' não é um momento como 2026-11-23T02:00:00Z.") from error
    with _bar() as watcher:
        watcher.stage("recuperando até o segundo pedido")
        made = wal.restore_to(layout().postgres, target, out.absolute())
    keep_secrets(layout(), out.absolute())
    show_one({"state_dir": str(out.absolute()), "moment": moment, "data": str(made.data)}, shape)
    say(f"Para usá-lo: ATALAIA_STATE_DIR={out.absolute()} ATALAIA_PORT=0 atalaia up --no-load")
    return OK


def said(reason: str) -> str:
    """A reason that says something. Raises UsageError for blanks."""
    if not reason.strip():
        raise UsageError("--reason não pode ser vazio. Nada foi tocado.")
    return reason.strip()


class _Lines:
    """One line a stage, where nobody watches a terminal."""

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins."""
        size = f" ({total / 1e6:.0f} MB)" if total else ""
        say(f"{datetime.now(UTC):%H:%M:%S}  {name}{size}")

    def advance(self, count: int) -> None:
        """Too fine for lines."""


class _Bar:
    """A bar on a terminal. A dump is smaller than its database: a stage may end early."""

    def __init__(self, progress: Any) -> None:
        self._progress, self._task = progress, None  # type: Any, Any

    def stage(self, name: str, total: int | None = None) -> None:
        """A stage begins."""
        self.end()
        self._task = self._progress.add_task(name, total=total)

    def advance(self, count: int) -> None:
        """So many bytes more."""
        if self._task is not None:
            self._progress.advance(self._task, count)

    def end(self) -> None:
        """The stage is over."""
        if self._task is not None:
            self._progress.update(self._task, total=1, completed=1)


@contextmanager
def _bar() -> Iterator[backing.Watcher]:
    if not sys.stderr.isatty():
        yield _Lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = _Bar(progress)
        yield bar
        bar.end()
