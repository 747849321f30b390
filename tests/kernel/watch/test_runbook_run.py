"""Runs of runbooks against a database that comes and goes: evidence, pins, approvals, crashes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import forget_settings
from tests.serve.api.server import eventually, new_key

from atalaia.kernel.base.database import connect, transaction
from atalaia.kernel.base.errors import AlreadyRunning, AlreadySo, NotAllowed, UsageError
from atalaia.kernel.keep import keys
from atalaia.kernel.keep.verify import verify
from atalaia.kernel.watch import runbook as texts
from atalaia.kernel.watch import runbook_evidence as evidence
from atalaia.kernel.watch import runbook_run as running
from atalaia.kernel.watch.runbook_approval import Approver, approve
from atalaia.kernel.watch.runbook_evidence import RunState
from atalaia.kernel.watch.runbook_runs import listed, one

HEAD = """---
title: Ensaio
severity: low
owner: casa
arguments:
  - {name: what, meaning: qualquer coisa, pattern: "[^-].*", example: x, default: nada}
---
"""
CARLA = Approver("carla", "atl_0123456789ab", "operator")
Write = Callable[..., None]


def cell(name: str, source: str, more: str = "") -> str:
    """A fence."""
    return f"```bash {{name={name}, interactive=false{more}}}\n{source}\n```\n"


@pytest.fixture
def written(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write the runbook `x/y` of these cells; the state folder is this test's own."""
    folder = tmp_path / "runbooks"
    (folder / "x").mkdir(parents=True)
    monkeypatch.setattr(texts, "folder", lambda: folder)
    monkeypatch.setenv("ATALAIA_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("OUT", str(tmp_path / "out"))

    def write(*cells: str) -> None:
        (folder / "x/y.md").write_text(HEAD + "\n".join(cells), encoding="utf-8")

    return write


def begun(trigger: str = "cli", actor: str = "bia", **more: Any) -> RunState:
    """A run of `x/y` that has executed nothing."""
    given = more.pop("given", {})
    return running.begin(
        texts.find("x/y"), given, actor=actor, trigger=trigger, reason="ensaio", **more
    )


def records(run_id: str) -> list[tuple[str, str]]:
    """(action, actor) of the audit records about a run, in order."""
    with connect(autocommit=True) as connection:
        found = connection.execute(
            """SELECT action, actor FROM ops.audit_log
               WHERE stream = 'runbooks' AND subject = %s ORDER BY seq""",
            (run_id,),
        ).fetchall()
    return [(row["action"], row["actor"]) for row in found]


def kept(run_id: str) -> dict[str, Any]:
    """The run as the tables have it."""
    with connect(autocommit=True) as connection:
        found = one(connection, run_id)
    assert found is not None
    return found


def statuses(state: RunState) -> list[str]:
    return [entry.status for entry in state.cells]


def test_each_cell_leaves_its_output_its_hash_and_its_records(written: Write) -> None:
    written(cell("one", "echo um; echo dois >&2"), cell("two", 'echo "$ARG_WHAT"; exit 3'),
            cell("three", 'echo 1 >> "$OUT"'))  # fmt: skip
    heard: list[str] = []
    state = running.proceed(begun(given={"what": "isto"}), running.Hearing(line=heard.append))
    assert (state.status, statuses(state)) == ("failed", ["passed", "failed", "pending"])
    assert heard == ["um", "dois", "isto"]
    found = kept(state.run_id)
    first, second, third = found["cells"]
    assert (first["output"], first["exit_code"]) == ("um\ndois\n", 0)
    assert (second["output"], second["exit_code"]) == ("isto\n", 3)
    assert second["why"] == "saiu com 3, e não com 0"
    assert not Path(os.environ["OUT"]).exists()
    assert third["started_at"] is None
    for entry in (first, second):
        assert entry["output_sha256"] == hashlib.sha256(entry["output"].encode()).hexdigest()
    assert hashlib.sha256(found["text"].encode()).hexdigest() == found["sha256"]
    assert [action for action, _ in records(state.run_id)] == [
        "runbook.started", "runbook.cell_started", "runbook.cell_ended",
        "runbook.cell_started", "runbook.cell_ended", "runbook.ended",
    ]  # fmt: skip
    with connect(autocommit=True) as connection:
        told = connection.execute(
            """SELECT details->>'output_sha256' AS sha FROM ops.audit_log
               WHERE subject = %s AND action = 'runbook.cell_ended' ORDER BY seq""",
            (state.run_id,),
        ).fetchall()
    assert [row["sha"] for row in told] == [first["output_sha256"], second["output_sha256"]]


@pytest.mark.parametrize(
    "value",
    ['"; touch "$OUT"; echo "', "$(touch $OUT)", "`touch $OUT`", "a' ; touch $OUT #", "*", "a  b"],
)
def test_an_argument_is_never_read_as_shell(written: Write, value: str) -> None:
    written(cell("say", 'printf "%s" "$ARG_WHAT"'))
    state = running.proceed(begun(given={"what": value}))
    assert (state.status, state.cells[0].output) == ("succeeded", value)
    assert not Path(os.environ["OUT"]).exists()


def test_what_identifies_a_person_is_neither_kept_nor_told(written: Write) -> None:
    written(cell("say", "echo cpf 529.982.247-25; echo senha=abacaxi maria@exemplo.com.br"))
    heard: list[str] = []
    state = running.proceed(begun(), running.Hearing(line=heard.append))
    everything = json.dumps([kept(state.run_id), heard, records(state.run_id)], default=str)
    for secret in ("529.982.247-25", "abacaxi", "maria@"):
        assert everything.count(secret) == kept(state.run_id)["text"].count(secret) == 1
    assert state.cells[0].output == "cpf [cpf]\nsenha=[dado] [e-mail]\n"
    assert state.cells[0].output_bytes == len(
        "cpf 529.982.247-25\nsenha=abacaxi maria@exemplo.com.br\n"
    )


def test_of_very_much_output_beginning_and_end_are_kept(written: Write) -> None:
    written(cell("much", "seq 1 20000"))
    (entry,) = running.proceed(begun()).cells
    assert entry.status == "passed"
    assert entry.output_bytes == sum(len(f"{n}\n") for n in range(1, 20001))
    assert len(entry.output) < running.KEPT_CHARACTERS + 200
    assert entry.output.startswith("1\n2\n")
    assert entry.output.endswith("19999\n20000\n")
    assert "não guardados" in entry.output


def test_a_cell_that_takes_too_long_is_ended_with_all_it_started(written: Write) -> None:
    written(cell("slow", 'sleep 300 & echo $! > "$OUT"; wait', ", timeout=1"))
    began = time.monotonic()
    (entry,) = running.proceed(begun()).cells
    assert time.monotonic() - began < 20
    assert (entry.status, entry.exit_code, entry.why) == (
        "failed",
        None,
        "passou de 1 s e foi parada",
    )
    child = int(Path(os.environ["OUT"]).read_text("ascii"))
    eventually(lambda: not _runs(child), 10, "the child of the cell has ended")


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_when_the_text_changes_the_run_refuses_to_go_on(written: Write, tmp_path: Path) -> None:
    file = tmp_path / "runbooks/x/y.md"
    written(cell("one", f"echo '# outro' >> '{file}'"), cell("two", 'echo 1 >> "$OUT"'))
    state = running.proceed(begun())
    assert (state.status, statuses(state)) == ("failed", ["passed", "pending"])
    assert "mudou" in kept(state.run_id)["error"]
    running.resume(state, actor="bia", reason="de novo")
    assert running.proceed(state).status == "failed"
    assert not Path(os.environ["OUT"]).exists()


def test_only_one_cell_and_from_one_on(written: Write) -> None:
    written(*(cell(name, f'echo {name} >> "$OUT"') for name in ("a", "b", "c")))
    assert statuses(running.proceed(begun(only="b"))) == ["skipped", "passed", "skipped"]
    assert statuses(running.proceed(begun(start="b"))) == ["skipped", "passed", "passed"]
    assert Path(os.environ["OUT"]).read_text("ascii").split() == ["b", "b", "c"]
    with pytest.raises(UsageError):
        begun(only="b", start="b")
    with pytest.raises(UsageError):
        begun(only="d")


def test_what_asks_for_confirmation_is_not_executed_without(written: Write) -> None:
    written(cell("ask", 'echo 1 >> "$OUT"', ", confirm=true"))
    assert running.proceed(begun()).status == "failed"
    assert not Path(os.environ["OUT"]).exists()
    state = running.proceed(begun(), running.Hearing(confirm=lambda one: one.name == "ask"))
    assert state.status == "succeeded"


def test_danger_waits_for_a_second_person_once(written: Write) -> None:
    written(cell("safe", "true"), cell("harm", 'echo 1 >> "$OUT"', ", danger=true"))
    yes = running.Hearing(confirm=lambda _cell: True)
    state = running.proceed(begun(actor="bia"), yes)
    assert (state.status, statuses(state)) == ("waiting", ["passed", "waiting"])
    running.resume(state, actor="bia", reason="sem esperar")
    assert running.proceed(state, yes).status == "waiting"
    assert not Path(os.environ["OUT"]).exists()
    for who in (
        Approver("bia", "atl_00000000000b", "admin"),  # the same person by another key
        Approver("BIA ", "session 3", "operator"),
        Approver("carla", "atl_0123456789ab", "viewer"),
        Approver("carla", "atl_0123456789ab", "auditor"),
    ):
        with pytest.raises(NotAllowed):
            approve(state.run_id, who, reason="eu mesma", trigger="api")
    running.resume(state, actor="bia", reason="de novo")
    assert running.proceed(state, yes).status == "waiting"
    approve(state.run_id, CARLA, reason="conferi", trigger="api")
    with pytest.raises(AlreadySo):
        approve(state.run_id, CARLA, reason="outra vez", trigger="api")
    state = evidence.load(state.run_id)
    running.resume(state, actor="bia", reason="aprovado")
    assert running.proceed(state).status == "succeeded"
    assert state.cells[1].approved_by == "carla (atl_0123456789ab)"
    assert Path(os.environ["OUT"]).read_text("ascii") == "1\n"
    told = records(state.run_id)
    assert told.count(("runbook.approval_refused", "bia (atl_00000000000b)")) == 1
    assert told.count(("runbook.approved", "carla (atl_0123456789ab)")) == 1
    with pytest.raises(AlreadySo):
        approve(state.run_id, CARLA, reason="terminou", trigger="api")
    again = running.proceed(begun(actor="bia"), yes)
    assert again.status == "waiting", "an approval is of one run only"


def test_who_started_over_the_api_does_not_approve_by_the_same_key(written: Write) -> None:
    written(cell("harm", "true", ", danger=true"))
    state = running.proceed(begun(actor="turno (atl_0123456789ab)", trigger="api"))
    with pytest.raises(NotAllowed):
        approve(state.run_id, CARLA, reason="outra", trigger="api")


def test_the_machines_own_key_is_no_second_person(written: Write) -> None:
    """`up` keeps it where whoever started the run can read it; nor is the one it was rotated to."""
    written(cell("harm", "true", ", danger=true"))
    who = keys.Who("root", "up", "operador local")
    with transaction() as connection:
        made = keys.create(connection, name="operador local", role="operator", who=who)
        rotated = keys.rotate(connection, made.key.prefix, who=keys.Who("root", "cli", "troca"))
    state = running.proceed(begun(actor="root"))
    for key in (made.key, rotated.key):
        with pytest.raises(NotAllowed, match="máquina"):
            approve(
                state.run_id, Approver(key.name, key.prefix, key.role), reason="x", trigger="cli"
            )


def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """No database, as far as this process sees."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    forget_settings()


def test_without_a_database_the_evidence_waits_and_gets_there_once(
    written: Write, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written(cell("one", "echo um"), cell("harm", 'echo 1 >> "$OUT"', ", danger=true"))
    away(monkeypatch)
    state = running.proceed(begun())
    assert (state.status, statuses(state)) == ("waiting", ["passed", "waiting"])
    assert not Path(os.environ["OUT"]).exists(), "nobody could approve that"
    (file,) = (tmp_path / "state/runbooks").glob("*.json")
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert evidence.load(state.run_id).cells[0].output == "um\n"
    monkeypatch.setenv("DATABASE_URL", database)
    forget_settings()
    assert (evidence.catch_up(), evidence.catch_up()) == (1, 0)
    found = kept(state.run_id)
    assert (found["status"], found["cells"][0]["output"]) == ("waiting", "um\n")
    assert found["recorded_at"] > found["started_at"]
    actions = [action for action, _ in records(state.run_id)]
    assert actions.count("runbook.started") == 1
    assert len(actions) == 4
    assert {finding.status for finding in verify()} <= {"pass", "warn"}


def test_a_run_that_lost_its_database_midway_is_written_when_it_is_back(
    written: Write, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(cell("one", "echo um"), cell("two", "echo dois"), cell("three", "echo três"))

    def faults(one: texts.Cell) -> None:
        if one.name == "two":
            away(monkeypatch)
        else:
            monkeypatch.setenv("DATABASE_URL", database)
            forget_settings()

    state = running.proceed(begun(), running.Hearing(cell=faults))
    assert state.status == "succeeded"
    actions = [action for action, _ in records(state.run_id)]
    assert actions == [
        "runbook.started", *["runbook.cell_started", "runbook.cell_ended"] * 3, "runbook.ended",
    ]  # fmt: skip
    assert [entry["output"] for entry in kept(state.run_id)["cells"]] == [
        "um\n",
        "dois\n",
        "três\n",
    ]


def test_a_run_whose_process_was_killed_goes_on_where_it_was(written: Write) -> None:
    written(cell("one", 'echo one >> "$OUT"'),
            cell("two", 'echo two >> "$OUT"; test -e "$OUT.go" || sleep 60'))  # fmt: skip
    program = (
        "from pathlib import Path; import sys\n"
        "from atalaia.kernel.watch import runbook as t, runbook_run as r\n"
        "t.folder = lambda: Path(sys.argv[1])\n"
        "s = r.begin(t.find('x/y'), {}, actor='bia', trigger='cli', reason='ensaio')\n"
        "print(s.run_id, flush=True)\nr.proceed(s)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(texts.folder())],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert child.stdout is not None
    run_id = child.stdout.readline().strip()
    out = Path(os.environ["OUT"])
    eventually(lambda: out.exists() and "two" in out.read_text("ascii"), 30, "in the second cell")
    with pytest.raises(AlreadyRunning):
        running.proceed(evidence.load(run_id))
    with connect(autocommit=True) as connection:
        assert [row["status"] for row in listed(connection, 5)] == ["running"]
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    eventually(lambda: kept(run_id)["status"] == "interrupted", 10, "seen as interrupted")
    (out.parent / "out.go").touch()
    state = evidence.load(run_id)
    running.resume(state, actor="caio", reason="caiu")
    assert running.proceed(state).status == "succeeded"
    assert out.read_text("ascii").split() == ["one", "two", "two"]
    assert [entry.attempts for entry in state.cells] == [1, 2]
    assert ("runbook.resumed", "caio") in records(run_id)


def test_a_cell_that_was_interrupted_twice_is_not_executed_a_third_time(written: Write) -> None:
    """One that kills whoever executes it would otherwise go round for ever."""
    written(cell("kill", 'echo 1 >> "$OUT"'))
    state = begun()
    state.cells[0].status, state.cells[0].attempts = "running", 2
    assert running.proceed(state).status == "failed"
    assert not Path(os.environ["OUT"]).exists()
    assert "duas vezes" in (kept(state.run_id)["error"] or "")


def test_a_run_moves_into_the_database_that_took_the_others_place(
    written: Write, database: str
) -> None:
    """As a restored backup does: it has never heard of the run."""
    written(cell("one", "echo um"), cell("two", "echo dois"))

    def swap(one: texts.Cell) -> None:
        if one.name == "two":
            with connect(autocommit=True) as connection:
                connection.execute("DELETE FROM ops.runbook_cells")
                connection.execute("DELETE FROM ops.runbook_runs")

    state = running.proceed(begun(), running.Hearing(cell=swap))
    assert [entry["output"] for entry in kept(state.run_id)["cells"]] == ["um\n", "dois\n"]
    assert "runbook.carried_over" in [action for action, _ in records(state.run_id)]


def test_a_key_of_a_second_person_is_made_as_any_other(written: Write) -> None:
    """Names differ, and the key is not the machine's: it approves."""
    written(cell("harm", "true", ", danger=true"))
    secret = new_key("operator")
    with transaction() as connection:
        key = keys.find(connection, secret)
    assert key is not None
    state = running.proceed(begun(actor="root"))
    approve(state.run_id, Approver(key.name, key.prefix, key.role), reason="sim", trigger="cli")
    running.resume(state, actor="root", reason="aprovado")
    assert running.proceed(state).status == "succeeded"
