"""The export: whole or not there, verified by anyone with SHA-256, refused when changed."""

from __future__ import annotations

import json
import re
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from tests.kernel.keep.conftest import ROWS, STREAMS, History, add, rewrite, rows, superuser

from atalaia.kernel.base.errors import NotFound, UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep.export import export, verify_file
from atalaia.kernel.keep.verify import anchor

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/audit.md"


@pytest.fixture
def exported(history: History, tmp_path: Path) -> Path:
    """An export of the history."""
    out = tmp_path / "auditoria.ndjson"
    export(out)
    return out


@pytest.fixture
def outsider(tmp_path: Path) -> Path:
    """The program docs/audit.md shows to who does not trust ours."""
    (program,) = re.findall(
        r"```python\n(import hashlib.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S
    )
    file = tmp_path / "outsider.py"
    file.write_text(program, encoding="utf-8")
    return file


def judged(outsider: Path, file: Path) -> tuple[int, str]:
    """Its exit code and what it says, in a Python that knows nothing of ours."""
    done = subprocess.run(
        [sys.executable, "-I", str(outsider), str(file)],
        capture_output=True, text=True, check=False, env={},
    )  # fmt: skip
    return done.returncode, done.stderr.strip()


def test_it_holds_everything_and_is_its_owners_only(exported: Path, history: History) -> None:
    header, *lines = map(json.loads, exported.read_text(encoding="utf-8").splitlines())
    assert [tuple(line.values()) for line in lines] == [
        tuple(record) for stream in STREAMS for record in rows(stream)
    ]
    assert [tuple(head.values()) for head in header["heads"]] == [
        (stream, ROWS, rows(stream)[-1].hash) for stream in STREAMS
    ]
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    assert [path.name for path in exported.parent.iterdir()] == [exported.name]


def test_of_one_stream(history: History, tmp_path: Path) -> None:
    made = export(tmp_path / "one", stream="runs")
    assert (made["rows"], [head["stream"] for head in made["heads"]]) == (ROWS, ["runs"])
    assert [one.stream for one in verify_file(tmp_path / "one")] == ["runs"]
    with pytest.raises(NotFound):
        export(tmp_path / "none", stream="none")
    assert not (tmp_path / "none").exists()


def test_one_that_fails_leaves_what_was_there(
    exported: Path, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = exported.read_bytes()
    add(stream="runs", reason="mais um")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        export(exported)
    assert exported.read_bytes() == before
    assert [path.name for path in exported.parent.iterdir()] == [exported.name]


def test_we_and_an_outsider_find_it_good(exported: Path, outsider: Path) -> None:
    assert {(one.status, one.rows, one.anchors) for one in verify_file(exported)} == {
        ("pass", ROWS, 2)
    }
    assert judged(outsider, exported) == (0, "")


@pytest.mark.row("R-046")
@pytest.mark.parametrize("how", ["edit", "drop", "cut", "swap", "twice", "foreign", "headless"])
def test_we_and_an_outsider_find_a_change(exported: Path, outsider: Path, how: str) -> None:
    lines = exported.read_text(encoding="utf-8").splitlines(keepends=True)
    place, seq = 1 + ROWS + 6, 7  # in the second stream, runs
    if how == "edit":
        lines[place] = lines[place].replace('"actor": "', '"actor": "x')
    elif how == "drop":
        del lines[place]
    elif how == "cut":
        del lines[-1]
        seq = ROWS
    elif how == "swap":
        lines[place], lines[place + 3] = lines[place + 3], lines[place]
    elif how == "twice":
        lines.insert(place, lines[place - 1])
        seq = 6
    elif how == "foreign":
        lines.append(lines[-1].replace('"runs"', '"other"'))
    else:
        lines[0] = lines[0].replace('"seq": 40', '"seq": 41')
        seq = ROWS + 1
    exported.write_text("".join(lines), encoding="utf-8")
    wrong = [one for one in verify_file(exported) if one.status == "fail"]
    assert wrong
    if how != "foreign":
        assert (wrong[-1].stream, wrong[-1].bad_seq) == ("runs", seq)
    assert judged(outsider, exported)[0] == 1


def test_a_chain_written_anew_needs_an_anchor(
    exported: Path, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    with superuser() as connection:
        rewrite(connection, [record._replace(actor="eva") for record in rows("runs")])
    export(exported)
    assert [one.bad_seq for one in verify_file(exported)] == [None, 20]
    monkeypatch.setenv("AUDIT_ANCHOR_KEY", "")
    settings.cache_clear()
    assert [one.status for one in verify_file(exported)] == ["pass", "pass"]


def test_it_is_not_short_because_anchors_came_after_it(exported: Path, history: History) -> None:
    add()
    anchor()
    assert {one.status for one in verify_file(exported)} == {"pass"}


@pytest.mark.row("R-046")
@trying(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=st.integers(1, 2 * ROWS), place=st.integers(0, 2**16), bit=st.integers(0, 7))
@example(line=2 * ROWS, place=2, bit=0)
def test_no_bit_of_a_record_can_be_turned(exported: Path, line: int, place: int, bit: int) -> None:
    """But for those between the words of JSON, which change nothing that it says."""
    before = exported.read_bytes()
    lines = before.split(b"\n")
    turned = bytearray(lines[line])
    turned[place % len(turned)] ^= 1 << bit
    with suppress(ValueError):
        assume(json.loads(turned) != json.loads(lines[line]))
    exported.write_bytes(b"\n".join([*lines[:line], bytes(turned), *lines[line + 1 :]]))
    found = verify_file(exported)
    exported.write_bytes(before)
    assert "fail" in {one.status for one in found}


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"{}", b"[]", b"\xff", b'{"format": "atalaia.audit.export/2", "heads": []}',
     b'{"format": "atalaia.audit.export/1", "heads": [{"stream": "a"}]}', b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_export_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="não é um arquivo de auditoria"):
        verify_file(file)
