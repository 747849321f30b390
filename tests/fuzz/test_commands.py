"""Every command with what nobody meant: a documented exit code, no traceback, no half a file."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.fuzz.commands import Leaf, leaves
from tests.serve.cli.conftest import Run

SEED = 20261130
CODES = {0, 1, 2, 64, 130, 141}
WORDS = (
    "", " ", "x", "0", "-1", "1e999", "999999999999999999999", "2024", "2024-13", "31/02/2024",
    "../../etc/passwd", "/dev/null/x", "/root/nothing/here", "'; DROP TABLE x; --", "$(id)",
    "a" * 3000,     "é", "\U0001f600", "\udcff", "\x01", "%s%n", "{}", "[]", '{"a": 1}', "null",
    "--", "-", "=",
    "a=b", "00000000-0000-0000-0000-000000000000", "*", "~", "http://127.0.0.1:1/", "1;2", "\n",
    "table",
)  # fmt: skip
WAITING = ("--follow", "--wait")  # they go on until somebody stops them
_MODULE = [sys.executable, "-m", "atalaia.serve.cli"]


def line(leaf: Leaf, chance: random.Random) -> list[str]:
    """The command with some of its flags, some of nobody's, some values missing."""
    found = [*leaf.words]
    flags = [name for option in leaf.options for name in option.opts if name not in WAITING]
    for name in chance.sample(flags, chance.randrange(len(flags) + 1)):
        found.append(name)
        if chance.random() < 0.8:
            found.append(chance.choice(WORDS))
    found += [chance.choice(WORDS) for _ in range(chance.randrange(len(leaf.arguments) + 2))]
    if leaf.lasting or chance.random() < 0.2:
        found.insert(len(leaf.words), chance.choice(["--no-such-flag", "--format=xml=", "-Z"]))
        if leaf.lasting:
            found.insert(len(leaf.words), "--no-such-flag")
    return found


def _fuzz(here: Run, per_command: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.chdir(folder)
    chance, wrong, tried = random.Random(SEED), [], 0  # noqa: S311
    for leaf in leaves():
        for _ in range(per_command):
            words = line(leaf, chance)
            said = here(*words)
            tried += 1
            if (
                said.code not in CODES
                or "Traceback" in said.out + said.err
                or "defeito nosso" in said.err
            ):
                wrong.append(f"{words}: {said.code} {said.err[-300:]}")
    assert wrong == [], f"{len(wrong)} of {tried}: " + "\n".join(wrong[:25])
    half = [file for file in folder.rglob("*") if file.name.endswith((".part", ".tmp", ".partial"))]
    assert half == []
    return tried


@pytest.mark.row("R-085")
@pytest.mark.timeout(400)
def test_no_flag_of_any_command_is_a_traceback(
    here: Run, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATALAIA_STATE_DIR", str(tmp_path / "state"))
    assert _fuzz(here, 3, tmp_path, monkeypatch) > 150


@pytest.mark.night("fuzz-commands")
@pytest.mark.row("R-085")
@pytest.mark.timeout(1480)
def test_a_hundred_and_fifty_lines_of_every_command(
    here: Run, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    monkeypatch.setenv("ATALAIA_STATE_DIR", str(tmp_path / "state"))
    record_property("seed", SEED)
    record_property("commands", _fuzz(here, 150, tmp_path, monkeypatch))


def _around(words: list[str], folder: Path, **changed: str | None) -> subprocess.Popen[bytes]:
    """A command in a process of its own, in surroundings that are not what it is used to."""
    environment = {**os.environ, "ATALAIA_STATE_DIR": str(folder / "state"), **changed}
    return subprocess.Popen(
        [*_MODULE, *words], env={k: v for k, v in environment.items() if v is not None}, cwd=folder,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


ROUGH: dict[str, dict[str, str | None]] = {
    "LANG=C": {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "no HOME": {"HOME": None, "XDG_CONFIG_HOME": None},
    "no terminal": {"TERM": "dumb", "COLUMNS": "1"},
}
SOME = (
    ["jobs"],
    ["status"],
    ["registry"],
    ["dlq", "list"],
    ["alerts", "list"],
    ["no-such-command"],
)
# In the terminal of each these are the surroundings in which it printed what it could.


def _rough(words: list[str], folder: Path) -> None:
    for name, changed in ROUGH.items():
        process = _around(words, folder, **changed)
        out, err = process.communicate(timeout=120)
        assert process.returncode in CODES, (words, name, err[-500:])
        assert b"Traceback" not in out + err, (words, name)
        assert b"defeito nosso" not in err, (words, name, err)
    reader = _around(words, folder)
    assert reader.stdout
    assert reader.stderr
    reader.stdout.close()  # nobody reads
    err = reader.stderr.read()
    assert reader.wait(120) in CODES
    assert b"Traceback" not in err
    folder.chmod(0o500)
    try:
        _, err = (shut := _around(words, folder)).communicate(timeout=120)
    finally:
        folder.chmod(0o700)
    assert shut.returncode in CODES
    assert b"Traceback" not in err


@pytest.mark.row("R-085")
@pytest.mark.timeout(400)
def test_rough_surroundings(database: str, tmp_path: Path) -> None:
    for number, words in enumerate(SOME[:2]):
        folder = tmp_path / str(number)
        folder.mkdir()
        _rough(list(words), folder)


@pytest.mark.night("fuzz-surroundings")
@pytest.mark.row("R-085")
@pytest.mark.timeout(1480)
def test_rough_surroundings_of_every_command(
    database: str, tmp_path: Path, record_property: Any
) -> None:
    asked = [
        list(leaf.words) + ["x"] * len(leaf.arguments) for leaf in leaves() if not leaf.lasting
    ]
    for number, words in enumerate([*map(list, SOME), *asked]):
        folder = tmp_path / str(number)
        folder.mkdir()
        _rough(words, folder)
    record_property("commands", len(asked))


@pytest.mark.row("R-085")
@pytest.mark.timeout(200)
def test_who_is_interrupted_says_so(database: str, tmp_path: Path) -> None:
    """Ctrl-C in a command that waits: 130, one word, and no traceback, at whatever moment."""
    log = tmp_path / "logs" / "api.log"
    log.parent.mkdir()
    log.write_text('{"ts": "2026-11-30T00:00:00+00:00", "level": "INFO", "message": "x"}\n')
    process = _around(
        ["logs", "api", "--follow", "--since", "100d"], tmp_path, LOG_DIR=str(log.parent)
    )
    assert process.stdout
    assert process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, b"Traceback" in err) == (130, False), err
