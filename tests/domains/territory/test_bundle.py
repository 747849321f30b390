"""The bundled data: every byte accounted for, and nothing altered gets out."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
import lzma
import shutil
import zipfile
from dataclasses import replace
from datetime import UTC, date
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pyogrio
import pytest
import python_calamine
import yaml

from atalaia.domains.territory.bundle import BundleResource, bundle_dir, read_raw, resources
from atalaia.kernel.base.errors import NotFound, Tampered

BUNDLE = bundle_dir()
DATA = BUNDLE.parent
PACKAGE: dict[str, Any] = json.loads((BUNDLE / "datapackage.json").read_text(encoding="utf-8"))
SPEC: dict[str, Any] = yaml.safe_load((DATA / "bundle_spec.yml").read_text(encoding="utf-8"))
HISTORY = Path(__file__).parents[3] / "src/atalaia/domains/territory/municipality_history.yml"
REAL = {r.name: r for r in resources()}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_bundle_holds_what_the_design_asks_for() -> None:
    parts = {(r.source, r.dataset, r.reference_period) for r in REAL.values()}
    suffixes = ("shp", "shx", "dbf", "prj", "xml")
    mesh = {("ibge", f"municipal_mesh_{suffix}", "2007") for suffix in suffixes}
    deaths = {("registro_civil", "deaths", str(year)) for year in range(2015, 2021)}
    others = {
        ("ibge", "dtb", "2024"),
        ("funai", "villages", "2025"),
        ("mpa", "fishers", "2025"),
        ("ipea", "minimum_wage", "2024"),
    }
    assert parts == mesh | deaths | others
    assert len(REAL) == len(parts) == len(PACKAGE["resources"])


@pytest.mark.parametrize("name", REAL)
def test_raw_bytes_have_the_recorded_hash_and_size(name: str) -> None:
    raw = read_raw(REAL[name])
    assert sha256(raw) == REAL[name].raw_sha256
    assert len(raw) == REAL[name].raw_bytes
    assert REAL[name].path.name.removesuffix(".xz") == REAL[name].raw_name


# Hashes taken from the published packages by hand: a bundle and a description rebuilt together
# from other bytes would agree with each other, and not with these.
PUBLISHED = {
    "55mu2500gsd.shp": "1eb986e0598a79066ba5db459c520bc4166aa59d0c7b6ef6fec44f0b4877f7ae",
    "55mu2500gsd.dbf": "c9a1913dc8ad2e5d7287cb4cd32eda9342c9c452b454bbc501e1025d242499c1",
    "RELATORIO_DTB_BRASIL_2024_MUNICIPIOS.xls": "001095330510a5f8950f714c718a5d7e18bca97cce281404f404cd211b8f8530",  # noqa: E501
    "data_2019.csv": "cd9c51cba5fc676bc0a498b1538541b5740c7ca1084599b37fcbe947d55a4f6d",
    "pescadores-e-pescadoras-profissionais-07062025.parquet": "0b94d25d1e491abebaa21db4572772f33047b25ab833a9c9374a29da591038f7",  # noqa: E501
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_raw_files_are_the_ones_the_packages_publish(name: str) -> None:
    (resource,) = (r for r in REAL.values() if r.raw_name == name)
    assert sha256(read_raw(resource)) == PUBLISHED[name]


def copy_of(resource: BundleResource, folder: Path) -> BundleResource:
    target = folder / resource.path.name
    shutil.copy(resource.path, target)
    return replace(resource, path=target)


@pytest.mark.parametrize("name", ["ipea-minimum-wage-2024", "registro-civil-deaths-2020"])
@pytest.mark.parametrize("where", [0, 0.3, 0.7, 1])
def test_a_flipped_byte_is_refused(name: str, where: float, tmp_path: Path) -> None:
    resource = copy_of(REAL[name], tmp_path)
    stored = bytearray(resource.path.read_bytes())
    stored[int(where * (len(stored) - 1))] ^= 1
    resource.path.write_bytes(stored)
    with pytest.raises(Tampered, match=resource.path.name):
        read_raw(resource)


def test_other_content_in_a_sound_archive_is_refused(tmp_path: Path) -> None:
    resource = copy_of(REAL["registro-civil-deaths-2020"], tmp_path)
    raw = lzma.decompress(resource.path.read_bytes())
    resource.path.write_bytes(lzma.compress(raw.replace(b"2020,4,", b"2020,3,", 1)))
    with pytest.raises(Tampered, match=r"has SHA-256 .* not the recorded"):
        read_raw(resource)


@pytest.mark.parametrize("keep", [0, 1000])
def test_a_truncated_or_empty_file_is_refused(keep: int, tmp_path: Path) -> None:
    resource = copy_of(REAL["registro-civil-deaths-2020"], tmp_path)
    resource.path.write_bytes(resource.path.read_bytes()[:keep])
    with pytest.raises(Tampered):
        read_raw(resource)


def test_a_missing_file_and_a_missing_bundle_say_what_to_do(tmp_path: Path) -> None:
    gone = replace(REAL["ibge-dtb-2024"], path=tmp_path / "gone.xls.xz")
    with pytest.raises(Tampered, match=r"gone\.xls\.xz is gone.*make bundle"):
        read_raw(gone)
    with pytest.raises(NotFound, match=r"no bundled data.*make bundle"):
        resources(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"resources": [{"name": "x"}]}'])
def test_a_damaged_description_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "datapackage.json").write_text(text)
    with pytest.raises(Tampered, match=r"datapackage\.json is damaged"):
        resources(tmp_path)


def test_a_resource_knows_its_package_and_moment() -> None:
    deaths = REAL["registro-civil-deaths-2019"]
    assert deaths.extracted_at.isoformat() == "2020-05-22T14:07:52+00:00"
    assert all(r.extracted_at.tzinfo == UTC for r in REAL.values())
    assert deaths.package == {
        "name": "brazil-monthly-deaths",
        "version": "1.4.0",
        "archive": "brazil_monthly_deaths-1.4.0-py2.py3-none-any.whl",
        "sha256": "bb5f3dd14b1801bf63007c4eaecb329f94ffcf1fdd4863f498a182d9baadf1df",
        "file": "brazil_monthly_deaths/data/data_2019.csv",
        "license": deaths.license,
    }
    assert "não declara licença" in deaths.license


def test_every_file_is_described_and_every_description_has_its_file() -> None:
    on_disk = {p.relative_to(BUNDLE).as_posix() for p in BUNDLE.rglob("*") if p.is_file()}
    described = {item["path"] for item in PACKAGE["resources"]}
    licenses = {item["package"]["license_file"] for item in PACKAGE["resources"]}
    assert on_disk == described | licenses | {"datapackage.json"}


@pytest.mark.parametrize("item", PACKAGE["resources"], ids=lambda item: str(item["name"]))
def test_a_description_is_complete_and_true(item: dict[str, Any]) -> None:
    stored = (BUNDLE / item["path"]).read_bytes()
    assert item["bytes"] == len(stored)
    assert item["hash"] == f"sha256:{sha256(stored)}"
    folder = "/".join(item[key] for key in ("source", "dataset", "reference_period"))
    assert Path(item["path"]).parent.as_posix() == folder
    assert ("compression" in item) == item["path"].endswith(".xz")
    for key in ("format", "mediatype", "description", "extracted_at_basis"):
        assert item[key].strip()
    for terms in item["licenses"]:
        assert terms["name"].strip()
        assert terms["title"].strip()
        assert terms["path"].startswith("https://")
    assert [set(source) for source in item["sources"]] == [{"title", "path"}]
    pinned = SPEC["packages"][item["package"]["name"]]
    for key in ("version", "archive", "sha256", "license"):
        assert item["package"][key] == pinned[key]


def test_the_package_itself_is_described() -> None:
    assert {"name", "title", "profile", "licenses", "sources", "resources"} <= PACKAGE.keys()
    names = [item["name"] for item in PACKAGE["resources"]]
    assert names == sorted(set(names))


def columns_of(item: dict[str, Any], raw: bytes, folder: Path) -> list[str]:
    """The column names the bytes have, read by what the format is for."""
    if item["format"] == "csv":
        return next(csv.reader(io.StringIO(raw.decode(item["encoding"]))))
    if item["format"] == "parquet":
        return list(pl.read_parquet_schema(io.BytesIO(raw)))
    if item["format"] == "xls":
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(raw))
        sheet = book.get_sheet_by_name(item["dialect"]["excel"]["sheet"]).to_python()
        return [str(c) for c in sheet[item["dialect"]["headerRows"][0] - 1] if c]
    (folder / item["raw"]["name"]).write_bytes(raw)
    return [str(c) for c in pyogrio.read_info(folder / item["raw"]["name"])["fields"]]


@pytest.mark.parametrize(
    "item", [i for i in PACKAGE["resources"] if "schema" in i], ids=lambda item: str(item["name"])
)
def test_a_schema_names_the_columns_the_file_has(item: dict[str, Any], tmp_path: Path) -> None:
    schema = item["schema"]
    fields = [field["name"] for field in schema["fields"]]
    assert fields == columns_of(item, read_raw(REAL[item["name"]]), tmp_path)
    key = schema.get("primaryKey", [])
    assert set([key] if isinstance(key, str) else key) <= set(fields)
    for foreign in schema.get("foreignKeys", []):
        there = foreign["reference"]
        other = next(i for i in PACKAGE["resources"] if i["name"] == there["resource"])
        assert foreign["fields"] in fields
        assert there["fields"] in [field["name"] for field in other["schema"]["fields"]]
    assert "missingValues" in schema


def test_tables_without_a_schema_are_only_the_geometry_files() -> None:
    bare = {i["format"] for i in PACKAGE["resources"] if "schema" not in i}
    assert bare == {"shp", "shx", "prj", "xml"}


def test_warnings_travel_with_the_deaths() -> None:
    for item in PACKAGE["resources"]:
        if item["dataset"] == "deaths":
            for warning in (
                "cobertura crescente",
                "Maio de 2020",
                "são as do Paraná",
                "são as da Bahia",
                "Rio de Janeiro",
                "nunca zero",
            ):
                assert warning in item["description"].replace("\n", " ")


def municipalities() -> tuple[dict[str, str], set[str]]:
    """IBGE code → state code of the DTB 2024, and the codes that the mesh draws."""
    book = python_calamine.CalamineWorkbook.from_filelike(
        io.BytesIO(read_raw(REAL["ibge-dtb-2024"]))
    )
    now = {str(row[7]): str(row[8]) for row in book.get_sheet_by_index(0).to_python()[7:]}
    dbf = read_raw(REAL["ibge-municipal-mesh-dbf-2007"])
    start, width = int.from_bytes(dbf[8:10], "little"), int.from_bytes(dbf[10:12], "little")
    records = range(start, len(dbf) - width + 1, width)
    drawn = {dbf[at + 1 : at + 11].decode("ascii").strip() for at in records}
    return now, drawn - {"4300001", "4300002"}


def test_the_history_tells_exactly_the_municipalities_without_mesh() -> None:
    now, drawn = municipalities()
    assert (len(now), len(drawn)) == (5571, 5564)
    history = yaml.safe_load(HISTORY.read_text(encoding="utf-8"))
    assert {entry["code"] for entry in history} == now.keys() - drawn
    for entry in history:
        assert entry["name"] == now[entry["code"]]
        assert date(2008, 12, 31) < entry["valid_from"] <= date(2025, 1, 1)
        assert entry["predecessors"] == sorted(set(entry["predecessors"])) != []
        assert set(entry["predecessors"]) <= drawn
        assert {p[:2] for p in entry["predecessors"]} == {entry["code"][:2]}
        assert entry["evidence"].strip()
        assert entry["law"] is None or entry["law"].startswith("Lei estadual")


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_bundle", DATA / "build_bundle.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def small(tmp_path: Path) -> tuple[dict[str, Any], Path]:
    """A specification of one package with one table in it, and the folder that has the package."""
    archive = tmp_path / "tiny-1.0.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("tiny/LICENSE", "free")
        file.writestr("tiny/b.csv", "a\r\n1\r\n" * 500)
        file.writestr("tiny/a.parquet", b"PAR1")
    table = {"dataset": "t", "format": "csv", "mediatype": "text/csv", "file": "b.csv"}
    spec = {
        "name": "n",
        "title": "t",
        "description": "d",
        "packages": {
            "tiny": {
                "version": "1.0",
                "archive": archive.name,
                "license": "MIT",
                "sha256": sha256(archive.read_bytes()),
                "released": "2020-01-01",
                "released_basis": "x",
                "license_file": "tiny/LICENSE",
            }
        },
        "sources": {"s": {"title": "S", "path": "https://s"}},
        "licenses": {"l": {"name": "l", "title": "L", "path": "https://l"}},
        "datasets": [
            {
                "source": "s",
                "package": "tiny",
                "license": "l",
                "folder": "tiny",
                "description": "d",
                "files": [
                    {**table, "period": "2021"},
                    {**table, "period": "2020", "file": "a.parquet", "format": "parquet"},
                ],
            }
        ],
    }
    return spec, tmp_path


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


def test_building_twice_gives_the_same_bytes(
    builder: ModuleType, small: tuple[dict[str, Any], Path]
) -> None:
    spec, folder = small
    builder.build(spec, folder, folder / "one")
    builder.build(spec, folder, folder / "two")
    first = tree(folder / "one")
    assert first == tree(folder / "two")
    assert first.keys() == {
        "datapackage.json",
        "licenses/tiny.txt",
        "s/t/2020/a.parquet",
        "s/t/2021/b.csv.xz",
    }
    assert first["s/t/2020/a.parquet"] == b"PAR1"
    assert lzma.decompress(first["s/t/2021/b.csv.xz"]) == b"a\r\n1\r\n" * 500
    read = [read_raw(resource) for resource in resources(folder / "one")]
    assert read == [b"PAR1", b"a\r\n1\r\n" * 500]


def test_a_package_with_another_hash_is_not_used(
    builder: ModuleType, small: tuple[dict[str, Any], Path]
) -> None:
    spec, folder = small
    with zipfile.ZipFile(folder / "tiny-1.0.zip", "a") as file:
        file.writestr("tiny/more", "x")
    with pytest.raises(SystemExit, match=r"tiny-1\.0\.zip: SHA-256 is"):
        builder.build(spec, folder, folder / "one")
    assert not (folder / "one").exists()
