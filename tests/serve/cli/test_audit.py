"""atalaia audit: exit codes are true, the first bad record is named, a file needs no database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.serve.cli.conftest import Run

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import audit


@pytest.fixture(autouse=True)
def _records(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three records, and a key to anchor them with."""
    monkeypatch.setenv("AUDIT_ANCHOR_KEY", "k" * 40)
    settings.cache_clear()
    for number, stream in enumerate(("access", "runs", "runs")):
        with connect() as connection:
            audit.append(
                connection, stream=stream, action=f"thing.{number}", actor="ana", trigger="cli",
                reason="porque",
            )  # fmt: skip


def tamper(statement: str) -> None:
    with connect() as connection:
        connection.execute("ALTER TABLE ops.audit_log DISABLE TRIGGER ALL")
        connection.execute(statement.encode())
        connection.execute("ALTER TABLE ops.audit_log ENABLE ALWAYS TRIGGER audit_only_grows")


def test_what_holds_is_0_and_without_an_anchor_before_it_is_1(here: Run) -> None:
    first = here("audit", "verify", "--format", "json")
    assert (first.code, "âncora" in first.err) == (1, True)
    again = here("audit", "verify", "--format", "json")
    assert (again.code, again.err) == (0, "")
    assert [(one["stream"], one["status"], one["rows"]) for one in json.loads(again.out)] == [
        ("access", "pass", 1), ("runs", "pass", 2),
    ]  # fmt: skip
    one = here("audit", "verify", "--stream", "runs", "--since", "anchor", "--format", "json")
    assert (one.code, [row["rows"] for row in json.loads(one.out)]) == (0, [1])


@pytest.mark.row("R-046")
def test_what_was_changed_is_2_and_named(here: Run) -> None:
    assert here("audit", "anchor").code == 0
    tamper("UPDATE ops.audit_log SET reason = 'outro' WHERE stream = 'runs' AND seq = 2")
    said = here("audit", "verify", "--format", "json")
    assert said.code == 2
    assert "NÃO CONFERE: runs, linha 2: o conteúdo não é o que foi registrado" in said.err
    bad = [one for one in json.loads(said.out) if one["status"] == "fail"]
    assert [(one["stream"], one["bad_seq"]) for one in bad] == [("runs", 2)]
    assert here("audit", "verify", "--stream", "access").code == 0
    assert here("audit", "anchor").code == 2


def test_the_list_is_what_is_asked_for(here: Run) -> None:
    def listed(*options: str) -> list[tuple[str, int]]:
        said = here("audit", "list", "--format", "json", *options)
        assert said.code == 0
        return [(one["stream"], one["seq"]) for one in json.loads(said.out)]

    assert listed() == [("runs", 2), ("runs", 1), ("access", 1)]
    assert listed("--limit", "1") == [("runs", 2)]
    assert listed("--stream", "access") == [("access", 1)]
    assert listed("--action", "thing.1") == [("runs", 1)]
    assert "porque" in here("audit", "list", "--format", "table").out


def test_an_export_is_verified_without_a_database_or_a_key(
    here: Run, alone: Run, tmp_path: Path
) -> None:
    out = tmp_path / "auditoria.ndjson"
    said = here("audit", "export", "--out", str(out), "--format", "json")
    assert (said.code, json.loads(said.out)["rows"]) == (0, 3)
    nothing = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "AUDIT_ANCHOR_KEY": None}
    assert alone("audit", "verify", "--file", str(out), env=nothing).code == 0
    out.write_text(out.read_text(encoding="utf-8").replace('"porque"', '"outro"', 1), "utf-8")
    changed = alone("audit", "verify", "--file", str(out), env=nothing)
    assert changed.code == 2
    assert "access, linha 1" in changed.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--stream", "none"),
        ("verify", "--since", "ever"),
        ("verify", "--file", "none.ndjson"),
        ("verify", "--file", __file__),
        ("verify", "--file", __file__, "--stream", "runs"),
        ("export",),
        ("export", "--out", "none/none/file"),
    ],
)
def test_what_cannot_be_asked_is_64(here: Run, arguments: tuple[str, ...]) -> None:
    said = here("audit", *arguments)
    assert (said.code, said.out) == (64, "")
    assert said.err


def test_without_a_key_nothing_is_anchored(here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUDIT_ANCHOR_KEY")
    settings.cache_clear()
    said = here("audit", "anchor")
    assert (said.code, "AUDIT_ANCHOR_KEY" in said.err) == (64, True)
    assert here("audit", "verify").code == 1
