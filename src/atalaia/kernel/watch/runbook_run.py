"""Executing a runbook: cell after cell, each one's output kept, until one is not as expected.

    begin → (confirm?) → (approved by a second person?) → the cell → … → succeeded
                                └─ not yet: the run waits, and whoever resumes it goes on there

The run is pinned to the text it began with: when the file is another one, it refuses to go on. A
cell that was being executed when everything died is executed again, once; so every cell has to bear
being executed twice. One marked danger asks for approval again.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.errors import AlreadySo, UsageError
from atalaia.kernel.base.redact import redact
from atalaia.kernel.base.settings import project_dir
from atalaia.kernel.base.trace import new_trace_id, trace, trace_id
from atalaia.kernel.watch.runbook import Cell, Runbook, find
from atalaia.kernel.watch.runbook_approval import spend
from atalaia.kernel.watch.runbook_evidence import CellState, RunState, held, save

KEPT_CHARACTERS = 64_000  # of a cell's output: its beginning and its end
_LONGEST_LINE = 100_000  # bytes; a longer one is told in pieces
_MOST_ATTEMPTS = 2
_TAIL_SECONDS = 2.0  # for what a cell left running and still holds its output
_SAVE_SECONDS = 1.0

Tell = Callable[[str], None]
Confirm = Callable[[Cell], bool]


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who follows a run: told of each cell, of each line (redacted), asked to confirm."""

    cell: Callable[[Cell], None] = lambda _cell: None
    line: Tell = lambda _line: None
    confirm: Confirm = lambda _cell: False


def begin(
    runbook: Runbook,
    given: Mapping[str, str],
    *,
    actor: str,
    trigger: str,
    reason: str,
    only: str | None = None,
    start: str | None = None,
) -> RunState:
    """A run that has not executed anything yet; of one cell (`only`), or from `start` on. Raises
    UsageError and NotFound."""
    if not reason.strip():
        raise UsageError("O motivo não pode ser vazio. Nada foi executado.")
    chosen = runbook.chosen(only, start)
    names = [cell.name for cell in chosen]
    cells = [
        CellState(cell.name, "pending" if cell.name in names else "skipped")
        for cell in runbook.cells
    ]
    state = RunState(
        runbook=runbook.name,
        sha256=runbook.sha256,
        text=runbook.text,
        arguments=runbook.values(given, chosen),
        actor=actor,
        trigger=trigger,
        reason=redact(reason.strip()),
        trace_id=trace_id() or new_trace_id(),
        cells=cells,
    )
    state.record("started", arguments=state.arguments, cells=names)
    return state


def resume(state: RunState, *, actor: str, reason: str) -> None:
    """Have a run that stopped go on with `proceed`: a cell that failed is executed again. Raises
    AlreadySo."""
    if state.status == "succeeded":
        raise AlreadySo("Essa execução já terminou. Nada foi feito.")
    state.record("resumed", actor=actor, reason=redact(reason), after=state.status)
    state.status, state.error, state.finished_at = "running", None, None
    for cell in state.cells:
        if cell.status == "failed":
            cell.status, cell.attempts = "pending", 0


def proceed(state: RunState, hearing: Hearing | None = None) -> RunState:
    """Execute what is left of a run, which nobody else may be at. Raises AlreadyRunning."""
    hearing = hearing or Hearing()
    with held(state.run_id), trace(state.trace_id):
        save(state)
        for position, entry in enumerate(state.cells):
            if entry.status in ("passed", "skipped"):
                continue
            cell = _still_the_same(state, position)
            if cell is None or not _may_begin(state, position, cell, hearing):
                return state
            _execute(state, entry, cell, hearing)
            if entry.status != "passed":
                _end(state, "failed", f"'{entry.name}': {entry.why}")
                return state
        _end(state, "succeeded", None)
    return state


def _end(state: RunState, status: str, error: str | None) -> None:
    state.status, state.error = status, error
    state.finished_at = now().isoformat()
    state.record("ended", status=status, error=error)
    save(state)


def _still_the_same(state: RunState, position: int) -> Cell | None:
    """The cell, when the runbook is still the one this run began with."""
    try:
        runbook = find(state.runbook)
    except UsageError:
        runbook = None
    if runbook is not None and runbook.sha256 == state.sha256:
        return runbook.cells[position]
    _end(state, "failed", "o texto do runbook mudou desde que esta execução começou")
    return None


def _may_begin(state: RunState, position: int, cell: Cell, hearing: Hearing) -> bool:
    entry = state.cells[position]
    if entry.status == "running" and entry.attempts >= _MOST_ATTEMPTS:
        entry.status, entry.why = "failed", "foi interrompida duas vezes"
        _end(state, "failed", f"'{cell.name}' foi interrompida duas vezes")
        return False
    if cell.danger:
        approval = spend(state.run_id, position)
        if approval is None:
            entry.status, state.status = "waiting", "waiting"
            state.error = f"'{cell.name}' espera a aprovação de outra pessoa"
            state.record("waiting", cell=cell.name)
            save(state)
            return False
        entry.approved_by = approval
    elif cell.confirm and not hearing.confirm(cell):
        entry.status, entry.why = "failed", "não foi confirmada; nada dela foi executado"
        _end(state, "failed", f"'{cell.name}' não foi confirmada; nada dela foi executado")
        return False
    return True


