"""The gate: hundreds of bad files refused, quickly and in words; good ones pass as they are."""

from __future__ import annotations

import gzip
import io
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from tests.kernel.ingest import corpus
from tests.kernel.toy import Toy, as_csv
from tests.sources.server import status

from atalaia.kernel.base.errors import FileRefused
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest.archive import Limits, unpack
from atalaia.kernel.ingest.gate import admit
from atalaia.kernel.ingest.names import own, shown

ROOT = Path(__file__).resolve().parents[3]
SEED = 4711


@pytest.mark.row("R-068")
def test_no_bad_file_passes(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    made = corpus.write(tmp_path, SEED)
    done = subprocess.run(
        [sys.executable, "-m", corpus.__name__, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
    )
    found = json.loads(done.stdout)
    assert made >= 400
    assert (found["passed"], found["crashed"]) == ([], [])
    assert len(found["said"]) == made
    assert all("foi recusado: " in said for said in found["said"].values())
    assert found["slowest"] <= 6
    assert found["rss"] < 512_000_000


def _workbook() -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in (("place", "amount"), ("a", 1)):
        book.active.append(row)
    book.active["A1"].hyperlink = "https://www.gov.br"
    book.save(out)
    return out.getvalue()


def _parquet() -> bytes:
    out = io.BytesIO()
    pl.DataFrame({"place": ["a"], "amount": [1]}).write_parquet(out)
    return out.getvalue()


GOOD = {
    "a.csv": corpus.CSV,
    "bom.csv": b"\xef\xbb\xbf" + corpus.CSV,
    "latin.txt": "município;valor\nSão João;1".encode("latin-1"),
    "a.json": b'{"a": [1, 2]}',
    "a.geojson": b'{"type": "FeatureCollection", "features": []}',
    "a.xml": b'<?xml version="1.0" encoding="UTF-8"?><r><a>1</a></r>',
    "wide.xml": '<?xml version="1.0" encoding="utf-16"?><r/>'.encode("utf-16"),
    "a.zip": corpus.zipped({"dados/a.csv": corpus.CSV, "leia-me.txt": b"x", "çã.csv": b"1"}),
    "a.gz": gzip.compress(corpus.CSV * 1000),
    "a.xlsx": _workbook(),
    "a.parquet": _parquet(),
    "a.shp": b"\x00\x00\x27\x0a" + bytes(96),
    "a.dbf": bytes([3, 24, 1, 1]) + struct.pack("<I2H", 2, 33, 5) + bytes(60),
    "A.CSV": corpus.CSV,
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_passes(tmp_path: Path, name: str) -> None:
    path = tmp_path / "given"
    path.write_bytes(GOOD[name])
    admitted = admit(path, name)
    assert (admitted.size, admitted.name) == (len(GOOD[name]), name)


def test_a_link_and_a_folder_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to("/etc/passwd")
    (tmp_path / "folder.csv").mkdir()
    for name in ("link.csv", "folder.csv"):
        with pytest.raises(FileRefused, match="não é um arquivo"):
            admit(tmp_path / name, name)


def test_the_largest_file_is_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_bytes(corpus.CSV)
    monkeypatch.setenv("UPLOAD_MAX_BYTES", str(len(corpus.CSV) - 1))
    settings.cache_clear()
    try:
        with pytest.raises(FileRefused, match="passa de"):
            admit(tmp_path / "a.csv", "a.csv")
    finally:
        settings.cache_clear()


def test_members_are_unpacked_under_names_of_ours(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(GOOD["a.zip"])
    (tmp_path / "out").mkdir()
    found = unpack(tmp_path / "a.zip", tmp_path / "out", Limits())
    assert {name: path.read_bytes() for name, path in found.items()} == {
        "dados/a.csv": corpus.CSV, "leia-me.txt": b"x", "çã.csv": b"1",
    }  # fmt: skip
    assert {path.parent for path in found.values()} == {tmp_path / "out"}
    assert not {path.name for path in found.values()} & {"a.csv", "leia-me.txt", "çã.csv"}


NAMES = [
    "../../etc/passwd.csv", "..\\..\\x.csv", "/abs/x.csv", "a" * 300 + ".csv", "é" * 200 + ".csv",
    "a\x00b.csv", "a\nb: forged.csv", "a\r\n\r\n<h1>.csv", "\u202egnp.csv", "😀.csv", "CON.csv",
    "-rf.csv", "a;b.csv", "<img src=x onerror=alert(1)>.csv", "a'b\"c.csv", ".csv", "..csv",
    "a\u2028b.csv", "a\u200bb.csv", "x.CSV", " .csv", "a\tb.csv", "a%2f..%2fb.csv", "nul.csv",
]  # fmt: skip


@pytest.mark.row("R-071")
def test_a_name_is_shown_tame_and_kept_as_ours() -> None:
    made = [f"{prefix}{name}" for name in NAMES for prefix in ("", "x", "../", "a\n", "\u202e" * 9)]
    made += [
        f"{name[:-4]}{suffix}" for name in NAMES for suffix in (".csv/", ".c\nsv", "." * 9, "")
    ]
    made += [f"{chr(code)}.csv" for code in (*range(32), 0x7F, *range(0x80, 0xC0), 0x202A, 0x2066)]
    assert len(made) >= 300
    for name in made:
        told, kept = shown(name), own(7, "ab" * 32, name)
        assert 1 <= len(told) <= 120
        assert not set(told) & set("<>&\"'`/\\\n\r\t\x00\u202e\u2028\u200b")
        assert told == told.strip(" .")
        assert kept.startswith("007-abababababababab")
        assert kept.isascii()
        assert len(kept) <= 30
        assert "/" not in kept


@pytest.mark.row("R-071", "R-068")
def test_what_a_person_puts_there_goes_through_the_gate(toy: Toy) -> None:
    """The manual folder: kept under our own name, shown tame; a bad one loads nothing."""
    folder = settings().data_dir / "manual" / "toy" / "2024" / "amounts"
    folder.mkdir(parents=True)
    given = folder / "..;\nforged\u202e <b>.csv"
    given.write_bytes(as_csv([("z", 9, "")]))
    toy.server.misbehave(status(404))
    result = toy.run()
    (kept,) = result["bronze"]
    assert (result["run_status"], toy.table()) == ("success", {"z": (9, None)})
    assert Path(kept["path"]).name.startswith("000-")
    told = " ".join(result["warnings"])
    assert "forged _b_.csv' foi guardado como 000-" in told
    assert "\n" not in told

    other = folder.parents[1] / "2023" / "amounts"
    other.mkdir(parents=True)
    (other / "x.csv").write_bytes(corpus.zipped({"a.csv": b"1"}))
    refused = toy.run("2023")
    assert (refused["run_status"], refused["bronze"]) == ("failed", [])
    assert "'x.csv' foi recusado: o conteúdo não é o que o nome diz" in refused["error"]
    assert toy.table("2023") == {}
    (other / "x.csv").unlink()
    (other / "y.csv").symlink_to("/etc/passwd")
    assert "atalho" in toy.run("2023")["error"]
