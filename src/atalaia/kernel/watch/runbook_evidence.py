"""What a run of a runbook leaves: `ops.runbook_runs`, `ops.runbook_cells`, the audit stream.

A runbook is often followed because the database is away, so a run is written whole as it stands:
to the database, or until that answers again to a file of the state folder, from where `catch_up`
takes it. Only what a second person must approve needs the database there and then.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from atalaia.kernel.base.clock import now
from atalaia.kernel.base.database import Connection, connect, transaction
from atalaia.kernel.base.errors import AlreadyRunning, NotFound, Unavailable
from atalaia.kernel.base.settings import state_dir
from atalaia.kernel.base.trace import log
from atalaia.kernel.keep import audit

STREAM = "runbooks"
LOCK = 0x72_62  # the class of the advisory locks: one holder a run
_AWAY = (Unavailable, psycopg.OperationalError, psycopg.errors.UndefinedTable)
_NOTHING_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(slots=True)
class CellState:
    """A cell of a run: what it came to. Times are ISO 8601, in UTC; `output` is redacted."""

    name: str
    status: str = "pending"
    attempts: int = 0
    exit_code: int | None = None
    why: str | None = None
    output: str = ""
    output_sha256: str = _NOTHING_SHA256
    output_bytes: int = 0
    approved_by: str | None = None
    started_at: str | None = None
    finished_at: str | None = None


@dataclass(slots=True)
class RunState:
    """A run of a runbook as it stands. `records` are audit records that wait to be written."""

    runbook: str
    sha256: str
    text: str
    arguments: dict[str, str]
    actor: str
    trigger: str
    reason: str
    trace_id: str
    cells: list[CellState]
    run_id: str = field(default_factory=lambda: str(uuid4()))
    status: str = "running"
    error: str | None = None
    started_at: str = field(default_factory=lambda: now().isoformat())
    finished_at: str | None = None
    saved: bool = False  # whether a database has had it
    records: list[dict[str, Any]] = field(default_factory=list)

    def record(self, action: str, *, actor: str = "", reason: str = "", **details: Any) -> None:
        """Have `action` in the audit log with the next `save`."""
        found = {"runbook": self.runbook, "sha256": self.sha256, **details}
        self.records.append(
            {
                "action": f"runbook.{action}",
                "actor": actor or self.actor,
                "reason": reason or self.reason,
                "details": found,
            }
        )


def save(state: RunState) -> bool:
    """Write the run as it stands. False when the database could not take it: then it waits in a
    file, and when there is no room for that either, in memory until the next time."""
    try:
        with transaction() as connection:
            write(connection, state)
    except _AWAY:
        with suppress(OSError):
            _set_aside(state)
        return False
    state.saved, state.records = True, []
    _aside(state.run_id).unlink(missing_ok=True)
    return True


def write(connection: Connection, state: RunState) -> None:
    """Write the run in the transaction `connection` has open, its audit records last."""
    row = {name: value for name, value in asdict(state).items() if name not in ("cells", "records")}
    made = connection.execute(
        """INSERT INTO ops.runbook_runs AS r
               (runbook_run_id, runbook, sha256, text, arguments, status, error, actor, trigger,
                reason, trace_id, started_at, finished_at)
           VALUES (%(run_id)s, %(runbook)s, %(sha256)s, %(text)s, %(arguments)s, %(status)s,
                   %(error)s, %(actor)s, %(trigger)s, %(reason)s, %(trace_id)s, %(started_at)s,
                   %(finished_at)s)
           ON CONFLICT (runbook_run_id) DO UPDATE SET status = excluded.status,
               error = excluded.error, finished_at = excluded.finished_at
           RETURNING r.xmax = 0 AS new""",
        row | {"arguments": Jsonb(state.arguments)},
    ).fetchone()
    with connection.cursor() as cursor:
        cursor.executemany(
            """INSERT INTO ops.runbook_cells
                   (runbook_run_id, position, name, status, attempts, exit_code, why, output,
                    output_sha256, output_bytes, approved_by, started_at, finished_at)
               VALUES (%(run)s, %(position)s, %(name)s, %(status)s, %(attempts)s, %(exit_code)s,
                       %(why)s, %(output)s, %(output_sha256)s, %(output_bytes)s, %(approved_by)s,
                       %(started_at)s, %(finished_at)s)
               ON CONFLICT (runbook_run_id, position) DO UPDATE SET status = excluded.status,
                   attempts = excluded.attempts, exit_code = excluded.exit_code,
                   why = excluded.why, output = excluded.output,
                   output_sha256 = excluded.output_sha256, output_bytes = excluded.output_bytes,
                   approved_by = excluded.approved_by, started_at = excluded.started_at,
                   finished_at = excluded.finished_at""",
            [
                asdict(cell) | {"run": state.run_id, "position": position}
                for position, cell in enumerate(state.cells)
            ],
        )
    if made and made["new"] and state.saved:
        # Another database than the one that had it: a backup was restored meanwhile.
        state.record("carried_over", status=state.status)
    for one in state.records:
        audit.append(
            connection,
            stream=STREAM,
            trigger=state.trigger,
            subject=state.run_id,
            **one,
        )


def load(run_id: str) -> RunState:
    """A run as it was left: from its file when it waits in one. Raises NotFound."""
    with suppress(OSError, ValueError):
        return _read(_aside(run_id))
    with transaction() as connection:
        found = connection.execute(
            """SELECT runbook_run_id::text AS run_id, runbook, sha256, text, arguments,
                      status::text AS status, error, actor, trigger, reason, trace_id, started_at,
                      finished_at FROM ops.runbook_runs WHERE runbook_run_id = %s""",
            (run_id,),
        ).fetchone()
        cells = connection.execute(
            """SELECT name, status::text AS status, attempts, exit_code, why, output,
                      output_sha256, output_bytes, approved_by, started_at, finished_at
               FROM ops.runbook_cells WHERE runbook_run_id = %s ORDER BY position""",
            (run_id,),
        ).fetchall()
    if found is None:
        raise NotFound(
            f"Não há a execução {run_id} de um runbook.",
            todo="'atalaia runbook runs' mostra todas.",
        )
    return RunState(**_plain(found), cells=[CellState(**_plain(one)) for one in cells], saved=True)


def catch_up() -> int:
    """Take into the database what waited beside it, and is not being executed now. Returns how
    many runs that were. Raises DatabaseUnavailable."""
    done = 0
    for path in sorted(_beside().glob("*.json")):
        try:
            with held(path.stem):
                state = _read(path)
                with transaction() as connection:
                    write(connection, state)
                path.unlink()
                done += 1
        except AlreadyRunning:
            continue  # whoever is at it writes it
        except (ValueError, TypeError, KeyError) as error:
            path.rename(path.with_suffix(".unreadable"))
            log("ERROR", "a runbook's run cannot be read", file=path.name, why=type(error).__name__)
    return done


@contextmanager
def held(run_id: str) -> Iterator[None]:
    """Be the only one at this run: on this machine by a file's lock, which needs no database, and
    on all of them by the database's, while it is there. Raises AlreadyRunning."""
    with _lock_file(run_id) as free, _lock_of_database(run_id) as also_free:
        if not (free and also_free):
            raise AlreadyRunning(
                f"A execução {run_id} está em andamento. Nada foi feito.",
                todo=f"Acompanhe: atalaia runbook runs {run_id}.",
            )
        yield