def _execute(state: RunState, entry: CellState, cell: Cell, hearing: Hearing) -> None:
    hearing.cell(cell)
    entry.status, entry.attempts = "running", entry.attempts + 1
    entry.started_at, entry.finished_at, entry.exit_code = now().isoformat(), None, None
    entry.why = None
    _keep(entry, "", 0)
    state.record("cell_started", cell=cell.name, approved_by=entry.approved_by)
    save(state)
    output = _Output(hearing.line)
    began = time.monotonic()
    code = _run(cell, _environment(state), output, lambda: _live(state, entry, output))
    _keep(entry, output.text(), output.size)
    entry.exit_code, entry.finished_at = code, now().isoformat()
    if code is None:
        entry.why = f"passou de {cell.timeout:g} s e foi parada"
    else:
        entry.why = cell.expect.unmet(code, entry.output) or None
    entry.status = "failed" if entry.why else "passed"
    state.record(
        "cell_ended",
        cell=cell.name,
        status=entry.status,
        exit_code=code,
        output_sha256=entry.output_sha256,
        output_bytes=entry.output_bytes,
        seconds=round(time.monotonic() - began, 3),
    )
    save(state)


def _live(state: RunState, entry: CellState, output: _Output) -> None:
    """What came so far, for who follows from elsewhere."""
    if state.trigger == "api" and output.size != entry.output_bytes:
        _keep(entry, output.text(), output.size)
        save(state)


def _keep(entry: CellState, text: str, size: int) -> None:
    entry.output, entry.output_bytes = text, size
    entry.output_sha256 = hashlib.sha256(text.encode()).hexdigest()


def _environment(state: RunState) -> dict[str, str]:
    """What a cell finds around it: `atalaia` of this installation first, its arguments, and who
    acts and why, for the commands that ask."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ARG_")}
    clean.pop("BASH_ENV", None)
    programs = str(Path(sys.executable).parent)
    return clean | {
        "PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}",
        "ATALAIA_ACTOR": state.actor,
        "RUNBOOK_RUN_ID": state.run_id,
        "RUNBOOK_REASON": f"{state.reason} (runbook {state.runbook})",
        "NO_COLOR": "1",
        **{f"ARG_{name.upper()}": value for name, value in state.arguments.items()},
    }


def _run(
    cell: Cell, environment: Mapping[str, str], output: _Output, meanwhile: Callable[[], None]
) -> int | None:
    """The exit code of the cell; None when it took too long and was ended with all it started."""
    child = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", cell.source],
        cwd=project_dir(),
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert child.stdout is not None  # noqa: S101  as asked for
    reader = threading.Thread(target=_read, args=(child.stdout, output), daemon=True)
    reader.start()
    deadline = time.monotonic() + cell.timeout
    try:
        code = _wait(child, deadline, meanwhile)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    reader.join(_TAIL_SECONDS)
    return code


def _wait(
    child: subprocess.Popen[bytes], deadline: float, meanwhile: Callable[[], None]
) -> int | None:
    while time.monotonic() < deadline:
        try:
            return child.wait(min(_SAVE_SECONDS, max(0.01, deadline - time.monotonic())))
        except subprocess.TimeoutExpired:
            meanwhile()
    return None


def _read(stream: IO[bytes], output: _Output) -> None:
    while line := stream.readline(_LONGEST_LINE):
        output.add(line)


class _Output:
    """What a cell says, redacted line by line (columns of counts are no number of a person's); of
    very much of it the beginning and the end are kept."""

    def __init__(self, tell: Tell) -> None:
        self.size = 0
        self._tell, self._lock = tell, threading.Lock()
        self._head: list[str] = []
        self._tail: list[str] = []
        self._room, self._held = KEPT_CHARACTERS // 2, 0
        self._dropped = 0

    def add(self, line: bytes) -> None:
        """One more line, or what came without its end."""
        text = redact(line.decode("utf-8", "replace").replace("\x00", ""))
        with self._lock:
            self.size += len(line)
            if not self._tail and len(text) <= self._room:
                self._head.append(text)
                self._room -= len(text)
            else:
                self._add_to_tail(text[-KEPT_CHARACTERS // 2 :])
        self._tell(text.rstrip("\n"))

    def _add_to_tail(self, text: str) -> None:
        self._tail.append(text)
        self._held += len(text)
        while self._held > KEPT_CHARACTERS // 2:
            gone = len(self._tail.pop(0))
            self._held -= gone
            self._dropped += gone

    def text(self) -> str:
        """What is kept."""
        with self._lock:
            head, tail, dropped = "".join(self._head), "".join(self._tail), self._dropped
        cut = f"\n[… {dropped} caracteres não guardados …]\n" if dropped else ""
        return head + cut + tail


def next_step(state: RunState) -> Sequence[str]:
    """What whoever started the run does now, in words for people: nothing when it succeeded."""
    if state.status == "waiting":
        return (
            f"Outra pessoa aprova: atalaia runbook approve {state.run_id} --reason …",
            f"Depois: atalaia runbook resume {state.run_id} --reason …",
        )
    if state.status == "failed" and "mudou" not in (state.error or ""):
        return (f"Corrija e siga: atalaia runbook resume {state.run_id} --reason …",)
    return ()
