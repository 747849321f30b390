"""Bundled files as bronze: with their origin, once, and put back when lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.domains.territory.conftest import Territory

from atalaia.domains.territory import bundle
from atalaia.domains.territory.seed import seed_bundle
from atalaia.kernel.base.disk import sha256_of
from atalaia.kernel.base.errors import Tampered
from atalaia.kernel.base.settings import settings
from atalaia.kernel.ingest import bronze

MANIFEST = "SELECT * FROM bronze.manifest ORDER BY bronze_id"


def test_every_bundled_file_enters_bronze_with_its_origin(territory: Territory) -> None:
    files = bundle.resources()
    assert seed_bundle() == len(files)
    listed = {row["sha256"]: row for row in territory.rows(MANIFEST)}
    assert len(listed) == len(files)
    for file in files:
        row = listed[file.raw_sha256]
        assert (row["source"], row["dataset"]) == (file.source, file.dataset)
        assert row["reference_period"] == file.reference_period
        assert (row["package"], row["exchange"]) == (file.package, None)
        assert row["extracted_at"] == file.extracted_at
        stored = settings().data_dir / row["path"]
        assert (sha256_of(stored), stored.stat().st_size) == (file.raw_sha256, file.raw_bytes)
        assert stored.name == file.raw_name
        beside = json.loads((stored.parent / "manifest.json").read_text())
        assert row["path"] in {told["path"] for told in beside["files"]}


def test_seeding_again_adds_nothing(territory: Territory) -> None:
    seed_bundle()
    before = territory.rows(MANIFEST)
    folder = settings().data_dir
    files = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert seed_bundle() == 0
    assert territory.rows(MANIFEST) == before
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*") if p.is_file()} == files


def test_the_parts_of_the_shapefile_are_one_extraction(territory: Territory) -> None:
    seed_bundle()
    datasets = [f"municipal_mesh_{suffix}" for suffix in ("shp", "shx", "dbf", "prj")]
    first = bronze.newest("ibge", datasets, "2007")
    assert first is not None
    assert [found.dataset for found in bronze.same_extraction(first, datasets)] == datasets


@pytest.mark.row("R-019")
def test_a_file_that_was_lost_is_put_back(territory: Territory) -> None:
    seed_bundle()
    before = territory.rows(MANIFEST)
    (row,) = territory.rows("SELECT path, sha256 FROM bronze.manifest WHERE dataset = 'dtb'")
    path = settings().data_dir / row["path"]
    path.unlink()
    assert seed_bundle() == 1
    assert sha256_of(path) == row["sha256"]
    assert territory.rows(MANIFEST) == before


def test_a_bundle_that_was_changed_is_refused(territory: Territory, tmp_path: Path) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(bundle.bundle_dir(), folder)
    (file,) = (f for f in bundle.resources(folder) if f.dataset == "villages")
    body = bytearray(file.path.read_bytes())
    body[len(body) // 2] ^= 1
    file.path.write_bytes(bytes(body))
    with pytest.raises(Tampered, match="SHA-256"):
        seed_bundle(folder)
    held = territory.rows("SELECT dataset FROM bronze.manifest WHERE dataset = 'villages'")
    assert held == []