@contextmanager
def _lock_file(run_id: str) -> Iterator[bool]:
    path = _aside(run_id).with_suffix(".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = path.open("w")
    except OSError:  # no room for a file of no bytes: then for nothing else either
        yield True
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        try:
            yield True
        finally:
            path.unlink(missing_ok=True)


@contextmanager
def _lock_of_database(run_id: str) -> Iterator[bool]:
    connection: psycopg.Connection[Any] | None = None
    with suppress(Unavailable):
        connection = connect(autocommit=True)
    if connection is None:  # what needs approval does not go on either
        yield True
        return
    try:
        (taken,) = connection.execute(
            "SELECT pg_try_advisory_lock(%s, hashtext(%s)) AS taken", (LOCK, run_id)
        ).fetchall()
        yield taken["taken"]
    finally:
        connection.close()  # also one that a cell restarted the server under


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
    }


def _beside() -> Path:
    return state_dir() / "runbooks"


def _aside(run_id: str) -> Path:
    return _beside() / f"{UUID(run_id)}.json"


def _read(path: Path) -> RunState:
    entry = json.loads(path.read_text(encoding="utf-8"))
    cells = [CellState(**one) for one in entry.pop("cells")]
    return RunState(**entry, cells=cells)


def _set_aside(state: RunState) -> None:
    path = _aside(state.run_id)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps(asdict(state), ensure_ascii=False), encoding="utf-8")
    temporary.rename(path)
