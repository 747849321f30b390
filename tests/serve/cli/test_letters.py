"""dlq replay and discard: a reason is asked for, a bad file changes nothing, Redis may be away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.kernel.work import toys
from tests.serve.cli.conftest import Run

from atalaia.kernel.base.errors import ContractBroken
from atalaia.kernel.base.settings import settings
from atalaia.kernel.work.drain import Handler, drain


@pytest.fixture
def letter(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The number of the one dead letter there is; nobody answers at REDIS_URL."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()

    def refuse(*_: Any) -> None:
        raise ContractBroken("Não.")

    toys.ask([{"n": 1}])
    drain({toys.TOY: Handler(refuse)})
    (row,) = toys.rows("SELECT dead_letter_id FROM ops.dead_letters")
    return str(row["dead_letter_id"])


def waiting() -> list[Any]:
    rows = toys.rows("SELECT payload FROM ops.work_items WHERE status = 'queued'")
    return [row["payload"] for row in rows]


def test_a_corrected_payload_is_accepted_even_with_redis_away(
    here: Run, letter: str, tmp_path: Path
) -> None:
    file = tmp_path / "corrected.json"
    file.write_text('{"n": 2}', encoding="utf-8")
    said = here("dlq", "correct", letter, "--payload", str(file), "--reason", "digitado errado")
    assert said.code == 0, said.err
    assert waiting() == [{"n": 2}]
    again = here("dlq", "replay", letter, "--reason", "x")
    assert (again.code, waiting()) == (64, [{"n": 2}])
    listed = json.loads(here("dlq", "show", letter, "--format", "json").out)
    assert "digitado errado" in listed["notes"]


def test_without_redis_set_what_is_accepted_stays_so(
    here: Run, letter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    settings.cache_clear()
    said = here("dlq", "replay", letter, "--reason", "de novo")
    assert (said.code, waiting()) == (0, [{"n": 1}]), said.err


@pytest.mark.parametrize("content", [None, "", "{", "ção".encode("latin-1")])
def test_a_file_that_cannot_be_read_changes_nothing(
    here: Run, letter: str, tmp_path: Path, content: str | bytes | None
) -> None:
    file = tmp_path / "corrected.json"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    said = here("dlq", "correct", letter, "--payload", str(file), "--reason", "x")
    assert said.code == 64
    assert "Nada foi mudado" in said.err
    assert waiting() == []


@pytest.mark.parametrize("command", ["replay", "discard"])
@pytest.mark.parametrize("reason", [(), ("--reason", " ")])
def test_a_decision_has_a_reason(
    here: Run, letter: str, command: str, reason: tuple[str, ...]
) -> None:
    assert here("dlq", command, letter, *reason).code == 64
    assert toys.rows("SELECT FROM ops.dead_letters WHERE NOT resolved")


@pytest.mark.parametrize(
    "how", [(), ("--set", "n"), ("--set", "=2"), ("--set", "n=2", "--payload", "f")]
)
def test_a_correction_says_what_once(here: Run, letter: str, how: tuple[str, ...]) -> None:
    assert here("dlq", "correct", letter, *how, "--reason", "x").code == 64
    assert waiting() == []


def test_a_cell_is_corrected_by_name(here: Run, letter: str) -> None:
    assert here("dlq", "correct", letter, "--set", "n=a=b", "--reason", "x").code == 0
    assert waiting() == [{"n": "a=b"}]


def test_discarded_is_decided(here: Run, letter: str) -> None:
    assert here("dlq", "discard", letter, "--reason", "teste").code == 0
    assert waiting() == []
    assert not toys.rows("SELECT FROM ops.dead_letters WHERE NOT resolved")
    assert here("dlq", "discard", letter, "--reason", "teste").code == 64
