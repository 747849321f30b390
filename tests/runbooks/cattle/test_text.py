"""The cattle runbook beside the document it comes from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.runbooks.cattle.replay import TEXT, commands, fences

ROOT = Path(__file__).resolve().parents[3]
SEED = ROOT.parent / "shared" / "seeds" / "2-conecta-boi-etl-runbook.md"


@pytest.mark.skipif(not SEED.exists(), reason="the document is not here")
def test_the_runbook_prints_what_the_document_printed() -> None:
    """Every command and query of the document is in ours, character for character."""
    seed = SEED.read_text(encoding="utf-8")
    ours = fences(TEXT.read_text(encoding="utf-8"))
    printed = "\n".join(body for _, body in ours.values())
    for language, body in re.findall(r"^```(bash|sql)\n(.*?)^```", seed, re.M | re.S):
        if language == "sql":
            assert body in printed
        else:
            assert set(commands(body)) <= set(commands(printed))
