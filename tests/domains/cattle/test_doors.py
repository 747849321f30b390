"""The doors beside HTTP: the watched folder and the command line; and two workers at one queue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks import feeding
from tests.domains.cattle.conftest import bring, of, sql, work

from atalaia.domains.cattle import folder
from atalaia.serve.cli import main

ROOT = Path(__file__).resolve().parents[3]
WORKER = """
import sys
from tests.domains.cattle.conftest import sql, work
sql("SELECT 1")
print("ready", flush=True)
sys.stdin.readline()
print(work().done)
"""


def made(path: Path, seed: int, rows: int = 40) -> int:
    """A file of rows of its own; returns how many are to be loaded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return feeding.make(path, rows, seed=seed, wagon=f"W{seed}-", double_share=0).good


@pytest.fixture
def inbox(house: Path) -> Path:
    """The watched folder of the house."""
    found = folder.incoming() / "default"
    found.mkdir(parents=True)
    return found


def settled(path: Path) -> Path:
    """A file that nobody has written to for a while."""
    long_ago = time.time() - 60
    os.utime(path, (long_ago, long_ago))
    return path


def test_only_whole_files_are_taken_from_the_folder(inbox: Path) -> None:
    good = made(inbox / "trato.csv", 1)
    settled(inbox / "trato.csv")
    made(inbox / "chegando.csv", 2)  # still being written: touched a moment ago
    for name in ("a.csv.part", ".b.csv", "~c.csv", "d.csv.TMP"):
        made(inbox / name, 3)
        settled(inbox / name)
    (inbox / "link.csv").symlink_to(inbox / "trato.csv")
    made(folder.incoming() / "ninguem" / "x.csv", 4)
    settled(folder.incoming() / "ninguem" / "x.csv")
    left = {p.name for p in inbox.iterdir()} - {"trato.csv"}
    assert folder.pick_up() == 1
    assert {p.name for p in inbox.iterdir()} == left
    assert (folder.incoming() / "ninguem" / "x.csv").exists()
    (one,) = sql("SELECT * FROM etl_file")
    assert (one["filename"], one["origin"], one["tenant_id"]) == ("trato.csv", "folder", "default")
    work()
    assert of(one)["rows_loaded"] == good
    settled(inbox / "chegando.csv")
    assert folder.pick_up() == 1
    assert folder.pick_up() == 0


def test_a_file_left_by_a_round_that_died_is_kept_once_and_loaded_once(inbox: Path) -> None:
    good = made(inbox / "trato.csv", 1)
    bring(settled(inbox / "trato.csv"))  # the round died before it removed the file
    (inbox / "trato.csv.sent").unlink(missing_ok=True)
    assert folder.pick_up() == 1
    assert list(inbox.iterdir()) == []
    work()
    states = sql("SELECT state::text FROM etl_file ORDER BY seq")
    assert [row["state"] for row in states] == ["partly_loaded", "duplicate"]
    assert sql("SELECT count(*) AS n FROM desvio_carregamento") == [{"n": good}]


def test_what_is_refused_is_put_aside_with_its_reason(inbox: Path) -> None:
    (inbox / "planilha.csv").write_bytes(b"PK\x03\x04 not text")
    (inbox / "nota.pdf").write_bytes(b"%PDF-1.7")
    for path in list(inbox.iterdir()):
        settled(path)
    assert folder.pick_up() == 0
    assert [p.name for p in inbox.iterdir()] == [folder.REFUSED]
    aside = sorted(p.name.partition("-")[2] for p in (inbox / folder.REFUSED).iterdir())
    assert aside == [
        "nota.pdf", "nota.pdf.motivo.txt", "planilha.csv", "planilha.csv.motivo.txt",
    ]  # fmt: skip
    for reason in (inbox / folder.REFUSED).glob("*.motivo.txt"):
        assert "recusado" in reason.read_text(encoding="utf-8")
    states = sql("SELECT state::text, bronze_id, error_class FROM etl_file")
    assert states == [{"state": "refused", "bronze_id": None, "error_class": "validation"}] * 2


@pytest.fixture
def command(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, Any]]:
    """`atalaia files …` in this process: its exit code and what it answered."""
    monkeypatch.setenv("ATALAIA_STATE_DIR", str(house / "state"))

    def run(*arguments: str) -> tuple[int, Any]:
        monkeypatch.setattr(sys, "argv", ["atalaia", "files", *arguments, "--format", "json"])
        capsys.readouterr()
        code = main()
        out = capsys.readouterr().out
        return code, json.loads(out) if out.strip() else None

    return run


def test_the_command_line_uploads_lists_shows_and_reprocesses(
    house: Path, command: Callable[..., tuple[int, Any]]
) -> None:
    good = made(house / "trato.csv", 5)
    (house / "nota.pdf").write_bytes(b"%PDF-1.7")
    code, taken = command("upload", str(house / "trato.csv"), str(house / "nota.pdf"))
    assert code == 1
    assert [one["status"] for one in taken] == ["uploaded", "error"]
    assert "recusado" in taken[1]["error_message"]
    assert (house / "trato.csv").exists()
    work()
    code, listed = command("list", "--status", "loaded")
    assert (code, [one["rows_loaded"] for one in listed]) == (0, [good])
    file_id = listed[0]["id"]
    code, shown = command("show", file_id)
    assert (code, shown["origin"], shown["layout"]) == (0, "cli", "desvio_carregamento")
    assert shown["timeline"][0]["state"] == "received"
    assert command("reprocess", file_id, "--reason", "conferência")[0] == 0
    work()
    assert sql("SELECT count(*) AS n FROM desvio_carregamento") == [{"n": good}]
    assert command("list", "--status", "perdido")[0] == 64
    assert command("show", "não-é-um-id")[0] == 64
    assert command("show", "00000000-0000-0000-0000-000000000000")[0] != 0
    assert command("show", file_id, "--tenant", "outra")[0] != 0


def test_two_workers_at_one_queue_load_each_file_once(house: Path) -> None:
    """A sample of B-047: twelve files, where the row asks for two hundred."""
    good = [made(house / f"{n}.csv", n, rows=300) for n in range(12)]
    brought = [bring(house / f"{n}.csv") for n in range(12)]
    path = os.pathsep.join(filter(None, [str(ROOT), *sys.path]))
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        for one in workers:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in workers:
            assert one.stdin is not None
            one.stdin.write("\n")
            one.stdin.flush()
        done = [int(one.communicate(timeout=120)[0]) for one in workers]
    finally:
        for one in workers:
            one.kill()
            one.wait()
    assert (sum(done), min(done) > 0) == (12, True), done
    assert [of(one)["rows_loaded"] for one in brought] == good
    runs = sql("SELECT reference_period, count(*) AS n FROM ops.pipeline_runs GROUP BY 1")
    assert {row["reference_period"]: row["n"] for row in runs} == {
        str(one["id"]): 1 for one in brought
    }
    assert sql("SELECT count(*) AS n FROM desvio_carregamento") == [{"n": sum(good)}]
