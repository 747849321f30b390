"""dbt as a process: `dbt build` of this domain's project against the database of DATABASE_URL.

It gets its connection from ours, so any libpq address works, Unix sockets and sslmode included. Its
target folder is one run's own; what makes the next start quick, and what tells about the last run
(manifest.json, run_results.json), is kept in `.atalaia/dbt`.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.errors import AtalaiaError
from atalaia.kernel.base.settings import database_url, project_dir, settings
from atalaia.kernel.work.job import Run

PROJECT = Path(__file__).with_name("dbt")
_KEPT = ("partial_parse.msgpack", "manifest.json", "run_results.json")
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Node:
    """One model or test of a build, with what became of it in dbt's own words."""

    unique_id: str
    status: str  # success, pass, warn, fail, error, skipped
    message: str
    seconds: float
    failures: int | None
    rows: int | None

    @property
    def is_test(self) -> bool:
        """Whether it asks, rather than makes."""
        return self.unique_id.startswith("test.")

    @property
    def name(self) -> str:
        """Its name in the project."""
        return self.unique_id.split(".")[2]


def kept_dir() -> Path:
    """Where the last build's manifest, results and parse cache are."""
    return project_dir() / ".atalaia" / "dbt"


def build(run: Run) -> list[Node]:
    """Run every model and test once. Raises AtalaiaError when dbt could not even begin, TimedOut
    and Cancelled as the run's checkpoints do; then dbt has been ended."""
    with _target(run) as target:
        said = _run(_arguments(target), _environment(run), run)
        results = target / "run_results.json"
        if not results.exists():
            raise AtalaiaError(
                f"dbt parou antes de começar: {said or 'não disse por quê'}. "
                "O gold ficou como estava.",
                todo=f"Veja {settings().log_dir / 'dbt.log'}.",
            )
        return [_node(found) for found in json.loads(results.read_text("utf-8"))["results"]]


@contextmanager
def _target(run: Run) -> Iterator[Path]:
    target = kept_dir() / f"run-{run.run_id}"
    target.mkdir(parents=True)
    try:
        yield target
        for name in _KEPT:
            if (target / name).exists():
                (target / name).replace(kept_dir() / name)
    finally:
        shutil.rmtree(target, ignore_errors=True)


def _arguments(target: Path) -> list[str]:
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()"]
    options = {
        "--log-path": settings().log_dir,
        "--log-level": "info",
        "--log-level-file": "info",
        "--log-format": "json",
        "--log-format-file": "text",
    }
    project = {"--project-dir": PROJECT, "--profiles-dir": PROJECT, "--target-path": target}
    parsed = kept_dir() / _KEPT[0]
    if parsed.exists():
        project["--partial-parse-file-path"] = parsed
    return [
        *command,
        *_flat(options),
        "--no-version-check",
        "--no-send-anonymous-usage-stats",
        "build",
        *_flat(project),
    ]


def _flat(options: dict[str, Any]) -> list[str]:
    return [str(part) for pair in options.items() for part in pair]


def _environment(run: Run) -> dict[str, str]:
    """Ours without dbt's own settings, plus the connection: what the address says and what libpq
    makes of the rest."""
    said = {
        name: str(value)
        for name, value in conninfo_to_dict(database_url()).items()
        if value is not None
    }
    with connect() as connection:
        info = connection.info
        at = {"HOST": info.host, "PORT": str(info.port), "USER": info.user, "DBNAME": info.dbname}
        password = info.password
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("DBT_")}
    known = {option.keyword.decode(): option.envvar for option in pq.Conninfo.get_defaults()}
    libpq = {
        envvar.decode(): said[name] for name, envvar in known.items() if envvar and name in said
    }
    limit = f"-c statement_timeout={max(1, int(run.deadline.remaining * 1000))}"
    return {
        **inherited,
        **libpq,
        **{f"ATALAIA_DBT_{name}": value for name, value in at.items()},
        "DBT_ENV_SECRET_PASSWORD": password,
        "PGOPTIONS": f"{said.get('options', '')} {limit}".strip(),
        "DO_NOT_TRACK": "1",
    }


def _run(arguments: list[str], environment: dict[str, str], run: Run) -> str:
    """Run dbt to its end, telling its progress; returns the last error it wrote."""
    process = subprocess.Popen(
        arguments,
        env=environment,
        cwd=kept_dir(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    last_error = ""
    try:
        for line in _lines(process, run):
            event = _event(line)
            info = event.get("info", {})
            if info.get("level") == "error" or not event:
                last_error = str(info.get("msg", line)).strip() or last_error
            data = event.get("data", {})
            if "total" in data and "execution_time" in data:
                run.progress.rows(int(data.get("index") or 0), int(data["total"]))
        process.wait(timeout=_GRACE_SECONDS)
    finally:
        _stop(process)
    return last_error


def _lines(process: subprocess.Popen[str], run: Run) -> Iterator[str]:
    """dbt's lines as they come; between them, the run's checkpoint."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read(stream: IO[str]) -> None:
        for line in stream:
            lines.put(line)
        lines.put(None)

    assert process.stdout is not None  # noqa: S101  it was opened as a pipe
    threading.Thread(target=read, args=(process.stdout,), daemon=True).start()
    while True:
        run.checkpoint()
        try:
            line = lines.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            continue
        if line is None:
            return
        yield line


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _stop(process: subprocess.Popen[str]) -> None:
    """End a process that is still at work: dbt takes back its queries on SIGINT."""
    for signal_number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(signal_number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_GRACE_SECONDS)


def _node(found: dict[str, Any]) -> Node:
    rows = (found.get("adapter_response") or {}).get("rows_affected")
    return Node(
        unique_id=found["unique_id"],
        status=found["status"],
        message=" ".join((found.get("message") or "").split()),
        seconds=found.get("execution_time") or 0.0,
        failures=found.get("failures"),
        rows=rows,
    )
