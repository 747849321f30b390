"""Canaries: what a person typed at the prompt, wherever it was typed, is in no log or record."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.canaries import CANARIES, everything_kept, hits

from atalaia.serve.cli import main


@pytest.mark.row("R-063", "E-044")
@pytest.mark.parametrize(
    "command",
    [
        ("run", "{}", "-p", "2024"), ("run", "ibge_admin", "-p", "{}"), ("explain", "{}"),
        ("runs", "--job", "{}"), ("dlq", "discard", "1", "--reason", "{}"), ("wave", "{}"),
        ("cancel", "{}", "--reason", "{}"), ("audit", "list", "--actor", "{}"), ("{}",),
    ],
)  # fmt: skip
def test_what_is_typed_at_the_prompt_is_kept_nowhere(
    database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("ATALAIA_STATE_DIR", str(tmp_path / "state"))
    for canary in CANARIES.values():
        monkeypatch.setattr("sys.argv", ["atalaia", *(part.format(canary) for part in command)])
        main()
    logs = [path.read_text("utf-8", "replace") for path in tmp_path.rglob("*.log")]
    assert hits(" ".join(logs)) == []
    assert hits(everything_kept()) == []
