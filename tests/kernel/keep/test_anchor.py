"""Anchors: on disk when it is said, signed, and refused once anything about them was changed."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, example, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from tests.kernel.keep.conftest import KEY

from atalaia.kernel.base.errors import Tampered, UsageError
from atalaia.kernel.base.settings import settings
from atalaia.kernel.keep import anchor
from atalaia.kernel.keep.audit import Head

HEADS = [Head("runs", seq, f"{seq:02x}" * 32) for seq in range(1, 6)]


@pytest.fixture
def _own_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    monkeypatch.setenv("DATA_DIR", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setenv("AUDIT_ANCHOR_KEY", KEY)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def written(_own_file: None) -> bytes:
    """The file of five anchors."""
    for head in HEADS:
        anchor.write([head])
    return settings().audit_anchor_file.read_bytes()


def test_what_is_written_is_read_again(written: bytes) -> None:
    assert [Head(one.stream, one.seq, one.hash) for one in anchor.anchors()] == HEADS
    file = settings().audit_anchor_file
    assert (file.name, file.parent.parent) == ("anchors.ndjson", settings().data_dir)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert anchor.write([HEADS[-1]]) == 0
    assert file.read_bytes() == written
    assert anchor.write([HEADS[0]]) == 1, "another head than the newest is news"


@pytest.mark.usefixtures("_own_file")
def test_writers_at_once_leave_one_chain() -> None:
    def write(name: str) -> None:
        for seq in range(1, 6):
            anchor.write([Head(name, seq, "0" * 64)])

    threads = [threading.Thread(target=write, args=(f"s{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(anchor.anchors()) == 20


def test_what_a_dying_writer_left_is_no_anchor(written: bytes) -> None:
    file = settings().audit_anchor_file
    file.write_bytes(written[:-30])
    assert len(anchor.anchors()) == 4
    anchor.write([HEADS[-1]])
    assert [one.seq for one in anchor.anchors()] == [1, 2, 3, 4, 5]


@pytest.mark.row("R-047")
def test_another_key_does_not_sign(written: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_ANCHOR_KEY", KEY + "!")
    settings.cache_clear()
    with pytest.raises(Tampered, match="linha 1"):
        anchor.anchors()
    with pytest.raises(Tampered):
        anchor.write(HEADS)
    assert settings().audit_anchor_file.read_bytes() == written


@pytest.mark.usefixtures("_own_file")
@pytest.mark.parametrize("key", ["", "x" * 31])
def test_a_key_that_can_be_guessed_is_no_key(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_ANCHOR_KEY", key)
    settings.cache_clear()
    with pytest.raises(UsageError, match="AUDIT_ANCHOR_KEY"):
        anchor.write(HEADS)


def test_the_key_comes_from_a_file(
    written: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("secret") / "key"
    file.write_text(KEY + "\n")
    monkeypatch.delenv("AUDIT_ANCHOR_KEY")
    monkeypatch.setenv("AUDIT_ANCHOR_KEY_FILE", str(file))
    settings.cache_clear()
    assert len(anchor.anchors()) == 5
    assert KEY not in repr(settings())


FIELDS = ("stream", "seq", "hash", "anchored_at", "mac")


@st.composite
def forgeries(draw: st.DrawFn) -> tuple[str, int, int, str]:
    """What is done, to which line, with what."""
    how = draw(
        st.sampled_from(["bit", "field", "drop", "swap", "twice", "blank", "spaces", "more"])
    )
    return how, draw(st.integers(0, 4)), draw(st.integers(0, 2**16)), draw(st.sampled_from(FIELDS))


def forge(content: bytes, forgery: tuple[str, int, int, str]) -> bytes:
    """The file after it."""
    how, line, number, field = forgery
    lines = content.splitlines(keepends=True)
    known = json.loads(lines[line])
    if how == "bit":
        flat = bytearray(lines[line])
        flat[number % (len(flat) - 1)] ^= 1 << (number % 8)  # its end is a case of its own
        lines[line] = bytes(flat)
    elif how == "field":
        known[field] = number if field == "seq" else f"{number:x}"
        lines[line] = json.dumps(known).encode() + b"\n"
    elif how == "drop":
        del lines[min(line, 3)]
    elif how == "swap":
        other = (line + 1 + number % 4) % 5
        lines[line], lines[other] = lines[other], lines[line]
    elif how == "twice":
        lines.insert(line, lines[number % 5])
    elif how == "blank":
        lines.insert(line, b"\n")
    elif how == "spaces":
        lines[line] = json.dumps(known, indent=1).replace("\n", "").encode() + b"\n"
    else:
        lines[line] = json.dumps({**known, "more": number}).encode() + b"\n"
    return b"".join(lines)


@pytest.mark.row("R-047")
@trying(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(forgery=forgeries())
@example(forgery=("field", 4, 9, "seq"))
@example(forgery=("field", 4, 0xAB, "hash"))
@example(forgery=("drop", 0, 0, "seq"))
def test_a_forged_file_is_refused(written: bytes, forgery: tuple[str, int, int, str]) -> None:
    forged = forge(written, forgery)
    assume(forged != written)
    file = settings().audit_anchor_file
    file.write_bytes(forged)
    with pytest.raises(Tampered, match=r"linha \d"):
        anchor.anchors()
    with pytest.raises(Tampered):
        anchor.write(HEADS)
    assert file.read_bytes() == forged, "nothing is added to what is not to be trusted"
    file.write_bytes(written)
