"""Every command, called wrongly in every way: one message, a documented exit code, nothing left.

By day a seeded few for each command and four circumstances of a terminal; by night 150 for each and
all of those: `make test-night SET=fuzz-commands`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.serve.cli.conftest import Run

from atalaia.serve.cli.app import ENTRIES, _load

SEED, BY_DAY, BY_NIGHT = 20261201, 6, 150
DOCUMENTED = {0, 1, 2, 64, 130, 141}
# What is said when something broke that nobody foresaw (`serve/cli/failure.py`).
BROKEN = ("Traceback", "defeito nosso")
_ODD = ("", " ", "-", "--", "0", "-1", "99999999999999999999", "1e999", "NaN", "x" * 5_000, "'; --",
        "../../etc/passwd", "/no/such/place", "ção", "\u202e", "a\nb", "2024-13-45", "9999-12-31",
        "\x1b[2J", "{}", "%s", "$(true)", "00000000-0000-0000-0000-000000000000")  # fmt: skip
# Those that go on until they are stopped, or that begin, stop or rewrite an installation: they are
# called with what cannot be right only.
_WITH_EFFECT = {"up", "down", "restart", "serve", "worker", "scheduler", "service", "mocks"}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A command that can be called, by its words."""

    words: tuple[str, ...]
    params: tuple[Any, ...]

    @property
    def reads(self) -> bool:
        """Whether calling it changes nothing: it asks for no reason, and starts nothing."""
        return self.words[0] not in _WITH_EFFECT and not {"--reason", "--yes", "--out"} & {
            one for param in self.params for one in param.opts
        }


def leaves() -> list[Leaf]:
    """Every command there is."""
    return [
        leaf
        for entry in ENTRIES
        for leaf in _below((entry.name,), _load(entry.name, entry.target, entry.help))
    ]


def _below(words: tuple[str, ...], command: Any) -> Iterator[Leaf]:
    if not hasattr(command, "commands"):
        yield Leaf(words, tuple(command.params))
        return
    for name, found in command.commands.items():
        yield from _below((*words, name), found)


def calls(leaf: Leaf, count: int, chance: random.Random) -> Iterator[tuple[list[str], bool]]:
    """Ways to call it, and whether each is wrong usage whatever there is to find."""
    options = [one for one in leaf.params if one.param_type_name == "option" and one.name != "help"]
    for turn in range(count):
        known: list[str] = []
        for one in chance.sample(options, chance.randint(0, len(options))):
            known += [chance.choice(one.opts)]
            known += [] if one.is_flag else [chance.choice(_ODD)]
        wrong = turn % 2 == 0 or not leaf.reads
        extra = [chance.choice(_ODD) for _ in range(chance.randint(0, 2))]
        unknown = [f"--no-such-{chance.randrange(1000)}"] if wrong else []
        yield [*leaf.words, *unknown, *known, *extra], wrong


def _try(here: Run, folder: Path, count: int) -> int:
    """Call every command `count` times; how many calls that were."""
    chance, asked = random.Random(SEED), 0  # noqa: S311
    before = sorted(folder.rglob("*"))
    for leaf in leaves():
        for words, wrong in calls(leaf, count, chance):
            said = here(*words)
            told = f"{words!r:.300}: {said.code}\n{said.err[-500:]}"
            assert said.code in DOCUMENTED, told
            assert not any(word in said.out + said.err for word in BROKEN), told
            assert not wrong or said.code == 64, told
            assert said.code != 64 or said.out == "", told
            asked += 1
    assert sorted(folder.rglob("*")) == before, "a file was left behind"
    return asked


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database_of_module: str) -> Path:
    """Where commands are called: nothing of theirs is to stay here."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.mark.row("R-085")
def test_a_few_wrong_calls_of_every_command(here: Run, folder: Path) -> None:
    assert len(leaves()) > 80
    assert _try(here, folder, BY_DAY) == BY_DAY * len(leaves())


@pytest.mark.night("fuzz-commands")
@pytest.mark.row("R-085")
@pytest.mark.timeout(1200)
def test_many_wrong_calls_of_every_command(here: Run, folder: Path, record_property: Any) -> None:
    record_property("seed", SEED)
    record_property("calls", _try(here, folder, BY_NIGHT))


_TALKATIVE = ("jobs", "--format", "ndjson")


def started(words: tuple[str, ...], **how: Any) -> subprocess.Popen[bytes]:
    """`atalaia …` in a process of its own, with nothing to read from."""
    command = [sys.executable, "-m", "atalaia.serve.cli", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, **{"stdout": pipe, "stderr": pipe, **how}
    )


@pytest.mark.row("R-085")
def test_a_reader_who_goes_away_is_no_defect(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = started(_TALKATIVE, stdout=writing)
    os.close(writing)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (141, b"")


@pytest.mark.row("R-085")
def test_who_presses_ctrl_c_gets_the_prompt_back(folder: Path) -> None:
    """While it waits for a log line that never comes."""
    log = Path(os.environ["LOG_DIR"], "api.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    line = {"ts": datetime.now(UTC).isoformat(), "level": "INFO", "service": "api"}
    log.write_text(json.dumps(line | {"message": "here", "trace_id": "-"}) + "\n", "utf-8")
    process = started(("logs", "api", "--follow"))
    assert process.stdout
    assert b"here" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.decode() in ("", "Interrompido.\n"), "who asked for it knows"


@pytest.mark.row("R-085")
def test_neither_home_nor_language_nor_a_folder_to_write_in_is_needed(folder: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if name not in ("HOME", "LC_ALL")}
    process = started(
        _TALKATIVE, cwd="/proc", env={**clean, "LANG": "C", "TERM": "dumb", "COLUMNS": "1"}
    )
    out, said = process.communicate(timeout=60)
    assert process.returncode == 0, said.decode()
    assert b'"ibge_admin"' in out
    assert b"\x1b" not in out + said, "no colours where nobody sees them"
