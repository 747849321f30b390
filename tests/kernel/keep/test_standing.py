"""How the chains stand: verified up to where and when, and a break is seen without writing."""

from __future__ import annotations

import os

import pytest
from tests.kernel.keep.conftest import ANCHORED, ROWS, History, add, superuser

from atalaia.kernel.base.database import connect
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import anchor, standing
from atalaia.kernel.keep.standing import Report, Standing
from atalaia.kernel.keep.verify import verify

DAY_SECONDS = 86_400
RUNS = "stream = 'runs'"


def chains(report: Report) -> dict[str, Standing]:
    return {one.stream: one for one in report.chains}


def file_and_time() -> tuple[bytes, int]:
    file = settings().audit_anchor_file
    return file.read_bytes(), file.stat().st_mtime_ns


def test_each_chain_says_up_to_where_it_was_verified(history: History) -> None:
    verify()
    before = file_and_time()
    head = add("runs")
    found = standing.report()
    assert (found.state, found.problems) == ("ok", [])
    runs, access = chains(found)["runs"], chains(found)["access"]
    assert (runs.state, runs.seq, runs.hash, runs.anchored_seq) == ("ok", ROWS + 1, head.hash, ROWS)
    assert runs.followed == 2, "the anchored record and the one since"
    assert (access.seq, access.anchored_seq, access.followed) == (ROWS, ROWS, 1)
    assert runs.at is not None
    assert access.at is not None
    assert runs.at > access.at
    assert runs.anchored_at == anchor.anchors()[-1].anchored_at
    assert found.verified_at is not None
    assert 0 <= (found.looked_at - found.verified_at).total_seconds() < 60
    assert file_and_time() == before, "looking vouches for nothing"


@pytest.mark.parametrize(
    ("statement", "bad_seq", "words"),
    [
        (f"UPDATE ops.audit_log SET actor = 'eu' WHERE {RUNS} AND seq = {ROWS}", ROWS, "conteúdo"),
        (f"DELETE FROM ops.audit_log WHERE {RUNS} AND seq = {ROWS}", ROWS, "faltam linhas"),
        (f"DELETE FROM ops.audit_log WHERE {RUNS}", ROWS, "faltam linhas"),
        (f"DELETE FROM ops.audit_log WHERE {RUNS} AND seq > 5", ROWS, "faltam linhas"),
    ],
)
def test_a_chain_that_broke_says_where(
    history: History, statement: str, bad_seq: int, words: str
) -> None:
    assert ANCHORED[-1] == ROWS
    with superuser() as connection:
        connection.execute(statement.encode())
    found = standing.report()
    broken = chains(found)["runs"]
    assert (found.state, broken.state, broken.bad_seq) == ("fail", "fail", bad_seq)
    assert words in broken.problem
    assert chains(found)["access"].state == "ok"


def test_the_guard_taken_away_is_told(history: History) -> None:
    with connect(autocommit=True) as connection:
        connection.execute("ALTER TABLE ops.audit_log DISABLE TRIGGER audit_only_grows")
    found = standing.report()
    assert found.state == "fail"
    assert any("audit_only_grows" in problem for problem in found.problems)
    assert {one.state for one in found.chains} == {"ok"}


def test_anchors_that_cannot_be_trusted_are_told(history: History) -> None:
    file = settings().audit_anchor_file
    file.write_bytes(file.read_bytes().replace(b'"seq": 20', b'"seq": 19', 1))
    found = standing.report()
    assert found.state == "fail"
    assert "não foi assinada" in found.problems[0]
    assert {one.state for one in found.chains} == {"unknown"}
    assert found.verified_at is None


def test_without_anchors_a_chain_is_unknown_and_never_ok(history: History) -> None:
    settings().audit_anchor_file.unlink()
    found = standing.report()
    assert found.state == "unknown"
    assert {one.state for one in found.chains} == {"unknown"}
    assert found.chains[0].followed == ROWS, "few enough to be followed all the same"
    assert found.verified_at is None


def test_a_verification_long_ago_is_a_warning(history: History) -> None:
    long_ago = settings().audit_anchor_file.stat().st_mtime - DAY_SECONDS
    os.utime(settings().audit_anchor_file, (long_ago, long_ago))
    found = standing.report()
    assert found.state == "warn"
    assert {one.state for one in found.chains} == {"ok"}


def test_too_many_new_records_are_not_followed_and_not_ok(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "MOST_FOLLOWED", 2)
    for _ in range(3):
        add("runs")
    runs = chains(standing.report())["runs"]
    assert (runs.state, runs.followed) == ("unknown", 0)
    assert "3 registros" in runs.problem
